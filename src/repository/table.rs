//! The table: its keys, the names of its attributes, and how to make one where there is none.
//!
//! Here is each name that a request uses, and below this module each expression that it stands in. The attributes of an
//! item as a whole are [`FeedbackRecord`](super::record::FeedbackRecord)'s, and a test there holds the two together.

#[cfg(feature = "local")]
pub(crate) mod backfill;
pub(super) mod expressions;
pub(super) mod triage_expressions;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
    TableStatus,
};

use super::error::RepositoryError;
use super::indexes::{Index, Indexes};
use super::string;

/// The table's partition key: the id, a string.
pub const PARTITION_KEY: &str = "feedbackId";
/// The number of the shard of the timeline.
pub const SHARD_ATTRIBUTE: &str = "timelineShard";
/// The position, a string: the sort key of every index.
pub const POSITION_ATTRIBUTE: &str = "timelinePosition";
/// The number of the shard of the quarantine, instead of that of the timeline.
pub const QUARANTINE_SHARD_ATTRIBUTE: &str = "quarantineShard";
/// Why it is in quarantine, a set of strings.
pub const QUARANTINE_REASONS_ATTRIBUTE: &str = "quarantineReasons";
/// Since when it is in quarantine, in milliseconds since 1970 began.
pub const QUARANTINED_AT_ATTRIBUTE: &str = "quarantinedAt";
/// The message, a string.
pub const MESSAGE_ATTRIBUTE: &str = "feedback";
/// When it was submitted, in whole seconds since 1970 began.
pub const TIMESTAMP_ATTRIBUTE: &str = "timestamp";
/// The rating, a number.
pub const RATING_ATTRIBUTE: &str = "rating";
/// The topic, a string.
pub const TOPIC_ATTRIBUTE: &str = "topic";
/// The email address, a string.
pub const EMAIL_ATTRIBUTE: &str = "email";
/// How far it has been dealt with, a string.
pub const STATUS_ATTRIBUTE: &str = "status";
/// Its labels, a set of strings.
pub const TAGS_ATTRIBUTE: &str = "tags";
/// A remark, a string.
pub const NOTE_ATTRIBUTE: &str = "note";
/// How often its triage has changed, a number; 0 where there is none.
pub const VERSION_ATTRIBUTE: &str = "version";
/// When its triage last changed, in milliseconds since 1970 began.
pub const TRIAGED_AT_ATTRIBUTE: &str = "triagedAt";
/// Who changed its triage last, a string.
pub const TRIAGED_BY_ATTRIBUTE: &str = "triagedBy";
/// The person who wrote it, a string.
pub const PERSON_ATTRIBUTE: &str = "person";
/// When an item expires, in seconds since 1970 began: the table's time to live.
pub const EXPIRY_ATTRIBUTE: &str = "expiresAt";

/// What is in the ids of items of the service's own, which are no feedback and have no place on the timeline. No UUID has
/// it.
const OWN: char = '#';
/// Begins the ids of the items that count the feedback of a day, like `tally#2026-03-01`.
pub(super) const TALLY_PREFIX: &str = "tally#";
/// The revision of a tally, a string: another one after each change.
pub(super) const REVISION_ATTRIBUTE: &str = "revision";

/// The id of the item that says how many shards the timeline has.
pub const SHARDS_ITEM: &str = "meta#timeline";
/// How many shards are read.
pub(super) const SHARDS: &str = "shards";
/// How many shards are written to until a raise is known everywhere.
pub(super) const SHARDS_BEFORE: &str = "shardsBefore";
/// When the number of shards was raised, in milliseconds since 1970 began.
pub(super) const RAISED_AT: &str = "raisedAt";

/// The beginning of the ids of items that count what a client submits in an hour.
pub(super) const CLIENT_ITEMS: &str = "client#";
/// How much a client has submitted, a number.
pub(super) const SUBMISSIONS: &str = "submissions";
/// The beginning of the ids of items that hold the salt of a day, which the date follows.
pub(super) const SALT_ITEMS: &str = "salt#";
/// The salt, bytes.
pub(super) const SALT: &str = "salt";

/// How often, and how long apart, a new table is described until it is ready. The SDK's waiter looks every 20 seconds,
/// which cannot be changed, and not at the index.
const READY_CHECKS: u32 = 120;
const READY_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// An item, or a key: values by the names of attributes.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Whether an item with this id is one of the service's own.
#[must_use]
pub fn is_own(id: &str) -> bool {
    id.contains(OWN)
}

/// The key of an item that was read.
pub(super) fn key_of(item: &Item) -> Option<Item> {
    let id = item.get(PARTITION_KEY)?;
    Some(Item::from([(PARTITION_KEY.to_owned(), id.clone())]))
}

/// The key of one item.
pub(super) fn key(id: &impl ToString) -> Item {
    Item::from([(PARTITION_KEY.to_owned(), string(id))])
}

