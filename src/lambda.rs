//! The service on AWS Lambda: events of HTTP APIs, REST APIs, Function URLs and load balancers, answered by the
//! router.
//!
//! `lambda_http` writes responses. It does not read requests: its types reject an event for an invalid header, and panic
//! on an invalid host or query, all of which clients can send. Here, an event with an HTTP request always gets an HTTP
//! response: a request that HTTP does not allow goes to the router with an [`HttpError`](crate::http::HttpError), and is
//! refused and logged there.

mod answer;
mod event;

use std::time::{Instant, SystemTime};

use axum::Router;
use lambda_http::lambda_runtime::Diagnostic;
use lambda_http::{Context, LambdaEvent, Service, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;

use self::event::{Event, Front};
use crate::http::{AnswerLimit, Deadline, RequestId, TraceId};

/// The router, as a function of events.
///
/// The error is for events without an HTTP request.
#[must_use]
pub fn answering(
    router: Router,
) -> impl Service<LambdaEvent<Box<RawValue>>, Response = impl Serialize, Error = Diagnostic> {
    service_fn(move |event: LambdaEvent<Box<RawValue>>| answer(router.clone(), event))
}

async fn answer(
    mut router: Router,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<impl Serialize + use<>, Diagnostic> {
    let LambdaEvent { payload, context } = event;
    let Event { mut request, front } = Event::read(&payload).ok_or_else(|| Diagnostic {
        error_type: "NotHttp".to_owned(),
        error_message: "expected an HTTP request: an event of an API Gateway HTTP API or REST API, a Lambda \
                        Function URL or an Application Load Balancer"
            .to_owned(),
    })?;
    let extensions = request.extensions_mut();
    extensions.insert(deadline(&context));
    extensions.insert(RequestId(context.request_id.clone()));
    let trace = context.xray_trace_id.as_deref().and_then(TraceId::sampled_in);
    if let Some(trace) = trace {
        extensions.insert(trace);
    }
    extensions.insert(match front {
        Front::LoadBalancer => AnswerLimit::LOAD_BALANCER,
        Front::Payload1 | Front::Payload2 => AnswerLimit::LAMBDA,
    });
    let Ok(response) = router.call(request).await;
    let Ok(answer) = answer::write(response, front, context).await;
    Ok(answer)
}

/// The time at which Lambda will stop the function.
fn deadline(context: &Context) -> Deadline {
    let left = context.deadline().duration_since(SystemTime::now());
    Deadline(Instant::now() + left.unwrap_or_default())
}
