//! Execution by the GraphQL specification.
//!
//! Two libraries share the work. apollo-compiler parses, validates and coerces. async-graphql, whose own parser and
//! validator differ from the specification, hosts schema and resolvers: it gets a document in which nothing is left to
//! decide, and executes each field once. Its result is completed here.

use std::sync::{Arc, LazyLock};

use apollo_compiler::request;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use async_graphql::{EmptySubscription, Response, ServerError, ValidationMode};

use super::completion::{complete, library_document, place};
use super::definition::{Definition, definition};
use super::document_cache::{ChosenOperation, DocumentCache};
use super::error::{ErrorCode, request_error};
use super::introspection::{self, is_about_schema, tells_schema};
use super::limits::Limits;
use super::mutation::Mutation;
use super::rules::error_in;
use super::selection::{Field, collect};
use super::subgraph::QueryRoot;
use super::trusted_documents::{RequestedDocument, TrustedDocuments};
use super::validation::one;
use super::values::of_json;
use super::{Federation, Introspection, RequestContext};
use crate::auth::Caller;

/// The values of an operation's variables, by name.
pub type Variables = JsonMap;

type Schema = async_graphql::Schema<QueryRoot, Mutation, EmptySubscription>;

/// The schema, ready to execute operations. Made once, and shared.
#[derive(Clone)]
pub struct Executor(Arc<Inner>);

struct Inner {
    settings: Settings,
    schema: LazyLock<Schema>,
    documents: LazyLock<DocumentCache>,
}

#[derive(Clone)]
struct Settings {
    introspection: Introspection,
    limits: Limits,
    /// The fields that exist are those in it: the library's schema has a subgraph's besides.
    definition: &'static LazyLock<Definition>,
    trusted: Option<Arc<TrustedDocuments>>,
}

impl Executor {
    /// The schema with these limits on one request. It is built when the first operation is executed, which a function
    /// does in advance while it waits for the network.
    #[must_use]
    pub fn new(introspection: Introspection, limits: Limits) -> Self {
        Self::with(Settings {
            introspection,
            limits,
            definition: definition(Federation::Off),
            trusted: None,
        })
    }

    /// The same, with or without the fields of a subgraph; without them if this is not called.
    #[must_use]
    pub fn federated(self, federation: Federation) -> Self {
        Self::with(Settings {
            definition: definition(federation),
            ..self.0.settings.clone()
        })
    }

    /// The same, with trusted documents, if there are any. They are valid against the schema that is executed.
    #[must_use]
    pub fn trusting(self, trusted: Option<TrustedDocuments>) -> Self {
        Self::with(Settings {
            trusted: trusted.map(Arc::new),
            ..self.0.settings.clone()
        })
    }

    fn with(settings: Settings) -> Self {
        Self(Arc::new(Inner {
            settings,
            schema: LazyLock::new(schema),
            documents: LazyLock::new(DocumentCache::new),
        }))
    }

