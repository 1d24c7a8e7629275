//! Places on the timeline.
//!
//! All feedback lies on one line, ordered by time and then by id. Because no two pieces share an id, no
//! two share a place, and because the places are totally ordered a single one bounds every shard of the
//! timeline at once. That is what lets a cursor be one position instead of one resume key a shard.
//!
//! Positions are discrete: each has a next and a previous one. So every bound can be written as an
//! inclusive one, and every range of the timeline is a `BETWEEN` in DynamoDB's key condition, which takes
//! no other two-sided form.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FeedbackId, Timestamp};

/// A place on the timeline.
///
/// Its written form is the time as 13 digits of milliseconds, `#`, and the id. Byte order of the written
/// form is the order of positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Position {
    // The order of the fields is the order of positions.
    submitted_at: Timestamp,
    id: FeedbackId,
}

impl Position {
    /// Before everything.
    pub const MIN: Self = Self::first_at_const(Timestamp::MIN);

    const fn first_at_const(submitted_at: Timestamp) -> Self {
        Self {
            submitted_at,
            id: FeedbackId::NIL,
        }
    }

    /// The place of the feedback `id` submitted at `submitted_at`.
    #[must_use]
    pub fn new(submitted_at: Timestamp, id: FeedbackId) -> Self {
        Self { submitted_at, id }
    }

    /// The first place of a millisecond.
    #[must_use]
    pub fn first_at(submitted_at: Timestamp) -> Self {
        Self::first_at_const(submitted_at)
    }

    /// Reads the written form; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (millis, id) = text.split_once('#')?;
        if millis.len() != 13 || !millis.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let position = Self {
            submitted_at: Timestamp::from_millis(millis.parse().ok()?)?,
            id: FeedbackId::parse(id).ok()?,
        };
        // An id in upper case would read as the same place but sort elsewhere.
        (id.bytes().all(|byte| !byte.is_ascii_uppercase())).then_some(position)
    }

    /// When the feedback at this place was submitted.
    #[must_use]
    pub fn submitted_at(self) -> Timestamp {
        self.submitted_at
    }

    /// Which feedback has this place.
    #[must_use]
    pub fn id(self) -> FeedbackId {
        self.id
    }

    /// The next place; `None` at the end of the timeline.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        if let Some(id) = self.id.as_u128().checked_add(1) {
            return Some(Self::new(self.submitted_at, FeedbackId::from_u128(id)));
        }
        Timestamp::from_millis(self.submitted_at.as_millis() + 1).map(Self::first_at)
    }

    /// The previous place; `None` at the start of the timeline.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        if let Some(id) = self.id.as_u128().checked_sub(1) {
            return Some(Self::new(self.submitted_at, FeedbackId::from_u128(id)));
        }
        let millis = self.submitted_at.as_millis().checked_sub(1)?;
        Timestamp::from_millis(millis).map(|at| Self::new(at, FeedbackId::MAX))
    }
}

impl TryFrom<String> for Position {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a position")
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:013}#{}", self.submitted_at.as_millis(), self.id)
    }
}

/// A stretch of the timeline, both ends included. It holds at least one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionRange {
    first: Position,
    last: Position,
}

impl PositionRange {
    /// The whole timeline.
    pub const ALL: Self = Self {
        first: Position::MIN,
        last: Position {
            submitted_at: Timestamp::MAX,
            id: FeedbackId::MAX,
        },
    };

    /// The earliest place of the range.
    #[must_use]
    pub fn first(self) -> Position {
        self.first
    }

    /// The latest place of the range.
    #[must_use]
    pub fn last(self) -> Position {
        self.last
    }

    /// What of the range lies later than `position`; `None` when nothing does.
    #[must_use]
    pub fn later_than(self, position: Position) -> Option<Self> {
        self.starting_at(position.next()?)
    }

