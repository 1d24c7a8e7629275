//! Quarantine: what looks as if no person had written it is put aside, and nobody but staff can tell.

mod any_order;

use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::auth::Authenticator;
use feedback_graphql::http::Options;
use feedback_graphql::repository::{ClientLimit, FeedbackRepository, Index, Indexes, table};
use serde_json::{Value, json};

use crate::support::events::{EventKind, HttpCall};
use crate::support::lambda::{self, Lambda};
use crate::support::{ADDRESS, Answer, NOW, PATIENCE, Server, Store, TABLE, counted, drop_index};

const RULES: &str = "trap=1 elapsedMs=1500 links=3 perClient=20";

const SUBMIT: &str = "mutation($input: SubmitFeedbackInput!) {
    submitFeedback(input: $input) {
        feedback { id message topic email submittedAt triage { status } quarantine { reasons since } }
        userErrors { field code message }
        replayed
    }
}";

/// A server for anonymous callers, with these rules.
async fn public(rules: &str) -> Server {
    let store = Store::with_shards(2).await.quarantining(rules);
    Server::guarded(store, Options::default(), Authenticator::Guarded(None)).await
}

async fn submit(server: &Server, input: &Value) -> Answer {
    let body = json!({ "query": SUBMIT, "variables": { "input": input } });
    server.send(server.request("POST", "/graphql").json(&body)).await
}

async fn post(server: &Server, body: &Value, key: Option<&str>) -> Answer {
    let mut request = server.request("POST", "/feedback").json(body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    server.send(request).await
}

/// The messages of a listing, newest first, as staff see it, with the reasons where there are any.
async fn listed(repository: &FeedbackRepository, listing: &str, filter: Value) -> Vec<(String, Vec<String>)> {
    let query = format!(
        "query($filter: FeedbackFilter) {{ {listing}(first: 100, filter: $filter) {{
            nodes {{ message quarantine {{ reasons }} }}
        }} }}"
    );
    let (answer, _) = counted(repository, &query, json!({ "filter": filter })).await;
    let nodes = answer["data"][listing]["nodes"].as_array();
    let nodes = nodes.unwrap_or_else(|| panic!("{answer}")).iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let reasons = |node: &Value| {
        let reasons = node["quarantine"]["reasons"].as_array();
        reasons.into_iter().flatten().map(text).collect()
    };
    nodes
        .map(|node| (text(&node["message"]), reasons(node)))
        .collect()
}

async fn messages(repository: &FeedbackRepository, listing: &str, filter: Value) -> Vec<String> {
    let listed = listed(repository, listing, filter).await;
    listed.into_iter().map(|(message, _)| message).collect()
}

/// All that a client can tell answers apart by, but for the ids and the time of day.
fn visible(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let body = serde_json::from_str::<Value>(&answer.body).unwrap();
    let id = body["data"]["submitFeedback"]["feedback"]["id"].as_str();
    let body = id.map_or_else(|| answer.body.clone(), |id| answer.body.replace(id, "ID"));
    (answer.status, headers.collect(), body)
}

/// The answers to a submission without a key, to one with a key, to its retries, and to others under its key.
async fn by_graphql(signals: &[Value; 2]) -> Vec<(u16, Vec<(String, String)>, String)> {
    let server = public(RULES).await;
    let [first, again] = signals;
    let mut answers = Vec::new();
    let with_links = "planted ".to_owned() + &"https://a.example ".repeat(4);
    for (input, signals) in [
        (json!({ "message": "planted", "topic": "search" }), first),
        (
            json!({ "message": with_links, "email": "planted@example.org" }),
            first,
        ),
        (
            json!({ "message": "planted", "idempotencyKey": "key of it" }),
            first,
        ),
        (
            json!({ "message": "planted", "idempotencyKey": "key of it" }),
            first,
        ),
        (
            json!({ "message": "planted", "idempotencyKey": "key of it" }),
            again,
        ),
        (
            json!({ "message": "other", "idempotencyKey": "key of it" }),
            first,
        ),
        (json!({ "message": "  ", "rating": 6 }), first),
        (json!({ "message": "planted", "rating": "no" }), first),
    ] {
        let mut input = input.clone();
        let signals = signals.as_object().unwrap().clone();
        input.as_object_mut().unwrap().extend(signals);
        answers.push(visible(&submit(&server, &input).await));
        server.at_later_time();
    }
    answers
}

