//! Reads the timeline: several shards, each in order, merged into one.
//!
//! One partition of an index takes 1,000 writes a second, and a hot one throttles the table itself;
//! splitting by heat does not help where the sort key only grows. So the index's partition key is a shard
//! number, and a reader asks all shards.
//!
//! Each is asked for its fair share of what is wanted and one more. Asking each for everything would need
//! no second round, but would read as many pages as there are shards to return one. A shard is asked again
//! only when it has run dry while the next item could still be its own.
//!
//! A read can find less than it examines: what a filter leaves out that is not part of the key, what has expired and
//! is not deleted yet, and items that are malformed. How much the shards are asked for next then follows from how
//! much of what the last round examined was wanted, and is at most twice as much as in that round. That goes on until
//! enough is found, the timeline ends or [`READ_BUDGET`] is spent.

use std::collections::VecDeque;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures_util::future::{OptionFuture, join, try_join_all};

use super::record;
use super::table::{self, Item, expressions};
use super::{FeedbackRepository, RepositoryError};
use crate::domain::{Direction, Feedback, Filter, Position, PositionRange, Timestamp};

/// How many items are examined for one page before what was found is returned, give or take one a shard. At 300
/// bytes an item that is about 75 read units at one shard, and less than a second.
pub const READ_BUDGET: usize = 2_000;

/// With a filter that is not part of the key, how many items are examined in the first round for each one that is
/// wanted.
const FILTERED_READ_AHEAD: usize = 4;

/// What was read.
pub(super) struct Reading {
    /// What was found, in the direction of reading.
    pub(super) found: Vec<Feedback>,
    /// The place up to which everything was read, when the budget ended the reading.
    pub(super) stopped_at: Option<Position>,
}

