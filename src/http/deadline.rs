//! An answer always leaves before the time is over.

use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::graphql;
use super::wire::plain_error;
use crate::graphql::Code;

/// What is left for the answer itself on its way out.
const RESERVE: Duration = Duration::from_millis(300);

/// When the process that serves a request will be stopped. A binary that knows puts it into the request's
/// extensions.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

/// Answers in place of a handler that is not done shortly before the deadline.
pub(super) async fn keep(request: Request, next: Next) -> Response {
    let Some(Deadline(deadline)) = request.extensions().get().copied() else {
        return next.run(request).await;
    };
    let is_plain = request.uri().path() == super::PLAIN_PATH;
    let left = deadline
        .saturating_duration_since(Instant::now())
        .saturating_sub(RESERVE);
    if let Ok(response) = tokio::time::timeout(left, next.run(request)).await {
        return response;
    }
    tracing::error!("a request was given up for lack of time");
    let message = "there was no time left: what was asked may or may not have been done; to submit again is safe \
                   with the same idempotency key";
    let mut response = if is_plain {
        plain_error(StatusCode::SERVICE_UNAVAILABLE, message)
    } else {
        let body = graphql::error_body(Code::ServiceUnavailable, message);
        (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
    };
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
