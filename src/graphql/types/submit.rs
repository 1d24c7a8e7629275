//! What goes into `submitFeedback`, and what comes out.

use async_graphql::{Enum, InputObject, SimpleObject};

use super::feedback::FeedbackObject;
use crate::domain::{
    Content, EmailAddress, Field, IdempotencyKey, Message, Metadata, MetadataEntry, NewFeedback, PageUrl,
    Part, Rating, Rule, Topic, Violation, Violations,
};
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

impl TryFrom<SubmitFeedbackInput> for NewFeedback {
    type Error = Vec<Violation>;

    fn try_from(input: SubmitFeedbackInput) -> Result<Self, Vec<Violation>> {
        let SubmitFeedbackInput {
            message,
            rating,
            topic,
            email,
            page_url,
            metadata,
            idempotency_key,
        } = input;
        let pairs = metadata.into_iter().flatten();
        let pairs = pairs.map(|FeedbackMetadataInput { key, value }| MetadataEntry { key, value });
        let pairs: Vec<_> = pairs.collect();
        let mut found = Violations::default();
        // In the order of the input's fields, which is the order of the user errors.
        let message = found.value_of(Message::parse(&message));
        let rating = rating.and_then(|rating| found.value_of(Rating::parse(rating.into())));
        let topic = topic.and_then(|topic| found.value_of(Topic::parse(&topic)));
        let email = email.and_then(|email| found.value_of(EmailAddress::parse(&email)));
        let page_url = page_url.and_then(|url| found.value_of(PageUrl::parse(&url)));
        let metadata = found.value_of(Metadata::parse(&pairs));
        let idempotency_key = idempotency_key.and_then(|key| found.value_of(IdempotencyKey::parse(key)));
        let new = message.zip(metadata).map(|(message, metadata)| Self {
            content: Content {
                message,
                rating,
                topic,
                email,
                page_url,
                metadata,
            },
            idempotency_key,
        });
        found.finish(new)
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
            feedback: Some(feedback.into()),
            user_errors: Vec::new(),
            replayed,
        }
    }
}

impl From<Vec<Violation>> for SubmitFeedbackPayload {
    fn from(violations: Vec<Violation>) -> Self {
        let user_errors = violations.into_iter().map(|violation| SubmitFeedbackUserError {
            field: path(violation.field),
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

/// The way to a field of the input, from the input down.
fn path(field: Field) -> Vec<String> {
    let name = match field {
        Field::Message => "message",
        Field::Rating => "rating",
        Field::Topic => "topic",
        Field::Email => "email",
        Field::PageUrl => "pageUrl",
        Field::Metadata => "metadata",
        Field::MetadataEntry(index, part) => {
            let part = match part {
                Part::Key => "key",
                Part::Value => "value",
            };
            return ["metadata", &index.to_string(), part].map(str::to_owned).into();
        }
        Field::IdempotencyKey => "idempotencyKey",
    };
    vec![name.to_owned()]
}
