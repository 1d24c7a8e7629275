//! Triage: what staff made of feedback.
//!
//! It changes under a version, so that two people who work through the same feedback do not overwrite each other.

mod change;

use std::collections::BTreeSet;

use strum::{EnumString, IntoStaticStr, VariantArray};

pub use change::{TriageChange, TriageError, TriageField, TriageRule};

use super::violation::checked;
use super::{Timestamp, text};

/// How far feedback has been dealt with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Nobody has begun.
    #[default]
    Open,
    /// Somebody works on it.
    InProgress,
    /// It is done.
    Resolved,
}

impl Status {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The status of this name, like `IN_PROGRESS`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A label: 1 to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(String);

text::text!(Tag);

impl Tag {
    /// The most characters that a tag has.
    pub const MAX_LENGTH: usize = 64;

    fn parse(field: TriageField, text: &str) -> Result<Self, Vec<TriageError>> {
        text::parse(field, text, Self::MAX_LENGTH).map(Self)
    }

    /// A tag to look for, without white space at its ends; `None` where no feedback can have it.
    #[must_use]
    pub fn to_look_for(text: &str) -> Option<Self> {
        Self::parse(TriageField::AddTags, text).ok()
    }
}

/// A remark for other staff: up to 2,000 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note(String);

text::text!(Note);

impl Note {
    /// The most characters that a note has.
    pub const MAX_LENGTH: usize = 2_000;

    fn parse(text: &str) -> Result<Self, Vec<TriageError>> {
        let text = text::stored(text);
        let violations = text::violations_of_optional(TriageField::Note, &text, Self::MAX_LENGTH);
        checked(Self(text), violations)
    }
}

/// What staff made of feedback. The default is what new feedback starts with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Triage {
    /// How far it has been dealt with.
    pub status: Status,
    /// Its labels: at most [`MAX_TAGS`](Self::MAX_TAGS).
    pub tags: BTreeSet<Tag>,
    /// A remark, which is not empty.
    pub note: Option<Note>,
    /// How often it has changed.
    pub version: u32,
    /// The latest change; `None` before the first.
    pub updated: Option<TriageUpdate>,
}

/// When triage changed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriageUpdate {
    /// When.
    pub at: Timestamp,
    /// By whom: the name of a caller, as the log has it.
    pub by: String,
}

impl Triage {
    /// The most tags.
    pub const MAX_TAGS: usize = 16;
}
