//! Feedback that this service stored before there was triage: it has a position, and neither status nor person.

use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::domain::{Content, EmailAddress, NewFeedback, Signals, Status, TriageChange};
use feedback_graphql::http::Options;
use serde_json::{Value, json};

use super::{backfill, items};
use crate::support::{NOW, Server, Store, TABLE, content};

/// Stores feedback as the service did before there was triage; its id.
async fn submit_before_triage(store: &Store, number: u64, email: Option<&str>) -> String {
    let content = Content {
        email: email.map(|email| EmailAddress::parse(email).unwrap()),
        ..content(&format!("planted {number}"))
    };
    let id = store.submit_content(content, NOW + number).await.id.to_string();
    let update = store.client.update_item().table_name(TABLE);
    let update = update
        .key("feedbackId", AttributeValue::S(id.clone()))
        .update_expression("REMOVE #status, person")
        .expression_attribute_names("#status", "status");
    update.send().await.unwrap();
    id
}

async fn found(server: &Server, filter: Value) -> Vec<Value> {
    let query = "query($filter: FeedbackFilter) { feedbacks(filter: $filter) { nodes { message } } }";
    let mut data = server.data(query, json!({ "filter": filter })).await;
    let nodes = data["feedbacks"]["nodes"].as_array_mut().unwrap();
    nodes.iter_mut().map(|node| node["message"].take()).collect()
}

#[tokio::test]
async fn feedback_from_before_triage_gets_a_status_and_a_person_and_keeps_all_else() {
    for (arguments, status) in [
        (&["--write"][..], "OPEN"),
        (&["--write", "--status", "resolved"], "RESOLVED"),
    ] {
        let server = Server::with(Store::with_shards(4).await, Options::default()).await;
        let store = &server.store;
        submit_before_triage(store, 1, Some("Sam@example.org")).await;
        submit_before_triage(store, 2, None).await;
        let triaged = store.submit("planted 3", NOW + 3).await;
        let change = TriageChange::new(None, Some(Status::InProgress), &[], &[], None).unwrap();
        store.triage(triaged.id, &change).await;
        let mut expected = items(store).await;
        assert_eq!(
            found(&server, json!({ "email": "sam@example.org" })).await,
            [""; 0]
        );

        let said = backfill(&store.engine.endpoint(), arguments).await;
        assert!(said.contains("1 complete\n  2 pending\n"), "{said}");
        assert!(said.contains("2 items backfilled."), "{said}");
        for item in expected.values_mut() {
            if item["status"] == Value::Null {
                item["status"] = json!(status);
            }
            if item["email"] == "Sam@example.org" {
                // printf 'sam@example.org' | sha256sum
                item["person"] = json!("22e7ba7a5786d8fb02a3b39893ae2176a995d052f816741a37e747565de7f45d");
            }
        }
        assert_eq!(items(store).await, expected);
        assert_eq!(
            found(&server, json!({ "email": "sam@example.org" })).await,
            ["planted 1"]
        );
        assert_eq!(
            found(&server, json!({ "status": status })).await,
            ["planted 2", "planted 1"]
        );
        let said = backfill(&store.engine.endpoint(), arguments).await;
        assert!(said.contains("3 complete\n  0 pending\n"), "{said}");
    }
}

#[tokio::test]
async fn triage_that_comes_before_the_backfill_stays() {
    let server = Server::with(Store::new().await, Options::default()).await;
    let store = &server.store;
    let id = submit_before_triage(store, 1, None).await;
    let triage =
        "mutation($input: TriageFeedbackInput!) { triageFeedback(input: $input) { userErrors { code } } }";
    let input = json!({ "id": id, "addTags": ["planted"], "status": "RESOLVED" });
    server.data(triage, json!({ "input": input })).await;
    let expected = items(store).await;
    backfill(&store.engine.endpoint(), &["--write"]).await;
    assert_eq!(items(store).await, expected);
}

#[tokio::test]
async fn feedback_in_quarantine_is_left_alone() {
    let store = Store::new().await;
    let new = NewFeedback {
        signals: Signals {
            trap: Some("x".to_owned()),
            ..Signals::default()
        },
        ..content("planted").into()
    };
    let id = store.submit_new(new, NOW).await.id.to_string();
    for lost in ["nothing", "#status", "feedback"] {
        let update = store.client.update_item().table_name(TABLE);
        let update = update
            .key("feedbackId", AttributeValue::S(id.clone()))
            .update_expression(format!("REMOVE {lost}"));
        let update = if lost == "#status" {
            update.expression_attribute_names("#status", "status")
        } else {
            update
        };
        update.send().await.unwrap();
        let expected = items(&store).await;
        let said = backfill(&store.engine.endpoint(), &["--write"]).await;
        assert!(
            said.contains("1 complete\n  0 pending\n  0 incompatible\n"),
            "without {lost}: {said}"
        );
        assert_eq!(items(&store).await, expected, "without {lost}");
    }
}
