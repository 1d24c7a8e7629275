//! Counts of feedback, day by day.
//!
//! The timeline is an ordered log, so counts are a fold over it with a checkpoint: a tally holds the counts of one day
//! up to a position. Whoever asks for statistics counts what lies behind it and stores the result. So each piece of
//! feedback is read once for counting, and submitting it costs nothing.
//!
//! An index shows a change late, and the clocks of functions differ. So a tally never counts beyond what is
//! [settled](settled_to): what is more recent is counted for one answer and not stored.
//!
//! What leaves the timeline behind a tally's position, or enters it there, changes the counts in the same transaction.
//! Beyond the position it is noted instead, for as long as the index may show it the old way.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Date, Position, PositionRange, Rating, RatingCounts, Timestamp, Topic};

/// How old a change of the timeline is before an index surely shows it: a minute for the index, and as long again for
/// clocks that differ and requests that take their time.
const SETTLED_AFTER: Duration = Duration::from_mins(2);

/// The position up to which the timeline is settled at `now`; `None` before there is any.
#[must_use]
pub fn settled_to(now: Timestamp) -> Option<Position> {
    let time = now.saturating_sub(SETTLED_AFTER);
    Some(PositionRange::ALL.submitted_before(time)?.last())
}

/// A piece of feedback, as far as it is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Piece {
    /// Its place on the timeline.
    pub position: Position,
    /// Its topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Its rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// The date on which it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Date>,
}

/// The counts of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub(crate) date: Date,
    /// Everything up to here is counted.
    pub(crate) counted_to: Option<Position>,
    /// By topic, and by the date on which the feedback expires.
    pub(crate) counts: BTreeMap<Option<Topic>, BTreeMap<Option<Date>, RatingCounts>>,
    /// What left the timeline or entered it beyond `counted_to`, in the order in which it did.
    pub(crate) moves: Vec<Move>,
    /// Until when the tally must not be stored.
    pub(crate) held_until: Option<Timestamp>,
}

/// A change of the timeline that an index may not show yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    at: Timestamp,
    position: Position,
    /// The piece that entered the timeline; `None` where one left it.
    #[serde(skip_serializing_if = "Option::is_none")]
    entered: Option<Piece>,
}

impl Tally {
    /// The most topics of a day that are counted by name.
    pub const MAX_TOPICS: usize = 200;

    /// The tally of a day of which nothing is counted.
    #[must_use]
    pub fn new(date: Date) -> Self {
        Self {
            date,
            counted_to: None,
            counts: BTreeMap::new(),
            moves: Vec::new(),
            held_until: None,
        }
    }

    /// The tally of a day of which nothing is counted, and nothing stored until pieces that enter its timeline within a
    /// minute of `now` are settled.
    #[must_use]
    pub fn restarted(date: Date, now: Timestamp) -> Self {
        Self {
            held_until: Some(now.saturating_add(SETTLED_AFTER)),
            ..Self::new(date)
        }
    }

    /// The day.
    #[must_use]
    pub fn date(&self) -> Date {
        self.date
    }

    /// What is not counted yet of the day; `None` where all is.
    #[must_use]
    pub fn uncounted(&self) -> Option<PositionRange> {
        let range = self.date.range();
        self.counted_to
            .map_or(Some(range), |position| range.later_than(position))
    }

    /// Counts everything up to `to` that is not counted yet, of which `pieces` is what an index shows at `now`; says how
    /// many there were.
    pub fn count(&mut self, pieces: impl IntoIterator<Item = Piece>, to: Position, now: Timestamp) -> usize {
        self.forget_moves(now);
        let range = self.uncounted().and_then(|range| range.up_to(to));
        let Some(range) = range else { return 0 };
        let mut shown: BTreeMap<Position, Piece> = pieces
            .into_iter()
            .map(|piece| (piece.position, piece))
            .filter(|(position, _)| range.contains(*position))
            .collect();
        for Move {
            position, entered, ..
        } in &self.moves
        {
            match entered {
                Some(piece) if range.contains(*position) => shown.insert(*position, piece.clone()),
                _ => shown.remove(position),
            };
        }
        let count = shown.len();
        // In order, so that the first topics are the first.
        for piece in shown.into_values() {
            self.counts_of(&piece).add(piece.rating);
        }
        self.counted_to = Some(range.last());
        self.forget_moves(now);
        count
    }

    /// Counts a piece that leaves the timeline at `now` no longer.
    pub fn leave(&mut self, piece: &Piece, now: Timestamp) {
        if self.has_counted(piece) {
            self.counts_of(piece).subtract(piece.rating);
        } else {
            self.note(piece.position, None, now);
        }
    }

    /// Counts a piece that enters the timeline at `now`.
    pub fn enter(&mut self, piece: Piece, now: Timestamp) {
        if self.has_counted(&piece) {
            self.counts_of(&piece).add(piece.rating);
        } else {
            self.note(piece.position, Some(piece), now);
        }
    }

