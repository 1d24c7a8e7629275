//! Feedback, as it is submitted and as it is stored.

use super::{Content, FeedbackId, IdempotencyKey, Position, Quarantine, Signals, Timestamp, Triage};

/// Feedback to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFeedback {
    /// What the person wrote.
    pub content: Content,
    /// The key that it is submitted under.
    pub idempotency_key: Option<IdempotencyKey>,
    /// How it was submitted. No part of what a retry has to repeat.
    pub signals: Signals,
}

impl NewFeedback {
    /// The id that this gets when it is submitted at `now`: a new one, or with an idempotency key the one that
    /// belongs to the key.
    #[must_use]
    pub fn id(&self, now: Timestamp) -> FeedbackId {
        let key = self.idempotency_key.as_ref();
        key.map_or_else(|| FeedbackId::new(now), FeedbackId::of_key)
    }
}

/// Feedback without an idempotency key, of which nothing is known but the content.
impl From<Content> for NewFeedback {
    fn from(content: Content) -> Self {
        Self {
            content,
            idempotency_key: None,
            signals: Signals::default(),
        }
    }
}

/// A piece of feedback, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Which one it is.
    pub id: FeedbackId,
    /// When it was submitted. Items of a system that kept whole seconds have no milliseconds.
    pub submitted_at: Timestamp,
    /// What the person wrote.
    pub content: Content,
    /// What staff made of it. `None` for feedback from before there was triage.
    pub triage: Option<Triage>,
    /// Why it is put aside; `None` for feedback that is not.
    pub quarantine: Option<Quarantine>,
}

impl Feedback {
    /// Its place on the timeline, or in quarantine.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::new(self.submitted_at, self.id)
    }
}
