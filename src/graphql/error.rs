//! Errors as clients see them.
//!
//! Resolvers return [`ApiError`], and one conversion decides what clients see of it. The source travels along unseen
//! and is logged once, by the transport. With the library's feature `custom-error-conversion`, no other error becomes
//! one of GraphQL through `?`.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, ServerError};
use strum::{EnumString, IntoStaticStr};

use crate::repository::{ClientLimitExceeded, RepositoryError};

/// The extension with the seconds until a retry may succeed, where they are known.
const RETRY_AFTER: &str = "retryAfter";

/// The `extensions.code` of an error, as Apollo Server or Apollo Router spells it where it has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The HTTP request is not a GraphQL request.
    BadRequest,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document is not valid against the schema.
    GraphqlValidationFailed,
    /// The document has no such operation, or several and none is named.
    OperationResolutionFailure,
    /// An argument or a variable has an invalid value.
    BadUserInput,
    /// A credential is required and is missing or not valid.
    Unauthenticated,
    /// The credential does not allow this.
    Forbidden,
    /// Introspection is disabled.
    IntrospectionDisabled,
    /// No trusted document has this id; the caller may send its text. Clients of Apollo's protocol then do.
    PersistedQueryNotFound,
    /// No trusted document has this id, and the caller may not send another. Clients do not retry.
    PersistedQueryNotInList,
    /// The service has no trusted documents, and finds none by an id. Clients of Apollo's protocol send texts from then on.
    PersistedQueryNotSupported,
    /// The text is not that of a trusted document, and the caller may not send another.
    QueryNotInSafelist,
    /// The document has more bytes than allowed.
    QueryTooLong,
    /// The document has more tokens than allowed.
    TooManyTokens,
    /// The fields are nested more deeply than allowed.
    QueryTooDeep,
    /// The fields cost more than allowed.
    QueryTooComplex,
    /// More fields have aliases than allowed.
    TooManyAliases,
    /// The operation has more root fields than allowed.
    TooManyRootFields,
    /// The document has more directives than allowed.
    TooManyDirectives,
    /// The operation submits more feedback than an anonymous caller may in one request.
    TooManySubmissions,
    /// The body has more bytes than allowed.
    PayloadTooLarge,
    /// The response has more bytes than can be sent.
    ResponseTooLarge,
    /// The table does not have an index that the field requires.
    IndexMissing,
    /// DynamoDB throttles requests at the moment, or a client has submitted as much in this hour as it may.
    TooManyRequests,
    /// DynamoDB or Secrets Manager is unavailable at the moment.
    ServiceUnavailable,
    /// Any other internal error.
    InternalServerError,
}

impl ErrorCode {
    /// The code as it is sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The code that an error carries.
    #[must_use]
    pub fn of(error: &ServerError) -> Option<Self> {
        let async_graphql::Value::String(text) = error.extensions.as_ref()?.get("code")? else {
            return None;
        };
        text.parse().ok()
    }

    /// The code and the message for a failed operation on the table.
    #[must_use]
    pub fn of_failure(error: &RepositoryError) -> (Self, Cow<'static, str>) {
        if error.is_throttled() {
            let message = "too many requests at the moment: try again in a few seconds";
            (Self::TooManyRequests, message.into())
        } else if error.is_unavailable() {
            let message = "the service is unavailable at the moment: try again in a few seconds";
            (Self::ServiceUnavailable, message.into())
        } else if let Some(index) = error.required_index() {
            let name = index.name();
            let remedy = if index.is_always_there() {
                "deploy this version's template, which has it".to_owned()
            } else {
                format!("add `{name}` to FEEDBACK_INDEXES, in the template to `Indexes`")
            };
            let message = format!(
                "the index `{name}` is missing: {remedy}; if it was added just now, wait until DynamoDB has built it"
            );
            (Self::IndexMissing, message.into())
        } else {
            (Self::InternalServerError, "internal error".into())
        }
    }

    /// Gives an error this code, unless it has one.
    pub fn mark(self, error: &mut ServerError) {
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", self.as_str());
        }
    }
}

/// An error that belongs to the request as a whole rather than to a field.
#[must_use]
pub fn request_error(code: ErrorCode, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    code.mark(&mut error);
    error
}

/// The seconds after which a retry may succeed, where an error says them.
#[must_use]
pub fn retry_after(error: &ServerError) -> Option<u64> {
    let async_graphql::Value::Number(seconds) = error.extensions.as_ref()?.get(RETRY_AFTER)? else {
        return None;
    };
    seconds.as_u64()
}

/// Lets an error say after how many seconds a retry may succeed.
pub fn set_retry_after(error: &mut ServerError, seconds: u64) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set(RETRY_AFTER, seconds);
}

/// An error of a field.
#[derive(Debug, Clone)]
pub(super) enum ApiError {
    /// An argument has an invalid value; the text says what would be right.
    BadUserInput(String),
    /// The client may not submit more in this hour.
    ClientLimitExceeded(ClientLimitExceeded),
    /// An operation on the table failed.
    Repository(Arc<RepositoryError>),
}

impl ApiError {
    /// An argument has an invalid value; `error` says what would be right.
    pub(super) fn bad_user_input(error: &impl ToString) -> Self {
        Self::BadUserInput(error.to_string())
    }
}

impl From<RepositoryError> for ApiError {
    fn from(error: RepositoryError) -> Self {
        Self::Repository(Arc::new(error))
    }
}

impl From<ClientLimitExceeded> for ApiError {
    fn from(error: ClientLimitExceeded) -> Self {
        Self::ClientLimitExceeded(error)
    }
}

impl From<Arc<RepositoryError>> for ApiError {
    fn from(error: Arc<RepositoryError>) -> Self {
        Self::Repository(error)
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        let (code, message, source) = match error {
            ApiError::BadUserInput(message) => (ErrorCode::BadUserInput, message, None),
            ApiError::ClientLimitExceeded(error) => {
                extensions.set(RETRY_AFTER, error.retry_after);
                (ErrorCode::TooManyRequests, error.to_string(), None)
            }
            ApiError::Repository(error) => {
                let (code, message) = ErrorCode::of_failure(&error);
                (
                    code,
                    message.into_owned(),
                    Some(error as Arc<dyn Any + Send + Sync>),
                )
            }
        };
        extensions.set("code", code.as_str());
        Self {
            message,
            source,
            extensions: Some(extensions),
        }
    }
}