/// The same by `POST /feedback`.
async fn by_plain_post(signals: &[Value; 2]) -> Vec<(u16, Vec<(String, String)>, String)> {
    let server = public(RULES).await;
    let [first, again] = signals;
    let mut answers = Vec::new();
    for (message, key, signals) in [
        ("planted", None, first),
        ("planted", Some("key of it"), first),
        ("planted", Some("key of it"), first),
        ("planted", Some("key of it"), again),
        ("other", Some("key of it"), first),
        ("  ", None, first),
    ] {
        let mut body = json!({ "feedback": message });
        let signals = signals.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(signals);
        answers.push(visible(&post(&server, &body, key).await));
        server.at_later_time();
    }
    answers
}

#[tokio::test]
async fn a_sender_cannot_tell_what_is_put_aside_from_what_is_listed() {
    let clean = json!({ "trap": "", "elapsedMs": 60_000 });
    let nothing = json!({});
    let expected = by_graphql(&[nothing.clone(), nothing.clone()]).await;
    assert!(expected[0].2.contains("\"quarantine\":null"), "{}", expected[0].2);
    let replayed: Vec<bool> = expected
        .iter()
        .map(|(.., body)| body.contains("\"replayed\":true"))
        .collect();
    assert_eq!(replayed, [false, false, false, true, true, false, false, false]);
    let expected_plain = by_plain_post(&[nothing.clone(), nothing.clone()]).await;
    for trapped in [
        json!({ "trap": "planted" }),
        json!({ "elapsedMs": 0 }),
        json!({ "elapsedMs": -5 }),
        json!({ "trap": "\u{0}", "elapsedMs": i32::MIN }),
    ] {
        for signals in [
            [trapped.clone(), trapped.clone()],
            [trapped.clone(), clean.clone()],
            [clean.clone(), trapped.clone()],
        ] {
            assert_eq!(by_graphql(&signals).await, expected, "{signals:?}");
            assert_eq!(by_plain_post(&signals).await, expected_plain, "{signals:?}");
        }
    }
}

#[tokio::test]
async fn signals_of_another_type_are_an_error_of_the_type_in_graphql_and_as_missing_in_plain_posts() {
    let server = public(RULES).await;
    for signals in [
        json!({ "trap": 5 }),
        json!({ "elapsedMs": "0" }),
        json!({ "elapsedMs": 0.5 }),
        json!({ "elapsedMs": 2_147_483_648_u64 }),
    ] {
        let mut input = json!({ "message": "planted" });
        input
            .as_object_mut()
            .unwrap()
            .extend(signals.as_object().unwrap().clone());
        let answer = submit(&server, &input).await;
        assert!(
            answer.body.contains("BAD_USER_INPUT"),
            "{signals} {}",
            answer.body
        );
    }
    assert_eq!(server.store.items().await, [] as [Value; 0]);
    for (number, (signals, is_listed)) in [
        (json!({ "trap": 5, "elapsedMs": "0" }), true),
        (json!({ "trap": null, "elapsedMs": null }), true),
        (json!({ "trap": [""], "elapsedMs": {} }), true),
        (json!({ "elapsedMs": 1e300 }), true),
        (json!({ "elapsedMs": 1_500 }), true),
        (json!({ "elapsedMs": 1_499.999 }), false),
        (json!({ "elapsedMs": -1e300 }), false),
        (json!({ "trap": " " }), false),
    ]
    .into_iter()
    .enumerate()
    {
        let message = format!("planted {number}");
        let mut body = json!({ "feedback": message });
        body.as_object_mut()
            .unwrap()
            .extend(signals.as_object().unwrap().clone());
        assert_eq!(post(&server, &body, None).await.status, 200, "{signals}");
        let listed = messages(&server.store.repository, "feedbacks", json!({})).await;
        assert_eq!(listed.contains(&message), is_listed, "{signals}");
    }
}

