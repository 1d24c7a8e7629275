//! Feedback, as it is stored.

use super::{FeedbackId, Position, Timestamp};

/// A piece of feedback, as it is stored.
///
/// Its texts need not keep the rules of [`NewFeedback`]: it may have been written by an older system, or
/// under older rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Which one it is.
    pub id: FeedbackId,
    /// When it was submitted. Items of a system that kept whole seconds have no milliseconds.
    pub submitted_at: Timestamp,
    /// What the person wrote.
    pub message: String,
    /// How satisfied the person is, 1 to 5.
    pub rating: Option<u8>,
    /// What it is about.
    pub topic: Option<String>,
    /// Where to answer.
    pub email: Option<String>,
    /// The page it was sent from.
    pub page_url: Option<String>,
    /// What the frontend added, in the order in which it did.
    pub metadata: Vec<MetadataEntry>,
}

impl Feedback {
    /// Whether other feedback says the same, whenever it was submitted.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let at_once = Self {
            submitted_at: other.submitted_at,
            ..self.clone()
        };
        at_once == *other
    }

    /// Its place on the timeline.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::new(self.submitted_at, self.id)
    }
}

/// One pair of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataEntry {
    /// What the value tells.
    pub key: String,
    /// What it is.
    pub value: String,
}
