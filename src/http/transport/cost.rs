//! What an operation cost, for a caller that asks by the extension `cost`.

use serde::Serialize;
use serde_json::Number;

use crate::repository::{FeedbackRepository, Units};

/// The cost of an operation that was executed.
#[derive(Debug, Serialize)]
pub(super) struct Cost {
    /// The points of complexity, as the limit counts them.
    complexity: usize,
    dynamodb: Consumption,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Consumption {
    /// Requests, retries included.
    requests: u32,
    read_units: Number,
    write_units: Number,
}

impl Cost {
    /// The cost of an operation of this complexity, with what this repository has counted.
    pub(super) fn new(complexity: usize, repository: &FeedbackRepository) -> Self {
        let Units { read, write } = repository.units_consumed();
        Self {
            complexity,
            dynamodb: Consumption {
                requests: repository.requests_made(),
                read_units: shortest(read),
                write_units: shortest(write),
            },
        }
    }
}

/// Without a fraction that is zero: 2 and 2.5.
fn shortest(units: f64) -> Number {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole number, far below the largest"
    )]
    let whole = || Number::from(units as i64);
    let fraction = (units.fract() != 0.0).then(|| Number::from_f64(units));
    fraction.flatten().unwrap_or_else(whole)
}