#[tokio::test]
async fn what_is_put_aside_is_in_no_listing_but_the_quarantines_whatever_the_filter_and_the_indexes() {
    let server = public(RULES).await;
    let store = &server.store;
    let clean = json!({ "message": "clean", "topic": "search", "rating": 1, "email": "Sam@example.org" });
    submit(&server, &clean).await;
    let mut trapped = clean;
    trapped["message"] = json!("trapped");
    trapped["trap"] = json!("x");
    trapped["elapsedMs"] = json!(3);
    submit(&server, &trapped).await;
    let elsewhere = json!({ "message": "elsewhere", "topic": "checkout", "trap": "x" });
    submit(&server, &elsewhere).await;

    for indexes in [Indexes::all(), Indexes::none()] {
        let repository = store.repository.clone().with_indexes(indexes);
        for filter in [
            json!({ "topic": "search" }),
            json!({ "status": "OPEN", "maxRating": 2 }),
            json!({ "maxRating": 2 }),
            json!({ "email": "sam@example.org" }),
            json!({ "email": "sam@example.org", "topic": "search" }),
        ] {
            let found = messages(&repository, "feedbacks", filter.clone()).await;
            assert_eq!(found, ["clean"], "{filter}");
            let found = messages(&repository, "quarantinedFeedbacks", filter.clone()).await;
            assert_eq!(found, ["trapped"], "{filter}");
        }
        assert_eq!(messages(&repository, "feedbacks", json!({})).await, ["clean"]);
        let mut aside = listed(&repository, "quarantinedFeedbacks", json!({})).await;
        // They were submitted in the same millisecond.
        aside.sort();
        let reasons = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let expected: [(String, Vec<String>); 2] = [
            ("elsewhere".to_owned(), reasons(&["TRAP_FILLED"])),
            ("trapped".to_owned(), reasons(&["TRAP_FILLED", "TOO_FAST"])),
        ];
        assert_eq!(aside, expected);
    }
}

#[tokio::test]
async fn an_item_in_quarantine_has_a_shard_of_it_and_nothing_of_the_trap() {
    let server = public(RULES).await;
    let input = json!({
        "message": "planted", "topic": "search", "rating": 5, "email": "sam@example.org", "trap": "secret", "elapsedMs": 7,
    });
    submit(&server, &input).await;
    let items = server.store.items().await;
    let [item] = items.as_slice() else {
        panic!("{items:?}");
    };
    assert!(item["quarantineShard"].is_u64());
    assert_eq!(item["quarantineReasons"], json!(["TOO_FAST", "TRAP_FILLED"]));
    assert_eq!(item["quarantinedAt"], NOW);
    assert_eq!(item.get("timelineShard"), None);
    let kept = ["timelinePosition", "status", "topic", "rating", "email", "person"];
    assert!(kept.iter().all(|name| item.get(name).is_some()), "{item}");
    assert!(!item.to_string().contains("secret"), "{item}");
}

