//! Endpoints other than the embedded engine's.

use std::env;

use url::Url;

use crate::http::is_loopback;

/// Whether a client of this endpoint makes up its credentials: where there are none in the environment, and the
/// endpoint is on this machine. DynamoDB Local takes any, and should not ask for an account.
#[must_use]
pub fn takes_any_credentials(url: &Url) -> bool {
    let has_credentials = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]
        .iter()
        .any(|name| env::var_os(name).is_some());
    !has_credentials && url.host().is_some_and(|host| is_loopback(&host))
}
