//! Working through feedback: status, tags and notes, under a version.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::auth::{ApiKeys, Authenticator, NewKey, Scope, make_key};
use feedback_graphql::domain::{Clock, FeedbackId, Status, TriageChange};
use feedback_graphql::http;
use feedback_graphql::repository::connect_without_account;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::faulty::{Fault, Network};
use crate::support::{NOW, Server, Store, TABLE, on};

const TRIAGE: &str = "mutation($input: TriageFeedbackInput!) {
    triageFeedback(input: $input) {
        feedback { id message triage { status tags note version updatedAt updatedBy } }
        userErrors { field code message }
    }
}";
const READ: &str =
    "query($id: ID!) { feedback(id: $id) { triage { status tags note version updatedAt updatedBy } } }";

/// What `triageFeedback` answers.
async fn triage(server: &Server, id: &str, change: Value) -> Value {
    let mut input = change;
    input["id"] = json!(id);
    let mut data = server.data(TRIAGE, json!({ "input": input })).await;
    data["triageFeedback"].take()
}

/// The triage after a change that has to succeed.
async fn changed(server: &Server, id: &str, change: Value) -> Value {
    let mut payload = triage(server, id, change).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["feedback"]["triage"].take()
}

/// The code of the one error of a change, and the feedback that it shows.
async fn refused(server: &Server, id: &str, change: Value) -> (String, Value) {
    let mut payload = triage(server, id, change).await;
    assert_eq!(
        payload["userErrors"].as_array().map(Vec::len),
        Some(1),
        "{payload}"
    );
    let code = payload["userErrors"][0]["code"].as_str().unwrap().to_owned();
    (code, payload["feedback"]["triage"].take())
}

async fn with_feedback() -> (Server, String) {
    let server = Server::start().await;
    let id = server.store.submit("planted", NOW).await.id.to_string();
    (server, id)
}

#[tokio::test]
async fn feedback_starts_open_and_each_change_is_one_version_more() {
    let (server, id) = with_feedback().await;
    let mut data = server.data(READ, json!({ "id": id })).await;
    let expected = json!({
        "status": "OPEN", "tags": [], "note": null, "version": 0, "updatedAt": null, "updatedBy": null,
    });
    assert_eq!(data["feedback"]["triage"].take(), expected);

    server.at_later_time();
    let change = json!({
        "status": "IN_PROGRESS", "addTags": [" zebra", "ant", "Bee"], "note": " planted\r\nnote ",
    });
    let expected = json!({
        "status": "IN_PROGRESS",
        "tags": ["Bee", "ant", "zebra"],
        "note": "planted\nnote",
        "version": 1,
        "updatedAt": "2026-03-01T10:30:00.250Z",
        "updatedBy": "everyone",
    });
    assert_eq!(changed(&server, &id, change).await, expected);
    let mut data = server.data(READ, json!({ "id": id })).await;
    assert_eq!(data["feedback"]["triage"].take(), expected);

    let second = changed(
        &server,
        &id,
        json!({ "removeTags": ["ant", "cow"], "note": null }),
    )
    .await;
    assert_eq!(second["tags"], json!(["Bee", "zebra"]));
    assert_eq!(
        (&second["note"], &second["version"]),
        (&json!("planted\nnote"), &json!(2))
    );
    let third = changed(
        &server,
        &id,
        json!({ "note": " ", "addTags": ["ant"], "removeTags": ["Bee"] }),
    )
    .await;
    assert_eq!(
        (&third["note"], &third["tags"]),
        (&Value::Null, &json!(["ant", "zebra"]))
    );
    let fourth = changed(&server, &id, json!({ "removeTags": ["ant", "zebra"] })).await;
    assert_eq!((&fourth["tags"], &fourth["version"]), (&json!([]), &json!(4)));
}

