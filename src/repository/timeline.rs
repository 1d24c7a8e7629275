//! Changes of what lies on the timeline, besides submissions.
//!
//! Whatever takes feedback off the timeline changes the item and the tally of its day in one transaction. So the
//! counts are right whenever the process ends, and nothing has to be counted again. Such changes are rare, and may cost
//! twice as much; a submission changes no tally, since it is later than all that is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::table::{self, Item, SHARD_ATTRIBUTE};
use super::tally::StoredTally;
use super::{FeedbackRepository, RepositoryError, piece};
use crate::domain::{Date, FeedbackId, Piece, Timestamp};

/// How many items are changed in one transaction, which may have 4 MB in all: an item has up to 60 KB.
const MAX_ITEMS: usize = 25;
/// How many transactions are made at once.
const CONCURRENCY: usize = 8;
/// How often transactions are tried again, without any success, while others change the same items or days.
const TRIES: u32 = 30;
/// The longest wait before the second such try, of which a random part is waited: those who collided would collide
/// again. It doubles for each further try, as often as said.
const FIRST_DELAY: Duration = Duration::from_millis(10);
const DOUBLINGS: u32 = 4;

/// A change of an item.
pub(super) struct TimelineChange {
    /// The write, on the condition that the item has not moved since it was read.
    pub(super) write: TransactWriteItem,
    /// Whether it lies on the timeline afterwards.
    pub(super) stays: bool,
}

/// Items with their changes.
type Changes = Vec<(Item, TimelineChange)>;

impl FeedbackRepository {
    /// Changes the items with these ids as `change` says, which gets each as it is, and returns those that were changed
    /// as they were before. Ids without an item, and items for which it returns `None`, are left alone.
    ///
    /// A `BatchGetItem` of the items, one of the tallies of their days, and a `TransactWriteItems` a day; all of it
    /// again for what others changed in between.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused, or others kept changing the items.
    pub(super) async fn change_timeline(
        &self,
        ids: &[FeedbackId],
        now: Timestamp,
        change: impl Fn(&Item) -> Result<Option<TimelineChange>, RepositoryError>,
    ) -> Result<Vec<Item>, RepositoryError> {
        let mut changed = Vec::new();
        let mut left: Vec<Item> = ids.iter().map(table::key).collect();
        let mut fruitless = 0;
        loop {
            let by_day = by_day(self.items(left).await?, &change)?;
            let dates: Vec<Date> = by_day.keys().copied().flatten().collect();
            let mut tallies = self.tallies(&dates).await?.into_iter();
            let attempts = by_day.into_iter().map(|(date, mut changes)| {
                let tally = date.and_then(|_| tallies.next());
                let later = changes.split_off(changes.len().min(MAX_ITEMS));
                async move {
                    let items: Vec<Item> = changes.iter().map(|(item, _)| item.clone()).collect();
                    let is_made = self.transact(changes, tally, now).await?;
                    Ok::<_, RepositoryError>((is_made, items, later))
                }
            });
            let attempts: Vec<_> = stream::iter(attempts)
                .buffer_unordered(CONCURRENCY)
                .try_collect()
                .await?;
            left = Vec::new();
            let before = changed.len();
            for (is_made, items, later) in attempts {
                if is_made {
                    changed.extend(items);
                } else {
                    left.extend(items.iter().filter_map(table::key_of));
                }
                left.extend(later.iter().filter_map(|(item, _)| table::key_of(item)));
            }
            if left.is_empty() {
                return Ok(changed);
            }
            if changed.len() > before {
                fruitless = 0;
                continue;
            }
            fruitless += 1;
            if fruitless == TRIES {
                return Err(RepositoryError::contended("feedback of the same day"));
            }
            let longest = FIRST_DELAY * 2_u32.pow(fruitless.min(DOUBLINGS));
            tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
        }
    }

    /// Makes changes of one day in one transaction with its tally. False where an item or the tally is not as it was
    /// read: then nothing is changed.
    async fn transact(
        &self,
        changes: Changes,
        tally: Option<StoredTally>,
        now: Timestamp,
    ) -> Result<bool, RepositoryError> {
        let mut writes = Vec::with_capacity(changes.len() + 1);
        if let Some(stored) = tally {
            let mut tally = stored.tally.clone();
            for (item, change) in &changes {
                match moved(item, change) {
                    Some(piece) if change.stays => tally.enter(piece, now),
                    Some(piece) => tally.leave(&piece, now),
                    None => {}
                }
            }
            let put = stored.replacement(&self.table, tally)?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        writes.extend(changes.into_iter().map(|(_, change)| change.write));
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .customize()
            .interceptor(self.meter.clone())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if is_of_a_change(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The changes of items, by the day of whose timeline they take something or bring something to.
fn by_day(
    items: Vec<Item>,
    change: impl Fn(&Item) -> Result<Option<TimelineChange>, RepositoryError>,
) -> Result<BTreeMap<Option<Date>, Changes>, RepositoryError> {
    let mut changes: BTreeMap<Option<Date>, Changes> = BTreeMap::new();
    for item in items {
        if let Some(change) = change(&item)? {
            let date = moved(&item, &change).map(|piece| Date::of(piece.position.submitted_at()));
            changes.entry(date).or_default().push((item, change));
        }
    }
    Ok(changes)
}

/// The feedback that a change takes off the timeline or brings to it.
fn moved(item: &Item, change: &TimelineChange) -> Option<Piece> {
    let was_there = item.contains_key(SHARD_ATTRIBUTE);
    let moves = was_there != change.stays;
    moves.then(|| piece::read(item.clone())).flatten()
}

/// Whether nothing kept a transaction from being made but others that changed what it changes.
fn is_of_a_change(error: &SdkError<TransactWriteItemsError>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(error)) = error.as_service_error() else {
        return false;
    };
    let mut codes = error
        .cancellation_reasons()
        .iter()
        .filter_map(|reason| reason.code());
    codes.all(|code| matches!(code, "None" | "ConditionalCheckFailed" | "TransactionConflict"))
}
