//! Feedback as an object of the schema.

use async_graphql::{ID, Interface, SimpleObject};

use super::date_time::DateTime;
use crate::domain::{Content, Feedback, MetadataEntry, Rating};

/// Anything that can be fetched by its id alone.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "Which one it is. Ids are unique across all types."
))]
pub(crate) enum Node {
    Feedback(FeedbackObject),
}

/// A piece of feedback that somebody submitted.
#[derive(SimpleObject)]
#[graphql(name = "Feedback")]
pub(crate) struct FeedbackObject {
    /// Which one it is: a UUID, in lower case with hyphens.
    #[graphql(owned)]
    id: ID,
    /// What the person wrote: 1 to 5,000 characters, with neither white space at the ends nor control
    /// characters other than newline and tab. It is plain text: escape it before you put it into a page.
    message: String,
    /// How satisfied the person is, from 1 (least) to 5 (most). Null if they did not say.
    rating: Option<u8>,
    /// What it is about, in the words of your frontend: 1 to 64 characters.
    topic: Option<String>,
    /// Where the person can be answered. Checked for its form, not for whether it exists.
    email: Option<String>,
    /// The page that the feedback was sent from: an http or https URL of at most 2,048 characters.
    page_url: Option<String>,
    /// What your frontend added, in the order in which it did: at most 16 pairs.
    metadata: Vec<FeedbackMetadata>,
    /// When the service accepted it. Feedback that was imported from a system which kept whole seconds
    /// has no milliseconds.
    submitted_at: DateTime,
}

/// A pair that a frontend added to feedback: a version, a plan, an experiment.
#[derive(SimpleObject)]
pub(crate) struct FeedbackMetadata {
    /// What the value tells: 1 to 64 characters, once per piece of feedback.
    key: String,
    /// What it is: up to 256 characters.
    value: String,
}

impl From<Feedback> for FeedbackObject {
    fn from(feedback: Feedback) -> Self {
        let Feedback {
            id,
            submitted_at,
            content,
        } = feedback;
        let Content {
            message,
            rating,
            topic,
            email,
            page_url,
            metadata,
        } = content;
        let pairs = Vec::from(metadata).into_iter();
        Self {
            id: id.to_string().into(),
            message: message.into(),
            rating: rating.map(Rating::get),
            topic: topic.map(Into::into),
            email: email.map(Into::into),
            page_url: page_url.map(Into::into),
            metadata: pairs
                .map(|MetadataEntry { key, value }| FeedbackMetadata { key, value })
                .collect(),
            submitted_at: DateTime(submitted_at),
        }
    }
}
