//! Runs on all processors. Each is a simulation of its own, so that its outcome does not depend on the others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::outcome::Outcome;
use crate::service::{AnyError, Run};

/// The outcomes of these runs, in their order.
pub fn outcomes(runs: &[Run]) -> Result<Vec<Outcome>, AnyError> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((number, run)) = claim(runs, &next) {
                    let outcome = run.outcome();
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push((number, outcome));
                    eprint!("\r{} of {} runs", results.len(), runs.len());
                }
            });
        }
    });
    eprintln!();
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, outcome)| outcome).collect()
}

fn claim<'a>(runs: &'a [Run], next: &AtomicUsize) -> Option<(usize, &'a Run)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    Some((number, runs.get(number)?))
}
