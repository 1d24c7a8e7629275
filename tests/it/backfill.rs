//! The backfill of an older table, by the program as a person starts it.

mod ended;
mod incompatible;
mod others;
mod tables;
mod triage;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::http::Options;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::proxy::{self, Fate};
use crate::support::{NOW, Server, Store, TABLE, on, program};

/// Long enough for the slowest machine; nothing waits for it.
const PATIENCE: Duration = Duration::from_mins(1);

/// When the original handler went to work, in seconds.
const LONG_AGO: u64 = 1_700_000_000;

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: &impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

async fn put<const N: usize>(client: &Client, item: [(&str, AttributeValue); N]) {
    let item = HashMap::from(item.map(|(name, value)| (name.to_owned(), value)));
    let put = client.put_item().table_name(TABLE).set_item(Some(item));
    put.send().await.unwrap();
}

/// Stores an item as the original handler does: `str(uuid.uuid4())`, the text, `int(time.time())`.
async fn handle(client: &Client, text: &str, seconds: u64) -> String {
    let id = Uuid::new_v4().to_string();
    put(
        client,
        [
            ("feedbackId", s(&id)),
            ("feedback", s(text)),
            ("timestamp", n(&seconds)),
        ],
    )
    .await;
    id
}

/// Stores so many items, out of order and partly in the same seconds; their ids in the order of time.
async fn handle_many(client: &Client, count: u64) -> Vec<String> {
    let mut places = Vec::new();
    for number in 0..count {
        let seconds = LONG_AGO + number * 7 % 10 * 86_400;
        places.push((
            seconds,
            handle(client, &format!("number {number}"), seconds).await,
        ));
    }
    places.sort();
    places.into_iter().map(|(_, id)| id).collect()
}

fn command(endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = program(
        env!("CARGO_BIN_EXE_backfill"),
        &["--table", TABLE, "--endpoint-url", endpoint],
    );
    command.args(arguments);
    command
}

/// What a run said, and how it ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    said: String,
    complained: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            said: String::from_utf8(output.stdout).unwrap(),
            complained: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

async fn run(endpoint: &str, arguments: &[&str]) -> Ended {
    let output = timeout(PATIENCE, command(endpoint, arguments).output()).await;
    output.expect("an end").unwrap().into()
}

/// Runs it, expects it to succeed, and returns what it said.
async fn backfill(endpoint: &str, arguments: &[&str]) -> String {
    let ended = run(endpoint, arguments).await;
    assert_eq!((ended.code, &*ended.complained), (Some(0), ""), "{ended:?}");
    ended.said
}

/// Everything in the table, by id.
async fn items(store: &Store) -> BTreeMap<String, Value> {
    let items = store.items().await.into_iter();
    items
        .map(|item| (item["feedbackId"].as_str().unwrap().to_owned(), item))
        .collect()
}

fn is_backfilled(item: &Value) -> bool {
    let has = |name| item.get(name).is_some();
    assert_eq!(has("timelineShard"), has("timelinePosition"), "{item}");
    has("timelineShard")
}

async fn count_backfilled(store: &Store) -> usize {
    items(store)
        .await
        .values()
        .filter(|item| is_backfilled(item))
        .count()
}

