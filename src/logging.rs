//! Logging.
//!
//! Below warnings, only this crate's lines are logged: the AWS SDK's would contain requests, and with them feedback.

use std::{io, panic};

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// The beginning of a text from outside, so that no field of a line can flood the log: at most `most` bytes, cut between
/// characters.
#[must_use]
pub fn beginning(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object, to standard output: for CloudWatch Logs.
    Json,
    /// A text, to standard error: for people.
    Text,
}

/// Starts logging from `level` up, panics included. Does nothing if logging was started before.
pub fn start(level: Level, format: Format) {
    let filter = Targets::new()
        .with_default(LevelFilter::WARN.min(LevelFilter::from_level(level)))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    // The embedded engine warns of every error response, which its client reports already.
    #[cfg(feature = "local")]
    let filter = filter.with_target("dynoxide", LevelFilter::ERROR);
    let layer = match format {
        Format::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
        Format::Text => fmt::layer()
            .compact()
            .with_target(false)
            .with_writer(io::stderr)
            .boxed(),
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
