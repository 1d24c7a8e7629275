//! What a page of the timeline costs, and whether it costs what is promised.
//!
//! Fills the embedded engine with feedback, at several numbers of shards, and fetches pages through the repository:
//! the first and the ten-thousandth, with filters and without. Counts requests, examined items and consumed read
//! units, and prints them as tables. Exits with 1 where a promise is broken:
//!
//! - a page is the page that was asked for, made of `Query` alone;
//! - without a filter it examines at most 2(k + 1) + 2 · shards items, k being its size;
//! - at one shard it is one `Query`;
//! - its cost depends neither on how far in it lies nor on how much there is;
//! - with a filter, or where feedback has expired, it examines no more than the read budget, in few requests;
//! - n aliases of `feedback(id:)` are ⌈n/100⌉ `BatchGetItem`.
//!
//! Read units are what the engine answers when it is asked for the consumed capacity: DynamoDB's rule of half a unit
//! for each 4 KB that a `Query` has examined, begun ones counted, half a unit at least. Times are of the engine on
//! this machine. They are shown and not judged.

mod expired;
mod fill;
mod lookups;
mod pages;
mod tally;

use std::error::Error;
use std::num::NonZeroU32;
use std::process::ExitCode;

use clap::Parser;
use feedback_graphql::config::MAX_TIMELINE_SHARDS;
use feedback_graphql::domain::Timestamp;
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{FeedbackRepository, connect_without_account};

use fill::TABLE;
use pages::{Fetched, SAMPLE, SIZE, Sample, Table, Wanted, bound};
use tally::{Cost, Tally};

/// The page that is far in, where there are as many.
const FAR_IN: usize = 10_000;
/// How many times the first pages' mean cost, where there is least, pages may cost elsewhere: how feedback falls into
/// shards differs. At the end of the timeline, where shards end, pages cost less.
const TOLERANCE: f64 = 1.1;

