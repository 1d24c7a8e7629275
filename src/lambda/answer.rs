//! The router's response as the JSON that the front doors expect.

use axum::body::to_bytes;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lambda_runtime::Diagnostic;
use serde::{Serialize, Serializer};

use super::event::Front;

/// What a function answers to an event of HTTP.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_description: Option<String>,
    headers: Lines,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<Lists>,
    body: String,
    is_base64_encoded: bool,
}

impl Answer {
    pub(super) async fn of(response: Response, front: Front) -> Result<Self, Diagnostic> {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await;
        let body = body.map_err(|error| Diagnostic::from(error.to_string()))?;
        let (body, is_base64_encoded) = match String::from_utf8(body.into()) {
            Ok(text) => (text, false),
            Err(binary) => (BASE64.encode(binary.as_bytes()), true),
        };
        // A load balancer takes the one or the other, as its target group is configured, and also the reason.
        let is_load_balancer = front == Front::LoadBalancer;
        Ok(Self {
            status_code: parts.status.as_u16(),
            status_description: is_load_balancer.then(|| parts.status.to_string()),
            multi_value_headers: is_load_balancer.then(|| Lists(parts.headers.clone())),
            headers: Lines(parts.headers),
            body,
            is_base64_encoded,
        })
    }
}

/// Headers, each as one line: one that is there several times means the same joined (RFC 9110 §5.2).
#[derive(Debug)]
struct Lines(HeaderMap);

impl Serialize for Lines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = |name| (HeaderName::as_str(name), values(&self.0, name).join(", "));
        serializer.collect_map(self.0.keys().map(line))
    }
}

/// Headers, each with a list of its values.
#[derive(Debug)]
struct Lists(HeaderMap);

impl Serialize for Lists {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let list = |name| (HeaderName::as_str(name), values(&self.0, name));
        serializer.collect_map(self.0.keys().map(list))
    }
}

fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}
