//! `POST /feedback`, for frontends that were written for the function that this service grew out of.
//!
//! Its responses are that function's to the letter. Like that function it reads the body as JSON whatever its type,
//! except from a browser: there the type must be one that requires a preflight request, so that `AllowedOrigins`
//! applies.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::content_negotiation::is_json;
use super::errors::{HttpError, add_retry_after, plain_error, read_body};
use super::request_log::Summary;
use super::{Shared, authentication, client, idempotency_key};
use crate::domain::{Field, IdempotencyKey, Message, NewFeedback, Signals, Violation, Violations};
use crate::graphql::ErrorCode;
use crate::repository::{FeedbackRepository, Submission};

pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let mut summary = Summary {
        operation_type: Some("plain"),
        ..Summary::default()
    };
    let repository = shared.state.repository.metered();
    let submitted = submit(&shared, &parts, body, &repository, &mut summary).await;
    summary.measure(&repository);
    let mut response = match submitted {
        Ok(()) => Json(json!({ "message": "Feedback submitted successfully!" })).into_response(),
        Err(error) => {
            summary.error_codes = Some(error.code.as_str().to_owned());
            let mut response = plain_error(error.status, error.message);
            add_retry_after(&mut response, error.retry_after);
            response
        }
    };
    response.extensions_mut().insert(summary);
    response
}

async fn submit(
    shared: &Shared,
    parts: &Parts,
    body: Result<Bytes, BytesRejection>,
    repository: &FeedbackRepository,
    summary: &mut Summary,
) -> Result<(), HttpError> {
    let state = &shared.state;
    let caller = authentication::caller(&state.authenticator, parts).await?;
    summary.caller = Some(caller.log_name());
    if parts.headers.contains_key(header::ORIGIN) && !is_json(&parts.headers) {
        let message = "from a web page the Content-Type must be application/json, in UTF-8";
        return Err(HttpError::bad_request(message).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let body = read_body(body, state.executor.limits().body_bytes)?;
    let key = idempotency_key::read(&parts.headers).map_err(HttpError::bad_request)?;
    let (message, signals) = parse(&body).map_err(HttpError::bad_request)?;
    let mut new = validate(&message, key, signals).map_err(|violations| {
        repository.count_invalid_submission();
        HttpError::bad_request(sentence(violations))
    })?;
    let submitter = client::submitter(parts, &caller, shared.options.client_address_header.as_ref());
    let now = state.clock.now();
    new.signals.by_client = repository.admit(submitter, now).await?;
    let id = new.id(now);
    let submission = repository.submit(new, id, now).await.map_err(|error| {
        tracing::error!(%error, "an operation on the table failed");
        let (code, message) = ErrorCode::of_failure(&error);
        HttpError::new(code, message)
    })?;
    match submission {
        Submission::Stored(_) | Submission::Replayed(_) => Ok(()),
        Submission::KeyReused => {
            let message = format!(
                "the Idempotency-Key {}",
                Violation::idempotency_key_reused().message
            );
            Err(HttpError::bad_request(message).with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

fn parse(body: &[u8]) -> Result<(String, Signals), String> {
    let expected = "the body must be a JSON object like {\"feedback\": \"…\"}";
    let body: Value =
        serde_json::from_slice(body).map_err(|error| format!("{expected}, but it is not JSON: {error}"))?;
    let Some(Value::String(message)) = body.get("feedback") else {
        return Err(format!("{expected}, with a string for `feedback`"));
    };
    // Of another type they count as missing: an error would help a robot more than a person.
    let signals = Signals {
        trap: body.get("trap").and_then(Value::as_str).map(str::to_owned),
        elapsed_ms: body.get("elapsedMs").and_then(Value::as_f64),
        by_client: None,
    };
    Ok((message.clone(), signals))
}

fn validate(
    message: &str,
    idempotency_key: Option<String>,
    signals: Signals,
) -> Result<NewFeedback, Vec<Violation>> {
    let mut found = Violations::default();
    let message = found.value_of(Message::parse(message));
    let idempotency_key = idempotency_key.and_then(|key| found.value_of(IdempotencyKey::parse(key)));
    let new = message.map(|message| NewFeedback {
        content: message.into(),
        idempotency_key,
        signals,
    });
    found.finish(new)
}

fn sentence(violations: Vec<Violation>) -> String {
    let sentences = violations.into_iter().map(|violation| {
        let field = match violation.field {
            Field::IdempotencyKey => "the Idempotency-Key",
            _ => "`feedback`",
        };
        format!("{field} {}", violation.message)
    });
    sentences.collect::<Vec<_>>().join(", and ")
}
