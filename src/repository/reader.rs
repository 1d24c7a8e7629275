//! Reads a listing: several partitions of an index, each in order, merged into one.
//!
//! One partition of an index takes 1,000 writes a second, and a hot one throttles the table itself;
//! splitting by heat does not help where the sort key only grows. So the timeline is spread over shards, and a
//! reader asks all of them.
//!
//! Each is asked for its fair share of what is wanted and one more. Asking each for everything would need
//! no second round, but would read as many pages as there are partitions to return one. A partition is asked again
//! only when it has run dry while the next item could still be its own.
//!
//! A read can find less than it examines: what a filter leaves out that is not part of the key, what has expired and
//! is not deleted yet, and items that are malformed. How much the partitions are asked for next then follows from how
//! much of what the last round examined was wanted, and is at most twice as much as in that round. That goes on until
//! enough is found, the listing ends or the read budget is spent: [`ReadBudget`]. Some partitions have been read further
//! than others then. A page ends where all have been read, and the next one reads the rest again. Where everything is to
//! be read once, the others catch up with the last of the budget.

use std::collections::VecDeque;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use futures_util::future::{OptionFuture, join, try_join_all};

use super::plan::{KeyPart, PartitionKey, Plan};
use super::read_budget::ReadBudget;
use super::record;
use super::table::{self, Item, expressions};
use super::{FeedbackRepository, RepositoryError};
use crate::domain::{Direction, Feedback, Position, PositionRange, Timestamp};

/// What an item of an index is read as.
pub(super) trait Listed: Sized {
    /// The attributes that are read; `None` for all.
    const ATTRIBUTES: Option<&'static [&'static str]>;

    /// Whether nothing that was read is left for the next time, if it can be helped: that takes some of the budget. Forward
    /// alone.
    const IS_READ_ONCE: bool;

    /// The value of an item, unless it has expired or is malformed.
    fn read(item: Item, now: Timestamp) -> Option<Self>;

    /// Its place on the timeline.
    fn position(&self) -> Position;
}

impl Listed for Feedback {
    const ATTRIBUTES: Option<&'static [&'static str]> = None;
    const IS_READ_ONCE: bool = false;

    fn read(item: Item, now: Timestamp) -> Option<Self> {
        record::read(item, now)
    }

    fn position(&self) -> Position {
        self.position()
    }
}

/// With a filter that is not part of the key, how many items are examined in the first round for each one that is
/// wanted.
const FILTERED_READ_AHEAD: usize = 4;

/// What was read.
pub(super) struct Reading<T> {
    /// What was found, in the direction of reading.
    pub(super) found: Vec<T>,
    /// The place up to which everything was read, when the budget ended the reading.
    pub(super) stopped_at: Option<Position>,
    /// What is left of the budget.
    pub(super) budget: ReadBudget,
}

/// A stretch of a listing, about to be read.
pub(super) struct Reader<'a> {
    pub(super) repository: &'a FeedbackRepository,
    pub(super) plan: &'a Plan<'a>,
    pub(super) range: PositionRange,
    pub(super) direction: Direction,
    pub(super) budget: ReadBudget,
    pub(super) now: Timestamp,
}

