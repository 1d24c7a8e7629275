//! The rating.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::domain::{Field, Rule, Violation};

/// How satisfied a person is, from 1 (least) to 5 (most).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rating(u8);

impl Rating {
    /// The ratings there are.
    pub const RANGE: RangeInclusive<i64> = 1..=5;
    /// The least.
    pub const MIN: Self = Self(1);
    /// The greatest.
    pub const MAX: Self = Self(5);

    /// A rating that somebody submits.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn parse(rating: i64) -> Result<Self, Vec<Violation>> {
        let in_range = u8::try_from(rating)
            .ok()
            .filter(|_| Self::RANGE.contains(&rating));
        in_range.map(Self).ok_or_else(|| {
            let (least, most) = (Self::RANGE.start(), Self::RANGE.end());
            let message = format!("must be between {least} and {most}, not {rating}");
            vec![Violation::new(Field::Rating, Rule::OutOfRange, message)]
        })
    }

    /// A rating that the table holds, as it is.
    pub(crate) fn from_stored(rating: u8) -> Self {
        Self(rating)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// The ratings from this one to `last`.
    pub fn to(self, last: Self) -> impl ExactSizeIterator<Item = Self> {
        (self.0..=last.0).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_are_1_to_5() {
        for rating in 1..=5 {
            assert_eq!(i64::from(Rating::parse(rating).unwrap().get()), rating);
        }
        for rating in [i64::MIN, -1, 0, 6, 256 + 3, i64::MAX] {
            let message = format!("must be between 1 and 5, not {rating}");
            let expected = Violation::new(Field::Rating, Rule::OutOfRange, message);
            assert_eq!(Rating::parse(rating), Err(vec![expected]));
        }
    }
}
