//! How many shards the timeline has.
//!
//! The table remembers it, in one item ([`SHARDS_ITEM`]). At any time functions of several versions are at work, told
//! different numbers, some of them thawed after hours, and what lies in a shard that a reader does not know is
//! missing from its pages. So:
//!
//! - A reader reads all shards that the item names. It looks at the item beside its first page, and again with the
//!   first page after a minute.
//! - Whoever is told a greater number than the item's raises it. The new shards are written to two minutes later:
//!   by then each reader has looked again.
//! - Whoever is told a smaller number goes by the item like everybody else. So the number never shrinks.
//!
//! Writers go by the item alone, too. So all of them spread feedback over the same shards, whatever they were told,
//! and a rollback takes nothing away from how much can be written.
//!
//! A function that has not looked yet writes to the first shard, which every reader reads. So a function that is told
//! one shard starts without waiting for the item, and looks after its first submission, for those to come. One that is
//! told more looks when it warms up. A function that could not look reads as many shards as there can be, and looks
//! again with the next submission or page. Where there is no item, because nothing was stored yet or an earlier version
//! of the service stored it, the shards are looked through once to see which are in use.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::Select;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use tokio::task::yield_now;

use super::table::{self, Item, RAISED_AT, SHARDS, SHARDS_BEFORE, SHARDS_ITEM, expressions};
use super::{FeedbackRepository, Index, RepositoryError, client, number, string};
use crate::domain::Timestamp;

/// The most shards a timeline can have: 64,000 submissions a second, past what one account's table takes
/// without a raised quota. Each costs a `Query` a page.
pub const MAX_TIMELINE_SHARDS: u32 = 64;
const MOST: NonZeroU32 = NonZeroU32::MIN.saturating_add(MAX_TIMELINE_SHARDS - 1);

/// How long a reader goes by what it has seen.
const LOOK_AGAIN_AFTER: Duration = Duration::from_mins(1);
/// How long after a raise the new shards are written to: [`LOOK_AGAIN_AFTER`], and as long again for clocks that
/// differ and requests that take their time.
const WRITE_AFTER: Duration = Duration::from_mins(2);

/// How often a raise is tried when others change the item at the same time.
const TRIES: u32 = 8;
/// How many shards are looked through at once.
const CONCURRENCY: usize = 8;

/// The item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    /// How many shards are read.
    shards: NonZeroU32,
    /// How many are written to until the raise is known everywhere.
    shards_before: NonZeroU32,
    /// When the number was raised, in milliseconds since 1970 began.
    raised_at: u64,
}

impl Record {
    fn parse(item: Item) -> Option<Self> {
        let record: Self = serde_dynamo::from_item(item).ok()?;
        (record.shards_before <= record.shards && record.shards <= MOST).then_some(record)
    }

    fn to_write(self, now: Timestamp) -> NonZeroU32 {
        if now >= Timestamp::saturating_from_millis(self.raised_at).saturating_add(WRITE_AFTER) {
            self.shards
        } else {
            self.shards_before
        }
    }

    /// The first item of a table, of which so many shards are in use.
    fn first(in_use: u32, configured: NonZeroU32, now: Timestamp) -> Self {
        let in_use = NonZeroU32::new(in_use).unwrap_or(configured);
        Self {
            shards: in_use.max(configured),
            shards_before: in_use,
            raised_at: now.as_millis(),
        }
    }

    fn raised(self, shards: NonZeroU32, now: Timestamp) -> Self {
        Self {
            shards,
            // Not the number before, where that one is not known everywhere itself.
            shards_before: self.to_write(now),
            raised_at: now.as_millis(),
        }
    }
}

/// What is known of the number of shards. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Shards {
    configured: NonZeroU32,
    seen: Arc<Mutex<Option<Seen>>>,
    /// Held while looking, so that pages that are read at the same time look once.
    looking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    record: Record,
    at: Timestamp,
}

impl Shards {
    pub(super) fn new(configured: NonZeroU32) -> Self {
        Self {
            configured: configured.min(MOST),
            seen: Arc::default(),
            looking: Arc::default(),
        }
    }

    /// How many shards feedback is spread over that is submitted now.
    pub(super) fn to_write(&self, now: Timestamp) -> NonZeroU32 {
        self.seen()
            .map_or(NonZeroU32::MIN, |seen| seen.record.to_write(now))
    }

    /// Whether the table has not said yet how many shards there are.
    pub(super) fn are_unknown(&self) -> bool {
        self.seen().is_none()
    }

    /// How many shards there are, as far as is known.
    pub(super) fn to_read(&self) -> NonZeroU32 {
        let seen = self.seen();
        seen.map_or(self.configured, |seen| seen.record.shards.max(self.configured))
    }

    /// Whether what is known may be out of date.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        self.seen()
            .is_none_or(|seen| now.abs_diff(seen.at) >= LOOK_AGAIN_AFTER)
    }

    fn seen(&self) -> Option<Seen> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, record: Record, at: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Some(Seen { record, at });
    }
}

impl FeedbackRepository {
    /// Does in advance what the first request would have to wait for: opens a connection, and where this repository
    /// was made with more than one shard, reads how many there are, over which submissions have to be spread.
    ///
    /// One `GET` of the endpoint's health, which DynamoDB answers at once; with more than one shard, what
    /// [`shards`](Self::shards) requests instead.
    ///
    /// # Errors
    /// See [`shards`](Self::shards). With one shard, only when DynamoDB could not be reached.
    pub async fn warm_up(&self, now: Timestamp) -> Result<(), RepositoryError> {
        if self.shards.configured == NonZeroU32::MIN {
            client::open_connection(&self.client, &self.table).await
        } else {
            self.shards(now).await.map(|_| ())
        }
    }