impl Reader<'_> {
    /// Reads up to `wanted` items.
    pub(super) async fn read<T: Listed>(&self, wanted: usize) -> Result<Reading<T>, RepositoryError> {
        let known = &self.repository.shards;
        let shards = known.to_read().get();
        let mut partitions = self.partitions(0, shards);
        let mut look = known
            .is_stale(self.now)
            .then(|| self.repository.all_shards(self.now));
        let mut found = Vec::new();
        let mut budget = self.budget;
        let mut last: Option<Round> = None;
        let mut catch_up_to = None;
        let stopped_at = loop {
            self.merge(&mut partitions, &mut found, wanted);
            if found.len() == wanted {
                break None;
            }
            let live = partitions
                .iter()
                .filter(|partition| !partition.is_exhausted)
                .count();
            let next = self.head(&partitions).map(|(_, position)| position);
            let mut dry: Vec<&mut Partition<T>> = partitions
                .iter_mut()
                .filter(|partition| self.may_still_precede(partition, next.or(catch_up_to)))
                .collect();
            if dry.is_empty() {
                break catch_up_to;
            }
            let stopped_at = self.read_by_all(&dry);
            if budget.is_spent() && stopped_at.is_some() {
                break stopped_at;
            }
            let should_catch_up = T::IS_READ_ONCE && budget.is_within(self.budget.reserve());
            if should_catch_up && catch_up_to.is_none() && stopped_at.is_some() && dry.len() < live {
                catch_up_to = partitions.iter().filter_map(|partition| partition.read_to).max();
                continue;
            }
            let mut limit = self.read_ahead(wanted - found.len(), live, last.as_ref());
            if T::IS_READ_ONCE && live > 1 {
                // So that all others can catch up with one.
                limit = limit.min(self.budget.reserve().items.div_ceil(live));
            }
            if budget.items > 0 {
                limit = limit.min(budget.items.div_ceil(dry.len()));
            }
            let refills = dry
                .iter_mut()
                .map(|partition| self.refill(partition, limit, catch_up_to));
            let (refilled, all) = join(try_join_all(refills), OptionFuture::from(look.take())).await;
            let mut round = Round::of(limit);
            for refill in refilled? {
                round.examined += refill.taken.items;
                round.matched += refill.matched;
                budget -= refill.taken;
            }
            last = Some(round);
            if let Some(all) = all {
                // Those that have come since this process last looked.
                partitions.extend(self.partitions(shards, all.get()));
            }
        };
        Ok(Reading {
            found,
            stopped_at,
            budget,
        })
    }

    /// The partitions of the shards from `first` to before `end`.
    fn partitions<T>(&self, first: u32, end: u32) -> Vec<Partition<T>> {
        let keys = self.plan.partitions(first..end).into_iter();
        keys.map(Partition::new).collect()
    }

    /// How many items to ask each partition for, where `missing` are wanted of `live` partitions.
    fn read_ahead(&self, missing: usize, live: usize, last: Option<&Round>) -> usize {
        let share = |items: usize| items.div_ceil(live);
        match last {
            None if !self.plan.filtered.is_empty() => share(missing * FILTERED_READ_AHEAD),
            Some(last) if last.matched < last.examined => {
                // A partition's share of where what is missing and one more may lie, and one more of it: each costs
                // little, and a further round is a wait.
                let expected = ((missing + 1) * last.examined).checked_div(last.matched * live);
                let most = 2 * last.limit;
                expected.map_or(most, |expected| most.min(expected + 1))
            }
            _ => share(missing) + usize::from(live > 1),
        }
    }

    /// Moves what comes next from the partitions to `found`, for as long as it is certain what comes next.
    fn merge<T: Listed>(&self, partitions: &mut [Partition<T>], found: &mut Vec<T>, wanted: usize) {
        while found.len() < wanted
            && let Some((index, position)) = self.head(partitions)
            && !partitions
                .iter()
                .any(|partition| self.may_still_precede(partition, Some(position)))
        {
            let item = partitions[index].buffer.pop_front();
            // While its status changes, an index can have an item in two partitions.
            if found.last().map(T::position) != Some(position) {
                found.extend(item);
            }
        }
    }

    /// The partition whose first item comes first, and that item's place.
    fn head<T: Listed>(&self, partitions: &[Partition<T>]) -> Option<(usize, Position)> {
        let heads = partitions
            .iter()
            .enumerate()
            .filter_map(|(index, partition)| Some((index, partition.buffer.front()?.position())));
        match self.direction {
            Direction::Forward => heads.min_by_key(|(_, position)| *position),
            Direction::Backward => heads.max_by_key(|(_, position)| *position),
        }
    }

    /// Whether a partition may hold something, not yet read, that comes before `next`, or anything at all
    /// where there is no `next`.
    fn may_still_precede<T>(&self, partition: &Partition<T>, next: Option<Position>) -> bool {
        let is_dry = partition.buffer.is_empty() && !partition.is_exhausted;
        let has_passed = |next| {
            partition
                .read_to
                .is_some_and(|read_to| self.direction.reaches(next, read_to))
        };
        is_dry && !next.is_some_and(has_passed)
    }

    /// The place up to which all of these partitions have been read.
    fn read_by_all<T>(&self, partitions: &[&mut Partition<T>]) -> Option<Position> {
        let places: Option<Vec<Position>> = partitions.iter().map(|partition| partition.read_to).collect();
        match self.direction {
            Direction::Forward => places?.into_iter().min(),
            Direction::Backward => places?.into_iter().max(),
        }
    }

    /// Reads up to `limit` items of a partition on from where it was left.
    async fn refill<T: Listed>(
        &self,
        partition: &mut Partition<T>,
        limit: usize,
        up_to: Option<Position>,
    ) -> Result<Refill, RepositoryError> {
        let range = up_to.map_or(Some(self.range), |position| self.range.up_to(position));
        let range = range.unwrap_or(self.range);
        let query = self.query(&partition.key, range, partition.resume_after.clone(), limit);
        let answer = expressions::projected(query, T::ATTRIBUTES)
            .customize()
            .interceptor(self.repository.meter.clone())
            .send()
            .await?;
        let taken = ReadBudget::taken(answer.scanned_count, answer.consumed_capacity.as_ref());
        let resume_after = answer.last_evaluated_key.filter(|key| !key.is_empty());
        partition.is_exhausted = resume_after.is_none();
        partition.buffer.extend(
            answer
                .items
                .into_iter()
                .flatten()
                .filter_map(|item| T::read(item, self.now)),
        );
        let last_found = partition.buffer.back().map(T::position);
        partition.read_to = resume_after
            .as_ref()
            .and_then(place_of)
            .or(last_found)
            .or(partition.read_to);
        partition.resume_after = resume_after;
        Ok(Refill {
            taken,
            // Only a partition whose buffer is empty is read on.
            matched: partition.buffer.len(),
        })
    }

    /// The request for up to `limit` items of a partition, from where it was left.
    pub(super) fn query(
        &self,
        key: &[KeyPart],
        range: PositionRange,
        resume_after: Option<Item>,
        limit: usize,
    ) -> QueryFluentBuilder {
        let query = self
            .repository
            .client
            .query()
            .table_name(&*self.repository.table)
            .index_name(self.plan.index().name())
            .scan_index_forward(self.direction == Direction::Forward)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .set_exclusive_start_key(resume_after);
        let query = expressions::in_range(query, key, range);
        // The reader looks for expired items itself, too: here it only spares the transfer.
        expressions::matching(query, &self.plan.filtered, self.plan.required(), self.now)
    }
}

