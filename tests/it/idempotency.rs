//! Submitting again under the same key.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Answer, Server};

const SUBMIT: &str = "mutation($input: SubmitFeedbackInput!) {
    submitFeedback(input: $input) { feedback { id message submittedAt } userErrors { field code message } replayed }
}";

async fn submit(server: &Server, input: Value) -> Value {
    let mut data = server.data(SUBMIT, json!({ "input": input })).await;
    data["submitFeedback"].take()
}

#[tokio::test]
async fn a_retry_with_the_same_key_returns_the_first_feedback() {
    let server = Server::start().await;
    let input = json!({ "message": "planted", "rating": 5, "metadata": [{ "key": "k", "value": "v" }], "idempotencyKey": "planted-key-1" });
    let first = submit(&server, input.clone()).await;
    assert_eq!(first["replayed"], false);
    server.at_later_time();
    let again = submit(&server, input).await;
    assert_eq!(
        (&again["replayed"], &again["feedback"]),
        (&json!(true), &first["feedback"])
    );
    let other_spelling = submit(&server, json!({ "message": " planted\n", "rating": 5, "metadata": [{ "key": "k", "value": "v" }], "idempotencyKey": "planted-key-1" })).await;
    assert_eq!(
        other_spelling["replayed"], true,
        "what counts is what would be stored"
    );
    assert_eq!(server.store.items().await.len(), 1);
}

#[tokio::test]
async fn the_same_key_with_other_content_is_an_error_that_shows_nothing_of_the_first() {
    let server = Server::start().await;
    submit(
        &server,
        json!({ "message": "planted secret", "idempotencyKey": "planted-key-1" }),
    )
    .await;
    for other in [
        json!({ "message": "other", "idempotencyKey": "planted-key-1" }),
        json!({ "message": "planted secret", "rating": 1, "idempotencyKey": "planted-key-1" }),
        json!({ "message": "planted secret", "email": "planted@example.org", "idempotencyKey": "planted-key-1" }),
    ] {
        let payload = submit(&server, other).await;
        let expected = json!({
            "feedback": null,
            "replayed": false,
            "userErrors": [{
                "field": ["idempotencyKey"],
                "code": "IDEMPOTENCY_KEY_REUSED",
                "message": "must not be the key of an earlier submission with other content",
            }],
        });
        assert_eq!(payload, expected);
    }
    assert_eq!(server.store.items().await.len(), 1);
    let payload = submit(
        &server,
        json!({ "message": "other", "idempotencyKey": "planted-key-2" }),
    )
    .await;
    assert_eq!(payload["userErrors"], json!([]));
}

#[tokio::test]
async fn a_retry_after_the_feedback_was_deleted_stores_it_anew_whatever_it_says() {
    let server = Server::start().await;
    let input = |message: &str| json!({ "message": message, "idempotencyKey": "planted-key-1" });
    let first = submit(&server, input("planted")).await;
    for message in ["planted", "planted other"] {
        let delete = "mutation($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }";
        let id = &first["feedback"]["id"];
        let data = server.data(delete, json!({ "id": id })).await;
        assert_eq!(data["deleteFeedback"]["deletedFeedbackId"], *id);
        assert!(server.store.items().await.is_empty(), "nothing is kept of it");
        server.at_later_time();
        let again = submit(&server, input(message)).await;
        assert_eq!(
            (&again["replayed"], &again["feedback"]["id"]),
            (&json!(false), id)
        );
        assert_eq!(again["feedback"]["message"], message);
        assert_ne!(again["feedback"]["submittedAt"], first["feedback"]["submittedAt"]);
    }
}

#[tokio::test]
async fn sixty_four_submissions_at_once_with_one_key_store_one_item() {
    let server = Server::start().await;
    let input = json!({ "message": "planted", "idempotencyKey": "planted-key-1" });
    let submissions = (0..64).map(|_| submit(&server, input.clone()));
    let payloads = futures_util::future::join_all(submissions).await;
    let ids: BTreeSet<&str> = payloads
        .iter()
        .filter_map(|payload| payload["feedback"]["id"].as_str())
        .collect();
    assert_eq!(ids.len(), 1);
    assert!(payloads.iter().all(|payload| payload["userErrors"] == json!([])));
    assert_eq!(server.store.items().await.len(), 1);
}

#[tokio::test]
async fn a_key_has_8_to_128_characters() {
    let server = Server::start().await;
    for (key, code) in [
        ("k".repeat(8), None),
        ("ä".repeat(128), None),
        ("k".repeat(7), Some("TOO_SHORT")),
        ("k".repeat(129), Some("TOO_LONG")),
        ("12345678\n".to_owned(), Some("CONTROL_CHARACTER")),
    ] {
        let payload = submit(&server, json!({ "message": "planted", "idempotencyKey": key })).await;
        assert_eq!(payload["userErrors"][0]["code"].as_str(), code, "{key}");
    }
}

#[tokio::test]
async fn plain_feedback_takes_its_key_from_a_header() {
    let server = Server::start().await;
    let post = async |message: &str, key: &str| -> Answer {
        let request = server.request("POST", "/feedback").header("idempotency-key", key);
        server.send(request.json(&json!({ "feedback": message }))).await
    };
    for _ in 0..2 {
        let answer = post("planted", "planted-key-1").await;
        assert_eq!(
            answer.json(),
            json!({ "message": "Feedback submitted successfully!" })
        );
    }
    assert_eq!(server.store.items().await.len(), 1);
    // The string that the header's draft standard asks for is the same key.
    for (key, items) in [
        ("\"planted-key-1\"", 1),
        (r#""planted \"key\" 2""#, 2),
        (r#"planted "key" 2"#, 2),
    ] {
        assert_eq!(post("planted", key).await.status, 200, "{key}");
        assert_eq!(server.store.items().await.len(), items, "{key}");
    }
    let answer = post("other", "planted-key-1").await;
    let error = "the Idempotency-Key must not be the key of an earlier submission with other content";
    assert_eq!((answer.status, answer.json()), (422, json!({ "error": error })));
    let answer = post("planted", "short").await;
    let error = "the Idempotency-Key must have 8 to 128 characters, not 5";
    assert_eq!((answer.status, answer.json()), (400, json!({ "error": error })));
}

#[tokio::test]
async fn an_idempotency_key_that_is_none_or_several_is_refused() {
    let server = Server::start().await;
    let post = async |keys: &[&str]| -> Answer {
        let request = server
            .request("POST", "/feedback")
            .json(&json!({ "feedback": "planted" }));
        let request = keys
            .iter()
            .fold(request, |request, key| request.header("idempotency-key", *key));
        server.send(request).await
    };
    let error = "there must be one Idempotency-Key, not several";
    let answer = post(&["planted-key-1", "planted-key-2"]).await;
    assert_eq!((answer.status, answer.json()), (400, json!({ "error": error })));
    let error = "a quoted Idempotency-Key must be one complete string, with a \\ before each quotation mark and \\ in it";
    for key in [
        "\"planted-key-1",
        "\"planted-key-1\", \"planted-key-2\"",
        r#""planted\key-1""#,
    ] {
        let answer = post(&[key]).await;
        assert_eq!(
            (answer.status, answer.json()),
            (400, json!({ "error": error })),
            "{key}"
        );
    }
    assert_eq!(server.store.items().await, [] as [Value; 0]);
}
