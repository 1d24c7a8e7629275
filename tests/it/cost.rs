//! The cost of an answer: the extension `cost` says what the engine says that it consumed, and is seen by callers with a
//! credential alone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use feedback_graphql::auth::{ApiKeys, Authenticator, make_key};
use feedback_graphql::domain::Clock;
use feedback_graphql::graphql::Limits;
use feedback_graphql::http::Options;
use feedback_graphql::repository::{ClientLimit, FeedbackRepository, connect_without_account};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::support::faulty::{Fault, Network};
use crate::support::proxy::{self, Fate};
use crate::support::{ADDRESS, NOW, PATIENCE, Server, Store, content, on};

/// What the engine was asked, and what it says that this consumed.
#[derive(Debug, Default, PartialEq)]
struct Consumed {
    requests: u32,
    read_units: f64,
    write_units: f64,
    /// The operations of which each is asked for what it consumes, and for no more than a total.
    asked: Vec<(String, Option<String>)>,
}

/// A server whose requests to the engine are all answered with what they consumed, of which the service sees what it has
/// asked for.
struct Metered {
    server: Server,
    consumed: Arc<Mutex<Consumed>>,
}

impl Metered {
    async fn start(shards: u32, configure: impl FnOnce(FeedbackRepository) -> FeedbackRepository) -> Self {
        let store = Store::with_shards(shards).await;
        let consumed = Arc::new(Mutex::new(Consumed::default()));
        let watching = Arc::clone(&consumed);
        let decide = move |operation: &str, input: Value| watch(&watching, operation, input);
        let endpoint = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
        let repository = configure(on(&connect_without_account(&endpoint), shards).await);
        let server = Server::with(Store { repository, ..store }, Options::default()).await;
        let metered = Self { server, consumed };
        metered.take();
        metered
    }

    fn take(&self) -> Consumed {
        std::mem::take(&mut *self.consumed.lock().unwrap())
    }

    /// Executes an operation that asks for its cost, from an address; the cost has to be what the engine says.
    async fn ask(&self, query: &str, variables: &Value) -> Value {
        let body = json!({ "query": query, "variables": variables, "extensions": { "cost": true } });
        let request = self
            .server
            .request("POST", "/graphql")
            .header(ADDRESS, "203.0.113.7");
        let answer = self.server.send(request.json(&body)).await.json();
        let consumed = self.take();
        let expected = json!({
            "requests": consumed.requests,
            "readUnits": number(consumed.read_units),
            "writeUnits": number(consumed.write_units),
        });
        let cost = &answer["extensions"]["cost"];
        assert_eq!(
            cost["dynamodb"], expected,
            "{query} with {variables}: {consumed:?}"
        );
        assert!(cost["complexity"].as_u64() > Some(0), "{cost}");
        for (operation, asked) in consumed.asked {
            assert_eq!(asked.as_deref(), Some("TOTAL"), "{operation} of {query}");
        }
        answer
    }
}

/// Asks the engine for all that there is to know, sums the parts up, and answers what was asked.
fn watch(consumed: &Arc<Mutex<Consumed>>, operation: &str, mut input: Value) -> Fate {
    let asked = input["ReturnConsumedCapacity"].as_str().map(str::to_owned);
    input["ReturnConsumedCapacity"] = json!("INDEXES");
    let (consumed, operation) = (Arc::clone(consumed), operation.to_owned());
    let mend = move |mut answer: Value| {
        let mut consumed = consumed.lock().unwrap();
        consumed.requests += 1;
        let all = answer["ConsumedCapacity"].take();
        let tables = match &all {
            Value::Null => Vec::new(),
            Value::Array(tables) => tables.clone(),
            table => vec![table.clone()],
        };
        for table in &tables {
            let of_indexes = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"]
                .iter()
                .filter_map(|kind| table[kind].as_object())
                .flat_map(serde_json::Map::values);
            let parts = of_indexes.chain([&table["Table"]]);
            let units: f64 = parts.map(|part| part["CapacityUnits"].as_f64().unwrap()).sum();
            match operation.as_str() {
                "GetItem" | "BatchGetItem" | "Query" => consumed.read_units += units,
                "PutItem" | "UpdateItem" | "TransactWriteItems" => consumed.write_units += units,
                other => panic!("{other} is neither known to read nor to write"),
            }
        }
        let answered = answer.as_object_mut().unwrap();
        answered.remove("ConsumedCapacity");
        if let Some(mode) = &asked {
            assert_eq!(mode, "TOTAL", "more than is needed");
            answered.insert("ConsumedCapacity".to_owned(), without_parts(all));
        }
        consumed.asked.push((operation, asked));
        answer
    };
    Fate::PassAndMend(input, Box::new(mend))
}