#[tokio::test]
async fn every_rule_that_a_change_breaks_is_told_and_nothing_is_written() {
    let (server, id) = with_feedback().await;
    let tags = |count: usize| -> Vec<String> { (0..count).map(|tag| format!("tag {tag}")).collect() };
    for (change, expected) in [
        (json!({}), json!([[[], "NOTHING_TO_CHANGE"]])),
        (
            json!({ "addTags": [], "note": null }),
            json!([[[], "NOTHING_TO_CHANGE"]]),
        ),
        (json!({ "status": "OPEN" }), json!([[[], "NOTHING_TO_CHANGE"]])),
        (
            json!({ "removeTags": ["planted"] }),
            json!([[[], "NOTHING_TO_CHANGE"]]),
        ),
        (json!({ "note": "" }), json!([[[], "NOTHING_TO_CHANGE"]])),
        (json!({ "addTags": tags(17) }), json!([[["addTags"], "TOO_MANY"]])),
        (
            json!({ "expectedVersion": 1, "status": "RESOLVED" }),
            json!([[["expectedVersion"], "VERSION_CONFLICT"]]),
        ),
        (
            json!({
                "expectedVersion": -1,
                "addTags": ["same", "\u{200b}", "planted\u{7}"],
                "removeTags": [" same ", "x".repeat(65)],
                "note": "é".repeat(2_001),
            }),
            json!([
                [["expectedVersion"], "OUT_OF_RANGE"],
                [["addTags", "1"], "BLANK"],
                [["addTags", "2"], "CONTROL_CHARACTER"],
                [["removeTags", "1"], "TOO_LONG"],
                [["removeTags", "0"], "CONTRADICTION"],
                [["note"], "TOO_LONG"],
            ]),
        ),
    ] {
        let payload = triage(&server, &id, change.clone()).await;
        let errors = payload["userErrors"].as_array().unwrap().iter();
        let errors: Vec<Value> = errors
            .map(|error| json!([error["field"], error["code"]]))
            .collect();
        assert_eq!(json!(errors), expected, "{change}");
    }
    let unknown = "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";
    for change in [
        json!({ "status": "RESOLVED" }),
        json!({ "addTags": ["a"], "removeTags": ["b"] }),
    ] {
        assert_eq!(
            refused(&server, unknown, change).await,
            ("NOT_FOUND".to_owned(), Value::Null)
        );
    }
    let input = json!({ "id": "1234", "status": "RESOLVED" });
    let error = server.error(TRIAGE, json!({ "input": input })).await;
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
    let items = server.store.items().await;
    assert_eq!(
        (items.len(), &items[0]["version"]),
        (1, &Value::Null),
        "{items:?}"
    );
}

#[tokio::test]
async fn sixteen_tags_fit_however_they_are_added() {
    let (server, id) = with_feedback().await;
    let tags =
        |range: std::ops::Range<usize>| -> Vec<String> { range.map(|tag| format!("{tag:02}")).collect() };
    changed(&server, &id, json!({ "addTags": tags(0..15) })).await;
    // Fourteen of these are there: whether all fit depends on which they are.
    let triage = changed(&server, &id, json!({ "addTags": tags(1..16) })).await;
    assert_eq!(
        (&triage["tags"], &triage["version"]),
        (&json!(tags(0..16)), &json!(2))
    );
    let (code, shown) = refused(&server, &id, json!({ "addTags": ["another"] })).await;
    assert_eq!((code.as_str(), &shown["version"]), ("TOO_MANY", &json!(2)));
    let triage = changed(&server, &id, json!({ "addTags": ["16"], "removeTags": ["00"] })).await;
    assert_eq!(triage["tags"], json!(tags(1..17)));
}

