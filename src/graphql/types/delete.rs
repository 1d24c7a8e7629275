//! What comes out of `deleteFeedback`.

use async_graphql::{ID, SimpleObject};

use crate::domain::FeedbackId;

/// What became of feedback that was to be deleted.
#[derive(SimpleObject)]
pub(crate) struct DeleteFeedbackPayload {
    /// The id of the feedback that was deleted. Null if there was none with the id that was asked for.
    deleted_feedback_id: Option<ID>,
}

impl DeleteFeedbackPayload {
    pub(crate) fn new(id: FeedbackId, was_there: bool) -> Self {
        Self {
            deleted_feedback_id: was_there.then(|| ID(id.to_string())),
        }
    }
}
