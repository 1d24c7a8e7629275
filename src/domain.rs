//! What the service is about, in its own words: pieces of feedback, their identity, their place in
//! time, and pages of them. Nothing here knows of AWS, GraphQL or HTTP.
//!
//! Values are checked once, where they enter ([`Message::parse`], [`FeedbackId::parse`], [`PageRequest::new`]); a value
//! that exists is a value that is valid.

mod client;
mod clock;
mod content;
mod date;
mod feedback;
mod filter;
mod id;
mod idempotency_key;
mod page;
mod person;
mod position;
mod quarantine;
mod statistics;
mod tally;
mod text;
mod timestamp;
mod triage;
mod violation;

pub use client::{ClientAddress, Submitter};
pub use clock::Clock;
pub use content::{Content, EmailAddress, Message, Metadata, MetadataEntry, PageUrl, Rating, Topic};
pub use date::{Date, DateError};
pub use feedback::{Feedback, NewFeedback};
pub use filter::{Condition, Filter, FilterError};
pub use id::{FeedbackId, FeedbackIdError};
pub use idempotency_key::IdempotencyKey;
pub use page::{Direction, Order, Page, PageRequest, PageRequestError};
pub use person::Person;
pub use position::{Position, PositionRange};
pub use quarantine::{Quarantine, QuarantineReason, QuarantineRules, Signals};
pub use statistics::{RatingCounts, Statistics};
pub use tally::{Move, Piece, Tally, settled_to};
pub use timestamp::{Timestamp, TimestampError};
pub use triage::{
    Note, Status, Tag, Triage, TriageChange, TriageError, TriageField, TriageRule, TriageUpdate,
};
pub use violation::{Field, Part, Rule, TextRule, Violation, Violations};
