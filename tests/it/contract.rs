//! What the repository promises, and so what it needs of the DynamoDB below it.
//!
//! These tests run on the embedded engine. With `FEEDBACK_TEST_ENDPOINT` set they run on the DynamoDB there:
//! AWS itself, with region and credentials of the environment, or anything on this machine, with any. Each
//! makes a table of its own and deletes it again. What is eventually consistent is waited for.

mod backfill;
mod counting;
mod counting_clients;
mod pages;
mod submitting;
mod triaging;

use std::collections::{BTreeSet, HashMap};
use std::env;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::domain::{
    Content, EmailAddress, Feedback, FeedbackId, Metadata, MetadataEntry, PageUrl, Rating, Timestamp, Topic,
};
use feedback_graphql::http::AllowedOrigins;
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{self, FeedbackRepository, Indexes, MAX_BATCH, table};
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;
use uuid::Uuid;

use crate::support::{NOW, content, counted, informed, stored};

/// How long what is eventually consistent may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A table of a test's own.
struct Table {
    client: Client,
    name: String,
    /// Where the table is, unless it is elsewhere.
    _engine: Option<Engine>,
}

/// Runs a test on a table of its own, and deletes the table whatever comes of it.
async fn on_a_table(test: impl AsyncFnOnce(&Table)) {
    let (client, engine) = connect().await;
    let table = Table {
        client,
        name: format!("feedback-contract-{}", Uuid::new_v4()),
        _engine: engine,
    };
    assert!(
        table::create_if_missing(&table.client, &table.name, &Indexes::all())
            .await
            .unwrap()
    );
    let ended = AssertUnwindSafe(test(&table)).catch_unwind().await;
    let deleted = table.client.delete_table().table_name(&table.name).send().await;
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
    deleted.unwrap();
}

async fn connect() -> (Client, Option<Engine>) {
    let Ok(endpoint) = env::var("FEEDBACK_TEST_ENDPOINT") else {
        let engine = Engine::start(&Storage::Memory, None).await.unwrap();
        let client = repository::connect_without_account(&engine.endpoint());
        return (client, Some(engine));
    };
    let origin = Url::parse(&endpoint).unwrap().origin().ascii_serialization();
    let client = if AllowedOrigins::Loopback.allows(&origin) {
        repository::connect_without_account(&endpoint)
    } else {
        repository::connect(Some(&endpoint)).await
    };
    (client, None)
}

impl Table {
    async fn repository(&self, shards: u32) -> FeedbackRepository {
        let shards = NonZeroU32::new(shards).unwrap();
        informed(FeedbackRepository::new(self.client.clone(), &self.name, shards)).await
    }

    /// Stores an item as it is.
    async fn put<const N: usize>(&self, item: [(&str, AttributeValue); N]) {
        let item = HashMap::from(item.map(|(name, value)| (name.to_owned(), value)));
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item));
        put.send().await.unwrap();
    }

    /// All feedback in the table.
    async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let scan = self.client.scan().table_name(&self.name).consistent_read(true);
        let pages = scan.into_paginator().items().send();
        let items: Vec<HashMap<String, AttributeValue>> = pages.collect::<Result<_, _>>().await.unwrap();
        let items = items.into_iter();
        items
            .filter(|item| !table::is_own(item["feedbackId"].as_s().unwrap()))
            .collect()
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn now() -> Timestamp {
    at(NOW)
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Content that has everything.
fn full_content(message: &str) -> Content {
    // Out of alphabetical order, which is kept.
    let metadata = [("plan", "team"), ("app", ""), ("überall", "🌙")];
    let metadata = metadata.map(|(key, value)| MetadataEntry::new(key, value));
    Content {
        rating: Rating::parse(4).ok(),
        topic: Topic::parse("checkout").ok(),
        email: EmailAddress::parse("jo@example.org").ok(),
        page_url: PageUrl::parse("https://shop.example.org/?q=1#top").ok(),
        metadata: Metadata::parse(&metadata).unwrap(),
        ..content(message)
    }
}

async fn submit(repository: &FeedbackRepository, content: Content, millis: u64) -> Feedback {
    let id = FeedbackId::new(at(millis));
    stored(repository.submit(content.into(), id, at(millis)).await.unwrap())
}

/// Waits until the work gives what is expected.
#[track_caller]
fn eventually<T: PartialEq + std::fmt::Debug>(
    work: impl AsyncFn() -> T,
    expected: T,
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let start = Instant::now();
        loop {
            let actual = work().await;
            if actual == expected {
                return;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{caller}: {actual:#?} instead of {expected:#?}"
            );
            sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test]
async fn what_was_submitted_is_read_by_its_id_at_once_and_as_it_was() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        for content in [
            content("x"),
            full_content("two\nlines\tand 日本語 🌙 e\u{301} \u{10ffff}"),
            full_content(&"字".repeat(5_000)),
        ] {
            let feedback = submit(&repository, content, NOW + 1).await;
            let found = repository.by_ids(&[feedback.id], now()).await.unwrap();
            assert_eq!(found, HashMap::from([(feedback.id, feedback)]));
        }
    })
    .await;
}

