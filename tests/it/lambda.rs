//! The Lambda binary itself, fed with events of each kind by a Runtime API of the tests' own.

use feedback_graphql::auth::{Scope, make_key};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::events::{EventKind, HttpAnswer, HttpCall, event};
use crate::support::faulty::Network;
use crate::support::lambda::{InvocationError, Lambda, Options};
use crate::support::secrets::{SECRET, Secrets};
use crate::support::{NOW, Store, TABLE};

mod documents;
mod hostile;
pub mod metrics;

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
async fn the_first_submission_finds_the_connection_open_and_waits_for_no_item() {
    let store = Store::with_shards(4).await;
    let network = Network::to(&store.engine.endpoint()).await;
    let options = Options::new(&network.endpoint, TABLE).with("FEEDBACK_LOG", "debug");
    let lambda = Lambda::start(options).await;
    assert!(lambda.log_line("warmed up").await.contains("\"is_warm\":true"));
    assert_eq!(network.requests(1).await, ["GET /"]);
    for asked in [&["PutItem", "GetItem"][..], &["PutItem"]] {
        let before = network.requests(0).await;
        assert_eq!(lambda.call(EventKind::HttpApi, &submit("x")).await.status, 200);
        let requests = network.requests(before.len() + asked.len()).await;
        assert_eq!(requests[before.len()..], *asked);
    }
    assert_eq!(network.connection_of(1), network.connection_of(0));
}

#[tokio::test]
async fn a_function_of_several_shards_reads_their_number_when_it_starts() {
    let store = Store::with_shards(4).await;
    let network = Network::to(&store.engine.endpoint()).await;
    let options = Options::new(&network.endpoint, TABLE).with("FEEDBACK_TIMELINE_SHARDS", "4");
    let lambda = Lambda::start(options).await;
    assert_eq!(network.requests(1).await, ["GetItem"]);
    assert_eq!(lambda.call(EventKind::HttpApi, &submit("x")).await.status, 200);
    assert_eq!(network.requests(2).await, ["GetItem", "PutItem"]);
    assert_eq!(network.connection_of(1), network.connection_of(0));
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
            jwt(json!({ "sub": "sam", "scp": "[openid feedback:read]" })),
            200,
            403,
            "staff sam",
        ),
        (
            jwt(json!({ "sub": "sam", "scp": "openid feedback:manage" })),
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
    for claims in [
        json!({ "sub": "sam", "cognito:groups": "editors,feedback:read" }),
        json!({ "sub": "sam", "scp": ["openid", "feedback:read"] }),
    ] {
        let claims = json!({ "claims": claims });
        let event = authorized(EventKind::RestApi, "/staff/graphql", LIST, &claims);
        assert_eq!(
            answer(&lambda, EventKind::RestApi, event).await.status,
            200,
            "{claims}"
        );
    }
    let mut event = authorized(EventKind::RestApi, "/staff/graphql", delete, &Value::Null);
    event["requestContext"]["identity"]["userArn"] = json!(arn);
    assert_eq!(answer(&lambda, EventKind::RestApi, event).await.status, 200);
}

#[tokio::test]
async fn of_changes_by_two_functions_at_once_one_wins_each_version_and_the_other_sees_what_it_did() {
    let store = Store::new().await;
    let id = store.submit("planted", NOW).await.id.to_string();
    let functions = join(start(&store), start(&store)).await;
    let functions = [("ana", functions.0), ("bo", functions.1)];
    let query = "mutation($input: TriageFeedbackInput!) {
        triageFeedback(input: $input) {
            feedback { triage { note version updatedAt updatedBy } } userErrors { code }
        }
    }";
    for version in 0..50 {
        let changes = functions.each_ref().map(async |(name, lambda)| {
            let input = json!({ "id": id, "expectedVersion": version, "note": format!("planted by {name}, {version}") });
            let body = json!({ "query": query, "variables": { "input": input } });
            let mut event = event(EventKind::HttpApi, &HttpCall::post_json("/staff/graphql", &body));
            let claims = json!({ "sub": name, "scope": "feedback:manage" });
            event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
            let answer = answer(lambda, EventKind::HttpApi, event).await.json();
            answer["data"]["triageFeedback"].clone()
        });
        let payloads = join_all(changes).await;
        let winner = payloads
            .iter()
            .position(|payload| payload["userErrors"] == json!([]));
        let winner = winner.unwrap_or_else(|| panic!("nobody wins version {version}: {payloads:?}"));
        let (won, lost) = (&payloads[winner], &payloads[1 - winner]);
        let name = functions[winner].0;
        let triage = &won["feedback"]["triage"];
        assert_eq!(
            (&triage["version"], &triage["note"], &triage["updatedBy"]),
            (
                &json!(version + 1),
                &json!(format!("planted by {name}, {version}")),
                &json!(format!("staff {name}"))
            )
        );
        assert_eq!(lost["userErrors"], json!([{ "code": "VERSION_CONFLICT" }]));
        assert_eq!(lost["feedback"], won["feedback"]);
    }
    let items = store.items().await;
    assert_eq!(items[0]["version"], 50);
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

