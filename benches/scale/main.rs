//! How many submissions the service accepts, by the number of shards, where DynamoDB throttles.
//!
//! The repository and the SDK as they are, against the embedded engine behind partitions that throttle as DynamoDB's do,
//! in simulated time: minutes pass in seconds, and the same seed gives the same numbers on every machine. Prints tables,
//! and with `--write` writes `results.json` beside this and `docs/scaling.svg`. Exits with 1 where a check fails:
//!
//! - a partition takes its limit, and once what was saved, and is split only between keys;
//! - the whole service with one shard accepts just that;
//! - a run follows from its seed;
//! - limits and loads that are 10 or 50 times as small give nearly the same shares as DynamoDB's own.
//!
//! Modelled: a token bucket for reads and one for writes of each partition of the table and of each index; hash ranges,
//! four at first, that are split for heat; the refusal of a write for which an index has no capacity; the units that
//! each operation consumes of each; capacity that is kept for five minutes, or for a second; a random latency; the SDK's
//! retries, backoff, quota of retries and timeouts; environments of Lambda, one request at a time in each.
//!
//! Not modelled: that an on-demand table throttles above twice its previous peak, and the quotas of the account; that
//! DynamoDB may split within a key whose older positions are written to, as by triage of old feedback; transactions; the
//! time that it takes to start an environment, and the limit of concurrent ones; HTTP and GraphQL. How soon a partition
//! is split, AWS does not say: five minutes are assumed.

mod checks;
mod curves;
mod dynamodb;
mod outcome;
mod parallel;
mod picture;
mod report;
mod series;
mod service;
mod throttle;

use std::fs;
use std::num::NonZeroU32;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

use curves::Curve;
use series::AllSeries;
use service::AnyError;

/// How many submissions the service accepts, by the number of shards.
#[derive(Parser)]
struct Arguments {
    /// How many shards the timeline has.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 16, 64].map(shards))]
    shards: Vec<NonZeroU32>,
    /// When requests arrive, and what is in them.
    #[arg(long, default_value_t = 16)]
    seed: u64,
    /// Fewer loads, and neither checks nor series.
    #[arg(long)]
    quick: bool,
    /// Writes the results and the picture, too.
    #[arg(long)]
    write: bool,
    /// Cargo passes it to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

const fn shards(number: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(number - 1)
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(broken) if broken.is_empty() => ExitCode::SUCCESS,
        Ok(broken) => {
            eprintln!("\n{} checks failed:", broken.len());
            for check in broken {
                eprintln!("- {check}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("the simulation did not come to its end: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Simulates everything and prints it; returns the checks that failed.
fn run(arguments: &Arguments) -> Result<Vec<String>, AnyError> {
    let (seed, shards) = (arguments.seed, &arguments.shards);
    let mut broken = Vec::new();
    if !arguments.quick {
        report::compared(&checks::check(seed, &mut broken)?);
    }
    let curves = curves::measure(shards, arguments.quick, seed)?;
    report::limits(&curves);
    report::points(&curves);
    if arguments.quick {
        return Ok(broken);
    }
    let series = series::measure(shards, seed, &mut broken)?;
    report::series(&series);
    if arguments.write {
        let root = env!("CARGO_MANIFEST_DIR");
        fs::write(
            format!("{root}/benches/scale/results.json"),
            results(seed, &curves, &series)?,
        )?;
        fs::write(
            format!("{root}/docs/scaling.svg"),
            picture::draw(&curves, &series),
        )?;
    }
    Ok(broken)
}

/// All results as JSON, a line for each point and series.
fn results(seed: u64, curves: &[Curve], series: &AllSeries) -> serde_json::Result<String> {
    let points = curves.iter().flat_map(|curve| {
        let (mix, shards) = (curve.mix, curve.shards);
        let points = curve.points.iter();
        points.map(move |point| json!({ "mix": mix, "shards": shards, "at": point }))
    });
    let points: Vec<String> = points.map(|point| point.to_string()).collect();
    let new_tables = series.new_tables.iter().map(serde_json::to_string);
    let new_tables: Vec<String> = new_tables.collect::<Result<_, _>>()?;
    Ok(format!(
        "{{\"seed\": {seed}, \"points\": [\n{}\n],\n\"burst\": {},\n\"newTables\": [\n{}\n]}}\n",
        points.join(",\n"),
        serde_json::to_string(&series.burst)?,
        new_tables.join(",\n"),
    ))
}
