//! The GraphQL schema and what stands behind its fields.
//!
//! The schema is built without any resource, so that it can be printed without a database. What the
//! resolvers of one request share ([`Session`]) travels with the request.

mod cursor;
mod error;
mod loader;
mod mutation;
mod query;
mod types;

use async_graphql::{EmptySubscription, SDLExportOptions};

pub use error::{Code, request_error};

use crate::domain::Clock;
use crate::repository::FeedbackRepository;
use error::MarkRequestErrors;
use loader::FeedbackLoader;
use mutation::Mutation;
use query::Query;

/// The schema of the service.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema.
#[must_use]
pub fn schema() -> Schema {
    Schema::build(Query, Mutation, EmptySubscription)
        .extension(MarkRequestErrors)
        .finish()
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
    let sdl = schema().sdl_with_options(options);
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
            feedback: loader::new(repository.clone()),
            repository,
            clock,
        }
    }
}
