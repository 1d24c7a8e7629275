//! Runs that end before their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::{Ended, PATIENCE, backfill, command, count_backfilled, handle_many, run};
use crate::support::Store;
use crate::support::proxy::{self, Fate};

/// Starts a slow run, and waits until it has begun to write.
async fn start_slowly(store: &Store) -> Child {
    let before = count_backfilled(store).await;
    let arguments = ["--write", "--rate", "50"];
    let child = command(&store.engine.endpoint(), &arguments).spawn().unwrap();
    let some = async {
        while count_backfilled(store).await < before + 5 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, some).await.expect("the first items");
    child
}

/// How many items are backfilled once no write of a run that has ended is on its way any more.
async fn count_settled(store: &Store) -> usize {
    let mut before = count_backfilled(store).await;
    loop {
        sleep(Duration::from_millis(300)).await;
        let backfilled = count_backfilled(store).await;
        if backfilled == before {
            return backfilled;
        }
        before = backfilled;
    }
}

#[tokio::test]
async fn a_killed_run_is_completed_by_the_next() {
    let store = Store::new().await;
    handle_many(&store.client, 200).await;
    for _ in 0..2 {
        start_slowly(&store).await.kill().await.unwrap();
        let backfilled = count_backfilled(&store).await;
        assert!(backfilled < 200, "{backfilled}");
    }
    let left = 200 - count_settled(&store).await;
    let said = backfill(&store.engine.endpoint(), &["--write", "--rate", "1000"]).await;
    assert!(said.ends_with(&format!("\n{left} items backfilled.\n")), "{said}");
    assert_eq!(count_backfilled(&store).await, 200);
}

#[tokio::test]
async fn an_interrupted_run_says_how_to_go_on() {
    let store = Store::new().await;
    handle_many(&store.client, 200).await;
    let child = start_slowly(&store).await;
    let pid = child.id().unwrap().to_string();
    let interrupt = Command::new("/bin/sh")
        .args(["-c", "kill -INT $0", &pid])
        .status();
    assert!(interrupt.await.unwrap().success());
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("an end");
    let ended = Ended::from(output.unwrap());
    assert_eq!((ended.code, &*ended.complained), (Some(130), ""), "{ended:?}");
    let end = "Interrupted before the end. Run the same command again to continue.\n";
    assert!(ended.said.ends_with(end), "{ended:?}");
    let said = backfill(&store.engine.endpoint(), &["--write", "--rate", "1000"]).await;
    assert!(
        !said.contains(" 0 complete") && !said.contains(" 0 pending"),
        "{said}"
    );
    assert_eq!(count_backfilled(&store).await, 200);
}

/// An endpoint that answers so with every `UpdateItem` whose number the condition holds, from 0 on.
async fn refusing(store: &Store, refused: fn(u32) -> bool, status: u16, error: &'static str) -> String {
    let writes = AtomicU32::new(0);
    let decide = move |operation: &str, input: Value| {
        if operation == "UpdateItem" && refused(writes.fetch_add(1, Ordering::Relaxed)) {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{error}");
            return Fate::Answer(status, json!({ "__type": kind, "message": "no" }));
        }
        Fate::PassAndMend(input, Box::new(|answer| answer))
    };
    proxy::start(store.engine.endpoint(), Arc::new(decide)).await
}

#[tokio::test]
async fn a_run_that_fails_half_way_is_completed_by_the_next() {
    let store = Store::new().await;
    handle_many(&store.client, 60).await;
    let endpoint = refusing(&store, |write| write >= 20, 400, "AccessDeniedException").await;
    let ended = run(&endpoint, &["--write", "--rate", "500"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected = "error: stopped before the end: DynamoDB answered AccessDeniedException: no\n\
                    Run the same command again to continue.\n";
    assert_eq!(ended.complained, expected);
    // Some of the 20 may still have been on their way when the first was refused.
    let backfilled = count_settled(&store).await;
    assert!((1..=20).contains(&backfilled), "{backfilled}");
    let said = backfill(&store.engine.endpoint(), &["--write"]).await;
    let end = format!("\n{} items backfilled.\n", 60 - backfilled);
    assert!(said.ends_with(&end), "{said}");
    assert_eq!(count_backfilled(&store).await, 60);
}

#[tokio::test]
async fn throttling_delays_a_run_and_does_not_end_it() {
    let store = Store::new().await;
    handle_many(&store.client, 20).await;
    let error = "ProvisionedThroughputExceededException";
    let endpoint = refusing(&store, |write| write < 80, 400, error).await;
    let said = backfill(&endpoint, &["--write", "--rate", "1000"]).await;
    assert!(said.ends_with("\n20 items backfilled.\n"), "{said}");
    assert_eq!(count_backfilled(&store).await, 20);
}
