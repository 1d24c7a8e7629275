//! What the service asks of the table in expressions: conditions, key conditions and filters.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use super::{
    EXPIRY_ATTRIBUTE, PARTITION_KEY, POSITION_ATTRIBUTE, RATING_ATTRIBUTE, SHARD_ATTRIBUTE, TOPIC_ATTRIBUTE,
};
use crate::domain::{Filter, PositionRange, Timestamp};
use crate::repository::{number, string};

/// Only if there is no item with its id, or one that has expired at `now`.
pub(crate) fn if_free(put: PutItemFluentBuilder, now: Timestamp) -> PutItemFluentBuilder {
    put.condition_expression("attribute_not_exists(#id) OR #expiry <= :now")
        .expression_attribute_names("#id", PARTITION_KEY)
        .expression_attribute_names("#expiry", EXPIRY_ATTRIBUTE)
        .expression_attribute_values(":now", number(&now.as_seconds()))
}

/// All of a shard of the timeline.
pub(crate) fn in_shard(query: QueryFluentBuilder, shard: u32) -> QueryFluentBuilder {
    query
        .key_condition_expression("#shard = :shard")
        .expression_attribute_names("#shard", SHARD_ATTRIBUTE)
        .expression_attribute_values(":shard", number(&shard))
}

/// What lies in a range of a shard of the timeline.
pub(crate) fn in_range(query: QueryFluentBuilder, shard: u32, range: PositionRange) -> QueryFluentBuilder {
    in_shard(query, shard)
        .key_condition_expression("#shard = :shard AND #position BETWEEN :first AND :last")
        .expression_attribute_names("#position", POSITION_ATTRIBUTE)
        .expression_attribute_values(":first", string(&range.first()))
        .expression_attribute_values(":last", string(&range.last()))
}

/// What has not expired at `now` and has the topic and the rating that the filter asks for.
pub(crate) fn matching(query: QueryFluentBuilder, filter: &Filter, now: Timestamp) -> QueryFluentBuilder {
    let mut conditions = vec!["NOT (#expiry <= :now)"];
    let mut query = query
        .expression_attribute_names("#expiry", EXPIRY_ATTRIBUTE)
        .expression_attribute_values(":now", number(&now.as_seconds()));
    if let Some(topic) = filter.wanted_topic() {
        conditions.push("#topic = :topic");
        query = query
            .expression_attribute_names("#topic", TOPIC_ATTRIBUTE)
            .expression_attribute_values(":topic", string(&topic.as_str()));
    }
    let ratings = [
        ("#rating >= :minRating", ":minRating", filter.min_rating()),
        ("#rating <= :maxRating", ":maxRating", filter.max_rating()),
    ];
    for (condition, value, rating) in ratings {
        if let Some(rating) = rating {
            conditions.push(condition);
            query = query
                .expression_attribute_names("#rating", RATING_ATTRIBUTE)
                .expression_attribute_values(value, number(&rating.get()));
        }
    }
    query.filter_expression(conditions.join(" AND "))
}
