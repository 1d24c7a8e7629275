//! What a person wrote: a type for each attribute, which keeps the rules and the limits that it has.
//!
//! Lengths are in characters (Unicode scalar values), after trimming and with one character for each line break.
//!
//! Each type has two ways in. `parse` is for what somebody submits: it checks every rule. `from_stored` is for what the
//! table holds, and checks nothing: an older system may have written it, or this service under older rules, and it is
//! returned as it is.

mod email_address;
mod message;
mod metadata;
mod page_url;
mod rating;
mod topic;

pub use email_address::EmailAddress;
pub use message::Message;
pub use metadata::{Metadata, MetadataEntry};
pub use page_url::PageUrl;
pub use rating::Rating;
pub use topic::Topic;

/// What a person wrote. It never changes. Whether two submissions say the same is a matter of it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The text.
    pub message: Message,
    /// How satisfied the person is.
    pub rating: Option<Rating>,
    /// What it is about.
    pub topic: Option<Topic>,
    /// Where to answer.
    pub email: Option<EmailAddress>,
    /// The page it was sent from.
    pub page_url: Option<PageUrl>,
    /// What the frontend added.
    pub metadata: Metadata,
}

/// Nothing but a message.
impl From<Message> for Content {
    fn from(message: Message) -> Self {
        Self {
            message,
            rating: None,
            topic: None,
            email: None,
            page_url: None,
            metadata: Metadata::default(),
        }
    }
}
