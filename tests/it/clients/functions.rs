//! Who the client is, by the events of each kind: the Lambda binary, on the service's own patience.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{ONE, OTHER};
use crate::support::events::{EventKind, HttpAnswer, HttpCall, event};
use crate::support::lambda::{Lambda, Options};
use crate::support::{Store, TABLE};

/// How often a scenario is tried on a machine that is too busy to count in time.
const TRIES: usize = 100;

fn submit(address: &str) -> HttpCall {
    HttpCall::post_json("/feedback", &json!({ "feedback": "planted" })).sent_from(address)
}

/// A function with a limit.
async fn start(store: &Store, per_hour: u32) -> Lambda {
    Lambda::start(options(store, per_hour)).await
}

fn options(store: &Store, per_hour: u32) -> Options {
    let options = Options::new(&store.engine.endpoint(), TABLE).with("FEEDBACK_LOG", "trace");
    options.with("FEEDBACK_CLIENT_LIMIT", &per_hour.to_string())
}

async fn status(lambda: &Lambda, kind: EventKind, call: &HttpCall) -> u16 {
    lambda.call(kind, call).await.status
}

fn hour() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3_600
}

/// Everything that a function has logged, up to its last response.
async fn lines(lambda: &Lambda) -> Vec<String> {
    lambda
        .log_line(&format!("\"request_id\":\"{}\"", lambda.last_request_id()))
        .await;
    lambda.logs()
}

/// What a scenario comes to that nothing disturbs: each submission is counted in time, and no hour ends meanwhile. It
/// returns that, and the functions.
async fn undisturbed<T>(scenario: impl AsyncFn() -> (T, Vec<Lambda>)) -> T {
    for _ in 0..TRIES {
        let began = hour();
        let (outcome, functions) = scenario().await;
        let logs = join_all(functions.iter().map(lines)).await;
        let is_late = |line: &String| line.contains("DynamoDB did not answer within 50 ms");
        if !logs.iter().flatten().any(is_late) && hour() == began {
            return outcome;
        }
    }
    panic!("the machine is too busy to count a submission within 50 ms");
}

#[tokio::test]
async fn two_functions_share_one_limit_exactly() {
    let (accepted, refused, stored) = undisturbed(async || {
        let store = Store::new().await;
        let functions = vec![start(&store, 5).await, start(&store, 5).await];
        let submissions = functions.iter().map(async |function| {
            let mut statuses = Vec::new();
            for _ in 0..5 {
                statuses.push(status(function, EventKind::HttpApi, &submit(ONE)).await);
            }
            statuses
        });
        let statuses = join_all(submissions).await.concat();
        let count = |status| statuses.iter().filter(|found| **found == status).count();
        let outcome = (count(200), count(429), store.items().await.len());
        (outcome, functions)
    })
    .await;
    assert_eq!((accepted, refused, stored), (5, 5, 5));
}

#[tokio::test]
async fn no_header_makes_another_client_behind_any_front() {
    let forged = [
        ("X-Forwarded-For", "198.51.100.9"),
        ("X-Forwarded-For", OTHER),
        ("x-forwarded-for", "198.51.100.9, 198.51.100.10"),
        ("X-Forwarded-For", "ä, ,"),
        ("Forwarded", "for=198.51.100.9;proto=https"),
        ("CF-Connecting-IP", "198.51.100.9"),
        ("True-Client-IP", "198.51.100.9"),
        ("CloudFront-Viewer-Address", "198.51.100.9:443"),
        ("X-Real-IP", "198.51.100.9"),
        ("X-Client-IP", "198.51.100.9"),
    ];
    for kind in EventKind::ALL {
        let (first, others, other) = undisturbed(async || {
            let store = Store::new().await;
            let lambda = start(&store, 1).await;
            // Somebody who makes up the other's address uses up nothing of the other's.
            let first = status(&lambda, kind, &submit(ONE).with_header("X-Forwarded-For", OTHER)).await;
            let mut others = Vec::new();
            for (name, value) in forged {
                others.push(status(&lambda, kind, &submit(ONE).with_header(name, value)).await);
            }
            let other = status(&lambda, kind, &submit(OTHER)).await;
            ((first, others, other), vec![lambda])
        })
        .await;
        assert_eq!((first, other), (200, 200), "{kind:?}");
        assert_eq!(others, [429; 10], "{kind:?}");
    }
}

#[tokio::test]
async fn an_ipv6_client_is_its_64_behind_any_front() {
    for kind in EventKind::ALL {
        let statuses = undisturbed(async || {
            let store = Store::new().await;
            let lambda = start(&store, 1).await;
            let mut statuses = Vec::new();
            for address in [
                "2001:db8:1:2::1",
                "2001:db8:1:2:ffff:ffff:ffff:ffff",
                "2001:0DB8:0001:0002::5",
                "2001:db8:1:3::1",
            ] {
                statuses.push(status(&lambda, kind, &submit(address)).await);
            }
            (statuses, vec![lambda])
        })
        .await;
        assert_eq!(statuses, [200, 429, 429, 200], "{kind:?}");
    }
}

