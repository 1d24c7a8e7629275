//! GraphQL over HTTP.
//!
//! By the specification (Stage 2 draft), and where the ecosystem's audit suite differs, by the suite. Written
//! here rather than taken from the GraphQL library, whose helpers accept any content type (so that any page
//! could make a visitor's browser post), batches and multipart bodies, and answer a request that was never
//! executed with `"data": null`.

use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Positioned, ServerError, Value, Variables};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;

use self::parameters::Parameters;
use super::request_log::Summary;
use super::wire::{Format, is_json};
use super::{Shared, explorer};
use crate::graphql::{Code, Session, request_error};
use crate::repository::RepositoryError;

mod parameters;

/// `GET /graphql`: queries, and the explorer for browsers.
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let offered = |format| format != Format::Html || shared.explorer.is_some();
    let format = match Format::negotiate(&headers, offered) {
        Some(Format::Html) => return explorer_page(&shared),
        Some(format) => format,
        None => return not_acceptable(),
    };
    let parameters = Parameters::from_query(query.as_deref().unwrap_or_default());
    answer(&shared, &Method::GET, format, parameters).await
}

/// `POST /graphql`: queries and mutations.
pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(format) = Format::negotiate(&headers, |format| format != Format::Html) else {
        return not_acceptable();
    };
    if !is_json(&headers) {
        let message = "the Content-Type must be application/json, in UTF-8";
        return refusal(format, StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("the body must have at most {} bytes", super::MAX_BODY);
            return refusal(format, StatusCode::PAYLOAD_TOO_LARGE, message);
        }
        Err(_) => {
            return refusal(
                format,
                StatusCode::BAD_REQUEST,
                "the body could not be read to its end",
            );
        }
    };
    answer(&shared, &Method::POST, format, Parameters::from_json(&body)).await
}