/// What was asked of the partitions at once, and what came of it.
struct Round {
    /// How many items each was asked for.
    limit: usize,
    /// How many were examined.
    examined: usize,
    /// How many of them are wanted.
    matched: usize,
}

impl Round {
    fn of(limit: usize) -> Self {
        Self {
            limit,
            examined: 0,
            matched: 0,
        }
    }
}

/// What one partition gave in a round.
struct Refill {
    taken: ReadBudget,
    matched: usize,
}

/// One partition, as far as it was read.
struct Partition<T> {
    key: PartitionKey,
    /// What was read and not yet merged.
    buffer: VecDeque<T>,
    /// DynamoDB's key to go on from.
    resume_after: Option<Item>,
    /// The place up to which everything was read, if anything was.
    read_to: Option<Position>,
    /// Whether everything was read.
    is_exhausted: bool,
}

impl<T> Partition<T> {
    fn new(key: PartitionKey) -> Self {
        Self {
            key,
            buffer: VecDeque::new(),
            resume_after: None,
            read_to: None,
            is_exhausted: false,
        }
    }
}

/// The place of an item by its key alone. `None` where somebody else wrote another text there: then the
/// partition counts as read up to an earlier place, which costs a further read at most.
fn place_of(key: &Item) -> Option<Position> {
    let position = key.get(table::POSITION_ATTRIBUTE)?;
    Position::parse(position.as_s().ok()?)
}
