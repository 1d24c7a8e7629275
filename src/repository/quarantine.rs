//! Putting feedback into quarantine, and back on the timeline.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};

use super::table::{self, Item, expressions};
use super::timeline::TimelineChange;
use super::{FeedbackRepository, RepositoryError, record};
use crate::domain::{Feedback, FeedbackId, Quarantine, QuarantineReason, Timestamp};

impl FeedbackRepository {
    /// Puts the feedback with this id into quarantine, for staff, and returns it; `None` where there is no such feedback.
    /// What is in quarantine already stays as it is.
    ///
    /// A `BatchGetItem` of the item and one of its day's tally, and a `TransactWriteItems` of both; where nothing changes,
    /// two `BatchGetItem` of the item. It disappears from listings shortly after, and from counts at once.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused, or others kept changing the same day's counts.
    pub async fn quarantine(
        &self,
        id: FeedbackId,
        now: Timestamp,
    ) -> Result<Option<Feedback>, RepositoryError> {
        let by_staff = Quarantine {
            reasons: BTreeSet::from([QuarantineReason::ByStaff]),
            since: now,
        };
        self.put(id, Some(by_staff), now).await
    }

    /// Puts the feedback with this id back on the timeline, where it was or would have been, and returns it; `None` where
    /// there is no such feedback. What is not in quarantine stays as it is.
    ///
    /// The same requests as for [`quarantine`](Self::quarantine).
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused, or others kept changing the same day's counts.
    pub async fn release(&self, id: FeedbackId, now: Timestamp) -> Result<Option<Feedback>, RepositoryError> {
        self.put(id, None, now).await
    }

    async fn put(
        &self,
        id: FeedbackId,
        quarantine: Option<Quarantine>,
        now: Timestamp,
    ) -> Result<Option<Feedback>, RepositoryError> {
        let moved = |item: &Item| {
            let feedback = record::read(item.clone(), now)?;
            let moves = feedback.quarantine.is_some() != quarantine.is_some();
            moves.then(|| Feedback {
                quarantine: quarantine.clone(),
                ..feedback
            })
        };
        let shard = record::shard_of(id, self.shards.to_write(now));
        let change = |item: &Item| {
            let Some(feedback) = moved(item) else {
                return Ok(None);
            };
            let update = Update::builder()
                .table_name(&*self.table)
                .set_key(Some(table::key(&id)));
            let update = expressions::move_to(update, item, &feedback, shard).build()?;
            Ok(Some(TimelineChange {
                write: TransactWriteItem::builder().update(update).build(),
                stays: feedback.quarantine.is_none(),
            }))
        };
        let changed = self.change_timeline(&[id], now, change).await?;
        match changed.iter().find_map(moved) {
            Some(feedback) => Ok(Some(feedback)),
            None => Ok(self.by_ids(&[id], now).await?.remove(&id)),
        }
    }
}