#[tokio::test]
async fn a_request_whose_address_is_not_known_is_accepted_and_logged_once_a_minute() {
    let store = Store::new().await;
    let lambda = start(&store, 1).await;
    for (kind, pointer) in [
        (EventKind::HttpApi, "/requestContext/http/sourceIp"),
        (EventKind::FunctionUrl, "/requestContext/http/sourceIp"),
        (EventKind::RestApi, "/requestContext/identity/sourceIp"),
        (EventKind::Alb, "/headers/x-forwarded-for"),
    ] {
        // The console tests a REST API by the second.
        for address in [json!(""), json!("test-invoke-source-ip"), json!(5), Value::Null] {
            let mut event = event(kind, &submit(ONE));
            *event.pointer_mut(pointer).unwrap() = address.clone();
            let answer = HttpAnswer::parse(kind, &lambda.invoke(event).await.unwrap());
            assert_eq!(answer.status, 200, "{kind:?}: {address}");
        }
    }
    let lines = lines(&lambda).await;
    let told: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("cannot count"))
        .collect();
    assert!(
        told.len() == 1 && told[0].contains("a request has no address"),
        "{told:?}"
    );
}

#[tokio::test]
async fn behind_cloudfront_the_client_is_who_the_header_says_that_is_named() {
    let header = "CloudFront-Viewer-Address";
    // The address of CloudFront, and what it says of each viewer.
    let seen = |viewer: &str| submit("130.176.0.1").with_header(header, viewer);
    for kind in EventKind::ALL {
        let statuses = undisturbed(async || {
            let store = Store::new().await;
            let options = options(&store, 1).with("FEEDBACK_CLIENT_ADDRESS_HEADER", header);
            let lambda = Lambda::start(options).await;
            let mut statuses = Vec::new();
            for viewer in [
                "198.51.100.10:46532",
                "198.51.100.10:46533",
                "198.51.100.11:46532",
                "2001:db8:1:2:3:4:5:6:4653",
                "2001:db8:1:2::1:4653",
                "2001:db8:1:3::1:4653",
            ] {
                statuses.push(status(&lambda, kind, &seen(viewer)).await);
            }
            (statuses, vec![lambda])
        })
        .await;
        assert_eq!(statuses, [200, 429, 200, 200, 429, 200], "{kind:?}");
    }
    // A distribution that does not send it. All clients would be one, and refused as one.
    let store = Store::new().await;
    let lambda = Lambda::start(options(&store, 1).with("FEEDBACK_CLIENT_ADDRESS_HEADER", header)).await;
    for call in [
        submit("130.176.0.1"),
        submit("130.176.0.1"),
        seen("unknown"),
        seen("198.51.100.10"),
    ] {
        assert_eq!(status(&lambda, EventKind::HttpApi, &call).await, 200);
    }
    assert!(
        lambda
            .log_line("cannot count")
            .await
            .contains("a request has no address")
    );
}

#[tokio::test]
async fn a_clients_address_is_in_no_line_of_the_log_and_in_no_item() {
    let addresses = ["203.0.113.213", "2001:db8:5eed:1234:5678:9abc:def0:1234"];
    // As text, and as digits of its bytes.
    let planted = [
        "203.0.113.213",
        "cb0071d5",
        "2001:db8",
        "5eed",
        "5678:9abc",
        "20010db8",
    ];
    let store = Store::new().await;
    let lambda = start(&store, 2).await;
    let mut statuses = BTreeSet::new();
    for kind in EventKind::ALL {
        for address in addresses {
            // Refused requests, and those with an error of their own, are logged too.
            statuses.insert(status(&lambda, kind, &submit(address)).await);
            let malformed = HttpCall::new("POST", "/feedback").sent_from(address);
            statuses.insert(status(&lambda, kind, &malformed).await);
        }
    }
    assert_eq!(statuses, BTreeSet::from([200, 400, 429]));
    for line in lines(&lambda).await {
        let line = line.to_lowercase();
        assert!(!planted.iter().any(|text| line.contains(text)), "{line}");
    }
    let items = store.all_items().await;
    assert!(items.keys().any(|id| id.starts_with("client#")));
    for (id, item) in items {
        let text = format!("{item:?}").to_lowercase();
        // A digest has any digits.
        let is_digest = id.starts_with("client#");
        let found = planted
            .iter()
            .filter(|text| !is_digest || text.contains([':', '.']));
        assert!(
            !found.into_iter().any(|planted| text.contains(planted)),
            "{id}: {text}"
        );
    }
}
