//! What adopting asks of the table in expressions.

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;

use super::{MESSAGE_ATTRIBUTE, PARTITION_KEY, POSITION_ATTRIBUTE, SHARD_ATTRIBUTE, TIMESTAMP_ATTRIBUTE};
use crate::domain::Position;
use crate::repository::{number, string};

/// What an item without a place on the timeline looks like that can be given one.
pub(crate) const ADOPTABLE: &str = "attribute_not_exists(#shard) AND attribute_not_exists(#position) \
    AND attribute_type(#message, :string) AND attribute_type(#timestamp, :number)";

/// Any other item that the timeline does not hold.
pub(crate) fn unadoptable() -> String {
    format!("(attribute_not_exists(#shard) OR attribute_not_exists(#position)) AND NOT ({ADOPTABLE})")
}

/// The id, the time and the attributes of the timeline of items that are one or the other.
pub(crate) fn places(scan: ScanFluentBuilder, filter: impl Into<String>) -> ScanFluentBuilder {
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

/// Gives an item its place, if it can still be adopted and still has this time.
pub(crate) fn place(
    update: UpdateItemFluentBuilder,
    seconds: u64,
    shard: u32,
    position: Position,
) -> UpdateItemFluentBuilder {
    update
        .update_expression("SET #shard = :shard, #position = :place")
        // An item that is gone has no timestamp, and must not come back as a place without feedback.
        .condition_expression(format!("{ADOPTABLE} AND #timestamp = :seconds"))
        .expression_attribute_names("#shard", SHARD_ATTRIBUTE)
        .expression_attribute_names("#position", POSITION_ATTRIBUTE)
        .expression_attribute_names("#message", MESSAGE_ATTRIBUTE)
        .expression_attribute_names("#timestamp", TIMESTAMP_ATTRIBUTE)
        .expression_attribute_values(":string", string(&"S"))
        .expression_attribute_values(":number", string(&"N"))
        .expression_attribute_values(":seconds", number(&seconds))
        .expression_attribute_values(":shard", number(&shard))
        .expression_attribute_values(":place", string(&position))
}
