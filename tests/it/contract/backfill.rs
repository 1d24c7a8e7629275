//! The backfill of an older table.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::backfill::{Backfill, Index, Inspection, Outcome, Reason, Survey};
use feedback_graphql::domain::{Clock, Date, Feedback, FeedbackId, Timestamp};
use uuid::Uuid;

use super::{Table, eventually, n, now, on_a_table, pages, s, submit};
use crate::support::{NOW, content};

const LONG_AGO: u64 = 1_700_000_000;

fn backfill(table: &Table) -> Backfill {
    // On a busy machine, a write must not be tried again: it would count as skipped.
    let patient = table
        .client
        .config()
        .to_builder()
        .timeout_config(TimeoutConfig::disabled());
    let client = Client::from_conf(patient.build());
    Backfill::new(client, &table.name, NonZeroU32::new(2_000).unwrap())
}

/// Backfills a table of so many shards; how many items were backfilled and how many were skipped.
async fn run(table: &Table, shards: u32) -> (usize, usize) {
    let (mut backfilled, mut skipped) = (0, 0);
    let report = |outcome| match outcome {
        Outcome::Backfilled => backfilled += 1,
        Outcome::Skipped => skipped += 1,
        Outcome::Incompatible(item) => panic!("{item:?}"),
    };
    let shards = NonZeroU32::new(shards).unwrap();
    backfill(table).run(shards, report).await.unwrap();
    (backfilled, skipped)
}

/// Stores so many items as the original handler does.
async fn fill(table: &Table, count: u64) -> BTreeSet<FeedbackId> {
    let mut ids = BTreeSet::new();
    for number in 0..count {
        let id = Uuid::new_v4().to_string();
        let time = n(LONG_AGO + number * 7 % 10);
        table
            .put([
                ("feedbackId", s(&id)),
                ("feedback", s("old")),
                ("timestamp", time),
            ])
            .await;
        ids.insert(FeedbackId::parse(&id).unwrap());
    }
    ids
}

#[tokio::test]
async fn backfilled_items_are_listed_and_a_second_run_finds_nothing() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        let inspection = backfill(table).inspect().await.unwrap();
        let expected = Inspection {
            index: Index::Ready,
            provisioned: None,
        };
        assert_eq!(inspection, expected);
        let old = fill(table, 50).await;
        let new = submit(&repository, content("new"), NOW).await;
        // What else the service keeps in the table.
        table
            .put([("feedbackId", s("meta#other")), ("number", n(1))])
            .await;
        let mut seen = 0;
        let survey = backfill(table).survey(|examined| seen += examined).await.unwrap();
        let expected = Survey {
            items: 51,
            pending: 50,
            incompatible: Vec::new(),
            own_items: 2,
        };
        assert_eq!((survey, seen), (expected, 2 * 53));
        eventually(async || pages::all(&repository, now()).await.len(), 1).await;

        assert_eq!(run(table, 4).await, (50, 0));
        assert_eq!(run(table, 64).await, (0, 0));
        let backfilled: Vec<FeedbackId> = old.iter().copied().collect();
        let found = repository.by_ids(&backfilled, now()).await.unwrap();
        let mut expected: Vec<Feedback> = found.into_values().collect();
        assert_eq!(expected.len(), 50);
        expected.push(new);
        expected.sort_by_key(Feedback::position);
        eventually(async || pages::all(&repository, now()).await, expected).await;
    })
    .await;
}

#[tokio::test]
async fn a_day_that_was_counted_before_is_counted_again_once_what_was_added_is_settled() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        let day = Date::parse("2023-11-14").unwrap();
        let count = async |at: Timestamp| {
            let repository = repository.metered();
            let statistics = repository.statistics(day, day, None, at).await.unwrap();
            assert!(statistics.is_complete);
            (statistics.counts.total(), repository.requests_made())
        };
        let present = Clock::System.now();
        assert_eq!(count(present).await.0, 0);
        let counted = 1;
        assert_eq!(count(present).await, (0, counted), "only the tally is read");
        fill(table, 50).await;
        run(table, 4).await;
        eventually(async || count(present).await.0, 50).await;
        assert!(count(present).await.1 > counted, "it is not stored yet");
        let later = present.saturating_add(Duration::from_mins(3));
        assert_eq!(count(later).await.0, 50);
        assert_eq!(count(later).await, (50, counted));
    })
    .await;
}

