//! Clients of DynamoDB.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;

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

/// A client as the environment configures it: region, credentials, endpoint
/// (`AWS_ENDPOINT_URL_DYNAMODB`), retries.
pub async fn connect() -> Client {
    Client::new(&loader().load().await)
}

/// A client of the endpoint at `url`, otherwise as the environment configures it.
pub async fn connect_to(url: &str) -> Client {
    Client::new(&loader().endpoint_url(url).load().await)
}

/// A client of an endpoint that takes any credentials, like the embedded engine.
pub async fn connect_without_account(url: &str) -> Client {
    let credentials = Credentials::new(NO_REGION, NO_REGION, None, None, "any");
    let config = loader()
        .endpoint_url(url)
        .region(Region::new(NO_REGION))
        .credentials_provider(credentials);
    Client::new(&config.load().await)
}

/// What all clients of AWS have in common.
pub(crate) fn loader() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF);
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(retries)
}