/// Executes a request and writes what became of it.
async fn answer(
    shared: &Shared,
    method: &Method,
    format: Format,
    parameters: Result<Parameters, String>,
) -> Response {
    let parameters = match parameters {
        Ok(parameters) => parameters,
        Err(message) => return refusal(format, StatusCode::BAD_REQUEST, message),
    };
    let document = match parse_query(&parameters.query) {
        Ok(document) => document,
        Err(error) => {
            let mut error = ServerError::from(error);
            Code::GraphqlParseFailed.mark(&mut error);
            return Outcome::not_executed(error).into_response(format);
        }
    };
    let operation = match chosen_operation(&document, parameters.operation_name.as_deref()) {
        Ok(operation) => operation,
        Err(message) => {
            let error = request_error(Code::OperationResolutionFailure, message);
            return Outcome::not_executed(error).into_response(format);
        }
    };
    let mut summary = Summary {
        operation_type: Some(match operation.node.ty {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        }),
        operation: operation_name(&document, parameters.operation_name.as_deref()),
        ..Summary::default()
    };
    if operation.node.ty == OperationType::Subscription {
        // The library would say so twice.
        let error = request_error(
            Code::GraphqlValidationFailed,
            "there are no subscriptions in this schema",
        );
        return Outcome::not_executed(error).into_response(format);
    }
    if *method == Method::GET && operation.node.ty == OperationType::Mutation {
        let message = "only queries can be sent by GET: send this operation by POST";
        let mut response = refusal(format, StatusCode::METHOD_NOT_ALLOWED, message);
        let allow = HeaderValue::from_static("POST");
        response.headers_mut().insert(header::ALLOW, allow);
        return response;
    }
    if let Some(error) = missing_variable(operation, &parameters.variables) {
        let mut response = Outcome::not_executed(error).into_response(format);
        response.extensions_mut().insert(summary);
        return response;
    }
    let repository = shared.service.repository.metered();
    let session = Session::new(repository.clone(), shared.service.clock.clone());
    let mut request = async_graphql::Request::new(parameters.query)
        .variables(parameters.variables)
        .data(session);
    request.operation_name = parameters.operation_name;
    request.set_parsed_query(document);
    let outcome = Outcome::from(shared.service.schema.execute(request).await);
    outcome.log_causes();
    summary.dynamodb_requests = repository.requests_made();
    summary.error_codes = outcome.error_codes();
    let mut response = outcome.into_response(format);
    response.extensions_mut().insert(summary);
    response
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

/// What became of a GraphQL request.
#[derive(Debug, Serialize)]
struct Outcome {
    /// Present if the request was executed, null if that came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    #[serde(skip)]
    status: StatusCode,
}

impl Outcome {
    fn not_executed(error: ServerError) -> Self {
        Self {
            data: None,
            errors: vec![error],
            status: StatusCode::BAD_REQUEST,
        }
    }

    fn log_causes(&self) {
        let mut logged: Vec<&RepositoryError> = Vec::new();
        for cause in self
            .errors
            .iter()
            .filter_map(ServerError::source::<RepositoryError>)
        {
            // Fields that were loaded together fail together.
            if !logged.iter().any(|earlier| std::ptr::eq(*earlier, cause)) {
                tracing::error!(error = %cause, "an operation on the table failed");
                logged.push(cause);
            }
        }
    }

    fn error_codes(&self) -> Option<String> {
        let mut codes: Vec<&str> = Vec::new();
        for code in self.errors.iter().filter_map(Code::of).map(Code::as_str) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        (!codes.is_empty()).then(|| codes.join(","))
    }

    fn into_response(self, format: Format) -> Response {
        let status = match format {
            Format::GraphqlResponse => self.status,
            Format::Json | Format::Html => StatusCode::OK,
        };
        let mut response = write(format, status, &self);
        response.extensions_mut().insert(Summary {
            error_codes: self.error_codes(),
            ..Summary::default()
        });
        response
    }
}

impl From<async_graphql::Response> for Outcome {
    fn from(response: async_graphql::Response) -> Self {
        let mut errors = response.errors;
        let was_refused = |error| {
            matches!(
                Code::of(error),
                Some(Code::GraphqlParseFailed | Code::GraphqlValidationFailed)
            )
        };
        if response.data == Value::Null && errors.iter().any(was_refused) {
            return Self {
                data: None,
                errors,
                status: StatusCode::BAD_REQUEST,
            };
        }
        // The resolvers' errors have codes; what has none is the library's own, about arguments that it
        // could not turn into their types.
        for error in &mut errors {
            Code::BadUserInput.mark(error);
        }
        let status = if response.data == Value::Null {
            errors
                .iter()
                .filter_map(Code::of)
                .map(status_of)
                .max()
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        } else {
            StatusCode::OK
        };
        Self {
            data: Some(response.data),
            errors,
            status,
        }
    }
}

/// The status of an answer that has no data because of such an error.
fn status_of(code: Code) -> StatusCode {
    match code {
        Code::BadRequest
        | Code::GraphqlParseFailed
        | Code::GraphqlValidationFailed
        | Code::OperationResolutionFailure
        | Code::BadUserInput => StatusCode::BAD_REQUEST,
        Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer to what is no GraphQL request: its status is the same in every format.
fn refusal(format: Format, status: StatusCode, message: impl Into<String>) -> Response {
    let outcome = Outcome {
        data: None,
        errors: vec![request_error(Code::BadRequest, message)],
        status,
    };
    let mut response = write(format, status, &outcome);
    response.extensions_mut().insert(Summary {
        error_codes: outcome.error_codes(),
        ..Summary::default()
    });
    response
}

fn not_acceptable() -> Response {
    let message = "the answer can be application/graphql-response+json or application/json: \
                   the Accept header must admit one of them";
    refusal(Format::Json, StatusCode::NOT_ACCEPTABLE, message)
}

fn write(format: Format, status: StatusCode, outcome: &Outcome) -> Response {
    let (status, body) = match serde_json::to_vec(outcome) {
        Ok(body) => (status, body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            (StatusCode::INTERNAL_SERVER_ERROR, Vec::new())
        }
    };
    let headers = [
        (header::CONTENT_TYPE, format.content_type()),
        // Feedback is nothing for shared caches, and a listing is stale at once.
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept"),
    ];
    (status, headers, body).into_response()
}

fn explorer_page(shared: &Shared) -> Response {
    let Some(source) = shared.explorer else {
        return not_acceptable();
    };
    let nonce = Uuid::new_v4().simple().to_string();
    let page = explorer::page(source, &nonce);
    let headers = [
        (header::CONTENT_TYPE, Format::Html.content_type().to_owned()),
        (header::CONTENT_SECURITY_POLICY, page.content_security_policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::VARY, "Accept".to_owned()),
    ];
    (headers, page.html).into_response()
}
