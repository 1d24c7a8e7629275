//! Tallies in the table: one item a day, replaced as a whole under its revision.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::Put;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::table::{self, Item, PARTITION_KEY, REVISION_ATTRIBUTE, TALLY_PREFIX, expressions};
use super::{FeedbackRepository, RepositoryError};
use crate::domain::{Date, Move, Position, RatingCounts, Tally, Timestamp, Topic};

/// A tally as it was read, with the revision that it can be replaced under.
#[derive(Debug, Clone)]
pub(super) struct StoredTally {
    pub(super) tally: Tally,
    /// `None` where there is none in the table.
    revision: Option<String>,
}

impl StoredTally {
    /// The request to put another tally in the place of this one, if that is still there.
    pub(super) fn replacement(&self, table: &str, tally: Tally) -> Result<Put, RepositoryError> {
        let item = serde_dynamo::to_item(TallyRecord::new(tally))?;
        let put = Put::builder().table_name(table).set_item(Some(item));
        Ok(expressions::if_revision(put, self.revision.as_deref()).build()?)
    }
}

impl FeedbackRepository {
    /// The tallies of these days, in the same order. ⌈n/100⌉ `BatchGetItem`, strongly consistent.
    pub(super) async fn tallies(&self, dates: &[Date]) -> Result<Vec<StoredTally>, RepositoryError> {
        let items = self
            .items(dates.iter().map(|date| table::key(&id_of(*date))))
            .await?;
        let mut items: HashMap<Option<String>, Item> = items
            .into_iter()
            .map(|item| (text(&item, PARTITION_KEY), item))
            .collect();
        let tallies = dates.iter().map(|date| {
            let item = items.remove(&Some(id_of(*date)));
            let revision = item.as_ref().and_then(|item| text(item, REVISION_ATTRIBUTE));
            let tally = item.map_or_else(|| Tally::new(*date), |item| read(item, *date));
            StoredTally { tally, revision }
        });
        Ok(tallies.collect())
    }
}

#[cfg(feature = "local")]
impl FeedbackRepository {
    /// Has the day counted again, and not before what enters its timeline within a minute of `now` is settled.
    pub(crate) async fn restart_tally(&self, date: Date, now: Timestamp) -> Result<(), RepositoryError> {
        let item = serde_dynamo::to_item(TallyRecord::new(Tally::restarted(date, now)))?;
        let put = self
            .client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item));
        put.send().await?;
        Ok(())
    }
}

/// The item.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TallyRecord {
    feedback_id: String,
    /// See [`REVISION_ATTRIBUTE`].
    revision: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    counted_to: Option<Position>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counts: Vec<CountRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    moves: Vec<Move>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_until: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CountRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<Topic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
    ratings: RatingCounts,
}

impl TallyRecord {
    fn new(tally: Tally) -> Self {
        let Tally {
            date,
            counted_to,
            counts,
            moves,
            held_until,
        } = tally;
        let counts = counts.into_iter().flat_map(|(topic, by_expiry)| {
            by_expiry
                .into_iter()
                .map(move |(expires_on, ratings)| CountRecord {
                    topic: topic.clone(),
                    expires_on,
                    ratings,
                })
        });
        Self {
            feedback_id: id_of(date),
            revision: Uuid::new_v4().to_string(),
            counted_to,
            counts: counts.collect(),
            moves,
            held_until,
        }
    }

    fn into_tally(self, date: Date) -> Tally {
        let Self {
            feedback_id: _,
            revision: _,
            counted_to,
            counts,
            moves,
            held_until,
        } = self;
        let mut tally = Tally {
            counted_to,
            moves,
            held_until,
            ..Tally::new(date)
        };
        for CountRecord {
            topic,
            expires_on,
            ratings,
        } in counts
        {
            tally.counts.entry(topic).or_default().insert(expires_on, ratings);
        }
        tally
    }
}

/// The tally in an item. What cannot be read is counted again.
fn read(item: Item, date: Date) -> Tally {
    let record: Result<TallyRecord, _> = serde_dynamo::from_item(item);
    match record {
        Ok(record) => record.into_tally(date),
        Err(error) => {
            tracing::error!(%date, %error, "a malformed tally is counted again");
            Tally::new(date)
        }
    }
}

fn text(item: &Item, attribute: &str) -> Option<String> {
    item.get(attribute).and_then(|value| value.as_s().ok()).cloned()
}

/// The id of the item of a day. It is no feedback's: it is no UUID.
pub(super) fn id_of(date: Date) -> String {
    format!("{TALLY_PREFIX}{date}")
}
