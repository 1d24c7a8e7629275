//! What goes into `submitFeedback`, and what comes out.

use async_graphql::{Enum, InputObject, SimpleObject};

use super::feedback::FeedbackObject;
use crate::domain::{Draft, Feedback, MetadataEntry, Rule, Violation};

/// Feedback to submit. White space at the ends of every text is trimmed before it is checked and stored;
/// otherwise it is stored as it is. Lengths are counted in Unicode characters (code points) after that.
#[derive(InputObject)]
pub(crate) struct SubmitFeedbackInput {
    /// What the person writes: 1 to 5,000 characters.
    message: String,
    /// How satisfied they are, from 1 (least) to 5 (most).
    rating: Option<i32>,
    /// What it is about: 1 to 64 characters. Listings can be filtered by it.
    topic: Option<String>,
    /// Where they can be answered: an email address of at most 254 characters.
    email: Option<String>,
    /// The page they are on: an http or https URL of at most 2,048 characters.
    page_url: Option<String>,
    /// Whatever else your frontend knows: at most 16 pairs.
    metadata: Option<Vec<FeedbackMetadataInput>>,
}

/// A pair to add to feedback.
#[derive(InputObject)]
pub(crate) struct FeedbackMetadataInput {
    /// What the value tells: 1 to 64 characters, once per piece of feedback.
    key: String,
    /// What it is: up to 256 characters.
    value: String,
}

/// What became of submitted feedback: either the feedback, or what is wrong with it.
#[derive(SimpleObject)]
pub(crate) struct SubmitFeedbackPayload {
    /// The feedback as it was stored. Null when there are user errors: then nothing was stored.
    feedback: Option<FeedbackObject>,
    /// Every rule that the input breaks, in the order of its fields. Empty when the feedback was stored.
    user_errors: Vec<SubmitFeedbackUserError>,
}

/// A rule that the input breaks: something the person can correct.
#[derive(SimpleObject)]
pub(crate) struct SubmitFeedbackUserError {
    /// The way to the field from the input down, list indexes included: `["message"]`,
    /// `["metadata", "2", "key"]`.
    field: Vec<String>,
    /// Which rule it is, for programs.
    code: SubmitFeedbackErrorCode,
    /// What is wrong and what would be right, in English, to follow the field's name: "must have 1 to 64
    /// characters …".
    message: String,
}

/// The rules that the input of `submitFeedback` can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Rule")]
pub(crate) enum SubmitFeedbackErrorCode {
    /// The text is empty, or only white space. Leave an optional field out instead.
    Blank,
    /// The text has too many characters.
    TooLong,
    /// The list has too many entries.
    TooMany,
    /// The number is too small or too large.
    OutOfRange,
    /// The text has a control character other than newline and tab.
    ControlCharacter,
    /// The text is not an email address.
    InvalidEmail,
    /// The text is not a whole http or https URL.
    InvalidUrl,
    /// The key stands in the list already.
    DuplicateKey,
}

impl From<SubmitFeedbackInput> for Draft {
    fn from(input: SubmitFeedbackInput) -> Self {
        let metadata = input.metadata.into_iter().flatten();
        Self {
            message: input.message,
            rating: input.rating.map(i64::from),
            topic: input.topic,
            email: input.email,
            page_url: input.page_url,
            metadata: metadata
                .map(|FeedbackMetadataInput { key, value }| MetadataEntry { key, value })
                .collect(),
        }
    }
}

impl From<Feedback> for SubmitFeedbackPayload {
    fn from(feedback: Feedback) -> Self {
        Self {
            feedback: Some(FeedbackObject(feedback)),
            user_errors: Vec::new(),
        }
    }
}

impl From<Vec<Violation>> for SubmitFeedbackPayload {
    fn from(violations: Vec<Violation>) -> Self {
        let user_errors = violations.into_iter().map(|violation| SubmitFeedbackUserError {
            field: violation.field,
            code: violation.rule.into(),
            message: violation.message,
        });
        Self {
            feedback: None,
            user_errors: user_errors.collect(),
        }
    }
}
