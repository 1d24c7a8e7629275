//! An answer always leaves before the time is over.

use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use super::errors::{HttpError, Shape};
use crate::graphql::ErrorCode;

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
    let shape = Shape::at(request.uri());
    let left = deadline
        .saturating_duration_since(Instant::now())
        .saturating_sub(RESERVE);
    if let Ok(response) = tokio::time::timeout(left, next.run(request)).await {
        return response;
    }
    tracing::error!("a request was given up for lack of time");
    let message = "there was no time left: what was asked may or may not have been done; to submit again is safe \
                   with the same idempotency key";
    shape.response(HttpError::new(ErrorCode::ServiceUnavailable, message))
}
