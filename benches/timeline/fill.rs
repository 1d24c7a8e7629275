//! Fills a table with feedback whose place on the timeline is known.
//!
//! A million submissions over HTTP would take an hour. So the service makes each item, in a submission whose
//! request is caught before it leaves, and the engine imports them in bulk: shards, positions and attributes are
//! the service's own. Only triage is put into the items here, since a change of it needs an item that is stored:
//! the four attributes that a change of the status sets. Times and ids come from a seed, so that every run on every
//! machine counts the same.

use std::collections::HashMap;
use std::error::Error;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextMut;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::types::AttributeValue;
use dynoxide::types::{AttributeValue as Stored, Item as StoredItem, item_size};
use dynoxide::{Database, ImportOptions};
use fastrand::Rng;
use feedback_graphql::domain::{
    Content, EmailAddress, FeedbackId, Message, Metadata, MetadataEntry, PageUrl, Position, Rating, Status,
    Timestamp, Topic, Violation,
};
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{FeedbackRepository, Indexes, connect_without_account, table};
use uuid::Builder;

use crate::tally::watched;

/// The table's name.
pub const TABLE: &str = "Feedback";

/// The topics that filters look for, and what else feedback is about.
pub const RARE: &str = "rare";
pub const RAREST: &str = "rarest";
const COMMON: &str = "checkout";
/// How many people write feedback.
pub const PEOPLE: u32 = 5_000;
/// How many of the oldest pieces are in progress, and about as many others are open, evenly spread. The rest is
/// resolved.
pub const UNRESOLVED: usize = 200;

const SEED: u64 = 20;
/// 2026-03-01T09:30:00.250Z, when the first is submitted.
pub const BEGIN: u64 = 1_772_357_400_250;
/// The longest time between two submissions, in milliseconds: a million take 90 days. With none at all, the ids decide.
const LONGEST_GAP: u64 = 15_552;
/// How many items are imported at once.
const CHUNK: usize = 10_000;

/// What is known of a piece of feedback in the table.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its place.
    pub position: Position,
    /// Its rating.
    pub rating: u8,
    /// What it is about.
    pub topic: &'static str,
    /// Who wrote it: a number below [`PEOPLE`].
    pub person: u32,
    /// Its status.
    pub status: Status,
}

/// A table that was filled.
pub struct Filled {
    /// What is in it, the newest first.
    pub known: Vec<Known>,
    /// The size of an item as DynamoDB counts it, on average, in bytes.
    pub item_bytes: usize,
}

/// Fills a table of an engine at `path` with so many pieces of feedback, in so many shards.
pub async fn fill(path: &Path, items: usize, shards: NonZeroU32) -> Result<Filled, Box<dyn Error>> {
    let storage = Storage::File(path.to_owned());
    let engine = Engine::start(&storage, None).await?;
    let client = connect_without_account(&engine.endpoint());
    table::create_if_missing(&client, TABLE, &Indexes::all()).await?;
    let catcher = Catcher::default();
    let repository = FeedbackRepository::new(watched(&client, catcher.clone()), TABLE, shards);
    repository
        .shards(Timestamp::from_millis(BEGIN).ok_or("a time out of range")?)
        .await?;
    engine.stop().await;

    let (sender, receiver) = sync_channel(2);
    let database = Database::new(path.to_str().ok_or("a path that is not Unicode")?)?;
    let import = thread::spawn(move || import(&database, &receiver));
    let mut rng = Rng::with_seed(SEED);
    let mut known = Vec::with_capacity(items);
    let mut millis = BEGIN;
    for number in 1..=items {
        millis += rng.u64(0..=LONGEST_GAP);
        let (content, one) = make(&mut rng, millis, status(number, items))?;
        let position = one.position;
        // It always fails, because the request is caught. Whether it was is seen below.
        let _ = repository
            .submit(content.into(), position.id(), position.submitted_at())
            .await;
        known.push(one);
        if number % CHUNK == 0 || number == items {
            let mut chunk = catcher.take();
            if chunk.len() != (number - 1) % CHUNK + 1 {
                return Err("not every submission made an item".into());
            }
            for (item, one) in chunk.iter_mut().rev().zip(known.iter().rev()) {
                triage(item, one);
            }
            if sender.send(chunk).is_err() {
                break;
            }
        }
    }
    drop(sender);
    let bytes = import.join().map_err(|_| "the import panicked")??;
    known.sort_unstable_by_key(|one| std::cmp::Reverse(one.position));
    Ok(Filled {
        known,
        item_bytes: bytes / items,
    })
}

