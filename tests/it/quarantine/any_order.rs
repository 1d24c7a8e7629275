//! Whatever is submitted, put aside, released, deleted and triaged in any order, listings, counts and statistics are those
//! of a list in memory.

use std::collections::BTreeMap;

use feedback_graphql::domain::Status;
use feedback_graphql::http::Options;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Server, Store};

/// The hours between two actions.
const HOURS: usize = 7;

const TOPICS: [&str; 2] = ["search", "checkout"];

#[derive(Debug, Clone)]
enum Action {
    Submit { is_trapped: bool, topic: Option<usize> },
    Quarantine(usize),
    Release(usize),
    Delete(usize),
    Triage(usize, Status),
}

fn any_action() -> impl Strategy<Value = Action> {
    let submit = (any::<bool>(), prop::option::of(0..TOPICS.len()));
    let one = 0..8_usize;
    prop_oneof![
        4 => submit.prop_map(|(is_trapped, topic)| Action::Submit { is_trapped, topic }),
        3 => one.clone().prop_map(Action::Quarantine),
        3 => one.clone().prop_map(Action::Release),
        1 => one.clone().prop_map(Action::Delete),
        1 => (one, prop::sample::select(Status::ALL)).prop_map(|(one, status)| Action::Triage(one, status)),
    ]
}

/// A piece of feedback as it has to be.
#[derive(Debug, Clone)]
struct Piece {
    id: String,
    day: String,
    topic: Option<&'static str>,
    status: Status,
    is_quarantined: bool,
    is_deleted: bool,
}

/// Does as a client would, and notes what has to come of it.
async fn act(server: &Server, pieces: &mut Vec<Piece>, action: Action) {
    let mutate = async |field: &str, input: Value| {
        let type_name = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
        let selection = "feedback { id submittedAt quarantine { reasons } } userErrors { code }";
        let query = format!("mutation($input: {type_name}!) {{ {field}(input: $input) {{ {selection} }} }}");
        let mut data = server.data(&query, json!({ "input": input })).await;
        data[field].take()
    };
    match action {
        Action::Submit { is_trapped, topic } => {
            let topic = topic.map(|topic| TOPICS[topic]);
            let trap = if is_trapped { "x" } else { "" };
            let input = json!({ "message": "x", "topic": topic, "trap": trap });
            let feedback = mutate("submitFeedback", input).await["feedback"].take();
            pieces.push(Piece {
                id: feedback["id"].as_str().unwrap().to_owned(),
                day: feedback["submittedAt"].as_str().unwrap()[..10].to_owned(),
                topic,
                status: Status::Open,
                is_quarantined: is_trapped,
                is_deleted: false,
            });
        }
        Action::Quarantine(one) | Action::Release(one) => {
            let Some(piece) = pieces.iter_mut().rev().nth(one) else {
                return;
            };
            let quarantines = matches!(action, Action::Quarantine(_));
            let field = if quarantines {
                "quarantineFeedback"
            } else {
                "releaseFeedback"
            };
            let payload = mutate(field, json!({ "id": piece.id })).await;
            if piece.is_deleted {
                let expected = json!({ "feedback": null, "userErrors": [{ "code": "NOT_FOUND" }] });
                assert_eq!(payload, expected);
                return;
            }
            piece.is_quarantined = quarantines;
            assert_eq!(payload["userErrors"], json!([]));
            assert_eq!(payload["feedback"]["id"], piece.id);
            assert_eq!(payload["feedback"]["quarantine"].is_object(), quarantines);
        }
        Action::Delete(one) => {
            let Some(piece) = pieces.iter_mut().rev().nth(one) else {
                return;
            };
            let query = "mutation($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }";
            server.data(query, json!({ "id": piece.id })).await;
            piece.is_deleted = true;
        }
        Action::Triage(one, status) => {
            let Some(piece) = pieces.iter_mut().rev().nth(one) else {
                return;
            };
            let change = json!({ "id": piece.id, "status": status.as_str() });
            mutate("triageFeedback", change).await;
            piece.status = status;
        }
    }
}

