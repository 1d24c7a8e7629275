//! The root of mutations.

use async_graphql::{Context, ID, Object};

use super::Session;
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
        let session = context.data_unchecked::<Session>();
        Ok(Some(submit(session, input).await?))
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
        let session = context.data_unchecked::<Session>();
        Ok(Some(delete(session, &id).await?))
    }
}

async fn delete(session: &Session, id: &ID) -> Result<DeleteFeedbackPayload, ApiError> {
    let id = parse_id(id)?;
    let was_there = session.repository.delete(id, session.clock.now()).await?;
    Ok(DeleteFeedbackPayload::new(id, was_there))
}

async fn submit(session: &Session, input: SubmitFeedbackInput) -> Result<SubmitFeedbackPayload, ApiError> {
    let new = match NewFeedback::try_from(input) {
        Ok(new) => new,
        Err(violations) => return Ok(violations.into()),
    };
    let now = session.clock.now();
    let id = new.id(now);
    Ok(session.repository.submit(new, id, now).await?.into())
}
