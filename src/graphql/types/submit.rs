//! The input and the output of `submitFeedback`.

use async_graphql::{Enum, InputObject, SimpleObject};

use super::feedback::FeedbackObject;
use crate::domain::{
    Content, EmailAddress, Field, IdempotencyKey, Message, Metadata, MetadataEntry, NewFeedback, PageUrl,
    Part, Rating, Rule, Signals, Topic, Violation, Violations,
};
use crate::repository::Submission;

/// Feedback to submit. Before a text is validated, white space at its ends is trimmed, and each line break (`\r\n` or
/// `\r`) becomes `\n`; otherwise it is stored unchanged. Lengths are counted in Unicode code points after that. A text
/// that must not be empty needs a visible character.
#[derive(InputObject)]
pub(crate) struct SubmitFeedbackInput {
    /// The text of the feedback: 1 to 5,000 characters.
    message: String,
    /// The person's satisfaction, from 1 (lowest) to 5 (highest).
    rating: Option<i32>,
    /// The subject of the feedback: 1 to 64 characters. Listings can be filtered by it.
    topic: Option<String>,
    /// The person's email address: at most 254 characters.
    email: Option<String>,
    /// The page that it is sent from: an absolute http or https URL of at most 2,048 characters, without a user name or
    /// password.
    page_url: Option<String>,
    /// Key-value pairs with whatever else your frontend knows: at most 16.
    metadata: Option<Vec<FeedbackMetadataInput>>,
    /// Identifies retries of the same submission: 8 to 128 characters, not trimmed. Generate one for each submission, a
    /// UUID for instance, and send it again with each retry. However many retries there are, concurrent ones included,
    /// the feedback is stored once. A retry after the feedback was deleted or has expired stores it again.
    idempotency_key: Option<String>,
    /// The value of a form field that people never see, empty or not. What is in it is not stored: if it is not empty, a
    /// robot has filled the form, and the feedback is put aside for staff to look at.
    trap: Option<String>,
    /// The milliseconds between showing the form and sending it, rounded, at most 2,147,483,647. It is not stored.
    elapsed_ms: Option<i32>,
}

/// A key-value pair to add to feedback.
#[derive(InputObject)]
pub(crate) struct FeedbackMetadataInput {
    /// The key: 1 to 64 characters, unique within the feedback.
    key: String,
    /// The value: up to 256 characters.
    value: String,
}

/// The payload of `submitFeedback`: either the feedback, or what is wrong with the input.
#[derive(SimpleObject)]
pub(crate) struct SubmitFeedbackPayload {
    /// The stored feedback. Null if there are user errors: then nothing was stored.
    feedback: Option<FeedbackObject>,
    /// Every error in the input, in the order of its fields. Empty if the feedback was stored.
    user_errors: Vec<SubmitFeedbackUserError>,
    /// Whether the same content was submitted with this `idempotencyKey` before. Then `feedback` is the first submission.
    replayed: bool,
}

/// An error in the input that the person can correct.
#[derive(SimpleObject)]
pub(crate) struct SubmitFeedbackUserError {
    /// The path to the field in the input, list indexes included: `["message"]`, `["metadata", "2", "key"]`.
    field: Vec<String>,
    /// The error code, for programs.
    code: SubmitFeedbackErrorCode,
    /// A description of the error in English, to follow the field's name: "must have 1 to 64 characters …".
    message: String,
}

/// The error codes of `submitFeedback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Rule")]
pub(crate) enum SubmitFeedbackErrorCode {
    /// The text is empty, or has only white space and other invisible characters. Omit an optional field instead.
    Blank,
    /// The text has too few characters.
    TooShort,
    /// The text has too many characters.
    TooLong,
    /// The list has too many entries.
    TooMany,
    /// The number is too small or too large.
    OutOfRange,
    /// The text has a control character other than line breaks and tabs.
    ControlCharacter,
    /// The text is not an email address.
    InvalidEmail,
    /// The text is not an absolute http or https URL, or contains a user name or a password.
    InvalidUrl,
    /// The key occurs earlier in the list.
    DuplicateKey,
    /// Other content was submitted with this `idempotencyKey` before. Generate a new one for new feedback.
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
            trap,
            elapsed_ms,
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
            signals: Signals {
                trap,
                elapsed_ms: elapsed_ms.map(f64::from),
                by_client: None,
            },
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

/// The path to a field in the input.
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
