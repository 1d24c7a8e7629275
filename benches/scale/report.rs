//! Prints what was simulated, as tables in Markdown.

use crate::checks::Compared;
use crate::curves::{Curve, SCALE};
use crate::series::{AllSeries, LOAD_OF_BURST, LOAD_OF_NEW_TABLE, Series};
use crate::throttle::WRITES;

/// Where each configuration comes to its limit.
pub fn limits(curves: &[Curve]) {
    println!("\nSubmissions a second above which more than one in a hundred is refused:\n");
    println!("| mix | shards | submissions a second | a shard |");
    println!("| --- | ---: | ---: | ---: |");
    for curve in curves {
        let Some(limit) = curve.limit() else { continue };
        let a_shard = limit * WRITES;
        let all = a_shard * f64::from(curve.shards);
        println!("| {:?} | {} | {all:.0} | {a_shard:.0} |", curve.mix, curve.shards);
    }
}

/// Every point of every curve.
pub fn points(curves: &[Curve]) {
    println!("\nAt each load, limits divided by {SCALE}; rates as without, times in milliseconds:\n");
    println!(
        "| mix | shards | submissions a second | accepted | refused | accepted within: half | 99 % | refused within: half | 99 % | resolved | pages | refused | within: half | 99 % | attempts refused by |"
    );
    println!(
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
    );
    for curve in curves {
        for point in &curve.points {
            let submissions = point.load * WRITES * f64::from(curve.shards);
            let by = point.refused_by.iter().filter(|(_, attempts)| **attempts > 0);
            let by: Vec<String> = by.map(|(name, attempts)| format!("{name} {attempts}")).collect();
            println!(
                "| {:?} | {} | {submissions:.0} | {:.0} | {} | {} | {} | {} | {} | {:.0} | {} | {} | {} | {} | {} |",
                curve.mix,
                curve.shards,
                point.accepted,
                percent(point.refused),
                millis(point.accepted_median),
                millis(point.accepted_p99),
                millis(point.refused_median),
                millis(point.refused_p99),
                point.resolved,
                point.pages,
                percent(point.pages_refused),
                millis(point.page_median),
                millis(point.page_p99),
                by.join(", "),
            );
        }
    }
}

/// What was accepted minute by minute.
pub fn series(all: &AllSeries) {
    println!("\nAccepted submissions a second, as a share of {WRITES} a shard, by minute:\n");
    let row = |what: &str, load: f64, series: &Series| {
        let minutes = [1, 5, 10, 15, 20, 30];
        let shares = minutes.map(|minute| {
            series
                .accepted
                .get(minute - 1)
                .copied()
                .map_or("–".to_owned(), percent)
        });
        println!(
            "| {what} | {} | {} | {} |",
            series.shards,
            percent(load),
            shares.join(" | ")
        );
    };
    println!("| | shards | load | 1st | 5th | 10th | 15th | 20th | 30th |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    row("after a rest", LOAD_OF_BURST, &all.burst);
    for series in &all.new_tables {
        row("a new table", LOAD_OF_NEW_TABLE, series);
    }
}

/// The same loads at several scales.
pub fn compared(compared: &[Compared]) {
    println!("The same load of one shard at several scales, accepted of its limit (refused of all):\n");
    for Compared { load, by_scale } in compared {
        let shares = by_scale.iter().map(|(scale, accepted, refused)| {
            format!("{} ({}) at 1/{scale:.0}", percent(*accepted), percent(*refused))
        });
        println!("- {}: {}", percent(*load), shares.collect::<Vec<_>>().join(", "));
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn millis(time: Option<f64>) -> String {
    time.map_or("–".to_owned(), |time| format!("{time:.0}"))
}
