//! Who submits feedback, as far as the limit for each client has to know.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The bits of an IPv6 address that are not a network's: each host chooses them itself (RFC 4291 §2.5.1), and another
/// whenever it likes.
const INTERFACE_BITS: u128 = u64::MAX as u128;

/// The address of a client: an IPv4 address, or the /64 of an IPv6 address.
///
/// It is never stored, logged or shown, not even by `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

/// Who submits feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitter {
    /// Somebody with a credential.
    WithCredential,
    /// A client without a credential.
    Client(ClientAddress),
    /// A client without a credential whose address is not known.
    Unknown,
}

impl ClientAddress {
    /// Reads an address as proxies write it: `203.0.113.7`, `203.0.113.7:49152`, `2001:db8::1`, `[2001:db8::1]` or
    /// `[2001:db8::1]:49152`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
        let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
        let address = text.parse().ok().or_else(in_brackets).or_else(with_port);
        address.map(Self::from)
    }

    /// Reads an address that a port always follows, as `CloudFront-Viewer-Address` has it: `203.0.113.7:49152` or
    /// `2001:db8::1:49152`, of which the end could be taken for a part of the address.
    #[must_use]
    pub fn parse_with_port(text: &str) -> Option<Self> {
        let (address, port) = text.rsplit_once(':')?;
        port.parse::<u16>().ok()?;
        Self::parse(address)
    }

    /// The bytes that tell one client from another: four or eight.
    pub(crate) fn bytes(self) -> Vec<u8> {
        match self.0 {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(network) => network.octets()[..8].to_vec(),
        }
    }
}

/// An IPv4 address that is written as an IPv6 one is the same client.
impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !INTERFACE_BITS).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientAddress")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> ClientAddress {
        ClientAddress::parse(text).unwrap_or_else(|| panic!("{text} is an address"))
    }

    #[test]
    fn an_address_is_the_same_client_however_a_proxy_writes_it() {
        for text in [
            "203.0.113.7",
            "203.0.113.7:80",
            "::ffff:203.0.113.7",
            "[::ffff:203.0.113.7]:65535",
        ] {
            assert!(client(text) == client("203.0.113.7"), "{text}");
        }
        for text in ["2001:DB8:0:0:1:2:3:4", "[2001:db8::1]", "[2001:db8::1]:443"] {
            assert!(client(text) == client("2001:db8::"), "{text}");
        }
        assert!(client("203.0.113.7") != client("203.0.113.8"));
    }

    #[test]
    fn addresses_of_one_64_are_one_client_and_those_of_another_are_not() {
        let first = client("2001:db8:1:2::");
        assert!(first == client("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        for other in [
            "2001:db8:1:3::",
            "2001:db8:1:1:ffff:ffff:ffff:ffff",
            "2001:db8:1::2",
        ] {
            assert!(first != client(other), "{other}");
        }
    }

    #[test]
    fn a_port_that_always_follows_is_no_part_of_the_address() {
        for (text, address) in [
            ("198.51.100.10:46532", "198.51.100.10"),
            ("2001:db8::1:2:3:4:4653", "2001:db8::"),
            ("2001:db8:0:1:2:3:4:5:46532", "2001:db8:0:1::"),
            ("[2001:db8::1]:46532", "2001:db8::"),
        ] {
            assert!(
                ClientAddress::parse_with_port(text) == Some(client(address)),
                "{text}"
            );
        }
        for text in [
            "198.51.100.10",
            "198.51.100.10:",
            "198.51.100.10:x",
            "198.51.100.10:65536",
            "[::1]",
            ":80",
        ] {
            assert!(ClientAddress::parse_with_port(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_no_client() {
        for text in [
            "",
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.7.8",
            "203.0.113.7:",
            "[203.0.113.7]x",
            "::g",
        ] {
            assert!(ClientAddress::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_address_is_not_shown() {
        assert_eq!(
            format!("{:?}", Submitter::Client(client("203.0.113.7"))),
            "Client(ClientAddress)"
        );
    }
}
