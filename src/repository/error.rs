//! Errors of operations on the table, as far as a caller has to know.
//!
//! The SDK's error enums stay in this module. A caller asks whether it may help to retry
//! ([`RepositoryError::is_throttled`], [`RepositoryError::is_unavailable`]).
//!
//! The text is for the log: it includes the causes, so that nothing has to print them in addition, has at most
//! [`MAX_TEXT`] bytes and holds no content of an item. The SDK's own error is the source. Its `Debug` form has the
//! whole response in it, so ours leaves it out.

use std::error::Error as StdError;
use std::fmt::{self, Display, Write};

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BoxError, BuildError, ProvideErrorMetadata, SdkError};
use thiserror::Error;

use super::indexes::Index;
use crate::domain::FeedbackId;

/// What DynamoDB says of an index that there is none of, and of one that it is still filling. It has no code for it.
const MISSING_INDEX: [&str; 2] = [
    "does not have the specified index",
    "backfilling global secondary index",
];

/// The longest text of an error, in bytes. DynamoDB's messages are shorter.
const MAX_TEXT: usize = 1_000;

/// An operation on the table that did not succeed.
#[derive(Error)]
#[error("{text}")]
pub struct RepositoryError {
    kind: Kind,
    text: String,
    source: Option<BoxError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Too much is asked of the table at the moment.
    Throttled,
    /// DynamoDB cannot be reached, or has trouble of its own.
    Unavailable,
    /// There is no such index: it is not configured, or being built or removed.
    MissingIndex(Option<Index>),
    /// The request or the configuration is wrong, or an item cannot be written as it is.
    Internal,
}

impl RepositoryError {
    /// Whether DynamoDB took the request for one too many. It helps to wait.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.kind == Kind::Throttled
    }

    /// Whether DynamoDB could not be reached or did not answer in time. It may help to try again.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// The index that is required and missing: it is not configured, or DynamoDB is still filling it.
    #[must_use]
    pub fn required_index(&self) -> Option<Index> {
        match self.kind {
            Kind::MissingIndex(index) => index,
            _ => None,
        }
    }

    /// Whether the index that was to be read is not there.
    pub(super) fn is_missing_index(&self) -> bool {
        matches!(self.kind, Kind::MissingIndex(_))
    }

    /// The same error, where nothing can be done without this index.
    pub(super) fn requiring(self, index: Index) -> Self {
        match self.kind {
            Kind::MissingIndex(_) => Self {
                kind: Kind::MissingIndex(Some(index)),
                ..self
            },
            _ => self,
        }
    }

    pub(super) fn not_configured(index: Index) -> Self {
        let text = format!("the index {} is not configured", index.name());
        Self::new(Kind::MissingIndex(Some(index)), text, None)
    }

    pub(super) fn id_is_taken(id: FeedbackId) -> Self {
        Self::internal(format!("the id {id} is another feedback's"))
    }

    pub(crate) fn unprocessed(keys: usize) -> Self {
        let text = format!("BatchGetItem left {keys} keys unprocessed time and again");
        Self::new(Kind::Throttled, text, None)
    }

    pub(crate) fn not_ready(table: &str) -> Self {
        let text = format!("the new table {table} did not become ready");
        Self::new(Kind::Unavailable, text, None)
    }

    pub(super) fn contended(what: impl Display) -> Self {
        let text = format!("others kept changing {what}");
        Self::new(Kind::Unavailable, text, None)
    }

    pub(crate) fn internal(text: String) -> Self {
        Self::new(Kind::Internal, text, None)
    }

    fn new(kind: Kind, mut text: String, source: Option<BoxError>) -> Self {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        Self { kind, text, source }
    }
}

impl fmt::Debug for RepositoryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("RepositoryError");
        shown.field("kind", &self.kind).field("text", &self.text);
        shown.finish_non_exhaustive()
    }
}

