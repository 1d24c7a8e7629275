//! Where the time comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Timestamp;

/// A source of the present time: the system's, or one that a test sets by hand.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The operating system's clock.
    #[default]
    System,
    /// A clock that stands still at the milliseconds it holds until somebody sets it.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The present time, to the millisecond. A clock before 1970 or after 2286 reads as the nearest
    /// time that a [`Timestamp`] can hold.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let millis = match self {
            Self::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| {
                u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
            }),
            Self::Manual(millis) => millis.load(Ordering::Relaxed),
        };
        Timestamp::saturating_from_millis(millis)
    }
}
