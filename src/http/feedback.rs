//! `POST /feedback`: what the service's ancestor offered, for frontends that were written for it.
//!
//! Its answers are the ancestor's to the letter. Like the ancestor it takes the body for JSON whatever its
//! type is called: nothing is at stake that a page of another origin could not do by a request of its own.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::request_log::Summary;
use super::{MAX_BODY, Shared};
use crate::domain::{Draft, FeedbackId, NewFeedback};
use crate::repository::RepositoryError;

pub(super) async fn post(State(shared): State<Arc<Shared>>, body: Result<Bytes, BytesRejection>) -> Response {
    let new = match body {
        Ok(body) => parse(&body).map_err(|message| (StatusCode::BAD_REQUEST, message)),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("the body must have at most {MAX_BODY} bytes");
            Err((StatusCode::PAYLOAD_TOO_LARGE, message))
        }
        Err(_) => {
            let message = "the body could not be read to its end".to_owned();
            Err((StatusCode::BAD_REQUEST, message))
        }
    };
    let new = match new {
        Ok(new) => new,
        Err((status, message)) => return super::wire::plain_error(status, message),
    };
    let repository = shared.service.repository.metered();
    let now = shared.service.clock.now();
    let stored = repository.submit(new, FeedbackId::new(now), now).await;
    let mut response = match stored {
        Ok(_) => Json(json!({ "message": "Feedback submitted successfully!" })).into_response(),
        Err(error) => failure(&error),
    };
    response.extensions_mut().insert(Summary {
        dynamodb_requests: repository.requests_made(),
        ..Summary::default()
    });
    response
}

fn parse(body: &[u8]) -> Result<NewFeedback, String> {
    let expected = "the body must be a JSON object like {\"feedback\": \"…\"}";
    let body: Value =
        serde_json::from_slice(body).map_err(|error| format!("{expected}, but it is not JSON: {error}"))?;
    let Some(Value::String(message)) = body.get("feedback") else {
        return Err(format!("{expected}, with a string for `feedback`"));
    };
    let draft = Draft {
        message: message.clone(),
        ..Draft::default()
    };
    NewFeedback::parse(draft).map_err(|violations| {
        let messages = violations.into_iter().map(|violation| violation.message);
        format!("`feedback` {}", messages.collect::<Vec<_>>().join(", and "))
    })
}

fn failure(error: &RepositoryError) -> Response {
    tracing::error!(%error, "an operation on the table failed");
    let (status, message) = if error.is_throttled() {
        (
            StatusCode::TOO_MANY_REQUESTS,
            "too many requests at the moment: try again in a few seconds",
        )
    } else if error.is_unavailable() {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the service is unavailable at the moment: try again in a few seconds",
        )
    } else {
        (StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    };
    super::wire::plain_error(status, message)
}