    /// The limits on one request.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.settings.limits
    }

    /// Parses and validates a document, and chooses the operation named `name`, or the only one.
    ///
    /// # Errors
    /// With [`ErrorCode::GraphqlParseFailed`], [`ErrorCode::GraphqlValidationFailed`],
    /// [`ErrorCode::OperationResolutionFailure`] or the code of a limit.
    pub fn choose(&self, document: &str, name: Option<&str>) -> Result<ChosenOperation, Vec<ServerError>> {
        let Settings {
            limits, definition, ..
        } = &self.0.settings;
        let document = self.0.documents.document(document, limits, definition)?;
        ChosenOperation::of(document, name)
    }

    /// Finds the document that a caller requests, and chooses its operation named `name`, or the only one.
    ///
    /// # Errors
    /// Those of [`choose`](Self::choose); with [`ErrorCode::PersistedQueryNotFound`],
    /// [`ErrorCode::PersistedQueryNotInList`] or [`ErrorCode::PersistedQueryNotSupported`] for an id, with
    /// [`ErrorCode::QueryNotInSafelist`] for a text, and with [`ErrorCode::BadRequest`] where they contradict each other.
    pub fn choose_requested(
        &self,
        requested: &RequestedDocument,
        name: Option<&str>,
        caller: &Caller,
    ) -> Result<ChosenOperation, Vec<ServerError>> {
        let trusted = match &self.0.settings.trusted {
            Some(trusted) => trusted.find(requested, caller).map_err(one)?,
            None => None,
        };
        match (trusted, requested) {
            (Some(document), _) => ChosenOperation::of(document, name),
            (None, RequestedDocument::Text { text, .. }) => Ok(ChosenOperation {
                is_arbitrary: self.0.settings.trusted.is_some(),
                ..self.choose(text, name)?
            }),
            (None, RequestedDocument::Id(id)) => Err(one(id.not_supported())),
        }
    }

    /// Prepares an operation for execution: coerces its variables, and collects its fields.
    ///
    /// # Errors
    /// With [`ErrorCode::BadUserInput`] for a variable, [`ErrorCode::IntrospectionDisabled`], or the code of a limit.
    pub fn prepare(
        &self,
        chosen: ChosenOperation,
        variables: &Variables,
    ) -> Result<Operation, Vec<ServerError>> {
        let variables = coerced(&chosen, variables).map_err(one)?;
        let collected = collect(&chosen.document, &chosen.operation, &variables, self.limits());
        let (fields, complexity) = collected.map_err(one)?;
        let operation = Operation {
            chosen,
            variables,
            fields,
            complexity,
        };
        if operation.fields.iter().any(tells_schema) {
            self.check_introspection(&operation.chosen).map_err(one)?;
        }
        Ok(operation)
    }

    fn check_introspection(&self, chosen: &ChosenOperation) -> Result<(), ServerError> {
        if self.0.settings.introspection == Introspection::Off {
            let message = "introspection is disabled: see the schema.graphql of this service";
            return Err(request_error(ErrorCode::IntrospectionDisabled, message));
        }
        introspection::check_depth(chosen)
    }

    /// Executes the only operation of a document, with no variables but these.
    ///
    /// # Errors
    /// See [`choose`](Self::choose) and [`prepare`](Self::prepare).
    pub async fn run(
        &self,
        document: &str,
        variables: &Variables,
        request_context: RequestContext,
    ) -> Result<Response, Vec<ServerError>> {
        let operation = self.prepare(self.choose(document, None)?, variables)?;
        Ok(self.execute(operation, request_context).await)
    }

    /// Executes an operation. Field errors have a code, except those of arguments that the library rejects.
    pub async fn execute(&self, operation: Operation, request_context: RequestContext) -> Response {
        let Operation {
            chosen,
            variables,
            fields,
            ..
        } = &operation;
        let mut response = if fields
            .iter()
            .all(|field| is_about_schema(field) || field.name() == "__typename")
        {
            Response::default()
        } else {
            let mut request = async_graphql::Request::new("").data(request_context);
            request.set_parsed_query(library_document(chosen.operation_type(), fields, variables));
            self.0.schema.execute(request).await
        };
        let mut about_schema = JsonMap::new();
        if fields.iter().any(is_about_schema) {
            let (data, errors) = introspection::execute(chosen, fields, variables);
            about_schema = data;
            response.errors.extend(errors);
        }
        place(&mut response.errors, &chosen.document, fields);
        response.data = complete(
            chosen.operation.object_type(),
            fields,
            response.data,
            &about_schema,
        );
        response
    }
}

/// An operation that is ready for execution.
#[derive(Debug)]
pub struct Operation {
    pub(super) chosen: ChosenOperation,
    variables: Valid<JsonMap>,
    fields: Vec<Field>,
    complexity: usize,
}

impl Operation {
    /// Its points of complexity, of which [`Limits::complexity`] is the maximum.
    #[must_use]
    pub fn complexity(&self) -> usize {
        self.complexity
    }

    /// The names of the root fields that are executed, in order; a field under two aliases counts twice.
    pub(super) fn root_fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name().as_str())
    }
}

/// The library's schema.
fn schema() -> Schema {
    Schema::build(QueryRoot, Mutation, EmptySubscription)
        .validation_mode(ValidationMode::Fast)
        // The service's own limits are checked before, each with a code of its own.
        .limit_recursive_depth(usize::MAX)
        .finish()
}

/// The coerced values of all variables (`CoerceVariableValues`).
fn coerced(chosen: &ChosenOperation, variables: &Variables) -> Result<Valid<JsonMap>, ServerError> {
    let ChosenOperation {
        document, operation, ..
    } = chosen;
    let schema = &document.definition.schema;
    let coerced = request::coerce_variable_values(schema, operation, variables).map_err(|error| {
        document.error(
            ErrorCode::BadUserInput,
            &error.message().to_string(),
            error.location(),
        )
    })?;
    for variable in &operation.variables {
        let value = coerced.get(variable.name.as_str());
        if let Some(message) = value.and_then(|value| error_in(schema, &variable.ty, &of_json(value))) {
            let message = format!("`${}`: {message}", variable.name);
            return Err(document.error(ErrorCode::BadUserInput, &message, variable.location()));
        }
    }
    Ok(coerced)
}
