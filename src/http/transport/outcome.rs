//! The outcome of a GraphQL request, and the response that it gets.

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::cost::Cost;
use crate::graphql::{ErrorCode, request_error, retry_after, set_retry_after};
use crate::http::content_negotiation::Format;
use crate::http::errors::{HttpError, add_headers, add_retry_after};
use crate::http::request_log::RequestId;
use crate::repository::RepositoryError;

/// The outcome of a GraphQL request.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Outcome {
    /// Present if the request was executed, null if that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Extensions>,
    #[serde(skip)]
    status: StatusCode,
    /// Whether the status is the same for clients from before the specification, which expect 200 for every GraphQL
    /// request that is well-formed.
    #[serde(skip)]
    is_status_for_all: bool,
}

/// The extensions of a response.
#[derive(Debug, Serialize)]
struct Extensions {
    cost: Cost,
}

/// The request is refused.
impl From<HttpError> for Outcome {
    fn from(
        HttpError {
            code,
            status,
            message,
            retry_after,
        }: HttpError,
    ) -> Self {
        let mut error = request_error(code, message);
        if let Some(seconds) = retry_after {
            set_retry_after(&mut error, seconds);
        }
        Self {
            data: None,
            errors: vec![error],
            extensions: None,
            status,
            is_status_for_all: true,
        }
    }
}

/// The operation is not executed.
impl From<Vec<ServerError>> for Outcome {
    fn from(errors: Vec<ServerError>) -> Self {
        let mut codes = errors.iter().filter_map(ErrorCode::of);
        let statuses = codes.clone().map(ErrorCode::status);
        Self {
            data: None,
            status: statuses.max().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            is_status_for_all: codes.all(ErrorCode::has_status_for_all),
            errors,
            extensions: None,
        }
    }
}

impl Outcome {
    /// The operation was executed.
    pub(super) fn executed(response: async_graphql::Response) -> Self {
        let mut errors = response.errors;
        // The resolvers' errors have codes. Those without are the library's own, about arguments that it could not
        // turn into their types.
        for error in &mut errors {
            ErrorCode::BadUserInput.mark(error);
        }
        if is_nothing(&response.data) && !errors.is_empty() && errors.iter().all(is_transient) {
            // Nothing of the operation was done. A status says so to whatever is between the service and its clients.
            return errors.into();
        }
        if response.data == Value::Null {
            return Self {
                data: Some(Value::Null),
                ..errors.into()
            };
        }
        Self {
            data: Some(response.data),
            errors,
            extensions: None,
            status: StatusCode::OK,
            is_status_for_all: false,
        }
    }

    /// The response as JSON; `None` if it is longer than the limit.
    fn written(&self, AnswerLimit(most): AnswerLimit) -> Option<Vec<u8>> {
        let mut body = Body {
            bytes: Vec::new(),
            left: most,
        };
        serde_json::to_writer(&mut body, self).ok().map(|()| body.bytes)
    }

    /// Logs internal errors.
    pub(super) fn log_causes(&self) {
        let mut logged: Vec<&RepositoryError> = Vec::new();
        for cause in self
            .errors
            .iter()
            .filter_map(ServerError::source::<RepositoryError>)
        {
            // Fields that are loaded together share an error.
            if !logged.iter().any(|earlier| std::ptr::eq(*earlier, cause)) {
                tracing::error!(error = %cause, "an operation on the table failed");
                logged.push(cause);
            }
        }
    }

    /// The codes of the errors, each once, separated by commas; `None` if there are none.
    pub(super) fn error_codes(&self) -> Option<String> {
        let mut codes: Vec<&str> = Vec::new();
        for code in self
            .errors
            .iter()
            .filter_map(ErrorCode::of)
            .map(ErrorCode::as_str)
        {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        (!codes.is_empty()).then(|| codes.join(","))
    }

    /// Adds the request's id, for the log, to internal errors.
    pub(super) fn with_request_id(mut self, id: Option<&RequestId>) -> Self {
        let Some(RequestId(id)) = id else { return self };
        for error in &mut self.errors {
            if ErrorCode::of(error) == Some(ErrorCode::InternalServerError) {
                let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
                extensions.set("requestId", id.as_str());
            }
        }
        self
    }

    /// Adds what the operation cost.
    pub(super) fn with_cost(mut self, cost: Option<Cost>) -> Self {
        self.extensions = cost.map(|cost| Extensions { cost });
        self
    }

    /// Writes the response, or an error if it is too long.
    pub(in crate::http) fn into_response(mut self, format: Format, limit: AnswerLimit) -> Response {
        let body = self.written(limit).unwrap_or_else(|| {
            let AnswerLimit(most) = limit;
            let message = format!(
                "the response has more than {most} bytes: request fewer items or fields; mutations have taken effect"
            );
            self = Self {
                data: self.data.is_some().then_some(Value::Null),
                extensions: self.extensions.take(),
                ..vec![request_error(ErrorCode::ResponseTooLarge, message)].into()
            };
            self.written(AnswerLimit(usize::MAX)).unwrap_or_default()
        });
        let status = match format {
            Format::Json | Format::Html if !self.is_status_for_all => StatusCode::OK,
            _ => self.status,
        };
        let headers = [
            (header::CONTENT_TYPE, format.content_type()),
            (header::VARY, "Accept"),
        ];
        let mut response = (status, headers, body).into_response();
        add_headers(&mut response);
        add_retry_after(&mut response, self.errors.iter().filter_map(retry_after).max());
        if status == StatusCode::METHOD_NOT_ALLOWED {
            let allowed = header::HeaderValue::from_static("POST");
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}

/// The maximum length of a response's body, in bytes of a string in the JSON that a Lambda function returns: an extension
/// of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnswerLimit(pub usize);

impl AnswerLimit {
    /// A synchronous invocation's: 6 MiB (AWS Lambda, "Quotas"), less the envelope.
    pub const LAMBDA: Self = Self(6_291_556 - Self::ENVELOPE);
    /// A load balancer's: 1 MiB (Elastic Load Balancing, "Lambda functions as targets"), less the envelope.
    pub const LOAD_BALANCER: Self = Self(1_048_576 - Self::ENVELOPE);
    /// An anonymous caller's: 256 KiB. Feedback and the schema take less than half of it.
    pub(super) const ANONYMOUS: Self = Self(256 * 1024);
    /// The JSON around the body. Status and headers take about 1,500 bytes, most of them the echo of a preflight
    /// request's headers.
    const ENVELOPE: usize = 16 * 1024;
}

/// The same on a laptop as in the cloud.
impl Default for AnswerLimit {
    fn default() -> Self {
        Self::LAMBDA
    }
}

/// A body of limited length.
struct Body {
    bytes: Vec<u8>,
    left: usize,
}

impl std::io::Write for Body {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // In the function's JSON, each of these takes two bytes. JSON has no control characters.
        let escaped = bytes.iter().filter(|byte| matches!(byte, b'"' | b'\\'));
        let length = bytes.len() + escaped.count();
        self.left = self
            .left
            .checked_sub(length)
            .ok_or(std::io::ErrorKind::FileTooLarge)?;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether the request may succeed later.
fn is_transient(error: &ServerError) -> bool {
    ErrorCode::of(error).is_some_and(ErrorCode::is_transient)
}

/// Whether the data has no value.
fn is_nothing(data: &Value) -> bool {
    match data {
        Value::Null => true,
        Value::Object(fields) => !fields.is_empty() && fields.values().all(|value| *value == Value::Null),
        _ => false,
    }
}