    /// Whether what is counted at `now` may be stored.
    #[must_use]
    pub fn may_be_stored(&self, now: Timestamp) -> bool {
        self.held_until.is_none_or(|until| until <= now)
    }

    /// The counts of each topic, without what expires on `today` or has expired. `None` is feedback without a topic, and
    /// of topics beyond the first [`MAX_TOPICS`](Self::MAX_TOPICS).
    ///
    /// Feedback disappears from the table some time after it has expired, and is never counted at all if that was before
    /// somebody asked. Until the day on which it expires it is certainly there.
    pub fn counts(&self, today: Date) -> impl Iterator<Item = (Option<&Topic>, RatingCounts)> {
        self.counts.iter().map(move |(topic, by_expiry)| {
            let mut counts = RatingCounts::default();
            for (expires_on, more) in by_expiry {
                if expires_on.is_none_or(|date| today < date) {
                    counts += *more;
                }
            }
            (topic.as_ref(), counts)
        })
    }

    fn has_counted(&self, piece: &Piece) -> bool {
        self.counted_to
            .is_some_and(|counted_to| piece.position <= counted_to)
    }

    fn note(&mut self, position: Position, entered: Option<Piece>, at: Timestamp) {
        self.forget_moves(at);
        self.moves.retain(|earlier| earlier.position != position);
        self.moves.push(Move {
            at,
            position,
            entered,
        });
    }

    /// The counts that a piece belongs to. A topic keeps its place among the first when all of its feedback is gone, so
    /// that a piece is found where it was counted.
    fn counts_of(&mut self, piece: &Piece) -> &mut RatingCounts {
        let named = self.counts.len() - usize::from(self.counts.contains_key(&None));
        let has_place = self.counts.contains_key(&piece.topic) || named < Self::MAX_TOPICS;
        let topic = piece.topic.clone().filter(|_| has_place);
        self.counts
            .entry(topic)
            .or_default()
            .entry(piece.expires_on)
            .or_default()
    }

    /// Drops the changes that an index shows by now, and those that are counted.
    fn forget_moves(&mut self, now: Timestamp) {
        let counted_to = self.counted_to;
        self.moves
            .retain(|change| now.abs_diff(change.at) < SETTLED_AFTER && Some(change.position) > counted_to);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::FeedbackId;

    const NOON: u64 = 1_772_366_400_000;

    fn piece(millis: u64, topic: u8) -> Piece {
        let at = Timestamp::from_millis(NOON + millis).unwrap();
        Piece {
            position: Position::new(at, FeedbackId::from_u128(millis.into())),
            topic: Some(Topic::from_stored(topic.to_string())),
            rating: Some(Rating::from_stored(topic % 5 + 1)),
            expires_on: None,
        }
    }

    proptest! {
        #[test]
        fn counting_in_parts_counts_each_piece_once(
            pieces in prop::collection::btree_map(0..1_000_u64, any::<u8>(), 0..300),
            parts in prop::collection::vec(0..1_000_u64, 0..10),
        ) {
            let now = Timestamp::from_millis(NOON + 1_000_000).unwrap();
            let date = Date::of(now);
            let pieces: Vec<Piece> = pieces.into_iter().map(|(millis, topic)| piece(millis, topic)).collect();
            let all = date.range().last();
            let (mut at_once, mut in_parts) = (Tally::new(date), Tally::new(date));
            prop_assert_eq!(at_once.count(pieces.clone(), all, now), pieces.len());
            let counted: usize = parts
                .into_iter()
                .map(|millis| piece(millis, 0).position)
                .chain([all])
                // An index shows more than was asked for, and what was counted before.
                .map(|to| in_parts.count(pieces.clone(), to, now))
                .sum();
            prop_assert_eq!(counted, pieces.len());
            prop_assert_eq!(&in_parts, &at_once);
            prop_assert_eq!(in_parts.uncounted(), None);
            for piece in &pieces {
                in_parts.leave(piece, now);
            }
            prop_assert!(in_parts.counts(date).all(|(_, counts)| counts.total() == 0));
        }
    }

    #[test]
    fn what_an_index_does_not_show_yet_is_known_for_two_minutes() {
        let at = |millis| Timestamp::from_millis(NOON + millis).unwrap();
        let mut tally = Tally::new(Date::of(at(0)));
        tally.leave(&piece(1, 0), at(10));
        tally.enter(piece(2, 0), at(10));
        tally.leave(&piece(3, 0), at(10));
        tally.enter(piece(3, 0), at(20));
        let shown = [piece(1, 0), piece(4, 0)];
        let count = |now| tally.clone().count(shown.clone(), piece(9, 0).position, now);
        assert_eq!(count(at(30)), 3, "the second, third and fourth");
        assert_eq!(count(at(120_009)), 3);
        assert_eq!(count(at(120_020)), 2, "as it is shown");
    }
}