/// The whole listing, the earliest first.
async fn listed(server: &Server) -> Vec<Value> {
    let query = "query($after: String) { feedbacks(first: 100, order: OLDEST_FIRST, after: $after) {
        nodes { id message submittedAt } pageInfo { hasNextPage endCursor } } }";
    let (mut nodes, mut after) = (Vec::new(), Value::Null);
    loop {
        let mut data = server.data(query, json!({ "after": after })).await;
        let page = &mut data["feedbacks"];
        nodes.append(page["nodes"].as_array_mut().unwrap());
        if page["pageInfo"]["hasNextPage"] == false {
            return nodes;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}

fn ids(nodes: &[Value]) -> Vec<&str> {
    nodes.iter().map(|node| node["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn items_of_the_original_handler_are_listed_in_the_order_of_time_once_backfilled() {
    let server = Server::with(Store::with_shards(4).await, Options::default()).await;
    let store = &server.store;
    let mut expected = handle_many(&store.client, 150).await;
    let new = store.submit("from the service", NOW).await.id.to_string();
    assert_eq!(ids(&listed(&server).await), [&new]);
    let before = items(store).await;

    let said = backfill(&store.engine.endpoint(), &["--write", "--rate", "2000"]).await;
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let expected_lines = [
        "151 items in table Feedback:",
        "1 complete",
        "150 pending",
        "0 incompatible",
        "Not counted: 1 item of the service itself, with a # in the id.",
        "",
        "150 items backfilled.",
    ];
    assert_eq!(lines, expected_lines);

    expected.push(new.clone());
    let listed = listed(&server).await;
    assert_eq!(ids(&listed), expected);
    for node in &listed[..150] {
        let id = node["id"].as_str().unwrap();
        let query = "query($id: ID!) { feedback(id: $id) { id message submittedAt } }";
        let data = server.data(query, json!({ "id": id })).await;
        assert_eq!(data["feedback"], *node);
        assert!(node["submittedAt"].as_str().unwrap().ends_with("T22:13:20.000Z"));
    }
    let mut shards = BTreeSet::new();
    for (id, mut item) in items(store).await {
        if id != new {
            let place = item.as_object_mut().unwrap();
            shards.insert(place.remove("timelineShard").unwrap().as_u64());
            let position = format!("{:010}000#{id}", item["timestamp"].as_u64().unwrap());
            let place = item.as_object_mut().unwrap();
            assert_eq!(place.remove("timelinePosition"), Some(json!(position)));
            assert_eq!(place.remove("status"), Some(json!("OPEN")));
        }
        assert_eq!(item, before[&id], "nothing else is touched");
    }
    assert_eq!(shards, (0..4).map(Some).collect());
}

#[tokio::test]
async fn without_write_nothing_is_changed() {
    let store = Store::new().await;
    handle_many(&store.client, 30).await;
    store.submit("from the service", NOW).await;
    let before = items(&store).await;
    let said = backfill(&store.engine.endpoint(), &["--rate", "10"]).await;
    assert_eq!(
        said,
        "31 items in table Feedback:\n  1 complete\n  30 pending\n  0 incompatible\n\
         Not counted: 1 item of the service itself, with a # in the id.\n\nNothing was changed.\n\n--write backfills the items, in about 3 seconds at --rate 10.\n"
    );
    assert_eq!(items(&store).await, before);
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let store = Store::new().await;
    handle_many(&store.client, 30).await;
    backfill(&store.engine.endpoint(), &["--write"]).await;
    let before = items(&store).await;
    assert!(before.values().all(is_backfilled));
    // Not even after the number of shards was raised, with which the items would get other places.
    on(&store.client, 64).await;
    let said = backfill(&store.engine.endpoint(), &["--write"]).await;
    assert!(
        said.contains(" 0 pending\n") && said.ends_with("\n0 items backfilled.\n"),
        "{said}"
    );
    assert_eq!(items(&store).await, before);
}

#[tokio::test]
async fn nobodys_text_is_transferred() {
    let store = Store::new().await;
    let secret = "what somebody wrote";
    handle(&store.client, secret, LONG_AGO).await;
    put(
        &store.client,
        [("feedbackId", s("no uuid")), ("feedback", s(secret))],
    )
    .await;
    let (answers, seen) = std::sync::mpsc::channel();
    let decide = move |_: &str, input: Value| {
        let answers = answers.clone();
        let mend = move |answer: Value| {
            answers.send(answer.to_string()).unwrap();
            answer
        };
        Fate::PassAndMend(input, Box::new(mend))
    };
    let endpoint = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    backfill(&endpoint, &["--write"]).await;
    let seen: Vec<String> = seen.try_iter().collect();
    assert!(seen.iter().any(|answer| answer.contains("no uuid")), "{seen:?}");
    assert!(seen.iter().all(|answer| !answer.contains(secret)), "{seen:?}");
}

#[tokio::test]
async fn what_was_just_backfilled_is_not_counted_again() {
    let store = Store::new().await;
    handle(&store.client, "x", LONG_AGO).await;
    let decide = |operation: &str, input: Value| {
        // This engine is always consistent; DynamoDB is when it is asked to be.
        assert!(operation != "Scan" || input["ConsistentRead"] == true);
        Fate::PassAndMend(input, Box::new(|answer| answer))
    };
    let endpoint = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    backfill(&endpoint, &["--write"]).await;
    let said = backfill(&endpoint, &[]).await;
    assert!(said.contains(" 0 pending\n"), "{said}");
}

#[tokio::test]
async fn the_rate_is_kept() {
    let store = Store::new().await;
    handle_many(&store.client, 50).await;
    let start = Instant::now();
    backfill(&store.engine.endpoint(), &["--write", "--rate", "25"]).await;
    assert!(
        start.elapsed() >= Duration::from_millis(49 * 40),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn the_rate_bounds_reading_too() {
    let store = Store::new().await;
    for _ in 0..60 {
        handle(&store.client, &"x".repeat(20_000), LONG_AGO).await;
    }
    let start = Instant::now();
    backfill(&store.engine.endpoint(), &["--rate", "250"]).await;
    // Two scans, and in each an answer of 1 MB before the last: 256 strongly consistent read units of 4 KB.
    assert!(
        start.elapsed() >= Duration::from_millis(1_900),
        "{:?}",
        start.elapsed()
    );
}
