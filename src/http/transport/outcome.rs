//! The outcome of a GraphQL request, and the response that it gets.

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::graphql::{ErrorCode, request_error};
use crate::http::content_negotiation::Format;
use crate::http::errors::{HttpError, add_headers};
use crate::http::request_log::RequestId;
use crate::repository::RepositoryError;

/// The outcome of a GraphQL request.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Outcome {
    /// Present if the request was executed, null if that came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    #[serde(skip)]
    status: StatusCode,
    /// Whether the status is the same for clients from before the specification, which expect 200 for every GraphQL
    /// request that is well-formed.
    #[serde(skip)]
    is_status_for_all: bool,
}

/// The request is refused.
impl From<HttpError> for Outcome {
    fn from(
        HttpError {
            code,
            status,
            message,
        }: HttpError,
    ) -> Self {
        Self {
            data: None,
            errors: vec![request_error(code, message)],
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
            status: StatusCode::OK,
            is_status_for_all: false,
        }
    }

    /// The answer as JSON; `None` where it is longer than `limit` allows.
    fn written(&self, AnswerLimit(most): AnswerLimit) -> Option<Vec<u8>> {
        let mut body = Body {
            bytes: Vec::new(),
            left: most,
        };
        serde_json::to_writer(&mut body, self).ok().map(|()| body.bytes)
    }

    /// Logs what went wrong inside.
    pub(super) fn log_causes(&self) {
        let mut logged: Vec<&RepositoryError> = Vec::new();
        for cause in self
            .errors
            .iter()
            .filter_map(ServerError::source::<RepositoryError>)
        {
            // Fields that were loaded together fail together.
            if !logged.iter().any(|earlier| std::ptr::eq(*earlier, cause)) {
                tracing::error!(error = %cause, "an operation on the table failed");
                logged.push(cause);
            }
        }
    }

    /// The codes of the errors, each once, commas between them; `None` if there are none.
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

    /// Adds to errors from inside the id under which the log tells more.
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

    /// Writes the answer, unless it would be too long.
    pub(in crate::http) fn into_response(mut self, format: Format, limit: AnswerLimit) -> Response {
        let body = self.written(limit).unwrap_or_else(|| {
            let AnswerLimit(most) = limit;
            let message = format!(
                "the answer would have more than {most} bytes: ask for fewer items or fields at once; what was to be \
                 changed is changed"
            );
            self = Self {
                data: self.data.is_some().then_some(Value::Null),
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
        if status == StatusCode::METHOD_NOT_ALLOWED {
            let allowed = header::HeaderValue::from_static("POST");
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}

/// The length that the body of an answer may have, in bytes, as a text in the JSON that a Lambda function returns.
/// The binary that knows who asks puts another one into the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnswerLimit(pub usize);

impl AnswerLimit {
    /// What a function may return to whom it answers at once: 6 MiB (AWS Lambda, "Quotas"), less what stands around
    /// the body.
    pub const LAMBDA: Self = Self(6_291_556 - Self::ENVELOPE);
    /// What a load balancer takes from a function: 1 MiB (Elastic Load Balancing, "Lambda functions as targets"),
    /// less what stands around the body.
    pub const LOAD_BALANCER: Self = Self(1_048_576 - Self::ENVELOPE);
    /// What somebody without a credential gets at most: 256 KiB. Feedback and the schema take less than half of it.
    pub(super) const ANONYMOUS: Self = Self(256 * 1024);
    /// Status, headers and the names of all. They take about 1,500 bytes, most of them for the echo of what a
    /// browser's preflight asks for.
    const ENVELOPE: usize = 16 * 1024;
}

/// Everywhere the same, so that what works on a laptop works in the cloud.
impl Default for AnswerLimit {
    fn default() -> Self {
        Self::LAMBDA
    }
}

/// A body while it is written, up to a length.
struct Body {
    bytes: Vec<u8>,
    left: usize,
}

impl std::io::Write for Body {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // In the function's JSON, each of these takes two bytes. There are no control characters in JSON.
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

/// Whether there is no value in the data of a request that failed in part.
fn is_nothing(data: &Value) -> bool {
    match data {
        Value::Null => true,
        Value::Object(fields) => !fields.is_empty() && fields.values().all(|value| *value == Value::Null),
        _ => false,
    }
}
