//! The output of `deleteFeedback`.

use async_graphql::{ID, SimpleObject};

use crate::domain::FeedbackId;

/// The payload of `deleteFeedback`.
#[derive(SimpleObject)]
pub(crate) struct DeleteFeedbackPayload {
    /// The id of the deleted feedback. Null if no feedback had this id.
    deleted_feedback_id: Option<ID>,
}

impl DeleteFeedbackPayload {
    pub(crate) fn new(id: FeedbackId, was_there: bool) -> Self {
        Self {
            deleted_feedback_id: was_there.then(|| ID(id.to_string())),
        }
    }
}
