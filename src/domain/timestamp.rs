//! Points in time, to the millisecond.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Bounded so that its decimal form has at most 13 digits (the year 2286), because the timeline's sort
/// key stores it zero-padded to 13 and relies on byte order being time order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Timestamp(u64);

/// Why a text is not a point in time.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "not an RFC 3339 date-time with a time zone, like 2026-03-01T09:30:00Z or 2026-03-01T10:30:00.250+01:00"
)]
pub struct TimestampError;

/// RFC 3339 in UTC with exactly three digits of a second.
const RFC_3339_MILLIS: &[BorrowedFormatItem<'_>] = format_description!(
    version = 2,
    "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
);

impl Timestamp {
    /// 1970-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(0);
    /// The last millisecond with 13 digits: 2286-11-20T17:46:39.999Z.
    pub const MAX: Self = Self(9_999_999_999_999);

    /// The time `millis` milliseconds after 1970 began; `None` past [`Timestamp::MAX`].
    #[must_use]
    pub fn from_millis(millis: u64) -> Option<Self> {
        (millis <= Self::MAX.0).then_some(Self(millis))
    }

    /// The time `millis` milliseconds after 1970 began, or [`Timestamp::MAX`] where that is past it.
    #[must_use]
    pub fn saturating_from_millis(millis: u64) -> Self {
        Self(millis.min(Self::MAX.0))
    }

    /// The time `seconds` seconds after 1970 began; `None` past [`Timestamp::MAX`].
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        seconds.checked_mul(1_000).and_then(Self::from_millis)
    }

    /// Reads an RFC 3339 date-time.
    ///
    /// Digits finer than a millisecond round up, so that "from here on" and "before here" mean the same
    /// set of stored times as the finer text would. Times outside [`MIN`](Self::MIN) to
    /// [`MAX`](Self::MAX) become the nearer of the two.
    ///
    /// # Errors
    /// When the text is not RFC 3339, or has no time zone.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimestampError> {
        let nanos = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| TimestampError)?
            .unix_timestamp_nanos();
        let nanos = u128::try_from(nanos).unwrap_or(0);
        let millis = u64::try_from(nanos.div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Ok(Self::saturating_from_millis(millis))
    }

    /// The time between this and another, whichever is earlier: clocks differ.
    #[must_use]
    pub fn abs_diff(self, other: Self) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }

    /// The time so much later, or the latest.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self::saturating_from_millis(self.0.saturating_add(millis(duration)))
    }

    /// The time so much earlier, or the earliest.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// Milliseconds since 1970 began.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970 began, rounded down.
    #[must_use]
    pub fn as_seconds(self) -> u64 {
        self.0 / 1_000
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-03-01T09:30:00.250Z`.
impl TryFrom<u64> for Timestamp {
    type Error = &'static str;

    fn try_from(millis: u64) -> Result<Self, Self::Error> {
        Self::from_millis(millis).ok_or("later than there are times")
    }
}

impl From<Timestamp> for u64 {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0) * 1_000_000;
        let text = OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .map_err(|_| fmt::Error)?
            .format(RFC_3339_MILLIS)
            .map_err(|_| fmt::Error)?;
        formatter.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_with_milliseconds() {
        let written = |millis| Timestamp(millis).to_string();
        assert_eq!(written(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(1_772_357_400_250), "2026-03-01T09:30:00.250Z");
        assert_eq!(written(Timestamp::MAX.0), "2286-11-20T17:46:39.999Z");
    }

    #[test]
    fn offsets_and_finer_digits_are_understood() {
        let read = |text| Timestamp::parse_rfc3339(text).unwrap().to_string();
        assert_eq!(read("2026-03-01T10:30:00.25+01:00"), "2026-03-01T09:30:00.250Z");
        assert_eq!(read("2026-03-01T09:30:00.250000001Z"), "2026-03-01T09:30:00.251Z");
        assert_eq!(read("1812-06-24T00:00:00Z"), "1970-01-01T00:00:00.000Z");
        assert_eq!(read("9999-12-31T23:59:59Z"), "2286-11-20T17:46:39.999Z");
    }

    #[test]
    fn a_time_without_zone_or_clock_is_refused() {
        for text in ["2026-03-01", "2026-03-01T09:30:00", "yesterday", "", "1772357400"] {
            assert_eq!(Timestamp::parse_rfc3339(text), Err(TimestampError), "{text}");
        }
    }
}
