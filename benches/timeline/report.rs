//! Prints what was measured, as tables in Markdown.

use std::time::Duration;

use crate::counts::{Counts, UP_TO};
use crate::expired::{self, EXPIRED, LIVE};
use crate::limited;
use crate::pages::{Fetched, Places, SAMPLE, SIZE, Sample, bound};
use crate::tally::Cost;
use crate::writes::{self, STEPS};

/// Pages without a filter.
pub fn pages(samples: &[Sample]) {
    println!("Pages of {SIZE} without a filter, means of {SAMPLE} pages in a row (and the most of any):\n");
    println!("| shards | items | pages | `Query` | items examined | at most | read units | time |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for sample in samples {
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            sample.shards,
            grouped(sample.items),
            numbers(sample),
            cost(sample),
            mean_and_most(sample, Fetched::units),
            milliseconds(sample.median_time()),
        );
    }
}

/// Pages with a filter, each sample with the indexes before the same without.
pub fn filtered(samples: &[Sample]) {
    println!(
        "\nPages of {SIZE} with a filter, from {SAMPLE} places all over the newer half, with the index and without:\n"
    );
    println!(
        "| shards | items | filter | `Query` | items examined | at most | read units | found | time | without: `Query` | items examined | read units | found | time |"
    );
    println!(
        "| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for pair in samples.chunks(2) {
        print!(
            "| {} | {} | {} |",
            pair[0].shards,
            grouped(pair[0].items),
            pair[0].listing.wanted.label()
        );
        for sample in pair {
            print!(
                " {} | {} | {:.1} | {} |",
                cost(sample),
                mean_and_most(sample, Fetched::units),
                sample.mean(Fetched::found),
                milliseconds(sample.median_time()),
            );
        }
        println!();
    }
}

/// Statistics and counts of listings.
pub fn counts(all: &[Counts]) {
    println!("\nStatistics of all days, until they are complete, and again:\n");
    println!(
        "| shards | items | days | | calls | requests | items examined | read units | write units | time |"
    );
    println!("| ---: | ---: | ---: | --- | ---: | --- | ---: | ---: | ---: | ---: |");
    for counts in all {
        for (when, row) in [("first", &counts.first), ("again", &counts.second)] {
            println!(
                "| {} | {} | {} | {when} | {} | {} | {} | {} | {} | {} |",
                counts.shards,
                grouped(counts.items),
                counts.days,
                row.calls,
                row.cost,
                row.cost.examined,
                rounded(row.cost.units - row.cost.written),
                rounded(row.cost.written),
                milliseconds(row.took),
            );
        }
    }
    println!("\nListings counted up to {UP_TO}, with the index and without:\n");
    println!(
        "| shards | items | filter | `Query` | items examined | read units | counted | time | without: `Query` | items examined | read units | counted | time |"
    );
    println!("| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for counts in all {
        for pair in counts.listings.chunks(2) {
            print!(
                "| {} | {} | {} |",
                counts.shards,
                grouped(counts.items),
                pair[0].0.label()
            );
            for (_, row, value) in pair {
                print!(
                    " {} | {} | {} | {value} | {} |",
                    row.cost.all_requests(),
                    row.cost.examined,
                    rounded(row.cost.units),
                    milliseconds(row.took)
                );
            }
            println!();
        }
    }
}

/// Pages past expired feedback.
pub fn expired(rows: &[expired::Row]) {
    println!("\nPages where {EXPIRED} expired pieces lie before {LIVE} others:\n");
    println!("| shards | page | `Query` | items examined | read units | found | time |");
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.shards,
            row.page,
            row.fetched.requests(),
            row.fetched.examined(),
            rounded(row.fetched.units()),
            row.fetched.found,
            milliseconds(row.fetched.took),
        );
    }
}

/// What is asked one by one.
pub fn lookups(rows: &[(String, Cost)]) {
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

/// The write units of what is done to a piece.
pub fn writes(rows: &[writes::Row]) {
    println!("\nWrite units, by what a piece has:\n");
    println!("| feedback | indexes | {} |", STEPS.join(" | "));
    println!("| --- | ---: |{}", " ---: |".repeat(STEPS.len()));
    for row in rows {
        let units = row.units.map(rounded).join(" | ");
        println!("| {} | {} | {units} |", row.feedback, row.indexes);
    }
}

/// What submissions take, with a limit for each client and without.
pub fn limited(rows: &[limited::Row]) {
    println!("\nSubmissions, with and without a limit for each client:\n");
    println!("| submission | requests | write units | time |");
    println!("| --- | --- | ---: | ---: |");
    for row in rows {
        let (units, time) = (rounded(row.cost.written), milliseconds(row.took));
        let requests = match row.cost.all_requests() {
            0 => "none".to_owned(),
            _ => row.cost.to_string(),
        };
        println!("| {} | {requests} | {units} | {time} |", row.kind);
    }
}

/// The `Query` and the examined items of pages, and the most items that are promised, where it is by their key.
fn cost(sample: &Sample) -> String {
    let most = sample.listing.partitions(sample.shards).map(bound);
    let (queries, examined) = (
        mean_and_most(sample, Fetched::requests),
        mean_and_most(sample, Fetched::examined),
    );
    match most {
        Some(most) => format!("{queries} | {examined} | {most}"),
        None if sample.listing.with_indexes => format!("{queries} | {examined} | –"),
        None => format!("{queries} | {examined}"),
    }
}

/// The numbers of a sample's pages.
fn numbers(sample: &Sample) -> String {
    match sample.listing.places {
        Places::From(first) => format!("{} – {}", grouped(first), grouped(first + SAMPLE - 1)),
        Places::Spread => "all over".to_owned(),
    }
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

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

/// With one decimal place, where it is not zero.
fn rounded(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// With commas between the thousands.
pub fn grouped(number: usize) -> String {
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
