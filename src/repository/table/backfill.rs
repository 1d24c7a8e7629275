//! The expressions of the backfill.

use std::collections::HashMap;
use std::num::NonZeroU32;

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;

use super::{
    EMAIL_ATTRIBUTE, MESSAGE_ATTRIBUTE, PARTITION_KEY, PERSON_ATTRIBUTE, POSITION_ATTRIBUTE,
    QUARANTINE_SHARD_ATTRIBUTE, SHARD_ATTRIBUTE, STATUS_ATTRIBUTE, TIMESTAMP_ATTRIBUTE,
};
use crate::backfill::PendingItem;
use crate::domain::{Person, Status};
use crate::repository::record::shard_of;
use crate::repository::{number, string};

/// Items that lack attributes of the indexes and can be given them: all, or the status or the person of one that is on
/// the timeline. What is in quarantine is not on it, and is left alone.
pub(crate) const PENDING: &str = "attribute_not_exists(#quarantine) AND attribute_type(#message, :string) AND attribute_type(#timestamp, :number) AND (\
    (attribute_not_exists(#shard) AND attribute_not_exists(#position)) OR \
    (attribute_exists(#shard) AND attribute_exists(#position) AND (attribute_not_exists(#status) \
    OR (attribute_type(#email, :string) AND attribute_not_exists(#person)))))";

/// All other items that are neither on the timeline nor in quarantine.
pub(crate) fn incompatible() -> String {
    format!(
        "attribute_not_exists(#quarantine) AND (attribute_not_exists(#shard) OR attribute_not_exists(#position)) AND \
         NOT ({PENDING})"
    )
}

/// Ids, times, email addresses and the timeline's keys of the items that match one of these filters.
pub(crate) fn keys_of(scan: ScanFluentBuilder, filter: impl Into<String>) -> ScanFluentBuilder {
    scan.filter_expression(filter)
        .projection_expression("#id, #timestamp, #email, #shard, #position")
        .set_expression_attribute_names(Some(names(&[("#id", PARTITION_KEY)])))
        .expression_attribute_values(":string", string(&"S"))
        .expression_attribute_values(":number", string(&"N"))
}

/// Gives an item what it lacks, if it is still pending, of the same time and by the same person.
pub(crate) fn add(
    update: UpdateItemFluentBuilder,
    item: &PendingItem,
    status: Status,
    shards: NonZeroU32,
) -> UpdateItemFluentBuilder {
    let id = item.position.id();
    let absent = |attribute: &str| format!("#{attribute} = if_not_exists(#{attribute}, :{attribute})");
    let mut set = vec![absent("shard"), absent("position"), absent("status")];
    // A deleted item has no timestamp, and must not come back as a position without feedback.
    let mut condition = format!("{PENDING} AND #timestamp = :seconds");
    let mut update = update;
    if let Some(email) = &item.email {
        set.push(absent("person"));
        condition.push_str(" AND #email = :email");
        update = update
            .expression_attribute_values(":email", string(&email.as_str()))
            .expression_attribute_values(":person", string(&Person::of(email).as_str()));
    }
    update
        .set_key(Some(super::key(&id)))
        .update_expression(format!("SET {}", set.join(", ")))
        .condition_expression(condition)
        .set_expression_attribute_names(Some(names(&[])))
        .expression_attribute_values(":string", string(&"S"))
        .expression_attribute_values(":number", string(&"N"))
        .expression_attribute_values(":seconds", number(&item.position.submitted_at().as_seconds()))
        .expression_attribute_values(":shard", number(&shard_of(id, shards)))
        .expression_attribute_values(":position", string(&item.position))
        .expression_attribute_values(":status", string(&status.as_str()))
}

/// The names in [`PENDING`], and others.
fn names(others: &[(&str, &str)]) -> HashMap<String, String> {
    let pending = [
        ("#message", MESSAGE_ATTRIBUTE),
        ("#timestamp", TIMESTAMP_ATTRIBUTE),
        ("#shard", SHARD_ATTRIBUTE),
        ("#quarantine", QUARANTINE_SHARD_ATTRIBUTE),
        ("#position", POSITION_ATTRIBUTE),
        ("#status", STATUS_ATTRIBUTE),
        ("#email", EMAIL_ATTRIBUTE),
        ("#person", PERSON_ATTRIBUTE),
    ];
    let names = pending.iter().chain(others);
    names
        .map(|(name, attribute)| ((*name).to_owned(), (*attribute).to_owned()))
        .collect()
}
