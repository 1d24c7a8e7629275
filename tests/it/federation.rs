//! The schema as a subgraph of a federated graph: what a gateway asks for, and what it costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use feedback_graphql::auth::{ApiKeys, Authenticator, NewKey, Scope, make_key};
use feedback_graphql::domain::Clock;
use feedback_graphql::graphql::{Executor, Federation, Introspection, Limits, sdl, subgraph_sdl};
use feedback_graphql::http::Options;
use feedback_graphql::repository::connect_without_account;
use serde_json::{Value, json};

use crate::support::events::{EventKind, HttpCall};
use crate::support::lambda;
use crate::support::proxy::{self, Fate};
use crate::support::requests::Requests;
use crate::support::secrets::{SECRET, Secrets};
use crate::support::{Answer, NOW, Server, Store, TABLE, cold, program, watched};

const UNKNOWN: &str = "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";
const ENTITIES: &str =
    "query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Feedback { id message } } }";
const SERVICE: &str = "{ _service { sdl } }";

fn executor(introspection: Introspection, limits: Limits) -> Executor {
    Executor::new(introspection, limits).federated(Federation::On)
}

async fn with_limits(store: Store, limits: Limits) -> Server {
    let executor = executor(Introspection::On, limits);
    Server::executing(store, Options::default(), Authenticator::Open, executor).await
}

async fn start() -> Server {
    with_limits(Store::new().await, Limits::default()).await
}

fn reference(id: impl AsRef<str>) -> Value {
    json!({ "__typename": "Feedback", "id": id.as_ref() })
}

/// The ids of so many pieces of feedback, each with its number for a message.
async fn seed(store: &Store, count: u64) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(store.submit(&n.to_string(), NOW + n).await.id.to_string());
    }
    ids
}

