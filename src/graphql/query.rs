//! The root of queries.

use async_graphql::{Context, Description, ID, Object};

use super::error::ApiError;
use super::types::{FeedbackConnection, FeedbackFilter, FeedbackObject, FeedbackOrder, Node};
use super::{RequestContext, cursor};
use crate::domain::{Feedback, FeedbackId, Filter, Order, PageRequest, Position};
use crate::repository::MAX_BATCH;

/// What can be read.
#[derive(Description)]
pub struct Query;

#[Object(use_type_description)]
impl Query {
    /// The feedback with this id; null if there is none. Strongly consistent: feedback is found from the
    /// moment its submission was answered.
    async fn feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A UUID with hyphens.")] id: ID,
    ) -> Result<Option<FeedbackObject>, ApiError> {
        Ok(load(context, &id).await?.map(Into::into))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of the field in the schema"
    )]
    /// A page of all feedback in order of time, as Relay's cursor connection specification describes it.
    ///
    /// With neither `first` nor `last`, the page is the first 20. Eventually consistent: feedback appears
    /// shortly after its submission was answered, mostly within a second. Paging neither repeats nor
    /// leaves out any feedback that is there throughout. A page that would take more than 2,000 pieces of
    /// feedback to examine, expired ones included, ends early, with `hasNextPage` true. Null only together with
    /// an error.
    ///
    /// To keep up with new feedback, page on `OLDEST_FIRST`, and stay a minute behind the present with
    /// `submittedTo`: feedback appears a moment late, and the clocks of its servers differ by milliseconds, so
    /// that right behind the latest some may still appear.
    async fn feedbacks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many to return from the start of the listing: 1 to 100. Not with `last`.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor in the listing.")] after: Option<String>,
        #[graphql(desc = "How many to return from the end of the listing: 1 to 100. Not with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor in the listing.")] before: Option<String>,
        #[graphql(
            desc = "The order of the listing.",
            default_with = "Some(FeedbackOrder::NewestFirst)"
        )]
        order: Option<FeedbackOrder>,
        #[graphql(
            desc = "Which feedback the listing holds; all without it. A period costs nothing. Topic and rating \
                    are looked for one by one: pages come as full as without them, unless that would take more \
                    than 2,000 pieces of feedback to examine."
        )]
        filter: Option<FeedbackFilter>,
    ) -> Result<Option<FeedbackConnection>, ApiError> {
        let filter =
            Filter::try_from(filter.unwrap_or_default()).map_err(|error| ApiError::bad_user_input(&error))?;
        let request = PageRequest::new(
            first.map(i64::from),
            last.map(i64::from),
            position("after", after)?,
            position("before", before)?,
            order.map(Order::from).unwrap_or_default(),
            filter,
        )
        .map_err(|error| ApiError::bad_user_input(&error))?;
        let RequestContext {
            repository, clock, ..
        } = context.data_unchecked();
        let page = repository.page(&request, clock.now()).await?;
        Ok(Some(FeedbackConnection::new(request, page)))
    }

    /// The object with this id; null if there is none. Strongly consistent.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of any object that implements `Node`.")] id: ID,
    ) -> Result<Option<Node>, ApiError> {
        Ok(load(context, &id).await?.map(node))
    }

    /// The objects with these ids, in the order of the ids; null in the place of each that there is none
    /// of. Strongly consistent.
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
        let request_context = context.data_unchecked::<RequestContext>();
        let loaded = request_context.feedback.load_many(ids.clone()).await;
        let nodes = ids.iter().map(|id| match loaded.get(id)? {
            Ok(feedback) => feedback.clone().map(|feedback| Ok(node(feedback))),
            Err(error) => Some(Err(error.clone().into())),
        });
        Ok(nodes.collect())
    }
}

fn node(feedback: Feedback) -> Node {
    Node::Feedback(feedback.into())
}

async fn load(context: &Context<'_>, id: &ID) -> Result<Option<Feedback>, ApiError> {
    let id = parse_id(id)?;
    let request_context = context.data_unchecked::<RequestContext>();
    Ok(request_context.feedback.load(id).await?)
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
