//! Events with whatever a client, or nobody, could write into them: each gets an HTTP answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use feedback_graphql::auth::Authenticator;
use feedback_graphql::domain::Clock;
use feedback_graphql::graphql::{Executor, Introspection, Limits};
use feedback_graphql::http::{self, AppState, router};
use feedback_graphql::lambda::answering;
use lambda_http::lambda_runtime::Diagnostic;
use lambda_http::{Context, LambdaEvent, Service as _};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::support::events::{EventKind, HttpCall, event};
use crate::support::{Store, logs};

const CASES: usize = 3_000;

/// Names of the members of events that mean something to the function.
const NAMES: [&str; 30] = [
    "version",
    "routeKey",
    "rawPath",
    "rawQueryString",
    "headers",
    "multiValueHeaders",
    "queryStringParameters",
    "multiValueQueryStringParameters",
    "pathParameters",
    "proxy",
    "requestContext",
    "http",
    "method",
    "httpMethod",
    "path",
    "resource",
    "stage",
    "elb",
    "identity",
    "userArn",
    "authorizer",
    "jwt",
    "iam",
    "claims",
    "body",
    "isBase64Encoded",
    "content-type",
    "accept",
    "authorization",
    "host",
];

/// What is done to an event.
#[derive(Debug, Clone)]
enum Change {
    /// One of its values, however deep, becomes another.
    Replace(Index, Value),
    /// A member is added to one of its objects, however deep.
    Add(Index, String, Value),
}