    /// How many shards the timeline has. Where this repository was made with more than the table knows of, the table
    /// is told.
    ///
    /// One `GetItem`, strongly consistent, of an item that is no feedback, unless it was read in the last minute. The
    /// first time on a table, and when the number is raised, also an `UpdateItem`.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused. Requests can be served all the same: submissions then go to the
    /// first shard, and pages are read from as many shards as there can be.
    pub async fn shards(&self, now: Timestamp) -> Result<NonZeroU32, RepositoryError> {
        let _alone = self.shards.looking.lock().await;
        if self.shards.is_stale(now) {
            self.look(now).await?;
        }
        Ok(self.shards.to_read())
    }

    /// Reads how many shards there are for later submissions, while the caller goes on.
    pub(super) fn look_meanwhile(&self, now: Timestamp) {
        // Not one of the requests that the caller counts.
        let repository = self.metered();
        tokio::spawn(async move {
            // The response is written first.
            yield_now().await;
            if let Err(error) = repository.shards(now).await {
                tracing::warn!(%error, "cannot tell how many shards there are, and write to the first");
            }
        });
    }

    /// How many shards feedback is spread over that is submitted now.
    #[cfg(feature = "local")]
    pub(crate) fn shards_to_write(&self, now: Timestamp) -> NonZeroU32 {
        self.shards.to_write(now)
    }

    /// How many shards a page has to be read from to be complete.
    pub(super) async fn all_shards(&self, now: Timestamp) -> NonZeroU32 {
        self.shards(now).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot tell how many shards there are, and read as many as there can be");
            MOST
        })
    }

    async fn look(&self, now: Timestamp) -> Result<(), RepositoryError> {
        let configured = self.shards.configured;
        for _ in 0..TRIES {
            let found = self.shards_record().await?;
            let next = match found {
                None => Record::first(self.shards_in_use().await?, configured, now),
                Some(record) => {
                    self.shards.note(record, now);
                    if record.shards >= configured {
                        return Ok(());
                    }
                    record.raised(configured, now)
                }
            };
            match self.replace_shards_record(found, next).await {
                Ok(true) => {
                    tracing::info!(
                        shards = next.shards,
                        before = next.shards_before,
                        "the table has a new number of shards"
                    );
                    self.shards.note(next, now);
                    return Ok(());
                }
                // Somebody else was faster.
                Ok(false) => {}
                // Feedback goes to the old shards until it is tried again.
                Err(error) if found.is_some() => {
                    tracing::warn!(%error, "cannot raise the number of shards");
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn shards_record(&self) -> Result<Option<Record>, RepositoryError> {
        let answer = self
            .client
            .get_item()
            .table_name(&*self.table)
            .key(table::PARTITION_KEY, string(&SHARDS_ITEM))
            .consistent_read(true)
            .customize()
            .interceptor(self.meter.clone())
            .send()
            .await?;
        let malformed = || RepositoryError::internal(format!("the item {SHARDS_ITEM} is malformed"));
        answer
            .item
            .map(|item| Record::parse(item).ok_or_else(malformed))
            .transpose()
    }

    /// Puts one record in the place of another, or of none; says whether that was still there.
    async fn replace_shards_record(
        &self,
        found: Option<Record>,
        next: Record,
    ) -> Result<bool, RepositoryError> {
        let mut update = self
            .client
            .update_item()
            .table_name(&*self.table)
            .key(table::PARTITION_KEY, string(&SHARDS_ITEM))
            .update_expression("SET #shards = :shards, #before = :before, #raisedAt = :now")
            .expression_attribute_names("#shards", SHARDS)
            .expression_attribute_names("#before", SHARDS_BEFORE)
            .expression_attribute_names("#raisedAt", RAISED_AT)
            .expression_attribute_values(":shards", number(&next.shards))
            .expression_attribute_values(":before", number(&next.shards_before))
            .expression_attribute_values(":now", number(&next.raised_at));
        update = match found {
            None => update.condition_expression("attribute_not_exists(#shards)"),
            Some(found) => update
                .condition_expression("#shards = :found AND #raisedAt = :foundAt")
                .expression_attribute_values(":found", number(&found.shards))
                .expression_attribute_values(":foundAt", number(&found.raised_at)),
        };
        let answer = update.customize().interceptor(self.meter.clone()).send().await;
        match answer {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// How many shards hold anything, up to the highest that does.
    async fn shards_in_use(&self) -> Result<u32, RepositoryError> {
        let is_used = |shard: u32| {
            let query = self
                .client
                .query()
                .table_name(&*self.table)
                .index_name(Index::Timeline.name());
            let query = expressions::in_partition(query, &[(table::SHARD_ATTRIBUTE, number(&shard))])
                .select(Select::Count)
                .limit(1)
                .customize()
                .interceptor(self.meter.clone());
            async move {
                let answer = query.send().await?;
                Ok::<_, RepositoryError>(if answer.count > 0 { shard + 1 } else { 0 })
            }
        };
        stream::iter((0..MAX_TIMELINE_SHARDS).map(is_used))
            .buffer_unordered(CONCURRENCY)
            .try_fold(0, |highest, shard| async move { Ok(highest.max(shard)) })
            .await
    }
}
