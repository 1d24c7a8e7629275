//! What goes into `submitFeedback`, and what comes out.

use async_graphql::{Enum, InputObject, SimpleObject};

use super::feedback::FeedbackObject;
use crate::domain::{Draft, MetadataEntry, Rule, Violation};
use crate::repository::Submission;

/// Feedback to submit. Before a text is checked and stored, white space at its ends is trimmed, and each line break
/// (`\r\n` or `\r`) becomes `\n`; otherwise it is stored as it is. Lengths are counted in Unicode characters (code
/// points) after that. A text that must not be empty needs a character that can be seen.
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
    /// The page they are on: a whole http or https URL of at most 2,048 characters, without a user name or password.
    page_url: Option<String>,
    /// Whatever else your frontend knows: at most 16 pairs.
    metadata: Option<Vec<FeedbackMetadataInput>>,
    /// What makes a retry known as one: 8 to 128 characters that your frontend makes up once for each
    /// submission, a UUID for instance, and sends again when it tries again. However often and however much at
    /// once it does, the feedback is stored once, for as long as that is kept: a retry that comes after the
    /// feedback was deleted, or has expired, stores it anew. It is not trimmed.
    idempotency_key: Option<String>,
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
    /// Whether the same was submitted under the same `idempotencyKey` before. Then `feedback` is the first.
    replayed: bool,
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
    /// The text is empty, or has only white space and other characters that nobody can see. Leave an optional field out
    /// instead.
    Blank,
    /// The text has too few characters.
    TooShort,
    /// The text has too many characters.
    TooLong,
    /// The list has too many entries.
    TooMany,
    /// The number is too small or too large.
    OutOfRange,
    /// The text has a control character other than those of line breaks and tabs.
    ControlCharacter,
    /// The text is not an email address.
    InvalidEmail,
    /// The text is not a whole http or https URL, or has a user name or a password in it.
    InvalidUrl,
    /// The key stands in the list already.
    DuplicateKey,
    /// Something else was submitted under this `idempotencyKey` before. Make up a new one for new feedback.
    IdempotencyKeyReused,
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
            idempotency_key: input.idempotency_key,
        }
    }
}

impl From<Submission> for SubmitFeedbackPayload {
    fn from(submission: Submission) -> Self {
        let (feedback, replayed) = match submission {
            Submission::Stored(feedback) => (feedback, false),
            Submission::Replayed(feedback) => (feedback, true),
            Submission::KeyReused => return vec![Violation::idempotency_key_reused()].into(),
        };
        Self {
            feedback: Some(FeedbackObject(feedback)),
            user_errors: Vec::new(),
            replayed,
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
            replayed: false,
        }
    }
}
