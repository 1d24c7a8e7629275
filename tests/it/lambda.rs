//! The Lambda binary itself, fed with events of each kind by a Runtime API of the tests' own.

use feedback_graphql::auth::{Scope, make_key};
use serde_json::{Value, json};

use crate::support::events::{EventKind, HttpAnswer, HttpCall, event};
use crate::support::lambda::{Lambda, Options};
use crate::support::secrets::{SECRET, Secrets};
use crate::support::{Store, TABLE};

const PLANTED: [&str; 4] = [
    "planted message",
    "planted@example.org",
    "planted value",
    "planted variable",
];
const LIST: &str = "query List { feedbacks { nodes { id } } }";

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

/// A function that knows one key, which may do everything, and the credential with it.
async fn start_with_key(store: &Store) -> (Lambda, Secrets, String) {
    let key = make_key("manager", &[Scope::Manage]).unwrap();
    let secrets = Secrets::start().await;
    secrets.store(&[&key]);
    let options = options(store)
        .with("FEEDBACK_API_KEYS_SECRET", SECRET)
        .with("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.endpoint);
    (
        Lambda::start(options).await,
        secrets,
        format!("Bearer {}", key.token),
    )
}

#[tokio::test]
async fn events_of_each_kind_are_answered_and_end_up_in_the_table() {
    let store = Store::new().await;
    let (lambda, secrets, bearer) = start_with_key(&store).await;
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
        let read = HttpCall::get(&format!("/graphql?{parameters}")).with_header("authorization", &bearer);
        let answer = lambda.call(kind, &read).await;
        assert_eq!(
            answer.json(),
            json!({ "data": { "feedback": { "message": message } } }),
            "{kind:?}"
        );
    }
    assert_eq!(secrets.reads(), 1, "the keys are read once");
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
    let (lambda, _secrets, bearer) = start_with_key(&store).await;
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
    assert_eq!(line["caller"], "anonymous");
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
    let call = call.with_header("authorization", &bearer);
    lambda.call(EventKind::HttpApi, &call).await;
    let line: Value = serde_json::from_str(&lambda.log_line(&lambda.last_request_id()).await).expect("JSON");
    assert_eq!(
        (&line["operation"], &line["error_codes"]),
        (&json!("Bad"), &json!("BAD_USER_INPUT"))
    );
    assert_eq!(line["dynamodb_requests"], 0);
    assert_eq!(line["caller"], "key manager");
    assert_eq!(line["caller"], "key manager");

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
    let token = bearer.trim_start_matches("Bearer ");
    assert!(
        !logs.iter().any(|line| line.contains(token)),
        "the token is in {logs:#?}"
    );
}

/// An event with what an authorizer of API Gateway adds to it.
fn authorized(kind: EventKind, path: &str, query: &str, authorizer: &Value) -> Value {
    let call =
        HttpCall::post_json(path, &json!({ "query": query })).with_header("authorization", "Bearer a.b.c");
    let mut event = event(kind, &call);
    event["requestContext"]["authorizer"] = authorizer.clone();
    event
}

async fn answer(lambda: &Lambda, kind: EventKind, event: Value) -> HttpAnswer {
    HttpAnswer::parse(kind, &lambda.invoke(event).await.unwrap())
}

