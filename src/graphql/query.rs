//! The root type of queries.

use async_graphql::{Context, Description, ID, Object};

use super::error::ApiError;
use super::loader::Loaded;
use super::types::{
    Date, FeedbackConnection, FeedbackFilter, FeedbackObject, FeedbackOrder, FeedbackStatistics, MAX_DAYS,
    Node, semantic_non_null,
};
use super::{RequestContext, cursor};
use crate::domain::{Feedback, FeedbackId, Filter, FilterError, Order, PageRequest, Position, Topic};
use crate::repository::MAX_BATCH;

/// The root type of queries. Every field requires the scope `feedback:read`.
#[derive(Description)]
pub struct Query;

#[Object(use_type_description)]
impl Query {
    /// Returns the feedback with this id, or null. Strongly consistent: feedback is found as soon as its submission was
    /// acknowledged.
    async fn feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the feedback: a UUID with hyphens.")] id: ID,
    ) -> Result<Option<FeedbackObject>, ApiError> {
        Ok(load(context, &id).await?.map(Into::into))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of the field in the schema"
    )]
    /// Lists feedback in order of time, by Relay's cursor connection specification.
    ///
    /// With neither `first` nor `last`, returns the first 20. Eventually consistent: feedback appears shortly after its
    /// submission was acknowledged, mostly within a second. Paging neither repeats nor omits feedback that exists
    /// throughout and meets the filter throughout. A page that would examine more than 2,000 pieces of feedback, expired
    /// ones included, or 2 MB, ends early, with `hasNextPage` true. Feedback in quarantine is in `quarantinedFeedbacks`
    /// instead. Null only together with an error.
    ///
    /// To follow new feedback, page on `OLDEST_FIRST` and stay a minute behind the present with `submittedTo`: feedback
    /// appears with a delay, and the clocks of the servers differ by milliseconds, so that some may still appear
    /// before the latest. Feedback that `releaseFeedback` lists stands at the time of its submission, which a client that
    /// follows has passed.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn feedbacks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Returns the first n pieces of feedback: 1 to 100. Not with `last`.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Returns feedback after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n pieces of feedback: 1 to 100. Not with `first`.")] last: Option<
            i32,
        >,
        #[graphql(desc = "Returns feedback before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "The order of the listing.",
            default_with = "Some(FeedbackOrder::NewestFirst)"
        )]
        order: Option<FeedbackOrder>,
        #[graphql(
            name = "filter",
            desc = "Filters the listing. The description of the type says what each condition costs."
        )]
        filter_input: Option<FeedbackFilter>,
    ) -> Result<Option<FeedbackConnection>, ApiError> {
        let page = Arguments {
            first,
            after,
            last,
            before,
            order,
        };
        list(context, page, filter(filter_input)?).await
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of the field in the schema"
    )]
    /// Lists feedback in quarantine in order of the time of its submission, by Relay's cursor connection specification.
    /// Pages, order, cursors and consistency are those of `feedbacks`. Null only together with an error.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn quarantined_feedbacks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Returns the first n pieces of feedback: 1 to 100. Not with `last`.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Returns feedback after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n pieces of feedback: 1 to 100. Not with `first`.")] last: Option<
            i32,
        >,
        #[graphql(desc = "Returns feedback before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "The order of the listing.",
            default_with = "Some(FeedbackOrder::NewestFirst)"
        )]
        order: Option<FeedbackOrder>,
        #[graphql(
            name = "filter",
            desc = "Filters the listing. Only `email` has an index here, and a time range costs nothing."
        )]
        filter_input: Option<FeedbackFilter>,
    ) -> Result<Option<FeedbackConnection>, ApiError> {
        let page = Arguments {
            first,
            after,
            last,
            before,
            order,
        };
        list(context, page, filter(filter_input)?.quarantined()).await
    }

    /// Counts the feedback of some days, in UTC, by rating, topic and day.
    ///
    /// What was submitted more than two minutes ago is counted once, and the counts are kept: the first query for some
    /// days reads all of their feedback, later ones what is new. Deleted feedback is not counted. Feedback that expires
    /// is not counted from the beginning of the day on which it does. Adds to the complexity of the operation 1 for each
    /// day. Null only together with an error.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn feedback_statistics(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The first day.")] from: Date,
        #[graphql(desc = "The last day: `from` or later, at most 400 days with it.")] to: Date,
        #[graphql(
            desc = "Counts feedback with exactly this topic: 1 to 64 characters, case-sensitive. Where it is \
                          beyond the first 200 topics of a day, that day's feedback is not found."
        )]
        topic: Option<String>,
    ) -> Result<Option<FeedbackStatistics>, ApiError> {
        let (Date(from), Date(to)) = (from, to);
        let days = from.count_to(to);
        if !(1..=MAX_DAYS).contains(&days) {
            let message = format!("`to` must be `from` or later, with at most {MAX_DAYS} days in all");
            return Err(ApiError::BadUserInput(message));
        }
        let topic = topic.map(|topic| Topic::to_look_for(&topic).ok_or(FilterError::Topic));
        let topic = topic
            .transpose()
            .map_err(|error| ApiError::bad_user_input(&error))?;
        let shared = context.data_unchecked::<RequestContext>();
        let now = shared.clock.now();
        let statistics = shared
            .repository
            .statistics(from, to, topic.as_ref(), now)
            .await?;
        Ok(Some(statistics.into()))
    }

    /// Returns the object with this id, or null. Strongly consistent.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of an object that implements `Node`.")] id: ID,
    ) -> Result<Option<Node>, ApiError> {
        Ok(load(context, &id).await?.map(node))
    }

    /// Returns the objects with these ids, in the same order, with null for each that does not exist. Strongly
    /// consistent.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Up to 100 ids of objects that implement `Node`.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Result<Node, ApiError>>>, ApiError> {
        if ids.len() > MAX_BATCH {
            let message = format!("`ids` must have at most {MAX_BATCH} entries, not {}", ids.len());
            return Err(ApiError::BadUserInput(message));
        }
        let ids = ids.iter().map(parse_id).collect::<Result<Vec<_>, _>>()?;
        let shared = context.data_unchecked::<RequestContext>();
        let loaded = shared.feedback.load_many(ids.clone()).await;
        Ok(ids.iter().map(|id| loaded_node(loaded.get(id)?)).collect())
    }
}

