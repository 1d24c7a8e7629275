//! What is logged, and how.
//!
//! Only this crate's lines go below warnings: the AWS SDK's would show whole requests, and with them what
//! people wrote.

use std::{io, panic};

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// The beginning of a text from outside, so that nobody can fill the log with one field of a line: at most so many
/// bytes, cut between characters.
#[must_use]
pub fn beginning(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object, to standard output: for CloudWatch Logs.
    Json,
    /// A text, to standard error: for people.
    Text,
}

/// Logs everything from `level` up from now on, panics included. Does nothing where a program logs already.
pub fn start(level: Level, format: Format) {
    let filter = Targets::new()
        .with_default(LevelFilter::WARN.min(LevelFilter::from_level(level)))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    // The embedded engine warns of every refusal, which its client reports already.
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
    // Fails only where another one is set, which is what the program then wants.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        // As lines like all others. A panic's text is left out: it may quote anything.
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
