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
//! Filters that are not part of the key are evaluated by DynamoDB after it has read, so that a read can
//! find little or nothing. How much the shards are asked for then follows from how much of what was examined
//! was wanted, and is at most twice as much as in the round before. That goes on until enough is found, the
//! timeline ends or [`READ_BUDGET`] is spent.

use std::collections::VecDeque;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures_util::future::try_join_all;

use super::record;
use super::table::Item;
use super::{FeedbackRepository, RepositoryError, number, string, table};
use crate::domain::{Direction, Feedback, Filter, Position, PositionRange, Timestamp};

/// How many items are examined for one page before what was found is returned, give or take one a shard. At 300
/// bytes an item that is about 75 read units at one shard, and less than a second.
pub const READ_BUDGET: usize = 2_000;

/// With a filter, how many items are examined in the first round for each one that is wanted.
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
        let mut shards: Vec<Shard> = (0..self.repository.shards.get()).map(Shard::new).collect();
        let mut found = Vec::with_capacity(wanted);
        let (mut examined, mut matched, mut read_ahead) = (0, 0, 0);
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
            let missing = wanted - found.len();
            let limit = if self.filter.is_beyond_the_key() {
                read_ahead = if examined == 0 {
                    wanted.saturating_mul(FILTERED_READ_AHEAD).div_ceil(live)
                } else {
                    // A shard's fair share of where what is missing and one more may lie, and one more of it: each
                    // costs little, and a further round is a wait.
                    let expected = ((missing + 1) * examined).checked_div(matched * live);
                    let most = 2 * read_ahead;
                    expected.map_or(most, |expected| most.min(expected + 1))
                };
                let left = READ_BUDGET.saturating_sub(examined);
                read_ahead.min(left.div_ceil(dry.len())).max(1)
            } else if live == 1 {
                missing
            } else {
                missing.div_ceil(live) + 1
            };
            let refills = dry.iter_mut().map(|shard| self.refill(shard, limit));
            for (examined_now, matched_now) in try_join_all(refills).await? {
                examined += examined_now;
                matched += matched_now;
            }
        }
        Ok(Reading {
            found,
            stopped_at: None,
        })
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
        if let Some(place) = resume_after.as_ref().and_then(place_of) {
            shard.read_to = Some(place);
        }
        shard.resume_after = resume_after;
        shard.buffer.extend(
            answer
                .items
                .into_iter()
                .flatten()
                .filter_map(|item| record::read(item, self.now)),
        );
        let examined = usize::try_from(answer.scanned_count).unwrap_or(0);
        // Only a shard whose buffer is empty is read on.
        Ok((examined, shard.buffer.len()))
    }

    fn query(&self, shard: &Shard, limit: usize) -> QueryFluentBuilder {
        let mut query = self
            .repository
            .client
            .query()
            .table_name(&*self.repository.table)
            .index_name(table::TIMELINE_INDEX)
            .key_condition_expression("#shard = :shard AND #position BETWEEN :first AND :last")
            .expression_attribute_names("#shard", table::SHARD_ATTRIBUTE)
            .expression_attribute_names("#position", table::POSITION_ATTRIBUTE)
            .expression_attribute_values(":shard", number(&shard.number))
            .expression_attribute_values(":first", string(&self.range.first()))
            .expression_attribute_values(":last", string(&self.range.last()))
            .scan_index_forward(self.direction == Direction::Forward)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(shard.resume_after.clone());
        let mut conditions = Vec::new();
        if let Some(topic) = self.filter.wanted_topic() {
            conditions.push("#topic = :topic");
            query = query
                .expression_attribute_names("#topic", "topic")
                .expression_attribute_values(":topic", string(&topic));
        }
        if let Some(rating) = self.filter.min_rating() {
            conditions.push("#rating >= :minRating");
            query = query.expression_attribute_values(":minRating", number(&rating));
        }
        if let Some(rating) = self.filter.max_rating() {
            conditions.push("#rating <= :maxRating");
            query = query.expression_attribute_values(":maxRating", number(&rating));
        }
        if self.filter.min_rating().or(self.filter.max_rating()).is_some() {
            query = query.expression_attribute_names("#rating", "rating");
        }
        if conditions.is_empty() {
            return query;
        }
        query.filter_expression(conditions.join(" AND "))
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