/// Events of every kind whose Host header or `X-Forwarded-Proto` is one of these.
#[tokio::test]
async fn no_host_and_no_protocol_is_too_odd() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    let hosts = [
        "",
        "a b",
        "[::1",
        "example.org:99999",
        "<example.org>",
        "example.org/x?y#z",
        "例え.テスト",
    ];
    let protocols = ["", "http,https", "1", "java script", "mailto"];
    let hosts = hosts.map(|host| ("Host", host));
    let protocols = protocols.map(|protocol| ("X-Forwarded-Proto", protocol));
    for kind in EventKind::ALL {
        for (name, value) in hosts.into_iter().chain(protocols) {
            let answer = lambda.call(kind, &submit("x").with_header(name, value)).await;
            assert_eq!(answer.status, 200, "{kind:?} {name}: {value}");
            assert_eq!(answer.json()["data"]["submitFeedback"]["userErrors"], json!([]));
        }
    }
}

#[tokio::test]
async fn a_query_is_taken_as_it_was_written_whatever_is_in_it() {
    let store = Store::new().await;
    let (lambda, _secrets, bearer) = start_with_key(&store).await;
    let get = HttpCall::get("/graphql").with_header("authorization", &bearer);
    for kind in [
        EventKind::HttpApi,
        EventKind::HttpApiStage,
        EventKind::FunctionUrl,
    ] {
        for query in [
            "query={ feedbacks { nodes { id } } }",
            "query={feedbacks(filter:{topic:\"<ä>\\u007f`|^\u{7f}\u{1}\"}){nodes{id}}}",
            "query=#\n{feedbacks{nodes{id}}}",
            "query={feedbacks{nodes{id}}}&<",
        ] {
            let mut event = event(kind, &get);
            event["rawQueryString"] = json!(query);
            let answer = answer(&lambda, kind, event).await;
            let expected = json!({ "data": { "feedbacks": { "nodes": [] } } });
            assert_eq!(answer.json(), expected, "{kind:?} {query}");
        }
        for query in ["\"", "<", ">", " ", "#", "\u{7f}", "ä"] {
            let mut event = event(kind, &get);
            event["rawQueryString"] = json!(query);
            let answer = answer(&lambda, kind, event).await;
            assert_eq!(answer.status, 400, "{kind:?} {query}");
            assert_eq!(
                answer.json()["errors"][0]["extensions"]["code"],
                "BAD_REQUEST",
                "{kind:?} {query}"
            );
        }
    }
    for (kind, name) in [
        (EventKind::RestApi, "multiValueQueryStringParameters"),
        (EventKind::AlbMultiValue, "multiValueQueryStringParameters"),
    ] {
        let mut event = event(kind, &get);
        event[name] = json!({ "a": [], "query": ["{__typename}"] });
        let answer = answer(&lambda, kind, event).await;
        assert_eq!(
            answer.json(),
            json!({ "data": { "__typename": "Query" } }),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_query_that_no_front_lets_through_is_too_long() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    for kind in EventKind::ALL {
        let call = HttpCall::get(&format!("/graphql?query={}", "%20".repeat(64 * 1024)));
        let answer = lambda.call(kind, &call).await;
        assert_eq!(answer.status, 414, "{kind:?}");
        assert_eq!(
            answer.json()["errors"][0]["extensions"]["code"],
            "BAD_REQUEST",
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_path_leads_nowhere_else_than_it_says() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    for kind in EventKind::ALL {
        let stage = if kind == EventKind::HttpApiStage {
            "/prod"
        } else {
            ""
        };
        let field = if event(kind, &submit("x")).get("rawPath").is_some() {
            "rawPath"
        } else {
            "path"
        };
        for (path, status) in [
            (json!("/graphql"), 200),
            (json!("graphql"), 200),
            (json!("/graphql?x"), 404),
            (json!("/graphql#x"), 404),
            (json!("/gra\tphql"), 404),
            (json!("\\graphql"), 404),
            (json!("/ü <\"> {|}^`\u{0}"), 404),
            (json!("/%"), 404),
            (json!(":99999"), 404),
            (json!("@x:y"), 404),
            (json!(""), 404),
            (Value::Null, 404),
        ] {
            let mut event = event(kind, &submit("x"));
            event[field] = match path.as_str() {
                Some(path) if path.starts_with('/') => json!(format!("{stage}{path}")),
                _ => path.clone(),
            };
            if event["pathParameters"].is_object() {
                let rest = path.as_str().map(|path| path.strip_prefix('/').unwrap_or(path));
                event["pathParameters"]["proxy"] = json!(rest);
            }
            let answer = answer(&lambda, kind, event).await;
            assert_eq!(answer.status, status, "{kind:?} {path}");
        }
    }
}

/// An event of a payload with these values in it.
fn routed(kind: EventKind, call: &HttpCall, values: &Value) -> Value {
    let mut event = event(kind, call);
    for (pointer, value) in values.as_object().unwrap() {
        let (object, name) = pointer.rsplit_once('/').unwrap();
        event.pointer_mut(object).unwrap()[name] = value.clone();
    }
    event
}

#[tokio::test]
async fn a_path_is_known_by_its_route_whatever_leads_to_the_service() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    let proxy = json!({ "proxy": "graphql" });
    for (kind, values) in [
        // Custom domains with a path in front, which API Gateway leaves in the request's.
        (
            EventKind::HttpApi,
            json!({ "/rawPath": "/api/graphql", "/routeKey": "POST /graphql" }),
        ),
        (
            EventKind::HttpApi,
            json!({ "/rawPath": "/api/v1/graphql", "/routeKey": "ANY /graphql" }),
        ),
        (
            EventKind::HttpApi,
            json!({ "/rawPath": "/api/graphql", "/routeKey": "ANY /{proxy+}", "/pathParameters": proxy }),
        ),
        (
            EventKind::RestApi,
            json!({ "/path": "/api/graphql", "/resource": "/graphql", "/pathParameters": null }),
        ),
        (EventKind::RestApi, json!({ "/path": "/api/graphql" })),
        (EventKind::RestApi, json!({ "/path": "/prod/graphql" })),
        // An HTTP API that is configured for payload 1.0.
        (
            EventKind::RestApi,
            json!({ "/version": "1.0", "/path": "/prod/graphql", "/resource": "$default", "/pathParameters": null }),
        ),
        // Stages.
        (
            EventKind::HttpApi,
            json!({ "/rawPath": "/prod/graphql", "/routeKey": "POST /graphql", "/requestContext/stage": "prod" }),
        ),
        (
            EventKind::HttpApi,
            json!({ "/rawPath": "/prod/graphql", "/requestContext/stage": "prod" }),
        ),
        (
            EventKind::HttpApi,
            json!({ "/rawPath": "/graphql", "/requestContext/stage": "graphql" }),
        ),
    ] {
        let event = routed(kind, &submit("x"), &values);
        let status = if values["/requestContext/stage"] == "graphql" {
            404
        } else {
            200
        };
        assert_eq!(
            answer(&lambda, kind, event).await.status,
            status,
            "{kind:?} {values}"
        );
    }
}

#[tokio::test]
async fn a_stage_that_is_called_like_a_path_is_not_taken_for_it() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    let body = json!({ "query": LIST });
    let graphql = HttpCall::post_json("/graphql", &body);
    let staff = HttpCall::post_json("/staff/graphql", &body);
    let jwt = json!({ "jwt": { "claims": { "sub": "sam", "scope": "feedback:read" } } });
    let claims = json!({ "claims": { "sub": "sam", "scope": "feedback:read" } });
    for (kind, call, values, status) in [
        (
            EventKind::RestApi,
            &staff,
            json!({ "/requestContext/stage": "staff", "/requestContext/authorizer": claims }),
            200,
        ),
        (
            EventKind::RestApi,
            &staff,
            json!({ "/requestContext/stage": "staff", "/requestContext/authorizer": claims,
                "/resource": "/staff/graphql", "/pathParameters": null }),
            200,
        ),
        // The public path stays the public path, which knows no staff.
        (
            EventKind::RestApi,
            &graphql,
            json!({ "/requestContext/stage": "staff", "/requestContext/authorizer": claims }),
            401,
        ),
        (
            EventKind::HttpApi,
            &staff,
            json!({ "/rawPath": "/staff/staff/graphql", "/requestContext/stage": "staff",
                "/requestContext/authorizer": jwt }),
            200,
        ),
        (
            EventKind::HttpApi,
            &graphql,
            json!({ "/rawPath": "/staff/graphql", "/requestContext/stage": "staff",
                "/requestContext/authorizer": jwt }),
            401,
        ),
    ] {
        let event = routed(kind, call, &values);
        assert_eq!(
            answer(&lambda, kind, event).await.status,
            status,
            "{kind:?} {values}"
        );
    }
}

#[tokio::test]
async fn headers_and_methods_that_http_does_not_allow_get_an_http_answer() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    for kind in EventKind::ALL {
        for (name, value, status) in [
            ("x-note", "a\u{1}b", 400),
            ("x-note", "a\r\nb", 400),
            ("x note", "a", 400),
            ("", "a", 400),
            ("X-Note", "Grüße", 200),
            ("User-Agent", "\ttab", 200),
        ] {
            let answer = lambda.call(kind, &submit("x").with_header(name, value)).await;
            assert_eq!(answer.status, status, "{kind:?} {name:?}: {value:?}");
            assert!(answer.header("x-request-id").is_some(), "{kind:?}");
        }
        for (method, status) in [
            ("GE T", 400),
            ("", 400),
            ("POST\n", 400),
            ("post", 405),
            ("BREW", 405),
        ] {
            let call = HttpCall {
                method: method.to_owned(),
                ..submit("x")
            };
            assert_eq!(
                lambda.call(kind, &call).await.status,
                status,
                "{kind:?} {method:?}"
            );
        }
    }
}

#[tokio::test]
async fn every_field_of_a_log_line_is_bounded() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    let long = "ä".repeat(5_000);
    let query = format!("query {} {{ __typename }}", "A".repeat(16_000));
    let call = HttpCall::post_json("/graphql", &json!({ "query": query }));
    let jwt = json!({ "jwt": { "claims": { "sub": long, "scope": "feedback:read" } } });
    let mut staff = event(
        EventKind::HttpApi,
        &HttpCall::post_json("/staff/graphql", &json!({ "query": query })),
    );
    staff["requestContext"]["authorizer"] = jwt;
    let odd = HttpCall {
        method: "X".repeat(5_000),
        path: format!("/{long}"),
        ..submit("x")
    };
    for event in [
        event(EventKind::HttpApi, &call),
        staff,
        event(EventKind::HttpApi, &odd),
        event(EventKind::Alb, &odd),
    ] {
        let status = answer(&lambda, EventKind::HttpApi, event).await.status;
        assert!([200, 404].contains(&status), "{status}");
        let line = lambda.log_line(&lambda.last_request_id()).await;
        assert!(line.len() < 1_000, "{} bytes: {line:.2000}", line.len());
        let line: Value = serde_json::from_str(&line).unwrap();
        let (method, path) = (line["method"].as_str().unwrap(), line["path"].as_str().unwrap());
        assert!(method.len() <= 64 && path.len() <= 64, "{line}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_in_base64_is_taken_as_it_is() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    for kind in EventKind::ALL {
        let mut event = event(kind, &submit("x"));
        event["isBase64Encoded"] = json!(true);
        let answered = answer(&lambda, kind, event.clone()).await;
        assert_eq!(
            answered.json()["data"]["submitFeedback"]["feedback"]["message"],
            "x",
            "{kind:?}"
        );
        for body in ["!", "e30", "e3 0=", "/w==", "ä"] {
            event["body"] = json!(body);
            let answered = answer(&lambda, kind, event.clone()).await;
            assert_eq!(answered.status, 400, "{kind:?} {body}");
            assert_eq!(
                answered.json()["errors"][0]["extensions"]["code"],
                "BAD_REQUEST",
                "{kind:?} {body}"
            );
        }
    }
}

#[tokio::test]
async fn every_value_of_a_repeated_header_counts() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    // A load balancer without multi-value headers hands over the last value alone.
    for kind in EventKind::ALL.into_iter().filter(|kind| *kind != EventKind::Alb) {
        let call = submit("x").with_header("accept", "text/plain");
        assert_eq!(lambda.call(kind, &call).await.status, 200, "{kind:?}");
    }
}