/// The code of an answer that has no data.
#[track_caller]
fn refusal(answer: &Value) -> &str {
    assert_eq!(answer.get("data"), None, "{answer}");
    answer["errors"][0]["extensions"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn entities_come_in_the_order_of_their_representations_each_with_an_error_of_its_own() {
    let server = start().await;
    let ids = seed(&server.store, 2).await;
    let uuid = "is not a UUID in its 36-character form, like 0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";
    let no_id = "a representation of `Feedback` must have its `id`: a UUID with hyphens";
    let no_type = "a representation must have its `__typename`: \"Feedback\"";
    let no_object = "a representation must be an object: its `__typename` and the fields of its key";
    let not_here = |name: &str| format!("`{name}` is not an entity of this subgraph: it has `Feedback`");
    let found = |n: usize| Ok(json!({ "__typename": "Feedback", "id": ids[n], "message": n.to_string() }));
    let missing = || Ok(Value::Null);
    let cases: Vec<(Value, Result<Value, String>)> = vec![
        (reference(&ids[1]), found(1)),
        (reference(UNKNOWN), missing()),
        (reference("1234"), Err(format!("`1234` {uuid}"))),
        (
            json!({ "__typename": "Feedback", "id": 7 }),
            Err(format!("`7` {uuid}")),
        ),
        (json!({ "__typename": "Feedback" }), Err(no_id.to_owned())),
        (
            json!({ "__typename": "Feedback", "id": null }),
            Err(no_id.to_owned()),
        ),
        (
            json!({ "__typename": "Feedback", "id": [ids[0]] }),
            Err(no_id.to_owned()),
        ),
        (json!({ "id": ids[0] }), Err(no_type.to_owned())),
        (
            json!({ "__typename": null, "id": ids[0] }),
            Err(no_type.to_owned()),
        ),
        (
            json!({ "__typename": "Ticket", "id": ids[0] }),
            Err(not_here("Ticket")),
        ),
        (json!({ "__typename": "PageInfo" }), Err(not_here("PageInfo"))),
        (json!({}), Err(no_type.to_owned())),
        (json!(ids[0]), Err(no_object.to_owned())),
        (json!([reference(&ids[0])]), Err(no_object.to_owned())),
        // A gateway sends what the other subgraph has required besides.
        (
            json!({ "__typename": "Feedback", "id": ids[0], "rating": 5, "any": { "thing": [] } }),
            found(0),
        ),
        (reference(ids[0].to_uppercase()), found(0)),
        (reference(&ids[1]), found(1)),
    ];
    let representations: Vec<&Value> = cases.iter().map(|(representation, _)| representation).collect();
    let answer = server.execute(ENTITIES, json!({ "r": representations })).await;
    let errors = answer["errors"].as_array().unwrap();
    let mut reported = 0;
    for (index, (representation, expected)) in cases.iter().enumerate() {
        let entity = &answer["data"]["_entities"][index];
        let error = errors
            .iter()
            .find(|error| error["path"] == json!(["_entities", index]));
        match expected {
            Ok(expected) => assert_eq!((entity, error), (expected, None), "{representation}"),
            Err(message) => {
                reported += 1;
                let expected = json!({
                    "message": message,
                    "locations": [{ "line": 1, "column": 23 }],
                    "path": ["_entities", index],
                    "extensions": { "code": "BAD_USER_INPUT" },
                });
                assert_eq!(
                    (entity, error),
                    (&Value::Null, Some(&expected)),
                    "{representation}"
                );
            }
        }
    }
    assert_eq!(errors.len(), reported);
}

#[tokio::test]
async fn representations_are_written_in_any_way_that_the_specification_has() {
    let server = start().await;
    let id = &seed(&server.store, 1).await[0];
    let found = json!([{ "message": "0" }]);
    for (query, variables) in [
        (
            "query($id: ID!) { _entities(representations: [{ __typename: \"Feedback\", id: $id }]) { ...F } }",
            json!({ "id": id }),
        ),
        (
            "query($r: _Any!) { _entities(representations: [$r]) { ...F } }",
            json!({ "r": reference(id) }),
        ),
        // One value stands for a list of it.
        (
            "query($r: [_Any!]!) { _entities(representations: $r) { ...F } }",
            json!({ "r": reference(id) }),
        ),
        (
            "query($id: ID) { _entities(representations: { __typename: \"Feedback\", id: $id }) { ... on Node { ...F } } }",
            json!({ "id": id }),
        ),
        (
            "query($r: [_Any!]!) { _entities(representations: $r) { ... on _Entity { ... on _Entity { ...F } } } }",
            json!({ "r": [reference(id)] }),
        ),
    ] {
        let query = format!("{query} fragment F on Feedback {{ message }}");
        let data = server.data(&query, variables).await;
        assert_eq!(data["_entities"], found, "{query}");
    }
    assert_eq!(
        server.data(ENTITIES, json!({ "r": [] })).await,
        json!({ "_entities": [] })
    );
    for representations in [json!(null), json!([null]), json!([reference(id), null])] {
        let answer = server.execute(ENTITIES, json!({ "r": representations })).await;
        assert_eq!(refusal(&answer), "BAD_USER_INPUT");
    }
    let enums = "{ _entities(representations: [{ __typename: Feedback, id: A }]) { __typename } }";
    let error = server.error(enums, Value::Null).await;
    assert_eq!(error["path"], json!(["_entities", 0]));
    let repeated =
        "{ _entities(representations: [{ __typename: \"A\", __typename: \"B\" }]) { __typename } }";
    let answer = server.execute(repeated, Value::Null).await;
    assert_eq!(refusal(&answer), "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn different_entities_are_read_a_hundred_at_a_time() {
    let (store, requests) = (Store::new().await, Requests::default());
    let ids = seed(&store, 250).await;
    let repository = cold(&watched(&store.client, requests.clone()), 1);
    let server = with_limits(Store { repository, ..store }, Limits::default()).await;
    for (count, expected) in [
        (1, "1 BatchGetItem"),
        (100, "1 BatchGetItem"),
        (101, "2 BatchGetItem"),
        (250, "3 BatchGetItem"),
    ] {
        let representations: Vec<Value> = ids.iter().take(count).map(reference).collect();
        let data = server.data(ENTITIES, json!({ "r": representations })).await;
        for n in 0..count {
            assert_eq!(data["_entities"][n]["message"], n.to_string());
        }
        assert_eq!(requests.take_counts(), expected, "{count} entities");
    }
    // The same one again, and in other fields of the operation, is the same item.
    let query = "query($r: [_Any!]!, $id: ID!) {
        a: _entities(representations: $r) { ... on Feedback { id } }
        b: _entities(representations: $r) { ... on Feedback { message } }
        feedback(id: $id) { id } node(id: $id) { id } nodes(ids: [$id]) { id }
    }";
    let twice: Vec<Value> = ids[..50].iter().chain(&ids[..50]).map(reference).collect();
    let data = server.data(query, json!({ "r": twice, "id": ids[0] })).await;
    assert_eq!(data["a"].as_array().unwrap().len(), 100);
    assert_eq!(data["b"][99]["message"], "49");
    assert_eq!(requests.take_counts(), "1 BatchGetItem");
    // What is refused is not looked for.
    server
        .execute(
            ENTITIES,
            json!({ "r": [reference("1234"), { "__typename": "Ticket" }] }),
        )
        .await;
    assert_eq!(requests.take_counts(), "nothing");
}

#[tokio::test]
async fn a_batch_that_fails_costs_its_own_entities_alone() {
    let store = Store::new().await;
    let ids = seed(&store, 150).await;
    let asked = AtomicU32::new(0);
    let decide = move |_: &str, input: Value| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => Fate::PassAndMend(input, Box::new(|answer| answer)),
        _ => Fate::Answer(
            400,
            json!({ "__type": "com.amazon.coral.service#AccessDeniedException" }),
        ),
    };
    let proxy = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    let repository = cold(&connect_without_account(&proxy), 1);
    let server = with_limits(Store { repository, ..store }, Limits::default()).await;
    let representations: Vec<Value> = ids.iter().map(reference).collect();
    let answer = server.execute(ENTITIES, json!({ "r": representations })).await;
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 50);
    for n in 0..150 {
        let entity = &answer["data"]["_entities"][n];
        let error = errors
            .iter()
            .find(|error| error["path"] == json!(["_entities", n]));
        if n < 100 {
            assert_eq!((&entity["message"], error), (&json!(n.to_string()), None));
        } else {
            assert_eq!(entity, &Value::Null);
            assert_eq!(error.unwrap()["extensions"]["code"], "INTERNAL_SERVER_ERROR");
        }
    }
}

