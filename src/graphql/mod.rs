//! The GraphQL schema and what stands behind its fields.
//!
//! The schema is built without any resource, so that it can be printed without a database. What the
//! resolvers of one request share ([`Session`]) travels with the request.

mod block_strings;
mod completion;
mod cursor;
mod documents;
mod error;
mod limits;
mod loader;
mod mutation;
mod query;
mod tokens;
mod types;

use async_graphql::{EmptySubscription, SDLExportOptions};

pub use documents::Documents;
pub use error::{Code, request_error};
pub use limits::Limits;

use crate::domain::Clock;
use crate::repository::FeedbackRepository;
use completion::CompletionFactory;
use loader::FeedbackLoader;
use mutation::Mutation;
use query::Query;

/// The schema of the service.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Whether clients may ask what the schema looks like, and are told in error messages what they may have meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Introspection {
    /// They may.
    On,
    /// They may not.
    Off,
}

/// Builds the schema.
#[must_use]
pub fn schema(introspection: Introspection) -> Schema {
    let builder = Schema::build(Query, Mutation, EmptySubscription)
        .extension(CompletionFactory)
        // More than the limits let through that are checked before, and that tell which one it was.
        .limit_recursive_depth(128);
    match introspection {
        Introspection::On => builder.finish(),
        Introspection::Off => builder.disable_introspection().disable_suggestions().finish(),
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
    let sdl = schema(Introspection::On).sdl_with_options(options);
    // The exporter leaves blank lines at the end and white space on some lines.
    let lines: Vec<&str> = sdl.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim_end())
}

/// What the resolvers of one request share.
pub struct Session {
    repository: FeedbackRepository,
    feedback: FeedbackLoader,
    clock: Clock,
}

impl Session {
    /// A session for one request, on a repository whose requests are counted for it.
    #[must_use]
    pub fn new(repository: FeedbackRepository, clock: Clock) -> Self {
        Self {
            feedback: loader::new(repository.clone(), clock.clone()),
            repository,
            clock,
        }
    }
}