/// A stretch of the timeline, about to be read.
pub(super) struct Reader<'a> {
    repository: &'a FeedbackRepository,
    range: PositionRange,
    direction: Direction,
    filter: &'a Filter,
    now: Timestamp,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        repository: &'a FeedbackRepository,
        range: PositionRange,
        direction: Direction,
        filter: &'a Filter,
        now: Timestamp,
    ) -> Self {
        Self {
            repository,
            range,
            direction,
            filter,
            now,
        }
    }

    /// Reads up to `wanted` items.
    pub(super) async fn read(&self, wanted: usize) -> Result<Reading, RepositoryError> {
        let known = &self.repository.shards;
        let mut shards: Vec<Shard> = (0..known.to_read().get()).map(Shard::new).collect();
        let mut look = known
            .is_stale(self.now)
            .then(|| self.repository.all_shards(self.now));
        let mut found = Vec::with_capacity(wanted);
        let mut examined = 0;
        let mut last: Option<Round> = None;
        loop {
            self.merge(&mut shards, &mut found, wanted);
            if found.len() == wanted {
                break;
            }
            let live = shards.iter().filter(|shard| !shard.is_exhausted).count();
            let next = self.head(&shards).map(|(_, position)| position);
            let mut dry: Vec<&mut Shard> = shards
                .iter_mut()
                .filter(|shard| self.may_still_precede(shard, next))
                .collect();
            if dry.is_empty() {
                break;
            }
            if examined >= READ_BUDGET
                && let Some(stopped_at) = self.read_by_all(&dry)
            {
                return Ok(Reading {
                    found,
                    stopped_at: Some(stopped_at),
                });
            }
            let mut limit = self.read_ahead(wanted - found.len(), live, last.as_ref());
            if examined < READ_BUDGET {
                limit = limit.min((READ_BUDGET - examined).div_ceil(dry.len()));
            }
            let refills = dry.iter_mut().map(|shard| self.refill(shard, limit));
            let (refilled, all) = join(try_join_all(refills), OptionFuture::from(look.take())).await;
            let mut round = Round::of(limit);
            for (examined, matched) in refilled? {
                round.examined += examined;
                round.matched += matched;
            }
            examined += round.examined;
            last = Some(round);
            if let Some(all) = all {
                // Those that have come since this process last looked.
                let read = shards.last().map_or(0, |shard| shard.number + 1);
                shards.extend((read..all.get()).map(Shard::new));
            }
        }
        Ok(Reading {
            found,
            stopped_at: None,
        })
    }

    /// How many items to ask each shard for, where `missing` are wanted of `live` shards.
    fn read_ahead(&self, missing: usize, live: usize, last: Option<&Round>) -> usize {
        let share = |items: usize| items.div_ceil(live);
        match last {
            None if self.filter.is_beyond_the_key() => share(missing * FILTERED_READ_AHEAD),
            Some(last) if last.matched < last.examined => {
                // A shard's share of where what is missing and one more may lie, and one more of it: each costs
                // little, and a further round is a wait.
                let expected = ((missing + 1) * last.examined).checked_div(last.matched * live);
                let most = 2 * last.limit;
                expected.map_or(most, |expected| most.min(expected + 1))
            }
            _ => share(missing) + usize::from(live > 1),
        }
    }

    /// Moves what comes next from the shards to `found`, for as long as it is certain what comes next.
    fn merge(&self, shards: &mut [Shard], found: &mut Vec<Feedback>, wanted: usize) {
        while found.len() < wanted
            && let Some((index, position)) = self.head(shards)
            && !shards
                .iter()
                .any(|shard| self.may_still_precede(shard, Some(position)))
        {
            found.extend(shards[index].buffer.pop_front());
        }
    }

    /// The shard whose first item comes first, and that item's place.
    fn head(&self, shards: &[Shard]) -> Option<(usize, Position)> {
        let heads = shards
            .iter()
            .enumerate()
            .filter_map(|(index, shard)| Some((index, shard.buffer.front()?.position())));
        match self.direction {
            Direction::Forward => heads.min_by_key(|(_, position)| *position),
            Direction::Backward => heads.max_by_key(|(_, position)| *position),
        }
    }

    /// Whether a shard may hold something, not yet read, that comes before `next`, or anything at all
    /// where there is no `next`.
    fn may_still_precede(&self, shard: &Shard, next: Option<Position>) -> bool {
        let is_dry = shard.buffer.is_empty() && !shard.is_exhausted;
        let has_passed = |next| {
            shard
                .read_to
                .is_some_and(|read_to| self.direction.reaches(next, read_to))
        };
        is_dry && !next.is_some_and(has_passed)
    }

    /// The place up to which all of these shards have been read.
    fn read_by_all(&self, shards: &[&mut Shard]) -> Option<Position> {
        let places: Option<Vec<Position>> = shards.iter().map(|shard| shard.read_to).collect();
        match self.direction {
            Direction::Forward => places?.into_iter().min(),
            Direction::Backward => places?.into_iter().max(),
        }
    }

    /// Reads up to `limit` items of a shard on from where it was left; says how many were examined, and how many
    /// of them are wanted.
    async fn refill(&self, shard: &mut Shard, limit: usize) -> Result<(usize, usize), RepositoryError> {
        let answer = self
            .query(shard, limit)
            .customize()
            .interceptor(self.repository.meter.clone())
            .send()
            .await?;
        let resume_after = answer.last_evaluated_key.filter(|key| !key.is_empty());
        shard.is_exhausted = resume_after.is_none();
        shard.buffer.extend(
            answer
                .items
                .into_iter()
                .flatten()
                .filter_map(|item| record::read(item, self.now)),
        );
        let last_found = shard.buffer.back().map(Feedback::position);
        shard.read_to = resume_after
            .as_ref()
            .and_then(place_of)
            .or(last_found)
            .or(shard.read_to);
        shard.resume_after = resume_after;
        let examined = usize::try_from(answer.scanned_count).unwrap_or(0);
        // Only a shard whose buffer is empty is read on.
        Ok((examined, shard.buffer.len()))
    }

    fn query(&self, shard: &Shard, limit: usize) -> QueryFluentBuilder {
        let query = self
            .repository
            .client
            .query()
            .table_name(&*self.repository.table)
            .index_name(table::TIMELINE_INDEX)
            .scan_index_forward(self.direction == Direction::Forward)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(shard.resume_after.clone());
        let query = expressions::in_range(query, shard.number, self.range);
        // The reader looks for expired items itself, too: here it only spares the transfer.
        expressions::matching(query, self.filter, self.now)
    }
}

/// What was asked of the shards at once, and what came of it.
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

/// One shard, as far as it was read.
struct Shard {
    number: u32,
    /// What was read and not yet merged.
    buffer: VecDeque<Feedback>,
    /// DynamoDB's key to go on from.
    resume_after: Option<Item>,
    /// The place up to which everything was read, if anything was.
    read_to: Option<Position>,
    /// Whether everything was read.
    is_exhausted: bool,
}

impl Shard {
    fn new(number: u32) -> Self {
        Self {
            number,
            buffer: VecDeque::new(),
            resume_after: None,
            read_to: None,
            is_exhausted: false,
        }
    }
}

/// The place of an item by its key alone. `None` where somebody else wrote another text there: then the
/// shard counts as read up to an earlier place, which costs a further read at most.
fn place_of(key: &Item) -> Option<Position> {
    let position = key.get(table::POSITION_ATTRIBUTE)?;
    Position::parse(position.as_s().ok()?)
}
