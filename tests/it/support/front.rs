//! A front door over HTTP, so that any HTTP client can talk to the Lambda binary.

use std::sync::Arc;

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    events::{EventKind, HttpAnswer, HttpCall, event},
    lambda::Lambda,
};

/// API Gateway's limit for the body of a request, in bytes.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// Serves the function on this listener, as an API Gateway HTTP API would, until the future is dropped. Calls
/// are answered one after the other, because a Lambda instance takes one event at a time.
pub async fn front(lambda: Arc<Lambda>, listener: TcpListener) -> std::io::Result<()> {
    axum::serve(listener, Router::new().fallback(pass).with_state(lambda)).await
}

async fn pass(State(lambda): State<Arc<Lambda>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let mut call = HttpCall::new(parts.method.as_str(), parts.uri.path());
    call.query = parts.uri.query().map(str::to_owned);
    for (name, value) in parts
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-forwarded-proto")
    {
        call = call.with_header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
    }
    call = call.with_header("x-forwarded-proto", "http");
    call.base64 = is_binary(&parts.headers, &body);
    call.body = (!body.is_empty()).then(|| body.to_vec());

    let Ok(payload) = lambda.invoke(event(EventKind::HttpApi, &call)).await else {
        return message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    };
    let mut answer = HttpAnswer::parse(EventKind::HttpApi, &payload);
    // Framing belongs to each connection, so the front door does its own.
    for name in [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
    ] {
        answer.headers.remove(name);
    }
    let status = StatusCode::from_u16(answer.status).expect("a status between 100 and 999");
    (status, answer.headers, answer.body).into_response()
}

/// An HTTP API hands text and JSON over as they are, and the rest in base64.
fn is_binary(headers: &HeaderMap, body: &Bytes) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let textual = media_type.starts_with("text/")
        || ["/json", "+json", "/xml", "+xml", "/javascript"]
            .iter()
            .any(|end| media_type.ends_with(end));
    !body.is_empty() && (!textual || str::from_utf8(body).is_err())
}

fn message(status: StatusCode, text: &str) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        json!({ "message": text }).to_string(),
    )
        .into_response()
}