fn without_parts(mut consumed: Value) -> Value {
    let tables = match &mut consumed {
        Value::Array(tables) => tables.as_mut_slice(),
        table => std::slice::from_mut(table),
    };
    for table in tables.iter_mut().filter_map(Value::as_object_mut) {
        table.retain(|name, _| name == "TableName" || name.ends_with("CapacityUnits"));
    }
    consumed
}

/// The number as JSON should have it: whole, or with a half.
fn number(units: f64) -> Value {
    let text = units.to_string();
    assert!(!text.contains('.') || text.ends_with(".5"), "{text}");
    serde_json::from_str(&text).unwrap()
}

const SUBMIT: &str = "mutation($input: SubmitFeedbackInput!) {
    submitFeedback(input: $input) { feedback { id } replayed userErrors { code } }
}";
const TRIAGE: &str = "mutation($input: TriageFeedbackInput!) {
    triageFeedback(input: $input) { feedback { id } userErrors { code } }
}";

fn input(message: &str) -> Value {
    json!({ "input": { "message": message, "topic": "search", "rating": 3, "email": "planted@example.org" } })
}

#[tokio::test]
async fn the_cost_of_every_kind_of_operation_is_what_the_engine_consumed() {
    let metered = Metered::start(4, |repository| repository).await;
    let submit = async |variables: Value| {
        let mut answer = metered.ask(SUBMIT, &variables).await;
        answer["data"]["submitFeedback"]["feedback"]["id"].take()
    };
    let small = submit(input("planted")).await;
    let large = submit(input(&"planted".repeat(700))).await;
    submit(json!({ "input": { "message": "planted", "trap": "planted" } })).await;
    submit(json!({ "input": { "message": " " } })).await;
    let keyed = |message: &str| json!({ "input": { "message": message, "idempotencyKey": "planted-key" } });
    submit(keyed("planted")).await;
    // In the same millisecond the same would be one request, tried again.
    metered.server.at_later_time();
    submit(keyed("planted")).await;
    submit(keyed("planted otherwise")).await;

    let missing = "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";
    for change in [
        json!({ "id": small, "status": "RESOLVED" }),
        json!({ "id": small, "status": "RESOLVED" }),
        json!({ "id": large, "addTags": ["a", "b"] }),
        json!({ "id": large, "addTags": ["c"], "removeTags": ["a"] }),
        json!({ "id": large, "note": "planted", "expectedVersion": 7 }),
        json!({ "id": missing, "note": "planted" }),
    ] {
        metered.ask(TRIAGE, &json!({ "input": change })).await;
    }
    let ids = json!({ "a": small, "ids": [small, large, missing] });
    for query in [
        "{ feedbacks(first: 3) { nodes { message } pageInfo { hasNextPage hasPreviousPage } } }",
        "{ feedbacks(last: 2, order: OLDEST_FIRST) { nodes { id } } }",
        "{ a: feedbacks(filter: { topic: \"search\" }) { nodes { id } } b: feedbacks(filter: { status: [RESOLVED, OPEN] }) { nodes { id } } }",
        "{ feedbacks(filter: { minRating: 2, email: \"planted@example.org\" }) { nodes { id } count { value } } }",
        "{ quarantinedFeedbacks { nodes { id } count { value } } }",
        "{ feedbackStatistics(from: \"2026-01-01\", to: \"2026-03-02\") { total days { total } } }",
        "{ feedbackStatistics(from: \"2026-01-01\", to: \"2026-03-02\") { total days { total } } }",
        "query($a: ID!) { feedback(id: $a) { message } again: feedback(id: $a) { id } node(id: $a) { id } }",
        "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        "query($a: ID!) { feedback(id: \"planted\") { id } other: feedback(id: $a) { id } }",
        "{ __typename }",
        "{ __schema { queryType { name } } }",
    ] {
        metered.ask(query, &ids).await;
    }
    let move_by =
        |field: &str, input: &str| format!("mutation($a: ID!) {{ {field}({input}) {{ __typename }} }}");
    for query in [
        move_by("quarantineFeedback", "input: { id: $a }"),
        move_by("quarantineFeedback", "input: { id: $a }"),
        move_by("releaseFeedback", "input: { id: $a }"),
        move_by("deleteFeedback", "id: $a"),
        move_by("deleteFeedback", "id: $a"),
        "mutation { erasePerson(input: { email: \"planted@example.org\" }) { erasedCount isComplete } }"
            .to_owned(),
    ] {
        metered.ask(&query, &ids).await;
    }
}

#[tokio::test]
async fn the_cost_of_any_series_of_operations_is_what_the_engine_consumed() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let counting =
        |repository: FeedbackRepository| repository.quarantining("trap=1 perClient=9999".parse().unwrap());
    let metered = Metered::start(random.u32(1..4), |repository| {
        counting(repository.limiting_clients(ClientLimit {
            patience: PATIENCE,
            ..ClientLimit::default()
        }))
    })
    .await;
    let mut ids = vec!["0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90".to_owned()];
    for _ in 0..150 {
        if random.u32(..6) == 0 {
            metered.server.at_later_time();
        }
        let id = ids[random.usize(..ids.len())].clone();
        let (query, variables) = any_operation(&mut random, &id, &ids);
        let answer = metered.ask(&query, &variables).await;
        let submitted = answer["data"]["submitFeedback"]["feedback"]["id"].as_str();
        ids.extend(submitted.map(str::to_owned));
    }
}

/// An operation on feedback, if it is not about others.
fn any_operation(random: &mut Rng, id: &str, ids: &[String]) -> (String, Value) {
    let topics = ["search", "login", "billing"];
    let topic = topics[random.usize(..topics.len())];
    let first = random.u32(1..8);
    let query = match random.u32(..13) {
        0..4 => {
            let variables = json!({ "input": {
                "message": "planted ".repeat(random.usize(1..600)),
                "topic": random.bool().then_some(topic),
                "rating": random.bool().then(|| random.u32(1..6)),
                "email": random.bool().then_some("planted@example.org"),
                "trap": (random.u32(..4) == 0).then_some("planted"),
                "idempotencyKey": (random.u32(..4) == 0).then_some("planted-key"),
            } });
            return (SUBMIT.to_owned(), variables);
        }
        4 => {
            let status = ["OPEN", "IN_PROGRESS", "RESOLVED"][random.usize(..3)];
            let tags = |random: &mut Rng, name: &str| {
                random.bool().then(|| vec![format!("{name}{}", random.u32(..9))])
            };
            let variables = json!({ "input": {
                "id": id,
                "status": status,
                "addTags": tags(random, "a"),
                "removeTags": tags(random, "r"),
                "note": random.bool().then(|| "planted ".repeat(random.usize(..200))),
                "expectedVersion": random.bool().then(|| random.u32(..3)),
            } });
            return (TRIAGE.to_owned(), variables);
        }
        5 => format!(
            "{{ feedbacks(first: {first}) {{ nodes {{ message }} pageInfo {{ hasPreviousPage }} }} }}"
        ),
        6 => format!(
            "{{ feedbacks(last: {first}, filter: {{ topic: \"{topic}\" }}) {{ nodes {{ id }} count {{ value }} }} }}"
        ),
        7 => format!(
            "{{ feedbacks(filter: {{ status: [OPEN], maxRating: {} }}) {{ nodes {{ id }} }} }}",
            1 + first % 5
        ),
        8 => "{ feedbackStatistics(from: \"2026-02-20\", to: \"2026-03-09\") { total } }".to_owned(),
        9 => {
            let query =
                "query($ids: [ID!]!) { nodes(ids: $ids) { id } quarantinedFeedbacks { nodes { id } } }";
            let few = &ids[..ids.len().min(100)];
            return (query.to_owned(), json!({ "ids": few }));
        }
        10 => format!("mutation {{ quarantineFeedback(input: {{ id: \"{id}\" }}) {{ feedback {{ id }} }} }}"),
        11 => format!("mutation {{ releaseFeedback(input: {{ id: \"{id}\" }}) {{ feedback {{ id }} }} }}"),
        _ if first == 1 => {
            "mutation { erasePerson(input: { email: \"planted@example.org\" }) { erasedCount } }".to_owned()
        }
        _ => format!(
            "mutation {{ deleteFeedback(id: \"{id}\") {{ __typename }} again: deleteFeedback(id: \"{id}\") {{ __typename }} }}"
        ),
    };
    (query, json!({}))
}

#[tokio::test]
async fn the_complexity_is_the_lowest_limit_within_which_the_operation_is_executed() {
    let server = Server::start().await;
    for query in [
        "{ __typename }",
        "{ feedbacks(first: 7) { nodes { id message } edges { node { ...F } } } } fragment F on Feedback { id message rating }",
        "{ a: feedbacks { nodes { id } count(upTo: 5000) { value } } b: feedback(id: \"0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90\") { id } }",
        "{ feedbackStatistics(from: \"2026-01-01\", to: \"2026-01-31\") { days { date total } topics(first: 9) { topic } } }",
        "{ nodes(ids: []) { id } }",
        "{ __typename __typename __typename }",
        "{ ...Q ...Q } fragment Q on Query { __typename }",
        "{ __schema { types { name fields { name } } } }",
    ] {
        let body = json!({ "query": query, "extensions": { "cost": true } });
        let ask = async |server: &Server| server.send(server.request("POST", "/graphql").json(&body)).await;
        let answer = ask(&server).await.json();
        let complexity = answer["extensions"]["cost"]["complexity"].as_u64().unwrap();
        for (limit, code) in [
            (complexity, Value::Null),
            (complexity - 1, json!("QUERY_TOO_COMPLEX")),
        ] {
            let limits: Limits = format!("complexity={limit}").parse().unwrap();
            let limited = Server::limited(Store::new().await, limits).await;
            let answer = ask(&limited).await.json();
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], code,
                "{limit}: {query}"
            );
            assert_eq!(answer.get("extensions").is_some(), code.is_null(), "{answer}");
        }
    }
}

