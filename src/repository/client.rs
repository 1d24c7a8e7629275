//! Clients of DynamoDB.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_sdk_dynamodb::error::SdkError;

use super::table::{self, SHARDS_ITEM};
use super::{RepositoryError, string};
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

/// Opens the connection for the next request of `client` to this table.
///
/// One `GET /` in place of an operation on the table. `DynamoDB` answers it at once, with a line about its health, which
/// the SDK cannot read. That is no error here: any answer shows that the connection is open.
///
/// # Errors
/// When the endpoint could not be reached.
pub(super) async fn open_connection(client: &Client, table: &str) -> Result<(), RepositoryError> {
    let answer = client
        .get_item()
        .table_name(table)
        .key(table::PARTITION_KEY, string(&SHARDS_ITEM))
        .customize()
        .mutate_request(|request| {
            if let Ok(health) = HttpRequest::get(request.uri()) {
                *request = health;
            }
        })
        .send()
        .await;
    match answer {
        Ok(_) | Err(SdkError::ServiceError(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
