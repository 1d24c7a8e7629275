//! Operations are executed as the GraphQL specification has it: each field once, all or nothing of the variables, and
//! nothing of a document that is not valid.

use feedback_graphql::domain::{Content, Metadata, MetadataEntry};
use serde_json::{Value, json};

use crate::support::{Answer, NOW, Server, Store, content};

const SUBMIT: &str = "submitFeedback(input: $i)";

async fn post(server: &Server, body: Value) -> Answer {
    let request = server
        .request("POST", "/graphql")
        .header("accept", "application/graphql-response+json");
    server.send(request.json(&body)).await
}

#[tokio::test]
async fn a_mutation_that_is_selected_twice_is_executed_once() {
    for selection in [
        "...A ...B".to_owned(),
        "...A ...A".to_owned(),
        format!("{SUBMIT} {{ feedback {{ id }} }} {SUBMIT} {{ feedback {{ submittedAt }} }}"),
        format!("...A {SUBMIT} {{ feedback {{ submittedAt }} }} ... @include(if: true) {{ ...A ...B }}"),
    ] {
        let server = Server::start().await;
        let a = format!("fragment A on Mutation {{ {SUBMIT} {{ feedback {{ id }} }} }}");
        let b = format!("fragment B on Mutation {{ {SUBMIT} {{ feedback {{ submittedAt }} }} }}");
        let mut query = format!("mutation($i: SubmitFeedbackInput!) {{ {selection} }}");
        for (name, fragment) in [("...A", a), ("...B", b)] {
            if selection.contains(name) {
                query.push_str(&fragment);
            }
        }
        let data = server.data(&query, json!({ "i": { "message": "once" } })).await;
        let items = server.store.items().await;
        assert_eq!(items.len(), 1, "{query}");
        let feedback = &data["submitFeedback"]["feedback"];
        assert_eq!(feedback["id"], items[0]["feedbackId"], "{query}");
    }
}

