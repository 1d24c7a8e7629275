//! HTTP: one router, served by the Lambda runtime in the cloud and by a socket on a laptop.

mod authentication;
mod client;
mod content_negotiation;
mod cors;
mod deadline;
mod errors;
pub mod explorer;
mod idempotency_key;
mod plain;
mod request_log;
mod security;
mod transport;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

pub use client::ClientAddressHeader;
pub(crate) use client::last_entry;
pub use cors::AllowedOrigins;
#[cfg(feature = "local")]
pub(crate) use cors::is_loopback;
pub use deadline::Deadline;
pub use errors::HttpError;
#[cfg(feature = "local")]
pub(crate) use errors::plain_error;
pub use request_log::{RequestId, TraceId};
pub use transport::AnswerLimit;

use crate::auth::Authenticator;
use crate::domain::Clock;
use crate::graphql::Executor;
use crate::repository::FeedbackRepository;

/// The path of GraphQL for staff, whom API Gateway has verified.
const STAFF_PATH: &str = "/staff/graphql";

/// The path of submissions without GraphQL.
const PLAIN_PATH: &str = "/feedback";

/// The resources of the routes.
#[derive(Clone)]
pub struct AppState {
    /// Executes GraphQL.
    pub executor: Executor,
    /// Stores feedback.
    pub repository: FeedbackRepository,
    /// Tells the time.
    pub clock: Clock,
    /// Authenticates callers.
    pub authenticator: Arc<Authenticator>,
}

/// Options of the routes.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The other origins whose pages may use the service from a browser.
    pub allowed_origins: AllowedOrigins,
    /// The header in which a proxy says the address of the client; without one, the binary says it.
    pub client_address_header: Option<ClientAddressHeader>,
    /// The source of the explorer's files, if browsers get the explorer.
    pub explorer: Option<explorer::Source>,
}

struct Shared {
    state: AppState,
    options: Options,
}

/// The routes of the service.
pub fn router(state: AppState, options: Options) -> Router {
    let graphql = || get(transport::get).post(transport::post);
    let mut router = Router::new()
        .route("/graphql", graphql())
        .route(STAFF_PATH, graphql())
        .route(PLAIN_PATH, post(plain::post));
    if options.explorer.is_some() {
        router = router.route("/", get(to_explorer));
    }
    let (origins, body_bytes) = (
        options.allowed_origins.clone(),
        state.executor.limits().body_bytes,
    );
    let router = router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::new(Shared { state, options }))
        .layer(DefaultBodyLimit::max(body_bytes))
        .layer(axum::middleware::from_fn(deadline::keep))
        .layer(axum::middleware::from_fn(errors::guard));
    let router = security::protect(cors::allow(router, origins));
    router.layer(axum::middleware::from_fn(request_log::log))
}

/// Relative, because the service may lie below a stage's path.
async fn to_explorer() -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "graphql")]).into_response()
}

async fn not_found() -> Response {
    let message = "not found: the paths are /graphql, /staff/graphql and /feedback";
    errors::plain_error(StatusCode::NOT_FOUND, message)
}

/// The router adds the `Allow` header.
async fn method_not_allowed() -> Response {
    let message = "method not allowed: see the Allow header for the allowed ones";
    errors::plain_error(StatusCode::METHOD_NOT_ALLOWED, message)
}
