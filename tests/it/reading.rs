//! Reading by id: what is found, in which order, and at what cost.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::repository::connect_without_account;
use serde_json::{Value, json};

use crate::support::proxy::{self, Fate};
use crate::support::{NOW, Server, Store, TABLE, cold, counted};

const UNKNOWN: &str = "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";

async fn put(store: &Store, item: HashMap<&str, AttributeValue>) {
    let item = item
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let put = store.client.put_item().table_name(TABLE).set_item(Some(item));
    put.send().await.unwrap();
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

#[tokio::test]
async fn what_was_never_submitted_is_null() {
    let server = Server::start().await;
    let query = "query($id: ID!) { feedback(id: $id) { id } node(id: $id) { id } nodes(ids: [$id]) { id } }";
    let data = server.data(query, json!({ "id": UNKNOWN })).await;
    assert_eq!(data, json!({ "feedback": null, "node": null, "nodes": [null] }));
}

#[tokio::test]
async fn what_is_no_id_is_an_error_that_says_so() {
    let server = Server::start().await;
    for field in ["feedback(id: $id)", "node(id: $id)", "nodes(ids: [$id])"] {
        let query = format!("query($id: ID!) {{ {field} {{ id }} }}");
        let error = server.error(&query, json!({ "id": "1234" })).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
        let message =
            "`1234` is not a UUID in its 36-character form, like 0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";
        assert_eq!(error["message"], message);
    }
}

#[tokio::test]
async fn an_item_that_the_original_handler_wrote_is_read_by_id() {
    let server = Server::start().await;
    let id = "7b0f3f5e-9d4c-4a39-8c57-5b7f3a0d9c11";
    let item = HashMap::from([
        ("feedbackId", s(id)),
        ("feedback", s("  from the blog's handler ")),
        ("timestamp", n(1_700_000_000)),
    ]);
    put(&server.store, item).await;
    let query = "query($id: ID!) { feedback(id: $id) { id message rating metadata { key } submittedAt } feedbacks { nodes { id } } }";
    let data = server.data(query, json!({ "id": id })).await;
    let expected = json!({
        "id": id,
        "message": "  from the blog's handler ",
        "rating": null,
        "metadata": [],
        "submittedAt": "2023-11-14T22:13:20.000Z",
    });
    assert_eq!(data["feedback"], expected);
    assert_eq!(data["feedbacks"]["nodes"], json!([]));
}

#[tokio::test]
async fn nodes_come_in_the_order_of_their_ids_with_nulls_and_repetitions_in_place() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(server.store.submit(&n.to_string(), NOW + n).await.id.to_string());
    }
    let asked = json!([ids[3], UNKNOWN, ids[0], ids[3], ids[4].to_uppercase()]);
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Feedback { message } } }";
    let data = server.data(query, json!({ "ids": asked })).await;
    let node = |n: usize| json!({ "__typename": "Feedback", "id": ids[n], "message": n.to_string() });
    assert_eq!(data["nodes"], json!([node(3), null, node(0), node(3), node(4)]));
}

#[tokio::test]
async fn more_than_100_ids_are_refused() {
    let server = Server::start().await;
    let ids = vec![UNKNOWN; 101];
    let error = server
        .error(
            "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
            json!({ "ids": ids }),
        )
        .await;
    assert_eq!(error["message"], "`ids` must have at most 100 entries, not 101");
}

#[tokio::test]
async fn all_ids_of_an_operation_are_read_a_hundred_at_a_time() {
    let store = Store::new().await;
    let mut ids = Vec::new();
    for n in 0..250 {
        ids.push(store.submit(&n.to_string(), NOW + n).await.id.to_string());
    }
    for (count, requests) in [(1, 1), (2, 1), (100, 1), (101, 2), (250, 3)] {
        let mut query = String::from("{");
        for (n, id) in ids.iter().take(count).enumerate() {
            write!(query, " f{n}: feedback(id: \"{id}\") {{ message }}").unwrap();
        }
        query.push('}');
        let (answer, made) = store.counted(&query, json!({})).await;
        for n in 0..count {
            assert_eq!(answer["data"][format!("f{n}")]["message"], n.to_string());
        }
        assert_eq!(made, requests, "{count} ids");
    }
}

#[tokio::test]
async fn the_same_id_in_several_fields_is_read_once() {
    let store = Store::new().await;
    let id = store.submit("x", NOW).await.id.to_string();
    let query = "query($id: ID!) { a: feedback(id: $id) { id } b: feedback(id: $id) { id } node(id: $id) { id } nodes(ids: [$id, $id]) { id } }";
    let (answer, made) = store.counted(query, json!({ "id": id })).await;
    let node = json!({ "id": id });
    assert_eq!(
        answer["data"],
        json!({ "a": node, "b": node, "node": node, "nodes": [node, node] })
    );
    assert_eq!(made, 1);
}

