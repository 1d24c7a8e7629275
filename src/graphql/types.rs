//! The types of the schema: wrappers of the domain's.

mod connection;
mod date;
mod date_time;
mod delete;
mod erase;
mod feedback;
mod filter;
mod nullability;
mod quarantine;
mod statistics;
mod submit;
mod triage;

pub(super) use connection::FeedbackConnection;
pub(super) use date::Date;
pub(super) use date_time::DateTime;
pub(super) use delete::DeleteFeedbackPayload;
pub(super) use erase::{ErasePersonInput, ErasePersonPayload};
pub(super) use feedback::{FeedbackObject, Node};
pub(super) use filter::{FeedbackFilter, FeedbackOrder};
pub(super) use nullability::semantic_non_null;
pub(super) use quarantine::{
    QuarantineFeedbackInput, QuarantineFeedbackPayload, ReleaseFeedbackInput, ReleaseFeedbackPayload,
};
pub(super) use statistics::{
    DEFAULT_COUNT, DEFAULT_TOPICS, FeedbackStatistics, MAX_COUNT, MAX_DAYS, MAX_TOPICS,
};
pub(super) use submit::{SubmitFeedbackInput, SubmitFeedbackPayload};
pub(super) use triage::{TriageFeedbackInput, TriageFeedbackPayload};
