//! What can go wrong between the service and DynamoDB, as far as a caller has to know.
//!
//! The SDK's error enums stay in this room. A caller asks whether waiting would help
//! ([`RepositoryError::is_throttled`], [`RepositoryError::is_unavailable`]); the text is for the log, and
//! never holds an item's content.

use std::error::Error as StdError;
use std::fmt::Write;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use thiserror::Error;

use crate::domain::FeedbackId;

/// An operation on the table that did not succeed.
#[derive(Debug, Error)]
#[error("{text}")]
pub struct RepositoryError {
    kind: Kind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Too much is asked of the table at the moment.
    Throttled,
    /// DynamoDB cannot be reached, or has trouble of its own.
    Unavailable,
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

    pub(super) fn id_is_taken(id: FeedbackId) -> Self {
        Self::internal(format!("the id {id} is another feedback's"))
    }

    pub(crate) fn unprocessed(keys: usize) -> Self {
        Self {
            kind: Kind::Throttled,
            text: format!("BatchGetItem left {keys} keys unprocessed time and again"),
        }
    }

    pub(crate) fn not_ready(table: &str) -> Self {
        Self {
            kind: Kind::Unavailable,
            text: format!("the new table {table} did not become ready"),
        }
    }

    pub(crate) fn internal(text: String) -> Self {
        Self {
            kind: Kind::Internal,
            text,
        }
    }
}

impl From<BuildError> for RepositoryError {
    fn from(error: BuildError) -> Self {
        Self::internal(error.to_string())
    }
}

impl<E> From<SdkError<E>> for RepositoryError
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        let SdkError::ServiceError(answer) = &error else {
            let kind = match &error {
                SdkError::ConstructionFailure(_) => Kind::Internal,
                _ => Kind::Unavailable,
            };
            return Self {
                kind,
                text: chain(&error),
            };
        };
        let code = answer.err().code().unwrap_or("an error without a code");
        let kind = match code {
            // The spellings that the SDK itself takes for throttling.
            "LimitExceededException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "SlowDown"
            | "ThrottledException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException" => Kind::Throttled,
            _ if answer.raw().status().is_server_error() => Kind::Unavailable,
            _ => Kind::Internal,
        };
        let message = answer.err().message().unwrap_or("no message");
        Self {
            kind,
            text: format!("DynamoDB answered {code}: {message}"),
        }
    }
}

/// The error and what caused it, outermost first. The SDK's own long form would print the whole answer.
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
    use aws_sdk_dynamodb::operation::put_item::PutItemError;

    use super::*;

    #[test]
    fn a_request_that_cannot_even_be_made_is_nobodys_trouble_but_ours() {
        let error = SdkError::<PutItemError>::construction_failure("no such field");
        let error = RepositoryError::from(error);
        assert_eq!((error.is_throttled(), error.is_unavailable()), (false, false));
        assert_eq!(error.to_string(), "failed to construct request: no such field");
    }
}