#[tokio::test]
async fn a_conflict_shows_what_is_there_now_without_another_request() {
    let (server, id) = with_feedback().await;
    changed(&server, &id, json!({ "status": "RESOLVED", "note": "planted" })).await;
    let input = json!({ "id": id, "expectedVersion": 0, "status": "IN_PROGRESS" });
    let (answer, requests) = server.store.counted(TRIAGE, json!({ "input": input })).await;
    let payload = &answer["data"]["triageFeedback"];
    assert_eq!(payload["userErrors"][0]["code"], "VERSION_CONFLICT");
    assert_eq!(
        payload["userErrors"][0]["message"],
        "must be the current version, 1"
    );
    let triage = &payload["feedback"]["triage"];
    assert_eq!(
        (&triage["status"], &triage["note"]),
        (&json!("RESOLVED"), &json!("planted"))
    );
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn of_fifty_writers_at_once_one_wins_each_version_and_all_others_see_what_it_did() {
    let (server, id) = with_feedback().await;
    for version in 0..4 {
        let writers = (0..50).map(|writer| {
            let change = json!({ "expectedVersion": version, "note": format!("planted {version} {writer}") });
            triage(&server, &id, change)
        });
        let payloads = join_all(writers).await;
        let (won, lost): (Vec<Value>, Vec<Value>) = payloads
            .into_iter()
            .partition(|payload| payload["userErrors"] == json!([]));
        assert_eq!(won.len(), 1);
        for payload in lost {
            assert_eq!(payload["userErrors"][0]["code"], "VERSION_CONFLICT");
            assert_eq!(payload["feedback"], won[0]["feedback"]);
        }
        assert_eq!(won[0]["feedback"]["triage"]["version"], version + 1);
    }
}

#[tokio::test]
async fn without_a_version_tags_of_all_writers_are_kept() {
    let (server, id) = with_feedback().await;
    // Some of them remove at the same time, which takes a look at what is there.
    changed(
        &server,
        &id,
        json!({ "addTags": ["old 0", "old 1", "old 2", "old 3"] }),
    )
    .await;
    let writers = (0..12).map(|writer| {
        let mut change = json!({ "addTags": [format!("new {writer:02}")] });
        if writer < 4 {
            change["removeTags"] = json!([format!("old {writer}")]);
        }
        triage(&server, &id, change)
    });
    for payload in join_all(writers).await {
        assert_eq!(payload["userErrors"], json!([]), "{payload}");
    }
    let data = server.data(READ, json!({ "id": id })).await;
    let expected: Vec<String> = (0..12).map(|writer| format!("new {writer:02}")).collect();
    assert_eq!(data["feedback"]["triage"]["tags"], json!(expected));
    assert_eq!(data["feedback"]["triage"]["version"], 13);
}

#[tokio::test]
async fn twenty_changes_in_one_operation_leave_each_other_alone() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(
            server
                .store
                .submit(&format!("planted {number}"), NOW + number)
                .await
                .id
                .to_string(),
        );
    }
    changed(&server, &ids[7], json!({ "status": "IN_PROGRESS" })).await;
    let change = |(number, id): (usize, &String)| {
        format!(
            "f{number}: triageFeedback(input: {{ id: \"{id}\", expectedVersion: 0, status: RESOLVED }}) {{
                feedback {{ triage {{ status }} }} userErrors {{ code }}
            }}"
        )
    };
    let changes: Vec<String> = ids.iter().enumerate().map(change).collect();
    let data = server
        .data(&format!("mutation {{ {} }}", changes.join(" ")), json!({}))
        .await;
    for number in 0..20 {
        let expected = if number == 7 {
            json!({ "feedback": { "triage": { "status": "IN_PROGRESS" } }, "userErrors": [{ "code": "VERSION_CONFLICT" }] })
        } else {
            json!({ "feedback": { "triage": { "status": "RESOLVED" } }, "userErrors": [] })
        };
        assert_eq!(data[format!("f{number}")], expected, "{number}");
    }
}

/// A server that lets in anonymous callers and one who may read.
async fn guarded() -> (Server, NewKey) {
    let key = make_key("reader", &[Scope::Read]).unwrap();
    let keys = format!("{{\"keys\": [{}]}}", key.entry);
    let source = Arc::new(move || {
        let keys = keys.clone();
        Box::pin(async move { Ok(keys) }) as _
    });
    let access = Authenticator::Guarded(Some(ApiKeys::new(source, Clock::System)));
    let server = Server::guarded(Store::new().await, http::Options::default(), access).await;
    (server, key)
}

