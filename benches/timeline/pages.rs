//! Fetches pages from places in the timeline, and holds each against what the table is known to have and against what
//! the timeline promises to ask for.

use std::error::Error;
use std::time::{Duration, Instant};

use feedback_graphql::domain::{Feedback, Order, Page, PageRequest, Timestamp};
use feedback_graphql::repository::{FeedbackRepository, Indexes, READ_BUDGET, READ_UNIT_BUDGET};

use crate::fill::Known;
use crate::tally::{Cost, Tally};
use crate::wanted::Wanted;

/// How many pieces a page holds.
pub const SIZE: usize = 20;
/// How many pages make a sample: how feedback falls into shards is chance, which one page alone would show too much of.
pub const SAMPLE: usize = 25;

/// The table that pages are fetched from.
pub struct Table<'a> {
    /// Its feedback, read with all indexes and asked through `tally`.
    pub repository: FeedbackRepository,
    /// Counts what the repository asks.
    pub tally: &'a Tally,
    /// What is in it, the newest first.
    pub known: &'a [Known],
    /// How many shards its timeline has.
    pub shards: u32,
}

/// The pages of a listing, each fetched by a cursor that is made from what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing {
    /// Which feedback is wanted.
    pub wanted: Wanted,
    /// Whether the indexes may be read, or only the timeline.
    pub with_indexes: bool,
    /// Where the pages begin.
    pub places: Places,
}

/// Where pages begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    /// At pages in a row, from that with this number on, counted from 1.
    From(usize),
    /// All over the newer half of the timeline.
    Spread,
}

/// Pages that were fetched.
pub struct Sample {
    /// How many shards the timeline has.
    pub shards: u32,
    /// How many items the table has.
    pub items: usize,
    /// The pages of which listing.
    pub listing: Listing,
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
    /// Fetches pages of a listing. What breaks a promise is added to `broken`.
    pub async fn sample(&self, listing: Listing, broken: &mut Vec<String>) -> Result<Sample, Box<dyn Error>> {
        let repository = self.repository.clone();
        let repository = if listing.with_indexes {
            repository
        } else {
            repository.with_indexes(Indexes::none())
        };
        let mut pages = Vec::new();
        for number in 0..SAMPLE {
            let start = match listing.places {
                Places::From(first) => (first - 1 + number) * SIZE,
                Places::Spread => number * self.known.len() / 2 / SAMPLE,
            };
            let after = start.checked_sub(1).map(|last| self.known[last].position);
            let (size, filter) = (i64::try_from(SIZE)?, listing.wanted.filter()?);
            let request = PageRequest::new(Some(size), None, after, None, Order::NewestFirst, filter)?;
            self.tally.take();
            let began = Instant::now();
            let page = repository.page(&request, Timestamp::MAX).await?;
            let took = began.elapsed();
            let cost = self.tally.take();
            if let Err(what) = self.check(start, listing, &page, &cost) {
                let (shards, items) = (self.shards, self.known.len());
                broken.push(format!(
                    "{shards} shards, {items} items, {listing:?}, after {start}: {what}"
                ));
            }
            let found = page.items.len();
            pages.push(Fetched { cost, found, took });
        }
        Ok(Sample {
            shards: self.shards,
            items: self.known.len(),
            listing,
            pages,
        })
    }

    fn check(&self, start: usize, listing: Listing, page: &Page, cost: &Cost) -> Result<(), String> {
        let wanted = listing.wanted;
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
        if queries(cost) != cost.all_requests() {
            return Err(format!("it takes more than Queries: {cost}"));
        }
        match listing.partitions(self.shards) {
            Some(partitions) => check_by_key(partitions, page, cost),
            None => self.check_filtered(wanted, page, cost),
        }
    }

    fn check_filtered(&self, wanted: Wanted, page: &Page, cost: &Cost) -> Result<(), String> {
        // The last round divides what is left among the shards, and rounds up.
        let most = u32::try_from(READ_BUDGET).unwrap_or(u32::MAX) + self.shards;
        let examined = cost.examined;
        if examined > most {
            return Err(format!("{examined} items are examined, past the budget's {most}"));
        }
        if page.stopped_at.is_none() {
            return Ok(());
        }
        let is_over = usize::try_from(examined).is_ok_and(|examined| examined >= READ_BUDGET);
        if !is_over && cost.units < READ_UNIT_BUDGET {
            return Err(format!("it ends early after {examined} items"));
        }
        if matches!(wanted, Wanted::WorstRated | Wanted::LowRated) {
            return Err("it ends early, though one piece in five is wanted".to_owned());
        }
        Ok(())
    }
}

/// Where nothing is left to filter.
fn check_by_key(partitions: u32, page: &Page, cost: &Cost) -> Result<(), String> {
    let (examined, most, queries) = (cost.examined, bound(partitions), queries(cost));
    if page.stopped_at.is_some() {
        return Err("it ends early".to_owned());
    }
    if examined > most {
        return Err(format!("{examined} items are examined, more than {most}"));
    }
    if queries < partitions || partitions == 1 && queries != 1 {
        return Err(format!("it takes {queries} Queries of {partitions} partitions"));
    }
    Ok(())
}

/// The requests of a page that are `Query`.
fn queries(cost: &Cost) -> u32 {
    cost.requests.get("Query").copied().unwrap_or_default()
}

/// The most items that a page examines of which nothing is left to filter.
pub fn bound(partitions: u32) -> u32 {
    let wanted = u32::try_from(SIZE).unwrap_or(u32::MAX) + 1;
    2 * wanted + 2 * partitions
}

impl Listing {
    /// How many partitions hold it and nothing else; `None` where what they hold has to be filtered.
    pub fn partitions(self, shards: u32) -> Option<u32> {
        let is_a_key = self.wanted == Wanted::All || self.with_indexes && self.wanted.is_a_key();
        is_a_key.then(|| self.wanted.partitions(shards))
    }
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

    /// How many pieces it holds.
    pub fn found(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a page holds a hundred at most")]
        let found = self.found as f64;
        found
    }
}
