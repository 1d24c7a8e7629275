//! Whose certificates are trusted on Lambda.

use aws_smithy_http_client::tls::TrustStore;

use super::{ENDPOINT_VARIABLE, Service};

/// Amazon Trust Services' five root certificates, which sign the certificates of AWS's endpoints. All five, as its
/// [repository](https://www.amazontrust.com/repository/) recommends to those who keep a trust store of their own:
/// AWS may move an endpoint from one to another. The first of them to expire does so in December 2037.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Set, these name another trust store than the machine's, to OpenSSL and to all that follow it.
const OTHER_STORES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Partitions whose hosts are not below `amazonaws.com`, by how the names of their regions begin.
const OTHER_PARTITIONS: [&str; 4] = ["cn-", "us-iso", "eu-iso", "eusc-"];

/// The trust store for what `variable` says is set in the environment.
pub(super) fn store(variable: impl Fn(&str) -> Option<String>) -> TrustStore {
    if is_amazon_enough(variable) {
        TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
    } else {
        TrustStore::default()
    }
}

fn is_amazon_enough(variable: impl Fn(&str) -> Option<String>) -> bool {
    let mut others = variables_of_others();
    let region = variable("AWS_REGION").unwrap_or_default();
    let is_elsewhere = OTHER_PARTITIONS.iter().any(|prefix| region.starts_with(prefix));
    !is_elsewhere && others.all(|name| variable(name).is_none())
}

/// The variables that name another trust store, or lead to hosts of which we do not know who signs their
/// certificates.
fn variables_of_others() -> impl Iterator<Item = &'static str> {
    let endpoints = Service::ALL.map(Service::endpoint_variable);
    OTHER_STORES
        .into_iter()
        .chain([ENDPOINT_VARIABLE])
        .chain(endpoints)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn is_amazon_enough_with(variables: &[(&str, &str)]) -> bool {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        is_amazon_enough(|name| variables.get(name).map(ToString::to_string))
    }

    #[test]
    fn all_five_of_amazons_roots_are_built_in() {
        let text = str::from_utf8(AMAZON_ROOTS).unwrap();
        assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 5);
    }

    #[test]
    fn amazons_roots_are_for_amazons_hosts() {
        assert!(is_amazon_enough_with(&[]));
        for region in ["eu-west-1", "us-gov-west-1", "ap-southeast-7"] {
            assert!(is_amazon_enough_with(&[("AWS_REGION", region)]), "{region}");
        }
        for region in ["cn-north-1", "us-iso-east-1", "us-isob-east-1", "eusc-de-east-1"] {
            assert!(!is_amazon_enough_with(&[("AWS_REGION", region)]), "{region}");
        }
    }

    #[test]
    fn who_names_a_trust_store_or_an_endpoint_gets_the_machines() {
        for name in [
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_DYNAMODB",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        ] {
            let set = [
                ("AWS_REGION", "eu-west-1"),
                (name, "/etc/pki/tls/certs/ca-bundle.crt"),
            ];
            assert!(!is_amazon_enough_with(&set), "{name}");
        }
    }
}
