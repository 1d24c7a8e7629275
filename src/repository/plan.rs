//! How a listing is read: from which index, from which of its partitions, and what is left to filter.
//!
//! A pure function of the filter and of the indexes that can be read. The narrowest index is taken; whatever else the
//! filter asks for is looked for among what that index gives.

use std::ops::Range;

use aws_sdk_dynamodb::types::AttributeValue;

use super::indexes::Index;
use super::number;
use super::table::expressions::wanted;
use super::table::{QUARANTINE_SHARD_ATTRIBUTE, SHARD_ATTRIBUTE};
use crate::domain::{Condition, Filter, Status};

/// The most values of a rating for which its index is taken: each is a partition of its own in every shard.
const MAX_RATINGS: usize = 2;

/// An attribute of a partition key, and its value.
pub(super) type KeyPart = (&'static str, AttributeValue);

/// The partition key of an index.
pub(super) type PartitionKey = Vec<KeyPart>;

/// How a listing is read.
#[derive(Debug, PartialEq)]
pub(super) struct Plan<'a> {
    /// The index of all that the listing can hold: the timeline, or the quarantine.
    whole: Index,
    /// The condition that the index's key answers; none of it is the whole's.
    by_key: Option<Condition<'a>>,
    /// The conditions that are left to filter.
    pub(super) filtered: Vec<Condition<'a>>,
}

impl<'a> Plan<'a> {
    /// The cheapest way to read what the filter holds, with the indexes that can be read.
    pub(super) fn new(filter: &'a Filter, can_read: impl Fn(Index) -> bool) -> Self {
        let whole = if filter.is_quarantined() {
            Index::Quarantine
        } else {
            Index::Timeline
        };
        let mut conditions = filter.conditions();
        // The others hold what is on the timeline alone.
        let holds_whole = |index| whole == Index::Timeline || index == Index::Person;
        let narrowest = conditions
            .iter()
            .enumerate()
            .filter(|(_, condition)| {
                Index::of(condition).is_some_and(|index| holds_whole(index) && can_read(index))
            })
            .filter_map(|(place, condition)| Some((breadth(condition)?, place)))
            .min();
        Self {
            whole,
            by_key: narrowest.map(|(_, place)| conditions.remove(place)),
            filtered: conditions,
        }
    }

    /// The index to read.
    pub(super) fn index(&self) -> Index {
        let index = self.by_key.as_ref().and_then(Index::of);
        index.unwrap_or(self.whole)
    }

    /// The attribute that tells what the listing holds, where the index holds more: that of a person has both what is
    /// on the timeline and what is in quarantine.
    pub(super) fn required(&self) -> Option<&'static str> {
        (self.index() == Index::Person).then(|| self.shard())
    }

    /// The attribute with the number of the shard.
    fn shard(&self) -> &'static str {
        match self.whole {
            Index::Quarantine => QUARANTINE_SHARD_ATTRIBUTE,
            _ => SHARD_ATTRIBUTE,
        }
    }

    /// The partitions to read of these shards. What is not sharded counts to the first shard.
    pub(super) fn partitions(&self, shards: Range<u32>) -> Vec<PartitionKey> {
        let shards: Vec<PartitionKey> = match &self.by_key {
            Some(Condition::Person(_)) => shards.contains(&0).then(Vec::new).into_iter().collect(),
            _ => shards.map(|shard| vec![(self.shard(), number(&shard))]).collect(),
        };
        let Some((attribute, values)) = self.by_key.as_ref().map(wanted) else {
            return shards;
        };
        let key = |shard: &PartitionKey, value: &AttributeValue| {
            shard
                .iter()
                .cloned()
                .chain([(attribute, value.clone())])
                .collect()
        };
        let keys = shards
            .iter()
            .flat_map(|shard| values.iter().map(move |value| key(shard, value)));
        keys.collect()
    }
}