#[tokio::test]
async fn runs_at_the_same_time_backfill_each_item_once() {
    on_a_table(async |table| {
        let old = fill(table, 100).await;
        let (one, other) = tokio::join!(run(table, 1), run(table, 64));
        assert_eq!(one.0 + other.0, old.len(), "{one:?} {other:?}");
    })
    .await;
}

#[tokio::test]
async fn incompatible_items_are_named() {
    on_a_table(async |table| {
        let id = |number: u32| format!("7b0f3f5e-9d4c-4a39-8c57-5b7f3a0d9c{number:02}");
        let whole = |id: &str| {
            [
                ("feedbackId", s(id)),
                ("feedback", s("x")),
                ("timestamp", n(LONG_AGO)),
            ]
        };
        let mut expected = vec![("no uuid".to_owned(), Reason::Id)];
        table.put(whole("no uuid")).await;
        let [key, text, time] = whole(&id(1));
        table.put([key, text]).await;
        expected.push((id(1), Reason::Timestamp));
        table
            .put([("feedbackId", s(&id(2))), time.clone(), ("feedback", n(5))])
            .await;
        expected.push((id(2), Reason::Message));
        let [key, text, time] = whole(&id(3));
        table.put([key, text, time, ("timelineShard", n(0))]).await;
        expected.push((id(3), Reason::HalfKey));

        let survey = backfill(table).survey(|_| ()).await.unwrap();
        let named = survey.incompatible.into_iter().map(|item| (item.id, item.reason));
        let mut named: Vec<(String, Reason)> = named.collect();
        named.sort_by_key(|(id, _)| id.clone());
        expected.sort_by_key(|(id, _)| id.clone());
        assert_eq!(named, expected);
        assert_eq!(run(table, 1).await, (0, 0));
    })
    .await;
}

#[tokio::test]
async fn what_is_deleted_meanwhile_does_not_come_back() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        let old = fill(table, 100).await;
        let delete = async {
            for id in &old {
                assert!(repository.delete(*id, now()).await.unwrap());
            }
        };
        tokio::join!(run(table, 4), delete);
        assert_eq!(table.items().await, []);
    })
    .await;
}

#[tokio::test]
async fn a_table_larger_than_an_answer_is_backfilled_as_a_whole() {
    on_a_table(async |table| {
        for _ in 0..60 {
            let id = Uuid::new_v4().to_string();
            let text = s(&"x".repeat(20_000));
            table
                .put([
                    ("feedbackId", s(&id)),
                    ("feedback", text),
                    ("timestamp", n(LONG_AGO)),
                ])
                .await;
        }
        let mut answers = 0;
        let survey = backfill(table).survey(|_| answers += 1).await.unwrap();
        assert_eq!(survey.pending, 60);
        // The embedded engine counts the item that an answer has no room for, and counts it again in the next.
        assert!((60..=61).contains(&survey.items), "{}", survey.items);
        assert!(answers > 2, "{answers}");
        assert_eq!(run(table, 4).await, (60, 0));
    })
    .await;
}

#[tokio::test]
async fn an_item_without_room_for_its_place_is_left() {
    on_a_table(async |table| {
        let id = Uuid::new_v4().to_string();
        // 400 KB is the most that an item can have.
        let text = s(&"x".repeat(400 * 1024 - 80));
        table
            .put([("feedbackId", s(&id)), ("feedback", text), ("timestamp", n(LONG_AGO))])
            .await;
        let mut left = Vec::new();
        let report = |one| left.push(one);
        backfill(table).run(NonZeroU32::MIN, report).await.unwrap();
        assert!(
            matches!(&*left, [Outcome::Incompatible(item)] if item.id == id && matches!(item.reason, Reason::Refused(_))),
            "{left:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_number_is_what_it_amounts_to_however_it_was_written() {
    on_a_table(async |table| {
        let mut written = Vec::new();
        for number in ["1700000000.0", "17E+8", "01700000000"] {
            let id = Uuid::new_v4().to_string();
            let time = AttributeValue::N(number.to_owned());
            table
                .put([("feedbackId", s(&id)), ("feedback", s("x")), ("timestamp", time)])
                .await;
            written.push(FeedbackId::parse(&id).unwrap());
        }
        let found = table.repository(1).await.by_ids(&written, now()).await.unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(run(table, 1).await, (3, 0));
    })
    .await;
}
