//! Errors as responses: the status of each code, and the two shapes that errors have.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Request;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use serde_json::json;

use super::PLAIN_PATH;
use super::content_negotiation::Format;
use super::request_log::Summary;
use super::transport::{AnswerLimit, Outcome};
use crate::auth::AuthError;
use crate::graphql::ErrorCode;
use crate::repository::ClientLimitExceeded;

impl ErrorCode {
    /// The status of a response without data.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::QueryNotInSafelist => StatusCode::FORBIDDEN,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_transient(self) -> bool {
        matches!(self, Self::TooManyRequests | Self::ServiceUnavailable)
    }

    /// Whether the status is the same in every format.
    pub(super) fn has_status_for_all(self) -> bool {
        self.is_transient()
            || matches!(
                self,
                Self::BadRequest | Self::Unauthenticated | Self::Forbidden | Self::QueryNotInSafelist
            )
    }
}

/// An error that is the whole response to a request.
///
/// As an extension of a request, it says that HTTP does not allow it: for binaries that do not receive requests by HTTP.
#[derive(Debug, Clone)]
pub struct HttpError {
    pub(super) code: ErrorCode,
    pub(super) status: StatusCode,
    pub(super) message: Cow<'static, str>,
    /// The seconds after which a retry may succeed, where they are known.
    pub(super) retry_after: Option<u64>,
}

impl HttpError {
    /// An error with the status of its code.
    pub(super) fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            status: code.status(),
            message: message.into(),
            retry_after: None,
        }
    }

    /// The request is malformed. The message says what is wrong, and what would be right unless that is obvious.
    #[must_use]
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// The same error, where HTTP has a more specific status than that of the code.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl From<AuthError> for HttpError {
    fn from(error: AuthError) -> Self {
        let code = match error {
            AuthError::Unauthenticated => ErrorCode::Unauthenticated,
            AuthError::Unavailable => ErrorCode::ServiceUnavailable,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ClientLimitExceeded> for HttpError {
    fn from(error: ClientLimitExceeded) -> Self {
        Self {
            retry_after: Some(error.retry_after),
            ..Self::new(ErrorCode::TooManyRequests, error.to_string())
        }
    }
}

/// The body of a request, unless it is longer than `limit` or incomplete.
pub(super) fn read_body(body: Result<Bytes, BytesRejection>, limit: usize) -> Result<Bytes, HttpError> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("the body must have at most {limit} bytes");
            HttpError::new(ErrorCode::PayloadTooLarge, message)
        }
        _ => HttpError::bad_request("the body is incomplete"),
    })
}

/// The shape of errors.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Graphql,
    Plain,
}

impl Shape {
    /// The shape of errors at a path.
    pub(super) fn at(uri: &Uri) -> Self {
        if uri.path() == PLAIN_PATH {
            Self::Plain
        } else {
            Self::Graphql
        }
    }

    /// The response to an error, with its code for the request log.
    pub(super) fn response(self, error: HttpError) -> Response {
        let code = error.code;
        let mut response = match self {
            Self::Plain => plain_error(error.status, error.message),
            Self::Graphql => Outcome::from(error).into_response(Format::Json, AnswerLimit::default()),
        };
        response.extensions_mut().insert(Summary {
            error_codes: Some(code.as_str().to_owned()),
            ..Summary::default()
        });
        response
    }
}

/// An error outside GraphQL.
pub(crate) fn plain_error(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Response {
    let mut response = (status, Json(json!({ "error": message.into() }))).into_response();
    add_headers(&mut response);
    response
}

/// Adds the header that tells a client how to proceed after this status.
pub(super) fn add_headers(response: &mut Response) {
    let (name, value) = match response.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => (header::RETRY_AFTER, "1"),
        StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, "Bearer"),
        _ => return,
    };
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}

/// Says after how many seconds a retry may succeed, where they are known, of a status that may be followed by one.
pub(super) fn add_retry_after(response: &mut Response, seconds: Option<u64>) {
    if let (Some(seconds), Some(value)) = (seconds, response.headers_mut().get_mut(header::RETRY_AFTER)) {
        *value = seconds.into();
    }
}

/// Answers requests that are malformed, or whose handler panics.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let shape = Shape::at(request.uri());
    if let Some(error) = request.extensions().get::<HttpError>() {
        return shape.response(error.clone());
    }
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    handled.unwrap_or_else(|_| {
        // The panic hook has logged where. The panic's text may hold anything, and is not repeated.
        tracing::error!("a request panicked");
        shape.response(HttpError::new(ErrorCode::InternalServerError, "internal error"))
    })
}