#[tokio::test]
async fn a_thousand_representations_are_accepted_and_no_more() {
    let limits = "complexity=99999 bodyBytes=9999999".parse().unwrap();
    let server = with_limits(Store::new().await, limits).await;
    let some = |count| json!({ "r": vec![reference(UNKNOWN); count] });
    let data = server.data(ENTITIES, some(1_000)).await;
    assert_eq!(data["_entities"], json!(vec![Value::Null; 1_000]));
    let error = server.error(ENTITIES, some(1_001)).await;
    assert_eq!(
        error["message"],
        "`representations` must have at most 1000 entries, not 1001"
    );
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(error["path"], json!(["_entities"]));
    let about = "{ __type(name: \"Query\") { fields { name args { description } } } }";
    let described = server.data(about, Value::Null).await;
    assert!(described.to_string().contains("Up to 1,000 representations"));
}

#[tokio::test]
async fn entities_cost_what_nodes_cost() {
    let limits = "complexity=61".parse().unwrap();
    let server = with_limits(Store::new().await, limits).await;
    let nodes =
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Feedback { id message triage { status } } } }";
    let entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Feedback { id message triage { status } } } }";
    // 4 fields for each, and 1.
    for (count, is_allowed) in [(15, true), (16, false)] {
        let asked = [
            (nodes, json!({ "ids": vec![UNKNOWN; count] })),
            (entities, json!({ "r": vec![reference(UNKNOWN); count] })),
        ];
        for (query, variables) in asked {
            let answer = server.execute(query, variables).await;
            if is_allowed {
                assert_eq!(answer.get("errors"), None, "{answer}");
            } else {
                assert_eq!(refusal(&answer), "QUERY_TOO_COMPLEX", "{query}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_in_quarantine_is_found_and_what_has_expired_is_not_as_with_node() {
    let mut store = Store::new().await;
    let quarantined = store.submit("quarantined", NOW).await;
    let at = feedback_graphql::domain::Timestamp::from_millis(NOW).unwrap();
    store.repository.quarantine(quarantined.id, at).await.unwrap();
    store.repository = store.repository.retaining_for(Some(Duration::from_hours(24)));
    let expired = store.submit("expired", NOW - 2 * 24 * 60 * 60 * 1_000).await;
    let server = with_limits(store, Limits::default()).await;
    let query = "query($r: [_Any!]!, $ids: [ID!]!) {
        _entities(representations: $r) { ...F }
        nodes(ids: $ids) { ...F }
    }
    fragment F on Feedback { message quarantine { reasons } }";
    let ids = [quarantined.id.to_string(), expired.id.to_string()];
    let representations = ids.each_ref().map(reference);
    let data = server
        .data(query, json!({ "r": representations, "ids": ids }))
        .await;
    let expected = json!([{ "message": "quarantined", "quarantine": { "reasons": ["BY_STAFF"] } }, null]);
    assert_eq!(data, json!({ "_entities": expected, "nodes": expected }));
}

/// A guarded server with keys for a reader and for somebody who may do nothing.
async fn guarded(introspection: Introspection) -> (Server, NewKey, NewKey) {
    let [reader, submitter] = ["reader", "submitter"].map(|name| {
        let scopes: &[Scope] = if name == "reader" { &[Scope::Read] } else { &[] };
        make_key(name, scopes).unwrap()
    });
    let keys = format!("{{\"keys\": [{},{}]}}", reader.entry, submitter.entry);
    let source = move || -> futures_util::future::BoxFuture<'static, Result<String, String>> {
        let keys = keys.clone();
        Box::pin(async move { Ok(keys) })
    };
    let api_keys = ApiKeys::new(Arc::new(source), Clock::System);
    let authenticator = Authenticator::Guarded(Some(api_keys));
    let executor = executor(introspection, Limits::default());
    let store = Store::new().await;
    let server = Server::executing(store, Options::default(), authenticator, executor).await;
    (server, reader, submitter)
}

async fn post(server: &Server, query: &str, variables: Value, key: Option<&NewKey>) -> Answer {
    let mut request = server
        .request("POST", "/graphql")
        .header("accept", "application/graphql-response+json")
        .json(&json!({ "query": query, "variables": variables }));
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {}", key.token));
    }
    server.send(request).await
}

