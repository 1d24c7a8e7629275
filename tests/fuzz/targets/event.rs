//! The JSON of an event, as a front door hands it to the function.
//!
//! Whatever has an HTTP request in it must get an HTTP answer.
#![no_main]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use feedback_fuzz::{expand, with_guarded};
use feedback_graphql::lambda::answering;
use lambda_http::{Context, LambdaEvent, Service};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_target!(|text: &str| -> Corpus {
    // An event is JSON in any case: Lambda takes no other.
    let Ok(payload) = RawValue::from_string(expand(text)) else {
        return Corpus::Reject;
    };
    let event: Value = serde_json::from_str(payload.get()).unwrap_or_default();
    let mut context = Context::default();
    context.deadline = deadline();
    let event_of_lambda = LambdaEvent { payload, context };
    let answer = with_guarded(async |router| answering(router).call(event_of_lambda).await);
    let answer = match answer {
        Ok(answer) => serde_json::to_value(answer).expect("an answer that can be written"),
        Err(error) => {
            assert!(!is_http(&event), "{error:?}");
            return Corpus::Keep;
        }
    };
    let status = answer["statusCode"].as_u64().expect("a status");
    assert!((200..500).contains(&status), "{answer}");
    if let Some(body) = answer["body"]
        .as_str()
        .filter(|body| body.starts_with("{\"errors\""))
    {
        feedback_fuzz::check_graphql(&serde_json::from_str(body).expect("JSON"));
    }
    assert!(answer["headers"].is_object(), "{answer}");
    Corpus::Keep
});

/// Whether an event says by its form that it is one of HTTP.
fn is_http(event: &Value) -> bool {
    let context = &event["requestContext"];
    context["http"].is_object() || context["elb"].is_object() || event["httpMethod"].is_string()
}

/// A minute from now, in milliseconds since 1970.
fn deadline() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    let deadline = now + Duration::from_mins(1);
    u64::try_from(deadline.as_millis()).expect("a time in range")
}