#[tokio::test]
async fn an_event_with_a_part_missing_is_answered_or_refused() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    for kind in EventKind::ALL {
        let whole = event(kind, &submit("x"));
        for name in whole.as_object().unwrap().keys() {
            for missing in [None, Some(Value::Null), Some(json!({})), Some(json!(""))] {
                let mut event = whole.clone();
                match missing.clone() {
                    Some(value) => event[name] = value,
                    None => drop(event.as_object_mut().unwrap().remove(name)),
                }
                match lambda.invoke(event).await {
                    Ok(payload) => {
                        let answer = HttpAnswer::parse(kind, &payload);
                        assert!(answer.status < 500, "{kind:?} {name} {missing:?}: {answer:?}");
                    }
                    Err(error) => assert_no_http_event(&error),
                }
            }
        }
    }
    assert_eq!(lambda.call(EventKind::HttpApi, &submit("x")).await.status, 200);
}

#[track_caller]
fn assert_no_http_event(error: &InvocationError) {
    let expected = "expected an HTTP request: an event of an API Gateway HTTP API or REST API, a Lambda Function URL \
                    or an Application Load Balancer";
    assert_eq!(
        (error.error_type.as_str(), error.message.as_str()),
        ("NotHttp", expected)
    );
}

#[tokio::test]
async fn what_is_no_http_event_is_refused_by_a_sentence() {
    let store = Store::new().await;
    let lambda = start(&store).await;
    for event in [
        json!({}),
        json!(null),
        json!([]),
        json!("text"),
        json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "resources": [] }),
        json!({ "Records": [{ "eventSource": "aws:sqs", "body": "{}" }] }),
    ] {
        let refused = lambda.invoke(event.clone()).await;
        assert_no_http_event(&refused.expect_err("no HTTP event"));
    }
    assert_eq!(lambda.call(EventKind::HttpApi, &submit("x")).await.status, 200);
}