#[tokio::test]
async fn staff_read_and_triage_what_is_in_quarantine_by_its_id() {
    let server = Server::start().await;
    let answer = submit(&server, &json!({ "message": "planted", "trap": "x" })).await;
    let feedback = answer.json()["data"]["submitFeedback"]["feedback"].take();
    let quarantine = json!({ "reasons": ["TRAP_FILLED"], "since": "2026-03-01T09:30:00.250Z" });
    assert_eq!(
        feedback["quarantine"], quarantine,
        "whoever submits it with the scope"
    );
    let triage = "mutation($input: TriageFeedbackInput!) {
        triageFeedback(input: $input) {
            feedback { triage { status tags version } quarantine { reasons since } }
            userErrors { code }
        }
    }";
    let change = json!({ "id": feedback["id"], "status": "RESOLVED", "addTags": ["spam"] });
    let data = server.data(triage, json!({ "input": change })).await;
    let expected = json!({
        "triage": { "status": "RESOLVED", "tags": ["spam"], "version": 1 }, "quarantine": quarantine,
    });
    let payload = json!({ "feedback": expected, "userErrors": [] });
    assert_eq!(data["triageFeedback"], payload);
    let query = "query($id: ID!) { feedback(id: $id) { triage { status tags version } quarantine { reasons since } } }";
    let data = server.data(query, json!({ "id": feedback["id"] })).await;
    assert_eq!(data["feedback"], expected);
    let repository = &server.store.repository;
    let resolved = json!({ "status": "RESOLVED", "tag": "spam" });
    assert_eq!(messages(repository, "feedbacks", resolved.clone()).await, [""; 0]);
    assert_eq!(
        messages(repository, "quarantinedFeedbacks", resolved).await,
        ["planted"]
    );
}

#[tokio::test]
async fn a_reason_that_a_later_version_knows_is_left_out() {
    let server = Server::start().await;
    let id = server.store.submit("planted", NOW).await.id.to_string();
    let update = server.store.client.update_item().table_name(TABLE);
    let reasons = ["FROM_THE_FUTURE", "TRAP_FILLED"].map(str::to_owned).to_vec();
    update
        .key("feedbackId", AttributeValue::S(id.clone()))
        .update_expression("REMOVE timelineShard SET quarantineShard = :shard, quarantineReasons = :reasons")
        .expression_attribute_values(":shard", AttributeValue::N("0".to_owned()))
        .expression_attribute_values(":reasons", AttributeValue::Ss(reasons))
        .send()
        .await
        .unwrap();
    let query = "{ quarantinedFeedbacks { nodes { id quarantine { reasons since } } } }";
    let data = server.data(query, json!({})).await;
    let quarantine = json!({ "reasons": ["TRAP_FILLED"], "since": "2026-03-01T09:30:00.250Z" });
    let expected = json!([{ "id": id, "quarantine": quarantine }]);
    assert_eq!(data["quarantinedFeedbacks"]["nodes"], expected);
}

#[tokio::test]
async fn without_its_index_feedback_is_put_aside_all_the_same_and_the_listing_says_what_is_missing() {
    let server = Server::start().await;
    let store = &server.store;
    drop_index(&store.client, Index::Quarantine).await;
    submit(&server, &json!({ "message": "trapped", "trap": "x" })).await;
    submit(&server, &json!({ "message": "clean" })).await;
    assert_eq!(
        messages(&store.repository, "feedbacks", json!({})).await,
        ["clean"]
    );
    for _ in 0..2 {
        let answer = server
            .execute(
                "{ quarantinedFeedbacks { nodes { id } } feedbacks { nodes { id } } }",
                json!({}),
            )
            .await;
        let [error] = answer["errors"].as_array().unwrap().as_slice() else {
            panic!("{answer}");
        };
        let message = "the index `quarantine` is missing: deploy this version's template, which has it; if it was added \
             just now, wait until DynamoDB has built it";
        assert_eq!(error["message"], message);
        assert_eq!(error["extensions"]["code"], "INDEX_MISSING");
        assert_eq!(error["path"], json!(["quarantinedFeedbacks"]));
        assert_eq!(answer["data"]["feedbacks"]["nodes"].as_array().unwrap().len(), 1);
    }
    table::add_missing_indexes(&store.client, TABLE, &Indexes::all())
        .await
        .unwrap();
    let found = messages(&store.repository, "quarantinedFeedbacks", json!({})).await;
    assert_eq!(found, ["trapped"]);
}

