//! Cross-origin resource sharing: the origins whose pages may use the service from a browser.
//!
//! No credential is one that a browser would add by itself, so the headers that a page may send are not restricted.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use url::{Host, Url};

/// How long a browser may cache a preflight response. Browsers cap it at two hours or less.
const MAX_AGE: Duration = Duration::from_hours(2);

/// Answers preflight requests, and lets pages of the allowed origins read responses.
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

/// The origins whose pages may use the service from a browser, in addition to its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AllowedOrigins {
    /// None.
    #[default]
    None,
    /// Any (`*`).
    Any,
    /// Any on this machine, at any port: for the laptop.
    Loopback,
    /// These, as browsers write them: scheme, host, and port unless it is the scheme's default.
    Listed(Vec<String>),
}

impl AllowedOrigins {
    /// Whether pages of `origin`, as browsers write it, may use the service.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Listed(origins) => origins.iter().any(|listed| listed == origin),
            Self::Loopback => {
                Url::parse(origin).is_ok_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
            }
        }
    }
}

/// Whether a host is a loopback address, or a name that resolves to one everywhere (RFC 6761, section 6.3).
pub(crate) fn is_loopback<T: AsRef<str>>(host: &Host<T>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.as_ref();
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

/// Reads `*`, or origins separated by commas.
impl FromStr for AllowedOrigins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let origins = text
            .split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .map(parse_origin)
            .collect::<Option<Vec<_>>>();
        origins.map(Self::Listed).ok_or_else(|| {
            "* or origins like https://example.org, separated by commas, without paths".to_owned()
        })
    }
}

/// The origin as browsers write it: in lower case, without a trailing slash or the scheme's default port.
fn parse_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let has_more = url.path() != "/"
        || text.ends_with('/')
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty();
    let origin = url.origin();
    (matches!(url.scheme(), "http" | "https") && !has_more && origin.is_tuple())
        .then(|| origin.ascii_serialization())
}

impl fmt::Display for AllowedOrigins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("no other origin"),
            Self::Any => formatter.write_str("every origin"),
            Self::Loopback => formatter.write_str("every origin on this machine"),
            Self::Listed(origins) => formatter.write_str(&origins.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_as_browsers_write_them() {
        let origins: AllowedOrigins = "HTTPS://Example.org:443 , http://localhost:3000".parse().unwrap();
        assert!(origins.allows("https://example.org"));
        assert!(origins.allows("http://localhost:3000"));
        for other in [
            "http://example.org",
            "https://example.org.evil.example",
            "http://localhost",
            "null",
        ] {
            assert!(!origins.allows(other), "{other}");
        }
    }

    #[test]
    fn a_laptop_allows_only_itself() {
        for origin in [
            "http://localhost:3000",
            "http://127.0.0.1:5173",
            "http://[::1]:8080",
            "https://app.localhost",
        ] {
            assert!(AllowedOrigins::Loopback.allows(origin), "{origin}");
        }
        for origin in [
            "https://example.org",
            "http://localhost.example.org",
            "http://128.0.0.1",
            "null",
        ] {
            assert!(!AllowedOrigins::Loopback.allows(origin), "{origin}");
        }
    }
}
