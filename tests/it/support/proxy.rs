//! A proxy between the SDK and the engine, for what a healthy engine will not do on demand.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;

/// What becomes of a request to DynamoDB.
pub enum Fate {
    /// It is passed on, perhaps changed, and so is the answer.
    PassAndMend(Value, Box<dyn FnOnce(Value) -> Value + Send>),
    /// It is answered with this, and the engine never sees it.
    Answer(u16, Value),
}

/// Decides by the operation's name (`Query`) and its input.
pub type Decide = dyn Fn(&str, Value) -> Fate + Send + Sync;

/// Starts a proxy to the engine at `endpoint`; returns the proxy's own endpoint.
pub async fn start(endpoint: String, decide: Arc<Decide>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = (endpoint, decide, reqwest::Client::new());
    let app = Router::new().fallback(handle).with_state(state);
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn handle(
    State((endpoint, decide, client)): State<(String, Arc<Decide>, reqwest::Client)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let (_, operation) = target.split_once('.').unwrap();
    let input = serde_json::from_slice(&body).unwrap();
    let (input, mend) = match decide(operation, input) {
        Fate::PassAndMend(input, mend) => (input, mend),
        Fate::Answer(status, answer) => return json(StatusCode::from_u16(status).unwrap(), &answer),
    };
    let (status, answer) = forward(&client, &endpoint, headers, &input).await;
    json(status, &mend(answer))
}

/// Asks the engine at `endpoint`.
pub(super) async fn forward(
    client: &reqwest::Client,
    endpoint: &str,
    mut headers: HeaderMap,
    input: &Value,
) -> (StatusCode, Value) {
    headers.remove("content-length");
    headers.remove("host");
    let request = client.post(endpoint).headers(headers).body(input.to_string());
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// A response as DynamoDB writes it.
pub(super) fn json(status: StatusCode, answer: &Value) -> Response {
    let headers = [("content-type", "application/x-amz-json-1.0")];
    (status, headers, answer.to_string()).into_response()
}
