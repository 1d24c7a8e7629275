//! Feedback as an object of the schema.

use async_graphql::{ComplexObject, Context, ID, Interface, SimpleObject};

use super::date_time::DateTime;
use super::quarantine::FeedbackQuarantine;
use super::triage::FeedbackTriage;
use crate::auth::Scope;
use crate::domain::{Content, Feedback, MetadataEntry, Quarantine, Rating, Triage};
use crate::graphql::RequestContext;

/// An object that can be fetched by its id.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "The id of the object, unique across all types."
))]
pub(crate) enum Node {
    Feedback(FeedbackObject),
}

/// A piece of feedback.
#[derive(SimpleObject)]
#[graphql(name = "Feedback", complex)]
pub(crate) struct FeedbackObject {
    /// The id of the feedback: a UUID, in lower case with hyphens.
    #[graphql(owned)]
    id: ID,
    /// The text of the feedback: 1 to 5,000 characters, without white space at the ends or control characters other
    /// than newline and tab. It is plain text: escape it before you put it into a page.
    message: String,
    /// The person's satisfaction, from 1 (lowest) to 5 (highest). Null if not given.
    rating: Option<u8>,
    /// The subject of the feedback, as your frontend names it: 1 to 64 characters.
    topic: Option<String>,
    /// The person's email address. Its format is validated, its existence is not.
    email: Option<String>,
    /// The page that the feedback was sent from: an http or https URL of at most 2,048 characters.
    page_url: Option<String>,
    /// Key-value pairs that your frontend added, in their original order: at most 16.
    metadata: Vec<FeedbackMetadata>,
    /// The time of the submission. Feedback imported from a system that kept whole seconds has no milliseconds.
    submitted_at: DateTime,
    #[graphql(skip)]
    triage: Option<Triage>,
    #[graphql(skip)]
    quarantine: Option<Quarantine>,
}

#[ComplexObject]
impl FeedbackObject {
    /// What staff made of it. Null for callers without the scope `feedback:read`, and for feedback from before there was
    /// triage, until it is changed.
    async fn triage(&self, context: &Context<'_>) -> Option<FeedbackTriage> {
        let triage = self.triage.as_ref().filter(|_| may_read(context));
        triage.cloned().map(Into::into)
    }

    /// Why the feedback is in quarantine. Null for feedback that is not, and for callers without the scope
    /// `feedback:read`.
    async fn quarantine(&self, context: &Context<'_>) -> Option<FeedbackQuarantine> {
        let quarantine = self.quarantine.as_ref().filter(|_| may_read(context));
        quarantine.cloned().map(Into::into)
    }
}

/// Whether the caller may see more of feedback than who has submitted it.
fn may_read(context: &Context<'_>) -> bool {
    context.data_unchecked::<RequestContext>().caller.may(Scope::Read)
}

/// A key-value pair that a frontend added to feedback: a version, a plan, an experiment.
#[derive(SimpleObject)]
pub(crate) struct FeedbackMetadata {
    /// The key: 1 to 64 characters, unique within the feedback.
    key: String,
    /// The value: up to 256 characters.
    value: String,
}

impl From<Feedback> for FeedbackObject {
    fn from(feedback: Feedback) -> Self {
        let Feedback {
            id,
            submitted_at,
            content,
            triage,
            quarantine,
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
            triage,
            quarantine,
        }
    }
}
