//! Nothing that was acknowledged is lost, and nothing is stored twice, whatever the network and DynamoDB do.
//! The table of faults in docs/reliability.md stands on these tests.

use std::sync::Arc;
use std::time::Duration;

use feedback_graphql::http;
use feedback_graphql::repository::connect_without_account;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::events::{EventKind, HttpAnswer, HttpCall, event};
use crate::support::faulty::{Fault, Network};
use crate::support::lambda::{Lambda, Options};
use crate::support::proxy::{self, Fate};
use crate::support::{Answer, NOW, Server, Store, TABLE, logs, on};

const SUBMIT: &str =
    "mutation($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { feedback { id } replayed } }";
const TRIAGE: &str = "mutation($input: TriageFeedbackInput!) {
    triageFeedback(input: $input) { feedback { triage { status version } } userErrors { code } }
}";
const READ: &str =
    "{ feedbacks { nodes { message } } feedback(id: \"0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90\") { id } }";

/// Longer than one attempt may take.
const TOO_LONG: Duration = Duration::from_secs(3);

/// A server whose way to its engine can be made to fail.
async fn faulty() -> (Server, Network) {
    let store = Store::new().await;
    let network = Network::to(&store.engine.endpoint()).await;
    let repository = on(&connect_without_account(&network.endpoint), 1).await;
    let store = Store { repository, ..store };
    (Server::with(store, http::Options::default()).await, network)
}

async fn post(server: &Server, query: &str, input: Value) -> Answer {
    let body = json!({ "query": query, "variables": { "input": input } });
    server.send(server.request("POST", "/graphql").json(&body)).await
}

/// Makes feedback, and changes of its triage: of the version that it has, and of any version.
async fn feedback_to_change(server: &Server) -> [Value; 2] {
    let mut changes = [json!({ "expectedVersion": 0 }), json!({})];
    for change in &mut changes {
        change["id"] = json!(server.store.submit("planted", NOW).await.id.to_string());
        change["status"] = json!("RESOLVED");
    }
    changes
}

/// The triage of feedback that one change has resolved.
fn resolved_once() -> Value {
    json!({ "status": "RESOLVED", "version": 1 })
}

/// How often each piece of feedback has been changed, as the table has it.
async fn versions(server: &Server) -> Vec<u64> {
    let items = server.store.items().await;
    items
        .iter()
        .map(|item| item["version"].as_u64().unwrap_or_default())
        .collect()
}

/// A fault that passes: the caller notices nothing, and the feedback or the change is there exactly once.
async fn passes(fault: Fault) {
    for input in [
        json!({ "message": "planted" }),
        json!({ "message": "planted", "idempotencyKey": "planted-key" }),
    ] {
        let (server, network) = faulty().await;
        network.fail_once(fault);
        let answer = post(&server, SUBMIT, input).await;
        let payload = answer.json()["data"]["submitFeedback"].take();
        let items = server.store.items().await;
        assert_eq!(items.len(), 1, "{fault:?}: {answer:?}");
        assert_eq!(
            payload["feedback"]["id"], items[0]["feedbackId"],
            "{fault:?}: {answer:?}"
        );
        assert_eq!(payload["replayed"], false, "{fault:?}");

        network.fail_once(fault);
        let answer = post(&server, READ, Value::Null).await.json();
        assert_eq!(
            answer["data"]["feedbacks"]["nodes"][0]["message"], "planted",
            "{fault:?}: {answer}"
        );
    }
    let (server, network) = faulty().await;
    for change in feedback_to_change(&server).await {
        network.fail_once(fault);
        let answer = post(&server, TRIAGE, change).await.json();
        let made = json!({ "feedback": { "triage": resolved_once() }, "userErrors": [] });
        assert_eq!(answer["data"]["triageFeedback"], made, "{fault:?}: {answer}");
    }
    assert_eq!(versions(&server).await, [1, 1], "{fault:?}");
}

