//! The root of mutations.

use async_graphql::{Context, Object};

use super::Session;
use super::error::ApiError;
use super::types::{SubmitFeedbackInput, SubmitFeedbackPayload};
use crate::domain::{FeedbackId, NewFeedback};

/// What can be changed.
pub struct Mutation;

/// What can be changed.
#[Object]
impl Mutation {
    /// Submits feedback. It can be read by id at once, and appears in listings shortly after, mostly
    /// within a second. Null only together with an error.
    async fn submit_feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The feedback.")] input: SubmitFeedbackInput,
    ) -> Option<async_graphql::Result<SubmitFeedbackPayload>> {
        let session = context.data_unchecked::<Session>();
        Some(submit(session, input).await.map_err(Into::into))
    }
}

async fn submit(session: &Session, input: SubmitFeedbackInput) -> Result<SubmitFeedbackPayload, ApiError> {
    let new = match NewFeedback::parse(input.into()) {
        Ok(new) => new,
        Err(violations) => return Ok(violations.into()),
    };
    let now = session.clock.now();
    let stored = session.repository.submit(new, FeedbackId::new(now), now).await?;
    Ok(stored.into())
}