/// The arguments of a listing, without its filter.
struct Arguments {
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
    order: Option<FeedbackOrder>,
}

/// A page of a listing.
async fn list(
    context: &Context<'_>,
    page: Arguments,
    filter: Filter,
) -> Result<Option<FeedbackConnection>, ApiError> {
    let request = PageRequest::new(
        page.first.map(i64::from),
        page.last.map(i64::from),
        position("after", page.after)?,
        position("before", page.before)?,
        page.order.map(Order::from).unwrap_or_default(),
        filter,
    )
    .map_err(|error| ApiError::bad_user_input(&error))?;
    let shared = context.data_unchecked::<RequestContext>();
    let page = shared.repository.page(&request, shared.clock.now()).await?;
    Ok(Some(FeedbackConnection::new(request, page)))
}

fn filter(input: Option<FeedbackFilter>) -> Result<Filter, ApiError> {
    Filter::try_from(input.unwrap_or_default()).map_err(|error| ApiError::bad_user_input(&error))
}

fn node(feedback: Feedback) -> Node {
    Node::Feedback(feedback.into())
}

/// An entry of a list of objects.
pub(super) fn loaded_node(loaded: &Loaded) -> Option<Result<Node, ApiError>> {
    match loaded {
        Ok(feedback) => feedback.clone().map(|feedback| Ok(node(feedback))),
        Err(error) => Some(Err(error.clone().into())),
    }
}

async fn load(context: &Context<'_>, id: &ID) -> Result<Option<Feedback>, ApiError> {
    let id = parse_id(id)?;
    let shared = context.data_unchecked::<RequestContext>();
    Ok(shared.feedback.load(id).await?)
}

pub(super) fn parse_id(id: &ID) -> Result<FeedbackId, ApiError> {
    FeedbackId::parse(id).map_err(|error| ApiError::BadUserInput(format!("`{:.60}` is {error}", id.0)))
}

fn position(argument: &str, text: Option<String>) -> Result<Option<Position>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let position = cursor::decode(&text).ok_or_else(|| {
        ApiError::BadUserInput(format!(
            "`{argument}` is not a cursor of this service: pass a `cursor`, `startCursor` or `endCursor` as it was received"
        ))
    })?;
    Ok(Some(position))
}