/// Imports what arrives; returns the size of it all.
fn import(database: &Database, chunks: &Receiver<Vec<Caught>>) -> Result<usize, String> {
    let failed = |error: dynoxide::DynoxideError| error.to_string();
    database.enable_bulk_loading().map_err(failed)?;
    let mut bytes = 0;
    for chunk in chunks {
        let items: Vec<StoredItem> = chunk.into_iter().map(stored_item).collect::<Result<_, _>>()?;
        bytes += items.iter().map(item_size).sum::<usize>();
        let imported = items.len();
        let result = database
            .import_items(TABLE, items, ImportOptions::default())
            .map_err(failed)?;
        if result.items_imported != imported {
            return Err("not every item was imported".to_owned());
        }
    }
    database.disable_bulk_loading().map_err(failed)?;
    Ok(bytes)
}

/// The email address of a person.
pub fn email(person: u32) -> String {
    format!("person-{person:04}@example.org")
}

/// The status of the piece with this number, from 1 for the oldest.
fn status(number: usize, items: usize) -> Status {
    if number <= UNRESOLVED {
        Status::InProgress
    } else if number.is_multiple_of(items / UNRESOLVED) {
        Status::Open
    } else {
        Status::Resolved
    }
}

/// Makes of an item, which is open as the service stores it, what a change of the status makes of it.
fn triage(item: &mut Caught, one: &Known) {
    if one.status == Status::Open {
        return;
    }
    let at = one.position.submitted_at().as_millis().to_string();
    let attributes = [
        (
            table::STATUS_ATTRIBUTE,
            AttributeValue::S(one.status.as_str().to_owned()),
        ),
        (table::VERSION_ATTRIBUTE, AttributeValue::N("1".to_owned())),
        (table::TRIAGED_AT_ATTRIBUTE, AttributeValue::N(at)),
        (
            table::TRIAGED_BY_ATTRIBUTE,
            AttributeValue::S("support".to_owned()),
        ),
    ];
    item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
}

/// Feedback about half a kilobyte large, and what is known of it.
fn make(rng: &mut Rng, millis: u64, status: Status) -> Result<(Content, Known), Box<dyn Error>> {
    let topic = match rng.u32(0..10_000) {
        0 => RAREST,
        1..=100 => RARE,
        _ => COMMON,
    };
    let rating = rng.u8(1..=5);
    let person = rng.u32(0..PEOPLE);
    let words = ["parcel", "button", "slow", "thanks", "never", "address", "again"];
    let count = rng.usize(8..=40);
    let message: Vec<&str> = (0..count).map(|_| words[rng.usize(0..words.len())]).collect();
    let content = content(&message.join(" "), rating, topic, person);
    let content = content.map_err(|broken| format!("{broken:?}"))?;
    let mut random = [0; 10];
    rng.fill(&mut random);
    let id = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    let id = FeedbackId::parse(&id.to_string())?;
    let at = Timestamp::from_millis(millis).ok_or("a time out of range")?;
    let known = Known {
        position: Position::new(at, id),
        rating,
        topic,
        person,
        status,
    };
    Ok((content, known))
}

fn content(message: &str, rating: u8, topic: &str, person: u32) -> Result<Content, Vec<Violation>> {
    let metadata = [("plan", "plus"), ("appVersion", "5.1.0")];
    let metadata = metadata.map(|(key, value)| MetadataEntry::new(key, value));
    Ok(Content {
        rating: Some(Rating::parse(rating.into())?),
        topic: Some(Topic::parse(topic)?),
        email: Some(EmailAddress::parse(&email(person))?),
        page_url: Some(PageUrl::parse("https://shop.example.org/checkout/address")?),
        metadata: Metadata::parse(&metadata)?,
        ..Message::parse(message)?.into()
    })
}

type Caught = HashMap<String, AttributeValue>;

/// Takes feedback out of the requests that would store it, and lets none of these requests go.
#[derive(Debug, Clone, Default)]
struct Catcher(Arc<Mutex<Vec<Caught>>>);

impl Catcher {
    fn take(&self) -> Vec<Caught> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for Catcher {
    fn name(&self) -> &'static str {
        "Catcher"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(put) = context.input_mut().downcast_mut::<PutItemInput>() else {
            return Ok(());
        };
        let item = put.item.take().ok_or("no item")?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(item);
        Err("caught".into())
    }
}

fn stored_item(item: Caught) -> Result<StoredItem, String> {
    item.into_iter()
        .map(|(name, value)| Ok((name, stored(value)?)))
        .collect()
}

fn stored(value: AttributeValue) -> Result<Stored, String> {
    Ok(match value {
        AttributeValue::S(text) => Stored::S(text),
        AttributeValue::N(number) => Stored::N(number),
        AttributeValue::L(list) => Stored::L(list.into_iter().map(stored).collect::<Result<_, _>>()?),
        AttributeValue::M(map) => Stored::M(stored_item(map)?),
        other => return Err(format!("feedback has no {other:?}")),
    })
}