#[tokio::test]
async fn every_line_of_a_request_that_is_sampled_names_its_trace() {
    let store = Store::new().await;
    // Without the table there is more than one line a request.
    let lambda = Lambda::start(options(&store).with("FEEDBACK_TABLE", "Missing")).await;
    let id = "1-5759e988-bd862e3fe1be46a994272793";
    for (header, expected) in [
        (format!("Root={id};Parent=53995c3f42cd8ad8;Sampled=1"), Some(id)),
        (
            format!("Sampled=1;Self=1-67891234-12456789abcdef012345678; Root={id};Lineage=1:a87bd80c:0"),
            Some(id),
        ),
        (format!("Root={id};Parent=53995c3f42cd8ad8;Sampled=0"), None),
        (format!("Root={id};Sampled=?"), None),
        (format!("Root={id}"), None),
        (format!("{id};Sampled=1"), None),
        (format!("Root={id}0;Sampled=1"), None),
        (format!("Root=2{};Sampled=1", &id[1..]), None),
        (format!("Root={};Sampled=1", id.replace('b', "x")), None),
        (format!("Root={};Sampled=1", id.replace("-b", "b")), None),
        ("Root=;Parent=;Sampled=1".to_owned(), None),
        (format!("Root={};Sampled=1", "1-".repeat(2_000)), None),
        ("Root=ä\u{80}\"};Sampled=1".to_owned(), None),
        (";;=".to_owned(), None),
    ] {
        lambda.trace(Some(header.as_bytes()));
        check_trace(&lambda, expected, &header).await;
    }
    lambda.trace(None);
    check_trace(&lambda, None, "no header").await;
}

/// Makes a request that fails, and compares the trace on each of its lines.
async fn check_trace(lambda: &Lambda, expected: Option<&str>, header: &str) {
    let before = lambda.logs().len();
    let answer = lambda.call(EventKind::HttpApi, &submit("x")).await;
    assert_eq!(answer.status, 200, "{header}");
    lambda
        .log_line(&format!(
            "request_log\",\"span\":{{\"request_id\":\"{}\"",
            lambda.last_request_id()
        ))
        .await;
    let lines: Vec<Value> = lambda.logs()[before..]
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for line in lines {
        assert_eq!(line["span"]["request_id"], lambda.last_request_id());
        assert_eq!(
            line["span"].get("xray_trace_id").and_then(Value::as_str),
            expected,
            "{header}: {line}"
        );
    }
}
