//! How fast a long run goes, and how patient it is.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::repository::RepositoryError;

/// How far the pace may be behind and still be caught up with: more than a timer's inaccuracy.
const MAX_LAG: Duration = Duration::from_millis(100);
/// How long to wait before trying again when DynamoDB is throttling or out of reach; twice as long each time.
const FIRST_DELAY: Duration = Duration::from_millis(500);
/// After a wait as long as this the run is given up.
const LAST_DELAY: Duration = Duration::from_secs(16);

/// Tries again, with growing pauses, for as long as DynamoDB is throttling or out of reach: a run of hours
/// should survive a minute's trouble.
pub(super) async fn patiently<T>(
    attempt: impl AsyncFn() -> Result<T, RepositoryError>,
) -> Result<T, RepositoryError> {
    let mut delay = FIRST_DELAY;
    loop {
        match attempt().await {
            Err(error) if (error.is_throttled() || error.is_unavailable()) && delay <= LAST_DELAY => {
                sleep(delay).await;
                delay *= 2;
            }
            result => return result,
        }
    }
}

/// Spreads work evenly over time.
#[derive(Debug)]
pub(super) struct Pace {
    units_per_second: f64,
    next: Instant,
}

impl Pace {
    pub(super) fn new(units_per_second: NonZeroU32) -> Self {
        Self {
            units_per_second: units_per_second.get().into(),
            next: Instant::now(),
        }
    }

    /// When what comes next may begin.
    pub(super) fn turn(&self) -> Instant {
        self.next
    }

    /// Takes into account that what had the last turn takes so many units.
    pub(super) fn spend(&mut self, units: f64, now: Instant) {
        let earliest = now.checked_sub(MAX_LAG).unwrap_or(now);
        self.next = self.next.max(earliest) + Duration::from_secs_f64(units / self.units_per_second);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_timers_inaccuracy_is_caught_up_with() {
        let mut pace = Pace::new(NonZeroU32::new(100).unwrap());
        let start = pace.turn();
        for _ in 0..50 {
            let late = pace.turn() + 7 * MILLISECOND;
            pace.spend(1.0, late);
        }
        assert_eq!(pace.turn() - start, 500 * MILLISECOND);
    }

    #[test]
    fn a_long_delay_is_not_made_up_for_by_a_burst() {
        let mut pace = Pace::new(NonZeroU32::new(100).unwrap());
        let after = pace.turn() + 60_000 * MILLISECOND;
        for _ in 0..50 {
            pace.spend(1.0, after.max(pace.turn()));
        }
        assert_eq!(pace.turn() - after, 400 * MILLISECOND);
    }

    #[tokio::test]
    async fn waiting_is_for_what_may_pass_and_longer_each_time() {
        let start = Instant::now();
        let attempts = Cell::new(0);
        let passing = patiently(async || {
            attempts.update(|made| made + 1);
            match attempts.get() {
                1 => Err(RepositoryError::unprocessed(1)),
                2 => Err(RepositoryError::not_ready("Feedback")),
                made => Ok(made),
            }
        });
        assert_eq!(passing.await.unwrap(), 3);
        assert!(start.elapsed() >= 3 * FIRST_DELAY, "{:?}", start.elapsed());

        let is_second = Cell::new(false);
        let staying = patiently(async || {
            assert!(!is_second.replace(true), "it will not pass");
            Err::<(), _>(RepositoryError::internal("refused".to_owned()))
        });
        staying.await.unwrap_err();
    }
}