/// Makes the table with these indexes, on demand, unless there is one of that name; says whether it did.
///
/// For laptops and tests. In the cloud the table belongs to the deployment, and the function has no
/// right to make one.
///
/// # Errors
/// When the endpoint cannot be reached or refuses, or the table does not become ready.
pub async fn create_if_missing(
    client: &Client,
    table: &str,
    indexes: &Indexes,
) -> Result<bool, RepositoryError> {
    match client.describe_table().table_name(table).send().await {
        Ok(_) => return Ok(false),
        Err(error) if error.code() == Some("ResourceNotFoundException") => {}
        Err(error) => return Err(error.into()),
    }
    create(client, table, indexes).await?;
    wait_until_ready(client, table).await?;
    Ok(true)
}

/// The indexes that the table has besides those that are always there.
///
/// # Errors
/// When the endpoint cannot be reached or refuses.
pub async fn indexes(client: &Client, table: &str) -> Result<Indexes, RepositoryError> {
    Ok(all_indexes(client, table).await?.into_iter().collect())
}

/// All indexes that the table has.
async fn all_indexes(client: &Client, table: &str) -> Result<BTreeSet<Index>, RepositoryError> {
    let described = client.describe_table().table_name(table).send().await?.table;
    let indexes = described.and_then(|table| table.global_secondary_indexes);
    let names = indexes.into_iter().flatten().filter_map(|index| index.index_name);
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}

/// Adds the indexes that the table has not got yet, one after the other. `DynamoDB` fills them with what is there.
///
/// # Errors
/// When the endpoint cannot be reached or refuses, or an index does not become ready.
pub async fn add_missing_indexes(
    client: &Client,
    table: &str,
    wanted: &Indexes,
) -> Result<(), RepositoryError> {
    let there = all_indexes(client, table).await?;
    for index in wanted.iter().filter(|index| !there.contains(index)) {
        let IndexDefinition {
            name,
            key_schema,
            projection,
        } = IndexDefinition::new(index)?;
        let new = CreateGlobalSecondaryIndexAction::builder()
            .index_name(name)
            .set_key_schema(Some(key_schema))
            .projection(projection)
            .build()?;
        client
            .update_table()
            .table_name(table)
            .set_attribute_definitions(Some(attributes([index])?))
            .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(new).build())
            .send()
            .await?;
        wait_until_ready(client, table).await?;
    }
    Ok(())
}

async fn wait_until_ready(client: &Client, table: &str) -> Result<(), RepositoryError> {
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
            return Ok(());
        }
        tokio::time::sleep(READY_CHECK_INTERVAL).await;
    }
    Err(RepositoryError::not_ready(table))
}

async fn create(client: &Client, table: &str, indexes: &Indexes) -> Result<(), RepositoryError> {
    let secondary = indexes.iter().map(|index| {
        let IndexDefinition {
            name,
            key_schema,
            projection,
        } = IndexDefinition::new(index)?;
        GlobalSecondaryIndex::builder()
            .index_name(name)
            .set_key_schema(Some(key_schema))
            .projection(projection)
            .build()
    });
    client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes(indexes.iter())?))
        .attribute_definitions(attribute(PARTITION_KEY, &ScalarAttributeType::S)?)
        .key_schema(key_element(PARTITION_KEY, KeyType::Hash)?)
        .set_global_secondary_indexes(Some(secondary.collect::<Result<_, BuildError>>()?))
        .send()
        .await?;
    Ok(())
}

/// What `DynamoDB` has to be told of an index.
struct IndexDefinition {
    name: &'static str,
    key_schema: Vec<KeySchemaElement>,
    projection: Projection,
}

impl IndexDefinition {
    fn new(index: Index) -> Result<Self, BuildError> {
        let partition = index.partition_key().iter();
        let partition = partition.map(|(name, _)| key_element(name, KeyType::Hash));
        let sort = key_element(POSITION_ATTRIBUTE, KeyType::Range);
        Ok(Self {
            name: index.name(),
            key_schema: partition.chain([sort]).collect::<Result<_, _>>()?,
            projection: Projection::builder().projection_type(ProjectionType::All).build(),
        })
    }
}

/// The attributes that the keys of these indexes use.
fn attributes(indexes: impl IntoIterator<Item = Index>) -> Result<Vec<AttributeDefinition>, BuildError> {
    let keys = indexes.into_iter().flat_map(Index::partition_key);
    let mut kinds: BTreeMap<&str, &ScalarAttributeType> = keys.map(|(name, kind)| (*name, kind)).collect();
    kinds.insert(POSITION_ATTRIBUTE, &ScalarAttributeType::S);
    kinds
        .into_iter()
        .map(|(name, kind)| attribute(name, kind))
        .collect()
}

fn attribute(name: &str, kind: &ScalarAttributeType) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(kind.clone())
        .build()
}

fn key_element(name: &str, key_type: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(key_type)
        .build()
}
