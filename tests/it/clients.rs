//! The limit for each client that has no credential: what it counts, what it refuses, and that it stands in nobody
//! else's way.

mod faults;
mod functions;
mod many;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use feedback_graphql::auth::{ApiKeys, Authenticator, make_key};
use feedback_graphql::domain::{ClientAddress, Clock, Submitter, Timestamp};
use feedback_graphql::http::Options;
use feedback_graphql::repository::{ClientLimit, FeedbackRepository, connect_without_account};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::proxy::{self, Fate};
use crate::support::{ADDRESS, Answer, NOW, PATIENCE, Server, Store, on};

const SUBMIT: &str = "mutation($input: SubmitFeedbackInput!) {
    submitFeedback(input: $input) { feedback { id } replayed userErrors { code } }
}";

/// The addresses of two clients.
const ONE: &str = "203.0.113.7";
const OTHER: &str = "203.0.113.8";

/// Half an hour after [`NOW`] an hour ends.
const SECONDS_LEFT: &str = "1800";
const HOUR: u64 = 60 * 60 * 1_000;

/// A limit with the patience of a test, on however busy a machine.
fn limit(per_hour: u32) -> ClientLimit {
    ClientLimit {
        per_hour: NonZeroU32::new(per_hour),
        patience: PATIENCE,
    }
}

/// The same store, with a limit.
fn limited(store: Store, per_hour: u32) -> Store {
    let repository = store.repository.limiting_clients(limit(per_hour));
    Store { repository, ..store }
}

async fn server(per_hour: u32) -> Server {
    Server::with(limited(Store::new().await, per_hour), Options::default()).await
}

/// Posts a submission from an address.
async fn submit(server: &Server, address: &str, input: Value) -> Answer {
    let body = json!({ "query": SUBMIT, "variables": { "input": input } });
    let request = server.request("POST", "/graphql").header(ADDRESS, address);
    server.send(request.json(&body)).await
}

async fn submit_plain(server: &Server, address: &str) -> Answer {
    let request = server.request("POST", "/feedback").header(ADDRESS, address);
    server.send(request.json(&json!({ "feedback": "plain" }))).await
}

/// What a client of the address submits is counted at this time, through this repository.
async fn count(repository: &FeedbackRepository, address: &str, millis: u64) -> Option<u32> {
    let client = ClientAddress::parse(address).unwrap();
    let now = Timestamp::from_millis(millis).unwrap();
    repository.admit(Submitter::Client(client), now).await.unwrap()
}

/// The ids of the counters and of the salts in a table.
async fn own_items(store: &Store) -> (BTreeSet<String>, BTreeSet<String>) {
    let ids = store.all_items().await.into_keys();
    let ids = ids.filter(|id| id.starts_with("client#") || id.starts_with("salt#"));
    ids.partition(|id| id.starts_with("client#"))
}

#[tokio::test]
async fn a_client_above_the_limit_is_refused_over_both_endpoints_until_the_hour_ends() {
    let server = server(3).await;
    let input = json!({ "message": "planted" });
    assert_eq!(submit(&server, ONE, input.clone()).await.status, 200);
    assert_eq!(submit_plain(&server, ONE).await.status, 200);
    assert_eq!(submit(&server, ONE, input.clone()).await.status, 200);

    let sentence = "submissions from one network address without a credential are limited to 3 an hour: try again in 1800 s";
    // The second time from memory.
    for _ in 0..2 {
        let refused = submit(&server, ONE, input.clone()).await;
        assert_eq!(
            (refused.status, refused.header("retry-after")),
            (429, Some(SECONDS_LEFT))
        );
        let error = json!({
            "message": sentence,
            "locations": [{ "line": 2, "column": 5 }],
            "path": ["submitFeedback"],
            "extensions": { "code": "TOO_MANY_REQUESTS", "retryAfter": 1800 },
        });
        assert_eq!(refused.json(), json!({ "errors": [error] }));
        let refused = submit_plain(&server, ONE).await;
        assert_eq!(
            (refused.status, refused.header("retry-after")),
            (429, Some(SECONDS_LEFT))
        );
        assert_eq!(refused.json(), json!({ "error": sentence }));
    }
    assert_eq!(server.store.items().await.len(), 3);

    assert_eq!(
        submit(&server, OTHER, input.clone()).await.status,
        200,
        "another client"
    );
    server.at_later_time();
    for _ in 0..3 {
        assert_eq!(
            submit(&server, ONE, input.clone()).await.status,
            200,
            "in the next hour"
        );
    }
    assert_eq!(submit(&server, ONE, input).await.status, 429);
    assert_eq!(server.store.items().await.len(), 7);
}

