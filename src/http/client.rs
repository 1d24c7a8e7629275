//! Who submits feedback.
//!
//! A client is known by the address that what is in front of the service has seen it at: the binaries put it among the
//! extensions of a request. No header says it, since a client can send any, unless the service is told that one is set
//! by a proxy through which all requests come.

use std::str::FromStr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use crate::auth::Caller;
use crate::domain::{ClientAddress, Submitter};

/// `CloudFront`'s header, whose addresses are followed by a port.
const VIEWER_ADDRESS: &str = "cloudfront-viewer-address";

/// The header in which a proxy in front of the service says the address of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAddressHeader(HeaderName);

impl FromStr for ClientAddressHeader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = HeaderName::from_str(text);
        name.map(Self)
            .map_err(|_| "the name of a header, like CloudFront-Viewer-Address".to_owned())
    }
}

impl ClientAddressHeader {
    fn read(&self, headers: &HeaderMap) -> Option<ClientAddress> {
        let address = last_entry(headers, &self.0)?;
        if self.0 == VIEWER_ADDRESS {
            ClientAddress::parse_with_port(address)
        } else {
            ClientAddress::parse(address)
        }
    }
}

/// Who submits feedback with a request of `caller`.
pub(super) fn submitter(parts: &Parts, caller: &Caller, header: Option<&ClientAddressHeader>) -> Submitter {
    if caller.has_credential() {
        return Submitter::WithCredential;
    }
    let client = match header {
        Some(header) => header.read(&parts.headers),
        None => parts.extensions.get().copied(),
    };
    client.map_or(Submitter::Unknown, Submitter::Client)
}

/// The last entry of a list in a header: that of the proxy which was the last to add one. Those before it may be the
/// client's, and hold any bytes.
pub(crate) fn last_entry<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let last_line = headers.get_all(name).iter().next_back()?.as_bytes();
    let entry = last_line.rsplit(|byte| *byte == b',').next()?;
    std::str::from_utf8(entry).ok().map(str::trim)
}
