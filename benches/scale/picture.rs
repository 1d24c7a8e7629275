//! The curves and the series as a picture.
//!
//! GitHub shows it on white and on near-black, and its own switch is not what a style sheet in a picture would see. So
//! every colour is one that can be read on both, and there is no background.

use std::fmt::Write;

use crate::curves::{Curve, Point};
use crate::series::{AllSeries, Series};
use crate::service::Mix;
use crate::throttle::WRITES;

const WIDTH: u32 = 840;
const HEIGHT: u32 = 910;
const TEXT: &str = "#768390";
const GRID: &str = "#76839040";
/// By the number of shards.
const COLOURS: [(u32, &str); 4] = [(1, "#2da44e"), (4, "#388bfd"), (16, "#bf8700"), (64, "#a371f7")];

/// The place of a diagram, and the ends of its axes, which begin at zero.
#[derive(Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    most_x: f64,
    most_y: f64,
}

impl Area {
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let across = (x / self.most_x).min(1.0) * self.width;
        let up = (y / self.most_y).min(1.0) * self.height;
        (self.left + across, self.top + self.height - up)
    }
}

/// What the rows of diagrams show, the end of their axis, its unit, and how it follows from a point and the number of
/// shards.
type Row = (&'static str, f64, &'static str, fn(&Point, f64) -> Option<f64>);
const ROWS: [Row; 4] = [
    ("accepted a second, a shard", 1_200.0, "", |point, shards| {
        Some(point.accepted / shards)
    }),
    ("refused", 60.0, " %", |point, _| Some(point.refused * 100.0)),
    ("99 % of accepted within", 200.0, " ms", |point, _| {
        point.accepted_p99
    }),
    ("99 % of pages within", 40.0, " ms", |point, _| point.page_p99),
];

/// The SVG.
pub fn draw(curves: &[Curve], series: &AllSeries) -> String {
    let mut svg = String::new();
    legend(&mut svg, 20.0);
    for (left, mix, title, most_load) in [
        (60.0, Mix::Even, "topics evenly spread", 1.5),
        (328.0, Mix::HotTopic, "one hot topic", 1.5),
        (596.0, Mix::Resolving, "staff resolve as many", 1.0),
    ] {
        text(&mut svg, (left, 56.0), "start", true, title);
        let curves: Vec<&Curve> = curves.iter().filter(|curve| curve.mix == mix).collect();
        column(&mut svg, left, most_load, &curves);
    }
    over_time(&mut svg, series);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\"\n  \
         role=\"img\" aria-label=\"Submissions accepted and refused, latency and pages by load, at 1, 4, 16 and 64 shards\"\n  \
         font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"{TEXT}\">\n{svg}</svg>\n"
    )
}

/// The diagrams of one mix, below each other.
fn column(svg: &mut String, left: f64, most_load: f64, curves: &[&Curve]) {
    let mut area = Area {
        left,
        top: 84.0,
        width: 224.0,
        height: 100.0,
        most_x: most_load * WRITES,
        most_y: 0.0,
    };
    for (measure, most_y, unit, of) in ROWS {
        area.most_y = most_y;
        text(svg, (left, area.top - 8.0), "start", false, measure);
        axes(svg, area, unit, left < 100.0);
        for curve in curves {
            let shards = f64::from(curve.shards);
            let points = curve.points.iter();
            let points = points.filter_map(|point| Some((point.load * WRITES, of(point, shards)?)));
            line(svg, area, curve.shards, points);
        }
        area.top += 150.0;
    }
    let below = (left + area.width, area.top - 16.0);
    text(svg, below, "end", false, "submissions a second, a shard");
}

/// The two diagrams over time, beside each other.
fn over_time(svg: &mut String, series: &AllSeries) {
    let rested: Vec<&Series> = vec![&series.burst];
    for (left, title, subtitle, lines) in [
        (
            60.0,
            "one shard after a rest",
            "1,500 a second, where a partition takes what was saved",
            rested,
        ),
        (
            480.0,
            "a new table",
            "750 a second and shard, while its partitions split",
            series.new_tables.iter().collect(),
        ),
    ] {
        let area = Area {
            left,
            top: 744.0,
            width: 340.0,
            height: 120.0,
            most_x: 30.0,
            most_y: 1_600.0,
        };
        text(svg, (left, 712.0), "start", true, title);
        text(svg, (left, 732.0), "start", false, subtitle);
        axes(svg, area, "", true);
        text(
            svg,
            (left + area.width, 898.0),
            "end",
            false,
            "minutes; accepted a second, a shard",
        );
        for series in lines {
            let accepted = series.accepted.iter().map(|share| share * WRITES);
            line(svg, area, series.shards, (1..).map(f64::from).zip(accepted));
        }
    }
}

fn legend(svg: &mut String, y: f64) {
    let mut x = 60.0;
    for (shards, colour) in COLOURS {
        let _ = writeln!(
            svg,
            "<path d=\"M{x} {}h24\" stroke=\"{colour}\" stroke-width=\"2.5\"/>",
            y - 4.0
        );
        let label = if shards == 1 {
            "1 shard".to_owned()
        } else {
            format!("{shards} shards")
        };
        text(svg, (x + 30.0, y), "start", false, &label);
        x += 110.0;
    }
}

/// Lines at the quarters of the area, with what they stand for.
fn axes(svg: &mut String, area: Area, unit: &str, has_labels: bool) {
    for quarter in 0..=4 {
        let share = f64::from(quarter) / 4.0;
        let (_, y) = area.place((0.0, area.most_y * share));
        let _ = writeln!(
            svg,
            "<path d=\"M{} {y:.1}h{}\" stroke=\"{GRID}\"/>",
            area.left, area.width
        );
        if has_labels && quarter % 2 == 0 {
            text(
                svg,
                (area.left - 6.0, y + 4.0),
                "end",
                false,
                &format!("{}{unit}", grouped(area.most_y * share)),
            );
        }
    }
    for (share, anchor) in [(0.0, "start"), (0.5, "middle"), (1.0, "end")] {
        let x = area.most_x * share;
        let (left, bottom) = area.place((x, 0.0));
        text(svg, (left, bottom + 16.0), anchor, false, &grouped(x));
    }
}

fn line(svg: &mut String, area: Area, shards: u32, points: impl IntoIterator<Item = (f64, f64)>) {
    let colour = COLOURS
        .iter()
        .find(|(number, _)| *number == shards)
        .map_or(TEXT, |(_, colour)| colour);
    let points = points.into_iter().map(|point| {
        let (x, y) = area.place(point);
        format!("{x:.1},{y:.1}")
    });
    let points = points.collect::<Vec<_>>().join(" ");
    let _ = writeln!(
        svg,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>"
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, is_title: bool, content: &str) {
    let weight = if is_title {
        " font-weight=\"600\" font-size=\"14\""
    } else {
        ""
    };
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{weight}>{content}</text>"
    );
}

fn grouped(number: f64) -> String {
    if number >= 1_000.0 {
        format!("{},{:03.0}", (number / 1_000.0).floor(), number % 1_000.0)
    } else {
        format!("{number}")
    }
}