#[tokio::test]
async fn entities_require_the_scope_to_read_and_the_definition_requires_none() {
    let (server, reader, submitter) = guarded(Introspection::On).await;
    let id = &seed(&server.store, 1).await[0];
    let variables = json!({ "r": [reference(id)] });
    for (key, status, code) in [
        (None, 401, "UNAUTHENTICATED"),
        (Some(&submitter), 403, "FORBIDDEN"),
    ] {
        for query in [
            ENTITIES,
            "query($r: [_Any!]!) { _service { sdl } s: _entities(representations: $r) { __typename } }",
        ] {
            let answer = post(&server, query, variables.clone(), key).await;
            assert_eq!(
                (answer.status, refusal(&answer.json())),
                (status, code),
                "{query}"
            );
        }
    }
    let answer = post(&server, ENTITIES, variables, Some(&reader)).await;
    assert_eq!(answer.json()["data"]["_entities"][0]["message"], "0");
    for key in [None, Some(&reader)] {
        let answer = post(&server, SERVICE, Value::Null, key).await;
        assert_eq!(
            answer.json(),
            json!({ "data": { "_service": { "sdl": subgraph_sdl() } } })
        );
    }
}

#[tokio::test]
async fn the_definition_is_told_where_introspection_is_on_and_only_there() {
    let (server, reader, _) = guarded(Introspection::Off).await;
    let id = &seed(&server.store, 1).await[0];
    for query in [
        SERVICE,
        "{ ... { a: _service { __typename } } }",
        "query($yes: Boolean = true) { feedbacks { nodes { id } } _service @include(if: $yes) { sdl } }",
    ] {
        for key in [None, Some(&reader)] {
            let answer = post(&server, query, Value::Null, key).await;
            assert_eq!(refusal(&answer.json()), "INTROSPECTION_DISABLED", "{query}");
        }
    }
    let skipped = "{ __typename _service @skip(if: true) { sdl } }";
    let answer = post(&server, skipped, Value::Null, None).await;
    assert_eq!(answer.json(), json!({ "data": { "__typename": "Query" } }));
    let variables = json!({ "r": [reference(id)] });
    let answer = post(&server, ENTITIES, variables, Some(&reader)).await;
    assert_eq!(answer.json()["data"]["_entities"][0]["message"], "0");
}

