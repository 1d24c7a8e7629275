//! Making the table where there is none.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{Indexes, connect_without_account, table};
use serde_json::{Value, json};

use crate::support::TABLE;
use crate::support::proxy::{self, Fate};

#[tokio::test]
async fn a_new_table_is_waited_for_until_it_and_its_index_can_be_used() {
    let engine = Engine::start(&Storage::Memory, None).await.unwrap();
    // What the table and its index are said to be, each time that they are asked for, where it is not the truth.
    let said = [
        None,
        Some(("CREATING", "ACTIVE")),
        Some(("ACTIVE", "CREATING")),
        None,
    ];
    let asked = Arc::new(AtomicUsize::new(0));
    let asking = Arc::clone(&asked);
    let decide = move |operation: &str, input: Value| {
        let describes = operation == "DescribeTable";
        let said = describes.then(|| said[asking.fetch_add(1, Ordering::Relaxed)]);
        let mend = move |mut answer: Value| {
            if let Some((table, index)) = said.flatten() {
                answer["Table"]["TableStatus"] = json!(table);
                answer["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] = json!(index);
            }
            answer
        };
        Fate::PassAndMend(input, Box::new(mend))
    };
    let proxy = proxy::start(engine.endpoint(), Arc::new(decide)).await;
    let client = connect_without_account(&proxy);
    assert!(
        table::create_if_missing(&client, TABLE, &Indexes::all())
            .await
            .unwrap()
    );
    assert_eq!(asked.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_table_that_cannot_be_asked_for_is_not_made() {
    let engine = Engine::start(&Storage::Memory, None).await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let operations = Arc::clone(&seen);
    let decide = move |operation: &str, input: Value| {
        operations.lock().unwrap().push(operation.to_owned());
        if operation == "DescribeTable" {
            let kind = "com.amazonaws.dynamodb.v20120810#AccessDeniedException";
            return Fate::Answer(400, json!({ "__type": kind, "message": "no" }));
        }
        Fate::PassAndMend(input, Box::new(|answer| answer))
    };
    let proxy = proxy::start(engine.endpoint(), Arc::new(decide)).await;
    let client = connect_without_account(&proxy);
    let error = table::create_if_missing(&client, TABLE, &Indexes::all())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "DynamoDB answered AccessDeniedException: no");
    assert_eq!(*seen.lock().unwrap(), ["DescribeTable"]);
}
