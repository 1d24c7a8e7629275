//! The root of mutations.

use async_graphql::{Context, Description, ID, Object};

use super::RequestContext;
use super::error::ApiError;
use super::query::parse_id;
use super::types::{DeleteFeedbackPayload, SubmitFeedbackInput, SubmitFeedbackPayload};
use crate::domain::NewFeedback;

/// What can be changed.
#[derive(Description)]
pub struct Mutation;

#[Object(use_type_description)]
impl Mutation {
    /// Submits feedback. With an `idempotencyKey`, trying again is safe. It can be read by id at once, and appears in listings shortly after, mostly
    /// within a second. Null only together with an error.
    async fn submit_feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The feedback.")] input: SubmitFeedbackInput,
    ) -> Result<Option<SubmitFeedbackPayload>, ApiError> {
        let new = match NewFeedback::try_from(input) {
            Ok(new) => new,
            Err(violations) => return Ok(Some(violations.into())),
        };
        let RequestContext {
            repository, clock, ..
        } = context.data_unchecked();
        let now = clock.now();
        let id = new.id(now);
        Ok(Some(repository.submit(new, id, now).await?.into()))
    }

    /// Deletes feedback for good. It cannot be read by id any more at once, and disappears from listings
    /// shortly after, mostly within a second. Deleting what is not there is no error. Its `idempotencyKey` is
    /// forgotten with it: a submission that is tried again under that key afterwards is stored anew. Takes the
    /// scope `feedback:manage`. Null only together with an error.
    async fn delete_feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The feedback's id: a UUID with hyphens.")] id: ID,
    ) -> Result<Option<DeleteFeedbackPayload>, ApiError> {
        let id = parse_id(&id)?;
        let RequestContext {
            repository, clock, ..
        } = context.data_unchecked();
        let was_there = repository.delete(id, clock.now()).await?;
        Ok(Some(DeleteFeedbackPayload::new(id, was_there)))
    }
}
