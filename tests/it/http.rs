//! GraphQL over HTTP: methods, formats, statuses, and what a browser gets.

use feedback_graphql::http::Options;
use serde_json::{Value, json};

use crate::support::{Answer, NOW, Server, Store};

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";
const TYPENAME: &str = r#"{"query":"{ __typename }"}"#;
const SUBMIT: &str = r#"mutation { submitFeedback(input: { message: "x" }) { feedback { id } } }"#;

async fn post(server: &Server, accept: &str, body: &str) -> Answer {
    let request = server
        .request("POST", "/graphql")
        .header("accept", accept)
        .header("content-type", JSON)
        .body(body.to_owned());
    server.send(request).await
}

async fn get(server: &Server, accept: &str, parameters: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let request = server
        .request("GET", &format!("/graphql?{query}"))
        .header("accept", accept);
    server.send(request).await
}

/// The only error of an answer without data: its code and its message.
#[track_caller]
fn refused(answer: &Answer) -> (String, String) {
    let body = answer.json();
    assert_eq!(body.get("data"), None, "{body}");
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{body}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&errors[0]["extensions"]["code"]),
        text(&errors[0]["message"]),
    )
}

#[tokio::test]
async fn the_answer_has_the_format_that_the_client_wants() {
    let server = Server::start().await;
    for (accept, expected) in [
        ("*/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (
            "application/graphql-response+json,application/json;q=0.9",
            GRAPHQL,
        ),
        ("application/graphql-response+json;q=0.1, application/json", JSON),
    ] {
        let posted = post(&server, accept, TYPENAME).await;
        let got = get(&server, accept, &[("query", "{ __typename }")]).await;
        for answer in [posted, got] {
            assert_eq!(answer.status, 200);
            assert_eq!(
                answer.header("content-type").unwrap(),
                format!("{expected}; charset=utf-8")
            );
            assert_eq!(answer.json(), json!({ "data": { "__typename": "Query" } }));
        }
    }
    let answer = post(&server, "text/plain", TYPENAME).await;
    assert_eq!((answer.status, refused(&answer).0.as_str()), (406, "BAD_REQUEST"));
}

