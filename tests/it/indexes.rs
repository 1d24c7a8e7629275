//! Tables with other indexes than the service is told: missing ones are done without, the laptop adds them.

use std::sync::{Arc, Mutex};

use feedback_graphql::domain::{Content, Feedback, Filter, Order, PageRequest, Status, Timestamp, Topic};
use feedback_graphql::repository::{FeedbackRepository, Index, Indexes, connect_without_account, table};
use serde_json::{Value, json};

use crate::support::proxy::{self, Fate};
use crate::support::{NOW, Store, TABLE, content, drop_index, on};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

async fn submit_about(store: &Store, topic: &str, millis: u64) -> Feedback {
    let content = Content {
        topic: Some(Topic::parse(topic).unwrap()),
        ..content("planted")
    };
    store.submit_content(content, millis).await
}

/// The first page about a topic, oldest first.
async fn about(repository: &FeedbackRepository, topic: &str, now: u64) -> Vec<Feedback> {
    let filter = Filter::default().topic(topic).unwrap();
    let request = PageRequest::new(None, None, None, None, Order::OldestFirst, filter).unwrap();
    repository.page(&request, at(now)).await.unwrap().items
}

#[tokio::test]
async fn an_index_that_is_missing_is_done_without_for_a_minute_and_then_tried_again() {
    let store = Store::with_shards(2).await;
    let mut expected = Vec::new();
    for number in 0..10 {
        let topic = if number % 3 == 0 { "search" } else { "checkout" };
        let feedback = submit_about(&store, topic, NOW + number).await;
        expected.extend((topic == "search").then_some(feedback));
    }
    // What is read, each time.
    let indexes = Arc::new(Mutex::new(Vec::new()));
    let read = Arc::clone(&indexes);
    let decide = move |operation: &str, input: Value| {
        if operation == "Query" {
            read.lock()
                .unwrap()
                .push(input["IndexName"].as_str().unwrap().to_owned());
        }
        Fate::PassAndMend(input, Box::new(|answer| answer))
    };
    let proxy = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    let repository = on(&connect_without_account(&proxy), 2).await;
    let take = || std::mem::take(&mut *indexes.lock().unwrap());
    take();

    assert_eq!(about(&repository, "search", NOW).await, expected);
    assert_eq!(take(), ["topic", "topic"]);
    drop_index(&store.client, Index::Topic).await;
    assert_eq!(about(&repository, "search", NOW).await, expected);
    let with_failed = take();
    assert_eq!(
        with_failed.last().map(String::as_str),
        Some("timeline"),
        "{with_failed:?}"
    );
    // Clones share what was found out: one is made for each request.
    assert_eq!(
        about(&repository.metered(), "search", NOW + 59_999).await,
        expected
    );
    assert_eq!(take(), ["timeline", "timeline"]);
    table::add_missing_indexes(&store.client, TABLE, &Indexes::all())
        .await
        .unwrap();
    assert_eq!(about(&repository, "search", NOW + 60_000).await, expected);
    assert_eq!(take(), ["topic", "topic"]);
}

#[tokio::test]
async fn an_index_that_is_being_built_or_was_removed_with_its_permission_is_done_without_too() {
    for (kind, message) in [
        (
            "ValidationException",
            "Cannot read from backfilling global secondary index: topic",
        ),
        (
            "AccessDeniedException",
            "User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to perform: dynamodb:Query on resource: \
             arn:aws:dynamodb:eu-west-1:123456789012:table/Feedback/index/topic",
        ),
    ] {
        let store = Store::new().await;
        let feedback = submit_about(&store, "search", NOW).await;
        let decide = move |operation: &str, input: Value| {
            if operation == "Query" && input["IndexName"] == "topic" {
                let kind = format!("com.amazon.coral.validate#{kind}");
                return Fate::Answer(400, json!({ "__type": kind, "message": message }));
            }
            Fate::PassAndMend(input, Box::new(|answer| answer))
        };
        let proxy = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
        let repository = on(&connect_without_account(&proxy), 1).await;
        assert_eq!(about(&repository, "search", NOW).await, [feedback], "{kind}");
    }
}

#[tokio::test]
async fn any_other_refusal_of_an_index_is_an_error() {
    let store = Store::new().await;
    let decide = |operation: &str, input: Value| {
        if operation == "Query" {
            let kind = "com.amazon.coral.validate#ValidationException";
            return Fate::Answer(
                400,
                json!({ "__type": kind, "message": "one or more parameter values were invalid" }),
            );
        }
        Fate::PassAndMend(input, Box::new(|answer| answer))
    };
    let proxy = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    let repository = on(&connect_without_account(&proxy), 1).await;
    let filter = Filter::default().topic("search").unwrap();
    let request = PageRequest::new(None, None, None, None, Order::OldestFirst, filter).unwrap();
    repository.page(&request, at(NOW)).await.unwrap_err();
}

#[tokio::test]
async fn missing_indexes_are_added_one_after_the_other_and_hold_what_is_there() {
    let store = Store::new().await;
    for index in Index::ALL
        .iter()
        .copied()
        .filter(|index| *index != Index::Timeline)
    {
        drop_index(&store.client, index).await;
    }
    assert_eq!(
        table::indexes(&store.client, TABLE).await.unwrap(),
        Indexes::none()
    );
    let feedback = submit_about(&store, "search", NOW).await;
    table::add_missing_indexes(&store.client, TABLE, &Indexes::all())
        .await
        .unwrap();
    assert_eq!(
        table::indexes(&store.client, TABLE).await.unwrap(),
        Indexes::all()
    );
    table::add_missing_indexes(&store.client, TABLE, &Indexes::all())
        .await
        .unwrap();
    assert_eq!(about(&store.repository, "search", NOW).await, [feedback]);
    let quarantine = "{ quarantinedFeedbacks { nodes { id } } }";
    let (answer, _) = store.counted(quarantine, json!({})).await;
    assert_eq!(answer["data"]["quarantinedFeedbacks"]["nodes"], json!([]));
}

#[tokio::test]
async fn what_an_index_has_twice_while_its_status_changes_is_listed_once() {
    let store = Store::new().await;
    let mut expected = Vec::new();
    for number in 0..7 {
        expected.push(store.submit("planted", NOW + number).await);
    }
    // Whatever status is asked for, the open ones are found.
    let decide = |operation: &str, mut input: Value| {
        if operation == "Query" {
            input["ExpressionAttributeValues"][":key1"] = json!({ "S": "OPEN" });
        }
        Fate::PassAndMend(input, Box::new(|answer| answer))
    };
    let proxy = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    let repository = on(&connect_without_account(&proxy), 1).await;
    let filter = Filter::default()
        .statuses([Status::Open, Status::Resolved])
        .unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let request =
            PageRequest::new(Some(3), None, after, None, Order::OldestFirst, filter.clone()).unwrap();
        let page = repository.page(&request, at(NOW)).await.unwrap();
        found.extend(page.items);
        after = found.last().map(Feedback::position);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(found, expected);
}
