//! Quarantine: why feedback is put aside, and what goes into `quarantineFeedback` and `releaseFeedback` and comes out.

use async_graphql::{Enum, ID, InputObject, SimpleObject};

use super::date_time::DateTime;
use super::feedback::FeedbackObject;
use crate::domain::{Feedback, Quarantine, QuarantineReason, TriageError};

/// Why feedback is in quarantine.
#[derive(SimpleObject)]
pub(crate) struct FeedbackQuarantine {
    /// The reasons.
    reasons: Vec<FeedbackQuarantineReason>,
    /// The time at which the feedback was put aside: that of its submission, or that of `quarantineFeedback`.
    since: DateTime,
}

/// A reason to put feedback into quarantine. All but `BY_STAFF` are rules that the service's configuration sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "QuarantineReason")]
pub(crate) enum FeedbackQuarantineReason {
    /// The field `trap` was not empty.
    TrapFilled,
    /// It was sent sooner after the form was shown (`elapsedMs`) than a person takes.
    TooFast,
    /// The message has too many links.
    TooManyLinks,
    /// A client without a credential submitted too much in an hour.
    TooManyFromClient,
    /// Staff put it aside, with `quarantineFeedback`.
    ByStaff,
}

/// Feedback to put into quarantine.
#[derive(InputObject)]
pub(crate) struct QuarantineFeedbackInput {
    /// The feedback's id: a UUID with hyphens.
    pub(crate) id: ID,
}

/// Feedback to release from quarantine.
#[derive(InputObject)]
pub(crate) struct ReleaseFeedbackInput {
    /// The feedback's id: a UUID with hyphens.
    pub(crate) id: ID,
}

/// The payload of `quarantineFeedback`.
#[derive(SimpleObject)]
pub(crate) struct QuarantineFeedbackPayload {
    /// The feedback, which is in quarantine now. Null if there are user errors.
    feedback: Option<FeedbackObject>,
    /// The errors in the input. Empty if the feedback is in quarantine.
    user_errors: Vec<FeedbackQuarantineUserError>,
}

/// The payload of `releaseFeedback`.
#[derive(SimpleObject)]
pub(crate) struct ReleaseFeedbackPayload {
    /// The feedback, which is not in quarantine now. Null if there are user errors.
    feedback: Option<FeedbackObject>,
    /// The errors in the input. Empty if the feedback is not in quarantine.
    user_errors: Vec<FeedbackQuarantineUserError>,
}

/// An error in the input of `quarantineFeedback` or `releaseFeedback`.
#[derive(SimpleObject)]
pub(crate) struct FeedbackQuarantineUserError {
    /// The path to the field in the input: `["id"]`.
    field: Vec<String>,
    /// The error code, for programs.
    code: FeedbackQuarantineErrorCode,
    /// A description of the error in English, to follow the field's name.
    message: String,
}

/// The error codes of `quarantineFeedback` and `releaseFeedback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum FeedbackQuarantineErrorCode {
    /// There is no feedback with this id.
    NotFound,
}

impl FeedbackQuarantineUserError {
    /// The error of an id that is of no feedback; none if there is feedback.
    fn of(feedback: Option<&Feedback>) -> Vec<Self> {
        let not_found = Self {
            field: vec!["id".to_owned()],
            code: FeedbackQuarantineErrorCode::NotFound,
            message: TriageError::not_found().message,
        };
        feedback.is_none().then_some(not_found).into_iter().collect()
    }
}

impl From<Option<Feedback>> for QuarantineFeedbackPayload {
    fn from(feedback: Option<Feedback>) -> Self {
        Self {
            user_errors: FeedbackQuarantineUserError::of(feedback.as_ref()),
            feedback: feedback.map(Into::into),
        }
    }
}

impl From<Option<Feedback>> for ReleaseFeedbackPayload {
    fn from(feedback: Option<Feedback>) -> Self {
        Self {
            user_errors: FeedbackQuarantineUserError::of(feedback.as_ref()),
            feedback: feedback.map(Into::into),
        }
    }
}

impl From<Quarantine> for FeedbackQuarantine {
    fn from(quarantine: Quarantine) -> Self {
        let Quarantine { reasons, since } = quarantine;
        Self {
            reasons: reasons.into_iter().map(Into::into).collect(),
            since: DateTime(since),
        }
    }
}
