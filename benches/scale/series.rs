//! The service over some time: while it uses up what was saved, and on a new table, which has few partitions.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Serialize;

use crate::outcome::{Outcome, count, rounded};
use crate::parallel::outcomes;
use crate::service::{AnyError, Mix, Run};
use crate::throttle::{KEPT, Layout, Limits, WRITES};

/// How long the series are.
const LASTS: Duration = Duration::from_mins(30);
/// Submissions a second in each, after scaling.
const RATE: f64 = 30.0;
/// The loads, as shares of 1,000 a shard.
pub const LOAD_OF_BURST: f64 = 1.5;
pub const LOAD_OF_NEW_TABLE: f64 = 0.75;

/// Submissions that were accepted a second in each minute, as a share of 1,000 a shard.
#[derive(Debug, Serialize)]
pub struct Series {
    pub shards: u32,
    pub accepted: Vec<f64>,
}

/// What was simulated.
#[derive(Debug)]
pub struct AllSeries {
    /// One shard after a rest, above its limit, where a partition takes what was saved.
    pub burst: Series,
    /// On a new table, by the number of shards.
    pub new_tables: Vec<Series>,
}

/// One shard after a rest, above its limit.
fn burst(seed: u64) -> Run {
    let run = run(NonZeroU32::MIN, LOAD_OF_BURST, Layout::Grown, seed);
    Run {
        limits: run.limits.keeping(true),
        ..run
    }
}

/// The whole service accepts what the partition of its only shard takes, and once what was saved. If not, that is added
/// to `broken`.
fn check(burst: &Run, outcome: &Outcome, broken: &mut Vec<String>) {
    let accepted = outcome.submissions.iter().filter(|sample| !sample.is_refused);
    let accepted = count(accepted.count());
    let expected = burst.limits.writes * (burst.counted + KEPT).as_secs_f64();
    if (accepted / expected - 1.0).abs() > 0.01 {
        broken.push(format!(
            "one shard accepted {accepted} submissions instead of {expected:.0}"
        ));
    }
}

fn run(shards: NonZeroU32, load: f64, layout: Layout, seed: u64) -> Run {
    let scale = WRITES * f64::from(shards.get()) * load / RATE;
    Run {
        shards,
        mix: Mix::Even,
        submissions: RATE,
        pages: 0.0,
        // Limits are so small here that chance alone would exceed them within a second.
        limits: Limits::of_dynamodb(scale).keeping(false),
        layout,
        before: Duration::ZERO,
        counted: LASTS,
        seed,
    }
}

/// All series. What does not hold is added to `broken`.
pub fn measure(shards: &[NonZeroU32], seed: u64, broken: &mut Vec<String>) -> Result<AllSeries, AnyError> {
    let new_tables = shards
        .iter()
        .filter(|shards| shards.get() > 1)
        .map(|shards| run(*shards, LOAD_OF_NEW_TABLE, Layout::New, seed));
    let runs: Vec<Run> = [burst(seed)].into_iter().chain(new_tables).collect();
    let outcomes = outcomes(&runs)?;
    check(&runs[0], &outcomes[0], broken);
    let mut series = runs
        .iter()
        .zip(&outcomes)
        .map(|(run, outcome)| Series::new(run, outcome));
    Ok(AllSeries {
        burst: series.next().ok_or("no series")?,
        new_tables: series.collect(),
    })
}

impl Series {
    fn new(run: &Run, outcome: &Outcome) -> Self {
        let full = run.limits.writes * f64::from(run.shards.get());
        let minutes = LASTS.as_secs() / 60;
        let accepted = (0..minutes).map(|minute| {
            let accepted = outcome.submissions.iter();
            let accepted = accepted.filter(|one| !one.is_refused && one.at.as_secs() / 60 == minute);
            rounded(count(accepted.count()) / 60.0 / full)
        });
        Self {
            shards: run.shards.get(),
            accepted: accepted.collect(),
        }
    }
}
