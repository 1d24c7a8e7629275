//! API keys in AWS Secrets Manager.

use std::sync::{Arc, LazyLock};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;

use super::KeySource;

/// The service's requests for the secret, as IAM names them.
pub const IAM_ACTIONS: &[(&str, &str)] = &[("secretsmanager:GetSecretValue", "secret")];

/// The text of the secret with this name or ARN. The client is created when the secret is first read, so that anonymous
/// submissions do not pay for it.
#[must_use]
pub fn secret(id: &str, config: SdkConfig) -> KeySource {
    let id: Arc<str> = id.into();
    let client = Arc::new(LazyLock::new(move || Client::new(&config)));
    Arc::new(move || {
        let (id, client) = (Arc::clone(&id), Arc::clone(&client));
        Box::pin(async move {
            let answer = match client.get_secret_value().secret_id(&*id).send().await {
                Ok(answer) => answer,
                // As it is right after the deployment has created the secret. Then no key is valid. An error would be
                // an alarm that anybody could set off.
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
