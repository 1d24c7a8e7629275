//! Others at work on the same table.

use std::sync::Arc;
use std::time::Duration;

use feedback_graphql::http::Options;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::{LONG_AGO, backfill, handle, handle_many, ids, is_backfilled, items, listed};
use crate::support::proxy::{self, Fate};
use crate::support::{NOW, Server, Store};

#[tokio::test]
async fn what_is_deleted_backfilled_or_changed_after_it_was_found_is_skipped() {
    let store = Store::new().await;
    let earlier = handle(&store.client, "backfilled meanwhile", LONG_AGO).await;
    backfill(&store.engine.endpoint(), &["--write"]).await;
    let left = handle(&store.client, "left", LONG_AGO).await;
    let changed = handle(&store.client, "changed meanwhile", LONG_AGO).await;
    let deleted = Uuid::new_v4().to_string();
    // Every scan finds what was there a moment ago.
    let found = [(&earlier, 0), (&deleted, 0), (&left, 0), (&changed, 1)].map(|(id, before)| {
        let seconds = (LONG_AGO - before).to_string();
        json!({ "feedbackId": { "S": id }, "timestamp": { "N": seconds } })
    });
    let decide = move |operation: &str, input: Value| {
        let finds = operation == "Scan" && !input["FilterExpression"].as_str().unwrap().contains("NOT (");
        let found = finds.then(|| json!(found));
        let mend = move |mut answer: Value| {
            if let Some(found) = found {
                answer["Items"] = found;
            }
            answer
        };
        Fate::PassAndMend(input, Box::new(mend))
    };
    let endpoint = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    let before = items(&store).await;
    let said = backfill(&endpoint, &["--write"]).await;
    assert!(
        said.ends_with(
            "\n1 item backfilled.\n3 items skipped: backfilled, changed or deleted in the meantime.\n"
        ),
        "{said}"
    );
    let mut after = items(&store).await;
    assert!(is_backfilled(&after[&left]));
    after.insert(left.clone(), before[&left].clone());
    assert_eq!(
        after, before,
        "nothing else is touched, and nothing has come back"
    );
}

#[tokio::test]
async fn service_and_original_handler_go_on_while_items_are_backfilled() {
    let server = Server::with(Store::with_shards(2).await, Options::default()).await;
    let store = &server.store;
    let old = handle_many(&store.client, 150).await;
    let endpoint = store.engine.endpoint();
    let run = backfill(&endpoint, &["--write", "--rate", "150"]);
    let service = async {
        let mut submitted = Vec::new();
        for number in 0..40 {
            submitted.push(
                store
                    .submit(&format!("new {number}"), NOW + number)
                    .await
                    .id
                    .to_string(),
            );
            // Both what is backfilled by now and what is not.
            let query = "mutation($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }";
            let id = &old[usize::try_from(number).unwrap()];
            server.data(query, json!({ "id": id })).await;
            sleep(Duration::from_millis(20)).await;
        }
        submitted
    };
    let original = async {
        let mut handled = Vec::new();
        for number in 0..40 {
            let seconds = LONG_AGO + 100 * 86_400 + number;
            handled.push(handle(&store.client, "late", seconds).await);
            sleep(Duration::from_millis(20)).await;
        }
        handled
    };
    let (_, submitted, handled) = tokio::join!(run, service, original);
    let before = items(store).await;
    assert!(old[40..].iter().all(|id| is_backfilled(&before[id])));
    backfill(&endpoint, &["--write", "--rate", "1000"]).await;
    let after = items(store).await;
    for id in &submitted {
        let place = after[id]["timelinePosition"].as_str().unwrap();
        assert!(
            place.starts_with("17723574"),
            "what the service wrote stays as it was"
        );
    }
    let expected = [&old[40..], &handled, &submitted].concat();
    assert_eq!(ids(&listed(&server).await), expected);
    assert_eq!(after.len(), expected.len(), "what was deleted has not come back");
}
