//! A stand-in for AWS Secrets Manager: one secret, which can be changed and taken away.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use feedback_graphql::auth::NewKey;
use serde_json::json;
use tokio::net::TcpListener;

pub const SECRET: &str = "feedback/api-keys";

#[derive(Clone, Default)]
enum Value {
    #[default]
    Unavailable,
    Missing,
    Text(String),
}

#[derive(Clone)]
pub struct Secrets {
    pub endpoint: String,
    value: Arc<Mutex<Value>>,
    reads: Arc<AtomicU32>,
}

impl Secrets {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secrets = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            value: Arc::default(),
            reads: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(secrets.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        secrets
    }

    /// Makes the secret one that was never given a value.
    pub fn empty(&self) {
        *self.value.lock().unwrap() = Value::Missing;
    }

    /// Stores just these keys.
    pub fn store(&self, keys: &[&NewKey]) {
        let entries: Vec<&str> = keys.iter().map(|key| key.entry.as_str()).collect();
        *self.value.lock().unwrap() = Value::Text(format!("{{\"keys\": [{}]}}", entries.join(",")));
    }

    /// From now on it does not answer.
    pub fn take_away(&self) {
        *self.value.lock().unwrap() = Value::Unavailable;
    }

    /// How often it was asked.
    pub fn reads(&self) -> u32 {
        self.reads.load(Ordering::Relaxed)
    }
}

async fn answer(State(secrets): State<Secrets>, headers: HeaderMap, body: String) -> Response {
    secrets.reads.fetch_add(1, Ordering::Relaxed);
    assert_eq!(headers["x-amz-target"], "secretsmanager.GetSecretValue");
    assert!(body.contains(SECRET));
    let value = secrets.value.lock().unwrap().clone();
    let headers = [("content-type", "application/x-amz-json-1.1")];
    match value {
        Value::Text(text) => {
            let answer = json!({ "Name": SECRET, "SecretString": text });
            (headers, answer.to_string()).into_response()
        }
        Value::Missing => {
            let error = json!({ "__type": "ResourceNotFoundException", "Message": "no value" });
            (StatusCode::BAD_REQUEST, headers, error.to_string()).into_response()
        }
        Value::Unavailable => {
            let error = json!({ "__type": "InternalServiceError", "Message": "down" });
            (StatusCode::INTERNAL_SERVER_ERROR, headers, error.to_string()).into_response()
        }
    }
}