#[tokio::test]
async fn any_number_of_ids_is_read_in_batches() {
    on_a_table(async |table| {
        let repository = table.repository(1).await.metered();
        let mut all = HashMap::new();
        for number in 0..=2 * MAX_BATCH {
            let feedback = submit(&repository, content(&number.to_string()), NOW).await;
            all.insert(feedback.id, feedback);
        }
        let mut asked: Vec<FeedbackId> = all.keys().copied().collect();
        let stored = u32::try_from(asked.len()).unwrap();
        // Unknown ones and repetitions.
        asked.extend((0..50).map(|_| FeedbackId::new(now())));
        asked.extend_from_within(..50);
        assert_eq!(repository.by_ids(&asked, now()).await.unwrap(), all);
        assert_eq!(repository.requests_made() - stored, 3);
        assert_eq!(repository.by_ids(&[], now()).await.unwrap(), HashMap::new());
    })
    .await;
}

#[tokio::test]
async fn nodes_come_in_the_order_of_their_ids_with_nulls_in_place() {
    on_a_table(async |table| {
        let repository = table.repository(1).await;
        let one = submit(&repository, content("one"), NOW).await.id.to_string();
        let two = submit(&repository, content("two"), NOW + 1).await.id.to_string();
        let unknown = FeedbackId::new(now()).to_string();
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Feedback { message } } }";
        let ids = json!({ "ids": [two, unknown, one, two] });
        let (answer, _) = counted(&repository, query, ids).await;
        let message = |text: &str| json!({ "message": text });
        let expected = [message("two"), Value::Null, message("one"), message("two")];
        assert_eq!(answer["data"]["nodes"], json!(expected), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn an_item_of_the_original_handler_is_read_by_its_id() {
    on_a_table(async |table| {
        let id = Uuid::new_v4().to_string();
        let time = n(1_700_000_000);
        table
            .put([("feedbackId", s(&id)), ("feedback", s("")), ("timestamp", time)])
            .await;
        let id = FeedbackId::parse(&id).unwrap();
        let found = table.repository(4).await.by_ids(&[id], now()).await.unwrap();
        assert_eq!(
            (found[&id].content.message.as_str(), found[&id].submitted_at),
            ("", at(1_700_000_000_000))
        );
    })
    .await;
}

#[tokio::test]
async fn deleted_feedback_is_gone_at_once_by_its_id_and_soon_from_listings() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        let one = submit(&repository, content("one"), NOW).await;
        let two = submit(&repository, content("two"), NOW + 1).await;
        eventually(
            async || pages::all(&repository, now()).await,
            vec![one.clone(), two.clone()],
        )
        .await;
        assert!(repository.delete(one.id, now()).await.unwrap());
        assert!(!repository.delete(one.id, now()).await.unwrap(), "it is gone");
        assert!(!repository.delete(FeedbackId::new(now()), now()).await.unwrap());
        let found = repository.by_ids(&[one.id, two.id], now()).await.unwrap();
        assert_eq!(found.into_values().collect::<Vec<_>>(), [two.clone()].as_slice());
        eventually(async || pages::all(&repository, now()).await, vec![two.clone()]).await;
    })
    .await;
}

#[tokio::test]
async fn expired_feedback_is_gone_whether_or_not_it_is_deleted() {
    on_a_table(async |table| {
        let repository = table.repository(1).await;
        let kept = submit(&repository, content("kept"), NOW).await;
        let retaining = repository.clone().retaining_for(Some(Duration::from_mins(1)));
        let short = submit(&retaining, content("short"), NOW).await;
        let (before, after) = (at(NOW + 59_000), at(NOW + 60_000));
        let ids = [kept.id, short.id];
        let found = async |now| -> BTreeSet<FeedbackId> {
            repository.by_ids(&ids, now).await.unwrap().into_keys().collect()
        };
        assert_eq!(found(before).await, BTreeSet::from(ids));
        assert_eq!(found(after).await, BTreeSet::from([kept.id]));
        eventually(async || pages::all(&repository, before).await.len(), 2).await;
        eventually(async || pages::all(&repository, after).await, vec![kept]).await;
        assert!(
            !repository.delete(short.id, after).await.unwrap(),
            "it was gone already"
        );
    })
    .await;
}

#[tokio::test]
async fn a_table_is_made_once() {
    on_a_table(async |table| {
        let made = table::create_if_missing(&table.client, &table.name, &Indexes::all())
            .await
            .unwrap();
        assert!(!made, "it is there");
    })
    .await;
}

#[tokio::test]
async fn the_table_remembers_the_greatest_number_of_shards_that_any_function_was_told() {
    on_a_table(async |table| {
        let told = async |shards| {
            let shards = NonZeroU32::new(shards).unwrap();
            let function = FeedbackRepository::new(table.client.clone(), &table.name, shards);
            function.shards(now()).await.unwrap().get()
        };
        assert_eq!(told(4).await, 4);
        assert_eq!(told(2).await, 4);
        assert_eq!(told(8).await, 8);
        join_all([9, 12, 10, 11].map(&told)).await;
        assert_eq!(told(1).await, 12);
    })
    .await;
}
