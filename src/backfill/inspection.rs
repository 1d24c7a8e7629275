//! Whether the service can use a table.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    BillingMode, GlobalSecondaryIndexDescription, IndexStatus, KeySchemaElement, KeyType, ProjectionType,
    ScalarAttributeType, TableDescription,
};
use thiserror::Error;

use super::Backfill;
use crate::repository::{RepositoryError, table};

/// The settings of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The state of its index `timeline`.
    pub index: Index,
    /// Its read and write units a second; `None` for a table on demand.
    pub provisioned: Option<(i64, i64)>,
}

/// The state of the index `timeline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// It does not exist.
    Missing,
    /// DynamoDB is still filling it.
    Building,
    /// It can be read.
    Ready,
}

/// Why the service cannot use a table.
#[derive(Debug, Error)]
pub enum InspectionError {
    /// The table does not exist.
    #[error("there is no table {0}")]
    NoTable(String),
    /// The table is not keyed as the service needs it.
    #[error("the key of the table is not the string feedbackId alone, so the service cannot use it")]
    OtherKey,
    /// The index has the right name and is something else.
    #[error(
        "the table has another index called timeline: the service needs one with the partition key \
         timelineShard (N), the sort key timelinePosition (S) and all attributes"
    )]
    OtherIndex,
    /// The index is about to disappear.
    #[error("the index timeline is being deleted")]
    IndexDeleted,
    /// DynamoDB could not be reached or refused.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl Backfill {
    /// The settings of the table.
    ///
    /// # Errors
    /// If its keys or its index are not the service's, or DynamoDB refused or was unavailable.
    pub async fn inspect(&self) -> Result<Inspection, InspectionError> {
        let answer = self.client.describe_table().table_name(&self.table).send().await;
        let described = match answer {
            Ok(answer) => answer.table,
            Err(error) if error.code() == Some("ResourceNotFoundException") => None,
            Err(error) => return Err(RepositoryError::from(error).into()),
        };
        let described = described.ok_or_else(|| InspectionError::NoTable(self.table.clone()))?;
        let key = [(table::PARTITION_KEY, KeyType::Hash, ScalarAttributeType::S)];
        if !has_key(&described, described.key_schema(), &key) {
            return Err(InspectionError::OtherKey);
        }
        let index = described
            .global_secondary_indexes()
            .iter()
            .find(|index| index.index_name() == Some(crate::repository::Index::Timeline.name()));
        let on_demand = described
            .billing_mode_summary()
            .is_some_and(|summary| summary.billing_mode() == Some(&BillingMode::PayPerRequest));
        let throughput = described.provisioned_throughput();
        let units = throughput.and_then(|it| it.read_capacity_units().zip(it.write_capacity_units()));
        Ok(Inspection {
            index: index.map_or(Ok(Index::Missing), |index| inspect_index(&described, index))?,
            provisioned: units.filter(|_| !on_demand),
        })
    }
}

fn inspect_index(
    described: &TableDescription,
    index: &GlobalSecondaryIndexDescription,
) -> Result<Index, InspectionError> {
    let key = [
        (table::SHARD_ATTRIBUTE, KeyType::Hash, ScalarAttributeType::N),
        (table::POSITION_ATTRIBUTE, KeyType::Range, ScalarAttributeType::S),
    ];
    let projection = index.projection().and_then(|it| it.projection_type());
    if projection != Some(&ProjectionType::All) || !has_key(described, index.key_schema(), &key) {
        return Err(InspectionError::OtherIndex);
    }
    match index.index_status() {
        Some(IndexStatus::Deleting) => Err(InspectionError::IndexDeleted),
        Some(IndexStatus::Creating) => Ok(Index::Building),
        _ => Ok(Index::Ready),
    }
}

fn has_key(
    described: &TableDescription,
    schema: &[KeySchemaElement],
    expected: &[(&str, KeyType, ScalarAttributeType)],
) -> bool {
    let is = |element: &KeySchemaElement, (name, key_type, kind): &(&str, KeyType, ScalarAttributeType)| {
        element.attribute_name() == *name
            && element.key_type() == key_type
            && described
                .attribute_definitions()
                .iter()
                .any(|attribute| attribute.attribute_name() == *name && attribute.attribute_type() == kind)
    };
    schema.len() == expected.len() && schema.iter().zip(expected).all(|(one, other)| is(one, other))
}
