//! Limits on what one request may ask for, what abuse gets, and what every answer has.

use std::fmt::Write;
use std::sync::Arc;

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use feedback_graphql::auth::Authenticator;
use feedback_graphql::graphql::{Executor, Introspection, Limits};
use feedback_graphql::http::{AppState, Options, router};
use serde_json::{Value, json};

use crate::support::{Answer, NOW, Server, Store, TABLE, cold, watched};

async fn with_limits(limits: Limits) -> Server {
    Server::limited(Store::new().await, limits).await
}

async fn post(server: &Server, query: &str) -> Answer {
    let request = server
        .request("POST", "/graphql")
        .header("accept", "application/graphql-response+json")
        .json(&json!({ "query": query }));
    server.send(request).await
}

#[track_caller]
fn code(answer: &Answer) -> Option<String> {
    let body = answer.json();
    let code = body["errors"][0]["extensions"]["code"]
        .as_str()
        .map(str::to_owned);
    assert_eq!(code.is_some(), body.get("data").is_none(), "{body}");
    assert_eq!(answer.status, if code.is_some() { 400 } else { 200 }, "{body}");
    code
}

#[tokio::test]
async fn each_limit_holds_and_one_past_it_is_refused() {
    let limits = Limits {
        query_bytes: 400,
        tokens: 60,
        depth: 4,
        complexity: 50,
        aliases: 2,
        root_fields: 3,
        directives: 2,
        ..Limits::default()
    };
    let server = with_limits(limits).await;
    let padded = |length: usize| format!("{{ __typename }}{}", " ".repeat(length - 14));
    let many = |count: usize| {
        format!(
            "{{ feedbacks(first: 1) {{ nodes {{ {} }} }} }}",
            "id ".repeat(count)
        )
    };
    for (allowed, refused, expected) in [
        (padded(400), padded(401), "QUERY_TOO_LONG"),
        // Twelve tokens around the fields.
        (many(46), many(49), "TOO_MANY_TOKENS"),
        (
            "{ feedbacks(first: 1) { edges { node { id } } } }".to_owned(),
            "{ feedbacks(first: 1) { edges { node { metadata { key } } } } }".to_owned(),
            "QUERY_TOO_DEEP",
        ),
        (
            "{ feedbacks(first: 24) { nodes { id } } }".to_owned(),
            "{ feedbacks(first: 25) { nodes { id } } }".to_owned(),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "{ a: __typename b: __typename __typename }".to_owned(),
            "{ a: __typename b: __typename ... { c: __typename } }".to_owned(),
            "TOO_MANY_ALIASES",
        ),
        (
            "{ __typename ... { __typename } ...F ...F } fragment F on Query { __typename __type(name: \"Query\") { name } }"
                .to_owned(),
            "{ a: __typename ... { b: __typename } ...F } fragment F on Query { __typename __type(name: \"Query\") { name } }"
                .to_owned(),
            "TOO_MANY_ROOT_FIELDS",
        ),
        (
            "{ __typename @skip(if: false) @include(if: true) }".to_owned(),
            "{ __typename @skip(if: false) @include(if: true) ... @include(if: true) { __typename } }"
                .to_owned(),
            "TOO_MANY_DIRECTIVES",
        ),
    ] {
        assert_eq!(code(&post(&server, &allowed).await), None, "{allowed}");
        assert_eq!(
            code(&post(&server, &refused).await).as_deref(),
            Some(expected),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn counting_costs_what_it_may_read() {
    let server = with_limits(Limits {
        complexity: 5_000,
        ..Limits::default()
    })
    .await;
    let listings = |count: usize, up_to: u32, size: u32| {
        let listing = |n| format!("a{n}: feedbacks(first: {size}) {{ count(upTo: {up_to}) {{ value }} }}");
        format!("{{ {} }}", (0..count).map(listing).collect::<Vec<_>>().join(" "))
    };
    let statistics = |count: usize, from: &str, fields: &str| {
        let field =
            |n| format!("a{n}: feedbackStatistics(from: \"{from}\", to: \"2026-03-01\") {{ {fields} }}");
        format!("{{ {} }}", (0..count).map(field).collect::<Vec<_>>().join(" "))
    };
    // The most days there are.
    let year = "2025-01-26";
    for (allowed, refused) in [
        // 500 for each count, and 3 fields.
        (listings(9, 10_000, 1), listings(10, 10_000, 1)),
        // 100, which 1,000 cost less than, and the page's size for its 2 fields.
        (listings(16, 1_000, 100), listings(17, 1_000, 100)),
        (listings(19, 1, 76), listings(19, 1, 100)),
        // 400 for the days, and 2 fields.
        (statistics(12, year, "total"), statistics(13, year, "total")),
        (
            statistics(
                1,
                year,
                "days { date total ratings { rating count } averageRating }",
            ),
            statistics(
                2,
                year,
                "days { date total ratings { rating count } averageRating }",
            ),
        ),
        (
            statistics(
                2,
                "2026-03-01",
                "t: topics(first: 100) { topic count } topics { topic }",
            ),
            statistics(
                20,
                "2026-03-01",
                "t: topics(first: 100) { topic count } topics(first: 99) { topic }",
            ),
        ),
    ] {
        assert_eq!(code(&post(&server, &allowed).await), None, "{allowed}");
        let refusal = code(&post(&server, &refused).await);
        assert_eq!(refusal.as_deref(), Some("QUERY_TOO_COMPLEX"), "{refused}");
    }
}

#[tokio::test]
async fn the_body_has_a_limit_of_its_own() {
    let limits = Limits {
        body_bytes: 100,
        ..Limits::default()
    };
    let server = with_limits(limits).await;
    let send = async |length: usize| {
        let body = format!("{:length$}", r#"{"query":"{ __typename }"}"#);
        let request = server
            .request("POST", "/graphql")
            .header("content-type", "application/json");
        server.send(request.body(body)).await
    };
    assert_eq!(send(100).await.status, 200);
    let refused = send(101).await;
    assert_eq!(refused.status, 413);
    assert_eq!(
        refused.json()["errors"][0]["extensions"]["code"],
        "PAYLOAD_TOO_LARGE"
    );
}

#[tokio::test]
async fn documents_that_are_made_to_hurt_are_refused_before_they_do() {
    // So large that the text alone is let through.
    let limits = Limits {
        body_bytes: 10_000_000,
        query_bytes: 10_000_000,
        tokens: 1_000_000,
        ..Limits::default()
    };
    let server = with_limits(limits).await;
    let mut aliases = String::from("{");
    for n in 0..1_000 {
        write!(aliases, " a{n}: feedbacks(first: 100) {{ nodes {{ id }} }}").unwrap();
    }
    aliases.push('}');
    let mut expanding = String::from("{ ...F0 }");
    for n in 0..29 {
        write!(expanding, " fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1).unwrap();
    }
    let mut expanding_fields = String::from("{ __type(name: \"Query\") { ...F0 } }");
    for n in 0..14 {
        let next = n + 1;
        write!(
            expanding_fields,
            " fragment F{n} on __Type {{ a: ofType {{ ...F{next} }} b: ofType {{ ...F{next} }} }}"
        )
        .unwrap();
    }
    expanding_fields.push_str(" fragment F14 on __Type { name }");
    expanding.push_str(" fragment F29 on Query { ...Unknown }");
    let mut chain = String::from("{ ...F0 }");
    for n in 0..20_000 {
        write!(chain, " fragment F{n} on Query {{ ...F{} }}", n + 1).unwrap();
    }
    chain.push_str(" fragment F20000 on Query { __typename }");
    for (query, expected) in [
        (aliases, "TOO_MANY_ALIASES"),
        (expanding, "GRAPHQL_VALIDATION_FAILED"),
        (expanding_fields, "QUERY_TOO_COMPLEX"),
        (chain, "QUERY_TOO_DEEP"),
        (
            format!("{}a{}", "{a".repeat(5_000), "}".repeat(5_000)),
            "QUERY_TOO_DEEP",
        ),
        (
            format!("{}__typename{}", "{ ...".repeat(70), "}".repeat(70)),
            "QUERY_TOO_DEEP",
        ),
        (
            format!("{{ node(id: {}) {{ id }} }}", "[".repeat(5_000)),
            "QUERY_TOO_DEEP",
        ),
        (
            format!(
                "query($a: {}ID{} = [[[]]]) {{ __typename }}",
                "[".repeat(5_000),
                "]".repeat(5_000)
            ),
            "QUERY_TOO_DEEP",
        ),
        (
            "{ ...F } fragment F on Query { ...F }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "{ ...F } fragment F on Query { ...G } fragment G on Query { a ...F }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ] {
        assert_eq!(
            code(&post(&server, &query).await).as_deref(),
            Some(expected),
            "{query:.60}"
        );
    }
    // Also where the cycle is in an operation that is not the one to be executed.
    let query = "query A { __typename } query B { ...F } fragment F on Query { ...F }";
    let body = json!({ "query": query, "operationName": "A" });
    let answer = server.send(server.request("POST", "/graphql").json(&body)).await;
    assert_eq!(
        answer.json()["errors"][0]["extensions"]["code"],
        "GRAPHQL_VALIDATION_FAILED"
    );
    let deep_json = format!(
        "{{\"query\":\"{{ __typename }}\",\"variables\":{}{}}}",
        "{\"a\":".repeat(10_000),
        "}".repeat(10_000)
    );
    let request = server
        .request("POST", "/graphql")
        .header("content-type", "application/json");
    assert_eq!(server.send(request.body(deep_json)).await.status, 400);
}

#[tokio::test]
async fn the_introspection_of_explorers_and_generators_passes_where_it_is_on() {
    let server = with_limits(Limits::default()).await;
    let answer = post(&server, INTROSPECTION).await;
    assert_eq!(code(&answer), None);
    assert_eq!(answer.json()["data"]["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn where_introspection_is_off_the_schema_is_not_told_in_any_way() {
    let store = Store::new().await;
    let state = AppState {
        executor: Executor::new(Introspection::Off, Limits::default()),
        repository: store.repository.clone(),
        clock: feedback_graphql::domain::Clock::System,
        authenticator: Arc::new(Authenticator::Open),
    };
    let app = router(state, Options::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let ask = async |query: &str| {
        let request = reqwest::Client::new().post(&url).json(&json!({ "query": query }));
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    for query in [
        INTROSPECTION,
        "{ __type(name: \"Feedback\") { name } }",
        "{ ... { s: __schema { types { name } } } }",
    ] {
        let answer = ask(query).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "INTROSPECTION_DISABLED",
            "{answer}"
        );
        assert_eq!(answer.get("data"), None);
    }
    assert_eq!(
        ask("{ __typename }").await,
        json!({ "data": { "__typename": "Query" } })
    );
    let misspelt = ask("{ feedbackz { nodes { id } } }").await;
    assert!(!misspelt.to_string().contains("feedbacks"), "{misspelt}");
}

#[derive(Debug)]
struct Panicking;

impl Intercept for Panicking {
    fn name(&self) -> &'static str {
        "Panicking"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        panic!("planted");
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_process_lives_on() {
    let store = Store::new().await;
    let client = watched(&store.client, Panicking);
    let store = Store {
        repository: cold(&client, 1),
        ..store
    };
    let server = Server::with(store, Options::default()).await;
    for _ in 0..2 {
        let answer = post(&server, "{ feedbacks { nodes { id } } }").await;
        assert_eq!(answer.status, 500);
        let expected = json!({ "errors": [{ "message": "internal error", "extensions": { "code": "INTERNAL_SERVER_ERROR" } }] });
        assert_eq!(answer.json(), expected);
        assert!(answer.header("x-request-id").is_some());
        let plain = server
            .request("POST", "/feedback")
            .body(r#"{"feedback": "planted"}"#);
        let answer = server.send(plain).await;
        let expected = json!({ "error": "internal error" });
        assert_eq!((answer.status, answer.json()), (500, expected));
    }
    assert_eq!(post(&server, "{ __typename }").await.status, 200);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_a_browser_from_misusing_it() {
    let server = Server::allowing("https://app.example.org").await;
    let posted = |body: &'static str| {
        server
            .request("POST", "/graphql")
            .header("content-type", "application/json")
            .body(body)
    };
    for (request, status) in [
        (posted(r#"{"query":"{ __typename }"}"#), 200),
        (posted("{"), 400),
        (server.request("GET", "/nothing"), 404),
        (server.request("PUT", "/graphql"), 405),
        (server.request("POST", "/graphql"), 415),
        (
            server
                .request("POST", "/feedback")
                .body(r#"{"feedback":"planted"}"#),
            200,
        ),
        (
            server
                .request("OPTIONS", "/graphql")
                .header("origin", "https://app.example.org")
                .header("access-control-request-method", "POST"),
            200,
        ),
    ] {
        let answer = server.send(request).await;
        assert_eq!(answer.status, status);
        for (name, value) in [
            ("cache-control", "no-store"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=63072000"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name} of {answer:?}");
        }
    }
}

#[tokio::test]
async fn expired_feedback_is_not_shown_though_it_is_still_there() {
    let mut store = Store::new().await;
    let day = std::time::Duration::from_hours(24);
    let old = NOW - 24 * 60 * 60 * 1_000;
    let kept = store.submit("kept", old - 1).await;
    store.repository = store.repository.retaining_for(Some(day));
    let expired = store.submit("expired", old - 250).await;
    let fresh = store.submit("fresh", old + 750).await;
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } feedbacks(first: 2) { nodes { message } pageInfo { hasNextPage } } }";
    let ids = [kept.id, expired.id, fresh.id].map(|id| id.to_string());
    let (answer, _) = store.counted(query, json!({ "ids": ids })).await;
    assert_eq!(
        answer["data"]["nodes"],
        json!([{ "id": ids[0] }, null, { "id": ids[2] }])
    );
    let expected = json!({ "nodes": [{ "message": "fresh" }, { "message": "kept" }], "pageInfo": { "hasNextPage": false } });
    assert_eq!(answer["data"]["feedbacks"], expected);

    let items = store.items().await;
    assert_eq!(items.len(), 3, "DynamoDB deletes them some day");
    let item = items.iter().find(|item| item["feedbackId"] == ids[2]).unwrap();
    assert_eq!(item["expiresAt"], (old + 750) / 1_000 + 24 * 60 * 60);
    let delete = "mutation($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }";
    let (answer, _) = store.counted(delete, json!({ "id": ids[1] })).await;
    assert_eq!(
        answer["data"],
        json!({ "deleteFeedback": { "deletedFeedbackId": null } })
    );
    assert_eq!(store.items().await.len(), 2, "{TABLE}");
}

/// The query that GraphiQL and the code generators send, as graphql-js writes it with all its options.
const INTROSPECTION: &str = "query IntrospectionQuery {
    __schema {
        description queryType { name } mutationType { name } subscriptionType { name }
        types { ...FullType }
        directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
    }
}
fragment FullType on __Type {
    kind name description specifiedByURL isOneOf
    fields(includeDeprecated: true) {
        name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
    }
    inputFields(includeDeprecated: true) { ...InputValue }
    interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
    kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}";