/// Where each rule is on, each alone and all of them put aside what breaks it, by both endpoints, and a person's feedback
/// between a robot's is listed.
#[tokio::test]
async fn a_robots_fifty_posts_are_put_aside_with_their_reasons_and_a_persons_between_them_is_listed() {
    let server = public(RULES).await;
    let links = "https://a.example ".repeat(4);
    let mut expected = Vec::new();
    for number in 0..50 {
        let (text, trap, elapsed_ms, reasons) = match number % 5 {
            0 => ("", "x", 9_000, vec!["TRAP_FILLED"]),
            1 => ("", "", 1_499, vec!["TOO_FAST"]),
            2 => (links.as_str(), "", 9_000, vec!["TOO_MANY_LINKS"]),
            3 => ("", "x", 0, vec!["TRAP_FILLED", "TOO_FAST"]),
            _ => (
                links.as_str(),
                "x",
                0,
                vec!["TRAP_FILLED", "TOO_FAST", "TOO_MANY_LINKS"],
            ),
        };
        let message = format!("{number} {text}").trim_end().to_owned();
        let answer = if number % 2 == 0 {
            let input = json!({ "message": message, "trap": trap, "elapsedMs": elapsed_ms });
            submit(&server, &input).await
        } else {
            let body = json!({ "feedback": message, "trap": trap, "elapsedMs": elapsed_ms });
            post(&server, &body, None).await
        };
        assert_eq!(answer.status, 200);
        server.at_later_time();
        expected.push((message, reasons.into_iter().map(str::to_owned).collect()));
        if number == 25 {
            let links = "see https://a.example, https://b.example and https://c.example";
            let input = json!({ "message": links, "trap": "", "elapsedMs": 1_500 });
            submit(&server, &input).await;
            post(&server, &json!({ "feedback": "from a person" }), None).await;
            server.at_later_time();
        }
    }
    expected.reverse();
    let repository = &server.store.repository;
    assert_eq!(
        listed(repository, "quarantinedFeedbacks", json!({})).await,
        expected
    );
    let mut of_people = messages(repository, "feedbacks", json!({})).await;
    of_people.sort();
    assert_eq!(
        of_people,
        [
            "from a person",
            "see https://a.example, https://b.example and https://c.example"
        ]
    );
}

#[tokio::test]
async fn what_a_client_submits_beyond_its_number_in_an_hour_is_put_aside_and_nobody_elses() {
    let store = Store::new().await;
    let patient = ClientLimit {
        patience: PATIENCE,
        ..ClientLimit::default()
    };
    let repository = store.repository.clone().limiting_clients(patient);
    let store = Store { repository, ..store }.quarantining("perClient=3");
    let server = Server::guarded(store, Options::default(), Authenticator::Guarded(None)).await;
    let submit = async |address: &str, message: String| {
        let body = json!({ "query": SUBMIT, "variables": { "input": { "message": message } } });
        let request = server.request("POST", "/graphql").header(ADDRESS, address);
        let answer = server.send(request.json(&body)).await;
        assert!(answer.body.contains("\"quarantine\":null"), "{}", answer.body);
        let body = json!({ "feedback": format!("{message} again") });
        let request = server.request("POST", "/feedback").header(ADDRESS, address);
        assert_eq!(server.send(request.json(&body)).await.status, 200);
    };
    for number in 0..3 {
        submit("203.0.113.7", format!("robot {number}")).await;
        submit("203.0.113.8", format!("person {number}")).await;
        if number == 1 {
            // The next hour.
            server.at_later_time();
        }
    }
    let repository = &server.store.repository;
    let mut aside = listed(repository, "quarantinedFeedbacks", json!({})).await;
    aside.sort();
    let too_many = |message: &str| (message.to_owned(), vec!["TOO_MANY_FROM_CLIENT".to_owned()]);
    assert_eq!(aside, [too_many("person 1 again"), too_many("robot 1 again")]);
    assert_eq!(messages(repository, "feedbacks", json!({})).await.len(), 10);
}

