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
            answer.header("retry-after"),
            Some("1").filter(|_| status == 429),
            "{code}"
        );
        assert_eq!(
            (answer.status, answer.json()),
            (status, json!({ "error": error })),
            "{code}"
        );
    }
}

#[tokio::test]
async fn when_to_try_again_is_said_where_that_helps() {
    for (status, kind, expected) in [
        (400, "ThrottlingException", 429),
        (500, "InternalServerError", 503),
    ] {
        let server = Server::refused(status, kind).await;
        let answer = post(&server, r#"{"feedback": "x"}"#).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (expected, Some("1")),
            "{kind}"
        );
    }
}

/// A browser asks before it sends JSON to another origin, and does not before it sends a form or a text.
#[tokio::test]
async fn a_web_page_has_to_send_json() {
    let body = r#"{"feedback": "planted"}"#;
    for server in [
        Server::start().await,
        Server::allowing("https://app.example.org").await,
    ] {
        for (content_type, origin, status) in [
            (Some("text/plain"), Some("https://app.example.org"), 415),
            (Some("text/plain"), Some("null"), 415),
            (
                Some("application/x-www-form-urlencoded"),
                Some("https://evil.example"),
                415,
            ),
            (
                Some("application/json; charset=utf-16"),
                Some("https://app.example.org"),
                415,
            ),
            (None, Some("https://app.example.org"), 415),
            (Some("application/json"), Some("https://app.example.org"), 200),
            (
                Some("application/json;charset=UTF-8"),
                Some("https://app.example.org"),
                200,
            ),
            (Some("text/plain"), None, 200),
            (None, None, 200),
        ] {
            let mut request = server.request("POST", "/feedback").body(body);
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let answer = server.send(request).await;
            assert_eq!(answer.status, status, "{content_type:?} {origin:?}");
            if status == 415 {
                let error = "from a web page the Content-Type must be application/json, in UTF-8";
                assert_eq!(answer.json(), json!({ "error": error }));
            }
        }
        assert_eq!(server.store.items().await.len(), 4);
    }
}

#[tokio::test]
async fn line_breaks_as_forms_send_them_are_stored_as_newlines() {
    let server = Server::start().await;
    let answer = post(&server, r#"{"feedback": "one\r\ntwo\rthree\r\n"}"#).await;
    assert_eq!(answer.status, 200);
    let items = server.store.items().await;
    assert_eq!(items[0]["feedback"], "one\ntwo\nthree");
}