/// How much of all feedback meets a condition, as a rank: the less, the better its index serves. `None` where the
/// timeline serves better, because most feedback does.
fn breadth(condition: &Condition<'_>) -> Option<u8> {
    match condition {
        Condition::Person(_) => Some(0),
        Condition::Status(statuses) if !statuses.contains(&Status::Resolved) => Some(1),
        Condition::Topic(_) => Some(2),
        Condition::Rating(min, max) if min.to(*max).len() <= MAX_RATINGS => Some(3),
        Condition::Status(statuses) if statuses.len() < Status::ALL.len() => Some(4),
        Condition::Status(_) | Condition::Rating(..) | Condition::Tag(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::table::RATING_ATTRIBUTE;

    fn index(filter: &Filter) -> Index {
        Plan::new(filter, |_| true).index()
    }

    #[test]
    fn the_narrowest_index_is_taken() {
        let wide = Filter::default().tag("urgent").unwrap();
        assert_eq!(index(&wide), Index::Timeline);
        let all = wide.clone().statuses(Status::ALL.iter().copied()).unwrap();
        assert_eq!(index(&all), Index::Timeline);
        let resolved = wide.clone().statuses([Status::Resolved, Status::Open]).unwrap();
        assert_eq!(index(&resolved), Index::Status);
        assert_eq!(
            index(&resolved.clone().rated(Some(1), Some(3)).unwrap()),
            Index::Status
        );
        let rated = resolved.rated(Some(4), None).unwrap();
        assert_eq!(index(&rated), Index::Rating);
        let about = rated.topic("search").unwrap();
        assert_eq!(index(&about), Index::Topic);
        let open = about.statuses([Status::Open, Status::InProgress]).unwrap();
        assert_eq!(index(&open), Index::Status);
        assert_eq!(index(&open.email("sam@example.org").unwrap()), Index::Person);
    }

    #[test]
    fn what_the_key_does_not_answer_is_filtered() {
        let filter = Filter::default().topic("search").unwrap().tag("urgent").unwrap();
        let plan = Plan::new(&filter, |_| true);
        assert!(matches!(plan.filtered[..], [Condition::Tag(_)]));
        let plan = Plan::new(&filter, |index| index != Index::Topic);
        assert_eq!(plan.index(), Index::Timeline);
        assert_eq!(plan.filtered.len(), 2);
    }

    #[test]
    fn the_quarantine_is_read_by_its_own_index_or_by_that_of_the_person() {
        let filter = Filter::default().quarantined().topic("search").unwrap();
        let plan = Plan::new(&filter, |_| true);
        assert_eq!((plan.index(), plan.required()), (Index::Quarantine, None));
        assert!(matches!(plan.filtered[..], [Condition::Topic(_)]));
        let key = vec![(QUARANTINE_SHARD_ATTRIBUTE, number(&1))];
        assert_eq!(plan.partitions(1..2), [key]);
        let by_person = |filter: Filter, index, required| {
            let filter = filter.email("sam@example.org").unwrap();
            let plan = Plan::new(&filter, |_| true);
            assert_eq!((plan.index(), plan.required()), (index, Some(required)));
            let plan = Plan::new(&filter, |index| index != Index::Person);
            assert_eq!(plan.required(), None);
        };
        by_person(filter, Index::Person, QUARANTINE_SHARD_ATTRIBUTE);
        by_person(Filter::default(), Index::Person, SHARD_ATTRIBUTE);
    }

    #[test]
    fn every_shard_has_a_partition_for_each_value() {
        let filter = Filter::default().rated(None, Some(2)).unwrap();
        let partitions = Plan::new(&filter, |_| true).partitions(1..3);
        let key = |shard, rating| {
            vec![
                (SHARD_ATTRIBUTE, number(&shard)),
                (RATING_ATTRIBUTE, number(&rating)),
            ]
        };
        assert_eq!(partitions, [key(1, 1), key(1, 2), key(2, 1), key(2, 2)]);
        let filter = Filter::default().email("sam@example.org").unwrap();
        let plan = Plan::new(&filter, |_| true);
        assert_eq!(plan.partitions(0..4).len(), 1);
        assert_eq!(plan.partitions(4..5), Vec::<PartitionKey>::new());
    }
}