#[tokio::test]
async fn triage_is_for_those_who_may_read_and_never_changes_what_a_retry_of_the_submission_gets() {
    let (server, reader) = guarded().await;
    let submit = json!({
        "query": "mutation($input: SubmitFeedbackInput!) {
            submitFeedback(input: $input) { replayed feedback { id message triage { status version } } }
        }",
        "variables": { "input": { "message": "planted", "idempotencyKey": "planted-key" } },
    });
    let post = |body: &Value| server.request("POST", "/graphql").json(body);
    let first = server.send(post(&submit)).await.json()["data"]["submitFeedback"].take();
    assert_eq!(first["feedback"]["triage"], Value::Null);
    let id = first["feedback"]["id"].as_str().unwrap();
    let stored = server.store.items().await;
    let change = TriageChange::new(None, Some(Status::Resolved), &[], &[], None);
    server
        .store
        .triage(FeedbackId::parse(id).unwrap(), &change.unwrap())
        .await;
    server.at_later_time();
    let again = server.send(post(&submit)).await.json()["data"]["submitFeedback"].take();
    assert_eq!(again, json!({ "replayed": true, "feedback": first["feedback"] }));
    let with_key = post(&submit).header("authorization", format!("Bearer {}", reader.token));
    let shown = server.send(with_key).await.json()["data"]["submitFeedback"].take();
    assert_eq!(
        shown["feedback"]["triage"],
        json!({ "status": "RESOLVED", "version": 1 })
    );
    let mut item = server.store.items().await.remove(0);
    for name in ["version", "triagedAt", "triagedBy"] {
        item.as_object_mut().unwrap().remove(name).unwrap();
    }
    item["status"] = json!("OPEN");
    assert_eq!(item, stored[0], "all else is as it was");
    // Who may read may not change.
    let change = json!({ "query": TRIAGE, "variables": { "input": { "id": id, "status": "OPEN" } } });
    let refused = post(&change).header("authorization", format!("Bearer {}", reader.token));
    let refused = server.send(refused).await.json();
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn feedback_from_before_triage_has_none_until_it_is_changed() {
    let server = Server::start().await;
    let id = "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";
    let put = server.store.client.put_item().table_name(TABLE);
    let put = put
        .item("feedbackId", AttributeValue::S(id.to_owned()))
        .item("feedback", AttributeValue::S("planted".to_owned()))
        .item("timestamp", AttributeValue::N("1772357400".to_owned()));
    put.send().await.unwrap();
    let data = server.data(READ, json!({ "id": id })).await;
    assert_eq!(data["feedback"], json!({ "triage": null }));
    let conflict = refused(&server, id, json!({ "expectedVersion": 1, "status": "OPEN" })).await;
    assert_eq!(conflict, ("VERSION_CONFLICT".to_owned(), Value::Null));
    let triage = changed(&server, id, json!({ "expectedVersion": 0, "addTags": ["found"] })).await;
    assert_eq!(
        (&triage["status"], &triage["tags"], &triage["version"]),
        (&json!("OPEN"), &json!(["found"]), &json!(1))
    );
}

#[tokio::test]
async fn a_status_of_a_later_version_of_the_service_hides_the_triage_and_not_the_feedback() {
    let (server, id) = with_feedback().await;
    let update = server.store.client.update_item().table_name(TABLE);
    let update = update
        .key("feedbackId", AttributeValue::S(id.clone()))
        .update_expression("SET #status = :status")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":status", AttributeValue::S("POSTPONED".to_owned()));
    update.send().await.unwrap();
    let data = server
        .data("{ feedbacks { nodes { message triage { status } } } }", json!({}))
        .await;
    assert_eq!(
        data["feedbacks"]["nodes"],
        json!([{ "message": "planted", "triage": null }])
    );
}

