//! What it takes to count: statistics of all days, for the first time and again, and how many items listings have.

use std::error::Error;
use std::time::{Duration, Instant};

use feedback_graphql::domain::{Date, Statistics, Timestamp};
use feedback_graphql::repository::{COUNTING_BUDGET, Indexes, MAX_BATCH};

use crate::pages::Table;
use crate::tally::Cost;
use crate::wanted::Wanted;

/// How long after the last submission statistics are asked for: all is settled, and it is the same day or the next.
const LATER: Duration = Duration::from_mins(5);
/// How far listings are counted.
pub const UP_TO: usize = 1_000;
const COUNTED: [Wanted; 5] = [
    Wanted::All,
    Wanted::LowRated,
    Wanted::Rare,
    Wanted::Open,
    Wanted::OpenAndWorstRated,
];

/// What was counted.
pub struct Counts {
    pub shards: u32,
    pub items: usize,
    pub days: usize,
    /// All days for the first time.
    pub first: Row,
    /// Again.
    pub second: Row,
    /// Listings, each with the index before the same without.
    pub listings: Vec<(Wanted, Row, usize)>,
}

/// What it took.
pub struct Row {
    pub calls: u32,
    pub cost: Cost,
    pub took: Duration,
}

/// Counts everything. What breaks a promise is added to `broken`.
pub async fn measure(table: &Table<'_>, broken: &mut Vec<String>) -> Result<Counts, Box<dyn Error>> {
    let (Some(newest), Some(oldest)) = (table.known.first(), table.known.last()) else {
        return Err("an empty table".into());
    };
    let date = |one: &crate::fill::Known| Date::of(one.position.submitted_at());
    let (from, to) = (date(oldest), date(newest));
    let now = newest.position.submitted_at().saturating_add(LATER);
    table.repository.shards(now).await?;
    let first = statistics(table, from, to, now, broken).await?;
    let second = statistics(table, from, to, now, broken).await?;
    let days = from.count_to(to);
    let (items, shards) = (table.known.len(), table.shards);
    let mut hold = |holds: bool, promise: &str, cost: &Cost| {
        if !holds {
            broken.push(format!("{items} items, {shards} shards, {promise}: {cost}"));
        }
    };
    // Where there are shards, some of the budget is left when all have been read equally far.
    let calls = u32::try_from((items * 5 / 4).div_ceil(COUNTING_BUDGET))?;
    hold(
        first.calls <= calls + 1,
        "statistics are complete soon",
        &first.cost,
    );
    // The engine examines an item more where it cuts an answer off.
    let queries = first.cost.requests.get("Query").copied().unwrap_or_default();
    let is_kept = first.cost.examined <= u32::try_from(items)? + queries;
    hold(is_kept, "each piece is read once for counting", &first.cost);
    let batches = u32::try_from(days.div_ceil(MAX_BATCH))?;
    let asked = [("BatchGetItem", batches), ("Query", shards)].map(|(name, count)| (name.to_owned(), count));
    // Where the last day is over, there is nothing to query.
    let is_kept = second.cost.requests.iter().all(|(name, count)| {
        asked
            .iter()
            .any(|(asked, at_most)| asked == name && count <= at_most)
    });
    hold(
        is_kept,
        "statistics are tallies and a query a shard",
        &second.cost,
    );
    let mut listings = Vec::new();
    for wanted in COUNTED {
        for with_indexes in [true, false] {
            let repository = table.repository.clone();
            let repository = if with_indexes {
                repository
            } else {
                repository.with_indexes(Indexes::none())
            };
            let filter = wanted.filter()?;
            table.tally.take();
            let start = Instant::now();
            let count = repository.count_listed(&filter, UP_TO, now).await?;
            let row = Row {
                calls: 1,
                took: start.elapsed(),
                cost: table.tally.take(),
            };
            let there = table.known.iter().filter(|one| wanted.has(one)).count();
            let is_right = if count.is_exact {
                count.value == there
            } else {
                count.value <= there
            };
            if !is_right || (wanted.is_a_key() && with_indexes && count.is_exact != (there <= UP_TO)) {
                broken.push(format!(
                    "{items} items, {shards} shards, {}: {count:?} of {there}",
                    wanted.label()
                ));
            }
            listings.push((wanted, row, count.value));
        }
    }
    Ok(Counts {
        shards,
        items,
        days,
        first,
        second,
        listings,
    })
}

/// Asks for statistics until they are complete.
async fn statistics(
    table: &Table<'_>,
    from: Date,
    to: Date,
    now: Timestamp,
    broken: &mut Vec<String>,
) -> Result<Row, Box<dyn Error>> {
    table.tally.take();
    let start = Instant::now();
    for calls in 1.. {
        let repository = table.repository.metered();
        let Statistics {
            counts, is_complete, ..
        } = repository.statistics(from, to, None, now).await?;
        if is_complete {
            let (total, there) = (usize::try_from(counts.total())?, table.known.len());
            if total != there {
                broken.push(format!("statistics have {total} pieces of {there}"));
            }
            let (took, cost) = (start.elapsed(), table.tally.take());
            return Ok(Row { calls, cost, took });
        }
    }
    Err("never complete".into())
}
