//! What became of the requests of a run.

use std::collections::BTreeMap;
use std::time::Duration;

/// One request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it began, after counting had begun.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    /// Whether it ended with DynamoDB's refusal, which is a 429 to the client.
    pub is_refused: bool,
    /// How many requests to DynamoDB it made.
    pub requests: u32,
}

/// All that was counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// For how long it was.
    pub counted: Duration,
    pub submissions: Vec<Sample>,
    pub resolutions: Vec<Sample>,
    pub pages: Vec<Sample>,
    /// How many attempts the table and each index refused, in all of the run. Several may refuse the same one.
    pub refused_by: BTreeMap<&'static str, u64>,
    /// How many environments there were in the end.
    pub environments: usize,
}

impl Outcome {
    pub fn new(counted: Duration) -> Self {
        Self {
            counted,
            submissions: Vec::new(),
            resolutions: Vec::new(),
            pages: Vec::new(),
            refused_by: BTreeMap::new(),
            environments: 0,
        }
    }

    /// How many of these succeeded a second.
    pub fn accepted(&self, samples: &[Sample]) -> f64 {
        let accepted = samples.iter().filter(|sample| !sample.is_refused).count();
        count(accepted) / self.counted.as_secs_f64()
    }
}

/// The share that was refused.
pub fn refused(samples: &[Sample]) -> f64 {
    let refused = samples.iter().filter(|sample| sample.is_refused).count();
    count(refused) / count(samples.len().max(1))
}

/// The time within which this share of those was answered that were refused or not, in milliseconds.
pub fn quantile(samples: &[Sample], is_refused: bool, share: f64) -> Option<f64> {
    let those = samples.iter().filter(|sample| sample.is_refused == is_refused);
    let mut took: Vec<Duration> = those.map(|sample| sample.took).collect();
    took.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in the list"
    )]
    let place = (share * count(took.len())) as usize;
    let took = took.get(place.min(took.len().saturating_sub(1)))?;
    Some(took.as_secs_f64() * 1_000.0)
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn count(number: usize) -> f64 {
    number as f64
}

/// A share, to a thousandth.
pub fn rounded(share: f64) -> f64 {
    (share * 1_000.0).round() / 1_000.0
}