#[tokio::test]
async fn a_post_that_is_not_json_is_never_executed() {
    let server = Server::start().await;
    let body = json!({ "query": SUBMIT }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=utf-16",
    ] {
        let request = server
            .request("POST", "/graphql")
            .header("content-type", content_type);
        let answer = server.send(request.body(body.clone())).await;
        assert_eq!(
            (answer.status, refused(&answer).0.as_str()),
            (415, "BAD_REQUEST"),
            "{content_type}"
        );
    }
    let answer = server.send(server.request("POST", "/graphql").body(body)).await;
    assert_eq!(answer.status, 415);
    assert_eq!(server.store.items().await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_get_runs_queries_and_nothing_else() {
    let server = Server::start().await;
    let feedback = server.store.submit("hello", NOW).await;
    let query = "query Named($id: ID!) { feedback(id: $id) { message } } query Other { __typename }";
    let variables = json!({ "id": feedback.id.to_string() }).to_string();
    let parameters = [
        ("query", query),
        ("variables", &variables),
        ("operationName", "Named"),
        ("extensions", "{}"),
    ];
    let answer = get(&server, GRAPHQL, &parameters).await;
    assert_eq!(
        answer.json(),
        json!({ "data": { "feedback": { "message": "hello" } } })
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    // An empty parameter is as good as none.
    let empty = [("operationName", ""), ("variables", ""), ("extensions", "")];
    let answer = get(
        &server,
        GRAPHQL,
        &[&[("query", "query Q { __typename }")][..], &empty].concat(),
    )
    .await;
    assert_eq!(answer.json(), json!({ "data": { "__typename": "Query" } }));

    let answer = get(&server, GRAPHQL, &[("query", SUBMIT)]).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert!(refused(&answer).1.contains("only queries"));
    assert_eq!(server.store.items().await.len(), 1);

    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("query", SUBMIT)
        .finish();
    let answer = server
        .send(server.request("HEAD", &format!("/graphql?{query}")))
        .await;
    assert_eq!(answer.status, 405);
    assert_eq!(server.store.items().await.len(), 1);

    let answer = get(
        &server,
        GRAPHQL,
        &[("query", "{ __typename }"), ("query", SUBMIT)],
    )
    .await;
    assert_eq!(
        (answer.status, refused(&answer).1),
        (400, "`query` is repeated".to_owned())
    );
}

#[tokio::test]
async fn what_is_no_graphql_request_is_a_400_that_says_why() {
    let server = Server::start().await;
    for (body, message) in [
        ("", "the body must be a JSON object with a query, but it is empty"),
        (
            "{",
            "the body is not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "\u{feff}{}",
            "the body is not JSON: expected value at line 1 column 1",
        ),
        ("[]", "the body must be a JSON object: batching is not supported"),
        (
            r#"[{"query":"{ __typename }"}]"#,
            "the body must be a JSON object: batching is not supported",
        ),
        (
            "\"{ __typename }\"",
            "the body must be a JSON object, not a string",
        ),
        (
            "{}",
            "`query` is missing: it must be a string, a GraphQL document",
        ),
        (
            r#"{"query":null}"#,
            "`query` is missing: it must be a string, a GraphQL document",
        ),
        (r#"{"query":{}}"#, "`query` must be a string, not an object"),
        (
            r#"{"query":"{ __typename }","variables":[]}"#,
            "`variables` must be an object, not an array",
        ),
        (
            r#"{"query":"{ __typename }","variables":"{}"}"#,
            "`variables` must be an object, not a string",
        ),
        (
            r#"{"query":"{ __typename }","operationName":1}"#,
            "`operationName` must be a string, not a number",
        ),
        (
            r#"{"query":"{ __typename }","extensions":true}"#,
            "`extensions` must be an object, not a boolean",
        ),
    ] {
        for accept in [JSON, GRAPHQL] {
            let answer = post(&server, accept, body).await;
            let expected = ("BAD_REQUEST".to_owned(), message.to_owned());
            assert_eq!((answer.status, refused(&answer)), (400, expected), "{body}");
        }
    }
    let answer = get(&server, JSON, &[("query", "{ __typename }"), ("variables", "{")]).await;
    let message = "`variables` is not JSON: EOF while parsing an object at line 1 column 1";
    assert_eq!((answer.status, refused(&answer).1.as_str()), (400, message));
}

#[tokio::test]
async fn a_document_that_cannot_be_executed_has_a_code_of_its_own_and_no_data() {
    let server = Server::start().await;
    let two = "query A { __typename } query B { __typename }";
    for (body, code) in [
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ nothing }" }), "GRAPHQL_VALIDATION_FAILED"),
        (
            json!({ "query": "{ feedbacks { nodes } }" }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            json!({ "query": "subscription { x }" }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            json!({ "query": "{ feedbacks(first: \"1\") { nodes { id } } }" }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            json!({
                "query": "query($n: Int) { feedbacks(first: $n) { nodes { id } } }",
                "variables": { "n": "1" }
            }),
            "BAD_USER_INPUT",
        ),
        (json!({ "query": two }), "OPERATION_RESOLUTION_FAILURE"),
        (
            json!({ "query": two, "operationName": "C" }),
            "OPERATION_RESOLUTION_FAILURE",
        ),
        (
            json!({ "query": "{ __typename }", "operationName": "A" }),
            "OPERATION_RESOLUTION_FAILURE",
        ),
        (
            json!({ "query": "query($id: ID!) { node(id: $id) { id } }" }),
            "BAD_USER_INPUT",
        ),
        (
            json!({ "query": "query($id: ID!) { node(id: $id) { id } }", "variables": { "id": null } }),
            "BAD_USER_INPUT",
        ),
    ] {
        let body = body.to_string();
        let answer = post(&server, GRAPHQL, &body).await;
        assert_eq!(
            (answer.status, refused(&answer).0.as_str()),
            (400, code),
            "{body}"
        );
        let answer = post(&server, JSON, &body).await;
        assert_eq!(
            (answer.status, refused(&answer).0.as_str()),
            (200, code),
            "{body}"
        );
    }
    let one_of_two = json!({ "query": two, "operationName": "B" }).to_string();
    assert_eq!(post(&server, GRAPHQL, &one_of_two).await.status, 200);
}

#[tokio::test]
async fn optional_variables_may_be_left_out() {
    let server = Server::start().await;
    let query = "query($first: Int, $order: FeedbackOrder, $filter: FeedbackFilter, $after: String) {
        feedbacks(first: $first, order: $order, filter: $filter, after: $after) { nodes { id } }
    }";
    let nulls = json!({ "first": null, "order": null, "filter": null, "after": null });
    for variables in [json!({}), nulls, json!({ "filter": { "topic": null } })] {
        let data = server.data(query, variables).await;
        assert_eq!(data, json!({ "feedbacks": { "nodes": [] } }));
    }
}

#[tokio::test]
async fn one_failing_field_does_not_take_the_others_with_it() {
    let server = Server::start().await;
    let query = "{ good: feedbacks { nodes { id } } bad: feedbacks(first: 0) { nodes { id } } also: node(id: \"x\") { id } }";
    let answer = post(&server, GRAPHQL, &json!({ "query": query }).to_string()).await;
    let body = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(
        body["data"],
        json!({ "good": { "nodes": [] }, "bad": null, "also": null })
    );
    let paths: Vec<&Value> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["path"])
        .collect();
    assert_eq!(paths, [&json!(["bad"]), &json!(["also"])]);
}

#[tokio::test]
async fn a_field_that_failed_is_null_or_takes_along_what_must_not_be_null() {
    let server = Server::start().await;
    for (query, data) in [
        (
            "{ b: __typename feedbacks(first: 101) { nodes { id } } a: __typename }",
            json!({ "b": "Query", "feedbacks": null, "a": "Query" }),
        ),
        (
            "{ feedbacks(filter: { minRating: 6 }) { nodes { id } } a: __typename }",
            json!({ "feedbacks": null, "a": "Query" }),
        ),
        ("{ nodes(ids: [\"x\"]) { id } a: __typename }", Value::Null),
    ] {
        let answer = post(&server, GRAPHQL, &json!({ "query": query }).to_string()).await;
        let body = answer.json();
        assert_eq!(body["data"], data, "{query}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(answer.status, if data.is_null() { 400 } else { 200 }, "{query}");
    }
}

#[tokio::test]
async fn fields_come_in_the_order_of_the_document() {
    let server = Server::start().await;
    let id = server.store.submit("planted", NOW).await.id;
    let query = format!(
        "{{ slow: feedbacks {{ pageInfo {{ hasNextPage }} nodes {{ message id }} }} ...F quick: __typename
            slow: feedbacks {{ nodes {{ rating }} edges {{ cursor }} }} }}
         fragment F on Query {{ one: feedback(id: \"{id}\") {{ topic id }} }}"
    );
    let answer = post(&server, GRAPHQL, &json!({ "query": query }).to_string()).await;
    let cursor = answer.json()["data"]["slow"]["edges"][0]["cursor"].clone();
    let expected = format!(
        "{{\"data\":{{\"slow\":{{\"pageInfo\":{{\"hasNextPage\":false}},\"nodes\":[{{\"message\":\"planted\",\"id\":\"{id}\",\"rating\":null}}],\
         \"edges\":[{{\"cursor\":{cursor}}}]}},\"one\":{{\"topic\":null,\"id\":\"{id}\"}},\"quick\":\"Query\"}}}}"
    );
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn what_goes_wrong_inside_is_told_by_its_code_alone() {
    for (status, kind, code, message) in [
        (
            400,
            "ThrottlingException",
            "TOO_MANY_REQUESTS",
            "too many requests at the moment: try again in a few seconds",
        ),
        (
            400,
            "ProvisionedThroughputExceededException",
            "TOO_MANY_REQUESTS",
            "too many requests at the moment: try again in a few seconds",
        ),
        (
            500,
            "InternalServerError",
            "SERVICE_UNAVAILABLE",
            "the service is unavailable at the moment: try again in a few seconds",
        ),
        (
            400,
            "ResourceNotFoundException",
            "INTERNAL_SERVER_ERROR",
            "internal error",
        ),
        (
            400,
            "AccessDeniedException",
            "INTERNAL_SERVER_ERROR",
            "internal error",
        ),
    ] {
        let server = Server::refused(status, kind).await;
        for query in [SUBMIT, "{ feedbacks { nodes { id } } }"] {
            let error = server.error(query, json!({})).await;
            assert_eq!(
                (&error["extensions"]["code"], &error["message"]),
                (&json!(code), &json!(message)),
                "{kind}"
            );
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_and_bodies_too_large_are_refused() {
    let server = Server::start().await;
    for path in ["/nothing", "/graphql/", "/graphql/x"] {
        let answer = server.send(server.request("GET", path)).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.json()["error"].as_str().unwrap().contains("/graphql"));
    }
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = server.send(server.request(method, "/graphql")).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET,HEAD,POST")),
            "{method}"
        );
    }
    let padded = |length: usize| format!("{TYPENAME}{}", " ".repeat(length - TYPENAME.len()));
    assert_eq!(post(&server, GRAPHQL, &padded(64 * 1024)).await.status, 200);
    let answer = post(&server, GRAPHQL, &padded(64 * 1024 + 1)).await;
    assert_eq!(
        (answer.status, refused(&answer).1.as_str()),
        (413, "the body must have at most 65536 bytes")
    );
}

#[tokio::test]
async fn a_browser_gets_the_explorer_where_it_is_switched_on() {
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let on = Server::start().await;
    let answer = get(&on, browser, &[]).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let policy = answer.header("content-security-policy").unwrap();
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    assert!(answer.body.contains(&format!("nonce=\"{nonce}\"")));
    assert!(answer.body.matches("integrity=\"sha384-").count() >= 4);
    let again = get(&on, browser, &[]).await;
    assert_ne!(
        again.header("content-security-policy"),
        Some(policy),
        "a nonce is used once"
    );
    let root = on.send(on.request("GET", "/")).await;
    assert_eq!((root.status, root.header("location")), (307, Some("graphql")));

    let off = Server::with(Store::new().await, Options::default()).await;
    let answer = get(&off, browser, &[]).await;
    assert_eq!((answer.status, refused(&answer).0.as_str()), (400, "BAD_REQUEST"));
    assert_eq!(off.send(off.request("GET", "/")).await.status, 404);
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let server = Server::start().await;
    let id = |answer: &Answer| answer.header("x-request-id").map(str::to_owned);
    let one = id(&post(&server, JSON, TYPENAME).await).expect("an id");
    let other = id(&get(&server, JSON, &[]).await).expect("an id");
    assert_ne!(one, other);
}
