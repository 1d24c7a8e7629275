//! Authentication of a request's caller.

use axum::http::header;
use axum::http::request::Parts;

use super::STAFF_PATH;
use super::errors::HttpError;
use crate::auth::{Authenticator, Caller, VerifiedIdentity};

/// The caller of a request.
pub(super) async fn caller(authenticator: &Authenticator, parts: &Parts) -> Result<Caller, HttpError> {
    if parts.uri.path() == STAFF_PATH {
        return Ok(authenticator.staff_caller(parts.extensions.get::<VerifiedIdentity>())?);
    }
    let mut credentials = parts.headers.get_all(header::AUTHORIZATION).iter();
    let first = credentials.next();
    // Several credentials are not a valid one.
    let credential = match credentials.next() {
        None => first.map(header::HeaderValue::as_bytes),
        Some(_) => Some(b"".as_slice()),
    };
    Ok(authenticator.public_caller(credential).await?)
}
