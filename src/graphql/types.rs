//! The types of the schema: wrappers of the domain's.

mod connection;
mod date_time;
mod delete;
mod feedback;
mod filter;
mod submit;
mod triage;

pub(super) use connection::FeedbackConnection;
pub(super) use date_time::DateTime;
pub(super) use delete::DeleteFeedbackPayload;
pub(super) use feedback::{FeedbackObject, Node};
pub(super) use filter::{FeedbackFilter, FeedbackOrder};
pub(super) use submit::{SubmitFeedbackInput, SubmitFeedbackPayload};
pub(super) use triage::{TriageFeedbackInput, TriageFeedbackPayload};