impl From<BuildError> for RepositoryError {
    fn from(error: BuildError) -> Self {
        Self::new(Kind::Internal, error.to_string(), Some(error.into()))
    }
}

impl From<serde_dynamo::Error> for RepositoryError {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::new(Kind::Internal, error.to_string(), Some(error.into()))
    }
}

impl<E> From<SdkError<E>> for RepositoryError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        let (kind, text) = match &error {
            SdkError::ServiceError(answer) => of_answer(answer.err(), answer.raw()),
            SdkError::ConstructionFailure(_) => (Kind::Internal, chain(&error)),
            _ => (Kind::Unavailable, chain(&error)),
        };
        Self::new(kind, text, Some(error.into()))
    }
}

fn of_answer(error: &impl ProvideErrorMetadata, raw: &HttpResponse) -> (Kind, String) {
    let status = raw.status();
    let kind = match error.code() {
        Some(code) if THROTTLING_ERRORS.contains(&code) => Kind::Throttled,
        Some(code) if is_of_missing_index(code, error) => Kind::MissingIndex(None),
        // Another function is about to change the item in a transaction.
        Some("TransactionConflictException") => Kind::Unavailable,
        _ if status.is_server_error() => Kind::Unavailable,
        _ => Kind::Internal,
    };
    let message = error.message().unwrap_or("no message");
    let text = match error.code() {
        Some(code) => format!("DynamoDB answered {code}: {message}"),
        // The causes are left out: the SDK's parser quotes what it found.
        None => format!("DynamoDB's response with HTTP status {status} cannot be read"),
    };
    (kind, text)
}

fn is_of_missing_index(code: &str, error: &impl ProvideErrorMetadata) -> bool {
    let message = error.message().unwrap_or_default();
    match code {
        "ValidationException" => MISSING_INDEX.iter().any(|text| message.contains(text)),
        // A deployment that removes an index takes the permission first, from the versions before it as well.
        "AccessDeniedException" => message.contains("/index/"),
        _ => false,
    }
}

/// The error and its causes, outermost first.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::put_item::PutItemError;
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;

    use super::*;

    #[test]
    fn a_request_that_cannot_even_be_made_is_nobodys_trouble_but_ours() {
        let error = SdkError::<PutItemError>::construction_failure("no such field");
        let error = RepositoryError::from(error);
        assert_eq!((error.is_throttled(), error.is_unavailable()), (false, false));
        assert_eq!(error.to_string(), "failed to construct request: no such field");
    }

    #[test]
    fn an_item_that_the_sdks_error_holds_is_in_no_form_of_ours() {
        let code = "ConditionalCheckFailedException";
        let refused = ConditionalCheckFailedException::builder()
            .item("feedback", AttributeValue::S("planted".to_owned()))
            .meta(ErrorMetadata::builder().code(code).message("no").build());
        let refused = PutItemError::ConditionalCheckFailedException(refused.build());
        let response = HttpResponse::new(400_u16.try_into().unwrap(), "planted".into());
        let error = SdkError::service_error(refused, response);
        assert!(format!("{error:?}").contains("planted"));

        let error = RepositoryError::from(error);
        let text = "DynamoDB answered ConditionalCheckFailedException: no";
        assert_eq!(error.to_string(), text);
        let debug = format!("RepositoryError {{ kind: Internal, text: \"{text}\", .. }}");
        assert_eq!(format!("{error:?}"), debug);
        let source = error.source().unwrap();
        assert!(source.is::<SdkError<PutItemError>>());
        assert!(!chain(source).contains("planted"));
    }

    #[test]
    fn a_text_is_cut_where_it_gets_too_long() {
        let error = SdkError::<PutItemError>::construction_failure("ä".repeat(MAX_TEXT));
        let length = RepositoryError::from(error).to_string().len();
        assert!((MAX_TEXT - 1..=MAX_TEXT).contains(&length), "{length}");
    }
}
