//! A response before Lambda stops the function.

use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use super::errors::{HttpError, Shape};
use crate::graphql::ErrorCode;

/// The time that sending the response may take.
const RESERVE: Duration = Duration::from_millis(300);

/// The time at which the process will be stopped, if it is known: an extension of the request.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

/// Answers in place of a handler that has not finished shortly before the deadline.
pub(super) async fn keep(request: Request, next: Next) -> Response {
    let Some(Deadline(deadline)) = request.extensions().get().copied() else {
        return next.run(request).await;
    };
    let shape = Shape::at(request.uri());
    let left = deadline
        .saturating_duration_since(Instant::now())
        .saturating_sub(RESERVE);
    if let Ok(response) = tokio::time::timeout(left, next.run(request)).await {
        return response;
    }
    tracing::error!("a request timed out");
    let message = "the request timed out, and may or may not have been executed: retry submissions with the same \
                   idempotency key";
    shape.response(HttpError::new(ErrorCode::ServiceUnavailable, message))
}
