//! Statistics: how much feedback there is, by rating, topic and day.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{Date, Rating, Tally, Topic};

/// How many pieces of feedback have no rating, and how many have each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RatingCounts([u32; 6]);

impl RatingCounts {
    /// How many have this rating, or none.
    #[must_use]
    pub fn of(&self, rating: Option<Rating>) -> u32 {
        self.0[index(rating)]
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |total, count| total.saturating_add(*count))
    }

    /// The average of the ratings; `None` where nothing is rated.
    #[must_use]
    pub fn average(&self) -> Option<f64> {
        let ratings = Rating::MIN.to(Rating::MAX);
        let (sum, rated) = ratings.fold((0.0, 0.0), |(sum, rated), rating| {
            let count = f64::from(self.of(Some(rating)));
            (sum + f64::from(rating.get()) * count, rated + count)
        });
        (rated > 0.0).then(|| sum / rated)
    }

    /// Counts one more.
    pub(super) fn add(&mut self, rating: Option<Rating>) {
        let count = &mut self.0[index(rating)];
        *count = count.saturating_add(1);
    }

    /// Counts one less.
    pub(super) fn subtract(&mut self, rating: Option<Rating>) {
        let count = &mut self.0[index(rating)];
        *count = count.saturating_sub(1);
    }
}

impl AddAssign for RatingCounts {
    fn add_assign(&mut self, other: Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count = count.saturating_add(more);
        }
    }
}

/// Where a rating is counted. One that the service does not store counts as none.
fn index(rating: Option<Rating>) -> usize {
    let rating = rating.filter(|rating| *rating <= Rating::MAX);
    rating.map_or(0, |rating| rating.get().into())
}

/// The feedback of some days, counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Of all days together.
    pub counts: RatingCounts,
    /// Of each topic, those with the most feedback first. `None` is feedback without a topic, and of topics that are
    /// beyond the first [`Tally::MAX_TOPICS`] of their day.
    pub topics: Vec<(Option<Topic>, RatingCounts)>,
    /// Of each day, in order.
    pub days: Vec<(Date, RatingCounts)>,
    /// Whether all of it has been counted.
    pub is_complete: bool,
}

impl Statistics {
    /// The statistics of these days, of one topic or of all, without what expires on `today` or has expired.
    #[must_use]
    pub fn new(tallies: &[Tally], topic: Option<&Topic>, today: Date, is_complete: bool) -> Self {
        let mut counts = RatingCounts::default();
        let mut topics: BTreeMap<Option<&Topic>, RatingCounts> = BTreeMap::new();
        let mut days = Vec::with_capacity(tallies.len());
        for tally in tallies {
            let mut of_day = RatingCounts::default();
            for (name, of_topic) in tally.counts(today) {
                if topic.is_none() || topic == name {
                    of_day += of_topic;
                    *topics.entry(name).or_default() += of_topic;
                }
            }
            counts += of_day;
            days.push((tally.date(), of_day));
        }
        let topics = topics.into_iter().filter(|(_, counts)| counts.total() > 0);
        let mut topics: Vec<_> = topics.map(|(topic, counts)| (topic.cloned(), counts)).collect();
        // Stable: topics with as much feedback stay in alphabetical order.
        topics.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.total()));
        Self {
            counts,
            topics,
            days,
            is_complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_of_what_is_rated() {
        let mut counts = RatingCounts::default();
        counts.add(None);
        assert_eq!(counts.average(), None);
        for rating in [2, 5, 5] {
            counts.add(Rating::parse(rating).ok());
        }
        assert_eq!((counts.total(), counts.average()), (4, Some(4.0)));
    }
}
