//! `POST /feedback`, as the service's ancestor had it.

use serde_json::{Value, json};

use crate::support::{Answer, Server};

async fn post(server: &Server, body: &str) -> Answer {
    server
        .send(server.request("POST", "/feedback").body(body.to_owned()))
        .await
}

#[tokio::test]
async fn plain_feedback_is_stored_and_answered_to_the_letter() {
    let server = Server::start().await;
    let answer = post(&server, r#"{"feedback": " Nice! ", "anything": ["else"]}"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.json(),
        json!({ "message": "Feedback submitted successfully!" })
    );
    let data = server
        .data("{ feedbacks { nodes { message submittedAt } } }", json!({}))
        .await;
    let expected = json!([{ "message": "Nice!", "submittedAt": "2026-03-01T09:30:00.250Z" }]);
    assert_eq!(data["feedbacks"]["nodes"], expected);
}

#[tokio::test]
async fn a_bad_body_is_answered_with_what_would_be_right() {
    let server = Server::start().await;
    let expected = "the body must be a JSON object like {\"feedback\": \"…\"}";
    let long = json!({ "feedback": "x".repeat(5_001) }).to_string();
    for (body, error) in [
        (
            "",
            format!("{expected}, but it is not JSON: EOF while parsing a value at line 1 column 0"),
        ),
        (
            "feedback=hello",
            format!("{expected}, but it is not JSON: expected ident at line 1 column 2"),
        ),
        ("[]", format!("{expected}, with a string for `feedback`")),
        ("{}", format!("{expected}, with a string for `feedback`")),
        (
            r#"{"feedback": 5}"#,
            format!("{expected}, with a string for `feedback`"),
        ),
        (
            r#"{"feedback": "  "}"#,
            "`feedback` must have 1 to 5000 characters besides white space at its ends".to_owned(),
        ),
        (
            &long,
            "`feedback` must have at most 5000 characters, not 5001".to_owned(),
        ),
    ] {
        let answer = post(&server, body).await;
        assert_eq!(
            (answer.status, answer.json()),
            (400, json!({ "error": error })),
            "{body:.60}"
        );
    }
    assert_eq!(server.store.items().await, [] as [Value; 0]);
}

#[tokio::test]
async fn too_large_a_body_is_refused_and_other_methods_are_too() {
    let server = Server::start().await;
    let answer = post(&server, &"x".repeat(64 * 1024 + 1)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(
        answer.json(),
        json!({ "error": "the body must have at most 65536 bytes" })
    );
    let answer = server.send(server.request("GET", "/feedback")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn an_error_inside_shows_nothing_of_the_inside() {
    for (code, status, error) in [
        ("ValidationException", 500, "internal error"),
        (
            "ThrottlingException",
            429,
            "too many requests at the moment: try again in a few seconds",
        ),
    ] {
        let server = Server::refused(400, code).await;
        let answer = post(&server, r#"{"feedback": "x"}"#).await;
        assert_eq!(
            (answer.status, answer.json()),
            (status, json!({ "error": error })),
            "{code}"
        );
    }
}
