//! Deleting feedback: one piece, or all of a person's.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::indexes::Index;
use super::table::{self, Item, PARTITION_KEY, PERSON_ATTRIBUTE, expressions};
use super::timeline::TimelineChange;
use super::{FeedbackRepository, RepositoryError, record, string};
use crate::domain::{FeedbackId, Person, Timestamp};

/// The most pieces of feedback that are erased at once.
const MAX_ERASED: usize = 100;

/// What became of erasing a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// How many pieces of feedback were deleted.
    pub count: usize,
    /// Whether a look after that found no more.
    pub is_complete: bool,
}

impl FeedbackRepository {
    /// Deletes the feedback with this id for good, and says whether there was any.
    ///
    /// A `BatchGetItem` of the item and one of its day's tally, and a `TransactWriteItems` of both. It disappears from
    /// listings shortly after, and from counts at once.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused, or others kept changing the same day's counts.
    pub async fn delete(&self, id: FeedbackId, now: Timestamp) -> Result<bool, RepositoryError> {
        let deletion = |item: &Item| self.deletion(item).map(Some);
        let deleted = self.change_timeline(&[id], now, deletion).await?;
        Ok(deleted.iter().any(|item| !record::is_expired(item, now)))
    }

    /// Deletes up to 100 pieces of a person's feedback for good, expired ones that DynamoDB still holds included.
    ///
    /// The index `person` is looked through until nothing is found, which takes a `Query` more than there are pages,
    /// and what it lists is deleted if it is there and still that person's. The index lags: another call finds what
    /// was submitted shortly before this one.
    ///
    /// # Errors
    /// When the table has no such index, DynamoDB could not be reached or refused, or others kept changing the same
    /// days' counts.
    pub async fn erase(&self, person: &Person, now: Timestamp) -> Result<Erasure, RepositoryError> {
        if !self.indexes.is_configured(Index::Person) {
            return Err(RepositoryError::not_configured(Index::Person));
        }
        let digest = string(&person.as_str());
        let deletion = |item: &Item| {
            let is_theirs = item.get(PERSON_ATTRIBUTE) == Some(&digest);
            is_theirs.then(|| self.deletion(item)).transpose()
        };
        let (mut count, mut count_before, mut resume_after) = (0, 0, None);
        loop {
            let (ids, next) = self.listed(person, MAX_ERASED - count, resume_after).await?;
            count += self.change_timeline(&ids, now, deletion).await?.len();
            let is_complete = next.is_none() && count == count_before;
            if is_complete || count >= MAX_ERASED {
                return Ok(Erasure { count, is_complete });
            }
            if next.is_none() {
                // From the start again: this time for what came in between.
                count_before = count;
            }
            resume_after = next;
        }
    }

    /// The ids of up to `limit` pieces of a person's feedback, and the key to go on from.
    async fn listed(
        &self,
        person: &Person,
        limit: usize,
        resume_after: Option<Item>,
    ) -> Result<(Vec<FeedbackId>, Option<Item>), RepositoryError> {
        let query = self
            .client
            .query()
            .table_name(&*self.table)
            .index_name(Index::Person.name())
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(resume_after);
        let query = expressions::in_partition(query, &[(PERSON_ATTRIBUTE, string(&person.as_str()))]);
        let answer = expressions::projected(query, Some(&[PARTITION_KEY]))
            .customize()
            .interceptor(self.meter.clone())
            .send()
            .await
            .map_err(|error| RepositoryError::from(error).requiring(Index::Person))?;
        let ids = answer.items.into_iter().flatten().filter_map(|item| {
            let id = item.get(PARTITION_KEY)?.as_s().ok()?;
            FeedbackId::parse(id).ok()
        });
        let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
        Ok((ids.collect(), next))
    }

    fn deletion(&self, item: &Item) -> Result<TimelineChange, RepositoryError> {
        let delete = Delete::builder()
            .table_name(&*self.table)
            .set_key(table::key_of(item));
        let delete = expressions::if_unmoved(delete, item).build()?;
        Ok(TimelineChange {
            write: TransactWriteItem::builder().delete(delete).build(),
            stays: false,
        })
    }
}
