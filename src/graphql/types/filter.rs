//! Order and filter of a listing.

use async_graphql::{Enum, InputObject};

use super::date_time::DateTime;
use super::triage::FeedbackStatus;
use crate::domain::{Filter, FilterError, Order, Status};

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
///
/// `status`, `topic`, `minRating` with `maxRating`, and `email` each have an index, which a deployment may have or not:
/// by default it has those of `status` and `topic`. A condition with an index costs as much as no condition: a page
/// examines what it returns and little more. Of several, the narrowest is looked up in its index, and the others are
/// filtered among that, as are `tag` and conditions without an index: pages come as full, unless that would take
/// examining more than 2,000 pieces of feedback, or 2 MB. A time range costs nothing.
#[derive(Debug, Default, InputObject)]
pub(crate) struct FeedbackFilter {
    /// Submitted at this time or later.
    submitted_from: Option<DateTime>,
    /// Submitted before this time. Must not be earlier than `submittedFrom`.
    submitted_to: Option<DateTime>,
    /// Has one of these statuses: at least one. Feedback without triage has none. Looked up in the index of statuses,
    /// except for all three together.
    status: Option<Vec<FeedbackStatus>>,
    /// Has exactly this topic: 1 to 64 characters, case-sensitive.
    topic: Option<String>,
    /// Has at least this rating, 1 to 5. Looked up in the index of ratings if at most two ratings are wanted, as with
    /// `minRating: 4` or `maxRating: 2`.
    min_rating: Option<i32>,
    /// Has at most this rating, 1 to 5. Must not be less than `minRating`.
    max_rating: Option<i32>,
    /// Has this tag: 1 to 64 characters, case-sensitive. There is no index of tags.
    tag: Option<String>,
    /// Was submitted with this email address, case-insensitive.
    email: Option<String>,
}

impl TryFrom<FeedbackFilter> for Filter {
    type Error = FilterError;

    fn try_from(filter: FeedbackFilter) -> Result<Self, FilterError> {
        let FeedbackFilter {
            submitted_from,
            submitted_to,
            status,
            topic,
            min_rating,
            max_rating,
            tag,
            email,
        } = filter;
        let time = |time: Option<DateTime>| time.map(|DateTime(time)| time);
        let mut parsed = Self::default()
            .submitted(time(submitted_from), time(submitted_to))?
            .rated(min_rating.map(i64::from), max_rating.map(i64::from))?;
        if let Some(statuses) = status {
            parsed = parsed.statuses(statuses.into_iter().map(Status::from))?;
        }
        if let Some(topic) = topic {
            parsed = parsed.topic(&topic)?;
        }
        if let Some(tag) = tag {
            parsed = parsed.tag(&tag)?;
        }
        if let Some(email) = email {
            parsed = parsed.email(&email)?;
        }
        Ok(parsed)
    }
}
