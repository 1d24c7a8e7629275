//! What became of a GraphQL request, and how it is told.

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::graphql::{Code, request_error};
use crate::http::request_log::RequestId;
use crate::http::wire::Format;
use crate::repository::RepositoryError;

/// What became of a GraphQL request.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// Present if the request was executed, null if that came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    #[serde(skip)]
    status: StatusCode,
    /// Whether the status is the same for clients from before the specification, to which an answer of 200
    /// tells that there was a GraphQL request, whatever became of it.
    #[serde(skip)]
    is_status_for_all: bool,
}

impl Outcome {
    /// The document cannot be executed.
    pub(super) fn not_executed(error: ServerError) -> Self {
        Self {
            data: None,
            errors: vec![error],
            status: StatusCode::BAD_REQUEST,
            is_status_for_all: false,
        }
    }

    /// The request is refused, whatever its document says.
    pub(super) fn refused(code: Code, message: impl Into<String>, status: StatusCode) -> Self {
        Self {
            data: None,
            errors: vec![request_error(code, message)],
            status,
            is_status_for_all: true,
        }
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
        for code in self.errors.iter().filter_map(Code::of).map(Code::as_str) {
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
            if Code::of(error) == Some(Code::InternalServerError) {
                let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
                extensions.set("requestId", id.as_str());
            }
        }
        self
    }

    pub(super) fn into_response(self, format: Format) -> Response {
        let status = match format {
            Format::Json | Format::Html if !self.is_status_for_all => StatusCode::OK,
            _ => self.status,
        };
        let Ok(body) = serde_json::to_vec(&self) else {
            tracing::error!("an answer could not be written");
            return (
                StatusCode::INTERNAL_SERVER_ERROR,
                error_body(Code::InternalServerError, "internal error"),
            )
                .into_response();
        };
        let headers = [
            (header::CONTENT_TYPE, format.content_type()),
            (header::VARY, "Accept"),
        ];
        let mut response = (status, headers, body).into_response();
        let demand = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Some((header::RETRY_AFTER, "1"))
            }
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "POST")),
            _ => None,
        };
        if let Some((name, value)) = demand {
            response
                .headers_mut()
                .insert(name, header::HeaderValue::from_static(value));
        }
        response
    }
}

/// The body of an answer to a request whose handler did not come to an end.
pub(in crate::http) fn error_body(code: Code, message: &str) -> axum::Json<serde_json::Value> {
    let error = serde_json::json!({ "message": message, "extensions": { "code": code.as_str() } });
    axum::Json(serde_json::json!({ "errors": [error] }))
}

impl From<async_graphql::Response> for Outcome {
    fn from(response: async_graphql::Response) -> Self {
        let mut errors = response.errors;
        // Errors of fields have a path, and there is none where nothing was executed.
        let was_refused = |error: &ServerError| error.path.is_empty();
        if response.data == Value::Null && errors.iter().any(was_refused) {
            return Self {
                data: None,
                errors,
                status: StatusCode::BAD_REQUEST,
                is_status_for_all: false,
            };
        }
        // The resolvers' errors have codes; what has none is the library's own, about arguments that it
        // could not turn into their types.
        for error in &mut errors {
            Code::BadUserInput.mark(error);
        }
        if !errors.is_empty() && errors.iter().all(is_for_later) && is_nothing(&response.data) {
            // Nothing of what was asked was done. Said by the status, too, it is also understood by what
            // stands between the service and its clients.
            let statuses = errors.iter().filter_map(Code::of).map(status_of);
            return Self {
                data: None,
                status: statuses.max().unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
                errors,
                is_status_for_all: true,
            };
        }
        let status = if response.data == Value::Null {
            let statuses = errors.iter().filter_map(Code::of).map(status_of);
            statuses.max().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        } else {
            StatusCode::OK
        };
        Self {
            data: Some(response.data),
            errors,
            status,
            is_status_for_all: false,
        }
    }
}

/// Whether an error may be gone when the request is made again.
fn is_for_later(error: &ServerError) -> bool {
    matches!(
        Code::of(error),
        Some(Code::TooManyRequests | Code::ServiceUnavailable)
    )
}

/// Whether there is no value in the data of a request that failed in part.
fn is_nothing(data: &Value) -> bool {
    match data {
        Value::Null => true,
        Value::Object(fields) => !fields.is_empty() && fields.values().all(|value| *value == Value::Null),
        _ => false,
    }
}

/// The status of an answer that has no data because of such an error.
pub(in crate::http) fn status_of(code: Code) -> StatusCode {
    match code {
        Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}
