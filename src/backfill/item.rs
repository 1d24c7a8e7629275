//! Which items can be completed, as far as their ids, times and positions tell.

use aws_sdk_dynamodb::types::AttributeValue;
use thiserror::Error;

use crate::domain::{EmailAddress, FeedbackId, Position, Timestamp};
use crate::repository::table::{self, Item};

/// An item that can be completed.
#[derive(Debug, Clone)]
pub(crate) struct PendingItem {
    /// Its position, if it has none yet.
    pub(crate) position: Position,
    /// Whether it is on the timeline already.
    pub(crate) is_listed: bool,
    /// The email address of the person who wrote it.
    pub(crate) email: Option<EmailAddress>,
}

/// An item that cannot be completed. It is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncompatibleItem {
    /// Its id, which may be any text.
    pub id: String,
    /// Why it cannot be completed.
    pub reason: Reason,
}

/// Why an item cannot be completed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    /// The service would never look for such an id.
    #[error("the id is not a UUID in lower case")]
    Id,
    /// The message is missing or of another type.
    #[error("`feedback` is not a string")]
    Message,
    /// The time is missing, of another type or out of range.
    #[error("`timestamp` is not a whole number of seconds between 1970 and 2286")]
    Timestamp,
    /// One of the index's two keys is missing.
    #[error("it has one of `timelineShard` and `timelinePosition` without the other")]
    HalfKey,
    /// DynamoDB refused the write: the item has no room for more attributes.
    #[error("DynamoDB refuses the change: {0}")]
    Refused(String),
}

impl IncompatibleItem {
    pub(super) fn new(item: &Item, reason: Reason) -> Self {
        Self {
            id: string(item, table::PARTITION_KEY).cloned().unwrap_or_default(),
            reason,
        }
    }
}

impl Reason {
    /// Why the filter for pending items leaves out an item that is not on the timeline.
    pub(super) fn of(item: &Item) -> Self {
        if item.contains_key(table::SHARD_ATTRIBUTE) || item.contains_key(table::POSITION_ATTRIBUTE) {
            Self::HalfKey
        } else if item
            .get(table::TIMESTAMP_ATTRIBUTE)
            .is_some_and(AttributeValue::is_n)
        {
            Self::Message
        } else {
            Self::Timestamp
        }
    }
}

impl PendingItem {
    /// The item, as far as it was read.
    pub(super) fn parse(item: &Item) -> Result<Self, Reason> {
        let email = string(item, table::EMAIL_ATTRIBUTE).cloned();
        Ok(Self {
            position: position(item)?,
            is_listed: item.contains_key(table::SHARD_ATTRIBUTE),
            email: email.map(EmailAddress::from_stored),
        })
    }
}

fn position(item: &Item) -> Result<Position, Reason> {
    let text = string(item, table::PARTITION_KEY).ok_or(Reason::Id)?;
    let id = FeedbackId::parse(text).map_err(|_| Reason::Id)?;
    // In another spelling it would be listed, and not be found by the id that the listing shows.
    if id.to_string() != *text {
        return Err(Reason::Id);
    }
    let seconds = item
        .get(table::TIMESTAMP_ATTRIBUTE)
        .and_then(|time| time.as_n().ok());
    let submitted_at = seconds.and_then(|seconds| Timestamp::from_seconds(seconds.parse().ok()?));
    Ok(Position::new(submitted_at.ok_or(Reason::Timestamp)?, id))
}

fn string<'a>(item: &'a Item, name: &str) -> Option<&'a String> {
    item.get(name).and_then(|value| value.as_s().ok())
}
