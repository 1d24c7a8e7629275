//! One line of log for each request, without personal data: no message, no variables, no query string, no body.

use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use crate::logging::beginning;
use crate::repository::{FeedbackRepository, Outcomes};

/// The most bytes of a method, a path or an operation's name in a line.
const MAX_WORD: usize = 64;

/// The most bytes of a caller's name in a line: enough for the ARN of any role's session.
const MAX_NAME: usize = 256;

/// The response header that carries the request's id.
pub(super) const HEADER: &str = "x-request-id";

/// The id of a request in the log, an extension of the request. Random unless a binary sets it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The id of the trace that a request belongs to, in AWS X-Ray, an extension of the request: on every line in the log.
/// Since clients can send one, it has that form and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceId(String);

impl TraceId {
    /// The root of a tracing header like `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`,
    /// if the request is sampled, since there is no trace otherwise, and the root has X-Ray's form: the version, the time
    /// and a random number (<https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html>).
    #[must_use]
    pub fn sampled_in(header: &str) -> Option<Self> {
        let mut parts = header.split(';').map(str::trim);
        parts.clone().find(|part| *part == "Sampled=1")?;
        let root = parts.find_map(|part| part.strip_prefix("Root="))?;
        let (time, random) = root.strip_prefix("1-")?.split_once('-')?;
        let is_hex =
            |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_hex(time, 8) && is_hex(random, 24)).then(|| Self(root.to_owned()))
    }
}

/// A handler's part of the log line, in the response's extensions.
#[derive(Debug, Clone, Default)]
pub(super) struct Summary {
    /// The caller, if authenticated.
    pub(super) caller: Option<String>,
    /// `query` or `mutation`, if the request got that far, or `plain`.
    pub(super) operation_type: Option<&'static str>,
    /// The operation's name in the document, if it has one.
    pub(super) operation: Option<String>,
    /// True if the service has trusted documents, and the document is none of them.
    pub(super) arbitrary_document: Option<bool>,
    /// The codes of the errors in the response, each once, separated by commas.
    pub(super) error_codes: Option<String>,
    /// The number of requests to DynamoDB.
    pub(super) dynamodb_requests: u32,
    /// What became of submissions and changes of triage.
    pub(super) outcomes: Outcomes,
}

impl Summary {
    /// Takes over what this repository has counted.
    pub(super) fn measure(&mut self, repository: &FeedbackRepository) {
        self.dynamodb_requests = repository.requests_made();
        self.outcomes = repository.outcomes();
    }
}

pub(super) async fn log(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request.extensions().get::<RequestId>().cloned();
    let RequestId(id) = id.unwrap_or_else(|| RequestId(Uuid::new_v4().to_string()));
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let trace = request.extensions().get::<TraceId>();
    let xray_trace_id = trace.map(|TraceId(id)| id.as_str());
    // At the highest level, so that the ids are on every line at any level of logging.
    let span = tracing::error_span!("request", request_id = id, xray_trace_id);
    let mut response = next.run(request).instrument(span.clone()).await;
    let summary = response.extensions_mut().remove::<Summary>().unwrap_or_default();
    let Outcomes {
        submissions_stored,
        submissions_replayed,
        submissions_invalid,
        submissions_quarantined,
        submissions_refused,
        triage_conflicts,
    } = summary.outcomes;
    span.in_scope(|| {
        tracing::info!(
            method = beginning(method.as_str(), MAX_WORD),
            path = beginning(&path, MAX_WORD),
            status = response.status().as_u16(),
            duration_ms = milliseconds(began.elapsed()),
            caller = summary.caller.as_deref().map(|name| beginning(name, MAX_NAME)),
            operation_type = summary.operation_type,
            operation = summary.operation.as_deref().map(|name| beginning(name, MAX_WORD)),
            arbitrary_document = summary.arbitrary_document,
            error_codes = summary.error_codes,
            dynamodb_requests = summary.dynamodb_requests,
            submissions_stored = nonzero(submissions_stored),
            submissions_replayed = nonzero(submissions_replayed),
            submissions_invalid = nonzero(submissions_invalid),
            submissions_quarantined = nonzero(submissions_quarantined),
            submissions_refused = nonzero(submissions_refused),
            triage_conflicts = nonzero(triage_conflicts),
            "request"
        );
    });
    if let Ok(value) = HeaderValue::from_str(&id) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(HEADER), value);
    }
    response
}

/// A count, which is left out of the line if it is zero.
fn nonzero(count: u32) -> Option<u32> {
    (count > 0).then_some(count)
}

/// Milliseconds, rounded to microseconds.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
