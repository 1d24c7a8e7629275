//! The identity of a piece of feedback.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use uuid::fmt::Hyphenated;
use uuid::{NoContext, Uuid};

use super::{IdempotencyKey, Timestamp};

/// The identity of a piece of feedback: a UUID, written with hyphens in lower case.
///
/// New ones are version 7, so they carry the time of submission. Any version is accepted when reading:
/// items that were stored by an earlier system keep the ids they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedbackId(Uuid);

/// Why a text is not the id of a piece of feedback.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a UUID in its 36-character form, like 0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90")]
pub struct FeedbackIdError;

/// Sets the ids of idempotency keys apart from all other UUIDs of version 5.
const IDEMPOTENCY_KEYS: Uuid = uuid::uuid!("f6d3c1de-5f1b-4c0f-8a43-6f0f7d5f7c0b");

impl FeedbackId {
    /// The length of the written form, in bytes.
    pub const LENGTH: usize = Hyphenated::LENGTH;
    /// The id that sorts before all others.
    pub(crate) const NIL: Self = Self(Uuid::nil());
    /// The id that sorts after all others.
    pub(crate) const MAX: Self = Self(Uuid::max());

    /// A new id for feedback submitted at `now` (UUID version 7, RFC 9562 §5.7).
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let millis = now.as_millis();
        let nanos = u32::try_from(millis % 1_000).unwrap_or(0) * 1_000_000;
        let time = uuid::Timestamp::from_unix(NoContext, millis / 1_000, nanos);
        Self(Uuid::new_v7(time))
    }

    /// The id that belongs to an idempotency key (UUID version 5, RFC 9562 §5.5): the same for the same key, so
    /// that one conditional write settles whether it is new, and no table of keys is needed.
    #[must_use]
    pub fn of_key(key: &IdempotencyKey) -> Self {
        Self(Uuid::new_v5(&IDEMPOTENCY_KEYS, key.as_str().as_bytes()))
    }

    /// Reads the hyphenated form, in either case.
    ///
    /// # Errors
    /// When the text is anything else, the other spellings of a UUID included: an id has one spelling, so
    /// that clients can compare ids as text.
    pub fn parse(text: &str) -> Result<Self, FeedbackIdError> {
        Hyphenated::from_str(text)
            .map(|id| Self(id.into_uuid()))
            .map_err(|_| FeedbackIdError)
    }

    /// The id as a number. Ids and their written forms have the same order.
    #[must_use]
    pub fn as_u128(self) -> u128 {
        self.0.as_u128()
    }

    pub(crate) fn from_u128(value: u128) -> Self {
        Self(Uuid::from_u128(value))
    }
}

impl fmt::Display for FeedbackId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_carries_the_time_it_was_made_for() {
        let now = Timestamp::from_millis(1_772_357_400_250).unwrap();
        let id = FeedbackId::new(now);
        assert_eq!(u64::try_from(id.as_u128() >> 80).unwrap(), now.as_millis());
        assert_ne!(id, FeedbackId::new(now));
    }

    #[test]
    fn the_id_of_a_key_never_changes() {
        // In tables of deployed services: another namespace would make every retry a new submission.
        let id_of =
            |key: &str| FeedbackId::of_key(&IdempotencyKey::parse(key.to_owned()).unwrap()).to_string();
        let id = id_of("order-4711-feedback");
        assert_eq!(id, "d93006c5-36ce-5df8-950b-fb1807244db9");
        assert_ne!(id_of("order-4712-feedback"), id);
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = FeedbackId::parse("0195512E-6F4A-7C3E-9D0B-2F6C1A7E5B90").unwrap();
        assert_eq!(id.to_string(), "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90");
        for text in [
            "",
            "1",
            "0195512e6f4a7c3e9d0b2f6c1a7e5b90",
            "{0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90}",
        ] {
            assert_eq!(FeedbackId::parse(text), Err(FeedbackIdError), "{text}");
        }
    }
}
