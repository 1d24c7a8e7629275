//! Calendar dates in UTC.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::format_description::BorrowedFormatItem;
use time::macros::{date, format_description};

use super::{PositionRange, Timestamp};

/// A calendar date in UTC, from 1970-01-01 to the date of [`Timestamp::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(u32);

/// Why a text is not a date.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a calendar date from {} to {}, like 2026-03-01", Date::MIN, Date::MAX)]
pub struct DateError;

const MILLIS_A_DAY: u64 = 24 * 60 * 60 * 1_000;
/// How dates are written (ISO 8601, calendar date in the extended format).
const ISO_8601: &[BorrowedFormatItem<'_>] = format_description!(version = 2, "[year]-[month]-[day]");
const DAY_0: time::Date = date!(1970 - 01 - 01);

impl Date {
    /// The earliest.
    pub const MIN: Self = Self(0);
    /// The latest, whose last hours are no [`Timestamp`].
    pub const MAX: Self = {
        #[expect(clippy::cast_possible_truncation, reason = "115,740 days")]
        let days = (Timestamp::MAX.as_millis() / MILLIS_A_DAY) as u32;
        Self(days)
    };

    /// The date at a time.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        let days = time.as_millis() / MILLIS_A_DAY;
        u32::try_from(days).map_or(Self::MAX, Self)
    }

    /// Reads a date like `2026-03-01`.
    ///
    /// # Errors
    /// When it is another text, or out of range.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let date = time::Date::parse(text, ISO_8601).map_err(|_| DateError)?;
        let days = u32::try_from((date - DAY_0).whole_days()).map_err(|_| DateError)?;
        // The library also reads a sign before the year.
        let date = Self(days);
        (date <= Self::MAX && date.to_string() == text)
            .then_some(date)
            .ok_or(DateError)
    }

    /// The dates from this one to `last`, both included; none where `last` is earlier.
    pub fn to(self, last: Self) -> impl Iterator<Item = Self> + Clone {
        (self.0..=last.0).map(Self)
    }

    /// How many dates there are from this one to `last`, both included.
    #[must_use]
    pub fn count_to(self, last: Self) -> usize {
        usize::try_from((last.0 + 1).saturating_sub(self.0)).unwrap_or(usize::MAX)
    }

    /// The stretch of the timeline of this date.
    #[must_use]
    pub fn range(self) -> PositionRange {
        let start = |day: u32| Timestamp::from_millis(u64::from(day) * MILLIS_A_DAY);
        let from = start(self.0).and_then(|time| PositionRange::ALL.submitted_from(time));
        let range = from.unwrap_or(PositionRange::ALL);
        start(self.0 + 1)
            .and_then(|time| range.submitted_before(time))
            .unwrap_or(range)
    }
}

impl TryFrom<String> for Date {
    type Error = DateError;

    fn try_from(text: String) -> Result<Self, DateError> {
        Self::parse(&text)
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = DAY_0 + time::Duration::days(self.0.into());
        formatter.write_str(&date.format(ISO_8601).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_date_reads_back_and_holds_its_own_times(millis in 0..=Timestamp::MAX.as_millis()) {
            let time = Timestamp::from_millis(millis).unwrap();
            let date = Date::of(time);
            prop_assert_eq!(Date::parse(&date.to_string()), Ok(date));
            prop_assert!(time.to_string().starts_with(&date.to_string()));
            let (first, last) = (date.range().first(), date.range().last());
            prop_assert!(first.submitted_at() <= time && time <= last.submitted_at());
            prop_assert_eq!(Date::of(first.submitted_at()), date);
            prop_assert_eq!(Date::of(last.submitted_at()), date);
        }
    }

    #[test]
    fn days_follow_each_other_without_a_gap() {
        let date = |text| Date::parse(text).unwrap();
        let days: Vec<Date> = date("2028-02-28").to(date("2028-03-01")).collect();
        assert_eq!(days, ["2028-02-28", "2028-02-29", "2028-03-01"].map(date));
        for pair in days.windows(2) {
            assert_eq!(pair[0].range().last().next(), Some(pair[1].range().first()));
        }
        assert_eq!(date("2028-02-28").count_to(date("2028-03-01")), 3);
        assert_eq!(date("2028-03-01").count_to(date("2028-02-28")), 0);
        assert_eq!(date("2028-03-01").to(date("2028-02-28")).next(), None);
        assert_eq!(Date::MIN.range().first(), PositionRange::ALL.first());
        assert_eq!(Date::MAX.range().last(), PositionRange::ALL.last());
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "2026-02-29",
            "2026-3-1",
            "20260301",
            "2026-03-01T00:00:00Z",
            "+2026-03-01",
            "-001-03-01",
            " 2026-03-01",
            "1969-12-31",
            "2286-11-21",
            "0000-00-00",
            "",
            "today",
        ] {
            assert_eq!(Date::parse(text), Err(DateError), "{text}");
        }
        let message = "not a calendar date from 1970-01-01 to 2286-11-20, like 2026-03-01";
        assert_eq!(DateError.to_string(), message);
    }
}
