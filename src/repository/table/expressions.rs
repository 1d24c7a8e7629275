//! What the service asks of the table in expressions: conditions, key conditions and filters.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::builders::{DeleteBuilder, PutBuilder, UpdateBuilder};

use super::{
    EXPIRY_ATTRIBUTE, Item, PARTITION_KEY, PERSON_ATTRIBUTE, POSITION_ATTRIBUTE,
    QUARANTINE_REASONS_ATTRIBUTE, QUARANTINE_SHARD_ATTRIBUTE, QUARANTINED_AT_ATTRIBUTE, RATING_ATTRIBUTE,
    REVISION_ATTRIBUTE, SHARD_ATTRIBUTE, STATUS_ATTRIBUTE, TAGS_ATTRIBUTE, TOPIC_ATTRIBUTE,
};
use crate::domain::{Condition, Feedback, PositionRange, Quarantine, Timestamp};
use crate::repository::plan::KeyPart;
use crate::repository::{number, string};

/// Only if there is no item with its id, or one that has expired at `now`.
pub(crate) fn if_free(put: PutItemFluentBuilder, now: Timestamp) -> PutItemFluentBuilder {
    put.condition_expression("attribute_not_exists(#id) OR #expiry <= :now")
        .expression_attribute_names("#id", PARTITION_KEY)
        .expression_attribute_names("#expiry", EXPIRY_ATTRIBUTE)
        .expression_attribute_values(":now", number(&now.as_seconds()))
}

/// Only if the item's revision is still this one, or there is none.
pub(crate) fn if_revision(put: PutBuilder, revision: Option<&str>) -> PutBuilder {
    let put = put.expression_attribute_names("#revision", REVISION_ATTRIBUTE);
    match revision {
        None => put.condition_expression("attribute_not_exists(#revision)"),
        Some(revision) => put
            .condition_expression("#revision = :revision")
            .expression_attribute_values(":revision", string(&revision)),
    }
}

/// Only if the item is still where it was on the timeline, or off it.
pub(crate) fn if_unmoved(delete: DeleteBuilder, item: &Item) -> DeleteBuilder {
    let Unmoved {
        condition,
        names,
        values,
    } = Unmoved::new(item);
    delete
        .condition_expression(condition)
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(values))
}

/// Puts the item of this feedback into quarantine or back on the timeline, as the feedback says, in this shard, if it is
/// still where it was.
pub(crate) fn move_to(update: UpdateBuilder, item: &Item, feedback: &Feedback, shard: u32) -> UpdateBuilder {
    let Unmoved {
        condition,
        mut names,
        mut values,
    } = Unmoved::new(item);
    let quarantine = [
        ("#quarantineShard", QUARANTINE_SHARD_ATTRIBUTE),
        ("#reasons", QUARANTINE_REASONS_ATTRIBUTE),
        ("#since", QUARANTINED_AT_ATTRIBUTE),
    ];
    let quarantine = quarantine.map(|(name, attribute)| (name.to_owned(), attribute.to_owned()));
    names.extend(quarantine);
    values.insert(":shard".to_owned(), number(&shard));
    let expression = match &feedback.quarantine {
        Some(Quarantine { reasons, since }) => {
            // Feedback from before there was a timeline has no position yet.
            values.insert(":place".to_owned(), string(&feedback.position()));
            let reasons = reasons.iter().map(|reason| reason.as_str().to_owned());
            values.insert(":reasons".to_owned(), AttributeValue::Ss(reasons.collect()));
            values.insert(":since".to_owned(), number(&since.as_millis()));
            "REMOVE #timelineShard SET #quarantineShard = :shard, #reasons = :reasons, #since = :since, \
             #timelinePosition = :place"
        }
        None => "REMOVE #quarantineShard, #reasons, #since SET #timelineShard = :shard",
    };
    update
        .update_expression(expression)
        .condition_expression(condition)
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(values))
}

/// The condition that an item is still where it was on the timeline, or off it.
struct Unmoved {
    condition: String,
    names: HashMap<String, String>,
    values: Item,
}

