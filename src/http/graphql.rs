//! GraphQL over HTTP.
//!
//! By the specification (Stage 2 draft), and where the ecosystem's audit suite differs, by the suite. Written
//! here rather than taken from the GraphQL library, whose helpers accept any content type (so that any page
//! could make a visitor's browser post), batches and multipart bodies, and answer a request that was never
//! executed with `"data": null`.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Name, Positioned, ServerError, Value, Variables};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use self::outcome::Outcome;
pub(super) use self::outcome::{error_body, status_of};
use self::parameters::Parameters;
use super::request_log::{RequestId, Summary};
use super::wire::{Format, is_json};
use super::{STAFF_PATH, Shared, callers, explorer};
use crate::auth::{Caller, Refusal, Root, required_scope};
use crate::graphql::{Code, Session, request_error};

mod outcome;
mod parameters;
mod warm_up;

/// `GET /graphql`: queries, and the explorer for browsers.
pub(super) async fn get(State(shared): State<Arc<Shared>>, parts: Parts) -> Response {
    let explorer = shared.options.explorer.filter(|_| parts.uri.path() != STAFF_PATH);
    let offered = |format| format != Format::Html || explorer.is_some();
    let format = match (Format::negotiate(&parts.headers, offered), explorer) {
        (Some(Format::Html), Some(source)) => return explorer_page(source),
        (Some(format), _) => format,
        (None, _) => return not_acceptable(),
    };
    let parameters = Parameters::from_query(parts.uri.query().unwrap_or_default());
    respond(&shared, &parts, format, parameters.map_err(bad_request)).await
}

/// `POST /graphql`: queries and mutations.
pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(format) = Format::negotiate(&parts.headers, |format| format != Format::Html) else {
        return not_acceptable();
    };
    let parameters = match body {
        _ if !is_json(&parts.headers) => {
            let message = "the Content-Type must be application/json, in UTF-8";
            Err(Outcome::refused(
                Code::BadRequest,
                message,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ))
        }
        Ok(body) => Parameters::from_json(&body).map_err(bad_request),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!(
                "the body must have at most {} bytes",
                shared.options.limits.body_bytes
            );
            Err(Outcome::refused(
                Code::PayloadTooLarge,
                message,
                StatusCode::PAYLOAD_TOO_LARGE,
            ))
        }
        Err(_) => Err(bad_request("the body could not be read to its end".to_owned())),
    };
    respond(&shared, &parts, format, parameters).await
}

/// Decides who calls, executes what they ask for, and writes what became of it.
async fn respond(
    shared: &Shared,
    parts: &Parts,
    format: Format,
    parameters: Result<Parameters, Outcome>,
) -> Response {
    let mut summary = Summary::default();
    let outcome = match callers::caller(&shared.service.access, parts).await {
        Err(Refusal::Unauthenticated) => {
            let message = Refusal::Unauthenticated.to_string();
            Outcome::refused(Code::Unauthenticated, message, StatusCode::UNAUTHORIZED)
        }
        Err(Refusal::CannotTell) => {
            let message = Refusal::CannotTell.to_string();
            Outcome::refused(Code::ServiceUnavailable, message, StatusCode::SERVICE_UNAVAILABLE)
        }
        Ok(caller) => {
            summary.caller = Some(caller.log_name());
            let executed = match parameters {
                Ok(parameters) => execute(shared, &parts.method, &caller, parameters, &mut summary).await,
                Err(refused) => Err(refused),
            };
            executed.unwrap_or_else(|refused| refused)
        }
    };
    outcome.log_causes();
    summary.error_codes = outcome.error_codes();
    let mut response = outcome
        .with_request_id(parts.extensions.get::<RequestId>())
        .into_response(format);
    response.extensions_mut().insert(summary);
    response
}

/// Executes a request, unless something is against it, which is found out before anything is executed.
async fn execute(
    shared: &Shared,
    method: &Method,
    caller: &Caller,
    parameters: Parameters,
    summary: &mut Summary,
) -> Result<Outcome, Outcome> {
    let limits = shared.options.limits;
    limits
        .check_text(&parameters.query)
        .map_err(Outcome::not_executed)?;
    let document = shared
        .documents
        .parse(&parameters.query)
        .map_err(Outcome::not_executed)?;
    let operation = chosen_operation(&document, parameters.operation_name.as_deref())
        .map_err(|message| Outcome::not_executed(request_error(Code::OperationResolutionFailure, message)))?;
    summary.operation = operation_name(&document, parameters.operation_name.as_deref());
    let root = match operation.node.ty {
        OperationType::Query => Root::Query,
        OperationType::Mutation => Root::Mutation,
        OperationType::Subscription => {
            // The library would say so twice.
            let message = "there are no subscriptions in this schema";
            let error = request_error(Code::GraphqlValidationFailed, message);
            return Err(Outcome::not_executed(error));
        }
    };
    summary.operation_type = Some(if root == Root::Query { "query" } else { "mutation" });
    // Not only by GET: HEAD comes this way too.
    if *method != Method::POST && root == Root::Mutation {
        let message = "only queries can be sent by GET: send this operation by POST";
        return Err(Outcome::refused(
            Code::BadRequest,
            message,
            StatusCode::METHOD_NOT_ALLOWED,
        ));
    }
    let root_fields = limits
        .check_document(&document, &operation.node, &parameters.variables)
        .map_err(Outcome::not_executed)?;
    check_access(shared, caller, root, &root_fields)?;
    if let Some(error) = missing_variable(operation, &parameters.variables) {
        return Err(Outcome::not_executed(error));
    }

    let repository = shared.service.repository.metered();
    let session = Session::new(repository.clone(), shared.service.clock.clone());
    let mut request = async_graphql::Request::new(parameters.query)
        .variables(parameters.variables)
        .data(session)
        .data(Arc::clone(&document));
    request.operation_name = parameters.operation_name;
    request.set_parsed_query(ExecutableDocument::clone(&document));
    let response = shared.service.schema.execute(request).await;
    summary.dynamodb_requests = repository.requests_made();
    Ok(Outcome::from(response))
}