/// The ids of a listing, newest first, and its count.
async fn listed(server: &Server, listing: &str, filter: Value) -> (Vec<String>, Value) {
    let query = format!(
        "query($filter: FeedbackFilter) {{
            {listing}(first: 100, filter: $filter) {{ nodes {{ id }} count {{ value isExact }} }}
        }}"
    );
    let data = server.data(&query, json!({ "filter": filter })).await;
    let nodes = data[listing]["nodes"].as_array().unwrap().iter();
    let ids = nodes.map(|node| node["id"].as_str().unwrap().to_owned());
    (ids.collect(), data[listing]["count"].clone())
}

/// Checks that the service says of all pieces what the list does.
async fn check(server: &Server, pieces: &[Piece]) {
    for (listing, is_quarantined) in [("feedbacks", false), ("quarantinedFeedbacks", true)] {
        let held = |holds: &dyn Fn(&Piece) -> bool| -> Vec<String> {
            let held = pieces
                .iter()
                .rev()
                .filter(|piece| !piece.is_deleted && piece.is_quarantined == is_quarantined && holds(piece));
            held.map(|piece| piece.id.clone()).collect()
        };
        for (filter, expected) in [
            (json!({}), held(&|_| true)),
            (
                json!({ "topic": "search" }),
                held(&|piece| piece.topic == Some("search")),
            ),
            (
                json!({ "status": "RESOLVED" }),
                held(&|piece| piece.status == Status::Resolved),
            ),
        ] {
            let (found, count) = listed(server, listing, filter.clone()).await;
            assert_eq!(found, expected, "{listing} {filter}");
            assert_eq!(count, json!({ "value": expected.len(), "isExact": true }));
        }
    }
    let query = "{ feedbackStatistics(from: \"2026-03-01\", to: \"2026-04-01\") {
        total isComplete days { date total } topics { topic count }
    } }";
    let statistics = server.data(query, json!({})).await["feedbackStatistics"].take();
    let (mut days, mut topics) = (BTreeMap::<&str, u64>::new(), BTreeMap::<Option<&str>, u64>::new());
    let counted = pieces
        .iter()
        .filter(|piece| !piece.is_deleted && !piece.is_quarantined);
    for piece in counted.clone() {
        *days.entry(&piece.day).or_default() += 1;
        *topics.entry(piece.topic).or_default() += 1;
    }
    assert_eq!(statistics["isComplete"], true);
    assert_eq!(statistics["total"], counted.count());
    for day in statistics["days"].as_array().unwrap() {
        let expected = days.get(day["date"].as_str().unwrap()).copied();
        assert_eq!(day["total"], expected.unwrap_or_default(), "{day}");
    }
    for topic in statistics["topics"].as_array().unwrap() {
        let expected = topics.remove(&topic["topic"].as_str());
        assert_eq!(topic["count"], expected.unwrap_or_default(), "{topic}");
    }
    assert_eq!(topics, BTreeMap::new());
}

async fn play(actions: Vec<(Action, bool)>) {
    let server = Server::with(Store::with_shards(2).await, Options::default()).await;
    let mut pieces = Vec::new();
    for (action, is_checked) in actions {
        act(&server, &mut pieces, action).await;
        // So that several days are counted.
        for _ in 0..HOURS {
            server.at_later_time();
        }
        if is_checked {
            check(&server, &pieces).await;
        }
    }
    check(&server, &pieces).await;
}

#[test]
fn in_whatever_order_feedback_is_put_aside_released_and_deleted_listings_and_counts_are_those_of_a_list() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 16,
        max_shrink_iters: 50,
        failure_persistence: None,
        ..Config::default()
    });
    let actions = prop::collection::vec((any_action(), prop::bool::weighted(0.2)), 1..25);
    let checked = runner.run(&actions, |actions| {
        // Each assertion that fails is a panic, which the runner takes for a failed case.
        runtime.block_on(play(actions));
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}
