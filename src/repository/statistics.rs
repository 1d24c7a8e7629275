//! Counting: statistics from tallies and what they do not hold yet, and counts of a listing.

use std::sync::Arc;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::Put;
use futures_util::stream::{self, StreamExt};
use tokio::sync::Mutex;

use super::plan::Plan;
use super::read_budget::ReadBudget;
use super::reader::{Reader, Reading};
use super::tally::StoredTally;
use super::{FeedbackRepository, RepositoryError};
use crate::domain::{
    Date, Direction, Filter, Piece, PositionRange, Statistics, Tally, Timestamp, Topic, settled_to,
};

/// How many items are examined for the statistics of one request, give or take one a partition.
pub const COUNTING_BUDGET: usize = 20_000;
/// How many read units are consumed for them, give or take one `Query` a partition: 16 MB of items.
const COUNTING_UNIT_BUDGET: f64 = 2_048.0;
/// More than there are in any budget.
const ALL: usize = 1_000_000;
/// How many tallies are stored at once.
const CONCURRENCY: usize = 16;

/// What is left of the budget for the statistics of one request. They are made one after the other.
#[derive(Debug, Clone)]
pub(super) struct Counting(Arc<Mutex<ReadBudget>>);

impl Default for Counting {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(ReadBudget {
            items: COUNTING_BUDGET,
            read_units: COUNTING_UNIT_BUDGET,
        })))
    }
}

impl FeedbackRepository {
    /// The statistics of the days from `from` to `to`, of one topic or of all.
    ///
    /// ⌈n/100⌉ `BatchGetItem` for the tallies of n days. What they do not hold yet is read, by a `Query` a partition of
    /// the timeline or more, and what is settled of it is stored: a `PutItem` a day. At most [`COUNTING_BUDGET`] items
    /// are examined, for all statistics of a request together; where that is not enough, the next call goes on.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused.
    pub async fn statistics(
        &self,
        from: Date,
        to: Date,
        topic: Option<&Topic>,
        now: Timestamp,
    ) -> Result<Statistics, RepositoryError> {
        let mut budget = self.counting.0.lock().await;
        let dates: Vec<Date> = from.to(to).collect();
        let mut days = self.tallies(&dates).await?;
        let mut is_complete = true;
        let adjoin = |day: &StoredTally, next: &StoredTally| {
            let ranges = day.tally.uncounted().zip(next.tally.uncounted());
            ranges.is_some_and(|(range, next)| range.joined(next).is_some())
        };
        for stretch in days.chunk_by_mut(adjoin) {
            let ranges = stretch.iter().filter_map(|day| day.tally.uncounted());
            if let Some(range) = ranges.reduce(|range, next| range.joined(next).unwrap_or(range)) {
                is_complete &= self.count(range, stretch, &mut budget, now).await?;
            }
        }
        let tallies: Vec<Tally> = days.into_iter().map(|day| day.tally).collect();
        Ok(Statistics::new(&tallies, topic, Date::of(now), is_complete))
    }

    /// Counts what lies in `range`, which is not counted yet of `days`, and stores what is settled; says whether all of
    /// it was read.
    async fn count(
        &self,
        range: PositionRange,
        days: &mut [StoredTally],
        budget: &mut ReadBudget,
        now: Timestamp,
    ) -> Result<bool, RepositoryError> {
        if budget.is_spent() {
            return Ok(false);
        }
        let everything = Filter::default();
        let reader = Reader {
            repository: self,
            plan: &Plan::new(&everything, |_| true),
            range,
            direction: Direction::Forward,
            budget: *budget,
            now,
        };
        let reading: Reading<Piece> = reader.read(ALL).await?;
        *budget = reading.budget;
        let read_to = reading.stopped_at.unwrap_or(range.last());
        let settled_to = settled_to(now).map(|settled_to| settled_to.min(read_to));
        let mut pieces = reading.found.into_iter().peekable();
        let mut replacements = Vec::new();
        for day in days {
            let last = day.tally.date().range().last();
            let mut of_day = Vec::new();
            while let Some(piece) = pieces.next_if(|piece| piece.position <= last) {
                of_day.push(piece);
            }
            let mut tally = day.tally.clone();
            if let Some(settled_to) = settled_to {
                let counted = tally.count(of_day.clone(), settled_to, now);
                let is_worth_it = counted > 0 || tally.uncounted().is_none() || reading.stopped_at.is_some();
                if is_worth_it && tally != day.tally && tally.may_be_stored(now) {
                    replacements.push(day.replacement(&self.table, tally.clone())?);
                }
            }
            tally.count(of_day, read_to, now);
            day.tally = tally;
        }
        self.store(replacements).await;
        Ok(reading.stopped_at.is_none())
    }

    /// Stores tallies, as far as nobody else was faster. The statistics are right without.
    async fn store(&self, replacements: Vec<Put>) {
        let puts = replacements.into_iter().map(|replacement| async {
            let put = self
                .client
                .put_item()
                .table_name(replacement.table_name)
                .set_item(Some(replacement.item))
                .set_condition_expression(replacement.condition_expression)
                .set_expression_attribute_names(replacement.expression_attribute_names)
                .set_expression_attribute_values(replacement.expression_attribute_values);
            put.customize().interceptor(self.meter.clone()).send().await
        });
        let mut puts = stream::iter(puts).buffer_unordered(CONCURRENCY);
        while let Some(answer) = puts.next().await {
            match answer {
                Ok(_) => {}
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(PutItemError::is_conditional_check_failed_exception) => {}
                Err(error) => {
                    let error = RepositoryError::from(error);
                    tracing::warn!(%error, "a tally is not stored, and will be counted again");
                }
            }
        }
    }
}
