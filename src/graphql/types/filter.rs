//! Order and filter of a listing.

use async_graphql::{Enum, InputObject};

use super::date_time::DateTime;
use crate::domain::{Filter, FilterError, Order};

/// The order of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Order")]
pub(crate) enum FeedbackOrder {
    /// Newest first; within a millisecond, by descending id.
    NewestFirst,
    /// Oldest first; within a millisecond, by ascending id. The exact reverse of `NEWEST_FIRST`.
    OldestFirst,
}

/// Conditions on the feedback in a listing. Feedback must meet all that are given.
#[derive(Debug, Default, InputObject)]
pub(crate) struct FeedbackFilter {
    /// Submitted at this time or later.
    submitted_from: Option<DateTime>,
    /// Submitted before this time. Must not be earlier than `submittedFrom`.
    submitted_to: Option<DateTime>,
    /// Has exactly this topic: 1 to 64 characters, case-sensitive.
    topic: Option<String>,
    /// Has at least this rating, 1 to 5.
    min_rating: Option<i32>,
    /// Has at most this rating, 1 to 5. Must not be less than `minRating`.
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
