//! Which pages of other origins may use the service from a browser.
//!
//! No credential that a browser would add by itself is ever used, so the headers that a page may send need no
//! restriction of their own.

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::config::AllowedOrigins;

/// How long a browser may remember that a page is allowed. Browsers cap it at two hours or less.
const MAX_AGE: Duration = Duration::from_hours(2);

/// Answers preflight requests, and marks answers as readable for pages of the allowed origins.
pub(super) fn allow(router: Router, origins: AllowedOrigins) -> Router {
    let allowed = match origins {
        AllowedOrigins::None => return router,
        AllowedOrigins::Any => AllowOrigin::any(),
        origins => AllowOrigin::predicate(move |origin, _| {
            origin.to_str().is_ok_and(|origin| origins.allows(origin))
        }),
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            HeaderName::from_static(super::request_log::HEADER),
            header::RETRY_AFTER,
        ])
        .max_age(MAX_AGE);
    router.layer(layer)
}
