//! Statistics, and counts of listings.

mod interleaved;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::domain::{Content, Date, EmailAddress, Rating, Timestamp, Topic};
use feedback_graphql::http::Options;
use feedback_graphql::repository::{self, COUNTING_BUDGET};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::support::proxy::{self, Fate};
use crate::support::{NOW, Server, Store, TABLE, content, on};

const DAY: u64 = 24 * 60 * 60 * 1_000;

const STATISTICS: &str = "query($from: Date!, $to: Date!, $topic: String) {
    feedbackStatistics(from: $from, to: $to, topic: $topic) {
        total averageRating ratings { rating count } topics { topic count averageRating }
        days { date total averageRating ratings { rating count } } isComplete
    }
}";

fn about(topic: Option<&str>, rating: Option<i64>) -> Content {
    Content {
        topic: topic.map(|topic| Topic::parse(topic).unwrap()),
        rating: rating.map(|rating| Rating::parse(rating).unwrap()),
        ..content("x")
    }
}

async fn statistics(server: &Server, from: &str, to: &str, topic: Option<&str>) -> Value {
    let variables = json!({ "from": from, "to": to, "topic": topic });
    let mut data = server.data(STATISTICS, variables).await;
    data["feedbackStatistics"].take()
}

async fn some_at_a_time<T>(futures: impl Iterator<Item = impl Future<Output = T>>) {
    stream::iter(futures)
        .buffer_unordered(16)
        .for_each(async |_| ())
        .await;
}

fn ratings(counts: [u32; 5]) -> Value {
    let counts = (1..).zip(counts);
    counts
        .map(|(rating, count)| json!({ "rating": rating, "count": count }))
        .collect()
}

