//! `POST /feedback`: what the service's ancestor offered, for frontends that were written for it.
//!
//! Its answers are the ancestor's to the letter. Like the ancestor it takes the body for JSON whatever its
//! type is called: nothing is at stake that a page of another origin could not do by a request of its own.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::graphql::status_of;
use super::request_log::Summary;
use super::wire::plain_error;
use super::{Shared, callers};
use crate::auth::Refusal;
use crate::domain::{Draft, NewFeedback, Violation};
use crate::graphql::Code;
use crate::repository::{RepositoryError, Submission};

/// What makes a retry known as one (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let mut summary = Summary::default();
    let mut response = match submit(&shared, &parts, body, &mut summary).await {
        Ok(()) => Json(json!({ "message": "Feedback submitted successfully!" })).into_response(),
        Err((status, message)) => plain_error(status, message),
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
    }
    response.extensions_mut().insert(summary);
    response
}

async fn submit(
    shared: &Shared,
    parts: &Parts,
    body: Result<Bytes, BytesRejection>,
    summary: &mut Summary,
) -> Result<(), (StatusCode, String)> {
    let caller = callers::caller(&shared.service.access, parts).await;
    let caller = caller.map_err(|refusal| match refusal {
        Refusal::Unauthenticated => (StatusCode::UNAUTHORIZED, refusal.to_string()),
        Refusal::CannotTell => (StatusCode::SERVICE_UNAVAILABLE, refusal.to_string()),
    })?;
    summary.caller = Some(caller.log_name());
    let body = body.map_err(|rejection| match rejection.status() {
        status @ StatusCode::PAYLOAD_TOO_LARGE => {
            let most = shared.service.executor.limits().body_bytes;
            (status, format!("the body must have at most {most} bytes"))
        }
        _ => (
            StatusCode::BAD_REQUEST,
            "the body could not be read to its end".to_owned(),
        ),
    })?;
    let key = parts
        .headers
        .get(IDEMPOTENCY_KEY)
        .map(HeaderValue::to_str)
        .transpose();
    let key = key.map_err(|_| {
        (
            StatusCode::BAD_REQUEST,
            "the Idempotency-Key must be ASCII".to_owned(),
        )
    })?;
    let new = parse(&body, key).map_err(|message| (StatusCode::BAD_REQUEST, message))?;
    let repository = shared.service.repository.metered();
    let now = shared.service.clock.now();
    let id = new.id(now);
    let submission = repository.submit(new, id, now).await;
    summary.dynamodb_requests = repository.requests_made();
    match submission.map_err(|error| failure(&error))? {
        Submission::Stored(_) | Submission::Replayed(_) => Ok(()),
        Submission::KeyReused => {
            let message = Violation::idempotency_key_reused().message;
            Err((
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("the Idempotency-Key {message}"),
            ))
        }
    }
}

fn parse(body: &[u8], idempotency_key: Option<&str>) -> Result<NewFeedback, String> {
    let expected = "the body must be a JSON object like {\"feedback\": \"…\"}";
    let body: Value =
        serde_json::from_slice(body).map_err(|error| format!("{expected}, but it is not JSON: {error}"))?;
    let Some(Value::String(message)) = body.get("feedback") else {
        return Err(format!("{expected}, with a string for `feedback`"));
    };
    let draft = Draft {
        message: message.clone(),
        idempotency_key: idempotency_key.map(str::to_owned),
        ..Draft::default()
    };
    NewFeedback::parse(draft).map_err(|violations| {
        let sentences = violations.into_iter().map(|violation| {
            let is_key = violation.field == ["idempotencyKey"];
            let field = if is_key {
                "the Idempotency-Key"
            } else {
                "`feedback`"
            };
            format!("{field} {}", violation.message)
        });
        sentences.collect::<Vec<_>>().join(", and ")
    })
}

fn failure(error: &RepositoryError) -> (StatusCode, String) {
    tracing::error!(%error, "an operation on the table failed");
    let (code, message) = Code::of_failure(error);
    (status_of(code), message.to_owned())
}
