//! Feedback as an object of the schema.

use async_graphql::{ID, Interface, Object, SimpleObject};

use super::date_time::DateTime;
use crate::domain::Feedback;

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
pub(crate) struct FeedbackObject(pub(crate) Feedback);

/// A piece of feedback that somebody submitted.
#[Object(name = "Feedback")]
impl FeedbackObject {
    /// Which one it is: a UUID, in lower case with hyphens.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// What the person wrote: 1 to 5,000 characters, with neither white space at the ends nor control
    /// characters other than newline and tab. It is plain text: escape it before you put it into a page.
    async fn message(&self) -> &str {
        &self.0.message
    }

    /// How satisfied the person is, from 1 (least) to 5 (most). Null if they did not say.
    async fn rating(&self) -> Option<i32> {
        self.0.rating.map(i32::from)
    }

    /// What it is about, in the words of your frontend: 1 to 64 characters.
    async fn topic(&self) -> Option<&str> {
        self.0.topic.as_deref()
    }

    /// Where the person can be answered. Checked for its form, not for whether it exists.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// The page that the feedback was sent from: an http or https URL of at most 2,048 characters.
    async fn page_url(&self) -> Option<&str> {
        self.0.page_url.as_deref()
    }

    /// What your frontend added, in the order in which it did: at most 16 pairs.
    async fn metadata(&self) -> Vec<Metadata<'_>> {
        let entries = self.0.metadata.iter();
        entries
            .map(|entry| Metadata {
                key: &entry.key,
                value: &entry.value,
            })
            .collect()
    }

    /// When the service accepted it. Feedback that was imported from a system which kept whole seconds
    /// has no milliseconds.
    async fn submitted_at(&self) -> DateTime {
        DateTime(self.0.submitted_at)
    }
}

/// A pair that a frontend added to feedback: a version, a plan, an experiment.
#[derive(SimpleObject)]
#[graphql(name = "FeedbackMetadata")]
pub(crate) struct Metadata<'a> {
    /// What the value tells: 1 to 64 characters, once per piece of feedback.
    key: &'a str,
    /// What it is: up to 256 characters.
    value: &'a str,
}
