//! Feedback as a DynamoDB item.
//!
//! The first three attributes have the names and types of the table that this service grew out of, so
//! that a reader of such a table can read ours, and an item written there can be read by id here: it has
//! no timeline attributes, and its time is in whole seconds.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::error::RepositoryError;
use super::table::{self, Item};
use crate::domain::{
    Content, EmailAddress, Feedback, FeedbackId, FeedbackIdError, Message, Metadata, MetadataEntry, Note,
    PageUrl, Person, Position, Quarantine, QuarantineReason, Rating, Status, Tag, Timestamp, Topic, Triage,
    TriageUpdate,
};

/// An item, attribute by attribute.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedbackRecord {
    feedback_id: String,
    feedback: String,
    timestamp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline_shard: Option<u32>,
    /// Instead of the timeline's, while it is in quarantine.
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantine_shard: Option<u32>,
    #[serde(
        default,
        with = "serde_dynamo::string_set",
        skip_serializing_if = "BTreeSet::is_empty"
    )]
    quarantine_reasons: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantined_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline_position: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_url: Option<String>,
    /// A list of pairs rather than a map, which would lose their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    metadata: Vec<MetadataEntry>,
    /// See [`table::PERSON_ATTRIBUTE`]. Only written: the email address says it.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(
        default,
        with = "serde_dynamo::string_set",
        skip_serializing_if = "BTreeSet::is_empty"
    )]
    tags: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// Left out while it is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triaged_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triaged_by: Option<String>,
    /// See [`table::EXPIRY_ATTRIBUTE`].
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

/// Why an item is no feedback. The texts say nothing of the item's content.
#[derive(Debug, Error)]
enum MalformedItem {
    #[error("an attribute is missing or of the wrong type")]
    Attributes,
    #[error("the id is {0}")]
    Id(#[from] FeedbackIdError),
    #[error("the position is not this feedback's")]
    Position,
    #[error("the timestamp is out of range")]
    Timestamp,
}

impl FeedbackRecord {
    pub(super) fn new(feedback: &Feedback, shards: NonZeroU32, retention: Option<Duration>) -> Self {
        let Feedback {
            id,
            submitted_at,
            content,
            triage,
            quarantine,
        } = feedback;
        let shard = shard_of(*id, shards);
        let is_quarantined = quarantine.is_some();
        let (reasons, quarantined_at) = quarantine
            .clone()
            .map(|Quarantine { reasons, since }| (reasons, since.as_millis()))
            .unzip();
        let person = content.email.as_ref().map(Person::of);
        let Content {
            message,
            rating,
            topic,
            email,
            page_url,
            metadata,
        } = content.clone();
        let has_triage = triage.is_some();
        let Triage {
            status,
            tags,
            note,
            version,
            updated,
        } = triage.clone().unwrap_or_default();
        let (triaged_at, triaged_by) = updated
            .map(|TriageUpdate { at, by }| (at.as_millis(), by))
            .unzip();
        Self {
            feedback_id: id.to_string(),
            feedback: message.into(),
            timestamp: submitted_at.as_seconds(),
            timeline_shard: (!is_quarantined).then_some(shard),
            quarantine_shard: is_quarantined.then_some(shard),
            quarantine_reasons: names_of(reasons.unwrap_or_default()),
            quarantined_at,
            timeline_position: Some(feedback.position().to_string()),
            rating: rating.map(Rating::get),
            topic: topic.map(Into::into),
            email: email.map(Into::into),
            page_url: page_url.map(Into::into),
            metadata: metadata.into(),
            person: person.map(Into::into),
            status: has_triage.then(|| status.as_str().to_owned()),
            tags: tags.into_iter().map(Into::into).collect(),
            note: note.map(Into::into),
            version: (version > 0).then_some(version),
            triaged_at,
            triaged_by,
            expires_at: retention.map(|retention| submitted_at.as_seconds() + retention.as_secs()),
        }
    }

    pub(super) fn into_item(self) -> Result<Item, RepositoryError> {
        Ok(serde_dynamo::to_item(self)?)
    }