#[tokio::test]
async fn retries_are_counted_and_what_is_not_valid_is_not() {
    let server = server(2).await;
    for _ in 0..5 {
        let answer = submit(&server, ONE, json!({ "message": " " })).await;
        assert_eq!(
            answer.json()["data"]["submitFeedback"]["userErrors"][0]["code"],
            "BLANK"
        );
    }
    let input = json!({ "message": "planted", "idempotencyKey": "planted-key" });
    for status in [200, 200, 429] {
        assert_eq!(submit(&server, ONE, input.clone()).await.status, status);
    }
    assert_eq!(server.store.items().await.len(), 1);
}

#[tokio::test]
async fn of_several_submissions_in_one_request_those_within_the_limit_are_stored() {
    let store = limited(Store::new().await, 2);
    let server = Server::limited(store, "submissions=5".parse().unwrap()).await;
    let field =
        |name: &str| format!("{name}: submitFeedback(input: {{ message: \"{name}\" }}) {{ replayed }}");
    let query = format!("mutation {{ {} {} {} }}", field("a"), field("b"), field("c"));
    let request = server.request("POST", "/graphql").header(ADDRESS, ONE);
    let answer = server.send(request.json(&json!({ "query": query }))).await;
    let body = answer.json();
    let stored = json!({ "replayed": false });
    assert_eq!(body["data"], json!({ "a": stored, "b": stored, "c": null }));
    assert_eq!(body["errors"][0]["path"], json!(["c"]));
    assert_eq!(body["errors"][0]["extensions"]["retryAfter"], 1800);
    assert_eq!((answer.status, answer.header("retry-after")), (200, None));
    assert_eq!(server.store.items().await.len(), 2);
}