/// A fault that stays: the caller is told so, and what was not acknowledged is there at most once, also when it is
/// asked for again.
async fn stays(fault: Fault, status: u16, code: &str) {
    let told = |answer: &Answer| {
        let body = answer.json();
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (status, Some("1")),
            "{fault:?}: {body}"
        );
        assert_eq!(body["errors"][0]["extensions"]["code"], code, "{fault:?}");
        assert_eq!(body.get("data"), None, "{fault:?}");
    };
    let (server, network) = faulty().await;
    network.fail_always(Some(fault));
    let input = json!({ "message": "planted", "idempotencyKey": "planted-key" });
    for query in [SUBMIT, READ] {
        told(&post(&server, query, input.clone()).await);
    }
    assert!(server.store.items().await.len() <= 1, "{fault:?}");
    network.fail_always(None);
    let answer = post(&server, SUBMIT, input).await;
    let items = server.store.items().await;
    assert_eq!(items.len(), 1, "{fault:?}");
    assert_eq!(
        answer.json()["data"]["submitFeedback"]["feedback"]["id"],
        items[0]["feedbackId"],
        "{fault:?}"
    );

    let (server, network) = faulty().await;
    let changes = feedback_to_change(&server).await;
    network.fail_always(Some(fault));
    for answer in join_all(changes.iter().map(|change| post(&server, TRIAGE, change.clone()))).await {
        told(&answer);
    }
    let made = versions(&server).await;
    assert!(made == [0, 0] || made == [1, 1], "{fault:?}: {made:?}");
    network.fail_always(None);
    server.at_later_time();
    for (change, code) in changes.into_iter().zip(["VERSION_CONFLICT", "NOTHING_TO_CHANGE"]) {
        // Where it had been made, it is made no second time, and the answer shows it.
        let errors = if made[0] == 1 {
            json!([{ "code": code }])
        } else {
            json!([])
        };
        let expected = json!({ "feedback": { "triage": resolved_once() }, "userErrors": errors });
        let answer = post(&server, TRIAGE, change).await.json();
        assert_eq!(answer["data"]["triageFeedback"], expected, "{fault:?}: {answer}");
    }
    assert_eq!(versions(&server).await, [1, 1], "{fault:?}");
}

#[tokio::test]
async fn a_connection_reset_before_the_write() {
    passes(Fault::ResetBefore).await;
    stays(Fault::ResetBefore, 503, "SERVICE_UNAVAILABLE").await;
}

#[tokio::test]
async fn a_connection_reset_after_the_write() {
    passes(Fault::ResetAfter).await;
    stays(Fault::ResetAfter, 503, "SERVICE_UNAVAILABLE").await;
}

#[tokio::test]
async fn an_answer_dropped_after_the_write() {
    passes(Fault::CloseAfter).await;
    stays(Fault::CloseAfter, 503, "SERVICE_UNAVAILABLE").await;
}

#[tokio::test]
async fn a_truncated_answer() {
    passes(Fault::Truncate).await;
    stays(Fault::Truncate, 503, "SERVICE_UNAVAILABLE").await;
}

#[tokio::test]
async fn a_connection_closed_while_idle() {
    passes(Fault::CloseIdle).await;
}

#[tokio::test]
async fn a_slow_answer() {
    passes(Fault::Delay(Duration::from_millis(500))).await;
    passes(Fault::Delay(TOO_LONG)).await;
}

#[tokio::test]
async fn an_answer_that_never_comes() {
    passes(Fault::Silence).await;
    stays(Fault::Silence, 503, "SERVICE_UNAVAILABLE").await;
}

#[tokio::test]
async fn trouble_of_dynamodb_itself() {
    passes(Fault::Refuse(500, "InternalServerError")).await;
    stays(
        Fault::Refuse(500, "InternalServerError"),
        503,
        "SERVICE_UNAVAILABLE",
    )
    .await;
    stays(
        Fault::Refuse(503, "ServiceUnavailable"),
        503,
        "SERVICE_UNAVAILABLE",
    )
    .await;
}

