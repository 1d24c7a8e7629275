//! The indexes of the table.
//!
//! All have one shape. The partition key says what is looked for, the sort key is the position, and all attributes are
//! in them. So any of them can serve a listing, a cursor is the same place in each, and which ones there are changes
//! what a page costs and never what is in it.
//!
//! Partition keys are of several attributes, which DynamoDB takes as they are. An item without one of them is not in
//! the index. The service writes the attributes whatever indexes there are, so that one can be added at any time.
//!
//! Feedback in quarantine has a shard of the quarantine in place of one of the timeline. So it is in no index whose key
//! has the timeline's shard: only in that of the quarantine, and in that of its person.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::ScalarAttributeType;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::table::{
    PERSON_ATTRIBUTE, QUARANTINE_SHARD_ATTRIBUTE, RATING_ATTRIBUTE, SHARD_ATTRIBUTE, STATUS_ATTRIBUTE,
    TOPIC_ATTRIBUTE,
};
use crate::domain::{Condition, Timestamp};

/// For how long an index that was missing is not tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// An index of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Index {
    /// All feedback that is not in quarantine. Always there.
    Timeline,
    /// Feedback in quarantine. Always there.
    Quarantine,
    /// By status.
    Status,
    /// By topic.
    Topic,
    /// By rating.
    Rating,
    /// By the person who wrote it.
    Person,
}

impl Index {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether every table has it, whatever is configured.
    #[must_use]
    pub fn is_always_there(self) -> bool {
        matches!(self, Self::Timeline | Self::Quarantine)
    }

    /// The attributes of the partition key, with their types.
    #[must_use]
    pub fn partition_key(self) -> &'static [(&'static str, ScalarAttributeType)] {
        const SHARD: (&str, ScalarAttributeType) = (SHARD_ATTRIBUTE, ScalarAttributeType::N);
        match self {
            Self::Timeline => const { &[SHARD] },
            Self::Quarantine => const { &[(QUARANTINE_SHARD_ATTRIBUTE, ScalarAttributeType::N)] },
            Self::Status => const { &[SHARD, (STATUS_ATTRIBUTE, ScalarAttributeType::S)] },
            Self::Topic => const { &[SHARD, (TOPIC_ATTRIBUTE, ScalarAttributeType::S)] },
            Self::Rating => const { &[SHARD, (RATING_ATTRIBUTE, ScalarAttributeType::N)] },
            Self::Person => const { &[(PERSON_ATTRIBUTE, ScalarAttributeType::S)] },
        }
    }

    /// The index whose key a condition can be part of.
    pub(super) fn of(condition: &Condition<'_>) -> Option<Self> {
        match condition {
            Condition::Person(_) => Some(Self::Person),
            Condition::Status(_) => Some(Self::Status),
            Condition::Topic(_) => Some(Self::Topic),
            Condition::Rating(..) => Some(Self::Rating),
            Condition::Tag(_) => None,
        }
    }
}

/// The indexes that a table has besides those that are always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexes(BTreeSet<Index>);

impl Indexes {
    /// All there can be.
    #[must_use]
    pub fn all() -> Self {
        Index::ALL.iter().copied().collect()
    }

    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Every index of the table: those that are always there, and these.
    pub fn iter(&self) -> impl Iterator<Item = Index> {
        let always = Index::ALL.iter().filter(|index| index.is_always_there());
        always.chain(&self.0).copied()
    }

    /// Whether the table has this index.
    #[must_use]
    pub fn has(&self, index: Index) -> bool {
        index.is_always_there() || self.0.contains(&index)
    }
}

/// Those that are always there are left out.
impl FromIterator<Index> for Indexes {
    fn from_iter<T: IntoIterator<Item = Index>>(indexes: T) -> Self {
        let indexes = indexes.into_iter();
        Self(indexes.filter(|index| !index.is_always_there()).collect())
    }
}

/// `status` and `topic`, as in the template.
impl Default for Indexes {
    fn default() -> Self {
        Self(BTreeSet::from([Index::Status, Index::Topic]))
    }
}

/// Reads names with commas between them, or `none`.
impl FromStr for Indexes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::none());
        }
        let names = text.split(',').map(str::trim);
        let indexes: Option<BTreeSet<Index>> = names
            .map(|name| name.parse().ok().filter(|index: &Index| !index.is_always_there()))
            .collect();
        indexes.map(Self).ok_or_else(|| {
            let names: Vec<&str> = Self::all().0.into_iter().map(Index::name).collect();
            format!("none, or some of {} with commas between them", names.join(", "))
        })
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().copied().map(Index::name).collect();
        formatter.write_str(if names.is_empty() { "none" } else { "" })?;
        formatter.write_str(&names.join(","))
    }
}

/// The indexes that can be read. Clones share what was found missing.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadableIndexes {
    configured: Indexes,
    missing_since: Arc<Mutex<BTreeMap<Index, Timestamp>>>,
}

impl ReadableIndexes {
    pub(super) fn new(configured: Indexes) -> Self {
        Self {
            configured,
            missing_since: Arc::default(),
        }
    }

    /// Whether the index is configured.
    pub(super) fn is_configured(&self, index: Index) -> bool {
        self.configured.has(index)
    }

    /// Whether the index is configured, and was not missing within the last minute.
    pub(super) fn has(&self, index: Index, now: Timestamp) -> bool {
        let is_missing = |since: &Timestamp| now.abs_diff(*since) < TRY_AGAIN_AFTER;
        let missing_since = self.missing_since.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_configured(index) && !missing_since.get(&index).is_some_and(is_missing)
    }

    /// Does without the index for a minute; says whether it was thought to be there until now.
    pub(super) fn note_missing(&self, index: Index, now: Timestamp) -> bool {
        let was_there = self.has(index, now);
        let mut missing_since = self.missing_since.lock().unwrap_or_else(PoisonError::into_inner);
        missing_since.insert(index, now);
        was_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_read_by_name_and_written_the_same_way() {
        for text in ["none", "status", "status,topic", "status,topic,rating,person"] {
            assert_eq!(text.parse::<Indexes>().unwrap().to_string(), text);
        }
        assert_eq!("topic, status".parse(), Ok(Indexes::default()));
        for text in [
            "",
            ",",
            "timeline",
            "quarantine",
            "Status",
            "status topic",
            "status,",
            "tag",
        ] {
            let error = text.parse::<Indexes>().unwrap_err();
            let expected = "none, or some of status, topic, rating, person with commas between them";
            assert_eq!(error, expected, "{text}");
        }
    }

    #[test]
    fn an_index_that_is_missing_is_tried_again_after_a_minute() {
        let at = |seconds| Timestamp::from_seconds(seconds).unwrap();
        let indexes = ReadableIndexes::default();
        assert!(indexes.has(Index::Status, at(100)));
        assert!(!indexes.has(Index::Person, at(100)));
        assert!(indexes.note_missing(Index::Status, at(100)));
        assert!(!indexes.note_missing(Index::Status, at(100)), "it is told once");
        assert!(!indexes.clone().has(Index::Status, at(159)));
        assert!(indexes.has(Index::Topic, at(159)));
        assert!(indexes.has(Index::Status, at(160)));
    }
}
