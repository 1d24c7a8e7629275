//! What every answer has, whatever made it: headers that keep a browser from misusing it, and an end to
//! panics.

use std::any::Any;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::graphql;
use crate::graphql::Code;

/// The explorer page has a policy of its own.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

pub(super) fn protect(router: Router) -> Router {
    let router = router.layer(CatchPanicLayer::custom(answer_panic));
    HEADERS.into_iter().fold(router, |router, (name, value)| {
        let value = HeaderValue::from_static(value);
        router.layer(SetResponseHeaderLayer::if_not_present(name, value))
    })
}

/// What panicked has said so to the panic hook; its text may hold anything, and is not repeated.
fn answer_panic(_panic: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request ended in a panic");
    let body = graphql::error_body(Code::InternalServerError, "internal error");
    (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
}
