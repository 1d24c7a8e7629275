//! GraphQL over HTTP.
//!
//! By the specification (Stage 2 draft), or by the ecosystem's audit suite where that differs. The GraphQL library's
//! own helpers accept any content type (so that any page could make a visitor's browser post), batches and multipart
//! bodies, and answer a request that was never executed with `"data": null`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use self::cost::Cost;
pub use self::outcome::AnswerLimit;
pub(super) use self::outcome::Outcome;
use self::parameters::Parameters;
use super::content_negotiation::{Format, is_json};
use super::errors::{HttpError, Shape, read_body};
use super::request_log::{RequestId, Summary};
use super::{STAFF_PATH, Shared, authentication, client, explorer};
use crate::auth::Caller;
use crate::graphql::RequestContext;

mod cost;
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
    respond(
        &shared,
        &parts,
        format,
        parameters.map_err(HttpError::bad_request),
    )
    .await
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
    let parameters = if is_json(&parts.headers) {
        let body = read_body(body, shared.state.executor.limits().body_bytes);
        body.and_then(|body| Parameters::from_json(&body).map_err(HttpError::bad_request))
    } else {
        let error = HttpError::bad_request("the Content-Type must be application/json, in UTF-8");
        Err(error.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
    };
    respond(&shared, &parts, format, parameters).await
}

/// Authenticates the caller, executes the operation, and writes the response.
async fn respond(
    shared: &Shared,
    parts: &Parts,
    format: Format,
    parameters: Result<Parameters, HttpError>,
) -> Response {
    let mut summary = Summary::default();
    let mut limit: AnswerLimit = parts.extensions.get().copied().unwrap_or_default();
    let outcome = match authentication::caller(&shared.state.authenticator, parts).await {
        Err(error) => error.into(),
        Ok(caller) => {
            summary.caller = Some(caller.log_name());
            if caller.is_anonymous() {
                limit = limit.min(AnswerLimit::ANONYMOUS);
            }
            let executed = execute(shared, parts, &caller, parameters, &mut summary).await;
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

/// Executes a request. Every check comes before anything is executed.
async fn execute(
    shared: &Shared,
    parts: &Parts,
    caller: &Caller,
    parameters: Result<Parameters, HttpError>,
    summary: &mut Summary,
) -> Result<Outcome, Outcome> {
    let parameters = parameters?;
    let executor = &shared.state.executor;
    let name = parameters.operation_name.as_deref();
    let chosen = executor.choose_requested(&parameters.document, name, caller)?;
    summary.operation = chosen.name().map(str::to_owned);
    summary.operation_type = Some(chosen.operation_type().name());
    summary.arbitrary_document = chosen.is_arbitrary().then_some(true);
    // Not only by GET: HEAD comes this way too.
    if parts.method != Method::POST && !chosen.operation_type().is_query() {
        let error = HttpError::bad_request("only queries can be sent by GET: send this operation by POST");
        return Err(error.with_status(StatusCode::METHOD_NOT_ALLOWED).into());
    }
    let operation = executor.prepare(chosen, &parameters.variables)?;
    executor.authorize(&operation, caller)?;

    let (repository, complexity) = (&shared.state.repository, operation.complexity());
    let wants_cost = parameters.wants_cost && !caller.is_anonymous();
    let repository = if wants_cost {
        repository.metered_in_units()
    } else {
        repository.metered()
    };
    let submitter = client::submitter(parts, caller, shared.options.client_address_header.as_ref());
    let request_context = RequestContext::new(repository.clone(), shared.state.clock.clone(), caller.clone())
        .submitted_by(submitter);
    let response = executor.execute(operation, request_context).await;
    summary.measure(&repository);
    let cost = wants_cost.then(|| Cost::new(complexity, &repository));
    Ok(Outcome::executed(response).with_cost(cost))
}

fn not_acceptable() -> Response {
    let message = "the Accept header must allow application/graphql-response+json or application/json";
    Shape::Graphql.response(HttpError::bad_request(message).with_status(StatusCode::NOT_ACCEPTABLE))
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