#[tokio::test]
async fn without_federation_none_of_its_fields_and_types_exist() {
    let server = Server::start().await;
    for query in [
        SERVICE,
        "{ _entities(representations: []) { __typename } }",
        ENTITIES,
        "query($r: _Any) { __typename @include(if: $r) }",
        "{ node(id: \"1\") { ... on _Entity { __typename } } }",
    ] {
        let answer = server.execute(query, json!({ "r": [] })).await;
        assert_eq!(refusal(&answer), "GRAPHQL_VALIDATION_FAILED", "{query}");
    }
    let types = "{ a: __type(name: \"_Any\") { name } b: __type(name: \"_Entity\") { name } c: __type(name: \"_Service\") { name } }";
    assert_eq!(
        server.data(types, Value::Null).await,
        json!({ "a": null, "b": null, "c": null })
    );
    // With it, in the same process, they do.
    let expected =
        json!({ "a": { "name": "_Any" }, "b": { "name": "_Entity" }, "c": { "name": "_Service" } });
    assert_eq!(start().await.data(types, Value::Null).await, expected);
}

#[tokio::test]
async fn introspection_tells_the_fields_of_a_subgraph() {
    let server = start().await;
    let query = "{
        __type(name: \"_Entity\") { kind possibleTypes { name } }
        __schema { queryType { fields { name description type { ...T } args { name type { ...T } } } } }
    }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
    let data = server.data(query, Value::Null).await;
    let expected = json!({ "kind": "UNION", "possibleTypes": [{ "name": "Feedback" }] });
    assert_eq!(data["__type"], expected);
    let fields = data["__schema"]["queryType"]["fields"].as_array().unwrap();
    let find = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap();
    for name in ["_entities", "_service", "node", "nodes"] {
        assert_ne!(find(name)["description"], Value::Null, "{name}");
    }
    let list = |item: Value| json!({ "kind": "NON_NULL", "name": null, "ofType": { "kind": "LIST", "name": null, "ofType": item } });
    let item = json!({ "kind": "UNION", "name": "_Entity", "ofType": null });
    assert_eq!(find("_entities")["type"], list(item));
    let scalar = json!({ "kind": "SCALAR", "name": "_Any" });
    let item = json!({ "kind": "NON_NULL", "name": null, "ofType": scalar });
    assert_eq!(
        find("_entities")["args"],
        json!([{ "name": "representations", "type": list(item) }])
    );
}

