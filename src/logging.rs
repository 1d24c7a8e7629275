//! Logging.
//!
//! Below warnings, only this crate's lines are logged: the AWS SDK's would contain requests, and with them feedback.

mod metrics;

use std::panic;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use metrics::WithMetrics;

/// The target of the lines of requests.
const REQUESTS: &str = concat!(env!("CARGO_CRATE_NAME"), "::http::request_log");

/// The beginning of a text from outside, so that no field of a line can flood the log: at most `most` bytes, cut between
/// characters.
#[must_use]
pub fn beginning(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The format of log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// A JSON object: for CloudWatch Logs.
    Json {
        /// The name of the function, with which the line of each request is metrics too, and logged at every level.
        metrics_of: Option<String>,
    },
    /// A text: for people.
    Text,
}

/// Starts logging from `level` up, panics included. Does nothing if logging was started before.
pub fn start<W>(level: Level, format: Format, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level_of_requests = match format {
        Format::Json { metrics_of: Some(_) } => level.max(Level::INFO),
        Format::Json { metrics_of: None } | Format::Text => level,
    };
    let filter = Targets::new()
        .with_default(LevelFilter::WARN.min(LevelFilter::from_level(level)))
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_target(REQUESTS, level_of_requests);
    // The embedded engine warns of every error response, which its client reports already.
    #[cfg(feature = "local")]
    let filter = filter.with_target("dynoxide", LevelFilter::ERROR);
    let layer = fmt::layer().with_writer(writer);
    let layer = match format {
        Format::Json { metrics_of } => {
            let layer = layer.json().flatten_event(true);
            let layer = layer.with_current_span(true).with_span_list(false);
            let with_metrics = |format| WithMetrics {
                format,
                target: REQUESTS,
                function_name: metrics_of,
            };
            layer.map_event_format(with_metrics).boxed()
        }
        Format::Text => layer.compact().with_target(false).boxed(),
    };
    let subscriber = Registry::default().with(layer.with_filter(filter));
    // Fails only if another one is set.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        // As lines like all others, without the panic's text, which may quote anything.
        panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, "a panic");
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        for (text, most, expected) in [
            ("", 4, ""),
            ("abcd", 4, "abcd"),
            ("abcde", 4, "abcd"),
            ("abcä", 4, "abc"),
            ("äö", 4, "äö"),
            ("🌟", 3, ""),
        ] {
            assert_eq!(beginning(text, most), expected, "{text}");
        }
    }
}
