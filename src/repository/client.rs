//! Clients of DynamoDB.

use aws_sdk_dynamodb::Client;

use crate::aws;

/// A client for a function.
#[must_use]
pub fn connect_on_lambda(aws: &aws::OnLambda) -> Client {
    Client::new(&aws.config(aws::Service::DynamoDb))
}

/// A client of an endpoint that takes any credentials, like the embedded engine.
#[must_use]
pub fn connect_without_account(url: &str) -> Client {
    Client::new(&aws::without_account(url))
}

/// A client as this machine is configured, of the endpoint at `url` if there is one.
#[cfg(feature = "local")]
pub async fn connect(url: Option<&str>) -> Client {
    Client::new(&aws::as_configured(url).await)
}