impl Unmoved {
    fn new(item: &Item) -> Self {
        let (mut names, mut values, mut conditions) = (HashMap::new(), Item::new(), Vec::new());
        for attribute in [PARTITION_KEY, SHARD_ATTRIBUTE, POSITION_ATTRIBUTE] {
            names.insert(format!("#{attribute}"), attribute.to_owned());
            conditions.push(match item.get(attribute) {
                None => format!("attribute_not_exists(#{attribute})"),
                Some(value) => {
                    values.insert(format!(":{attribute}"), value.clone());
                    format!("#{attribute} = :{attribute}")
                }
            });
        }
        Self {
            condition: conditions.join(" AND "),
            names,
            values,
        }
    }
}

/// All of a partition of an index.
pub(crate) fn in_partition(query: QueryFluentBuilder, key: &[KeyPart]) -> QueryFluentBuilder {
    let conditions: Vec<String> = (0..key.len())
        .map(|part| format!("#key{part} = :key{part}"))
        .collect();
    let query = key
        .iter()
        .enumerate()
        .fold(query, |query, (part, (name, value))| {
            query
                .expression_attribute_names(format!("#key{part}"), *name)
                .expression_attribute_values(format!(":key{part}"), value.clone())
        });
    query.key_condition_expression(conditions.join(" AND "))
}

/// What lies in a range of a partition of an index.
pub(crate) fn in_range(
    query: QueryFluentBuilder,
    key: &[KeyPart],
    range: PositionRange,
) -> QueryFluentBuilder {
    let query = in_partition(query, key);
    let partition = query.get_key_condition_expression().clone().unwrap_or_default();
    query
        .key_condition_expression(format!("{partition} AND #position BETWEEN :first AND :last"))
        .expression_attribute_names("#position", POSITION_ATTRIBUTE)
        .expression_attribute_values(":first", string(&range.first()))
        .expression_attribute_values(":last", string(&range.last()))
}

/// What has not expired at `now`, meets the conditions and has the attribute that is required.
pub(crate) fn matching(
    query: QueryFluentBuilder,
    conditions: &[Condition<'_>],
    required: Option<&'static str>,
    now: Timestamp,
) -> QueryFluentBuilder {
    let mut filters = vec!["NOT (#expiry <= :now)".to_owned()];
    let mut query = query
        .expression_attribute_names("#expiry", EXPIRY_ATTRIBUTE)
        .expression_attribute_values(":now", number(&now.as_seconds()));
    if let Some(attribute) = required {
        filters.push("attribute_exists(#required)".to_owned());
        query = query.expression_attribute_names("#required", attribute);
    }
    for condition in conditions {
        let (attribute, wanted) = wanted(condition);
        query = query.expression_attribute_names(format!("#{attribute}"), attribute);
        let mut names = Vec::new();
        for (place, value) in wanted.into_iter().enumerate() {
            names.push(format!(":{attribute}{place}"));
            query = query.expression_attribute_values(&names[place], value);
        }
        let names = names.join(", ");
        filters.push(match condition {
            Condition::Tag(_) => format!("contains(#{attribute}, {names})"),
            _ => format!("#{attribute} IN ({names})"),
        });
    }
    query.filter_expression(filters.join(" AND "))
}

/// With these attributes alone, or all.
pub(crate) fn projected(query: QueryFluentBuilder, attributes: Option<&[&str]>) -> QueryFluentBuilder {
    let Some(attributes) = attributes else {
        return query;
    };
    let names: Vec<String> = attributes
        .iter()
        .map(|attribute| format!("#{attribute}"))
        .collect();
    let query = query.projection_expression(names.join(", "));
    let names = names.into_iter().zip(attributes);
    names.fold(query, |query, (name, attribute)| {
        query.expression_attribute_names(name, *attribute)
    })
}

/// The attribute that a condition is about, and the values of it that meet the condition. Of tags, one in the set.
pub(crate) fn wanted(condition: &Condition<'_>) -> (&'static str, Vec<AttributeValue>) {
    match condition {
        Condition::Person(person) => (PERSON_ATTRIBUTE, vec![string(&person.as_str())]),
        Condition::Status(statuses) => {
            let statuses = statuses.iter().map(|status| string(&status.as_str()));
            (STATUS_ATTRIBUTE, statuses.collect())
        }
        Condition::Topic(topic) => (TOPIC_ATTRIBUTE, vec![string(&topic.as_str())]),
        Condition::Rating(min, max) => {
            let ratings = min.to(*max).map(|rating| number(&rating.get()));
            (RATING_ATTRIBUTE, ratings.collect())
        }
        Condition::Tag(tag) => (TAGS_ATTRIBUTE, vec![string(&tag.as_str())]),
    }
}