#[tokio::test]
async fn a_function_goes_by_the_rules_that_it_is_told() {
    for (rules, aside) in [
        (None, vec!["trapped"]),
        (Some("links=0"), vec!["https://a.example"]),
    ] {
        let store = Store::new().await;
        let options = lambda::Options::new(&store.engine.endpoint(), TABLE);
        let options = match rules {
            Some(rules) => options.with("FEEDBACK_QUARANTINE", rules),
            None => options,
        };
        let function = Lambda::start(options).await;
        for body in [
            json!({ "feedback": "https://a.example" }),
            json!({ "feedback": "trapped", "trap": "x" }),
        ] {
            let call = HttpCall::post_json("/feedback", &body);
            assert_eq!(function.call(EventKind::HttpApi, &call).await.status, 200);
        }
        let found = messages(&store.repository, "quarantinedFeedbacks", json!({})).await;
        assert_eq!(found, aside, "{rules:?}");
    }
}

#[tokio::test]
async fn a_rule_that_is_off_puts_nothing_aside() {
    let links = "https://a.example ".repeat(4).trim_end().to_owned();
    for (rules, expected) in [
        ("trap=0", [true, true, true]),
        ("trap=1", [false, true, true]),
        ("elapsedMs=1500", [true, false, true]),
        ("links=3", [true, true, false]),
        ("links=4", [true, true, true]),
    ] {
        let server = public(rules).await;
        let inputs = [
            json!({ "message": "trapped", "trap": "x" }),
            json!({ "message": "fast", "elapsedMs": 0 }),
            json!({ "message": links }),
        ];
        for input in &inputs {
            submit(&server, input).await;
        }
        let found = messages(&server.store.repository, "feedbacks", json!({})).await;
        let is_listed = inputs.map(|input| found.contains(&input["message"].as_str().unwrap().to_owned()));
        assert_eq!(is_listed, expected, "{rules}");
    }
}

const QUARANTINE: &str = "mutation($id: ID!) {
    quarantineFeedback(input: { id: $id }) {
        feedback { message quarantine { reasons since } triage { version } } userErrors { field code message }
    }
}";
const RELEASE: &str = "mutation($id: ID!) {
    releaseFeedback(input: { id: $id }) {
        feedback { message quarantine { reasons since } triage { version } } userErrors { field code message }
    }
}";

/// Calls one of the two; its payload.
async fn call(server: &Server, mutation: &str, id: &str) -> Value {
    let data = server.data(mutation, json!({ "id": id })).await;
    let mut payloads = data.as_object().unwrap().values();
    payloads.next().cloned().unwrap()
}

#[tokio::test]
async fn released_feedback_stands_where_it_was_submitted_and_put_aside_again_it_is_gone() {
    let server = Server::with(Store::with_shards(4).await, Options::default()).await;
    let mut ids = Vec::new();
    for (message, trap) in [("first", ""), ("trapped", "x"), ("last", "")] {
        let input = json!({ "message": message, "trap": trap, "topic": "search", "rating": 1 });
        let answer = submit(&server, &input).await.json();
        let id = answer["data"]["submitFeedback"]["feedback"]["id"].as_str();
        ids.push(id.unwrap().to_owned());
        server.at_later_time();
    }
    let repository = &server.store.repository;
    let about = json!({ "topic": "search", "maxRating": 2, "status": "OPEN" });
    let payload = |quarantine: Value| {
        let feedback = json!({ "message": "trapped", "quarantine": quarantine, "triage": { "version": 0 } });
        json!({ "feedback": feedback, "userErrors": [] })
    };
    let before = server.store.items().await;
    for _ in 0..2 {
        assert_eq!(call(&server, RELEASE, &ids[1]).await, payload(Value::Null));
        let listed = messages(repository, "feedbacks", about.clone()).await;
        assert_eq!(listed, ["last", "trapped", "first"]);
        assert_eq!(
            messages(repository, "quarantinedFeedbacks", json!({})).await,
            [""; 0]
        );
    }
    let by_staff = json!({ "reasons": ["BY_STAFF"], "since": "2026-03-01T12:30:00.250Z" });
    for _ in 0..2 {
        assert_eq!(
            call(&server, QUARANTINE, &ids[1]).await,
            payload(by_staff.clone())
        );
        server.at_later_time();
        let listed = messages(repository, "feedbacks", about.clone()).await;
        assert_eq!(listed, ["last", "first"]);
        let listed = messages(repository, "quarantinedFeedbacks", about.clone()).await;
        assert_eq!(listed, ["trapped"]);
    }
    // But for the reason and the time, the item is the one that was submitted.
    let item = |items: Vec<Value>| {
        let item = items.into_iter().find(|item| item["feedbackId"] == ids[1]);
        let mut item = item.unwrap();
        item["quarantineReasons"].take();
        item["quarantinedAt"].take();
        item
    };
    assert_eq!(item(server.store.items().await), item(before));
}

