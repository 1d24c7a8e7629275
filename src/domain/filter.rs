//! Which feedback a listing holds.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{EmailAddress, Person, PositionRange, Rating, Status, Tag, Timestamp, Topic};

/// Which feedback a listing holds. The default holds all that is not in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    is_quarantined: bool,
    submitted_from: Option<Timestamp>,
    submitted_to: Option<Timestamp>,
    topic: Option<Topic>,
    min_rating: Option<Rating>,
    max_rating: Option<Rating>,
    statuses: BTreeSet<Status>,
    tag: Option<Tag>,
    person: Option<Person>,
}

/// One thing that a filter asks for besides the time and the quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition<'a> {
    /// The person who wrote it.
    Person(&'a Person),
    /// One of these statuses, of which there is at least one.
    Status(&'a BTreeSet<Status>),
    /// The topic.
    Topic(&'a Topic),
    /// A rating within these bounds, both included.
    Rating(Rating, Rating),
    /// A tag.
    Tag(&'a Tag),
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
    /// No feedback has none of the statuses.
    #[error("`status` must name at least one status")]
    Statuses,
    /// No feedback can have such a tag.
    #[error("`tag` must have 1 to {max} characters besides white space at its ends", max = Tag::MAX_LENGTH)]
    Tag,
    /// No feedback can have such an email address.
    #[error("`email` must be an email address like sam@example.org")]
    Email,
}

impl Filter {
    /// Only what is in quarantine. Without this, only what is not.
    #[must_use]
    pub fn quarantined(self) -> Self {
        Self {
            is_quarantined: true,
            ..self
        }
    }

    /// Whether the listing is that of what is in quarantine.
    #[must_use]
    pub fn is_quarantined(&self) -> bool {
        self.is_quarantined
    }

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

    /// Only what has one of these statuses.
    ///
    /// # Errors
    /// When there is none.
    pub fn statuses(self, statuses: impl IntoIterator<Item = Status>) -> Result<Self, FilterError> {
        let statuses: BTreeSet<Status> = statuses.into_iter().collect();
        if statuses.is_empty() {
            return Err(FilterError::Statuses);
        }
        Ok(Self { statuses, ..self })
    }

    /// Only what has this tag, white space at its ends aside.
    ///
    /// # Errors
    /// When it is none that feedback can have.
    pub fn tag(self, tag: &str) -> Result<Self, FilterError> {
        let tag = Tag::to_look_for(tag).ok_or(FilterError::Tag)?;
        Ok(Self {
            tag: Some(tag),
            ..self
        })
    }

    /// Only what has this email address, in any case.
    ///
    /// # Errors
    /// When it is none.
    pub fn email(self, email: &str) -> Result<Self, FilterError> {
        let email = EmailAddress::parse(email).map_err(|_| FilterError::Email)?;
        Ok(Self {
            person: Some(Person::of(&email)),
            ..self
        })
    }

    /// All that the filter asks for besides the time and the quarantine.
    #[must_use]
    pub fn conditions(&self) -> Vec<Condition<'_>> {
        let rating = self.min_rating.is_some() || self.max_rating.is_some();
        let rating = rating.then(|| {
            let (min, max) = (self.min_rating.unwrap_or(Rating::MIN), self.max_rating);
            Condition::Rating(min, max.unwrap_or(Rating::MAX))
        });
        let statuses = (!self.statuses.is_empty()).then_some(&self.statuses);
        [
            self.person.as_ref().map(Condition::Person),
            statuses.map(Condition::Status),
            self.topic.as_ref().map(Condition::Topic),
            rating,
            self.tag.as_ref().map(Condition::Tag),
        ]
        .into_iter()
        .flatten()
        .collect()
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
        assert_eq!(filter().statuses([]), Err(FilterError::Statuses));
        assert_eq!(filter().tag("\u{200b}"), Err(FilterError::Tag));
        assert_eq!(filter().tag(&"t".repeat(65)), Err(FilterError::Tag));
        assert_eq!(filter().email("sam"), Err(FilterError::Email));
    }

    #[test]
    fn the_narrowest_filters_are_filters() {
        let topic = "t".repeat(64);
        let filter = Filter::default().topic(&topic).unwrap();
        let expected = Topic::parse(&topic).unwrap();
        assert_eq!(filter.conditions(), [Condition::Topic(&expected)]);
        let filter = Filter::default().rated(Some(3), Some(3)).unwrap();
        let three = Rating::parse(3).unwrap();
        assert_eq!(filter.conditions(), [Condition::Rating(three, three)]);
    }

    #[test]
    fn a_period_is_no_condition_and_a_rating_has_two_bounds() {
        let filter = Filter::default;
        let time = Timestamp::from_millis(1);
        assert_eq!(filter().submitted(time, time).unwrap().conditions(), []);
        let rating = |rating| Rating::parse(rating).unwrap();
        let least = filter().rated(Some(4), None).unwrap();
        assert_eq!(least.conditions(), [Condition::Rating(rating(4), rating(5))]);
        let most = filter().rated(None, Some(2)).unwrap();
        assert_eq!(most.conditions(), [Condition::Rating(rating(1), rating(2))]);
    }
}
