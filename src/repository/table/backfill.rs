//! The expressions of the backfill.

use std::num::NonZeroU32;

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;

use super::{MESSAGE_ATTRIBUTE, PARTITION_KEY, POSITION_ATTRIBUTE, SHARD_ATTRIBUTE, TIMESTAMP_ATTRIBUTE};
use crate::domain::Position;
use crate::repository::record::shard_of;
use crate::repository::{number, string};

/// Items that are not on the timeline and can be added.
pub(crate) const PENDING: &str = "attribute_not_exists(#shard) AND attribute_not_exists(#position) \
    AND attribute_type(#message, :string) AND attribute_type(#timestamp, :number)";

/// All other items that are not on the timeline.
pub(crate) fn incompatible() -> String {
    format!("(attribute_not_exists(#shard) OR attribute_not_exists(#position)) AND NOT ({PENDING})")
}

/// Ids, times and the timeline's keys of the items that match one of these filters.
pub(crate) fn keys_of(scan: ScanFluentBuilder, filter: impl Into<String>) -> ScanFluentBuilder {
    scan.filter_expression(filter)
        .projection_expression("#id, #timestamp, #shard, #position")
        .expression_attribute_names("#id", PARTITION_KEY)
        .expression_attribute_names("#message", MESSAGE_ATTRIBUTE)
        .expression_attribute_names("#timestamp", TIMESTAMP_ATTRIBUTE)
        .expression_attribute_names("#shard", SHARD_ATTRIBUTE)
        .expression_attribute_names("#position", POSITION_ATTRIBUTE)
        .expression_attribute_values(":string", string(&"S"))
        .expression_attribute_values(":number", string(&"N"))
}

/// Adds an item to a timeline of `shards` shards, if it is still pending and of the same time.
pub(crate) fn add(
    update: UpdateItemFluentBuilder,
    position: Position,
    shards: NonZeroU32,
) -> UpdateItemFluentBuilder {
    let id = position.id();
    update
        .set_key(Some(super::key(&id)))
        .update_expression("SET #shard = :shard, #position = :place")
        // A deleted item has no timestamp, and must not come back as a position without feedback.
        .condition_expression(format!("{PENDING} AND #timestamp = :seconds"))
        .expression_attribute_names("#shard", SHARD_ATTRIBUTE)
        .expression_attribute_names("#position", POSITION_ATTRIBUTE)
        .expression_attribute_names("#message", MESSAGE_ATTRIBUTE)
        .expression_attribute_names("#timestamp", TIMESTAMP_ATTRIBUTE)
        .expression_attribute_values(":string", string(&"S"))
        .expression_attribute_values(":number", string(&"N"))
        .expression_attribute_values(":seconds", number(&position.submitted_at().as_seconds()))
        .expression_attribute_values(":shard", number(&shard_of(id, shards)))
        .expression_attribute_values(":place", string(&position))
}