#[tokio::test]
async fn only_the_value_true_asks_for_the_cost_and_without_it_nothing_is_different() {
    let metered = Metered::start(1, |repository| repository).await;
    let feedback = metered.server.store.submit("planted", NOW).await;
    let query = format!(
        "{{ feedbacks {{ nodes {{ id }} }} feedback(id: \"{}\") {{ message }} }}",
        feedback.id
    );
    let ask = async |body: Value| {
        let request = metered.server.request("POST", "/graphql");
        metered.server.send(request.json(&body)).await
    };
    metered.take();
    let plain = ask(json!({ "query": query })).await;
    let expected = json!({ "data": { "feedbacks": { "nodes": [{ "id": feedback.id.to_string() }] }, "feedback": { "message": "planted" } } });
    assert_eq!(plain.json(), expected);
    let mut asked = metered.take().asked;
    asked.sort();
    // A page is held to units in any case.
    let of_plain = [
        ("BatchGetItem".to_owned(), None),
        ("Query".to_owned(), Some("TOTAL".to_owned())),
    ];
    assert_eq!(asked, of_plain);
    for extensions in [
        json!(null),
        json!({}),
        json!({ "cost": false }),
        json!({ "cost": null }),
        json!({ "cost": "true" }),
        json!({ "cost": 1 }),
        json!({ "cost": { "dynamodb": true } }),
        json!({ "Cost": true, "costs": true, "other": { "cost": true } }),
    ] {
        let answer = ask(json!({ "query": query, "extensions": extensions })).await;
        assert_eq!(answer.body, plain.body, "{extensions}");
        let mut asked = metered.take().asked;
        asked.sort();
        assert_eq!(asked, of_plain, "{extensions}");
    }
    let cost = r#","extensions":{"cost":{"complexity":43,"dynamodb":{"requests":2,"readUnits":1.5,"writeUnits":0}}}}"#;
    let expected = format!("{}{cost}", plain.body.strip_suffix('}').unwrap());
    let answer = ask(json!({ "query": query, "extensions": { "cost": true, "other": 1 } })).await;
    assert_eq!(answer.body, expected);
    let parameters = [("query", query.as_str()), ("extensions", r#"{ "cost": true }"#)];
    let parameters = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let request = metered.server.request("GET", &format!("/graphql?{parameters}"));
    assert_eq!(metered.server.send(request).await.body, expected);
}

#[tokio::test]
async fn a_caller_without_a_credential_is_not_told_and_one_with_a_credential_is() {
    let key = make_key("key", &[]).unwrap();
    let text = format!("{{\"keys\": [{}]}}", key.entry);
    let source = Arc::new(
        move || -> futures_util::future::BoxFuture<'static, Result<String, String>> {
            let text = text.clone();
            Box::pin(async move { Ok(text) })
        },
    );
    let keys = ApiKeys::new(source, Clock::System);
    let access = Authenticator::Guarded(Some(keys));
    let server = Server::guarded(Store::new().await, Options::default(), access).await;
    let ask = async |extensions: Value, bearer: Option<&str>| {
        let variables = json!({ "input": { "message": "planted", "idempotencyKey": "planted-key" } });
        let body = json!({ "query": SUBMIT, "variables": variables, "extensions": extensions });
        let mut request = server.request("POST", "/graphql").json(&body);
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        server.send(request).await
    };
    ask(json!({}), None).await;
    server.at_later_time();
    let replayed = ask(json!({}), None).await;
    assert_eq!(replayed.json()["data"]["submitFeedback"]["replayed"], true);
    assert_eq!(ask(json!({ "cost": true }), None).await.body, replayed.body);
    assert_eq!(ask(json!({}), Some(&key.token)).await.body, replayed.body);
    let told = ask(json!({ "cost": true }), Some(&key.token)).await.json();
    // A write whose condition fails is not said to consume anything.
    let cost = json!({ "complexity": 6, "dynamodb": { "requests": 1, "readUnits": 0, "writeUnits": 0 } });
    assert_eq!(told["extensions"], json!({ "cost": cost }));
}

#[tokio::test]
async fn whatever_becomes_of_an_operation_that_is_executed_its_cost_is_told_and_that_of_others_is_not() {
    let server = Server::start().await;
    let ask = async |server: &Server, query: &str| {
        let body = json!({ "query": query, "extensions": { "cost": true } });
        server
            .send(server.request("POST", "/graphql").json(&body))
            .await
            .json()
    };
    for (query, is_told) in [
        ("{ feedback(id: \"planted\") { id } }", true),
        ("{ feedbacks(first: 101) { nodes { id } } a: __typename }", true),
        ("{ planted }", false),
        ("{ planted", false),
        ("query($id: ID!) { feedback(id: $id) { id } }", false),
    ] {
        let answer = ask(&server, query).await;
        assert!(answer["errors"].is_array(), "{answer}");
        assert_eq!(answer["extensions"]["cost"].is_object(), is_told, "{answer}");
    }
    let broken = Server::refused(400, "ThrottlingException").await;
    let answer = ask(
        &broken,
        "{ feedback(id: \"0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90\") { id } }",
    )
    .await;
    let cost = json!({ "requests": 3, "readUnits": 0, "writeUnits": 0 });
    assert_eq!(answer["extensions"]["cost"]["dynamodb"], cost, "{answer}");
    assert_eq!(answer.get("data"), None);

    let long = content(&"\u{10ffff}".repeat(5_000));
    for number in 0..100 {
        server.store.submit_content(long.clone(), NOW + number).await;
    }
    let messages = "nodes { a: message b: message c: message d: message }";
    let answer = ask(&server, &format!("{{ feedbacks(first: 100) {{ {messages} }} }}")).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "RESPONSE_TOO_LARGE");
    let units = &answer["extensions"]["cost"]["dynamodb"]["readUnits"];
    assert!(units.as_f64() > Some(200.0), "{}", answer["extensions"]);
}

