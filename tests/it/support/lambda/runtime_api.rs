//! The service side of the Lambda Runtime API,
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>: events out, answers and errors in.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};

use super::{FUNCTION, REGION};

/// Lambda's limit for the answer of one synchronous invocation, in bytes.
const ANSWER_LIMIT: usize = 6_291_556;

/// A tracing header as Lambda hands it over where nothing is traced.
const TRACE: &str = "Root=1-6b49d200-56789abcdef0123456789012;Sampled=0";

/// What a function reports instead of an answer. The caller of an API in front of it sees a 500 or 502.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvocationError {
    pub error_type: String,
    pub message: String,
}

impl InvocationError {
    fn new(error_type: &str, message: impl Into<String>) -> Self {
        let error_type = error_type.to_owned();
        let message = message.into();
        Self { error_type, message }
    }

    fn parse(report: &[u8]) -> Self {
        let report: Value = serde_json::from_slice(report).unwrap_or_default();
        let text = |name: &str| report[name].as_str().unwrap_or_default();
        Self::new(text("errorType"), text("errorMessage"))
    }
}

/// An event on its way to the function, and the way back.
pub struct Invocation {
    pub request_id: String,
    pub event: Value,
    pub answer: oneshot::Sender<Result<Value, InvocationError>>,
}

/// One function's events and what it made of them.
pub struct RuntimeApi {
    queue: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    current: Mutex<Option<Invocation>>,
    polled: watch::Sender<bool>,
    init_error: Mutex<Option<InvocationError>>,
    /// How long the function has for an event.
    time: Duration,
    /// The tracing header of the next event.
    trace: Mutex<Option<HeaderValue>>,
}

impl RuntimeApi {
    pub fn new(queue: mpsc::Receiver<Invocation>, time: Duration) -> Self {
        Self {
            queue: tokio::sync::Mutex::new(queue),
            current: Mutex::default(),
            polled: watch::Sender::new(false),
            init_error: Mutex::default(),
            time,
            trace: Mutex::new(Some(HeaderValue::from_static(TRACE))),
        }
    }

    /// Hands out this tracing header with each event from now on.
    pub fn trace(&self, header: Option<HeaderValue>) {
        *self.trace.lock().expect("no panic while locked") = header;
    }

    pub fn router(api: Arc<Self>) -> Router {
        let runtime = Router::new()
            .route("/invocation/next", get(next))
            .route("/invocation/{request_id}/response", post(response))
            .route("/invocation/{request_id}/error", post(error))
            .route("/init/error", post(init_error));
        Router::new()
            .nest("/2018-06-01/runtime", runtime)
            .layer(DefaultBodyLimit::disable())
            .with_state(api)
    }

    /// Resolves when the function has asked for an event, which ends its initialisation.
    pub async fn first_poll(&self) {
        let mut polled = self.polled.subscribe();
        let _polled = polled.wait_for(|polled| *polled).await;
    }

    pub fn init_error(&self) -> Option<InvocationError> {
        self.init_error.lock().expect("no panic while locked").clone()
    }

    fn settle(&self, request_id: &str, answer: Result<Value, InvocationError>) -> Response {
        let current = self
            .current
            .lock()
            .expect("no panic while locked")
            .take_if(|it| it.request_id == request_id);
        let Some(invocation) = current else {
            let report = json!({ "errorType": "InvalidRequestID", "errorMessage": "Invalid request ID" });
            return (StatusCode::BAD_REQUEST, report.to_string()).into_response();
        };
        // A test that stopped waiting has dropped its end. That is no concern of the function.
        let _stopped_waiting = invocation.answer.send(answer);
        accepted()
    }
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, json!({ "status": "OK" }).to_string()).into_response()
}

async fn next(State(api): State<Arc<RuntimeApi>>) -> Response {
    api.polled.send_replace(true);
    let Some(invocation) = api.queue.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", invocation.request_id.clone()),
        (
            "lambda-runtime-deadline-ms",
            (now + api.time).as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            format!("arn:aws:lambda:{REGION}:123456789012:function:{FUNCTION}"),
        ),
    ];
    let trace = api.trace.lock().expect("no panic while locked").clone();
    let trace = trace.map(|header| [(HeaderName::from_static("lambda-runtime-trace-id"), header)]);
    let event = invocation.event.to_string();
    *api.current.lock().expect("no panic while locked") = Some(invocation);
    let mut response = (headers, event).into_response();
    response.headers_mut().extend(trace.into_iter().flatten());
    response
}

async fn response(
    State(api): State<Arc<RuntimeApi>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> Response {
    if body.len() > ANSWER_LIMIT {
        let message =
            format!("Response payload size exceeded maximum allowed payload size ({ANSWER_LIMIT} bytes).");
        let error = InvocationError::new("Function.ResponseSizeTooLarge", message);
        let _answered = api.settle(&request_id, Err(error));
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let not_json =
        |error: serde_json::Error| InvocationError::new("Function.ResponseNotJson", error.to_string());
    let answer = serde_json::from_slice(&body).map_err(not_json);
    api.settle(&request_id, answer)
}

async fn error(State(api): State<Arc<RuntimeApi>>, Path(request_id): Path<String>, body: Bytes) -> Response {
    api.settle(&request_id, Err(InvocationError::parse(&body)))
}

async fn init_error(State(api): State<Arc<RuntimeApi>>, body: Bytes) -> Response {
    *api.init_error.lock().expect("no panic while locked") = Some(InvocationError::parse(&body));
    accepted()
}