#[tokio::test]
async fn fields_of_one_response_key_are_one_field_of_one_item() {
    let store = Store::new().await;
    for number in 0..5 {
        store.submit(&format!("message {number}"), NOW + number).await;
    }
    let query = "{ ...A ...B feedbacks(first: 5) { pageInfo { hasNextPage } } }
        fragment A on Query { feedbacks(first: 5) { nodes { id } pageInfo { endCursor } } }
        fragment B on Query { feedbacks(first: 5) { nodes { message } } }";
    let (answer, requests) = store.counted(query, Value::Null).await;
    assert_eq!(requests, 1);
    let nodes = answer["data"]["feedbacks"]["nodes"].as_array().unwrap();
    let messages: Vec<_> = nodes
        .iter()
        .map(|node| node["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        messages,
        ["message 4", "message 3", "message 2", "message 1", "message 0"]
    );
    assert_eq!(answer["data"]["feedbacks"]["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn a_field_that_is_selected_twice_and_fails_has_one_error_with_both_places() {
    let server = Server::start().await;
    let query = "{ feedback(id: \"x\") { id }\n  ... { feedback(id: \"x\") { message } } }";
    let error = server.error(query, Value::Null).await;
    assert_eq!(error["path"], json!(["feedback"]));
    assert_eq!(
        error["locations"],
        json!([{ "line": 1, "column": 3 }, { "line": 2, "column": 9 }])
    );
}

#[tokio::test]
async fn deleting_twice_in_one_selection_deletes_once_and_says_so() {
    let server = Server::start().await;
    let id = server.store.submit("planted", NOW).await.id;
    let delete = format!("deleteFeedback(id: \"{id}\") {{ deletedFeedbackId }}");
    let data = server
        .data(&format!("mutation {{ {delete} {delete} }}"), Value::Null)
        .await;
    assert_eq!(
        data,
        json!({ "deleteFeedback": { "deletedFeedbackId": id.to_string() } })
    );
}

#[tokio::test]
async fn a_selection_that_is_skipped_to_nothing_is_an_empty_object() {
    let server = Server::start().await;
    let id = server.store.submit("planted", NOW).await.id.to_string();
    for (query, data) in [
        ("{ __typename @skip(if: true) }", json!({})),
        ("query($no: Boolean!) { __typename @include(if: $no) }", json!({})),
        (
            "query($no: Boolean = true) { ...F @include(if: $no) } fragment F on Query { __typename }",
            json!({}),
        ),
        (
            "mutation { deleteFeedback(id: 1) @skip(if: true) { deletedFeedbackId } }",
            json!({}),
        ),
        (
            "query($no: Boolean!) { feedbacks { nodes { id @include(if: $no) } pageInfo { endCursor @skip(if: true) } } }",
            json!({ "feedbacks": { "nodes": [{}], "pageInfo": {} } }),
        ),
        (
            "query($id: ID!, $no: Boolean!) { node(id: $id) { ... on Feedback { message @include(if: $no) } } nodes(ids: [$id]) { id @skip(if: true) } }",
            json!({ "node": {}, "nodes": [{}] }),
        ),
    ] {
        let mut variables = json!({});
        for (name, value) in [("no", json!(false)), ("id", json!(id))] {
            if query.contains(&format!("${name}:")) {
                variables[name] = value;
            }
        }
        if query.contains("$no: Boolean =") {
            variables = json!({ "no": false });
        }
        let answer = post(&server, json!({ "query": query, "variables": variables })).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        assert_eq!(answer.json(), json!({ "data": data }), "{query}");
    }
    let query = "mutation($i: SubmitFeedbackInput!) { submitFeedback(input: $i) { feedback { id @skip(if: true) } userErrors { code @skip(if: true) } } }";
    let data = server.data(query, json!({ "i": { "message": "stored" } })).await;
    assert_eq!(
        data,
        json!({ "submitFeedback": { "feedback": {}, "userErrors": [] } })
    );
    assert_eq!(server.store.items().await.len(), 2);
}

#[tokio::test]
async fn all_variables_are_coerced_before_anything_is_executed() {
    let server = Server::start().await;
    let query = "mutation($a: SubmitFeedbackInput!, $b: SubmitFeedbackInput!) {
        x: submitFeedback(input: $a) { feedback { id } } y: submitFeedback(input: $b) { feedback { id } }
    }";
    for wrong in [
        json!(5),
        json!({}),
        json!({ "message": 5 }),
        json!({ "message": "y", "mood": "good" }),
    ] {
        let answer = post(
            &server,
            json!({ "query": query, "variables": { "a": { "message": "x" }, "b": wrong } }),
        )
        .await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert_eq!(
            answer.json()["errors"][0]["extensions"]["code"],
            "BAD_USER_INPUT",
            "{wrong}"
        );
        assert_eq!(answer.json().get("data"), None, "{wrong}");
    }
    assert_eq!(server.store.items().await, [] as [Value; 0]);
}

#[tokio::test]
async fn documents_that_are_not_valid_are_refused_whole() {
    let server = Server::start().await;
    let id = server.store.submit("planted", NOW).await.id.to_string();
    for query in [
        // Conflicts, also deep down.
        "{ feedbacks { nodes { metadata { a: key } metadata { a: value } } } }",
        "query($id: ID!) { node(id: $id) { ... on Feedback { id: message } id } }",
        "query($id: ID!) { a: feedback(id: $id) { id } a: feedback(id: \"x\") { id } }",
        "{ nodes(ids: []) { id } nodes(ids: [1]) { id } }",
        // Variables in positions of other types.
        "query($n: [Int]) { feedbacks(filter: { minRating: $n }) { nodes { id } } }",
        "query($id: ID) { nodes(ids: [$id]) { id } }",
        "query($id: ID = null) { feedback(id: $id) { id } }",
        "query($id: String!) { feedback(id: $id) { id } }",
        "query($id: ID) { feedback(id: $id) { id } }",
        "query($n: [Int]) { feedbacks(first: $n) { nodes { id } } }",
        // Literals of other types.
        "{ feedbacks(order: \"NEWEST_FIRST\") { nodes { id } } }",
        "{ feedbacks(first: 2147483648) { nodes { id } } }",
        "{ feedbacks(filter: { submittedFrom: \"yesterday\" }) { nodes { id } } }",
        "query($f: FeedbackFilter = { submittedTo: 5 }) { feedbacks(filter: $f) { nodes { id } } }",
        // What is there twice.
        "{ feedbacks(filter: { topic: \"a\", topic: \"b\" }) { nodes { id } } }",
        "{ feedbacks(first: 1, first: 2) { nodes { id } } }",
        "{ __typename @skip(if: false) @skip(if: false) }",
        "query($a: ID, $a: ID) { node(id: $a) { id } }",
        // Directives, and what cannot have any.
        "{ __typename @nothing }",
        "query @skip(if: true) { __typename }",
        "query($a: Boolean = true @skip(if: true)) { __typename @skip(if: $a) }",
        // __typename is a leaf without arguments.
        "{ __typename(a: 1) }",
        "{ __typename { a } }",
        // Fragments.
        "{ ...Nothing }",
        "{ __typename } fragment F on Query { __typename }",
        "{ ... on Feedback { id } }",
        "{ __typename } type Query { a: Int }",
    ] {
        let variables = if query.contains("$id: ID!") || query.contains("$id: String!") {
            json!({ "id": id })
        } else {
            json!({})
        };
        let answer = post(&server, json!({ "query": query, "variables": variables })).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        let body = answer.json();
        assert_eq!(body.get("data"), None, "{query}: {body}");
        assert_eq!(
            body["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
            "{query}: {body}"
        );
        assert!(
            body["errors"][0]["locations"][0]["line"].is_u64(),
            "{query}: {body}"
        );
    }
}

#[tokio::test]
async fn documents_that_are_valid_are_executed_though_they_look_odd() {
    let server = Server::start().await;
    let submitted = async |literal: &str| {
        let query = format!(
            "mutation {{ submitFeedback(input: {{ message: {literal} }}) {{ feedback {{ message }} }} }}"
        );
        server.data(&query, Value::Null).await["submitFeedback"]["feedback"]["message"].take()
    };
    assert_eq!(submitted(r#""\uD83D\uDE00""#).await, "😀");
    assert_eq!(submitted(r#""\u{1F600}""#).await, "😀");
    assert_eq!(
        submitted("\"\"\"\n    a\n      \\\"\"\" b\n  \"\"\"").await,
        "a\n  \"\"\" b"
    );
    for (query, variables, data) in [
        (
            "query($yes: Boolean!) { __typename @include(if: $yes) }",
            json!({ "yes": true }),
            json!({ "__typename": "Query" }),
        ),
        (
            "\u{feff},{,__typename,}#",
            json!({}),
            json!({ "__typename": "Query" }),
        ),
        // One value stands for a list of it; a number for an ID; 5.0 is 5.
        (
            "{ nodes(ids: \"0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90\") { id } }",
            json!({}),
            json!({ "nodes": [null] }),
        ),
        (
            "query($n: Int) { feedbacks(first: $n, filter: { topic: \"none\" }) { nodes { id } } }",
            json!({ "n": 5.0 }),
            json!({ "feedbacks": { "nodes": [] } }),
        ),
        // Commas mean nothing; null is not true.
        (
            "{ ..., on Query { a,: __typename } }",
            json!({}),
            json!({ "a": "Query" }),
        ),
        (
            "query($no: Boolean = true) { a: __typename @include(if: $no) b: __typename @skip(if: $no) }",
            json!({ "no": null }),
            json!({ "b": "Query" }),
        ),
        // A variable that is not given leaves the argument out.
        (
            "query($t: String, $n: Int) { feedbacks(first: $n, filter: { topic: $t, maxRating: 1 }) { nodes { id } } }",
            json!({}),
            json!({ "feedbacks": { "nodes": [] } }),
        ),
    ] {
        assert_eq!(server.data(query, variables).await, data, "{query}");
    }
}

#[tokio::test]
async fn an_answer_that_is_longer_than_a_function_may_give_is_an_error_that_says_so() {
    let server = Server::start().await;
    let metadata: Vec<MetadataEntry> = (0..16)
        .map(|number| MetadataEntry {
            key: format!("{number:?}{}", "\u{10ffff}".repeat(60)),
            value: "\"".repeat(256),
        })
        .collect();
    let content = Content {
        metadata: Metadata::parse(&metadata).unwrap(),
        ..content(&"\u{10ffff}".repeat(5_000))
    };
    for number in 0..100 {
        server.store.submit_content(content.clone(), NOW + number).await;
    }
    let all = "message metadata { key value }";
    let query = format!(
        "query($n: Int) {{ feedbacks(first: $n) {{ edges {{ node {{ {all} }} }} nodes {{ {all} }} }} }}"
    );
    let ask =
        async |count: usize| post(&server, json!({ "query": query, "variables": { "n": count } })).await;
    assert_eq!(ask(50).await.status, 200);
    let answer = ask(100).await;
    assert_eq!(answer.status, 400);
    let body = answer.json();
    assert_eq!(body["data"], Value::Null);
    assert_eq!(body["errors"][0]["extensions"]["code"], "RESPONSE_TOO_LARGE");
    assert!(
        body["errors"][0]["message"].as_str().unwrap().contains("fewer"),
        "{body}"
    );
}