    fn into_feedback(self) -> Result<Feedback, MalformedItem> {
        let id = FeedbackId::parse(&self.feedback_id)?;
        let submitted_at = match &self.timeline_position {
            None => Timestamp::from_seconds(self.timestamp).ok_or(MalformedItem::Timestamp)?,
            Some(position) => Position::parse(position)
                .filter(|position| position.id() == id)
                .ok_or(MalformedItem::Position)?
                .submitted_at(),
        };
        let updated = self
            .triaged_at
            .and_then(Timestamp::from_millis)
            .zip(self.triaged_by);
        // A status that a later version of the service knows counts as none.
        let triage = self
            .status
            .as_deref()
            .and_then(Status::parse)
            .map(|status| Triage {
                status,
                tags: self.tags.into_iter().map(Tag::from_stored).collect(),
                note: self.note.map(Note::from_stored),
                version: self.version.unwrap_or_default(),
                updated: updated.map(|(at, by)| TriageUpdate { at, by }),
            });
        let since = self.quarantined_at.and_then(Timestamp::from_millis);
        let quarantine = self.quarantine_shard.map(|_| Quarantine {
            // One that a later version of the service knows is left out.
            reasons: self
                .quarantine_reasons
                .iter()
                .filter_map(|name| QuarantineReason::parse(name))
                .collect(),
            since: since.unwrap_or(submitted_at),
        });
        Ok(Feedback {
            id,
            submitted_at,
            triage,
            quarantine,
            content: Content {
                message: Message::from_stored(self.feedback),
                rating: self.rating.map(Rating::from_stored),
                topic: self.topic.map(Topic::from_stored),
                email: self.email.map(EmailAddress::from_stored),
                page_url: self.page_url.map(PageUrl::from_stored),
                metadata: Metadata::from_stored(self.metadata),
            },
        })
    }
}

/// The names of reasons, as the table has them.
pub(super) fn names_of(reasons: BTreeSet<QuarantineReason>) -> BTreeSet<String> {
    let reasons = reasons.into_iter();
    reasons.map(|reason| reason.as_str().to_owned()).collect()
}

/// Whether an item has expired. DynamoDB may keep it for days after that.
pub(super) fn is_expired(item: &Item, now: Timestamp) -> bool {
    let expiry = item.get(table::EXPIRY_ATTRIBUTE);
    let seconds = expiry.and_then(|expiry| expiry.as_n().ok()?.parse::<u64>().ok());
    seconds.is_some_and(|seconds| seconds <= now.as_seconds())
}

/// The feedback in an item, unless it has expired. A malformed item costs itself and not its page: it is logged
/// and left out.
pub(super) fn read(item: Item, now: Timestamp) -> Option<Feedback> {
    if is_expired(&item, now) {
        return None;
    }
    let id = item.get(table::PARTITION_KEY).cloned();
    let read = serde_dynamo::from_item(item)
        // The deserializer's own text may quote what it found.
        .map_err(|_| MalformedItem::Attributes)
        .and_then(FeedbackRecord::into_feedback);
    match read {
        Ok(feedback) => Some(feedback),
        Err(reason) => {
            let id = id
                .as_ref()
                .and_then(|id| id.as_s().ok())
                .map_or("no id", String::as_str);
            tracing::error!(feedback_id = id, %reason, "a malformed item is left out");
            None
        }
    }
}

/// The shard in which feedback lies, of the timeline or of the quarantine. The last bits of an id are random in version 4 and 7
/// and a digest in version 5, so they spread evenly.
pub(super) fn shard_of(id: FeedbackId, shards: NonZeroU32) -> u32 {
    let shard = (id.as_u128() & u128::from(u32::MAX)) % u128::from(shards.get());
    u32::try_from(shard).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_have_the_names_by_which_requests_know_them() {
        let now = Timestamp::MIN;
        let feedback = Feedback {
            id: FeedbackId::new(now),
            submitted_at: now,
            content: Content {
                rating: Some(Rating::from_stored(1)),
                topic: Some(Topic::from_stored(String::new())),
                email: Some(EmailAddress::from_stored(String::new())),
                ..Message::from_stored(String::new()).into()
            },
            triage: Some(Triage {
                tags: BTreeSet::from([Tag::from_stored(String::new())]),
                note: Some(Note::from_stored(String::new())),
                version: 1,
                updated: Some(TriageUpdate {
                    at: now,
                    by: String::new(),
                }),
                ..Triage::default()
            }),
            quarantine: None,
        };
        let names = |feedback: &Feedback| -> BTreeSet<String> {
            let record = FeedbackRecord::new(feedback, NonZeroU32::MIN, Some(Duration::ZERO));
            record.into_item().unwrap().into_keys().collect()
        };
        let always = [
            table::PARTITION_KEY,
            table::MESSAGE_ATTRIBUTE,
            table::TIMESTAMP_ATTRIBUTE,
            table::POSITION_ATTRIBUTE,
            table::RATING_ATTRIBUTE,
            table::TOPIC_ATTRIBUTE,
            table::EMAIL_ATTRIBUTE,
            table::PERSON_ATTRIBUTE,
            table::STATUS_ATTRIBUTE,
            table::TAGS_ATTRIBUTE,
            table::NOTE_ATTRIBUTE,
            table::VERSION_ATTRIBUTE,
            table::TRIAGED_AT_ATTRIBUTE,
            table::TRIAGED_BY_ATTRIBUTE,
            table::EXPIRY_ATTRIBUTE,
        ];
        let and = |others: &[&str]| {
            always
                .iter()
                .chain(others)
                .map(|name| (*name).to_owned())
                .collect()
        };
        let expected: BTreeSet<String> = and(&[table::SHARD_ATTRIBUTE]);
        assert_eq!(names(&feedback), expected);
        let quarantined = Feedback {
            quarantine: Some(Quarantine {
                reasons: BTreeSet::from([QuarantineReason::TrapFilled]),
                since: now,
            }),
            ..feedback
        };
        let expected: BTreeSet<String> = and(&[
            table::QUARANTINE_SHARD_ATTRIBUTE,
            table::QUARANTINE_REASONS_ATTRIBUTE,
            table::QUARANTINED_AT_ATTRIBUTE,
        ]);
        assert_eq!(names(&quarantined), expected);
    }
}
