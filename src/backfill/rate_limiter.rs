//! How fast a run goes.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// How far the work may be behind and still catch up: more than a timer's inaccuracy.
const MAX_LAG: Duration = Duration::from_millis(100);

/// Spreads work evenly over time.
#[derive(Debug)]
pub(super) struct RateLimiter {
    units_per_second: f64,
    next: Instant,
}

impl RateLimiter {
    pub(super) fn new(units_per_second: NonZeroU32) -> Self {
        Self {
            units_per_second: units_per_second.get().into(),
            next: Instant::now(),
        }
    }

    /// When the next piece of work may begin.
    pub(super) fn ready_at(&self) -> Instant {
        self.next
    }

    /// Delays the next piece of work by the units that this one takes.
    pub(super) fn consume(&mut self, units: f64, now: Instant) {
        let earliest = now.checked_sub(MAX_LAG).unwrap_or(now);
        self.next = self.next.max(earliest) + Duration::from_secs_f64(units / self.units_per_second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_timers_inaccuracy_is_caught_up_with() {
        let mut limiter = RateLimiter::new(NonZeroU32::new(100).unwrap());
        let start = limiter.ready_at();
        for _ in 0..50 {
            let late = limiter.ready_at() + 7 * MILLISECOND;
            limiter.consume(1.0, late);
        }
        assert_eq!(limiter.ready_at() - start, 500 * MILLISECOND);
    }

    #[test]
    fn a_long_delay_is_not_made_up_for_by_a_burst() {
        let mut limiter = RateLimiter::new(NonZeroU32::new(100).unwrap());
        let after = limiter.ready_at() + 60_000 * MILLISECOND;
        for _ in 0..50 {
            limiter.consume(1.0, after.max(limiter.ready_at()));
        }
        assert_eq!(limiter.ready_at() - after, 400 * MILLISECOND);
    }
}
