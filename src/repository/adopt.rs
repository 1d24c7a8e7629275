//! Gives the items of an older table their places on the timeline.
//!
//! The function that this service grew out of stored an id, a text and a time in whole seconds. Such an item
//! is read by its id as it is, but no listing holds it: an index holds only what has the index's keys.
//! Adopting an item sets these two attributes and touches nothing else.
//!
//! How far a run has come is written down nowhere. What is left to do is what a `Scan` still finds without
//! the attributes, so a run goes on where the one before it ended, however it ended. And every write is
//! conditional on the item being there as it was found, so that runs, the service and whoever deletes do not
//! get in each other's way.
//!
//! Nobody's text leaves the table: the answers hold ids and times only. Whether there is a text at all is for
//! the filter to say, which is why items that cannot be adopted are looked for in a scan of their own.

mod inspection;
mod pace;

use std::num::NonZeroU32;
use std::pin::Pin;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity, ReturnConsumedCapacity};
use futures_util::stream::{self, Stream, TryStreamExt};
use thiserror::Error;
use tokio::time::{Instant, sleep_until};

pub use inspection::{AdoptionError, Index, Inspection};

use self::pace::{Pace, patiently};
use super::record::shard_of;
use super::table::adoptable::{self, ADOPTABLE};
use super::table::{self, Item, TIMESTAMP_ATTRIBUTE};
use super::{FeedbackRepository, RepositoryError};
use crate::domain::{FeedbackId, Position, Timestamp};

/// How many items a `Scan` examines at a time. Small enough for the pauses between them to be an even load.
const SCAN_PAGE: i32 = 1_000;
/// How many writes are on their way at once.
const CONCURRENCY: usize = 16;

/// The adoption of what one table holds.
#[derive(Debug, Clone)]
pub struct Adoption {
    client: Client,
    table: String,
    rate: NonZeroU32,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// How many items there are.
    pub items: u64,
    /// How many of them can be adopted.
    pub adoptable: u64,
    /// Those without a place on the timeline that cannot be given one.
    pub unadoptable: Vec<Unadoptable>,
    /// Whether there is also the item [`SHARDS_ITEM`](table::SHARDS_ITEM), which is no feedback and in none of these
    /// numbers.
    pub has_shards_item: bool,
}

/// An item that is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unadoptable {
    /// Its id, whatever that may be.
    pub id: String,
    /// Why it is left.
    pub reason: Reason,
}

/// Why an item cannot be adopted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    /// The id is nothing that the service would ever ask for.
    #[error("the id is not a UUID in lower case")]
    Id,
    /// The text is missing or something else.
    #[error("`feedback` is not a string")]
    Message,
    /// The time is missing or something else.
    #[error("`timestamp` is not a whole number of seconds between 1970 and 2286")]
    Timestamp,
    /// Somebody has begun to give it a place, or to take it away.
    #[error("it has one of `timelineShard` and `timelinePosition` without the other")]
    HalfPlaced,
    /// The item has no room for two more attributes.
    #[error("DynamoDB refuses the change: {0}")]
    Refused(String),
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adopted {
    /// It has its place on the timeline.
    Now,
    /// Since it was found it has been adopted, changed or deleted. It may also be that an answer was lost, and
    /// the write that was tried again had been done.
    Overtaken,
    /// It is left as it is.
    Not(Unadoptable),
}

impl Adoption {
    /// The adoption of what `table` holds, at a pace of `rate` items written a second. As many read units a
    /// second are used in looking for them.
    #[must_use]
    pub fn new(client: Client, table: &str, rate: NonZeroU32) -> Self {
        Self {
            client,
            table: table.to_owned(),
            rate,
        }
    }

    /// Counts what can be adopted and names what cannot, without changing anything. Reads the whole table
    /// twice, and says after each answer how many items it examined.
    ///
    /// # Errors
    /// When DynamoDB could not be reached for long or refused.
    pub async fn survey(&self, mut examined: impl FnMut(u64)) -> Result<Survey, RepositoryError> {
        let mut survey = Survey::default();
        let mut pages = self.scan(ADOPTABLE);
        while let Some(page) = pages.try_next().await? {
            survey.items += scanned(&page);
            examined(scanned(&page));
            for item in page.items() {
                match Candidate::parse(item) {
                    Ok(_) => survey.adoptable += 1,
                    Err(reason) => survey.unadoptable.push(Unadoptable::new(item, reason)),
                }
            }
        }
        let mut pages = self.scan(adoptable::unadoptable());
        while let Some(page) = pages.try_next().await? {
            examined(scanned(&page));
            for item in page.items() {
                let one = Unadoptable::new(item, why_unadoptable(item));
                if one.id == table::SHARDS_ITEM {
                    survey.has_shards_item = true;
                    survey.items -= 1;
                } else {
                    survey.unadoptable.push(one);
                }
            }
        }
        Ok(survey)
    }

    /// Over how many shards the service spreads feedback that is submitted now, as the table remembers it. Where it
    /// remembers nothing, that becomes as many as are in use.
    ///
    /// # Errors
    /// When DynamoDB could not be reached for long or refused.
    pub async fn shards(&self, now: Timestamp) -> Result<NonZeroU32, RepositoryError> {
        let repository = FeedbackRepository::new(self.client.clone(), &self.table, NonZeroU32::MIN);
        patiently(async || repository.warm_up(now).await).await?;
        Ok(repository.shards.to_write(now))
    }