#[tokio::test]
async fn statistics_have_every_day_of_the_range_each_rating_and_the_topics_by_size() {
    let server = Server::start().await;
    for (topic, rating, days) in [
        (Some("search"), Some(5), 0),
        (Some("search"), Some(2), 0),
        (Some("search"), None, 2),
        (Some("checkout"), Some(1), 2),
        (None, Some(4), 2),
        (Some("before"), Some(1), 3),
        (Some("after"), Some(1), 400),
    ] {
        let at = if days == 400 { NOW + DAY } else { NOW - days * DAY };
        server.store.submit_content(about(topic, rating), at).await;
    }
    let expected = json!({
        "total": 5,
        "averageRating": 3.0,
        "ratings": ratings([1, 1, 0, 1, 1]),
        "topics": [
            { "topic": "search", "count": 3, "averageRating": 3.5 },
            { "topic": null, "count": 1, "averageRating": 4.0 },
            { "topic": "checkout", "count": 1, "averageRating": 1.0 },
        ],
        "days": [
            { "date": "2026-02-27", "total": 3, "averageRating": 2.5, "ratings": ratings([1, 0, 0, 1, 0]) },
            { "date": "2026-02-28", "total": 0, "averageRating": null, "ratings": ratings([0, 0, 0, 0, 0]) },
            { "date": "2026-03-01", "total": 2, "averageRating": 3.5, "ratings": ratings([0, 1, 0, 0, 1]) },
        ],
        "isComplete": true,
    });
    for _ in 0..2 {
        assert_eq!(
            statistics(&server, "2026-02-27", "2026-03-01", None).await,
            expected
        );
    }
    let of_topic = statistics(&server, "2026-02-27", "2026-03-01", Some(" search ")).await;
    assert_eq!(of_topic["total"], 3);
    assert_eq!(
        of_topic["topics"],
        json!([{ "topic": "search", "count": 3, "averageRating": 3.5 }])
    );
    assert_eq!(of_topic["days"][0]["total"], 1);
    let of_none = statistics(&server, "2026-02-27", "2026-03-01", Some("nothing")).await;
    assert_eq!((&of_none["total"], &of_none["topics"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn topics_beyond_the_first_200_of_a_day_count_as_none() {
    let server = Server::start().await;
    for topic in 0..205 {
        let at = NOW - DAY + topic;
        server
            .store
            .submit_content(about(Some(&topic.to_string()), Some(3)), at)
            .await;
    }
    server
        .store
        .submit_content(about(Some("0"), Some(3)), NOW - DAY + 300)
        .await;
    server
        .store
        .submit_content(about(Some("203"), Some(3)), NOW)
        .await;
    let query = "query($to: Date!) {
        feedbackStatistics(from: \"2026-02-28\", to: $to) { total topics(first: 3) { topic count } }
    }";
    for _ in 0..2 {
        let data = server.data(query, json!({ "to": "2026-02-28" })).await;
        let expected = json!([
            { "topic": null, "count": 5 }, { "topic": "0", "count": 2 }, { "topic": "1", "count": 1 },
        ]);
        assert_eq!(
            data["feedbackStatistics"],
            json!({ "total": 206, "topics": expected })
        );
    }
    // On another day it is among the first.
    let found = statistics(&server, "2026-02-28", "2026-03-01", Some("203")).await;
    assert_eq!(found["total"], 1);
}

#[tokio::test]
async fn what_a_request_cannot_count_the_next_one_does() {
    let store = Store::with_shards(4).await;
    // 20 KB each: more than 16 MB.
    let large = content(&"😀".repeat(5_000));
    let submitted = (0..1_200).map(|number| {
        let at = NOW - 3 * DAY + number * DAY / 600;
        store.submit_content(large.clone(), at)
    });
    some_at_a_time(submitted).await;
    let server = Server::with(store, Options::default()).await;
    let query = "{
        a: feedbackStatistics(from: \"2026-02-20\", to: \"2026-03-01\") { total isComplete }
        b: feedbackStatistics(from: \"2026-02-27\", to: \"2026-02-28\") { total isComplete }
    }";
    let first = server.data(query, json!({})).await;
    let counted = first["a"]["total"].as_u64().unwrap();
    assert!((600..1_200).contains(&counted), "{first}");
    assert_eq!(first["a"]["isComplete"], false);
    assert_eq!(
        first["b"]["isComplete"], false,
        "the budget is that of the request"
    );
    let second = server.data(query, json!({})).await;
    assert_eq!(second["a"], json!({ "total": 1_200, "isComplete": true }));
    assert_eq!(second["b"]["isComplete"], true);
}

#[tokio::test]
async fn no_piece_is_read_twice_for_counting() {
    let store = Store::with_shards(4).await;
    let large = content(&"😀".repeat(5_000));
    let submitted = (0..1_500).map(|number| store.submit_content(large.clone(), NOW - DAY + number));
    some_at_a_time(submitted).await;
    let read = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&read);
    let decide = move |operation: &str, input: Value| {
        let (counter, is_query) = (Arc::clone(&counter), operation == "Query");
        let count = move |answer: Value| {
            if is_query {
                counter.fetch_add(answer["Count"].as_u64().unwrap(), Ordering::Relaxed);
            }
            answer
        };
        Fate::PassAndMend(input, Box::new(count))
    };
    let proxy = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    let repository = on(&repository::connect_without_account(&proxy), 4).await;
    let (date, now) = (
        Date::parse("2026-02-28").unwrap(),
        Timestamp::from_millis(NOW).unwrap(),
    );
    let mut calls = 0;
    loop {
        let statistics = repository
            .metered()
            .statistics(date, date, None, now)
            .await
            .unwrap();
        calls += 1;
        if statistics.is_complete {
            assert_eq!(statistics.counts.total(), 1_500);
            break;
        }
    }
    assert!(calls > 1, "it is too much for one");
    assert_eq!(read.load(Ordering::Relaxed), 1_500);
}

#[tokio::test]
async fn statistics_are_right_where_no_tally_can_be_stored() {
    let store = Store::new().await;
    store.submit("x", NOW - DAY).await;
    let refuse = |operation: &str, input: Value| match operation {
        "PutItem" => Fate::Answer(
            400,
            json!({ "__type": "com.amazonaws.dynamodb.v20120810#ResourceInUseException", "message": "no" }),
        ),
        _ => Fate::PassAndMend(input, Box::new(|answer| answer)),
    };
    let proxy = proxy::start(store.engine.endpoint(), Arc::new(refuse)).await;
    let repository = on(&repository::connect_without_account(&proxy), 1).await;
    let server = Server::with(Store { repository, ..store }, Options::default()).await;
    for _ in 0..2 {
        let found = statistics(&server, "2026-02-01", "2026-03-01", None).await;
        assert_eq!((&found["total"], &found["isComplete"]), (&json!(1), &json!(true)));
    }
    assert!(
        !server
            .store
            .all_items()
            .await
            .keys()
            .any(|id| id.starts_with("tally#"))
    );
}

#[test]
fn a_request_examines_as_much_as_the_schema_says() {
    let schema = include_str!("../../schema.graphql");
    assert_eq!(COUNTING_BUDGET, 20_000);
    assert!(schema.contains("counting ended early after examining 20,000 pieces of"));
}

#[tokio::test]
async fn what_expires_is_not_counted_from_the_beginning_of_the_day_on() {
    let store = Store::new().await;
    let retaining = store
        .repository
        .clone()
        .retaining_for(Some(Duration::from_hours(48)));
    let server = Server::with(
        Store {
            repository: retaining,
            ..store
        },
        Options::default(),
    )
    .await;
    server.store.submit("kept until 2026-03-03", NOW).await;
    let total = async || statistics(&server, "2026-03-01", "2026-03-01", None).await["total"].clone();
    for hours in 0..72 {
        // The clock stands at half past nine on 2026-03-01 at first.
        let expected = u64::from(hours < 39);
        assert_eq!(total().await, expected, "{hours} hours later");
        server.at_later_time();
    }
}

#[tokio::test]
async fn tallies_are_nobodys_feedback_and_hold_nothing_personal() {
    let server = Server::start().await;
    let personal = Content {
        email: Some(EmailAddress::parse("planted@example.org").unwrap()),
        ..content("planted message")
    };
    server.store.submit_content(personal.clone(), NOW - DAY).await;
    let deleted = server.store.submit_content(personal, NOW).await;
    statistics(&server, "2026-02-25", "2026-03-01", None).await;
    let delete = "mutation($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }";
    server.data(delete, json!({ "id": deleted.id.to_string() })).await;

    let tallies: Vec<(String, HashMap<String, AttributeValue>)> = server
        .store
        .all_items()
        .await
        .into_iter()
        .filter(|(id, _)| id.starts_with("tally#"))
        .collect();
    assert_eq!(tallies.len(), 5);
    for (id, item) in &tallies {
        assert!(!format!("{item:?}").contains("planted"), "{item:?}");
        assert!(!item.contains_key("timelineShard"), "{item:?}");
        let error = server
            .error(
                "query($id: ID!) { feedback(id: $id) { id } }",
                json!({ "id": id }),
            )
            .await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
    }
    let listed = server
        .data("{ feedbacks { nodes { message } count { value } } }", json!({}))
        .await;
    let expected = json!({ "nodes": [{ "message": "planted message" }], "count": { "value": 1 } });
    assert_eq!(listed["feedbacks"], expected);
}

#[tokio::test]
async fn a_malformed_tally_is_counted_again() {
    let server = Server::start().await;
    server.store.submit("x", NOW - DAY).await;
    for counts in [
        AttributeValue::S("planted".to_owned()),
        AttributeValue::L(vec![AttributeValue::Null(true)]),
    ] {
        let put = server.store.client.put_item().table_name(TABLE);
        put.item("feedbackId", AttributeValue::S("tally#2026-02-28".to_owned()))
            .item("revision", AttributeValue::S("planted".to_owned()))
            .item("counts", counts)
            .send()
            .await
            .unwrap();
        for _ in 0..2 {
            assert_eq!(
                statistics(&server, "2026-02-28", "2026-02-28", None).await["total"],
                1
            );
        }
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error_that_says_why() {
    let server = Server::start().await;
    for (from, to, topic, message) in [
        (
            "2026-03-02",
            "2026-03-01",
            None,
            "`to` must be `from` or later, with at most 400 days in all",
        ),
        (
            "2025-01-25",
            "2026-03-01",
            None,
            "`to` must be `from` or later, with at most 400 days in all",
        ),
        (
            "2026-03-01",
            "2026-03-01",
            Some(" "),
            "`topic` must have 1 to 64 characters besides white space at its ends",
        ),
    ] {
        let variables = json!({ "from": from, "to": to, "topic": topic });
        let error = server.error(STATISTICS, variables).await;
        assert_eq!(
            (&error["message"], &error["extensions"]["code"]),
            (&json!(message), &json!("BAD_USER_INPUT"))
        );
    }
    statistics(&server, "2025-01-26", "2026-03-01", None).await;
    statistics(&server, "1970-01-01", "1970-01-01", None).await;
    statistics(&server, "2286-11-20", "2286-11-20", None).await;
    for date in ["2026-02-30", "2026-3-1", "2286-11-21", "2026-03-01T00:00:00Z"] {
        let error = server
            .error(STATISTICS, json!({ "from": date, "to": "2026-03-01" }))
            .await;
        assert!(
            error["message"].as_str().unwrap().contains("not a calendar date"),
            "{error}"
        );
    }
    for (field, message) in [
        ("topics(first: 0)", "`first` must be between 1 and 100, not 0"),
        ("topics(first: 101)", "`first` must be between 1 and 100, not 101"),
    ] {
        let query = format!(
            "{{ feedbackStatistics(from: \"2026-03-01\", to: \"2026-03-01\") {{ {field} {{ count }} }} }}"
        );
        assert_eq!(server.error(&query, json!({})).await["message"], message);
    }
    for up_to in [0, -1, 10_001] {
        let query = format!("{{ feedbacks {{ nodes {{ id }} count(upTo: {up_to}) {{ value }} }} }}");
        let answer = server.execute(&query, json!({})).await;
        let message = format!("`upTo` must be between 1 and 10000, not {up_to}");
        assert_eq!(answer["errors"][0]["message"], message);
        assert_eq!(
            answer["data"]["feedbacks"],
            json!({ "nodes": [], "count": null }),
            "the page is there"
        );
    }
}

#[tokio::test]
async fn a_count_is_of_the_whole_listing_up_to_where_it_is_told() {
    for shards in [1, 4] {
        for without_indexes in [false, true] {
            let store = Store::with_shards(shards).await;
            let submitted = (0..100).map(|number| {
                let topic = ["search", "checkout"][usize::from(number % 4 == 0)];
                let rating = i64::try_from(number % 5 + 1).unwrap();
                store.submit_content(about(Some(topic), Some(rating)), NOW + number)
            });
            some_at_a_time(submitted).await;
            let store = if without_indexes {
                store.without_indexes()
            } else {
                store
            };
            let server = Server::with(store, Options::default()).await;
            for (filter, up_to, value, is_exact) in [
                ("{}", 1_000, 100, true),
                ("{}", 100, 100, true),
                ("{}", 99, 99, false),
                ("{}", 1, 1, false),
                ("{ topic: \"checkout\" }", 25, 25, true),
                ("{ topic: \"search\" }", 25, 25, false),
                ("{ topic: \"nothing\" }", 1, 0, true),
                ("{ maxRating: 2 }", 1_000, 40, true),
                ("{ minRating: 2, topic: \"search\" }", 1_000, 60, true),
                (
                    "{ submittedFrom: \"2026-03-01T09:30:00.260Z\", submittedTo: \"2026-03-01T09:30:00.270Z\" }",
                    9,
                    9,
                    false,
                ),
                (
                    "{ submittedFrom: \"2026-03-01T09:30:00.260Z\", submittedTo: \"2026-03-01T09:30:00.260Z\" }",
                    9,
                    0,
                    true,
                ),
                ("{ status: [RESOLVED, OPEN] }", 1_000, 100, true),
                ("{ tag: \"urgent\" }", 1_000, 0, true),
            ] {
                let query = format!(
                    "{{ feedbacks(first: 1, filter: {filter}) {{ count(upTo: {up_to}) {{ value isExact }} }} }}"
                );
                let data = server.data(&query, json!({})).await;
                let expected = json!({ "value": value, "isExact": is_exact });
                assert_eq!(
                    data["feedbacks"]["count"], expected,
                    "{filter}, {up_to}, {shards} shards"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_count_ends_where_too_much_would_be_examined() {
    let server = Server::start().await;
    let submitted = (0..2_500).map(|number| server.store.submit("x", NOW + number));
    some_at_a_time(submitted).await;
    let query = "{
        few: feedbacks(first: 1, filter: { tag: \"urgent\" }) { count { value isExact } }
        many: feedbacks(first: 1, filter: { tag: \"urgent\" }) { count(upTo: 10000) { value isExact } }
        all: feedbacks(first: 1) { count(upTo: 2500) { value isExact } }
    }";
    let data = server.data(query, json!({})).await;
    assert_eq!(data["few"]["count"], json!({ "value": 0, "isExact": false }));
    assert_eq!(data["many"]["count"], json!({ "value": 0, "isExact": true }));
    assert_eq!(data["all"]["count"], json!({ "value": 2_500, "isExact": true }));
}
