//! HTTP: one router, served by the Lambda runtime in the cloud and by a socket on a laptop.

mod cors;
pub mod explorer;
mod feedback;
mod graphql;
mod request_log;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

pub use request_log::RequestId;

use crate::config::AllowedOrigins;
use crate::domain::Clock;
use crate::graphql::Schema;
use crate::repository::FeedbackRepository;

/// The largest request body, in bytes. The largest valid input is smaller: 16 pairs of metadata and all
/// texts at their limits in the widest characters take about 50,000.
pub const MAX_BODY: usize = 64 * 1024;

/// What the routes need.
#[derive(Clone)]
pub struct Service {
    /// The schema, built once.
    pub schema: Schema,
    /// The feedback.
    pub repository: FeedbackRepository,
    /// The time.
    pub clock: Clock,
}

/// How the routes behave.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which other origins' pages may use the service from a browser.
    pub allowed_origins: AllowedOrigins,
    /// The explorer that a browser gets, if it gets one.
    pub explorer: Option<explorer::Source>,
}

struct Shared {
    service: Service,
    explorer: Option<explorer::Source>,
}

/// The routes of the service.
pub fn router(service: Service, options: Options) -> Router {
    let shared = Arc::new(Shared {
        service,
        explorer: options.explorer,
    });
    let mut router = Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post))
        .route("/feedback", post(feedback::post));
    if options.explorer.is_some() {
        router = router.route("/", get(to_explorer));
    }
    let router = router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(shared)
        .layer(DefaultBodyLimit::max(MAX_BODY));
    cors::allow(router, options.allowed_origins).layer(axum::middleware::from_fn(request_log::log))
}

/// Relative, because the service may lie below a stage's path.
async fn to_explorer() -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "graphql")]).into_response()
}

async fn not_found() -> Response {
    let message = "there is nothing here: the paths are /graphql and /feedback";
    wire::plain_error(StatusCode::NOT_FOUND, message)
}

/// The router adds the `Allow` header.
async fn method_not_allowed() -> Response {
    let message = "this path does not take this method: see the Allow header for those it takes";
    wire::plain_error(StatusCode::METHOD_NOT_ALLOWED, message)
}