/// A server whose way to its engine can be made to fail, with feedback in it.
async fn faulty() -> (Server, Network, String) {
    let store = Store::new().await;
    let network = Network::to(&store.engine.endpoint()).await;
    let repository = on(&connect_without_account(&network.endpoint), 1).await;
    let server = Server::with(Store { repository, ..store }, http::Options::default()).await;
    let id = server.store.submit("planted", NOW).await.id.to_string();
    (server, network, id)
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_made_once_and_is_a_success() {
    for change in [
        json!({ "status": "RESOLVED" }),
        json!({ "expectedVersion": 1, "addTags": ["planted"], "note": "planted" }),
        json!({ "addTags": ["planted"], "removeTags": ["old"] }),
        json!({ "note": "" }),
    ] {
        let (server, network, id) = faulty().await;
        changed(&server, &id, json!({ "addTags": ["old"], "note": "planted old" })).await;
        server.at_later_time();
        for fault in [Fault::ResetAfter, Fault::CloseAfter, Fault::Truncate] {
            let mut change = change.clone();
            let before = server.data(READ, json!({ "id": id })).await["feedback"]["triage"].take();
            if change.get("expectedVersion").is_some() {
                change["expectedVersion"] = before["version"].clone();
            }
            // A read comes first where tags are both added and removed.
            if change.get("removeTags").is_some() {
                network.fail_once(Fault::CloseIdle);
            }
            network.fail_once(fault);
            let triage = changed(&server, &id, change).await;
            assert_eq!(
                triage["version"],
                before["version"].as_u64().unwrap() + 1,
                "{fault:?}"
            );
            let undo = json!({ "status": "OPEN", "removeTags": ["planted"], "addTags": ["old"], "note": "planted old" });
            changed(&server, &id, undo).await;
            server.at_later_time();
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    status: usize,
    tags: BTreeSet<usize>,
    note: usize,
    version: u64,
}

#[derive(Debug, Clone)]
struct Change {
    expected: Option<bool>,
    status: Option<usize>,
    add: BTreeSet<usize>,
    remove: BTreeSet<usize>,
    note: Option<usize>,
}

const STATUSES: [&str; 3] = ["OPEN", "IN_PROGRESS", "RESOLVED"];
const NOTES: [&str; 3] = ["", "planted one", "planted two"];

impl Model {
    /// What becomes of it, or the code of the error.
    fn after(&self, change: &Change) -> Result<Self, &'static str> {
        let mut next = self.clone();
        if !change.add.is_disjoint(&change.remove) {
            return Err("CONTRADICTION");
        }
        if change.status.is_none()
            && change.note.is_none()
            && change.add.is_empty()
            && change.remove.is_empty()
        {
            return Err("NOTHING_TO_CHANGE");
        }
        if change.expected == Some(false) {
            return Err("VERSION_CONFLICT");
        }
        next.status = change.status.unwrap_or(self.status);
        next.note = change.note.unwrap_or(self.note);
        next.tags.extend(&change.add);
        next.tags.retain(|tag| !change.remove.contains(tag));
        if next == *self {
            return Err("NOTHING_TO_CHANGE");
        }
        if next.tags.len() > 16 {
            return Err("TOO_MANY");
        }
        next.version += 1;
        Ok(next)
    }

    fn shown(&self) -> Value {
        let tags: BTreeSet<String> = self.tags.iter().map(|tag| format!("tag {tag}")).collect();
        let note = Some(NOTES[self.note]).filter(|note| !note.is_empty());
        json!({ "status": STATUSES[self.status], "tags": tags, "note": note, "version": self.version })
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    let tags = || prop::collection::btree_set(0..20_usize, 0..12);
    let few = || prop_oneof![2 => Just(BTreeSet::new()), 1 => tags()];
    let change = (
        prop::option::weighted(0.4, prop::bool::weighted(0.8)),
        prop::option::of(0..3_usize),
        prop_oneof![tags(), few()],
        few(),
        prop::option::weighted(0.3, 0..3_usize),
    );
    change.prop_map(|(expected, status, add, remove, note)| Change {
        expected,
        status,
        add,
        remove,
        note,
    })
}

#[test]
fn any_changes_one_after_the_other_do_what_a_model_of_them_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, _) = runtime.block_on(with_feedback());
    let mut runner = TestRunner::new(Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let changes = prop::collection::vec(any_change(), 1..20);
    let checked = runner.run(&changes, |changes| {
        runtime.block_on(async {
            let id = server.store.submit("planted", NOW).await.id.to_string();
            let mut model = Model::default();
            for change in changes {
                let tags = |tags: &BTreeSet<usize>| -> Vec<String> {
                    tags.iter().map(|tag| format!("tag {tag}")).collect()
                };
                let version = |is_right: bool| {
                    if is_right {
                        model.version
                    } else {
                        model.version + 1
                    }
                };
                let input = json!({
                    "expectedVersion": change.expected.map(version),
                    "status": change.status.map(|status| STATUSES[status]),
                    "addTags": tags(&change.add),
                    "removeTags": tags(&change.remove),
                    "note": change.note.map(|note| NOTES[note]),
                });
                let payload = triage(&server, &id, input).await;
                match model.after(&change) {
                    Ok(next) => {
                        assert_eq!(payload["userErrors"], json!([]), "{change:?} {model:?}");
                        model = next;
                    }
                    Err(code) => assert_eq!(payload["userErrors"][0]["code"], code, "{change:?} {model:?}"),
                }
                let mut data = server.data(READ, json!({ "id": id })).await;
                let shown = data["feedback"]["triage"].as_object_mut().unwrap();
                shown.retain(|name, _| !name.starts_with("updated"));
                assert_eq!(json!(shown), model.shown());
                server.at_later_time();
            }
        });
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

/// An expired item cannot be triaged, though DynamoDB still has it.
#[tokio::test]
async fn expired_feedback_is_not_found() {
    let (server, id) = with_feedback().await;
    let update = server.store.client.update_item().table_name(TABLE);
    let update = update
        .key("feedbackId", AttributeValue::S(id.clone()))
        .update_expression("SET expiresAt = :now")
        .expression_attribute_values(":now", AttributeValue::N((NOW / 1_000).to_string()));
    update.send().await.unwrap();
    for change in [
        json!({ "status": "RESOLVED" }),
        json!({ "addTags": ["a"], "removeTags": ["b"] }),
    ] {
        assert_eq!(refused(&server, &id, change).await.0, "NOT_FOUND");
    }
}