#[tokio::test]
async fn reasons_that_are_there_already_stay_when_staff_put_feedback_aside() {
    let server = Server::start().await;
    let answer = submit(&server, &json!({ "message": "planted", "trap": "x" })).await;
    let feedback = answer.json()["data"]["submitFeedback"]["feedback"].take();
    server.at_later_time();
    let payload = call(&server, QUARANTINE, feedback["id"].as_str().unwrap()).await;
    assert_eq!(payload["feedback"]["quarantine"], feedback["quarantine"]);
}

#[tokio::test]
async fn what_is_not_there_cannot_be_put_aside_or_released() {
    let server = Server::start().await;
    let gone = server.store.submit("planted", NOW).await.id.to_string();
    let delete = "mutation($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }";
    server.data(delete, json!({ "id": gone })).await;
    let error = json!([{ "field": ["id"], "code": "NOT_FOUND", "message": "is of no feedback" }]);
    for mutation in [QUARANTINE, RELEASE] {
        for id in ["0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90", &gone] {
            let expected = json!({ "feedback": null, "userErrors": error });
            assert_eq!(call(&server, mutation, id).await, expected);
        }
        let error = server.error(mutation, json!({ "id": "1234" })).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
    }
    assert_eq!(server.store.items().await, [] as [Value; 0]);
}

/// It has neither a shard nor a position, nor a status.
#[tokio::test]
async fn an_item_of_the_original_handler_is_put_aside_and_released_like_any_other() {
    let server = Server::start().await;
    let id = "0195512e-6f4a-4c3e-9d0b-2f6c1a7e5b90";
    let put = server.store.client.put_item().table_name(TABLE);
    put.item("feedbackId", AttributeValue::S(id.to_owned()))
        .item("feedback", AttributeValue::S("old".to_owned()))
        .item("timestamp", AttributeValue::N("1700000000".to_owned()))
        .send()
        .await
        .unwrap();
    let repository = &server.store.repository;
    let payload = call(&server, RELEASE, id).await;
    assert_eq!(payload["feedback"]["message"], "old");
    assert_eq!(messages(repository, "feedbacks", json!({})).await, [""; 0]);
    call(&server, QUARANTINE, id).await;
    assert_eq!(
        messages(repository, "quarantinedFeedbacks", json!({})).await,
        ["old"]
    );
    call(&server, RELEASE, id).await;
    assert_eq!(messages(repository, "feedbacks", json!({})).await, ["old"]);
}

#[tokio::test]
async fn a_person_is_erased_in_quarantine_too() {
    let server = Server::start().await;
    for (trap, email) in [
        ("x", "sam@example.org"),
        ("", "sam@example.org"),
        ("x", "jo@example.org"),
    ] {
        let input = json!({ "message": email, "trap": trap, "email": email });
        submit(&server, &input).await;
    }
    let erase = "mutation { erasePerson(input: { email: \"Sam@example.org\" }) { erasedCount isComplete } }";
    let data = server.data(erase, json!({})).await;
    assert_eq!(
        data["erasePerson"],
        json!({ "erasedCount": 2, "isComplete": true })
    );
    let items = server.store.items().await;
    let left: Vec<&Value> = items.iter().map(|item| &item["feedback"]).collect();
    assert_eq!(left, ["jo@example.org"]);
}