    /// What of the range lies earlier than `position`; `None` when nothing does.
    #[must_use]
    pub fn earlier_than(self, position: Position) -> Option<Self> {
        self.up_to(position.previous()?)
    }

    /// What of the range was submitted at `time` or later; `None` when nothing was.
    #[must_use]
    pub fn submitted_from(self, time: Timestamp) -> Option<Self> {
        self.starting_at(Position::first_at(time))
    }

    /// What of the range was submitted before `time`; `None` when nothing was.
    #[must_use]
    pub fn submitted_before(self, time: Timestamp) -> Option<Self> {
        self.earlier_than(Position::first_at(time))
    }

    /// What of the range lies at `position` or earlier; `None` when nothing does.
    #[must_use]
    pub fn up_to(self, position: Position) -> Option<Self> {
        let last = self.last.min(position);
        (self.first <= last).then_some(Self { last, ..self })
    }

    /// The range from the beginning of this one to the end of `other`, where that begins right behind it.
    #[must_use]
    pub fn joined(self, other: Self) -> Option<Self> {
        let last = other.last;
        (self.last.next() == Some(other.first)).then_some(Self { last, ..self })
    }

    /// Whether the position is in the range.
    #[must_use]
    pub fn contains(self, position: Position) -> bool {
        self.first <= position && position <= self.last
    }

    fn starting_at(self, position: Position) -> Option<Self> {
        let first = self.first.max(position);
        (first <= self.last).then_some(Self { first, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_position() -> impl Strategy<Value = Position> {
        let millis = prop_oneof![
            Just(0),
            Just(Timestamp::MAX.as_millis()),
            0..=Timestamp::MAX.as_millis()
        ];
        let id = prop_oneof![Just(0), Just(u128::MAX), any::<u128>()];
        (millis, id).prop_map(|(millis, id)| {
            Position::new(Timestamp::from_millis(millis).unwrap(), FeedbackId::from_u128(id))
        })
    }

    proptest! {
        #[test]
        fn the_written_form_reads_back(position in any_position()) {
            prop_assert_eq!(Position::parse(&position.to_string()), Some(position));
        }

        #[test]
        fn the_written_form_sorts_like_the_position(one in any_position(), other in any_position()) {
            prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        }

        #[test]
        fn next_and_previous_are_neighbours(position in any_position()) {
            if let Some(next) = position.next() {
                prop_assert!(next > position);
                prop_assert_eq!(next.previous(), Some(position));
            } else {
                prop_assert_eq!(position, PositionRange::ALL.last());
            }
        }

        #[test]
        fn a_range_is_cut_exactly(position in any_position(), probe in any_position()) {
            let within = |range: Option<PositionRange>| range.is_some_and(|range| range.contains(probe));
            let all = PositionRange::ALL;
            prop_assert_eq!(within(all.later_than(position)), probe > position);
            prop_assert_eq!(within(all.earlier_than(position)), probe < position);
            prop_assert_eq!(within(all.up_to(position)), probe <= position);
            let joined = all.up_to(position).zip(all.later_than(position));
            prop_assert!(joined.is_none_or(|(before, after)| before.joined(after) == Some(all)));
            prop_assert!(joined.is_none_or(|(before, after)| after.joined(before).is_none()));
            let time = position.submitted_at();
            prop_assert_eq!(within(all.submitted_from(time)), probe.submitted_at() >= time);
            prop_assert_eq!(within(all.submitted_before(time)), probe.submitted_at() < time);
        }
    }

    #[test]
    fn only_the_canonical_form_is_a_position() {
        let id = "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";
        assert!(Position::parse(&format!("1772357400250#{id}")).is_some());
        for text in [
            String::new(),
            format!("1772357400#{id}"),
            format!("+772357400250#{id}"),
            format!("1772357400250#{}", id.to_uppercase()),
            format!("1772357400250-{id}"),
            "1772357400250#".to_owned(),
        ] {
            assert_eq!(Position::parse(&text), None, "{text}");
        }
    }
}