/// Texts that something in the way could stumble over.
const ODD: [&str; 29] = [
    "",
    " ",
    "\"",
    "<",
    ">",
    "\0",
    "\r\n",
    "a\u{1}b",
    "\u{7f}",
    "ü",
    "例え",
    "%",
    "%zz",
    "?",
    "#",
    "//",
    "/..",
    "\\",
    "[::1",
    ":99999",
    "a b",
    "POST",
    "GE T",
    "$default",
    "POST /graphql",
    "/{proxy+}",
    "/{",
    "{}",
    "W10=",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(&ODD[..]).prop_map(str::to_owned),
        any::<String>(),
        (select(&ODD[..]), 1..40_000_usize).prop_map(|(text, times)| text.repeat(times)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |value| {
        prop_oneof![
            prop::collection::vec(value.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((name(), value), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![select(&NAMES[..]).prop_map(str::to_owned), text()]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), value()).prop_map(|(place, value)| Change::Replace(place, value)),
        (any::<Index>(), name(), value()).prop_map(|(place, name, value)| Change::Add(place, name, value)),
    ]
}

fn call() -> impl Strategy<Value = HttpCall> {
    let submit =
        json!({ "query": "mutation { submitFeedback(input: { message: \"planted\" }) { replayed } }" });
    let calls = [
        HttpCall::post_json("/graphql", &submit),
        HttpCall::post_json("/graphql", &submit).in_base64(),
        HttpCall::post_json("/staff/graphql", &submit),
        HttpCall::post_json("/feedback", &json!({ "feedback": "planted" })),
        HttpCall::get("/graphql?query=%7B__typename%7D"),
        HttpCall::new("OPTIONS", "/graphql").with_header("Origin", "https://app.example.org"),
    ];
    select(calls.to_vec())
}

fn apply(change: Change, event: &mut Value) {
    let (place, name, value) = match change {
        Change::Replace(place, value) => (place, None, value),
        Change::Add(place, name, value) => (place, Some(name), value),
    };
    let mut places = Vec::new();
    find(event, "", name.is_some(), &mut places);
    if places.is_empty() {
        return;
    }
    let found = event
        .pointer_mut(place.get::<String>(&places))
        .expect("a place that was found");
    match (name, found) {
        (Some(name), Value::Object(members)) => drop(members.insert(name, value)),
        (_, found) => *found = value,
    }
}

/// The places of all objects, or of all values that are in one.
fn find(value: &Value, place: &str, objects: bool, places: &mut Vec<String>) {
    if objects == value.is_object() || (!objects && !place.is_empty()) {
        places.push(place.to_owned());
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = name.replace('~', "~0").replace('/', "~1");
        find(value, &format!("{place}/{name}"), objects, places);
    }
}

/// Whether an event says by its form that it is one of HTTP.
fn is_http(event: &Value) -> bool {
    let context = &event["requestContext"];
    context["http"].is_object() || context["elb"].is_object() || event["httpMethod"].is_string()
}

fn service(store: &Store) -> Router {
    let state = AppState {
        executor: Executor::new(Introspection::On, Limits::default()),
        repository: store.repository.clone(),
        clock: Clock::System,
        authenticator: Authenticator::Guarded(None).into(),
    };
    let options = http::Options {
        allowed_origins: "*".parse().unwrap(),
        ..http::Options::default()
    };
    router(state, options)
}

async fn invoke(router: &Router, event: String) -> Result<Value, Diagnostic> {
    let mut context = Context::default();
    let deadline = SystemTime::now() + Duration::from_mins(1);
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
    context.deadline = u64::try_from(deadline).unwrap();
    let payload = RawValue::from_string(event).expect("JSON");
    let answer = answering(router.clone())
        .call(LambdaEvent { payload, context })
        .await?;
    Ok(serde_json::to_value(answer).unwrap())
}

/// The answer as JSON, with the body where that is JSON.
fn json_of(answer: &Value) -> (Value, Value) {
    let answer = answer.clone();
    let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
    (answer, body)
}

#[tokio::test]
async fn whatever_has_an_http_request_in_it_gets_an_http_answer() {
    logs::watch();
    let store = Store::new().await;
    let router = service(&store);
    let mut runner = TestRunner::new(Config::default());
    let cases = (
        select(&EventKind::ALL[..]),
        call(),
        prop::collection::vec(change(), 1..4),
    );
    let mut kinds_of_answers = [0; 3];
    for _ in 0..CASES {
        let (kind, call, changes) = cases.new_tree(&mut runner).unwrap().current();
        let mut event = event(kind, &call);
        for change in changes.clone() {
            apply(change, &mut event);
        }
        let place = match (invoke(&router, event.to_string()).await, is_http(&event)) {
            (Ok(answer), true) => {
                let (answer, _) = json_of(&answer);
                let status = answer["statusCode"].as_u64().unwrap();
                assert!((200..500).contains(&status), "{kind:?} {changes:?}: {answer}");
                usize::from(status >= 400)
            }
            (Err(error), false) => {
                assert_eq!(error.error_type, "NotHttp");
                2
            }
            (answer, _) => panic!("{kind:?} {changes:?}: {answer:?}"),
        };
        kinds_of_answers[place] += 1;
    }
    // The changes are neither too small nor too large to find anything.
    assert!(
        kinds_of_answers.iter().all(|count| count * 100 > CASES),
        "{kinds_of_answers:?}"
    );
    logs::check();
}

#[tokio::test]
async fn what_cannot_be_made_a_request_is_refused_with_a_sentence() {
    let store = Store::new().await;
    let router = service(&store);
    let post = |kind| {
        event(
            kind,
            &HttpCall::post_json("/feedback", &json!({ "feedback": "planted" })),
        )
    };
    let with = |kind, pointer: &str, value: Value| {
        let mut event = post(kind);
        *event.pointer_mut(pointer).unwrap() = value;
        event
    };
    let header = |kind, name: &str, value: Value| {
        let mut event = post(kind);
        let list = if event["headers"].is_object() {
            "headers"
        } else {
            "multiValueHeaders"
        };
        event[list][name] = value;
        event
    };
    let names = "a header has a name that HTTP does not allow";
    let values = "a header has a value that HTTP does not allow";
    let methods = "the method is not valid";
    let bodies = "the body is not a string";
    for (event, error) in [
        (header(EventKind::HttpApi, "x y", json!("z")), names),
        (header(EventKind::FunctionUrl, "", json!("z")), names),
        (header(EventKind::Alb, "ä", json!("z")), names),
        (header(EventKind::HttpApi, "x-note", json!("a\u{1}b")), values),
        (
            header(EventKind::FunctionUrl, "x-note", json!("a\r\nb: c")),
            values,
        ),
        (
            header(EventKind::AlbMultiValue, "x-note", json!(["a", "\u{0}"])),
            values,
        ),
        (
            with(EventKind::HttpApi, "/requestContext/http/method", json!("GE T")),
            methods,
        ),
        (
            with(EventKind::FunctionUrl, "/requestContext/http/method", json!("")),
            methods,
        ),
        (with(EventKind::Alb, "/httpMethod", Value::Null), methods),
        (
            with(EventKind::HttpApi, "/body", json!({ "feedback": "x" })),
            bodies,
        ),
        (with(EventKind::Alb, "/body", json!(5)), bodies),
    ] {
        let (answer, body) = json_of(&invoke(&router, event.to_string()).await.unwrap());
        assert_eq!(
            (&answer["statusCode"], &body),
            (&json!(400), &json!({ "error": error })),
            "{event}"
        );
        assert_eq!(answer["headers"]["content-type"], "application/json");
    }
    assert_eq!(store.items().await, [] as [Value; 0]);
}

#[tokio::test]
async fn an_error_about_an_event_has_the_form_of_its_path() {
    let store = Store::new().await;
    let router = service(&store);
    let mut event = event(
        EventKind::HttpApi,
        &HttpCall::get("/graphql?query=%7B__typename%7D"),
    );
    event["headers"]["x y"] = json!("z");
    let (answer, body) = json_of(&invoke(&router, event.to_string()).await.unwrap());
    let error = json!({
        "message": "a header has a name that HTTP does not allow",
        "extensions": { "code": "BAD_REQUEST" },
    });
    assert_eq!(
        (&answer["statusCode"], &body),
        (&json!(400), &json!({ "errors": [error] }))
    );
}

#[tokio::test]
async fn text_that_only_looks_like_an_event_is_refused_with_a_sentence() {
    let store = Store::new().await;
    let router = service(&store);
    let event = event(EventKind::HttpApi, &HttpCall::get("/graphql")).to_string();
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for odd in ["\"\\ud800\"", &deep] {
        let event = event.replacen(
            "\"isBase64Encoded\":false",
            &format!("\"isBase64Encoded\":{odd}"),
            1,
        );
        let (answer, body) = json_of(&invoke(&router, event).await.unwrap());
        assert_eq!(answer["statusCode"], 400);
        assert_eq!(
            body["errors"][0]["message"],
            "the event has an unpaired surrogate, or is nested too deeply"
        );
    }
}
