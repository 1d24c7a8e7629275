//! `submitFeedback`: what is stored, and what is refused.

use feedback_graphql::repository::Submission;
use serde_json::{Value, json};

use crate::support::{NOW, Server, content};

const SUBMIT: &str = "mutation Submit($input: SubmitFeedbackInput!) {
    submitFeedback(input: $input) {
        feedback { id message rating topic email pageUrl metadata { key value } submittedAt }
        userErrors { field code message }
    }
}";

async fn submit(server: &Server, input: Value) -> Value {
    let mut data = server.data(SUBMIT, json!({ "input": input })).await;
    data["submitFeedback"].take()
}

/// The broken rules, as `field: CODE`.
async fn broken(server: &Server, input: Value) -> Vec<String> {
    let payload = submit(server, input).await;
    assert_eq!(payload["feedback"], Value::Null, "{payload}");
    let errors = payload["userErrors"].as_array().unwrap().iter();
    errors
        .map(|error| {
            let field: Vec<&str> = error["field"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            assert!(error["message"].as_str().unwrap().starts_with("must "), "{error}");
            format!("{}: {}", field.join("."), error["code"].as_str().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn what_was_submitted_comes_back_trimmed_and_otherwise_unchanged() {
    let server = Server::start().await;
    let payload = submit(
        &server,
        json!({
            "message": "\n  Ünïcödé 👩‍👩‍👧 \t\"quotes\" \\ </script>\n\nsecond line  ",
            "rating": 4,
            "topic": " search ",
            "email": " sam@example.org ",
            "pageUrl": "https://shop.example.org/search?q=l%C3%A4mp#top",
            "metadata": [{ "key": "z", "value": "1" }, { "key": "a", "value": "" }],
        }),
    )
    .await;
    let mut feedback = payload["feedback"].clone();
    let id = feedback["id"].take();
    assert_eq!(
        feedback,
        json!({
            "id": null,
            "message": "Ünïcödé 👩‍👩‍👧 \t\"quotes\" \\ </script>\n\nsecond line",
            "rating": 4,
            "topic": "search",
            "email": "sam@example.org",
            "pageUrl": "https://shop.example.org/search?q=l%C3%A4mp#top",
            "metadata": [{ "key": "z", "value": "1" }, { "key": "a", "value": "" }],
            "submittedAt": "2026-03-01T09:30:00.250Z",
        })
    );
    assert_eq!(payload["userErrors"], json!([]));
    let query = "query($id: ID!) { feedback(id: $id) { id message rating topic email pageUrl metadata { key value } submittedAt } }";
    let read = server.data(query, json!({ "id": id })).await;
    assert_eq!(read["feedback"], payload["feedback"]);
}

#[tokio::test]
async fn line_breaks_as_forms_send_them_are_stored_as_newlines() {
    let server = Server::start().await;
    let input = json!({
        "message": "one\r\ntwo\rthree\n",
        "topic": "a\r\nb",
        "metadata": [{ "key": "address", "value": "1 High St\r\nTown" }],
        "idempotencyKey": "planted-key-1",
    });
    let payload = submit(&server, input.clone()).await;
    let feedback = &payload["feedback"];
    assert_eq!(feedback["message"], "one\ntwo\nthree", "{payload}");
    assert_eq!(feedback["topic"], "a\nb");
    assert_eq!(feedback["metadata"][0]["value"], "1 High St\nTown");
    let same = json!({
        "message": "one\ntwo\nthree",
        "topic": "a\nb",
        "metadata": [{ "key": "address", "value": "1 High St\nTown" }],
        "idempotencyKey": "planted-key-1",
    });
    assert_eq!(submit(&server, same).await["feedback"]["id"], feedback["id"]);
    assert_eq!(server.store.items().await.len(), 1);
}

#[tokio::test]
async fn what_nobody_can_see_is_no_text() {
    let server = Server::start().await;
    for text in [
        "\u{200b}",
        "\u{2060}\u{feff}",
        "\u{3164}",
        " \u{2800}\n",
        "\u{202e}",
    ] {
        let input = json!({ "message": text, "topic": text, "metadata": [{ "key": text, "value": text }] });
        let expected = ["message: BLANK", "topic: BLANK", "metadata.0.key: BLANK"];
        assert_eq!(
            broken(&server, input).await,
            expected,
            "{}",
            text.escape_unicode()
        );
    }
    let input = json!({ "message": "\u{200b}👍", "metadata": [{ "key": "k", "value": "\u{200b}" }] });
    assert_eq!(submit(&server, input).await["feedback"]["message"], "\u{200b}👍");
}

#[tokio::test]
async fn a_page_url_is_whole_and_holds_no_credentials() {
    let server = Server::start().await;
    for url in [
        "https:example.org/?u=http://x",
        "https:\\\\example.org",
        "http:/example.org",
        "https:///example.org",
        "https://.",
        "https://sam:secret@example.org/",
        "https://sam@example.org/",
    ] {
        let input = json!({ "message": "planted", "pageUrl": url });
        assert_eq!(broken(&server, input).await, ["pageUrl: INVALID_URL"], "{url}");
    }
    let url = "https://example.org/?back=https://sam@example.com";
    let payload = submit(&server, json!({ "message": "planted", "pageUrl": url })).await;
    assert_eq!(payload["feedback"]["pageUrl"], url);
}

#[tokio::test]
async fn the_item_has_the_attributes_that_readers_of_the_table_know() {
    let server = Server::start().await;
    let payload = submit(&server, json!({ "message": "hello" })).await;
    let id = payload["feedback"]["id"].as_str().unwrap();
    assert_eq!(id.as_bytes()[14], b'7', "{id} is no UUID of version 7");
    let expected = json!({
        "feedbackId": id,
        "feedback": "hello",
        "timestamp": NOW / 1_000,
        "timelineShard": 0,
        "timelinePosition": format!("{NOW:013}#{id}"),
        "status": "OPEN",
    });
    assert_eq!(server.store.items().await, [expected]);
}

#[tokio::test]
async fn every_broken_rule_is_reported_at_once_and_nothing_is_stored() {
    let server = Server::start().await;
    let input = json!({
        "message": " \t\n ",
        "rating": 0,
        "topic": "",
        "email": "nobody",
        "pageUrl": "ftp://example.org/",
        "metadata": [{ "key": "k", "value": "v".repeat(257) }, { "key": "k", "value": "\u{0}" }],
    });
    let expected = [
        "message: BLANK",
        "rating: OUT_OF_RANGE",
        "topic: BLANK",
        "email: INVALID_EMAIL",
        "pageUrl: INVALID_URL",
        "metadata.0.value: TOO_LONG",
        "metadata.1.key: DUPLICATE_KEY",
        "metadata.1.value: CONTROL_CHARACTER",
    ];
    assert_eq!(broken(&server, input).await, expected);
    let input = json!({
        "message": " \n ",
        "rating": 6,
        "topic": "t".repeat(65),
        "email": "sam at example",
        "pageUrl": "javascript:alert(1)",
        "metadata": [
            { "key": "k", "value": "v".repeat(257) },
            { "key": " k ", "value": "" },
            { "key": "", "value": "\u{7}" },
        ],
        "idempotencyKey": "1234567",
    });
    let expected = [
        "message: BLANK",
        "rating: OUT_OF_RANGE",
        "topic: TOO_LONG",
        "email: INVALID_EMAIL",
        "pageUrl: INVALID_URL",
        "metadata.0.value: TOO_LONG",
        "metadata.1.key: DUPLICATE_KEY",
        "metadata.2.key: BLANK",
        "metadata.2.value: CONTROL_CHARACTER",
        "idempotencyKey: TOO_SHORT",
    ];
    assert_eq!(broken(&server, input).await, expected);
    assert_eq!(server.store.items().await, [] as [Value; 0]);
}

#[tokio::test]
async fn each_limit_holds_where_it_is_said_to_be() {
    let server = Server::start().await;
    let pairs = |count: usize| {
        (0..count)
            .map(|n| json!({ "key": n.to_string(), "value": "" }))
            .collect::<Vec<_>>()
    };
    let text = |length| "ä".repeat(length);
    let domain = |length: usize| {
        format!(
            "sam@{}.org",
            vec!["x".repeat(49); 5].join(".").get(..length - 8).unwrap()
        )
    };
    let url = |length: usize| format!("https://e.org/{}", "p".repeat(length - 14));
    let cases = [
        ("message", json!(text(5_000)), json!(text(5_001)), "TOO_LONG"),
        ("rating", json!(1), json!(0), "OUT_OF_RANGE"),
        ("rating", json!(5), json!(6), "OUT_OF_RANGE"),
        ("topic", json!(text(64)), json!(text(65)), "TOO_LONG"),
        ("email", json!(domain(254)), json!(domain(255)), "TOO_LONG"),
        ("pageUrl", json!(url(2_048)), json!(url(2_049)), "TOO_LONG"),
        ("metadata", json!(pairs(16)), json!(pairs(17)), "TOO_MANY"),
    ];
    for (field, allowed, refused, code) in cases {
        let with = |value: Value| {
            let mut input = json!({ "message": "x" });
            input[field] = value;
            input
        };
        let payload = submit(&server, with(allowed)).await;
        assert_eq!(payload["userErrors"], json!([]), "{field}");
        assert_eq!(broken(&server, with(refused)).await, [format!("{field}: {code}")]);
    }
}

#[tokio::test]
async fn the_least_and_the_most_are_accepted() {
    let server = Server::start().await;
    let pairs = (0..16).map(|index| json!({ "key": format!("{index:064}"), "value": "v".repeat(256) }));
    let most = json!({
        "message": "é".repeat(5_000),
        "rating": 5,
        "topic": "t".repeat(64),
        "email": "sam@example.org",
        "pageUrl": format!("https://example.org/{}", "p".repeat(2_028)),
        "metadata": pairs.collect::<Vec<_>>(),
        "idempotencyKey": "k".repeat(128),
    });
    for input in [json!({ "message": "x" }), most] {
        assert_eq!(submit(&server, input).await["userErrors"], json!([]));
    }
}

#[tokio::test]
async fn the_largest_valid_input_fits_into_a_request() {
    let server = Server::start().await;
    let metadata = (0..16).map(|n| json!({ "key": format!("{n:\u{1F31F}>64}"), "value": "🌟".repeat(256) }));
    let input = json!({
        "message": "🌟".repeat(5_000),
        "topic": "🌟".repeat(64),
        "pageUrl": format!("https://example.org/{}", "p".repeat(2_028)),
        "metadata": metadata.collect::<Vec<_>>(),
    });
    let payload = submit(&server, input).await;
    assert_eq!(payload["userErrors"], json!([]));
}

#[tokio::test]
async fn a_retry_of_a_stored_request_whose_answer_was_lost_is_a_success() {
    let server = Server::start().await;
    let feedback = server.store.submit("once", NOW).await;
    let again = server
        .store
        .repository
        .submit(content("once").into(), feedback.id, feedback.submitted_at)
        .await;
    assert_eq!(again.unwrap(), Submission::Stored(feedback.clone()));

    let taken = server
        .store
        .repository
        .submit(content("other").into(), feedback.id, feedback.submitted_at)
        .await;
    assert!(taken.unwrap_err().to_string().contains("another feedback's"));
    assert_eq!(server.store.items().await.len(), 1);
}
