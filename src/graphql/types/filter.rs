//! What a listing is asked for.

use async_graphql::{Enum, InputObject};

use super::date_time::DateTime;
use crate::domain::{Filter, FilterError, Order};

/// The order of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Order")]
pub(crate) enum FeedbackOrder {
    /// The latest first; of those from the same millisecond, the greatest id first.
    NewestFirst,
    /// The earliest first; of those from the same millisecond, the smallest id first. The exact reverse of
    /// `NEWEST_FIRST`.
    OldestFirst,
}

/// Which feedback a listing holds: what meets all of the conditions that are given.
#[derive(Debug, Default, InputObject)]
pub(crate) struct FeedbackFilter {
    /// Only what was submitted at this time or later.
    submitted_from: Option<DateTime>,
    /// Only what was submitted before this time. Not earlier than `submittedFrom`.
    submitted_to: Option<DateTime>,
    /// Only what has exactly this topic: 1 to 64 characters, upper and lower case told apart.
    topic: Option<String>,
    /// Only what has a rating of at least this, 1 to 5.
    min_rating: Option<i32>,
    /// Only what has a rating of at most this, 1 to 5. Not less than `minRating`.
    max_rating: Option<i32>,
}

impl TryFrom<FeedbackFilter> for Filter {
    type Error = FilterError;

    fn try_from(filter: FeedbackFilter) -> Result<Self, FilterError> {
        let time = |time: Option<DateTime>| time.map(|DateTime(time)| time);
        let mut parsed = Self::default()
            .submitted(time(filter.submitted_from), time(filter.submitted_to))?
            .rated(filter.min_rating.map(i64::from), filter.max_rating.map(i64::from))?;
        if let Some(topic) = filter.topic {
            parsed = parsed.topic(&topic)?;
        }
        Ok(parsed)
    }
}
