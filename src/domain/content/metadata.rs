//! Metadata.

use serde::{Deserialize, Serialize};

use crate::domain::text;
use crate::domain::violation::{Field, Part, Rule, Violation, checked};

/// What a frontend added to feedback: pairs, in the order in which it did, no two of which have the same key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata(Vec<MetadataEntry>);

/// A pair of metadata, as it was submitted or as it is stored. Only [`Metadata`] keeps rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataEntry {
    /// What the value tells.
    pub key: String,
    /// What it is.
    pub value: String,
}

impl MetadataEntry {
    /// The pair of these two.
    #[must_use]
    pub fn new(key: &str, value: &str) -> Self {
        Self {
            key: key.to_owned(),
            value: value.to_owned(),
        }
    }
}

impl Metadata {
    /// The most pairs.
    pub const MAX_PAIRS: usize = 16;
    /// The most characters that a key has. It has at least one.
    pub const MAX_KEY_LENGTH: usize = 64;
    /// The most characters that a value has. It may have none.
    pub const MAX_VALUE_LENGTH: usize = 256;

    /// Metadata that somebody submits.
    ///
    /// # Errors
    /// Every rule that it breaks. Of a list that is too long, that alone.
    pub fn parse(pairs: &[MetadataEntry]) -> Result<Self, Vec<Violation>> {
        if pairs.len() > Self::MAX_PAIRS {
            // Nothing is gained by telling of each pair of a list that cannot be accepted at any rate,
            // and the list may be long.
            let message = format!("must have at most {} pairs, not {}", Self::MAX_PAIRS, pairs.len());
            return Err(vec![Violation::new(Field::Metadata, Rule::TooMany, message)]);
        }
        let mut violations = Vec::new();
        let mut kept: Vec<MetadataEntry> = Vec::with_capacity(pairs.len());
        for (index, pair) in pairs.iter().enumerate() {
            let pair = MetadataEntry::new(&text::stored(&pair.key), &text::stored(&pair.value));
            let field = Field::MetadataEntry(index, Part::Key);
            violations.extend(text::violations(field, &pair.key, Self::MAX_KEY_LENGTH));
            if !pair.key.is_empty() && kept.iter().any(|earlier| earlier.key == pair.key) {
                let message = "must not be the key of an earlier pair";
                violations.push(Violation::new(field, Rule::DuplicateKey, message));
            }
            let field = Field::MetadataEntry(index, Part::Value);
            let limit = Self::MAX_VALUE_LENGTH;
            violations.extend(text::violations_of_optional(field, &pair.value, limit));
            kept.push(pair);
        }
        checked(Self(kept), violations)
    }

    /// Pairs that the table holds, as they are.
    pub(crate) fn from_stored(pairs: Vec<MetadataEntry>) -> Self {
        Self(pairs)
    }
}

impl From<Metadata> for Vec<MetadataEntry> {
    fn from(metadata: Metadata) -> Self {
        metadata.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(pairs: &[MetadataEntry]) -> Vec<(Field, Rule)> {
        let violations = Metadata::parse(pairs).err().unwrap_or_default().into_iter();
        violations
            .map(|violation| (violation.field, violation.rule))
            .collect()
    }

    #[test]
    fn sixteen_pairs_with_keys_of_their_own_are_metadata() {
        let pairs = |count: usize| -> Vec<_> {
            (0..count)
                .map(|index| MetadataEntry::new(&format!("{index:064}"), ""))
                .collect()
        };
        assert_eq!(broken(&pairs(16)), []);
        assert_eq!(broken(&pairs(17)), [(Field::Metadata, Rule::TooMany)]);
        let long = "v".repeat(257);
        let pairs = [
            ("k", &*long),
            (" k ", ""),
            ("", "\u{7}"),
            (&long, ""),
            (&long, ""),
        ];
        let pairs = pairs.map(|(key, value)| MetadataEntry::new(key, value));
        let expected = [
            (0, Part::Value, Rule::TooLong),
            (1, Part::Key, Rule::DuplicateKey),
            (2, Part::Key, Rule::Blank),
            (2, Part::Value, Rule::ControlCharacter),
            (3, Part::Key, Rule::TooLong),
            (4, Part::Key, Rule::TooLong),
            (4, Part::Key, Rule::DuplicateKey),
        ];
        let expected = expected.map(|(index, part, rule)| (Field::MetadataEntry(index, part), rule));
        assert_eq!(broken(&pairs), expected);
    }

    #[test]
    fn every_line_break_is_a_newline() {
        let metadata = Metadata::parse(&[MetadataEntry::new("k\rk", "v\r\n\r\nv")]).unwrap();
        assert_eq!(Vec::from(metadata), [MetadataEntry::new("k\nk", "v\n\nv")]);
    }
}
