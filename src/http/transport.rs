//! GraphQL over HTTP.
//!
//! By the specification (Stage 2 draft), and where the ecosystem's audit suite differs, by the suite. Written
//! here rather than taken from the GraphQL library, whose helpers accept any content type (so that any page
//! could make a visitor's browser post), batches and multipart bodies, and answer a request that was never
//! executed with `"data": null`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

pub use self::outcome::AnswerLimit;
use self::outcome::Outcome;
pub(super) use self::outcome::{error_body, status_of};
use self::parameters::Parameters;
use super::content_negotiation::{Format, is_json};
use super::request_log::{RequestId, Summary};
use super::{STAFF_PATH, Shared, authentication, explorer};
use crate::auth::{AuthError, Caller, OperationType, required_scope};
use crate::graphql::{ErrorCode, Executor, Operation, RequestContext};

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
                ErrorCode::BadRequest,
                message,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ))
        }
        Ok(body) => Parameters::from_json(&body).map_err(bad_request),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!(
                "the body must have at most {} bytes",
                shared.state.executor.limits().body_bytes
            );
            Err(Outcome::refused(
                ErrorCode::PayloadTooLarge,
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
    let mut limit: AnswerLimit = parts.extensions.get().copied().unwrap_or_default();
    let outcome = match authentication::caller(&shared.state.authenticator, parts).await {
        Err(AuthError::Unauthenticated) => {
            let message = AuthError::Unauthenticated.to_string();
            Outcome::refused(ErrorCode::Unauthenticated, message, StatusCode::UNAUTHORIZED)
        }
        Err(AuthError::Unavailable) => {
            let message = AuthError::Unavailable.to_string();
            Outcome::refused(
                ErrorCode::ServiceUnavailable,
                message,
                StatusCode::SERVICE_UNAVAILABLE,
            )
        }
        Ok(caller) => {
            summary.caller = Some(caller.log_name());
            if caller.is_anonymous() {
                limit = limit.min(AnswerLimit::ANONYMOUS);
            }
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
        .into_response(format, limit);
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
    let executor = &shared.state.executor;
    let chosen = executor
        .choose(&parameters.query, parameters.operation_name.as_deref())
        .map_err(Outcome::not_executed)?;
    summary.operation = chosen.name().map(str::to_owned);
    summary.operation_type = Some(if chosen.is_mutation() { "mutation" } else { "query" });
    // Not only by GET: HEAD comes this way too.
    if *method != Method::POST && chosen.is_mutation() {
        let message = "only queries can be sent by GET: send this operation by POST";
        return Err(Outcome::refused(
            ErrorCode::BadRequest,
            message,
            StatusCode::METHOD_NOT_ALLOWED,
        ));
    }
    let operation = executor
        .prepare(chosen, &parameters.variables)
        .map_err(Outcome::not_executed)?;
    check_access(executor, caller, &operation)?;

    let repository = shared.state.repository.metered();
    let request_context = RequestContext::new(repository.clone(), shared.state.clock.clone());
    let response = executor.execute(operation, request_context).await;
    summary.dynamodb_requests = repository.requests_made();
    Ok(Outcome::executed(response))
}

/// Refuses an operation as a whole when any of its fields is not for this caller.
fn check_access(executor: &Executor, caller: &Caller, operation: &Operation) -> Result<(), Outcome> {
    let root = if operation.is_mutation() {
        OperationType::Mutation
    } else {
        OperationType::Query
    };
    for field in operation.root_fields() {
        let Some(scope) = required_scope(root, field).filter(|scope| !caller.may(*scope)) else {
            continue;
        };
        let (code, status) = if caller.is_anonymous() {
            (ErrorCode::Unauthenticated, StatusCode::UNAUTHORIZED)
        } else {
            (ErrorCode::Forbidden, StatusCode::FORBIDDEN)
        };
        let message = format!("this takes a credential with the scope {}", scope.name());
        return Err(Outcome::refused(code, message, status));
    }
    if caller.is_anonymous() {
        let submissions = operation.root_fields().filter(|field| *field == "submitFeedback");
        executor
            .limits()
            .check_submissions(submissions.count())
            .map_err(|error| Outcome::not_executed(vec![error]))?;
    }
    Ok(())
}

/// The answer to what is no GraphQL request.
fn bad_request(message: String) -> Outcome {
    Outcome::refused(ErrorCode::BadRequest, message, StatusCode::BAD_REQUEST)
}

fn not_acceptable() -> Response {
    let message = "the answer can be application/graphql-response+json or application/json: \
                   the Accept header must admit one of them";
    Outcome::refused(ErrorCode::BadRequest, message, StatusCode::NOT_ACCEPTABLE)
        .into_response(Format::Json, AnswerLimit::default())
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
