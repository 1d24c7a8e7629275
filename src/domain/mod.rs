//! What the service is about, in its own words: pieces of feedback, their identity, their place in
//! time, and pages of them. Nothing here knows of AWS, GraphQL or HTTP.
//!
//! Values are checked once, where they enter ([`NewFeedback::parse`], [`FeedbackId::parse`],
//! [`PageRequest::new`]); a value that exists is a value that is valid.

mod clock;
mod feedback;
mod id;
pub mod limits;
mod new_feedback;
mod page;
mod position;
mod timestamp;

pub use clock::Clock;
pub use feedback::{Feedback, MetadataEntry};
pub use id::{FeedbackId, FeedbackIdError};
pub use new_feedback::{Draft, NewFeedback, Rule, Violation};
pub use page::{Direction, Filter, FilterError, Order, Page, PageRequest, PageRequestError};
pub use position::{Position, PositionRange};
pub use timestamp::{Timestamp, TimestampError};
