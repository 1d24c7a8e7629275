//! Feedback as it is counted: few of an item's attributes.

use serde::Deserialize;

use super::reader::Listed;
use super::table::{
    EXPIRY_ATTRIBUTE, Item, PARTITION_KEY, POSITION_ATTRIBUTE, RATING_ATTRIBUTE, TOPIC_ATTRIBUTE,
};
use crate::domain::{Date, FeedbackId, Piece, Position, Rating, Timestamp, Topic};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PieceRecord {
    feedback_id: String,
    timeline_position: String,
    rating: Option<u8>,
    topic: Option<String>,
    expires_at: Option<u64>,
}

/// The feedback in an item that has a position. A malformed item is not counted, as it is not listed.
pub(super) fn read(item: Item) -> Option<Piece> {
    let PieceRecord {
        feedback_id,
        timeline_position,
        rating,
        topic,
        expires_at,
    } = serde_dynamo::from_item(item).ok()?;
    let id = FeedbackId::parse(&feedback_id).ok()?;
    let position = Position::parse(&timeline_position).filter(|position| position.id() == id)?;
    let expires_at = expires_at.and_then(Timestamp::from_seconds);
    Some(Piece {
        position,
        topic: topic.map(Topic::from_stored),
        rating: rating.map(Rating::from_stored),
        expires_on: expires_at.map(Date::of),
    })
}

impl Listed for Piece {
    const ATTRIBUTES: Option<&'static [&'static str]> = Some(&[
        PARTITION_KEY,
        POSITION_ATTRIBUTE,
        RATING_ATTRIBUTE,
        TOPIC_ATTRIBUTE,
        EXPIRY_ATTRIBUTE,
    ]);

    const IS_READ_ONCE: bool = true;

    fn read(item: Item, _: Timestamp) -> Option<Self> {
        read(item)
    }

    fn position(&self) -> Position {
        self.position
    }
}