/// What `schema` prints with these arguments, and how it ends.
async fn printed(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program(env!("CARGO_BIN_EXE_schema"), arguments)
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn the_definition_that_is_printed_is_the_one_that_the_service_tells() {
    let server = start().await;
    let told = server
        .data("{ _service { a: sdl __typename b: sdl } }", Value::Null)
        .await;
    let (code, text, errors) = printed(&["--federation"]).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(
        told,
        json!({ "_service": { "a": text, "__typename": "_Service", "b": text } })
    );
    assert_eq!(printed(&[]).await, (Some(0), sdl(), String::new()));
    for arguments in [
        &["federation"][..],
        &["--federation", "--federation"],
        &["--help"],
    ] {
        let sentence = "expected no argument, or --federation for the schema as a subgraph\n";
        let expected = (Some(1), String::new(), sentence.to_owned());
        assert_eq!(printed(arguments).await, expected, "{arguments:?}");
    }
}

#[test]
fn the_definition_is_the_schema_but_for_what_composition_needs() {
    let (schema, subgraph) = (sdl(), subgraph_sdl());
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (schema, subgraph) = (lines(&schema), lines(subgraph));
    let added: Vec<&String> = subgraph.iter().filter(|line| !schema.contains(line)).collect();
    assert_eq!(
        added,
        [
            "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.0\", import: [\"@key\", \"@shareable\"])",
            "type Feedback implements Node @key(fields: \"id\") {",
            "type PageInfo @shareable {",
        ]
    );
    let removed: Vec<&String> = schema.iter().filter(|line| !subgraph.contains(line)).collect();
    assert_eq!(
        removed,
        [
            "type Feedback implements Node {",
            "type PageInfo {",
            "  Returns the object with this id, or null. Strongly consistent.",
            "  node(",
            "    The id of an object that implements `Node`.",
            "  ): Node",
            "  Returns the objects with these ids, in the same order, with null for each that does not exist. Strongly",
            "  consistent.",
            "  nodes(",
            "    Up to 100 ids of objects that implement `Node`.",
            "    ids: [ID!]!",
            "  ): [Node]!",
        ]
    );
    // The text of both fields, with their quotes and brackets, and nothing else.
    assert_eq!(schema.len() - 19 + 2, subgraph.len());
    assert!(subgraph.iter().all(|line| line.trim_end() == line));
}

#[tokio::test]
async fn the_lambda_binary_is_a_subgraph_where_its_variable_says_so() {
    let store = Store::new().await;
    let id = &seed(&store, 1).await[0];
    let key = make_key("gateway", &[Scope::Read]).unwrap();
    let secrets = Secrets::start().await;
    secrets.store(&[&key]);
    let options = || {
        lambda::Options::new(&store.engine.endpoint(), TABLE)
            .with("FEEDBACK_API_KEYS_SECRET", SECRET)
            .with("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.endpoint)
            .with("FEEDBACK_INTROSPECTION", "true")
    };
    let body = json!({ "query": ENTITIES, "variables": { "r": [reference("1234"), reference(id)] } });
    let call = HttpCall::post_json("/graphql", &body);
    let with_key = || {
        let call = HttpCall::post_json("/graphql", &body);
        call.with_header("authorization", &format!("Bearer {}", key.token))
    };
    let service = || HttpCall::post_json("/graphql", &json!({ "query": SERVICE }));

    let function = lambda::Lambda::start(options().with("FEEDBACK_FEDERATION", "true")).await;
    let answer = function.call(EventKind::HttpApi, &call).await.json();
    assert_eq!(refusal(&answer), "UNAUTHENTICATED");
    let answer = function.call(EventKind::HttpApi, &with_key()).await.json();
    assert_eq!(answer["data"]["_entities"][1]["message"], "0", "{answer}");
    assert_eq!(answer["errors"][0]["path"], json!(["_entities", 0]));
    let answer = function.call(EventKind::HttpApi, &service()).await.json();
    assert_eq!(answer["data"]["_service"]["sdl"], subgraph_sdl());

    let function = lambda::Lambda::start(options()).await;
    for call in [with_key(), service()] {
        let answer = function.call(EventKind::HttpApi, &call).await.json();
        assert_eq!(refusal(&answer), "GRAPHQL_VALIDATION_FAILED");
    }
}
