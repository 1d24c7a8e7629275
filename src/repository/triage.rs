//! Changes of triage.
//!
//! Mostly one `UpdateItem`, which finds nothing out before it writes: its condition holds wherever the change is
//! certain to be right. Where the condition fails, DynamoDB returns the item, and the domain decides what that means.
//! If the change is right after all, it is written once more as a whole, on the condition that the version is still
//! the one that was found.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::table::{self, triage_expressions};
use super::{FeedbackRepository, RepositoryError, record};
use crate::domain::{Feedback, FeedbackId, TriageChange, TriageError, TriageUpdate};

/// How often a change is tried again after others changed the same feedback in between.
const TRIES: u32 = 8;

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Triaging {
    /// It was made: the feedback with it.
    Changed(Feedback),
    /// It breaks a rule, with the feedback as it is, if there is any.
    Refused(TriageError, Option<Feedback>),
}

impl FeedbackRepository {
    /// Changes the triage of feedback, by `update.by` at `update.at`.
    ///
    /// One `UpdateItem`. A strongly consistent read beside it where tags are both added and removed, or there is no such
    /// feedback; one `UpdateItem` more where feedback has so many tags that it depends on which they are, and for each
    /// time that somebody else was faster. When an earlier try of this very request made the change and its answer was
    /// lost, that is a success.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused, or others kept changing the feedback.
    pub async fn triage(
        &self,
        id: FeedbackId,
        change: &TriageChange,
        update: &TriageUpdate,
    ) -> Result<Triaging, RepositoryError> {
        let triaging = self.change_triage(id, change, update).await?;
        self.meter.count(|outcomes| outcomes.count_triaging(&triaging));
        Ok(triaging)
    }

    async fn change_triage(
        &self,
        id: FeedbackId,
        change: &TriageChange,
        update: &TriageUpdate,
    ) -> Result<Triaging, RepositoryError> {
        let now = update.at;
        let mut found = None;
        // DynamoDB takes one action on a set: adding or removing. Both together need to know what is there.
        if !change.add_tags().is_empty() && !change.remove_tags().is_empty() {
            found = self.by_ids(&[id], now).await?.remove(&id);
            if found.is_none() {
                return Ok(Triaging::Refused(TriageError::not_found(), None));
            }
        }
        for _ in 0..TRIES {
            let request = self
                .client
                .update_item()
                .table_name(&*self.table)
                .set_key(Some(table::key(&id)))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            let request = match &found {
                None => triage_expressions::unseen(request, change, update),
                Some(feedback) => match change.apply(feedback.triage.as_ref(), update.clone()) {
                    Ok(triage) => {
                        triage_expressions::seen(request, feedback.triage.as_ref(), &triage, update)
                    }
                    Err(error) => return Ok(Triaging::Refused(error, found)),
                },
            };
            let answer = request.customize().interceptor(self.meter.clone()).send().await;
            let error = match answer {
                Ok(answer) => {
                    let changed = answer.attributes.and_then(|item| record::read(item, now));
                    let malformed = || RepositoryError::internal(format!("the feedback {id} is malformed"));
                    return changed.map(Triaging::Changed).ok_or_else(malformed);
                }
                Err(error) => error,
            };
            let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error()
            else {
                return Err(error.into());
            };
            found = self.found(failed.item(), id, now).await?;
            let Some(feedback) = &found else {
                return Ok(Triaging::Refused(TriageError::not_found(), None));
            };
            let triage = feedback.triage.as_ref();
            if triage.is_some_and(|triage| change.has_made(triage, update)) {
                return Ok(Triaging::Changed(feedback.clone()));
            }
        }
        Err(RepositoryError::contended(format_args!("the feedback {id}")))
    }
}
