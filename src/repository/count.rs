//! How many items a listing has.

use aws_sdk_dynamodb::types::Select;
use futures_util::future::try_join_all;

use super::plan::PartitionKey;
use super::read_budget::{READ_BUDGET, ReadBudget};
use super::reader::Reader;
use super::table::Item;
use super::{FeedbackRepository, RepositoryError};
use crate::domain::{Direction, Filter, Timestamp};

/// How many read units a count consumes, give or take one `Query` a partition: 4 MB of items.
const READ_UNIT_BUDGET: f64 = 512.0;

/// With a filter that is not part of the key, how many items are examined for each one that may be missing.
const FILTERED_READ_AHEAD: usize = 4;

/// How many items a listing has, as far as they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// How many there are at least.
    pub value: usize,
    /// Whether there are no more.
    pub is_exact: bool,
}

impl FeedbackRepository {
    /// How many items a listing has, up to `up_to`, without what has expired at `now`.
    ///
    /// Counted in the index that answers the filter best: a `Query` a partition, and more where one takes several. At
    /// most `up_to` items are examined, or [`READ_BUDGET`](super::READ_BUDGET) if that is more, and 4 MB; give or take one
    /// `Query` a partition. Eventually consistent, as listings are.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused.
    pub async fn count_listed(
        &self,
        filter: &Filter,
        up_to: usize,
        now: Timestamp,
    ) -> Result<Count, RepositoryError> {
        let Some(range) = filter.range() else {
            return Ok(Count {
                value: 0,
                is_exact: true,
            });
        };
        let shards = self.all_shards(now).await.get();
        loop {
            let plan = self.plan(filter, now);
            let reader = Reader {
                repository: self,
                plan: &plan,
                range,
                direction: Direction::Forward,
                budget: ReadBudget {
                    items: READ_BUDGET.max(up_to + 1),
                    read_units: READ_UNIT_BUDGET,
                },
                now,
            };
            match reader.count(up_to, plan.partitions(0..shards)).await {
                Err(error) if self.can_do_without(plan.index(), &error, now) => {}
                result => return result.map_err(|error| error.requiring(plan.index())),
            }
        }
    }
}

impl Reader<'_> {
    async fn count(&self, up_to: usize, partitions: Vec<PartitionKey>) -> Result<Count, RepositoryError> {
        let mut open: Vec<(PartitionKey, Option<Item>)> =
            partitions.into_iter().map(|key| (key, None)).collect();
        // One more than is to be counted tells whether there are more.
        let (mut count, wanted) = (0, up_to + 1);
        let is_filtered = !self.plan.filtered.is_empty();
        let mut budget = self.budget;
        let ahead = if is_filtered { FILTERED_READ_AHEAD } else { 1 };
        while !open.is_empty() && count < wanted && !budget.is_spent() {
            let limit = budget.items.min((wanted - count) * ahead).div_ceil(open.len());
            let answers = open.into_iter().map(|(key, resume_after)| async move {
                let query = self
                    .query(&key, self.range, resume_after, limit)
                    .select(Select::Count);
                let query = query.customize().interceptor(self.repository.meter.clone());
                Ok::<_, RepositoryError>((key, query.send().await?))
            });
            open = Vec::new();
            for (key, answer) in try_join_all(answers).await? {
                count += usize::try_from(answer.count).unwrap_or(0);
                budget -= ReadBudget::taken(answer.scanned_count, answer.consumed_capacity.as_ref());
                if let Some(next) = answer.last_evaluated_key.filter(|key| !key.is_empty()) {
                    open.push((key, Some(next)));
                }
            }
        }
        Ok(Count {
            value: count.min(up_to),
            is_exact: open.is_empty() && count <= up_to,
        })
    }
}
