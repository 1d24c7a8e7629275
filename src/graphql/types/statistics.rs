//! Statistics, and the count of a listing.

use async_graphql::{Description, Object, SimpleObject};

use super::date::Date;
use crate::domain::{Rating, RatingCounts, Statistics};
use crate::graphql::error::ApiError;
use crate::repository::Count;

/// The most days of statistics.
pub(crate) const MAX_DAYS: usize = 400;
/// The most topics that are returned.
pub(crate) const MAX_TOPICS: usize = 100;
/// How many topics are returned by default.
pub(crate) const DEFAULT_TOPICS: usize = 20;
/// The most items of a listing that are counted.
pub(crate) const MAX_COUNT: usize = 10_000;
/// How many items of a listing are counted by default.
pub(crate) const DEFAULT_COUNT: usize = 1_000;

/// The number of items in a listing.
#[derive(SimpleObject)]
pub(crate) struct FeedbackCount {
    /// The number of items, at most `upTo`.
    value: u32,
    /// Whether the listing has no more items than `value`.
    is_exact: bool,
}

/// Statistics of the feedback of some days.
#[derive(Description)]
pub(crate) struct FeedbackStatistics(Statistics);

/// The number of pieces of feedback with a rating.
#[derive(SimpleObject)]
pub(crate) struct RatingCount {
    /// The rating, from 1 (lowest) to 5 (highest).
    rating: u8,
    /// The number of pieces of feedback with this rating.
    count: u32,
}

/// The number of pieces of feedback with a topic.
#[derive(SimpleObject)]
pub(crate) struct TopicCount {
    /// The topic. Null for feedback without a topic, and for topics beyond the first 200 of a day.
    topic: Option<String>,
    /// The number of pieces of feedback with this topic.
    count: u32,
    /// The average of their ratings. Null if none is rated.
    average_rating: Option<f64>,
}

/// Statistics of the feedback of one day.
#[derive(SimpleObject)]
pub(crate) struct DayStatistics {
    /// The day, in UTC.
    date: Date,
    /// The number of pieces of feedback.
    total: u32,
    /// The average of the ratings. Null if nothing is rated.
    average_rating: Option<f64>,
    /// The number of pieces of feedback with each rating, from 1 to 5. The rest of `total` has no rating.
    ratings: Vec<RatingCount>,
}

#[Object(use_type_description)]
impl FeedbackStatistics {
    /// The number of pieces of feedback.
    async fn total(&self) -> u32 {
        self.0.counts.total()
    }

    /// The average of the ratings. Null if nothing is rated.
    async fn average_rating(&self) -> Option<f64> {
        self.0.counts.average()
    }

    /// The number of pieces of feedback with each rating, from 1 to 5. The rest of `total` has no rating.
    async fn ratings(&self) -> Vec<RatingCount> {
        by_rating(self.0.counts)
    }

    #[expect(clippy::unused_async, reason = "the library takes no other function")]
    /// The number of pieces of feedback with each topic, those with the most first.
    async fn topics(
        &self,
        #[graphql(desc = "Returns the first n topics: 1 to 100.", default_with = "Some(20)")] first: Option<
            i32,
        >,
    ) -> Result<Vec<TopicCount>, ApiError> {
        let first = within("first", first, DEFAULT_TOPICS, MAX_TOPICS)?;
        let topics = self.0.topics.iter().take(first);
        let topics = topics.map(|(topic, counts)| TopicCount {
            topic: topic.clone().map(Into::into),
            count: counts.total(),
            average_rating: counts.average(),
        });
        Ok(topics.collect())
    }

    /// Each day from `from` to `to`, in order.
    async fn days(&self) -> Vec<DayStatistics> {
        let days = self.0.days.iter().map(|(date, counts)| DayStatistics {
            date: Date(*date),
            total: counts.total(),
            average_rating: counts.average(),
            ratings: by_rating(*counts),
        });
        days.collect()
    }

    /// Whether all feedback of these days is counted. If false, counting ended early after examining 20,000 pieces of
    /// feedback, or 16 MB: send the same query again, which continues there.
    async fn is_complete(&self) -> bool {
        self.0.is_complete
    }
}

impl From<Statistics> for FeedbackStatistics {
    fn from(statistics: Statistics) -> Self {
        Self(statistics)
    }
}

impl From<Count> for FeedbackCount {
    fn from(Count { value, is_exact }: Count) -> Self {
        Self {
            value: u32::try_from(value).unwrap_or(u32::MAX),
            is_exact,
        }
    }
}

fn by_rating(counts: RatingCounts) -> Vec<RatingCount> {
    let ratings = Rating::MIN.to(Rating::MAX).map(|rating| RatingCount {
        rating: rating.get(),
        count: counts.of(Some(rating)),
    });
    ratings.collect()
}

/// The value of an argument that must be from 1 to `most`.
pub(super) fn within(
    argument: &str,
    value: Option<i32>,
    default: usize,
    most: usize,
) -> Result<usize, ApiError> {
    let Some(value) = value else {
        return Ok(default);
    };
    let number = usize::try_from(value)
        .ok()
        .filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| {
        ApiError::BadUserInput(format!("`{argument}` must be between 1 and {most}, not {value}"))
    })
}
