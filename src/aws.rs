//! How AWS is reached: region, credentials, endpoints, whose certificates are trusted, timeouts and retries.
//!
//! On Lambda, all of it is in the environment ([`OnLambda`]). The SDK's own loader, which looks into profiles and
//! asks metadata services too, is for a laptop: on Lambda it would find nothing more, and its code would be a good
//! part of what has to be loaded at a cold start.

mod trust;

use std::env;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long one attempt may take. DynamoDB answers in milliseconds; what takes longer than this is lost,
/// and trying again is the quicker way to an answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an operation may take with all its attempts: less than the function's own time.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(6);

/// How often an operation is tried, all in all.
const ATTEMPTS: u32 = 3;
/// How long to wait before the second try, at most, and twice as long before each further one: DynamoDB's own
/// advice, instead of the general second.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// The region that is named to endpoints that have none.
const NO_REGION: &str = "local";

/// A service of AWS that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon `DynamoDB`.
    DynamoDb,
    /// AWS Secrets Manager.
    SecretsManager,
}

/// Names another endpoint for all services.
const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL";

impl Service {
    /// All of them.
    const ALL: [Self; 2] = [Self::DynamoDb, Self::SecretsManager];

    /// The variable that names another endpoint for this service alone.
    const fn endpoint_variable(self) -> &'static str {
        match self {
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::SecretsManager => "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        }
    }
}

/// AWS as a function reaches it, by what Lambda put into its environment: `AWS_REGION`, the credentials of the
/// function's role, and for those who set them `AWS_ENDPOINT_URL` and the endpoints of single services,
/// `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`.
///
/// Certificates are taken from Amazon's own authorities alone, which are built in; the machine's trust store, of
/// some hundred and forty, is read instead where `SSL_CERT_FILE` or `SSL_CERT_DIR` names one, where an endpoint is
/// named, and in partitions whose hosts are not below `amazonaws.com`.
#[derive(Debug, Clone)]
pub struct OnLambda {
    http_client: SharedHttpClient,
}

impl OnLambda {
    /// Reads no file and opens no connection before the first request does.
    #[must_use]
    pub fn new() -> Self {
        let http_client = http_client(trust::store(variable));
        Self { http_client }
    }

    /// How a client of `service` is to be configured. All of them share their connections' settings.
    #[must_use]
    pub fn config(&self, service: Service) -> SdkConfig {
        let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
        let endpoint = [service.endpoint_variable(), ENDPOINT_VARIABLE];
        let is_on = |name| variable(name).map(|value| value.eq_ignore_ascii_case("true"));
        let mut config = common(self.http_client.clone())
            .into_builder()
            .region(variable("AWS_REGION").map(Region::new))
            .credentials_provider(credentials);
        config.set_endpoint_url(endpoint.into_iter().find_map(variable));
        config.set_use_fips(is_on("AWS_USE_FIPS_ENDPOINT"));
        config.set_use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"));
        config.build()
    }
}

impl Default for OnLambda {
    fn default() -> Self {
        Self::new()
    }
}

/// An endpoint of `DynamoDB` that takes any credentials, like the embedded engine.
#[must_use]
pub fn without_account(url: &str) -> SdkConfig {
    let credentials = Credentials::new(NO_REGION, NO_REGION, None, None, "any");
    common(http_client(TrustStore::default()))
        .into_builder()
        .endpoint_url(url)
        .region(Region::new(NO_REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// AWS as the SDK finds it for a person: in the environment, in profiles, or from a metadata service. With `url`,
/// that endpoint.
#[cfg(feature = "local")]
pub async fn as_configured(url: Option<&str>) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client(TrustStore::default()))
        .timeout_config(timeouts())
        .retry_config(retries());
    if let Some(url) = url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

/// What all clients have in common, but for those of a person.
fn common(http_client: SharedHttpClient) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client)
        .timeout_config(timeouts())
        .retry_config(retries())
        // It watches for bodies that come too slowly. Ours are small, and have the attempt's timeout.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF)
}

#[expect(clippy::expect_used, reason = "the builder of a context has no error to give")]
fn http_client(trust: TrustStore) -> SharedHttpClient {
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .expect("a context of TLS");
    HttpClientBuilder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https()
}

/// What a variable is set to, unless to nothing.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::error::SdkError;

    use super::*;

    /// The library reads the certificates when it first connects, and panics if they are none.
    #[tokio::test]
    async fn the_roots_that_are_built_in_are_read_by_the_first_request() {
        let http_client = http_client(trust::store(|_| None));
        let config = without_account("https://127.0.0.1:1")
            .into_builder()
            .http_client(http_client)
            .build();
        let answer = Client::new(&config).list_tables().send().await;
        assert!(matches!(answer, Err(SdkError::DispatchFailure(_))), "{answer:?}");
    }
}