#[tokio::test]
async fn keys_that_dynamodb_leaves_unprocessed_are_asked_for_again() {
    let store = Store::new().await;
    let mut ids = Vec::new();
    for n in 0..10 {
        ids.push(store.submit(&n.to_string(), NOW + n).await.id.to_string());
    }
    // Answers one key at a time and leaves the rest, as under load or past 16 MB.
    let decide = |operation: &str, mut input: Value| {
        assert_eq!(operation, "BatchGetItem");
        let keys = input["RequestItems"][TABLE]["Keys"].as_array_mut().unwrap();
        let rest = keys.split_off(1);
        let mend = move |mut answer: Value| {
            if !rest.is_empty() {
                answer["UnprocessedKeys"] = json!({ TABLE: { "Keys": rest, "ConsistentRead": true } });
            }
            answer
        };
        Fate::PassAndMend(input, Box::new(mend))
    };
    let proxy = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    let repository = cold(&connect_without_account(&proxy), 1);
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Feedback { message } } }";
    let (answer, made) = counted(&repository, query, json!({ "ids": ids })).await;
    let expected: Vec<Value> = (0..10).map(|n| json!({ "message": n.to_string() })).collect();
    assert_eq!(answer["data"]["nodes"], json!(expected), "{answer}");
    assert_eq!(made, 10);
}

#[tokio::test]
async fn keys_that_stay_unprocessed_are_given_up_as_too_many_requests() {
    let store = Store::new().await;
    let asked = AtomicU32::new(0);
    let decide = move |_: &str, input: Value| {
        let asked = asked.fetch_add(1, Ordering::Relaxed);
        assert!(asked < 5, "it is never given up");
        Fate::Answer(
            200,
            json!({ "Responses": {}, "UnprocessedKeys": input["RequestItems"] }),
        )
    };
    let proxy = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    let repository = cold(&connect_without_account(&proxy), 1);
    let query = "query($id: ID!) { feedback(id: $id) { id } }";
    let start = Instant::now();
    let (answer, made) = counted(&repository, query, json!({ "id": UNKNOWN })).await;
    assert_eq!(answer["data"], json!({ "feedback": null }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "TOO_MANY_REQUESTS");
    assert_eq!(made, 5);
    let waited = Duration::from_millis(25 + 50 + 100 + 200);
    assert!(start.elapsed() >= waited, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_malformed_item_costs_itself_and_not_its_page() {
    let server = Server::start().await;
    let good = server.store.submit("good", NOW).await;
    let position = |millis: u64, id: &str| s(&format!("{millis:013}#{id}"));
    let malformed = |id: &'static str, position: AttributeValue| {
        HashMap::from([
            ("feedbackId", s(id)),
            ("feedback", s("bad")),
            ("timestamp", n(NOW / 1_000)),
            ("timelineShard", n(0)),
            ("timelinePosition", position),
        ])
    };
    let id = "0195512e-0000-7c3e-9d0b-2f6c1a7e5b90";
    let mut no_message = malformed(id, position(NOW + 1, id));
    no_message.remove("feedback");
    put(&server.store, no_message).await;
    let id = "0195512e-1111-7c3e-9d0b-2f6c1a7e5b90";
    let mut email_is_a_number = malformed(id, position(NOW + 2, id));
    email_is_a_number.insert("email", n(5));
    put(&server.store, email_is_a_number).await;
    put(&server.store, malformed("not a uuid", position(NOW + 3, UNKNOWN))).await;
    put(
        &server.store,
        malformed("0195512e-2222-7c3e-9d0b-2f6c1a7e5b90", position(NOW, UNKNOWN)),
    )
    .await;
    put(
        &server.store,
        malformed("0195512e-3333-7c3e-9d0b-2f6c1a7e5b90", s("1772357400249#zzz")),
    )
    .await;
    let query = "query($ids: [ID!]!, $order: FeedbackOrder!) {
        nodes(ids: $ids) { id }
        feedbacks(first: 1, order: $order) { nodes { id } pageInfo { hasNextPage } }
    }";
    let id = good.id.to_string();
    for order in ["NEWEST_FIRST", "OLDEST_FIRST"] {
        let ids = [
            "0195512e-0000-7c3e-9d0b-2f6c1a7e5b90",
            &id,
            "0195512e-2222-7c3e-9d0b-2f6c1a7e5b90",
        ];
        let data = server.data(query, json!({ "ids": ids, "order": order })).await;
        assert_eq!(data["nodes"], json!([null, { "id": id }, null]));
        let expected = json!({ "nodes": [{ "id": id }], "pageInfo": { "hasNextPage": false } });
        assert_eq!(data["feedbacks"], expected, "{order}");
    }
}