#[tokio::test]
async fn a_transaction_that_is_tried_again_after_it_was_complete_has_only_read() {
    let store = Store::new().await;
    let network = Network::to(&store.engine.endpoint()).await;
    let repository = on(&connect_without_account(&network.endpoint), 1).await;
    let server = Server::with(Store { repository, ..store }, Options::default()).await;
    let delete = async |faults: &[Fault]| {
        let id = server.store.submit("planted", NOW).await.id;
        for fault in faults {
            network.fail_once(*fault);
        }
        let query = format!("mutation {{ deleteFeedback(id: \"{id}\") {{ __typename }} }}");
        let body = json!({ "query": query, "extensions": { "cost": true } });
        let answer = server.send(server.request("POST", "/graphql").json(&body)).await;
        answer.json()["extensions"]["cost"]["dynamodb"].take()
    };
    // Two reads of the feedback and of its day's counts, and both deleted or written in the table at twice the price of a
    // write; the feedback also in two indexes.
    let at_once = json!({ "requests": 3, "readUnits": 2, "writeUnits": 6 });
    assert_eq!(delete(&[]).await, at_once);
    let not_delayed = Fault::Delay(Duration::ZERO);
    let again = json!({ "requests": 4, "readUnits": 6, "writeUnits": 0 });
    assert_eq!(
        delete(&[not_delayed, not_delayed, Fault::ResetAfter]).await,
        again
    );
}