/// Refuses an operation as a whole when any of its fields is not for this caller.
fn check_access(
    shared: &Shared,
    caller: &Caller,
    root: Root,
    root_fields: &BTreeSet<Name>,
) -> Result<(), Outcome> {
    for field in root_fields {
        if !shared.options.introspection && matches!(field.as_str(), "__schema" | "__type") {
            let message =
                "what the schema looks like is not told here: see the schema.graphql of this service";
            let error = request_error(Code::IntrospectionDisabled, message);
            return Err(Outcome::not_executed(error));
        }
        let Some(scope) = required_scope(root, field).filter(|scope| !caller.may(*scope)) else {
            continue;
        };
        let (code, status) = if caller.is_anonymous() {
            (Code::Unauthenticated, StatusCode::UNAUTHORIZED)
        } else {
            (Code::Forbidden, StatusCode::FORBIDDEN)
        };
        let message = format!("this takes a credential with the scope {}", scope.name());
        return Err(Outcome::refused(code, message, status));
    }
    Ok(())
}

/// The operation that is to be executed (GraphQL specification, "Executing Requests").
fn chosen_operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a Positioned<OperationDefinition>, String> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Single(_), Some(name)) => Err(format!(
            "there is no operation named \"{name:.60}\": the only one has no name"
        )),
        (DocumentOperations::Multiple(operations), Some(name)) => operations
            .get(name)
            .ok_or_else(|| format!("there is no operation named \"{name:.60}\" in the document")),
        (DocumentOperations::Multiple(operations), None) => match operations.len() {
            1 => operations.values().next().ok_or_else(String::new),
            _ => Err("the document has several operations: name one in operationName".to_owned()),
        },
    }
}

/// The operation's name, for the log: only what is a name in the document, never free text.
fn operation_name(document: &ExecutableDocument, name: Option<&str>) -> Option<String> {
    match (&document.operations, name) {
        (DocumentOperations::Multiple(operations), Some(name)) if operations.contains_key(name) => {
            name.get(..64).or(Some(name)).map(str::to_owned)
        }
        (DocumentOperations::Multiple(operations), None) => operations.keys().next().map(ToString::to_string),
        _ => None,
    }
}

/// A variable that has to have a value and has none. The library would find out field by field, during
/// execution, where the specification wants the request refused.
fn missing_variable(
    operation: &Positioned<OperationDefinition>,
    variables: &Variables,
) -> Option<ServerError> {
    let missing = operation.node.variable_definitions.iter().find(|definition| {
        let definition = &definition.node;
        !definition.var_type.node.nullable
            && definition.default_value.is_none()
            && variables
                .get(&definition.name.node)
                .is_none_or(|value| *value == Value::Null)
    })?;
    let definition = &missing.node;
    let message = format!(
        "the variable ${} must have a value, of type {}",
        definition.name.node, definition.var_type.node
    );
    let mut error = ServerError::new(message, Some(missing.pos));
    Code::BadUserInput.mark(&mut error);
    Some(error)
}

/// The answer to what is no GraphQL request.
fn bad_request(message: String) -> Outcome {
    Outcome::refused(Code::BadRequest, message, StatusCode::BAD_REQUEST)
}

fn not_acceptable() -> Response {
    let message = "the answer can be application/graphql-response+json or application/json: \
                   the Accept header must admit one of them";
    Outcome::refused(Code::BadRequest, message, StatusCode::NOT_ACCEPTABLE).into_response(Format::Json)
}

fn explorer_page(source: explorer::Source) -> Response {
    let nonce = Uuid::new_v4().simple().to_string();
    let page = explorer::page(source, &nonce);
    let headers = [
        (header::CONTENT_TYPE, Format::Html.content_type()),
        (header::CONTENT_SECURITY_POLICY, &page.content_security_policy),
        (header::VARY, "Accept"),
    ];
    (headers, page.html).into_response()
}
