//! The root type of mutations.

use async_graphql::{Context, Description, ID, Object};

use super::RequestContext;
use super::error::ApiError;
use super::query::parse_id;
use super::types::{
    DeleteFeedbackPayload, ErasePersonInput, ErasePersonPayload, QuarantineFeedbackInput,
    QuarantineFeedbackPayload, ReleaseFeedbackInput, ReleaseFeedbackPayload, SubmitFeedbackInput,
    SubmitFeedbackPayload, TriageFeedbackInput, TriageFeedbackPayload, semantic_non_null,
};
use crate::domain::{NewFeedback, TriageUpdate};

/// The root type of mutations.
#[derive(Description)]
pub struct Mutation;

#[Object(use_type_description)]
impl Mutation {
    /// Submits feedback. With an `idempotencyKey`, retries are safe. The feedback can be read by id at once, and appears
    /// in listings shortly after, mostly within a second, unless it is put into quarantine, which only callers with the
    /// scope `feedback:read` are told. Where clients without a credential have a limit and it is exceeded, the error is
    /// `TOO_MANY_REQUESTS`, with the seconds to wait in `extensions.retryAfter`. Null only together with an error.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn submit_feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The feedback to submit.")] input: SubmitFeedbackInput,
    ) -> Result<Option<SubmitFeedbackPayload>, ApiError> {
        let shared = context.data_unchecked::<RequestContext>();
        let mut new = match NewFeedback::try_from(input) {
            Ok(new) => new,
            Err(violations) => {
                shared.repository.count_invalid_submission();
                return Ok(Some(violations.into()));
            }
        };
        let now = shared.clock.now();
        new.signals.by_client = shared.repository.admit(shared.submitter, now).await?;
        let id = new.id(now);
        Ok(Some(shared.repository.submit(new, id, now).await?.into()))
    }

    /// Changes the triage of feedback: its status, tags and note. Each change is atomic, and makes the version one
    /// greater. It can be read by id at once, and shows in listings shortly after, mostly within a second. With
    /// `expectedVersion`, retries are safe. Requires the scope `feedback:manage`. Null only together with an error.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn triage_feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The feedback and the change.")] input: TriageFeedbackInput,
    ) -> Result<Option<TriageFeedbackPayload>, ApiError> {
        let (id, change) = input.into_change();
        let id = parse_id(&id)?;
        let change = match change {
            Ok(change) => change,
            Err(errors) => return Ok(Some(errors.into())),
        };
        let shared = context.data_unchecked::<RequestContext>();
        let update = TriageUpdate {
            at: shared.clock.now(),
            by: shared.caller.log_name(),
        };
        Ok(Some(shared.repository.triage(id, &change, &update).await?.into()))
    }

    /// Puts feedback into quarantine, with the reason `BY_STAFF`. It disappears from `feedbacks` shortly after, mostly
    /// within a second, and from statistics at once. Feedback that is in quarantine already stays as it is, with its
    /// reasons. Requires the scope `feedback:manage`. Null only together with an error.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn quarantine_feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The feedback.")] input: QuarantineFeedbackInput,
    ) -> Result<Option<QuarantineFeedbackPayload>, ApiError> {
        let id = parse_id(&input.id)?;
        let shared = context.data_unchecked::<RequestContext>();
        Ok(Some(
            shared.repository.quarantine(id, shared.clock.now()).await?.into(),
        ))
    }

    /// Releases feedback from quarantine. It appears in `feedbacks` shortly after, mostly within a second, at the time
    /// of its submission, which a client that follows new feedback has passed; and in statistics at once. Feedback that
    /// is not in quarantine stays as it is. Requires the scope `feedback:manage`. Null only together with an error.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn release_feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The feedback.")] input: ReleaseFeedbackInput,
    ) -> Result<Option<ReleaseFeedbackPayload>, ApiError> {
        let id = parse_id(&input.id)?;
        let shared = context.data_unchecked::<RequestContext>();
        Ok(Some(
            shared.repository.release(id, shared.clock.now()).await?.into(),
        ))
    }

    /// Deletes feedback permanently. It can no longer be read by id, and disappears from listings shortly after, mostly
    /// within a second. Deleting feedback that does not exist is not an error. The `idempotencyKey` is deleted too: a
    /// later retry of the submission stores it again. Requires the scope `feedback:manage`. Null only together with an
    /// error.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn delete_feedback(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the feedback: a UUID with hyphens.")] id: ID,
    ) -> Result<Option<DeleteFeedbackPayload>, ApiError> {
        let id = parse_id(&id)?;
        let shared = context.data_unchecked::<RequestContext>();
        let was_there = shared.repository.delete(id, shared.clock.now()).await?;
        Ok(Some(DeleteFeedbackPayload::new(id, was_there)))
    }

    /// Deletes all feedback with an email address permanently, up to 100 pieces a call: call until `isComplete`. What
    /// was submitted within a minute before may take another call to be found. Backups of the table keep it for up to
    /// 35 days. Requires the index `person` and the scope `feedback:manage`. Null only together with an error.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn erase_person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The person.")] input: ErasePersonInput,
    ) -> Result<Option<ErasePersonPayload>, ApiError> {
        let person = match input.person() {
            Ok(person) => person,
            Err(violations) => return Ok(Some(violations.into())),
        };
        let shared = context.data_unchecked::<RequestContext>();
        Ok(Some(
            shared.repository.erase(&person, shared.clock.now()).await?.into(),
        ))
    }
}
