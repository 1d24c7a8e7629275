//! The schema as a subgraph of a federated graph, by version 2 of Apollo Federation's specification.
//!
//! The fields of a subgraph are our own. The library's stop at the first entity that fails, and report an entity that
//! does not exist as an error.

use std::borrow::Cow;
use std::sync::LazyLock;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::{ContainerType, resolve_container};
use async_graphql::{
    Any, Context, ContextSelectionSet, ID, Object, ObjectType, OutputType, Positioned, ServerResult,
    SimpleObject, Value,
};

use super::definition::{SDL, definition};
use super::error::ApiError;
use super::query::{Query, loaded_node, parse_id};
use super::types::Node;
use super::{Federation, RequestContext};
use crate::domain::FeedbackId;

/// The most representations in one field. A gateway asks for all entities of a step of its plan at once, and cannot
/// be told to ask for fewer, so that these are more than the ids of `nodes`.
const MAX_REPRESENTATIONS: usize = 1_000;

/// The version of the specification, and the directives that are used: the first version has them all.
const LINK: &str =
    r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])"#;

/// The directives of types. Nearly every subgraph with a connection has the same `PageInfo`.
const DIRECTIVES: [(&str, &str); 2] = [("Feedback", r#"@key(fields: "id")"#), ("PageInfo", "@shareable")];

/// The fields of `Query` that a graph does not get: ids of other subgraphs cannot be resolved here, and a graph can
/// have each of these fields from one subgraph alone.
const LEFT_OUT: [&str; 2] = ["node", "nodes"];

/// The root type of queries in the library, with the fields of a subgraph. The library is told of [`Query`] alone, which
/// costs nothing where there is no graph: it executes what the definition has.
pub(super) struct QueryRoot;

impl ContainerType for QueryRoot {
    async fn resolve_field(&self, context: &Context<'_>) -> ServerResult<Option<Value>> {
        match Query.resolve_field(context).await? {
            None => Subgraph.resolve_field(context).await,
            found => Ok(found),
        }
    }
}

impl OutputType for QueryRoot {
    fn type_name() -> Cow<'static, str> {
        <Query as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Query::create_type_info(registry)
    }

    async fn resolve(&self, context: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        resolve_container(context, self).await
    }
}

impl ObjectType for QueryRoot {}

struct Subgraph;

/// The definition of a subgraph.
#[derive(SimpleObject)]
#[graphql(name = "_Service")]
struct Service {
    sdl: &'static str,
}

#[Object]
impl Subgraph {
    #[graphql(name = "_entities")]
    async fn entities(
        &self,
        context: &Context<'_>,
        representations: Vec<Any>,
    ) -> Result<Vec<Option<Result<Node, ApiError>>>, ApiError> {
        if representations.len() > MAX_REPRESENTATIONS {
            let message = format!(
                "`representations` must have at most {MAX_REPRESENTATIONS} entries, not {}",
                representations.len()
            );
            return Err(ApiError::BadUserInput(message));
        }
        let ids: Vec<Result<FeedbackId, ApiError>> = representations.iter().map(id_of).collect();
        let valid = ids.iter().filter_map(|id| id.as_ref().ok().copied());
        let shared = context.data_unchecked::<RequestContext>();
        let loaded = shared.feedback.load_many(valid.collect()).await;
        let entities = ids.into_iter().map(|id| match id.map(|id| loaded.get(&id)) {
            Ok(found) => loaded_node(found?),
            Err(error) => Some(Err(error)),
        });
        Ok(entities.collect())
    }

    #[graphql(name = "_service")]
    async fn service(&self) -> Service {
        Service { sdl: subgraph_sdl() }
    }
}

/// The id of the feedback that a representation refers to.
fn id_of(Any(representation): &Any) -> Result<FeedbackId, ApiError> {
    let invalid = |message: &str| Err(ApiError::BadUserInput(message.to_owned()));
    let Value::Object(fields) = representation else {
        return invalid("a representation must be an object: its `__typename` and the fields of its key");
    };
    match fields.get("__typename") {
        Some(Value::String(name)) if name == "Feedback" => {}
        Some(Value::String(name)) => {
            return invalid(&format!(
                "`{name:.60}` is not an entity of this subgraph: it has `Feedback`"
            ));
        }
        _ => return invalid("a representation must have its `__typename`: \"Feedback\""),
    }
    match fields.get("id") {
        Some(Value::String(id)) => parse_id(&ID(id.clone())),
        Some(Value::Number(id)) => parse_id(&ID(id.to_string())),
        _ => invalid("a representation of `Feedback` must have its `id`: a UUID with hyphens"),
    }
}

/// The schema for composition, in the schema definition language: with the directives that composition needs, and
/// without the fields that every subgraph has.
#[must_use]
pub fn subgraph_sdl() -> &'static str {
    static FOR_COMPOSITION: LazyLock<String> = LazyLock::new(for_composition);
    &FOR_COMPOSITION
}

/// Edits the schema's text where the compiler found its parts. The compiler's own writer would be linked in for this
/// alone.
fn for_composition() -> String {
    let schema = &definition(Federation::On).schema;
    let added = DIRECTIVES.iter().filter_map(|(name, directive)| {
        let name_end = schema.get_object(name)?.name.location()?.end_offset();
        let body = name_end + SDL.get(name_end..)?.find('{')?;
        Some((body, body, format!("{directive} ")))
    });
    let left_out = LEFT_OUT.iter().filter_map(|name| {
        let field = schema.get_object("Query")?.fields.get(*name)?.location()?;
        let line = SDL.get(..field.offset())?.rfind('\n')? + 1;
        let next_line = field.end_offset() + SDL.get(field.end_offset()..)?.find('\n')? + 1;
        Some((line, next_line, String::new()))
    });
    let mut edits: Vec<_> = added.chain(left_out).collect();
    edits.sort_unstable();
    let (mut sdl, mut copied) = (format!("{LINK}\n\n"), 0);
    for (start, end, replacement) in edits {
        sdl.extend([&SDL[copied..start], &replacement]);
        copied = end;
    }
    sdl + &SDL[copied..]
}
