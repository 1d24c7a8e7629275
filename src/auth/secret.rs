//! API keys in AWS Secrets Manager.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use tokio::sync::OnceCell;

use super::KeySource;

/// What the service does to the secret, as IAM names it.
pub const IAM_ACTIONS: &[(&str, &str)] = &[("secretsmanager:GetSecretValue", "secret")];

/// The text of the secret of this name or ARN, as `config` reaches AWS, or as the environment does. Nothing of
/// the client is made before the secret is first read, so that anonymous submitting does not pay for it.
#[must_use]
pub fn secret(id: &str, config: Option<SdkConfig>) -> KeySource {
    let id: Arc<str> = id.into();
    let client = Arc::new(OnceCell::new());
    let config = Arc::new(config);
    Arc::new(move || {
        let (id, client, config) = (Arc::clone(&id), Arc::clone(&client), Arc::clone(&config));
        Box::pin(async move {
            let client: &Client = client.get_or_init(|| connect(config.as_ref().as_ref())).await;
            let answer = match client.get_secret_value().secret_id(&*id).send().await {
                Ok(answer) => answer,
                // As it is right after the deployment made the secret. Then no key is valid, which is no trouble
                // of the service's: an error would be an alarm that anybody could set off.
                Err(error) if error.code() == Some("ResourceNotFoundException") => {
                    tracing::warn!("the secret for API keys has no value");
                    return Ok("{\"keys\": []}".to_owned());
                }
                Err(error) => {
                    return Err(format!(
                        "Secrets Manager: {}",
                        error.code().unwrap_or("no answer")
                    ));
                }
            };
            answer
                .secret_string
                .ok_or_else(|| "the secret has no text".to_owned())
        })
    })
}

async fn connect(config: Option<&SdkConfig>) -> Client {
    match config {
        Some(config) => Client::new(config),
        None => Client::new(&crate::repository::loader().load().await),
    }
}
