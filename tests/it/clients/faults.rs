//! What the limit does when DynamoDB cannot count: nothing.

use std::sync::Arc;
use std::time::Duration;

use feedback_graphql::http::Options;
use feedback_graphql::repository::{ClientLimit, connect_without_account};
use serde_json::{Value, json};

use super::{ADDRESS, ONE, limit, submit, submit_plain};
use crate::support::events::{EventKind, HttpCall};
use crate::support::faulty::{Fault, Network};
use crate::support::lambda::{Lambda, Options as LambdaOptions};
use crate::support::proxy::{self, Fate};
use crate::support::{PATIENCE, Server, Store, TABLE, on};

/// A server with a limit whose way to its engine can be made to fail, after a first submission.
async fn faulty(limit: ClientLimit) -> (Server, Network) {
    let store = Store::new().await;
    let network = Network::to(&store.engine.endpoint()).await;
    let repository = on(&connect_without_account(&network.endpoint), 1).await;
    let repository = repository.limiting_clients(limit);
    let server = Server::with(Store { repository, ..store }, Options::default()).await;
    assert_eq!(submit_plain(&server, ONE).await.status, 200);
    (server, network)
}

/// What two submissions ask for, of which the first is not counted: the fault is met once and not tried again.
async fn goes_on(limit: ClientLimit, fault: Fault) {
    let (server, network) = faulty(limit).await;
    let before = network.requests(0).await.len();
    network.fail_once(fault);
    let answer = submit(&server, ONE, json!({ "message": "planted" })).await;
    assert_eq!(answer.status, 200, "{fault:?}: {answer:?}");
    assert_eq!(server.store.items().await.len(), 2, "{fault:?}");
    let requests = network.requests(before + 2).await;
    assert_eq!(requests[before..], ["UpdateItem", "PutItem"], "{fault:?}");
}

#[tokio::test]
async fn a_submission_goes_on_when_its_count_is_throttled_in_each_spelling() {
    for code in [
        "ThrottlingException",
        "Throttling",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "LimitExceededException",
    ] {
        goes_on(limit(1), Fault::Refuse(400, code)).await;
    }
}

#[tokio::test]
async fn a_submission_goes_on_when_its_count_meets_trouble_of_dynamodb() {
    for (status, code) in [
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
        (400, "ValidationException"),
        (400, "AccessDeniedException"),
        (400, "ConditionalCheckFailedException"),
    ] {
        goes_on(limit(1), Fault::Refuse(status, code)).await;
    }
}

#[tokio::test]
async fn a_submission_goes_on_when_the_connection_of_its_count_breaks() {
    for fault in [
        Fault::ResetBefore,
        Fault::ResetAfter,
        Fault::CloseAfter,
        Fault::Truncate,
    ] {
        goes_on(limit(1), fault).await;
    }
}

/// With the patience that the service has.
#[tokio::test]
async fn a_submission_does_not_wait_for_a_count_that_is_late_or_never_comes() {
    for fault in [Fault::Delay(PATIENCE), Fault::Silence] {
        let usual = ClientLimit {
            patience: ClientLimit::default().patience,
            ..limit(100)
        };
        goes_on(usual, fault).await;
    }
}

/// As on a function that was frozen for long.
#[tokio::test]
async fn a_client_is_counted_on_a_connection_that_was_closed_while_idle() {
    let (server, network) = faulty(limit(2)).await;
    for status in [200, 429] {
        // The next two requests: the count's and, of the first submission, its own.
        network.fail_always(Some(Fault::CloseIdle));
        assert_eq!(submit_plain(&server, ONE).await.status, status);
    }
}

/// The log says what ended the wait: the limit's own patience, and not the two seconds that a request may take.
#[tokio::test]
async fn submissions_that_are_not_counted_are_logged_once_a_minute() {
    let submit = HttpCall::post_json("/feedback", &json!({ "feedback": "planted" }));
    let late = "DynamoDB did not answer within 50 ms";
    for (fault, reason) in [
        (Fault::Silence, late),
        (
            Fault::Refuse(400, "ThrottlingException"),
            "ThrottlingException: no",
        ),
    ] {
        let told = async || {
            let store = Store::new().await;
            let network = Network::to(&store.engine.endpoint()).await;
            let options = LambdaOptions::new(&network.endpoint, TABLE).with("FEEDBACK_CLIENT_LIMIT", "1");
            let lambda = Lambda::start(options).await;
            network.fail_always(Some(fault));
            for _ in 0..2 {
                // Neither is stored: there is one fault for everything.
                assert!(lambda.call(EventKind::HttpApi, &submit).await.status >= 429);
            }
            let told = lambda.log_line("cannot count").await;
            let lines = lambda.logs();
            assert_eq!(
                lines.iter().filter(|line| line.contains("cannot count")).count(),
                1,
                "{lines:#?}"
            );
            told
        };
        let mut line = told().await;
        // A machine that is busy may be late with a refusal, too.
        while line.contains(late) && reason != late {
            line = told().await;
        }
        assert!(
            line.contains("\"level\":\"WARN\"") && line.contains(reason),
            "{line}"
        );
    }
}

/// Of the salt, which the first submission of a day needs.
#[tokio::test]
async fn a_salt_that_comes_too_late_for_one_submission_is_there_for_the_next() {
    let store = Store::new().await;
    let network = Network::to(&store.engine.endpoint()).await;
    let repository = on(&connect_without_account(&network.endpoint), 1).await;
    let impatient = ClientLimit {
        patience: Duration::ZERO,
        ..limit(100)
    };
    let server = Server::with(
        Store {
            repository: repository.limiting_clients(impatient),
            ..store
        },
        Options::default(),
    )
    .await;
    let before = network.requests(0).await.len();
    assert_eq!(submit_plain(&server, ONE).await.status, 200);
    // Those of the salt, and the submission's own, in whichever order.
    let mut requests = network.requests(before + 3).await.split_off(before);
    requests.sort();
    assert_eq!(requests, ["GetItem", "PutItem", "UpdateItem"]);
    let salt = server.store.all_items().await.remove("salt#2026-03-01");
    assert!(salt.is_some_and(|item| item.contains_key("salt")));
}

#[tokio::test]
async fn an_item_that_is_not_as_it_should_be_is_no_trouble() {
    for answer in [
        json!({}),
        json!({ "Attributes": { "submissions": { "S": "many" } } }),
    ] {
        let store = Store::new().await;
        let decide = move |operation: &str, input: Value| match operation {
            "UpdateItem" => Fate::Answer(200, answer.clone()),
            _ => Fate::PassAndMend(input, Box::new(|answer| answer)),
        };
        let endpoint = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
        let repository = on(&connect_without_account(&endpoint), 1)
            .await
            .limiting_clients(limit(1));
        let server = Server::with(Store { repository, ..store }, Options::default()).await;
        for _ in 0..2 {
            let request = server.request("POST", "/feedback").header(ADDRESS, ONE);
            let answer = server.send(request.json(&json!({ "feedback": "x" }))).await;
            assert_eq!(answer.status, 200);
        }
        assert_eq!(server.store.items().await.len(), 2);
    }
}
