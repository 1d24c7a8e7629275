//! The JSON of an event, as a front door hands it to the function.
#![no_main]

#[path = "../../../src/bin/lambda/events.rs"]
mod events;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use feedback_fuzz::{expand, with_guarded};
use lambda_http::request::LambdaRequest;
use lambda_http::{Context, LambdaEvent, Service};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;

fuzz_target!(|text: &str| -> Corpus {
    // What is no event of HTTP is refused by the runtime, with the library's sentence.
    let Ok(payload) = serde_json::from_str::<LambdaRequest>(&expand(text)) else {
        return Corpus::Reject;
    };
    let mut context = Context::default();
    context.deadline = deadline();
    let event = LambdaEvent { payload, context };
    let answer = with_guarded(async |router| {
        let Ok(answer) = events::answering(router).call(event).await;
        serde_json::to_value(answer).expect("an answer that can be written")
    });
    let status = answer["statusCode"].as_u64().expect("a status");
    assert!((200..500).contains(&status), "{answer}");
    if let Some(body) = answer["body"]
        .as_str()
        .filter(|body| body.starts_with("{\"errors\""))
    {
        feedback_fuzz::check_graphql(&serde_json::from_str(body).expect("JSON"));
    }
    assert_ne!(answer["headers"], Value::Null, "{answer}");
    Corpus::Keep
});

/// A minute from now, in milliseconds since 1970.
fn deadline() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    let deadline = now + Duration::from_mins(1);
    u64::try_from(deadline.as_millis()).expect("a time in range")
}
