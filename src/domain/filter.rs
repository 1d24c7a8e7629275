//! Which feedback a listing holds.

use thiserror::Error;

use super::{PositionRange, Rating, Timestamp, Topic};

/// Which feedback a listing holds. The default holds all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    submitted_from: Option<Timestamp>,
    submitted_to: Option<Timestamp>,
    topic: Option<Topic>,
    min_rating: Option<Rating>,
    max_rating: Option<Rating>,
}

/// Why there is no such filter.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FilterError {
    /// The period ends before it begins.
    #[error("`submittedFrom` must not be later than `submittedTo`")]
    Period,
    /// No feedback can have such a topic.
    #[error("`topic` must have 1 to {max} characters besides white space at its ends", max = Topic::MAX_LENGTH)]
    Topic,
    /// No feedback can have such a rating.
    #[error("`{argument}` must be between {least} and {most}, not {value}", least = Rating::RANGE.start(), most = Rating::RANGE.end())]
    Rating {
        /// `minRating` or `maxRating`.
        argument: &'static str,
        /// What was asked for.
        value: i64,
    },
    /// The ratings end before they begin.
    #[error("`minRating` must not be greater than `maxRating`")]
    Ratings,
}

impl Filter {
    /// Only what was submitted at `from` or later, and before `to`.
    ///
    /// # Errors
    /// When `from` is later than `to`.
    pub fn submitted(self, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self, FilterError> {
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(FilterError::Period);
        }
        Ok(Self {
            submitted_from: from,
            submitted_to: to,
            ..self
        })
    }

    /// Only what has exactly this topic, white space at its ends aside.
    ///
    /// # Errors
    /// When it is a topic that no submitted feedback can have.
    pub fn topic(self, topic: &str) -> Result<Self, FilterError> {
        let topic = Topic::to_look_for(topic).ok_or(FilterError::Topic)?;
        Ok(Self {
            topic: Some(topic),
            ..self
        })
    }

    /// Only what has a rating from `min` to `max`, both included. What has no rating is then left out.
    ///
    /// # Errors
    /// When one is no rating, or `min` is greater than `max`.
    pub fn rated(self, min: Option<i64>, max: Option<i64>) -> Result<Self, FilterError> {
        let rating = |argument, value: Option<i64>| {
            let rating =
                value.map(|value| Rating::parse(value).map_err(|_| FilterError::Rating { argument, value }));
            rating.transpose()
        };
        let (min, max) = (rating("minRating", min)?, rating("maxRating", max)?);
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            return Err(FilterError::Ratings);
        }
        Ok(Self {
            min_rating: min,
            max_rating: max,
            ..self
        })
    }

    /// The topic that is asked for.
    #[must_use]
    pub fn wanted_topic(&self) -> Option<&Topic> {
        self.topic.as_ref()
    }

    /// The least rating that is asked for.
    #[must_use]
    pub fn min_rating(&self) -> Option<Rating> {
        self.min_rating
    }

    /// The greatest rating that is asked for.
    #[must_use]
    pub fn max_rating(&self) -> Option<Rating> {
        self.max_rating
    }

    /// Whether the filter asks for anything that the timeline's key cannot answer.
    #[must_use]
    pub fn is_beyond_the_key(&self) -> bool {
        self.topic.is_some() || self.min_rating.is_some() || self.max_rating.is_some()
    }

    /// The stretch of the timeline of the period that is asked for; `None` when it is empty.
    #[must_use]
    pub fn range(&self) -> Option<PositionRange> {
        let mut range = PositionRange::ALL;
        if let Some(time) = self.submitted_from {
            range = range.submitted_from(time)?;
        }
        if let Some(time) = self.submitted_to {
            range = range.submitted_before(time)?;
        }
        Some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_nothing_can_meet_is_refused() {
        let filter = Filter::default;
        assert_eq!(filter().topic(" \n"), Err(FilterError::Topic));
        assert_eq!(filter().topic(&"t".repeat(65)), Err(FilterError::Topic));
        assert_eq!(filter().rated(Some(4), Some(3)), Err(FilterError::Ratings));
        for value in [0, 6, 256 + 3] {
            let argument = "maxRating";
            assert_eq!(
                filter().rated(None, Some(value)),
                Err(FilterError::Rating { argument, value })
            );
        }
        let (early, late) = (Timestamp::from_millis(1), Timestamp::from_millis(2));
        assert_eq!(filter().submitted(late, early), Err(FilterError::Period));
        assert_eq!(filter().submitted(early, early).unwrap().range(), None);
    }

    #[test]
    fn the_narrowest_filters_are_filters() {
        let topic = "t".repeat(64);
        let filter = Filter::default().topic(&topic).unwrap();
        assert_eq!(filter.wanted_topic().map(Topic::as_str), Some(&*topic));
        let filter = Filter::default().rated(Some(3), Some(3)).unwrap();
        let three = Rating::parse(3).ok();
        assert_eq!((filter.min_rating(), filter.max_rating()), (three, three));
    }

    #[test]
    fn only_a_period_is_answered_by_the_key_alone() {
        let filter = Filter::default;
        let time = Timestamp::from_millis(1);
        assert!(!filter().is_beyond_the_key());
        assert!(!filter().submitted(time, time).unwrap().is_beyond_the_key());
        assert!(filter().topic("search").unwrap().is_beyond_the_key());
        assert!(filter().rated(Some(1), None).unwrap().is_beyond_the_key());
        assert!(filter().rated(None, Some(5)).unwrap().is_beyond_the_key());
    }
}
