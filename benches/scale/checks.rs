//! Whether the simulation can be believed: known answers, the same numbers for the same seed, and the same curve at
//! another scale.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

use crate::curves::{self, SCALE};
use crate::outcome::{count, refused};
use crate::parallel::outcomes;
use crate::service::{AnyError, Mix, Run};
use crate::throttle::{Access, KEPT, Layout, Limits, Partitions, WRITES};

/// The loads at which scales are compared, and the other scales. The smaller the limits, the sooner chance exceeds them.
const LOADS: [f64; 3] = [0.8, 1.0, 1.25];
const OTHER_SCALES: [f64; 2] = [1.0, 10.0];
/// How far shares may be apart there.
const TOLERANCE: f64 = 0.06;

/// What does not hold is added to `broken`.
pub fn check(seed: u64, broken: &mut Vec<String>) -> Result<Vec<Compared>, AnyError> {
    for (kept, is_rested) in [(Duration::from_secs(1), false), (KEPT, false), (KEPT, true)] {
        one_partition(kept, is_rested, broken);
    }
    splits(broken);
    same_seed(seed, broken)?;
    scales(seed, broken)
}

/// One that is asked for more than its limit takes its limit, and once what was saved: by ten minutes of rest no more than
/// is kept, or as much as if it had rested.
fn one_partition(kept: Duration, is_rested: bool, broken: &mut Vec<String>) {
    let limits = Limits {
        kept,
        is_rested,
        ..Limits::of_dynamodb(1.0)
    };
    let made = Instant::now();
    let mut partitions = Partitions::of_index(limits, Layout::Grown, made);
    partitions.has_capacity(7, Access::Write, made);
    let begun = made + if is_rested { Duration::ZERO } else { 2 * KEPT };
    let seconds = 1_000;
    let (mut taken, mut millis) = (0_usize, 0);
    while millis < seconds * 1_000 {
        let now = begun + Duration::from_millis(millis);
        for _ in 0..2 {
            if partitions.has_capacity(7, Access::Write, now) {
                partitions.consume(7, Access::Write, 1.0, now);
                taken += 1;
            }
        }
        millis += 1;
    }
    let expected = WRITES * (Duration::from_secs(seconds) + kept).as_secs_f64();
    if (count(taken) / expected - 1.0).abs() > 0.000_1 {
        broken.push(format!("a partition took {taken} units instead of {expected}"));
    }
    if partitions.has_capacity(7, Access::Write, begun + Duration::from_millis(millis - 1)) {
        broken.push("a partition has capacity left after it was asked for more than it has".to_owned());
    }
    if !partitions.has_capacity(7, Access::Read, begun)
        || !partitions.has_capacity(8, Access::Write, begun + KEPT)
    {
        broken.push("writes to one partition throttle its reads, or another one".to_owned());
    }
}

/// A new index is split for heat until each key has what it needs, and not within a key.
fn splits(broken: &mut Vec<String>) {
    let begun = Instant::now();
    let limits = Limits::of_dynamodb(100.0);
    let mut partitions = Partitions::of_index(limits, Layout::New, begun);
    // All of the first partition.
    let mut keys: [u64; 3] = [1 << 50, 1 << 51, 1 << 52];
    for tenth in 0..36_000 {
        let now = begun + Duration::from_millis(100 * tenth);
        // Each is the first as often.
        keys.rotate_left(1);
        for key in keys {
            if partitions.has_capacity(key, Access::Write, now) {
                partitions.consume(key, Access::Write, 1.0, now);
            }
        }
    }
    let (count, first) = (partitions.count(), 4);
    if count != first + 2 {
        broken.push(format!(
            "three hot keys of a new index are in {count} partitions after an hour"
        ));
    }
}

/// A run follows from its seed: every request of it, when it began, and what became of it.
fn same_seed(seed: u64, broken: &mut Vec<String>) -> Result<(), AnyError> {
    let shards = NonZeroU32::MIN.saturating_add(3);
    let run = |seed| curves::run(Mix::Resolving, shards, 0.6, 200.0, seed);
    let outcomes = outcomes(&[run(seed), run(seed), run(seed + 1)])?;
    if outcomes[0] != outcomes[1] || outcomes[0] == outcomes[2] {
        broken.push("a run does not follow from its seed".to_owned());
    }
    Ok(())
}

/// The same load at several scales.
#[derive(Debug)]
pub struct Compared {
    pub load: f64,
    /// By scale: what was accepted, as a share of what the shard takes, and what was refused, of what was submitted.
    pub by_scale: Vec<(f64, f64, f64)>,
}

fn scales(seed: u64, broken: &mut Vec<String>) -> Result<Vec<Compared>, AnyError> {
    let mut compared = Vec::new();
    for load in LOADS {
        let scales = [OTHER_SCALES[0], SCALE, OTHER_SCALES[1]];
        let runs = scales.map(|scale| {
            let run = curves::run(Mix::Even, NonZeroU32::MIN, load, scale, seed);
            // As many submissions at each scale, as far as that leaves some seconds.
            let share = (scale / SCALE).max(0.15);
            Run {
                before: run.before.mul_f64(share),
                counted: run.counted.mul_f64(share),
                ..run
            }
        });
        let outcomes = outcomes(&runs)?;
        let shares = runs.iter().zip(&outcomes).map(|(run, outcome)| {
            let accepted = outcome.accepted(&outcome.submissions) / run.limits.writes;
            (
                WRITES / run.limits.writes,
                accepted,
                refused(&outcome.submissions),
            )
        });
        let by_scale: Vec<(f64, f64, f64)> = shares.collect();
        let (_, accepted, refused) = by_scale[0];
        for (scale, other_accepted, other_refused) in &by_scale {
            if (accepted - other_accepted).abs() > TOLERANCE || (refused - other_refused).abs() > TOLERANCE {
                broken.push(format!(
                    "scale {scale} has another curve at a load of {load}: {by_scale:?}"
                ));
            }
        }
        compared.push(Compared { load, by_scale });
    }
    Ok(compared)
}