    /// Adopts what can be adopted into `shards` shards, and says of each item what became of it. Items that
    /// only the survey would name are passed over.
    ///
    /// Whenever this ends, and be it in the middle of a request, calling it again goes on with what is left.
    ///
    /// # Errors
    /// When DynamoDB could not be reached for long or refused.
    pub async fn run(
        &self,
        shards: NonZeroU32,
        mut report: impl FnMut(Adopted),
    ) -> Result<(), RepositoryError> {
        let mut pace = Pace::new(self.rate);
        self.scan(ADOPTABLE)
            .map_ok(|page| {
                let candidates = page
                    .items
                    .into_iter()
                    .flatten()
                    .filter_map(|item| Candidate::parse(&item).ok());
                stream::iter(candidates.map(Ok).collect::<Vec<_>>())
            })
            .try_flatten()
            .and_then(|candidate| {
                let turn = pace.turn();
                pace.spend(1.0, Instant::now());
                async move {
                    sleep_until(turn).await;
                    Ok(Box::pin(patiently(async move || {
                        self.adopt(candidate, shards).await
                    })))
                }
            })
            .try_buffer_unordered(CONCURRENCY)
            .try_for_each(|adopted| {
                report(adopted);
                async { Ok(()) }
            })
            .await
    }

    async fn adopt(&self, candidate: Candidate, shards: NonZeroU32) -> Result<Adopted, RepositoryError> {
        let Candidate {
            id,
            seconds,
            position,
        } = candidate;
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(table::key(&id)));
        let answer = adoptable::place(update, seconds, shard_of(id, shards), position)
            .send()
            .await;
        let Err(error) = answer else {
            return Ok(Adopted::Now);
        };
        match error.code() {
            Some("ConditionalCheckFailedException") => Ok(Adopted::Overtaken),
            // The request is the same for every item, so it is this one that cannot take it.
            Some("ValidationException") => Ok(Adopted::Not(Unadoptable {
                id: id.to_string(),
                reason: Reason::Refused(error.message().unwrap_or("no message").to_owned()),
            })),
            _ => Err(error.into()),
        }
    }

    /// Everything in the table that the filter holds, page by page: the id, the time and the attributes of
    /// the timeline. Strongly consistent, so that nothing is counted again that has just been adopted.
    fn scan(
        &self,
        filter: impl Into<String>,
    ) -> Pin<Box<impl Stream<Item = Result<ScanOutput, RepositoryError>>>> {
        let request = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .limit(SCAN_PAGE)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let request = adoptable::places(request, filter);
        let start = Some((None, Pace::new(self.rate)));
        Box::pin(stream::try_unfold(start, move |state| {
            let request = request.clone();
            async move {
                let Some((key, mut pace)) = state else {
                    return Ok(None);
                };
                sleep_until(pace.turn()).await;
                let request = request.set_exclusive_start_key(key);
                let found = patiently(async || Ok(request.clone().send().await?)).await?;
                let units = found
                    .consumed_capacity()
                    .and_then(ConsumedCapacity::capacity_units);
                pace.spend(units.unwrap_or(0.0), Instant::now());
                let key = found.last_evaluated_key().filter(|key| !key.is_empty());
                let next = key.cloned().map(|key| (Some(key), pace));
                Ok(Some((found, next)))
            }
        }))
    }
}

impl Unadoptable {
    fn new(item: &Item, reason: Reason) -> Self {
        let id = item.get(table::PARTITION_KEY).and_then(|id| id.as_s().ok());
        Self {
            id: id.cloned().unwrap_or_default(),
            reason,
        }
    }
}

/// An item that can be adopted.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    id: FeedbackId,
    seconds: u64,
    position: Position,
}

impl Candidate {
    fn parse(item: &Item) -> Result<Self, Reason> {
        let text = item.get(table::PARTITION_KEY).and_then(|id| id.as_s().ok());
        let text = text.ok_or(Reason::Id)?;
        let id = FeedbackId::parse(text).map_err(|_| Reason::Id)?;
        // In another spelling it would be listed, and then not be found by the id that the listing shows.
        if id.to_string() != *text {
            return Err(Reason::Id);
        }
        let seconds = item.get(TIMESTAMP_ATTRIBUTE).and_then(|time| time.as_n().ok());
        let seconds = seconds.and_then(|seconds| seconds.parse::<u64>().ok());
        let (seconds, submitted_at) = seconds
            .and_then(|seconds| Some((seconds, Timestamp::from_seconds(seconds)?)))
            .ok_or(Reason::Timestamp)?;
        Ok(Self {
            id,
            seconds,
            position: Position::new(submitted_at, id),
        })
    }
}

/// Why [`ADOPTABLE`] does not hold an item that is not on the timeline.
fn why_unadoptable(item: &Item) -> Reason {
    if item.contains_key(table::SHARD_ATTRIBUTE) || item.contains_key(table::POSITION_ATTRIBUTE) {
        Reason::HalfPlaced
    } else if item.get(TIMESTAMP_ATTRIBUTE).is_some_and(AttributeValue::is_n) {
        Reason::Message
    } else {
        Reason::Timestamp
    }
}

fn scanned(page: &ScanOutput) -> u64 {
    u64::try_from(page.scanned_count()).unwrap_or(0)
}
