//! Fetches pages from a place in the timeline, and holds each against what the table is known to have and against
//! what the timeline promises to ask for.

use std::error::Error;
use std::time::{Duration, Instant};

use feedback_graphql::domain::{Feedback, Filter, Order, Page, PageRequest, Timestamp};
use feedback_graphql::repository::{FeedbackRepository, READ_BUDGET};

use crate::fill::{Known, RARE, RAREST};
use crate::tally::{Cost, Tally};

/// How many pieces a page holds.
pub const SIZE: usize = 20;
/// How many pages in a row are fetched at a place: how feedback falls into shards is chance, which one page alone
/// would show too much of.
pub const SAMPLE: usize = 25;

/// Which feedback is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    All,
    /// One in five.
    WorstRated,
    /// One in a hundred.
    Rare,
    /// One in ten thousand.
    Rarest,
}

impl Wanted {
    /// All of them.
    pub const EACH: [Self; 4] = [Self::All, Self::WorstRated, Self::Rare, Self::Rarest];

    /// Of how many pieces one is wanted.
    pub fn one_in(self) -> usize {
        match self {
            Self::All => 1,
            Self::WorstRated => 5,
            Self::Rare => 100,
            Self::Rarest => 10_000,
        }
    }

    fn filter(self) -> Result<Filter, Box<dyn Error>> {
        let filter = Filter::default();
        Ok(match self {
            Self::All => filter,
            Self::WorstRated => filter.rated(None, Some(1))?,
            Self::Rare => filter.topic(RARE)?,
            Self::Rarest => filter.topic(RAREST)?,
        })
    }

    fn has(self, one: &Known) -> bool {
        match self {
            Self::All => true,
            Self::WorstRated => one.rating == 1,
            Self::Rare => one.topic == RARE,
            Self::Rarest => one.topic == RAREST,
        }
    }
}

/// The table that pages are fetched from.
pub struct Table<'a> {
    /// Its feedback, asked through `tally`.
    pub repository: FeedbackRepository,
    /// Counts what the repository asks.
    pub tally: &'a Tally,
    /// What is in it, the newest first.
    pub known: &'a [Known],
    /// How many shards its timeline has.
    pub shards: u32,
}

/// The pages fetched at one place.
pub struct Sample {
    /// How many shards the timeline has.
    pub shards: u32,
    /// How many items the table has.
    pub items: usize,
    /// The number of the first page, from 1.
    pub first: usize,
    /// Which feedback was asked for.
    pub wanted: Wanted,
    /// What each page took.
    pub pages: Vec<Fetched>,
}

/// What a page took.
pub struct Fetched {
    /// What was asked of DynamoDB for it.
    pub cost: Cost,
    /// How many pieces it holds.
    pub found: usize,
    /// How long it took.
    pub took: Duration,
}

impl Table<'_> {
    /// Fetches pages from the page number `first` of the whole listing on, each by a cursor made from what is known.
    /// What breaks a promise is added to `broken`.
    pub async fn sample(
        &self,
        first: usize,
        wanted: Wanted,
        broken: &mut Vec<String>,
    ) -> Result<Sample, Box<dyn Error>> {
        let mut pages = Vec::new();
        for number in first..first + SAMPLE {
            let start = (number - 1) * SIZE;
            let after = start.checked_sub(1).map(|last| self.known[last].position);
            let size = Some(i64::try_from(SIZE)?);
            let order = Order::NewestFirst;
            let request = PageRequest::new(size, None, after, None, order, wanted.filter()?)?;
            self.tally.take();
            let began = Instant::now();
            let page = self.repository.page(&request, Timestamp::MAX).await?;
            let took = began.elapsed();
            let cost = self.tally.take();
            if let Err(what) = self.check(start, wanted, &page, &cost) {
                broken.push(format!(
                    "{} shards, {} items, 1 in {} wanted, page {number}: {what}",
                    self.shards,
                    self.known.len(),
                    wanted.one_in()
                ));
            }
            let found = page.items.len();
            pages.push(Fetched { cost, found, took });
        }
        Ok(Sample {
            shards: self.shards,
            items: self.known.len(),
            first,
            wanted,
            pages,
        })
    }

    fn check(&self, start: usize, wanted: Wanted, page: &Page, cost: &Cost) -> Result<(), String> {
        let mut expected: Vec<&Known> = self.known[start..]
            .iter()
            .filter(|one| wanted.has(one))
            .take_while(|one| page.stopped_at.is_none_or(|place| one.position >= place))
            .take(SIZE + 1)
            .collect();
        let goes_on = expected.len() > SIZE || page.stopped_at.is_some();
        expected.truncate(SIZE);
        let positions = page.items.iter().map(Feedback::position);
        if !positions.eq(expected.iter().map(|one| one.position)) || page.has_more != goes_on {
            return Err("it is not the page that was asked for".to_owned());
        }
        let queries = cost.requests.get("Query").copied().unwrap_or_default();
        if queries != cost.all_requests() {
            return Err(format!("it takes more than Queries: {cost}"));
        }
        if wanted == Wanted::All {
            let most = bound(self.shards);
            if cost.examined > most {
                return Err(format!("{} items are examined, more than {most}", cost.examined));
            }
            if self.shards == 1 && queries != 1 {
                return Err(format!("it takes {queries} Queries where one shard takes one"));
            }
        } else {
            // The last round divides what is left among the shards, and rounds up.
            let most = u32::try_from(READ_BUDGET).unwrap_or(u32::MAX) + self.shards;
            if cost.examined > most {
                return Err(format!(
                    "{} items are examined, past the budget's {most}",
                    cost.examined
                ));
            }
            let is_over = usize::try_from(cost.examined).is_ok_and(|examined| examined >= READ_BUDGET);
            if page.stopped_at.is_some() && !is_over {
                return Err(format!("it ends early after {} items", cost.examined));
            }
            if page.stopped_at.is_some() && wanted == Wanted::WorstRated {
                return Err("it ends early, though one piece in five is wanted".to_owned());
            }
        }
        Ok(())
    }
}

/// The most items that a page without a filter examines.
pub fn bound(shards: u32) -> u32 {
    let wanted = u32::try_from(SIZE).unwrap_or(u32::MAX) + 1;
    2 * wanted + 2 * shards
}

impl Sample {
    /// The mean over the pages.
    pub fn mean(&self, of: impl Fn(&Fetched) -> f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "there are few pages")]
        let count = self.pages.len() as f64;
        self.pages.iter().map(of).sum::<f64>() / count
    }

    /// The greatest of the pages.
    pub fn most(&self, of: impl Fn(&Fetched) -> f64) -> f64 {
        self.pages.iter().map(of).fold(0.0, f64::max)
    }

    /// The median time of a page.
    pub fn median_time(&self) -> Duration {
        let mut times: Vec<Duration> = self.pages.iter().map(|page| page.took).collect();
        times.sort_unstable();
        times[times.len() / 2]
    }
}

impl Fetched {
    /// How many requests it took.
    pub fn requests(&self) -> f64 {
        self.cost.all_requests().into()
    }

    /// How many items were examined for it.
    pub fn examined(&self) -> f64 {
        self.cost.examined.into()
    }

    /// How many read request units it took.
    pub fn units(&self) -> f64 {
        self.cost.units
    }
}
