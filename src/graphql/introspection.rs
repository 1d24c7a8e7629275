//! Introspection, executed by the compiler on the schema's definition.

use apollo_compiler::introspection::{check_max_depth, partial_execute};
use apollo_compiler::response::{GraphQLError, JsonMap, JsonValue, ResponseDataPathSegment};
use apollo_compiler::validation::Valid;
use async_graphql::{PathSegment, ServerError};

use super::document_cache::ChosenOperation;
use super::error::{ErrorCode, request_error};
use super::selection::Field;

/// Whether a root field is introspection, which the compiler executes.
pub(super) fn is_about_schema(field: &Field) -> bool {
    matches!(field.name().as_str(), "__schema" | "__type")
}

/// Whether a root field tells the schema: introspection, or the definition of a subgraph.
pub(super) fn tells_schema(field: &Field) -> bool {
    is_about_schema(field) || field.name() == "_service"
}

/// Checks that lists are not nested so deeply that the response explodes.
pub(super) fn check_depth(chosen: &ChosenOperation) -> Result<(), ServerError> {
    let ChosenOperation {
        document, operation, ..
    } = chosen;
    check_max_depth(document, operation).map_err(|error| {
        document.error(
            ErrorCode::QueryTooDeep,
            &error.message().to_string(),
            error.location(),
        )
    })
}

/// The values of the introspection fields, by response key, and their errors.
pub(super) fn execute(
    chosen: &ChosenOperation,
    fields: &[Field],
    variables: &Valid<JsonMap>,
) -> (JsonMap, Vec<ServerError>) {
    let ChosenOperation {
        document, operation, ..
    } = chosen;
    let variables = without_null(operation, variables);
    let definition = document.definition;
    let (schema, implementers) = (&definition.schema, definition.implementers());
    let executed = partial_execute(schema, implementers, document, operation, &variables);
    let Ok(executed) = executed else {
        return (JsonMap::new(), Vec::new());
    };
    let errors = executed
        .errors
        .into_iter()
        .filter_map(|error| error_of(error, fields));
    (executed.data.unwrap_or_default(), errors.collect())
}

/// The variables with false for each Boolean that is null, which the compiler's executor takes for true in `@include`.
/// Elsewhere null and false mean the same: deprecated members are omitted.
fn without_null(
    operation: &apollo_compiler::executable::Operation,
    variables: &Valid<JsonMap>,
) -> Valid<JsonMap> {
    let mut variables = JsonMap::clone(variables);
    for definition in &operation.variables {
        if let Some(value) = variables.get_mut(definition.name.as_str())
            && value.is_null()
            && definition.ty.inner_named_type() == "Boolean"
        {
            *value = JsonValue::Bool(false);
        }
    }
    Valid::assume_valid(variables)
}

/// The error of a root field: a variable made an argument null. Errors below are of `isOneOf` alone, which the compiler
/// does not know, and other root fields are not executed by the compiler.
fn error_of(found: GraphQLError, fields: &[Field]) -> Option<ServerError> {
    let [ResponseDataPathSegment::Field(key)] = found.path.as_slice() else {
        return None;
    };
    fields
        .iter()
        .find(|field| field.key() == key && is_about_schema(field))?;
    let mut error = request_error(ErrorCode::BadUserInput, found.message);
    error.path.push(PathSegment::Field(key.to_string()));
    Some(error)
}
