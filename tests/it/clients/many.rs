//! One client that submits without end, beside many that do not.

use std::time::{Duration, Instant};

use futures_util::future::join;
use futures_util::stream::{self, StreamExt};

use super::{ONE, server, submit_plain};
use crate::support::Server;

const LIMIT: u32 = 100;
/// How many submissions are made at a time by the one, and by the others: enough to keep this machine busy, and few
/// enough for the engine, which takes 64 connections and resets one for each further.
const AT_A_TIME: usize = 8;
const OTHERS_AT_A_TIME: usize = 25;

/// One submission of each of fifty clients, and how long each took.
async fn others(server: &Server, network: u8) -> Vec<(u16, Duration)> {
    let submissions = stream::iter(0..50).map(|client| async move {
        let began = Instant::now();
        let answer = submit_plain(server, &format!("198.51.{network}.{client}")).await;
        (answer.status, began.elapsed())
    });
    submissions.buffer_unordered(OTHERS_AT_A_TIME).collect().await
}

/// 5,000 submissions of one client, and how many of them were accepted and refused.
async fn one(server: &Server) -> (usize, usize) {
    let submissions = stream::iter((0..5_000).map(|_| submit_plain(server, ONE)));
    let statuses: Vec<u16> = submissions
        .buffer_unordered(AT_A_TIME)
        .map(|answer| answer.status)
        .collect()
        .await;
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    (count(200), count(429))
}

fn longest(submissions: &[(u16, Duration)]) -> Duration {
    submissions
        .iter()
        .map(|(_, time)| *time)
        .max()
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_refused_keeps_nobody_out() {
    let server = server(LIMIT).await;
    let alone = others(&server, 100).await;
    let (beside, (accepted, refused)) = join(others(&server, 200), one(&server)).await;
    println!(
        "fifty clients: the slowest answer took {:?} without the one, {:?} beside it",
        longest(&alone),
        longest(&beside)
    );
    assert!(alone.iter().chain(&beside).all(|(status, _)| *status == 200));
    assert_eq!((accepted, refused), (100, 4_900));
    assert_eq!(server.store.items().await.len(), 50 + 50 + 100);
}
