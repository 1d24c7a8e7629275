//! The hosts that a server on a laptop answers for.
//!
//! To a browser, a page of `http://evil.example:4000` and this server are of one origin as soon as that name
//! resolves to this machine, which whoever owns the name decides (DNS rebinding). The `Host` header is all that
//! tells such a page from a local one.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use url::Host;

use super::server::LocalAddress;
use crate::http::{is_loopback, plain_error};

/// Hosts besides those that are this machine to everybody: loopback addresses, `localhost` and `*.localhost`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(Vec<Host>);

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has no `Host` header, or several, which RFC 9112 (section 3.2) refuses.
    NotOneHost,
    /// It is for another host.
    OtherHost,
}

impl Refusal {
    /// 400 or 421 (RFC 9110, section 15.5.20).
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NotOneHost => StatusCode::BAD_REQUEST,
            Self::OtherHost => StatusCode::MISDIRECTED_REQUEST,
        }
    }
}

impl Hosts {
    /// The address that a server listens on, and the hosts that its user allows.
    pub fn new(own: IpAddr, allowed: impl IntoIterator<Item = Host>) -> Self {
        let own = host_of(own);
        Self(allowed.into_iter().chain([own]).collect())
    }

    /// Answers requests for other hosts in place of the router.
    pub fn protect(self, router: Router) -> Router {
        router.layer(from_fn_with_state(Arc::new(self), keep_others_out))
    }

    /// Whether a request is for this machine.
    pub(super) fn check(&self, request: &Request) -> Result<(), Refusal> {
        let mut named = request.headers().get_all(header::HOST).iter();
        let (Some(name), None) = (named.next(), named.next()) else {
            return Err(Refusal::NotOneHost);
        };
        let named = Authority::try_from(name.as_bytes()).map_err(|_| Refusal::OtherHost)?;
        let local = request.extensions().get().map(|LocalAddress(address)| *address);
        // A request line may name a host too, and then that is the one that counts.
        let is_ours = [Some(&named), request.uri().authority()]
            .into_iter()
            .flatten()
            .all(|authority| self.allow(authority, local));
        is_ours.then_some(()).ok_or(Refusal::OtherHost)
    }

    /// Whether a host, at any port, is this machine. The address that a connection arrived at is, whichever it is.
    fn allow(&self, authority: &Authority, local: Option<IpAddr>) -> bool {
        if authority.as_str().contains('@') {
            return false;
        }
        parse_host(authority.host()).is_ok_and(|host| {
            is_loopback(&host) || self.0.contains(&host) || local.is_some_and(|local| host == host_of(local))
        })
    }
}

/// A host: a name, with or without the dot at its end, or an IP address, in brackets or not.
///
/// # Errors
/// A description of the expected text.
pub fn parse_host(text: &str) -> Result<Host, String> {
    let text = text.trim();
    let name = text.strip_suffix('.').unwrap_or(text);
    let host = match name.parse::<IpAddr>() {
        Ok(address) => Some(host_of(address)),
        Err(_) => match Host::parse(name) {
            Ok(Host::Ipv6(address)) => Some(host_of(address.into())),
            parsed => parsed.ok(),
        },
    };
    let is_plain = |host: &Host| match host {
        Host::Domain(name) => name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    host.filter(is_plain).ok_or_else(|| {
        "expected names or addresses like laptop.example with commas between them, without schemes and ports".to_owned()
    })
}

/// An IPv4 address that is written as an IPv6 one is the same host.
fn host_of(address: IpAddr) -> Host {
    match address.to_canonical() {
        IpAddr::V4(address) => Host::Ipv4(address),
        IpAddr::V6(address) => Host::Ipv6(address),
    }
}

async fn keep_others_out(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let Err(refusal) = hosts.check(&request) else {
        return next.run(request).await;
    };
    let message = match refusal {
        Refusal::NotOneHost => "a request needs one Host header, and no more",
        Refusal::OtherHost => {
            "the Host header does not name this machine: use localhost, or start the server with --allowed-hosts and \
             the host's name"
        }
    };
    plain_error(refusal.status(), message).into_response()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::body::Body;

    use super::*;

    fn check(hosts: &Hosts, names: &[&str]) -> Result<(), Refusal> {
        let request = names
            .iter()
            .fold(axum::http::Request::builder(), |request, name| {
                request.header(header::HOST, *name)
            });
        let mut request = request.body(Body::empty()).unwrap();
        let local = LocalAddress("192.0.2.7".parse().unwrap());
        request.extensions_mut().insert(local);
        hosts.check(&request)
    }

    fn hosts() -> Hosts {
        let allowed = ["Laptop.Example.", "feedback_1.test", "[2001:db8::1]"];
        Hosts::new(
            Ipv4Addr::UNSPECIFIED.into(),
            allowed.map(|host| parse_host(host).unwrap()),
        )
    }

    #[test]
    fn this_machine_has_many_names() {
        for name in [
            "localhost",
            "LocalHost:4000",
            "localhost.:4000",
            "app.localhost:80",
            "127.0.0.1:4000",
            "127.8.9.1",
            "[::1]:4000",
            "[::1]",
            "[::ffff:127.0.0.1]:4000",
            // The address to listen on, and the one that the connection arrived at.
            "0.0.0.0:4000",
            "192.0.2.7:4000",
            "[::ffff:192.0.2.7]",
            "laptop.example:4000",
            "LAPTOP.example.",
            "feedback_1.test",
            "[2001:DB8:0::1]:4000",
        ] {
            assert_eq!(check(&hosts(), &[name]), Ok(()), "{name}");
        }
    }

    #[test]
    fn any_other_host_is_refused() {
        for name in [
            "evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "www.laptop.example",
            "192.0.2.8:4000",
            "[2001:db8::2]",
            "localhost@evil.example",
            "evil.example@localhost",
            "",
            ":4000",
            "local host",
            "localhost,evil.example",
        ] {
            assert_eq!(check(&hosts(), &[name]), Err(Refusal::OtherHost), "{name}");
        }
        let unspecified = check(&Hosts::default(), &["0.0.0.0:4000"]);
        assert_eq!(unspecified, Err(Refusal::OtherHost));
    }

    #[test]
    fn a_request_has_one_host() {
        assert_eq!(check(&hosts(), &[]), Err(Refusal::NotOneHost));
        let two = check(&hosts(), &["localhost", "localhost"]);
        assert_eq!(two, Err(Refusal::NotOneHost));
    }

    #[test]
    fn the_host_in_the_request_line_counts_too() {
        let request = |uri: &str| {
            let request = axum::http::Request::builder()
                .uri(uri)
                .header(header::HOST, "localhost");
            hosts().check(&request.body(Body::empty()).unwrap())
        };
        assert_eq!(request("http://localhost:4000/graphql"), Ok(()));
        let other = request("http://evil.example:4000/graphql");
        assert_eq!(other, Err(Refusal::OtherHost));
    }

    #[test]
    fn only_hosts_can_be_allowed() {
        for text in [
            "",
            "*",
            "*.example",
            "http://laptop.example",
            "laptop.example:80",
            "a b",
            "[::1",
            "a/b",
            "a@b",
        ] {
            assert!(parse_host(text).is_err(), "{text}");
        }
    }
}
