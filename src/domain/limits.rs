//! The limits of a piece of feedback. Lengths are in characters (Unicode scalar values), after trimming and with one
//! character for each line break.

use std::ops::RangeInclusive;

/// The longest message.
pub const MESSAGE: usize = 5_000;
/// The ratings there are.
pub const RATING: RangeInclusive<i64> = 1..=5;
/// The longest topic.
pub const TOPIC: usize = 64;
/// The longest email address (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const EMAIL: usize = 254;
/// The longest page URL.
pub const PAGE_URL: usize = 2_048;
/// The most metadata pairs.
pub const METADATA: usize = 16;
/// The longest key of a metadata pair.
pub const METADATA_KEY: usize = 64;
/// The longest value of a metadata pair.
pub const METADATA_VALUE: usize = 256;
/// The lengths of idempotency keys: long enough not to be hit upon by chance.
pub const IDEMPOTENCY_KEY: RangeInclusive<usize> = 8..=128;
