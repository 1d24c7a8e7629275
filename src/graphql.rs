//! The GraphQL schema and its execution.
//!
//! The schema is built without any resource, so that it can be printed without a database. The resolvers' resources
//! ([`RequestContext`]) travel with the request.

mod completion;
mod cursor;
mod definition;
mod document;
mod document_cache;
mod error;
mod executor;
mod introspection;
mod limits;
mod loader;
mod mutation;
mod nesting;
mod policy;
mod query;
mod rules;
mod selection;
mod subgraph;
mod syntax;
mod trusted_documents;
mod types;
mod validation;
mod values;

use async_graphql::{EmptySubscription, SDLExportOptions, Schema};

pub use document_cache::ChosenOperation;
pub use error::{ErrorCode, request_error, retry_after, set_retry_after};
pub use executor::{Executor, Operation, Variables};
pub use limits::Limits;
pub use subgraph::subgraph_sdl;
pub use trusted_documents::{ArbitraryDocuments, DocumentId, RequestedDocument, TrustedDocuments};

use crate::auth::Caller;
use crate::domain::{Clock, Submitter};
use crate::repository::FeedbackRepository;
use loader::FeedbackLoader;
use mutation::Mutation;
use query::Query;

/// Whether introspection is enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Introspection {
    /// It is.
    On,
    /// It is not.
    Off,
}

impl From<bool> for Introspection {
    fn from(is_enabled: bool) -> Self {
        if is_enabled { Self::On } else { Self::Off }
    }
}

/// Whether the schema is a subgraph of a federated graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Federation {
    /// It is: it has the fields by which a gateway loads entities and reads the definition.
    On,
    /// It is not, and has no such fields.
    Off,
}

impl From<bool> for Federation {
    fn from(is_enabled: bool) -> Self {
        if is_enabled { Self::On } else { Self::Off }
    }
}

/// The schema in the schema definition language, in a stable order.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by()
        .use_space_ident();
    let schema = Schema::new(Query, Mutation, EmptySubscription);
    let sdl = schema.sdl_with_options(options);
    // The exporter leaves blank lines at the end and white space on some lines.
    let lines: Vec<&str> = sdl.lines().map(str::trim_end).collect();
    let sdl = format!("{}\n", lines.join("\n").trim_end());
    // It writes out an argument that is the default.
    sdl.replace("@semanticNonNull(levels: [0])", "@semanticNonNull")
}

/// The resources that the resolvers of one request share.
pub struct RequestContext {
    repository: FeedbackRepository,
    feedback: FeedbackLoader,
    clock: Clock,
    caller: Caller,
    submitter: Submitter,
}

impl RequestContext {
    /// The context of one request of this caller, on a repository that counts its requests.
    #[must_use]
    pub fn new(repository: FeedbackRepository, clock: Clock, caller: Caller) -> Self {
        Self {
            feedback: loader::new(repository.clone(), clock.clone()),
            repository,
            clock,
            caller,
            submitter: Submitter::WithCredential,
        }
    }

    /// The same context, in which this is who submits; without it, nobody whose submissions are counted.
    #[must_use]
    pub fn submitted_by(self, submitter: Submitter) -> Self {
        Self { submitter, ..self }
    }
}
