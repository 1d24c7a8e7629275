//! The Lambda binary itself, fed with events of each kind by a Runtime API of the tests' own.

use serde_json::{Value, json};

use crate::support::events::{EventKind, HttpCall};
use crate::support::lambda::{Lambda, Options};
use crate::support::{Store, TABLE};

const PLANTED: [&str; 4] = [
    "planted-message",
    "planted@example.org",
    "planted-value",
    "planted-variable",
];

fn submit(message: &str) -> HttpCall {
    let query = "mutation Submit($input: SubmitFeedbackInput!) {
        submitFeedback(input: $input) { feedback { id message } userErrors { code } }
    }";
    let input = json!({
        "message": message,
        "email": PLANTED[1],
        "metadata": [{ "key": "k", "value": PLANTED[2] }],
    });
    HttpCall::post_json(
        "/graphql",
        &json!({ "query": query, "variables": { "input": input } }),
    )
}

fn options(store: &Store) -> Options {
    Options::new(&store.engine.endpoint(), TABLE)
}

async fn start(store: &Store) -> Lambda {
    Lambda::start(options(store)).await
}

#[tokio::test]
async fn events_of_each_kind_are_answered_and_end_up_in_the_table() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    for (index, kind) in EventKind::ALL.into_iter().enumerate() {
        let message = format!("Grüße über {kind:?}");
        let call = submit(&message);
        let call = if index % 2 == 0 { call } else { call.in_base64() };
        let answer = lambda.call(kind, &call).await;
        assert_eq!(answer.status, 200, "{kind:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/json; charset=utf-8")
        );
        let body = answer.json();
        let feedback = &body["data"]["submitFeedback"]["feedback"];
        assert_eq!(feedback["message"], message, "{body}");

        let items = store.items().await;
        let stored = items
            .iter()
            .find(|item| item["feedbackId"] == feedback["id"])
            .unwrap();
        assert_eq!(stored["feedback"], message);
        assert_eq!(items.len(), index + 1);

        let query = "query Read($id: ID!) { feedback(id: $id) { message } }";
        let parameters = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("query", query)
            .append_pair("variables", &json!({ "id": feedback["id"] }).to_string())
            .finish();
        let answer = lambda
            .call(kind, &HttpCall::get(&format!("/graphql?{parameters}")))
            .await;
        assert_eq!(
            answer.json(),
            json!({ "data": { "feedback": { "message": message } } }),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn the_other_paths_are_there_too_behind_every_front() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    for kind in EventKind::ALL {
        let answer = lambda
            .call(
                kind,
                &HttpCall::post_json("/feedback", &json!({ "feedback": "plain" })),
            )
            .await;
        let expected = json!({ "message": "Feedback submitted successfully!" });
        assert_eq!((answer.status, answer.json()), (200, expected), "{kind:?}");
        let answer = lambda.call(kind, &HttpCall::get("/nothing")).await;
        assert_eq!(answer.status, 404, "{kind:?}");
        let answer = lambda.call(kind, &HttpCall::new("DELETE", "/graphql")).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET,HEAD,POST")),
            "{kind:?}"
        );
    }
    assert_eq!(store.items().await.len(), EventKind::ALL.len());
}

#[tokio::test]
async fn the_explorer_and_other_origins_are_let_in_only_by_configuration() {
    let store = Store::new().await;
    let browser = HttpCall::new("GET", "/graphql").with_header("accept", "text/html,*/*;q=0.8");
    let preflight = HttpCall::new("OPTIONS", "/graphql")
        .with_header("origin", "https://app.example.org")
        .with_header("access-control-request-method", "POST");

    let lambda = start(&store).await;
    assert_eq!(lambda.call(EventKind::HttpApi, &browser).await.status, 400);
    let answer = lambda.call(EventKind::HttpApi, &preflight).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);

    let open = options(&store)
        .with("FEEDBACK_EXPLORER", "true")
        .with("FEEDBACK_ALLOWED_ORIGINS", "https://app.example.org");
    let lambda = Lambda::start(open).await;
    let answer = lambda.call(EventKind::HttpApi, &browser).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(
        String::from_utf8(answer.body)
            .unwrap()
            .contains("cdn.jsdelivr.net")
    );
    let answer = lambda.call(EventKind::HttpApi, &preflight).await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://app.example.org")
    );
    let call = submit("x").with_header("origin", "https://app.example.org");
    let answer = lambda.call(EventKind::HttpApi, &call).await;
    let vary = answer.header("vary").unwrap().to_lowercase();
    assert!(
        vary.contains("accept") && vary.contains("origin"),
        "one line, with both: {vary}"
    );
}

