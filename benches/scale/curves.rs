//! The service at loads below and above its limit, long after the table has grown and what was saved is used up.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::Serialize;

use crate::outcome::{Outcome, quantile, refused, rounded};
use crate::parallel::outcomes;
use crate::service::{AnyError, Mix, Run};
use crate::throttle::{Layout, Limits, WRITES};

/// By how much limits and loads are smaller than DynamoDB's.
pub const SCALE: f64 = 50.0;
/// Pages a second that are read meanwhile, before scaling.
const PAGES: f64 = 200.0;
/// Above this share of refused submissions, the service is past its limit.
const REFUSED: f64 = 0.01;

/// The service with so many shards under one mix of requests.
#[derive(Debug)]
pub struct Curve {
    pub mix: Mix,
    pub shards: u32,
    pub points: Vec<Point>,
}

/// What happens at a load. Rates are a second, and as they are without scaling; times are milliseconds.
#[derive(Debug, Serialize)]
pub struct Point {
    /// Submissions, as a share of 1,000 a shard.
    pub load: f64,
    pub accepted: f64,
    /// The share of submissions that were refused.
    pub refused: f64,
    pub accepted_median: Option<f64>,
    pub accepted_p99: Option<f64>,
    pub refused_median: Option<f64>,
    pub refused_p99: Option<f64>,
    pub resolved: f64,
    /// Pages that were read, and the share that was refused.
    pub pages: usize,
    pub pages_refused: f64,
    pub page_median: Option<f64>,
    pub page_p99: Option<f64>,
    /// How many attempts the table and each index refused. Several may refuse the same one.
    pub refused_by: BTreeMap<&'static str, u64>,
}

/// The loads at which a mix is simulated.
fn loads(mix: Mix, is_quick: bool) -> &'static [f64] {
    match (mix, is_quick) {
        (Mix::Even, false) => &[0.5, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5],
        (Mix::HotTopic, false) => &[0.5, 0.9, 1.0, 1.25],
        (Mix::Even | Mix::HotTopic, true) => &[0.8, 1.0, 1.25],
        (Mix::Resolving | Mix::Large, false) => &[0.25, 0.4, 0.45, 0.5, 0.55, 0.75, 1.0],
        (Mix::Resolving | Mix::Large, true) => &[0.4, 0.5, 0.75],
    }
}

/// For how many seconds a run lasts before it is counted, in which quotas of retries are used up, and is counted: the
/// fewer shards, the longer, so that there are as many submissions.
fn seconds(shards: u32) -> (u64, u64) {
    match shards {
        ..4 => (30, 90),
        4..16 => (15, 45),
        16..64 => (12, 16),
        64.. => (10, 5),
    }
}

/// A run at a load, which is a share of 1,000 submissions a shard.
pub fn run(mix: Mix, shards: NonZeroU32, load: f64, scale: f64, seed: u64) -> Run {
    let (before, counted) = seconds(shards.get());
    Run {
        shards,
        mix,
        submissions: load * WRITES * f64::from(shards.get()) / scale,
        pages: PAGES / scale,
        limits: Limits::of_dynamodb(scale),
        layout: Layout::Grown,
        before: Duration::from_secs(before),
        counted: Duration::from_secs(counted),
        seed,
    }
}

/// All curves.
pub fn measure(shards: &[NonZeroU32], is_quick: bool, seed: u64) -> Result<Vec<Curve>, AnyError> {
    let mut curves = Vec::new();
    let mut runs = Vec::new();
    for mix in [Mix::Even, Mix::HotTopic, Mix::Resolving, Mix::Large] {
        for &shards in shards {
            // Twice the units are twice the units at any number of shards.
            if mix == Mix::Large && shards.get() > 1 {
                continue;
            }
            let loads = loads(mix, is_quick);
            curves.push((mix, shards, loads));
            runs.extend(loads.iter().map(|load| run(mix, shards, *load, SCALE, seed)));
        }
    }
    let mut outcomes = outcomes(&runs)?.into_iter();
    let curves = curves.into_iter().map(|(mix, shards, loads)| Curve {
        mix,
        shards: shards.get(),
        points: loads
            .iter()
            .zip(outcomes.by_ref())
            .map(|(load, outcome)| Point::new(*load, &outcome))
            .collect(),
    });
    Ok(curves.collect())
}

impl Point {
    /// The outcome of a run at [`SCALE`].
    fn new(load: f64, outcome: &Outcome) -> Self {
        let Outcome {
            submissions,
            resolutions,
            pages,
            ..
        } = outcome;
        Self {
            load,
            accepted: (outcome.accepted(submissions) * SCALE).round(),
            refused: rounded(refused(submissions)),
            accepted_median: quantile(submissions, false, 0.5),
            accepted_p99: quantile(submissions, false, 0.99),
            refused_median: quantile(submissions, true, 0.5),
            refused_p99: quantile(submissions, true, 0.99),
            resolved: (outcome.accepted(resolutions) * SCALE).round(),
            pages: pages.len(),
            pages_refused: rounded(refused(pages)),
            page_median: quantile(pages, false, 0.5),
            page_p99: quantile(pages, false, 0.99),
            refused_by: outcome.refused_by.clone(),
        }
    }
}

impl Curve {
    /// The load above which more than one submission in a hundred is refused, if there is one.
    pub fn limit(&self) -> Option<f64> {
        let beyond = self.points.iter().position(|point| point.refused > REFUSED)?;
        let (before, beyond) = (self.points.get(beyond.checked_sub(1)?)?, &self.points[beyond]);
        let share = (REFUSED - before.refused) / (beyond.refused - before.refused);
        Some(before.load + share * (beyond.load - before.load))
    }
}
