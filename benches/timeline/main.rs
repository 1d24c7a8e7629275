//! What a page of the timeline costs, and whether it costs what is promised.
//!
//! Fills the embedded engine with feedback, at several numbers of shards, and fetches pages through the repository:
//! the first and the ten-thousandth without a filter, and with filters those all over the newer half, with the indexes
//! and without. Counts requests, examined items and consumed units, and prints them as tables. Exits with 1 where a
//! promise is broken:
//!
//! - a page is the page that was asked for, made of `Query` alone;
//! - without a filter, and with one that the key of an index answers, it is one `Query` a partition and more only
//!   where one runs dry, examines at most 2(k + 1) + 2 · partitions items, k being its size, and is full while there
//!   is as much;
//! - of one partition it is one `Query`;
//! - without a filter its cost depends neither on how far in it lies nor on how much there is;
//! - where something is left to filter, or feedback has expired, it examines no more than the read budget, in few
//!   requests;
//! - n aliases of `feedback(id:)` are ⌈n/100⌉ `BatchGetItem`;
//! - statistics read each piece once, and then one `BatchGetItem` for a hundred days and one `Query` a shard;
//! - counts are right, and exact where the key of an index answers the filter and there are not too many;
//! - a write is one request, and one unit for the table and each index that the piece is in; a change of its status
//!   one more;
//! - where there is a limit for each client, submitting is one request and one write unit more, and being refused again
//!   is none.
//!
//! Read units are what the engine answers when it is asked for the consumed capacity: DynamoDB's rule of half a unit
//! for each 4 KB that a `Query` has examined, begun ones counted, half a unit at least. Times are of the engine on
//! this machine. They are shown and not judged.

mod counts;
mod expired;
mod fill;
mod limited;
mod lookups;
mod pages;
mod report;
mod tally;
mod wanted;
mod writes;

use std::error::Error;
use std::num::NonZeroU32;
use std::process::ExitCode;

use clap::Parser;
use feedback_graphql::config::MAX_TIMELINE_SHARDS;
use feedback_graphql::domain::Timestamp;
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{FeedbackRepository, Indexes, connect_without_account};

use fill::TABLE;
use pages::{Fetched, Listing, Places, SAMPLE, SIZE, Sample, Table};
use tally::Tally;
use wanted::Wanted;

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
    let (mut samples, mut filtered, mut expired) = (Vec::new(), Vec::new(), Vec::new());
    let (mut broken, mut by_id, mut written) = (Vec::new(), Vec::new(), Vec::new());
    let (mut counted, mut limited) = (Vec::new(), Vec::new());
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    for &shards in &arguments.shards {
        let shards = NonZeroU32::new(shards).ok_or("no shards")?;
        expired.extend(expired::measure(shards, &mut broken).await?);
        for &items in &arguments.items {
            let path = folder.path().join(format!("{items}-{shards}.db"));
            eprintln!("{} items, shards: {shards}", report::grouped(items));
            let filled = fill::fill(&path, items, shards).await?;
            eprintln!("  {} bytes an item", filled.item_bytes);

            let engine = Engine::start(&Storage::File(path.clone()), None).await?;
            let tally = Tally::default();
            let client = tally.of(&connect_without_account(&engine.endpoint()));
            let table = Table {
                repository: FeedbackRepository::new(client, TABLE, shards).with_indexes(Indexes::all()),
                tally: &tally,
                known: &filled.known,
                shards: shards.get(),
            };
            // The last full page is among the last ones where there are not as many.
            let far_in = FAR_IN.min(items / SIZE + 1 - SAMPLE);
            table.repository.shards(Timestamp::MAX).await?;
            let listing = |wanted, with_indexes, places| Listing {
                wanted,
                with_indexes,
                places,
            };
            let everything = |first| listing(Wanted::All, true, Places::From(first));
            table.sample(everything(1), &mut Vec::new()).await?;
            for first in [1, far_in] {
                samples.push(table.sample(everything(first), &mut broken).await?);
            }
            for wanted in Wanted::FILTERED {
                for with_indexes in [true, false] {
                    let listing = listing(wanted, with_indexes, Places::Spread);
                    filtered.push(table.sample(listing, &mut broken).await?);
                }
            }
            counted.push(counts::measure(&table, &mut broken).await?);
            if by_id.is_empty() {
                by_id = lookups::measure(&table, &mut broken).await?;
                written = writes::measure(&table, &mut broken).await?;
                limited = limited::measure(&table, &mut broken).await?;
            }
            engine.stop().await;
            std::fs::remove_file(&path)?;
        }
    }
    check_independence(&samples, &mut broken);
    report::pages(&samples);
    report::filtered(&filtered);
    report::counts(&counted);
    report::expired(&expired);
    report::lookups(&by_id);
    report::writes(&written);
    report::limited(&limited);
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
    for of_shards in samples.chunk_by(|one, other| one.shards == other.shards) {
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
