//! The table: its keys, its index, the names of its attributes, and how to make one where there is none.
//!
//! Here is each name that a request uses, and below this module each expression that it stands in. The attributes of an
//! item as a whole are [`FeedbackRecord`](super::record::FeedbackRecord)'s, and a test there holds the two together.

#[cfg(feature = "local")]
pub(crate) mod backfill;
pub(super) mod expressions;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType, TableStatus,
};

use super::error::RepositoryError;
use super::string;
use crate::domain::FeedbackId;

/// The table's partition key: the id, a string.
pub const PARTITION_KEY: &str = "feedbackId";
/// The index that holds the timeline.
pub const TIMELINE_INDEX: &str = "timeline";
/// The index's partition key: the number of the shard.
pub const SHARD_ATTRIBUTE: &str = "timelineShard";
/// The index's sort key: the position, a string.
pub const POSITION_ATTRIBUTE: &str = "timelinePosition";
/// The message, a string.
pub const MESSAGE_ATTRIBUTE: &str = "feedback";
/// When it was submitted, in whole seconds since 1970 began.
pub const TIMESTAMP_ATTRIBUTE: &str = "timestamp";
/// The rating, a number.
pub const RATING_ATTRIBUTE: &str = "rating";
/// The topic, a string.
pub const TOPIC_ATTRIBUTE: &str = "topic";
/// When an item expires, in seconds since 1970 began: the table's time to live.
pub const EXPIRY_ATTRIBUTE: &str = "expiresAt";

/// The id of the item that says how many shards the timeline has. It is no feedback: its id is no UUID, and it has no
/// place on the timeline.
pub const SHARDS_ITEM: &str = "meta#timeline";
/// How many shards are read.
pub(super) const SHARDS: &str = "shards";
/// How many shards are written to until a raise is known everywhere.
pub(super) const SHARDS_BEFORE: &str = "shardsBefore";
/// When the number of shards was raised, in milliseconds since 1970 began.
pub(super) const RAISED_AT: &str = "raisedAt";

/// How often, and how long apart, a new table is described until it is ready. The SDK's waiter looks every 20 seconds,
/// which cannot be changed, and not at the index.
const READY_CHECKS: u32 = 120;
const READY_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// An item, or a key: values by the names of attributes.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The key of one item.
pub(super) fn key(id: &FeedbackId) -> Item {
    Item::from([(PARTITION_KEY.to_owned(), string(id))])
}

/// Makes the table with its index, on demand, unless there is one of that name; says whether it did.
///
/// For laptops and tests. In the cloud the table belongs to the deployment, and the function has no
/// right to make one.
///
/// # Errors
/// When the endpoint cannot be reached or refuses, or the table does not become ready.
pub async fn create_if_missing(client: &Client, table: &str) -> Result<bool, RepositoryError> {
    match client.describe_table().table_name(table).send().await {
        Ok(_) => return Ok(false),
        Err(error) if error.code() == Some("ResourceNotFoundException") => {}
        Err(error) => return Err(error.into()),
    }
    create(client, table).await?;
    for _ in 0..READY_CHECKS {
        let description = client.describe_table().table_name(table).send().await?.table;
        let is_ready = description.is_some_and(|description| {
            description.table_status == Some(TableStatus::Active)
                && description
                    .global_secondary_indexes
                    .iter()
                    .flatten()
                    .all(|index| {
                        index
                            .index_status
                            .as_ref()
                            .is_none_or(|status| status.as_str() == "ACTIVE")
                    })
        });
        if is_ready {
            return Ok(true);
        }
        tokio::time::sleep(READY_CHECK_INTERVAL).await;
    }
    Err(RepositoryError::not_ready(table))
}

async fn create(client: &Client, table: &str) -> Result<(), RepositoryError> {
    let attribute = |name: &str, kind| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(kind)
            .build()
    };
    let key = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
    };
    let timeline = GlobalSecondaryIndex::builder()
        .index_name(TIMELINE_INDEX)
        .key_schema(key(SHARD_ATTRIBUTE, KeyType::Hash)?)
        .key_schema(key(POSITION_ATTRIBUTE, KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()?;
    client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(PARTITION_KEY, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(SHARD_ATTRIBUTE, ScalarAttributeType::N)?)
        .attribute_definitions(attribute(POSITION_ATTRIBUTE, ScalarAttributeType::S)?)
        .key_schema(key(PARTITION_KEY, KeyType::Hash)?)
        .global_secondary_indexes(timeline)
        .send()
        .await?;
    Ok(())
}
