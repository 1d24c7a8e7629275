//! Cursors: positions on the timeline, made opaque.
//!
//! A cursor holds a position and nothing else. So it stays valid when its item is deleted, when the number of shards is
//! raised, and for a listing with another order or filter.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{FeedbackId, Position, Timestamp};

/// The first byte. Another layout gets another number.
const VERSION: u8 = 1;
/// Version, milliseconds (big-endian), UUID.
const LENGTH: usize = 1 + 8 + 16;

/// The cursor of a position.
pub(super) fn encode(position: Position) -> String {
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.push(VERSION);
    bytes.extend(position.submitted_at().as_millis().to_be_bytes());
    bytes.extend(position.id().as_u128().to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position of a cursor; `None` for a text that is not a cursor.
pub(super) fn decode(cursor: &str) -> Option<Position> {
    // Before decoding, so that a long text costs nothing.
    if cursor.len() != LENGTH.div_ceil(3) * 4 - 2 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (version, bytes) = bytes.split_first()?;
    let (millis, id) = bytes.split_first_chunk::<8>()?;
    let id: [u8; 16] = id.try_into().ok()?;
    if *version != VERSION {
        return None;
    }
    let submitted_at = Timestamp::from_millis(u64::from_be_bytes(*millis))?;
    Some(Position::new(
        submitted_at,
        FeedbackId::from_u128(u128::from_be_bytes(id)),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_position() -> impl Strategy<Value = Position> {
        (0..=Timestamp::MAX.as_millis(), any::<u128>()).prop_map(|(millis, id)| {
            Position::new(Timestamp::from_millis(millis).unwrap(), FeedbackId::from_u128(id))
        })
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back(position in any_position()) {
            prop_assert_eq!(decode(&encode(position)), Some(position));
        }

        #[test]
        fn what_reads_as_a_cursor_is_one_of_ours(text in "[A-Za-z0-9_-]{0,40}") {
            if let Some(position) = decode(&text) {
                prop_assert_eq!(encode(position), text);
            }
        }

        #[test]
        fn any_text_at_all_is_read_without_harm(text in any::<String>()) {
            let _ = decode(&text);
        }
    }

    #[test]
    fn a_damaged_cursor_is_refused() {
        let id = FeedbackId::parse("0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90").unwrap();
        let good = encode(Position::new(
            Timestamp::from_millis(1_772_357_400_250).unwrap(),
            id,
        ));
        assert!(decode(&good).is_some());
        let with_version = |version: u8| {
            let mut bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
            bytes[0] = version;
            URL_SAFE_NO_PAD.encode(bytes)
        };
        let with_time = |byte: u8| {
            let mut bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
            bytes[1] = byte;
            URL_SAFE_NO_PAD.encode(bytes)
        };
        for bad in [
            String::new(),
            good[1..].to_owned(),
            format!("{good}A"),
            format!("{good}=="),
            good.to_lowercase().replace(['_', '-'], "+"),
            with_version(0),
            with_version(2),
            with_time(1),
            "ä".repeat(17),
            "A".repeat(1_000_000),
        ] {
            assert_eq!(decode(&bad), None, "{bad:.60}");
        }
    }
}
