//! What the service asks of the table in expressions: conditions, key conditions and filters.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    EXPIRY_ATTRIBUTE, PARTITION_KEY, PERSON_ATTRIBUTE, POSITION_ATTRIBUTE, RATING_ATTRIBUTE,
    STATUS_ATTRIBUTE, TAGS_ATTRIBUTE, TOPIC_ATTRIBUTE,
};
use crate::domain::{Condition, PositionRange, Timestamp};
use crate::repository::plan::KeyPart;
use crate::repository::{number, string};

/// Only if there is no item with its id, or one that has expired at `now`.
pub(crate) fn if_free(put: PutItemFluentBuilder, now: Timestamp) -> PutItemFluentBuilder {
    put.condition_expression("attribute_not_exists(#id) OR #expiry <= :now")
        .expression_attribute_names("#id", PARTITION_KEY)
        .expression_attribute_names("#expiry", EXPIRY_ATTRIBUTE)
        .expression_attribute_values(":now", number(&now.as_seconds()))
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

/// What has not expired at `now` and meets the conditions.
pub(crate) fn matching(
    query: QueryFluentBuilder,
    conditions: &[Condition<'_>],
    now: Timestamp,
) -> QueryFluentBuilder {
    let mut filters = vec!["NOT (#expiry <= :now)".to_owned()];
    let mut query = query
        .expression_attribute_names("#expiry", EXPIRY_ATTRIBUTE)
        .expression_attribute_values(":now", number(&now.as_seconds()));
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
