//! Errors that are answered in place of a handler, in the form of the path that was asked.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::request_log::Summary;
use super::{PLAIN_PATH, content_negotiation, transport};
use crate::graphql::ErrorCode;

/// What is wrong with a request that HTTP does not allow. A binary that does not get its requests by HTTP puts it
/// into the extensions of one that it could not make better.
#[derive(Debug, Clone, Copy)]
pub struct Malformed {
    /// The status of the answer.
    pub status: StatusCode,
    /// What is wrong, and what would be right where that is not plain from it.
    pub message: &'static str,
}

impl Malformed {
    /// The request makes no sense.
    #[must_use]
    pub fn bad_request(message: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message,
        }
    }
}

/// The form that errors have at a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Graphql,
    Plain,
}

impl Form {
    pub(super) fn at(uri: &Uri) -> Self {
        if uri.path() == PLAIN_PATH {
            Self::Plain
        } else {
            Self::Graphql
        }
    }

    pub(super) fn answer(self, status: StatusCode, code: ErrorCode, message: &str) -> Response {
        let mut response = match self {
            Self::Plain => content_negotiation::plain_error(status, message),
            Self::Graphql => {
                let mut response = (status, transport::error_body(code, message)).into_response();
                content_negotiation::add_demand(&mut response);
                response
            }
        };
        response.extensions_mut().insert(Summary {
            error_codes: Some(code.as_str().to_owned()),
            ..Summary::default()
        });
        response
    }
}

/// Answers a malformed request, and in place of a handler that panics.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let form = Form::at(request.uri());
    if let Some(Malformed { status, message }) = request.extensions().get().copied() {
        return form.answer(status, ErrorCode::BadRequest, message);
    }
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    handled.unwrap_or_else(|_| {
        // What panicked has said so to the panic hook; its text may hold anything, and is not repeated.
        tracing::error!("a request ended in a panic");
        form.answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::InternalServerError,
            "internal error",
        )
    })
}