#[tokio::test]
async fn callers_with_a_credential_are_exempt() {
    let key = make_key("importer", &[]).unwrap();
    let keys = format!("{{\"keys\": [{}]}}", key.entry);
    let source = Arc::new(move || {
        let keys = keys.clone();
        Box::pin(async move { Ok(keys) }) as _
    });
    let keys = ApiKeys::new(source, Clock::System);
    let store = limited(Store::new().await, 1);
    let server = Server::guarded(store, Options::default(), Authenticator::Guarded(Some(keys))).await;
    let (graphql, plain) = (
        json!({ "query": SUBMIT, "variables": { "input": { "message": "x" } } }),
        json!({ "feedback": "x" }),
    );
    let bearer = format!("Bearer {}", key.token);
    for _ in 0..3 {
        for (path, body) in [("/graphql", &graphql), ("/feedback", &plain)] {
            let request = server.request("POST", path).header(ADDRESS, ONE);
            let answer = server
                .send(request.header("authorization", &bearer).json(body))
                .await;
            assert_eq!(answer.status, 200, "{path}");
        }
    }
    // None of it counts against those who are at the same address without one.
    for (path, body, status) in [("/graphql", &graphql, 200), ("/feedback", &plain, 429)] {
        let request = server.request("POST", path).header(ADDRESS, ONE).json(body);
        assert_eq!(server.send(request).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn without_a_limit_nothing_is_counted() {
    let server = server(0).await;
    for _ in 0..3 {
        assert_eq!(submit_plain(&server, ONE).await.status, 200);
    }
    assert_eq!(own_items(&server.store).await, (BTreeSet::new(), BTreeSet::new()));
}

#[tokio::test]
async fn what_a_client_submits_can_be_counted_where_there_is_no_limit() {
    let store = limited(Store::new().await, 0);
    assert_eq!(count(&store.repository, ONE, NOW).await, None);
    let counting = store.repository.clone().counting_clients();
    for expected in 1..=3 {
        assert_eq!(count(&counting, ONE, NOW).await, Some(expected));
    }
    assert_eq!(count(&counting, OTHER, NOW).await, Some(1));
    let now = Timestamp::from_millis(NOW).unwrap();
    for submitter in [Submitter::WithCredential, Submitter::Unknown] {
        assert_eq!(counting.admit(submitter, now).await, Ok(None), "{submitter:?}");
    }
}

/// An item that counts, its id aside, is all that there is of a client.
#[tokio::test]
async fn a_client_is_another_key_each_hour_and_under_another_salt_each_day() {
    let store = limited(Store::new().await, 5);
    let repository = &store.repository;
    let mut seen = BTreeSet::new();
    // 2026-03-01T09:30Z, 23:30Z, and the next day, 00:30Z and 09:30Z.
    for (hours, salts) in [(0, 1), (14, 1), (15, 2), (24, 2)] {
        for address in [ONE, OTHER, "2001:db8::1", "2001:db8::2"] {
            count(repository, address, NOW + hours * HOUR).await;
        }
        let (counters, days) = own_items(&store).await;
        // The last two are one client.
        assert_eq!(
            (counters.len(), days.len()),
            (seen.len() + 3, salts),
            "{hours} hours later"
        );
        seen = counters;
    }
    let items = store.all_items().await;
    let salt = |day: &str| items[&format!("salt#{day}")]["salt"].as_b().unwrap().clone();
    assert_ne!(salt("2026-03-01"), salt("2026-03-02"));
    assert_eq!(salt("2026-03-01").as_ref().len(), 32);

    let first = 1_772_355_600 + 2 * 60 * 60;
    let expiry = |id: &str| items[id]["expiresAt"].as_n().unwrap().parse::<u64>().unwrap();
    let counters = seen.iter().map(|id| (expiry(id), items[id].len()));
    let counters: BTreeSet<(u64, usize)> = counters.collect();
    let hours = [0, 14, 15, 24].map(|hours| (first + hours * 60 * 60, 3));
    assert_eq!(
        counters,
        BTreeSet::from(hours),
        "two hours from the hour's beginning; id, count and expiry"
    );
    assert_eq!(
        expiry("salt#2026-03-01"),
        1_772_409_600 + 60 * 60,
        "an hour after the day"
    );
}

#[tokio::test]
async fn functions_that_make_the_salt_at_once_use_the_same() {
    let store = Store::new().await;
    // Each looks before anybody has made it.
    let blind = |operation: &str, input: Value| {
        let is_salt = operation == "GetItem" && input["Key"]["feedbackId"]["S"] == "salt#2026-03-01";
        let mend = move |answer| if is_salt { json!({}) } else { answer };
        Fate::PassAndMend(input, Box::new(mend))
    };
    let endpoint = proxy::start(store.engine.endpoint(), Arc::new(blind)).await;
    let functions = async |clients: Vec<Client>| {
        let functions = join_all(clients.iter().map(|client| on(client, 1))).await;
        let functions: Vec<_> = functions
            .into_iter()
            .map(|one| one.limiting_clients(limit(100)))
            .collect();
        let counts = join_all(functions.iter().map(|one| count(one, ONE, NOW))).await;
        counts.into_iter().flatten().collect::<BTreeSet<u32>>()
    };
    let clients = (0..8).map(|_| connect_without_account(&endpoint)).collect();
    assert_eq!(functions(clients).await, (1..=8).collect());
    // So does one that finds it.
    assert_eq!(functions(vec![store.client.clone()]).await, BTreeSet::from([9]));
    let (counters, salts) = own_items(&store).await;
    assert_eq!((counters.len(), salts.len()), (1, 1));
}
