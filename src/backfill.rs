//! Backfills an older table: adds the attributes of its items by which indexes find them.
//!
//! The function that this service grew out of stored an id, a message and a time in whole seconds. Such an item can
//! be read by its id, but is in no listing: an index holds only items that have its keys. Items that this service
//! stored before there was triage have a position and no status. The backfill sets the attributes that are missing,
//! position, status and person, and changes nothing else.
//!
//! Progress is stored nowhere. A `Scan` finds the items that still lack the attributes, so a run continues where the
//! previous one ended, however it ended. Every write is conditional on the item being as it was found, so that other
//! runs, the service and deletions do not interfere.
//!
//! What enters the timeline may belong to a day that has been counted. So the day's tally starts again before, and is not
//! stored while an index may still lack what entered.
//!
//! No message leaves the table: scans return ids, times, positions and email addresses alone. The filter checks that
//! there is a message, which is why incompatible items take a scan of their own.

mod inspection;
mod item;
mod rate_limiter;
mod retry;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use futures_util::TryFutureExt;
use futures_util::stream::{self, Stream, TryStreamExt};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

pub use inspection::{Index, Inspection, InspectionError};
pub(crate) use item::PendingItem;
pub use item::{IncompatibleItem, Reason};

use crate::domain::{Clock, Date, Status, Timestamp};
use crate::repository::table::{self, backfill as expressions};
use crate::repository::{FeedbackRepository, RepositoryError};
use rate_limiter::RateLimiter;
use retry::retry_with_backoff;

/// How many items a `Scan` examines at a time: few enough for the pauses in between to make an even load.
const SCAN_PAGE: i32 = 1_000;
/// For how long what enters the timeline of a day needs no other restart of its tally: an index that lags by a minute
/// shows it before the tally is stored again.
const RESTART_AFTER: Duration = Duration::from_secs(30);
/// How many writes are in flight at once.
const CONCURRENCY: usize = 16;

/// The backfill of one table.
#[derive(Debug, Clone)]
pub struct Backfill {
    client: Client,
    table: String,
    rate: NonZeroU32,
    status: Status,
}

/// The contents of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The number of items, without the service's own.
    pub items: u64,
    /// How many of them lack attributes and can be given them.
    pub pending: u64,
    /// Those that are not on the timeline and cannot be added.
    pub incompatible: Vec<IncompatibleItem>,
    /// The number of items of the service's own, like [`SHARDS_ITEM`](table::SHARDS_ITEM). They are no feedback.
    pub own_items: u64,
}

/// When the tallies of days were restarted.
type Restarts = Mutex<HashMap<Date, Instant>>;

/// The outcome of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has all attributes now.
    Backfilled,
    /// It was backfilled, changed or deleted since it was found, or this very write was, and its response was lost.
    Skipped,
    /// It cannot be completed.
    Incompatible(IncompatibleItem),
}

impl Backfill {
    /// The backfill of `table`, at most `rate` items written a second, and at most `rate` read units a second used
    /// to find them.
    #[must_use]
    pub fn new(client: Client, table: &str, rate: NonZeroU32) -> Self {
        Self {
            client,
            table: table.to_owned(),
            rate,
            status: Status::default(),
        }
    }

    /// The same backfill, which gives this status to feedback that has none; without it, [`Status::Open`].
    #[must_use]
    pub fn with_status(self, status: Status) -> Self {
        Self { status, ..self }
    }

    /// Counts the items and changes nothing. Reads the whole table twice, and reports after each response how many
    /// items it examined.
    ///
    /// # Errors
    /// If DynamoDB refused, or was unavailable for long.
    pub async fn survey(&self, mut examined: impl FnMut(u64)) -> Result<Survey, RepositoryError> {
        let mut survey = Survey::default();
        let mut pages = self.scan(expressions::PENDING);
        while let Some(page) = pages.try_next().await? {
            survey.items += scanned(&page);
            examined(scanned(&page));
            for item in page.items() {
                match PendingItem::parse(item) {
                    Ok(_) => survey.pending += 1,
                    Err(reason) => survey.incompatible.push(IncompatibleItem::new(item, reason)),
                }
            }
        }
        let mut pages = self.scan(expressions::incompatible());
        while let Some(page) = pages.try_next().await? {
            examined(scanned(&page));
            for item in page.items() {
                let incompatible = IncompatibleItem::new(item, Reason::of(item));
                if table::is_own(&incompatible.id) {
                    survey.own_items += 1;
                    survey.items -= 1;
                } else {
                    survey.incompatible.push(incompatible);
                }
            }
        }
        Ok(survey)
    }