#[tokio::test]
async fn each_request_is_one_line_of_json_that_tells_nothing_personal() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    lambda.call(EventKind::HttpApi, &submit(PLANTED[0])).await;
    let id = lambda.last_request_id();
    let line: Value = serde_json::from_str(&lambda.log_line(&id).await).expect("JSON");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["message"], "request");
    assert_eq!(line["span"]["request_id"], id);
    assert_eq!(
        (&line["method"], &line["path"]),
        (&json!("POST"), &json!("/graphql"))
    );
    assert_eq!(
        (&line["operation_type"], &line["operation"]),
        (&json!("mutation"), &json!("Submit"))
    );
    assert_eq!(
        (&line["status"], &line["dynamodb_requests"]),
        (&json!(200), &json!(1))
    );
    assert!(line["duration_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(line.get("error_codes"), None);

    let query = format!(
        "query Bad($v: String) {{ a: node(id: \"{0}\") {{ id }} b: feedbacks(after: $v) {{ nodes {{ id }} }} }}",
        PLANTED[3]
    );
    let call = HttpCall::post_json(
        "/graphql",
        &json!({ "query": query, "variables": { "v": PLANTED[3] } }),
    );
    lambda.call(EventKind::HttpApi, &call).await;
    let line: Value = serde_json::from_str(&lambda.log_line(&lambda.last_request_id()).await).expect("JSON");
    assert_eq!(
        (&line["operation"], &line["error_codes"]),
        (&json!("Bad"), &json!("BAD_USER_INPUT"))
    );
    assert_eq!(line["dynamodb_requests"], 0);

    let call = HttpCall::post_json("/feedback", &json!({ "feedback": PLANTED[0] }));
    lambda.call(EventKind::HttpApi, &call).await;
    lambda.log_line(&lambda.last_request_id()).await;
    let logs = lambda.logs();
    assert_eq!(logs.len(), 3, "{logs:#?}");
    for planted in PLANTED {
        assert!(
            !logs.iter().any(|line| line.contains(planted)),
            "{planted} is in {logs:#?}"
        );
    }
}

#[tokio::test]
async fn an_error_inside_is_in_the_log_and_not_in_the_answer() {
    let store = Store::new().await;
    let lambda = Lambda::start(options(&store).with("FEEDBACK_TABLE", "Missing")).await;
    let answer = lambda.call(EventKind::HttpApi, &submit(PLANTED[0])).await;
    let body = answer.json();
    assert_eq!(body["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert_eq!(body["errors"][0]["message"], "internal error");
    let line: Value = serde_json::from_str(&lambda.log_line("failed").await).expect("JSON");
    assert_eq!(line["level"], "ERROR");
    assert!(
        line["error"]
            .as_str()
            .unwrap()
            .contains("ResourceNotFoundException"),
        "{line}"
    );
    assert_eq!(line["span"]["request_id"], lambda.last_request_id());
    assert!(!lambda.logs().iter().any(|line| line.contains(PLANTED[0])));
}

#[tokio::test]
async fn a_wrong_configuration_ends_the_start_with_a_sentence() {
    let store = Store::new().await;
    for (options, expected) in [
        (
            options(&store).without("FEEDBACK_TABLE"),
            "FEEDBACK_TABLE is not set: expected the name of a DynamoDB table",
        ),
        (
            options(&store).with("FEEDBACK_TIMELINE_SHARDS", "none"),
            "FEEDBACK_TIMELINE_SHARDS is \"none\": expected a whole number from 1 to 64",
        ),
    ] {
        let (status, lines) = Lambda::start_expecting_exit(options).await;
        assert_eq!(status.code(), Some(1));
        assert_eq!(lines, [expected]);
    }
}

#[tokio::test]
async fn any_client_of_http_can_talk_to_it_through_a_front() {
    let store = Store::new().await;
    let lambda = std::sync::Arc::new(start(&store).await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    tokio::spawn(crate::support::front::front(lambda, listener));
    let body = json!({ "query": "{ feedbacks { nodes { id } } }" });
    let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer, json!({ "data": { "feedbacks": { "nodes": [] } } }));
}
