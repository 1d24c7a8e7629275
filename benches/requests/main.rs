//! The requests that cost most of all that pass the default limits, found by a search.
//!
//! Random documents are sent to the service, and the dearest of them are changed for as long as that makes them dearer:
//! for an anonymous caller and for one with a key, in read units, write units, requests to DynamoDB, bytes of the
//! answer, and milliseconds of a processor, which a document takes, too, that is refused. The table holds feedback
//! half of which is the largest that there can be. Prints a table, and the documents.
//!
//! The seed decides which documents are tried, time how many.

mod documents;
mod service;
#[path = "../timeline/tally.rs"]
mod tally;

use std::error::Error;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use clap::Parser;
use fastrand::Rng;

use documents::{Document, Grammar};
use service::{Caller, Cost, MEASURES, Service, TIME};

/// How much is submitted to a table before it is replaced.
const MOST_SUBMITTED: usize = 1_000;
/// How much of a document is printed.
const SHOWN: usize = 1_200;

/// The requests that cost most of all that pass the limits.
#[derive(Parser)]
struct Arguments {
    /// How many seconds each search takes.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many items there are.
    #[arg(long, default_value_t = 3_000)]
    items: usize,
    /// How many shards the timeline has.
    #[arg(long, default_value_t = NonZeroU32::MIN)]
    shards: NonZeroU32,
    /// Which documents are tried.
    #[arg(long, default_value_t = 11)]
    seed: u64,
    /// Cargo passes it to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The dearest document of a measure so far.
#[derive(Clone)]
struct Dearest {
    document: Document,
    text: String,
    cost: Cost,
    outcome: String,
}

struct Search {
    /// For queries.
    full: Service,
    /// For mutations.
    spoilt: Service,
    grammar: Grammar,
    rng: Rng,
    shards: NonZeroU32,
    tried: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    eprintln!(
        "seed {}, {} items, shards: {}",
        arguments.seed, arguments.items, arguments.shards
    );
    let mut full = Service::new(arguments.items, arguments.shards)?;
    let grammar = Grammar::new(full.ids.clone(), full.cursor()?);
    let mut search = Search {
        full,
        spoilt: Service::new(0, arguments.shards)?,
        grammar,
        rng: Rng::with_seed(arguments.seed),
        shards: arguments.shards,
        tried: 0,
    };
    let limit = Duration::from_secs(arguments.seconds);
    let mut found = Vec::new();
    for (name, caller) in [("anonymous", Caller::Anonymous), ("with a key", Caller::Manager)] {
        found.push((name, search.of(caller, limit)?));
    }
    println!("{} documents were tried.\n", search.tried);
    println!("| caller | most | {} | outcome |", MEASURES.join(" | "));
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |");
    for (name, dearest) in &found {
        for (measure, one) in MEASURES.iter().zip(dearest) {
            let [read, written, requests, bytes, millis] = one.cost;
            println!(
                "| {name} | {measure} | {read} | {written} | {requests} | {bytes} | {millis:.1} | {} |",
                one.outcome
            );
        }
    }
    for (name, dearest) in &found {
        for (measure, one) in MEASURES.iter().zip(dearest) {
            let shown: String = one.text.chars().take(SHOWN).collect();
            println!("\n{name}, {measure} ({} bytes):\n{shown}", one.text.len());
        }
    }
    Ok(())
}

impl Search {
    /// The dearest documents of a caller, by measure.
    fn of(&mut self, caller: Caller, limit: Duration) -> Result<Vec<Dearest>, Box<dyn Error>> {
        let first = self.random();
        let first = self.tried(caller, first, true)?;
        let mut dearest = vec![first; MEASURES.len()];
        // What has cost least is known first, so that the searches that take longest begin furthest.
        for measure in 0..MEASURES.len() {
            let began = Instant::now();
            while began.elapsed() < limit {
                let is_new = began.elapsed() < limit / 4 && self.rng.bool();
                let document = if is_new {
                    self.random()
                } else {
                    self.grammar.changed(&mut self.rng, &dearest[measure].document)
                };
                let mut one = self.tried(caller, document, false)?;
                if one.cost[TIME] > dearest[TIME].cost[TIME] {
                    one = self.tried(caller, one.document, true)?;
                }
                for (index, best) in dearest.iter_mut().enumerate() {
                    let (new, old) = (one.cost[index], best.cost[index]);
                    // What is as dear and shorter leaves room for what makes it dearer.
                    let is_as_dear = new >= old && index != TIME;
                    if new > old || (is_as_dear && one.text.len() < best.text.len()) {
                        best.clone_from(&one);
                    }
                }
            }
            eprintln!("{}: {:?}", MEASURES[measure], dearest[measure].cost);
        }
        Ok(dearest)
    }

    fn random(&mut self) -> Document {
        let root = if self.rng.bool() { "Query" } else { "Mutation" };
        let most = if self.rng.bool() { 2 } else { 20 };
        self.grammar.random(&mut self.rng, root, most)
    }

    fn tried(
        &mut self,
        caller: Caller,
        document: Document,
        is_timed: bool,
    ) -> Result<Dearest, Box<dyn Error>> {
        self.tried += 1;
        let text = document.text();
        let service = if text.starts_with("query") {
            &mut self.full
        } else {
            if self.spoilt.submitted > MOST_SUBMITTED {
                self.spoilt = Service::new(0, self.shards)?;
            }
            &mut self.spoilt
        };
        let (cost, outcome) = service.cost(caller, &text, is_timed)?;
        Ok(Dearest {
            document,
            text,
            cost,
            outcome,
        })
    }
}