/// What a page of the timeline costs.
#[derive(Parser)]
struct Arguments {
    /// How many items there are.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 1_000_000], value_parser = items)]
    items: Vec<usize>,
    /// How many shards the timeline has.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 16, 64], value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_TIMELINE_SHARDS)))]
    shards: Vec<u32>,
    /// Cargo passes it to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn items(text: &str) -> Result<usize, String> {
    let least = 2 * SAMPLE * SIZE;
    let count = text.replace('_', "").parse().ok();
    count
        .filter(|count| *count >= least)
        .ok_or_else(|| format!("a number of items, at least {least}"))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(broken) if broken.is_empty() => {
            println!("\nEvery promise is kept.");
            ExitCode::SUCCESS
        }
        Ok(broken) => {
            eprintln!("\n{} broken promises:", broken.len());
            for promise in broken {
                eprintln!("- {promise}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("the benchmark did not come to its end: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything and prints it; returns the promises that are broken.
async fn run(arguments: &Arguments) -> Result<Vec<String>, Box<dyn Error>> {
    let (mut samples, mut broken, mut by_id) = (Vec::new(), Vec::new(), Vec::new());
    let mut expired = Vec::new();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    for &shards in &arguments.shards {
        let shards = NonZeroU32::new(shards).ok_or("no shards")?;
        expired.extend(expired::measure(shards, &mut broken).await?);
        for &items in &arguments.items {
            let path = folder.path().join(format!("{items}-{shards}.db"));
            eprintln!("{} items, shards: {shards}", grouped(items));
            let filled = fill::fill(&path, items, shards).await?;
            eprintln!("  {} bytes an item", filled.item_bytes);

            let engine = Engine::start(&Storage::File(path.clone()), None).await?;
            let tally = Tally::default();
            let client = tally.of(&connect_without_account(&engine.endpoint()));
            let table = Table {
                repository: FeedbackRepository::new(client, TABLE, shards),
                tally: &tally,
                known: &filled.known,
                shards: shards.get(),
            };
            // The last full page is among the last ones where there are not as many.
            let far_in = FAR_IN.min(items / SIZE + 1 - SAMPLE);
            table.repository.shards(Timestamp::MAX).await?;
            table.sample(1, Wanted::All, &mut Vec::new()).await?;
            for first in [1, far_in] {
                for wanted in Wanted::EACH {
                    samples.push(table.sample(first, wanted, &mut broken).await?);
                }
            }
            if by_id.is_empty() {
                by_id = lookups::measure(&table, &mut broken).await?;
            }
            engine.stop().await;
            std::fs::remove_file(&path)?;
        }
    }
    check_independence(&samples, &mut broken);
    print_pages(&samples);
    print_filtered(&samples);
    print_expired(&expired);
    print_lookups(&by_id);
    Ok(broken)
}

/// Whether pages cost the same wherever they lie and however much there is.
fn check_independence(samples: &[Sample], broken: &mut Vec<String>) {
    type Of = fn(&Fetched) -> f64;
    let measures: [(&str, Of); 3] = [
        ("requests", Fetched::requests),
        ("examined items", Fetched::examined),
        ("read units", Fetched::units),
    ];
    let all: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.wanted == Wanted::All)
        .collect();
    for of_shards in all.chunk_by(|one, other| one.shards == other.shards) {
        for (what, of) in measures {
            let first = of_shards[0].mean(of);
            let most = of_shards.iter().map(|sample| sample.mean(of)).fold(0.0, f64::max);
            if most > first * TOLERANCE {
                let shards = of_shards[0].shards;
                broken.push(format!(
                    "{shards} shards: a page takes {first:.2} to {most:.2} {what}, by where it is"
                ));
            }
        }
    }
}

fn print_pages(samples: &[Sample]) {
    println!("Pages of {SIZE} without a filter, means of {SAMPLE} pages in a row (and the most of any):\n");
    println!("| shards | items | pages | `Query` | items examined | at most | read units | time |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for sample in samples.iter().filter(|sample| sample.wanted == Wanted::All) {
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {:.1} ms |",
            sample.shards,
            grouped(sample.items),
            pages(sample),
            mean_and_most(sample, Fetched::requests),
            mean_and_most(sample, Fetched::examined),
            bound(sample.shards),
            mean_and_most(sample, Fetched::units),
            sample.median_time().as_secs_f64() * 1_000.0,
        );
    }
}

fn print_filtered(samples: &[Sample]) {
    println!("\nPages of {SIZE} with a filter, from the same cursors:\n");
    println!("| shards | items | pages | wanted | `Query` | items examined | read units | found | time |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for sample in samples.iter().filter(|sample| sample.wanted != Wanted::All) {
        #[expect(clippy::cast_precision_loss, reason = "a page holds a hundred at most")]
        let found = |page: &Fetched| page.found as f64;
        println!(
            "| {} | {} | {} | 1 in {} | {} | {} | {} | {:.1} | {:.1} ms |",
            sample.shards,
            grouped(sample.items),
            pages(sample),
            grouped(sample.wanted.one_in()),
            mean_and_most(sample, Fetched::requests),
            mean_and_most(sample, Fetched::examined),
            mean_and_most(sample, Fetched::units),
            sample.mean(found),
            sample.median_time().as_secs_f64() * 1_000.0,
        );
    }
}

fn print_expired(rows: &[expired::Row]) {
    println!(
        "\nPages where {} expired pieces lie before {} others:\n",
        expired::EXPIRED,
        expired::LIVE
    );
    println!("| shards | page | `Query` | items examined | read units | found | time |");
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        println!(
            "| {} | {} | {} | {} | {} | {} | {:.1} ms |",
            row.shards,
            row.page,
            row.fetched.requests(),
            row.fetched.examined(),
            rounded(row.fetched.units()),
            row.fetched.found,
            row.fetched.took.as_secs_f64() * 1_000.0,
        );
    }
}

fn print_lookups(rows: &[(String, Cost)]) {
    println!("\nOne by one:\n");
    println!("| what | requests | units |");
    println!("| --- | --- | ---: |");
    for (what, cost) in rows {
        // An answer that refuses a write does not tell what it consumed: at least one unit, all the same.
        let units = if cost.units > 0.0 {
            cost.units.to_string()
        } else {
            "not told".to_owned()
        };
        println!("| {what} | {cost} | {units} |");
    }
}

/// The numbers of a sample's pages.
fn pages(sample: &Sample) -> String {
    let last = sample.first + SAMPLE - 1;
    format!("{} – {}", grouped(sample.first), grouped(last))
}

/// A mean and, where it differs, the most of any page.
fn mean_and_most(sample: &Sample, of: impl Fn(&Fetched) -> f64 + Copy) -> String {
    let (mean, most) = (rounded(sample.mean(of)), rounded(sample.most(of)));
    if mean == most {
        mean
    } else {
        format!("{mean} ({most})")
    }
}

/// With one decimal place, where it is not zero.
fn rounded(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// With commas between the thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