    /// The number of shards that the service writes to now, as stored in the table. If none is stored, the number of
    /// shards in use is stored.
    ///
    /// # Errors
    /// If DynamoDB refused, or was unavailable for long.
    pub async fn shards(&self, now: Timestamp) -> Result<NonZeroU32, RepositoryError> {
        let repository = self.repository();
        retry_with_backoff(|| repository.shards(now)).await?;
        Ok(repository.shards_to_write(now))
    }

    /// Completes all pending items, for a timeline of `shards` shards, and reports the outcome of each. Items whose
    /// incompatibility the survey finds are passed over.
    ///
    /// However this ends, even in the middle of a request, the next call continues with what is left.
    ///
    /// # Errors
    /// If DynamoDB refused, or was unavailable for long.
    pub async fn run(
        &self,
        shards: NonZeroU32,
        mut report: impl FnMut(Outcome),
    ) -> Result<(), RepositoryError> {
        let mut limiter = RateLimiter::new(self.rate);
        let restarts = &Restarts::default();
        self.scan(expressions::PENDING)
            .map_ok(|page| {
                let items = page.items.into_iter().flatten();
                let pending = items.filter_map(|item| PendingItem::parse(&item).ok());
                stream::iter(pending.map(Ok).collect::<Vec<_>>())
            })
            .try_flatten()
            .and_then(|item| {
                let ready_at = limiter.ready_at();
                limiter.consume(1.0, Instant::now());
                async move {
                    sleep_until(ready_at).await;
                    Ok(Box::pin(retry_with_backoff(move || {
                        self.add(item.clone(), shards, restarts)
                    })))
                }
            })
            .try_buffer_unordered(CONCURRENCY)
            .try_for_each(|outcome| {
                report(outcome);
                async { Ok(()) }
            })
            .await
    }

    async fn add(
        &self,
        item: PendingItem,
        shards: NonZeroU32,
        restarts: &Restarts,
    ) -> Result<Outcome, RepositoryError> {
        if !item.is_listed {
            let date = Date::of(item.position.submitted_at());
            self.restart_tally(date, restarts).await?;
        }
        let update = self.client.update_item().table_name(&self.table);
        let answer = expressions::add(update, &item, self.status, shards).send().await;
        let Err(error) = answer else {
            return Ok(Outcome::Backfilled);
        };
        match error.code() {
            Some("ConditionalCheckFailedException") => Ok(Outcome::Skipped),
            // The request is the same for every item, so the item is the cause.
            Some("ValidationException") => Ok(Outcome::Incompatible(IncompatibleItem {
                id: item.position.id().to_string(),
                reason: Reason::Refused(error.message().unwrap_or("no message").to_owned()),
            })),
            _ => Err(error.into()),
        }
    }

    /// Restarts the tally of a day, unless that was done a moment ago.
    async fn restart_tally(&self, date: Date, restarts: &Restarts) -> Result<(), RepositoryError> {
        let mut restarts = restarts.lock().await;
        let is_due = |at: &Instant| at.elapsed() >= RESTART_AFTER;
        if restarts.get(&date).is_none_or(is_due) {
            let at = Instant::now();
            self.repository().restart_tally(date, Clock::System.now()).await?;
            restarts.insert(date, at);
        }
        Ok(())
    }

    fn repository(&self) -> FeedbackRepository {
        FeedbackRepository::new(self.client.clone(), &self.table, NonZeroU32::MIN)
    }

    /// All items that match the filter, page by page. Strongly consistent, so that an item that was just backfilled
    /// is not found again.
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
        let request = expressions::keys_of(request, filter);
        let start = Some((None, RateLimiter::new(self.rate)));
        Box::pin(stream::try_unfold(start, move |state| {
            let request = request.clone();
            async move {
                let Some((key, mut limiter)) = state else {
                    return Ok(None);
                };
                sleep_until(limiter.ready_at()).await;
                let request = request.set_exclusive_start_key(key);
                let found = retry_with_backoff(|| request.clone().send().err_into()).await?;
                let units = found
                    .consumed_capacity()
                    .and_then(ConsumedCapacity::capacity_units);
                limiter.consume(units.unwrap_or(0.0), Instant::now());
                let key = found.last_evaluated_key().filter(|key| !key.is_empty());
                let next = key.cloned().map(|key| (Some(key), limiter));
                Ok(Some((found, next)))
            }
        }))
    }
}

fn scanned(page: &ScanOutput) -> u64 {
    u64::try_from(page.scanned_count()).unwrap_or(0)
}
