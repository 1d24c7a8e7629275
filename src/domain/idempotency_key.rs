//! The idempotency key.

use std::ops::RangeInclusive;

use super::violation::{Field, Rule, Violation, checked};

/// Identifies retries of the same submission: whoever submits again under the same key means the same submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The lengths of keys, in characters: long enough not to be hit upon by chance.
    pub const LENGTHS: RangeInclusive<usize> = 8..=128;

    /// A key as it is: it is a program's and not a person's, so nothing is trimmed off it.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn parse(key: String) -> Result<Self, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut broken =
            |rule, message| violations.push(Violation::new(Field::IdempotencyKey, rule, message));
        let (length, least, most) = (key.chars().count(), Self::LENGTHS.start(), Self::LENGTHS.end());
        if !Self::LENGTHS.contains(&length) {
            let rule = if length < *least {
                Rule::TooShort
            } else {
                Rule::TooLong
            };
            broken(
                rule,
                format!("must have {least} to {most} characters, not {length}"),
            );
        }
        if key.contains(char::is_control) {
            broken(
                Rule::ControlCharacter,
                "must have no control character".to_owned(),
            );
        }
        checked(Self(key), violations)
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::violation::rules;

    #[test]
    fn a_key_is_of_8_to_128_characters_none_of_which_is_a_control_character() {
        let broken = |key: String| rules(IdempotencyKey::parse(key));
        assert_eq!(broken("k".repeat(8)), []);
        assert_eq!(broken("k".repeat(128)), []);
        assert_eq!(broken("1234567".to_owned()), [Rule::TooShort]);
        assert_eq!(broken("k".repeat(129)), [Rule::TooLong]);
        assert_eq!(broken("12345678\r\n".to_owned()), [Rule::ControlCharacter]);
        assert_eq!(
            broken("\u{0}".to_owned()),
            [Rule::TooShort, Rule::ControlCharacter]
        );
    }
}