#[tokio::test]
async fn staff_come_in_by_what_api_gateway_has_verified() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    let delete =
        "mutation { deleteFeedback(id: \"0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90\") { deletedFeedbackId } }";
    let jwt = |claims: Value| json!({ "jwt": { "claims": claims, "scopes": null } });
    let arn = "arn:aws:iam::123456789012:user/sam";
    let iam = json!({ "iam": { "userArn": arn, "userId": "x", "accountId": "123456789012" } });
    let staff_arn = format!("staff {arn}");
    for (authorizer, read, manage, caller) in [
        (
            jwt(json!({ "sub": "sam", "scope": "openid feedback:read" })),
            200,
            403,
            "staff sam",
        ),
        (
            jwt(json!({ "sub": "sam", "scope": "feedback/manage" })),
            200,
            200,
            "staff sam",
        ),
        (
            jwt(json!({ "sub": "sam", "cognito:groups": "[editors feedback:read]" })),
            200,
            403,
            "staff sam",
        ),
        (
            jwt(json!({ "sub": "sam", "cognito:groups": "[feedback:manage]" })),
            200,
            200,
            "staff sam",
        ),
        (
            jwt(json!({ "sub": "sam", "scope": "openid", "cognito:groups": "[readers]" })),
            403,
            403,
            "staff sam",
        ),
        (jwt(json!({ "sub": "", "scope": "feedback:read" })), 401, 401, ""),
        (iam, 200, 200, staff_arn.as_str()),
        (
            json!({ "lambda": { "sub": "sam", "scope": "feedback:manage" } }),
            401,
            401,
            "",
        ),
        (json!({}), 401, 401, ""),
    ] {
        for (query, status) in [(LIST, read), (delete, manage)] {
            let event = authorized(EventKind::HttpApi, "/staff/graphql", query, &authorizer);
            let answer = answer(&lambda, EventKind::HttpApi, event).await;
            assert_eq!(answer.status, status, "{authorizer} {query}");
            let line: Value =
                serde_json::from_str(&lambda.log_line(&lambda.last_request_id()).await).unwrap();
            assert_eq!(
                line.get("caller").and_then(Value::as_str).unwrap_or_default(),
                caller
            );
        }
    }
    let claims = json!({ "claims": { "sub": "sam", "cognito:groups": "editors,feedback:read" } });
    let event = authorized(EventKind::RestApi, "/staff/graphql", LIST, &claims);
    assert_eq!(answer(&lambda, EventKind::RestApi, event).await.status, 200);
    let mut event = authorized(EventKind::RestApi, "/staff/graphql", delete, &Value::Null);
    event["requestContext"]["identity"]["userArn"] = json!(arn);
    assert_eq!(answer(&lambda, EventKind::RestApi, event).await.status, 200);
}

#[tokio::test]
async fn what_a_client_sends_cannot_pass_for_what_api_gateway_has_verified() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    let authorizer =
        json!({ "jwt": { "claims": { "sub": "sam", "scope": "feedback:manage" }, "scopes": null } });
    // The same identity on the public path opens nothing: there the bearer token is an API key, and a wrong one.
    let event = authorized(EventKind::HttpApi, "/graphql", LIST, &authorizer);
    assert_eq!(answer(&lambda, EventKind::HttpApi, event).await.status, 401);
    for kind in EventKind::ALL {
        let mut call = HttpCall::post_json("/staff/graphql", &json!({ "query": LIST }));
        for name in [
            "x-amzn-oidc-data",
            "x-amzn-oidc-identity",
            "x-amzn-request-context",
            "x-user",
        ] {
            call = call.with_header(name, &authorizer.to_string());
        }
        for path in [
            "/staff/graphql",
            "/prod/staff/graphql",
            "/staff/../graphql",
            "/x/../staff/graphql",
            "//graphql",
        ] {
            let call = HttpCall {
                path: path.to_owned(),
                ..call.clone()
            };
            let status = lambda.call(kind, &call).await.status;
            assert!([401, 404].contains(&status), "{kind:?} {path}: {status}");
        }
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
    let (lambda, _secrets, bearer) = start_with_key(&store).await;
    let lambda = std::sync::Arc::new(lambda);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    tokio::spawn(crate::support::front::front(lambda, listener));
    let body = json!({ "query": LIST });
    let request = reqwest::Client::new()
        .post(url)
        .header("authorization", bearer)
        .json(&body);
    let answer = request.send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer, json!({ "data": { "feedbacks": { "nodes": [] } } }));
}