#[tokio::test]
async fn throttling_in_each_of_its_spellings() {
    for code in [
        "ThrottlingException",
        "Throttling",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
    ] {
        passes(Fault::Refuse(400, code)).await;
        stays(Fault::Refuse(400, code), 429, "TOO_MANY_REQUESTS").await;
    }
}

/// Puts feedback aside or releases it.
async fn set_aside(server: &Server, field: &str, id: &str) -> Answer {
    let query = format!(
        "mutation {{ {field}(input: {{ id: \"{id}\" }}) {{
            feedback {{ quarantine {{ reasons }} }} userErrors {{ code }}
        }} }}"
    );
    post(server, &query, Value::Null).await
}

/// How many pieces are listed, are counted in statistics, and are in quarantine.
async fn numbers(server: &Server) -> Value {
    let query = "{
        feedbacks { count { value } }
        feedbackStatistics(from: \"2026-03-01\", to: \"2026-03-01\") { total }
        quarantinedFeedbacks { count { value } }
    }";
    let data = post(server, query, Value::Null).await.json()["data"].take();
    json!([
        data["feedbacks"]["count"]["value"],
        data["feedbackStatistics"]["total"],
        data["quarantinedFeedbacks"]["count"]["value"],
    ])
}

/// Whichever of its requests meets the fault: the reads of the item and of the tally, or the transaction.
#[tokio::test]
async fn putting_aside_and_releasing_under_faults_is_done_once_or_not_at_all() {
    let changes = [
        (
            "quarantineFeedback",
            json!({ "reasons": ["BY_STAFF"] }),
            json!([0, 0, 1]),
        ),
        ("releaseFeedback", Value::Null, json!([1, 1, 0])),
    ];
    for (fault, status) in [
        (Fault::ResetBefore, 503),
        (Fault::ResetAfter, 503),
        (Fault::Truncate, 503),
        (Fault::Silence, 503),
        (Fault::Refuse(500, "InternalServerError"), 503),
        (Fault::Refuse(400, "ThrottlingException"), 429),
    ] {
        let (server, network) = faulty().await;
        let id = server.store.submit("planted", NOW).await.id.to_string();
        // The day is counted: what happens to the piece has to change the counts.
        server.at_later_time();
        assert_eq!(numbers(&server).await, json!([1, 1, 0]));
        for place in 0..3 {
            for (field, quarantine, expected) in &changes {
                for _ in 0..place {
                    network.fail_once(Fault::Delay(Duration::ZERO));
                }
                network.fail_once(fault);
                let answer = set_aside(&server, field, &id).await.json();
                let feedback = json!({ "quarantine": quarantine });
                let made = json!({ "feedback": feedback, "userErrors": [] });
                assert_eq!(answer["data"][field], made, "{fault:?} {place}: {answer}");
                assert_eq!(numbers(&server).await, *expected, "{fault:?} {place}");
            }
        }
        for (field, quarantine, expected) in &changes {
            network.fail_always(Some(fault));
            let answer = set_aside(&server, field, &id).await;
            assert_eq!(
                (answer.status, answer.header("retry-after")),
                (status, Some("1")),
                "{fault:?}"
            );
            network.fail_always(None);
            let answer = set_aside(&server, field, &id).await.json();
            let feedback = &answer["data"][field]["feedback"];
            assert_eq!(*feedback, json!({ "quarantine": quarantine }), "{fault:?}");
            assert_eq!(numbers(&server).await, *expected, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn one_field_that_fails_leaves_the_others_alone() {
    let (server, network) = faulty().await;
    let id = server.store.submit("planted", NOW).await.id;
    // The two reads go out at once: one of them meets the fault, with every try.
    for _ in 0..3 {
        network.fail_once(Fault::Refuse(400, "ValidationException"));
    }
    let query = format!(
        "{{ a: feedback(id: \"{id}\") {{ message }} b: feedbacks {{ nodes {{ message }} }} c: __typename }}"
    );
    let body = post(&server, &query, Value::Null).await.json();
    assert_eq!(body["data"]["c"], "Query");
    assert!(body["errors"][0]["path"].is_array(), "{body}");
}

#[tokio::test]
async fn an_answer_leaves_before_the_function_is_killed() {
    let store = Store::new().await;
    let network = Network::to(&store.engine.endpoint()).await;
    let options = Options::new(&network.endpoint, TABLE).with_time(Duration::from_millis(1_500));
    let lambda = Lambda::start(options).await;
    network.fail_always(Some(Fault::Silence));
    let input = json!({ "message": "planted", "idempotencyKey": "planted-key" });
    let graphql = HttpCall::post_json(
        "/graphql",
        &json!({ "query": SUBMIT, "variables": { "input": input } }),
    );
    let plain = HttpCall::post_json("/feedback", &json!({ "feedback": "planted" }));
    for call in [&graphql, &plain] {
        let answer = lambda.call(EventKind::HttpApi, call).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        // Said only where the deadline was what ended it, and not the operation's own, later one.
        assert!(answer.json().to_string().contains("the request timed out"));
    }
    let id = store.submit("planted", NOW).await.id.to_string();
    let change = json!({ "id": id, "expectedVersion": 0, "status": "RESOLVED" });
    let body = json!({ "query": TRIAGE, "variables": { "input": change } });
    let mut staff = event(EventKind::HttpApi, &HttpCall::post_json("/staff/graphql", &body));
    let claims = json!({ "sub": "sam", "scope": "feedback:manage" });
    staff["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
    let triage = async || HttpAnswer::parse(EventKind::HttpApi, &lambda.invoke(staff.clone()).await.unwrap());
    let answer = triage().await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));

    network.fail_always(None);
    let answer = lambda.call(EventKind::HttpApi, &graphql).await.json();
    assert_eq!(answer["data"]["submitFeedback"]["replayed"], true, "{answer}");
    let answer = triage().await.json();
    let expected =
        json!({ "feedback": { "triage": resolved_once() }, "userErrors": [{ "code": "VERSION_CONFLICT" }] });
    assert_eq!(answer["data"]["triageFeedback"], expected, "{answer}");
}

#[tokio::test]
async fn an_error_is_logged_once_and_without_what_request_and_response_hold() {
    let kind = |name: &str| format!("com.amazonaws.dynamodb.v20120810#{name}");
    let item = json!({
        "feedbackId": { "S": "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90" }, "feedback": { "S": "planted" }, "timestamp": { "N": "0" },
    });
    for (status, answer, expected) in [
        (
            400,
            json!({ "__type": kind("ResourceNotFoundException"), "message": "no table", "Item": item }),
            "DynamoDB answered ResourceNotFoundException: no table",
        ),
        (
            400,
            json!({ "__type": kind("ConditionalCheckFailedException"), "message": "no", "Item": item }),
            "is another feedback's",
        ),
        (
            200,
            json!({ "Attributes": ["planted"] }),
            "DynamoDB's response with HTTP status 200 cannot be read",
        ),
    ] {
        let store = Store::new().await;
        let decide = move |operation: &str, input: Value| match operation {
            "PutItem" => Fate::Answer(status, answer.clone()),
            _ => Fate::PassAndMend(input, Box::new(|answer| answer)),
        };
        let endpoint = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
        let lambda = Lambda::start(Options::new(&endpoint, TABLE)).await;
        let body = json!({ "query": SUBMIT, "variables": { "input": { "message": "planted" } } });
        let answer = lambda
            .call(EventKind::HttpApi, &HttpCall::post_json("/graphql", &body))
            .await;
        assert_eq!(
            answer.json()["errors"][0]["extensions"]["code"],
            "INTERNAL_SERVER_ERROR"
        );
        lambda.log_line("\"status\"").await;
        let lines = lambda.logs();
        let errors: Vec<&String> = lines
            .iter()
            .filter(|line| line.contains("\"level\":\"ERROR\""))
            .collect();
        let times = errors
            .iter()
            .map(|line| line.matches(expected).count())
            .sum::<usize>();
        assert_eq!((errors.len(), times), (1, 1), "{errors:?}");
        logs::check_lines(&lines);
    }
}
