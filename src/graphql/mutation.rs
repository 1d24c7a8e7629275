//! The root of mutations.

use async_graphql::{Context, ID, Object};

use super::RequestContext;
use super::error::ApiError;
use super::query::parse_id;
use super::types::{DeleteFeedbackPayload, SubmitFeedbackInput, SubmitFeedbackPayload};
use crate::domain::NewFeedback;

/// What can be changed.
pub struct Mutation;

/// What can be changed.
#[Object]
impl Mutation {
    /// Submits feedback. With an `idempotencyKey`, trying again is safe. It can be read by id at once, and appears in listings shortly after, mostly
    /// within a second. Null only together with an error.
    async fn submit_feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The feedback.")] input: SubmitFeedbackInput,
    ) -> async_graphql::Result<Option<SubmitFeedbackPayload>> {
        let request_context = context.data_unchecked::<RequestContext>();
        Ok(Some(submit(request_context, input).await?))
    }

    /// Deletes feedback for good. It cannot be read by id any more at once, and disappears from listings
    /// shortly after, mostly within a second. Deleting what is not there is no error. Its `idempotencyKey` is
    /// forgotten with it: a submission that is tried again under that key afterwards is stored anew. Takes the
    /// scope `feedback:manage`. Null only together with an error.
    async fn delete_feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The feedback's id: a UUID with hyphens.")] id: ID,
    ) -> async_graphql::Result<Option<DeleteFeedbackPayload>> {
        let request_context = context.data_unchecked::<RequestContext>();
        Ok(Some(delete(request_context, &id).await?))
    }
}

async fn delete(request_context: &RequestContext, id: &ID) -> Result<DeleteFeedbackPayload, ApiError> {
    let id = parse_id(id)?;
    let was_there = request_context
        .repository
        .delete(id, request_context.clock.now())
        .await?;
    Ok(DeleteFeedbackPayload::new(id, was_there))
}

async fn submit(
    request_context: &RequestContext,
    input: SubmitFeedbackInput,
) -> Result<SubmitFeedbackPayload, ApiError> {
    let new = match NewFeedback::try_from(input) {
        Ok(new) => new,
        Err(violations) => return Ok(violations.into()),
    };
    let now = request_context.clock.now();
    let id = new.id(now);
    Ok(request_context.repository.submit(new, id, now).await?.into())
}
