//! The service on AWS Lambda: wiring.
//!
//! Client, schema and router are created once, before the first event is requested.

use std::process::ExitCode;
use std::sync::Arc;
use std::{env, io};

use feedback_graphql::auth::{self, ApiKeys, Authenticator};
use feedback_graphql::aws;
use feedback_graphql::config::Config;
use feedback_graphql::domain::Clock;
use feedback_graphql::graphql::Executor;
use feedback_graphql::http::explorer::Source;
use feedback_graphql::http::{AppState, Options, router};
use feedback_graphql::repository::{self, FeedbackRepository};
use feedback_graphql::{lambda, logging};
use futures_util::future::join;
use lambda_http::{Error, lambda_runtime};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (config, executor) = match configuration() {
        Ok(configuration) => configuration,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let function_name = || env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let metrics_of = config.metrics.then(function_name);
    logging::start(config.log, logging::Format::Json { metrics_of }, io::stdout);
    match run(config, executor).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the Lambda runtime ended");
            ExitCode::FAILURE
        }
    }
}

/// The configuration, and the schema by it.
fn configuration() -> Result<(Config, Executor), String> {
    let config = Config::read(|name| env::var(name).ok()).map_err(|error| error.to_string())?;
    let access = &config.access;
    let executor = config
        .documents
        .executor(access.introspection, access.federation, config.limits)?;
    Ok((config, executor))
}

async fn run(config: Config, executor: Executor) -> Result<(), Error> {
    let aws = aws::OnLambda::new();
    let client = repository::connect_on_lambda(&aws);
    let (table, access) = (config.table, config.access);
    let repository = FeedbackRepository::new(client, &table.name, table.shards)
        .with_indexes(table.indexes)
        .retaining_for(table.retention.0)
        .quarantining(config.quarantine)
        .limiting_clients(access.client_limit);
    let secret = |id| auth::secret(id, aws.config(aws::Service::SecretsManager));
    let api_keys = access.api_keys_secret.as_deref().map(secret);
    let api_keys = api_keys.map(|source| ApiKeys::new(source, Clock::System));
    let state = AppState {
        executor,
        repository,
        clock: Clock::System,
        authenticator: Arc::new(Authenticator::Guarded(api_keys)),
    };
    let options = Options {
        allowed_origins: access.allowed_origins,
        client_address_header: access.client_address_header,
        explorer: access.explorer.then_some(Source::Cdn),
    };
    // The router is built while the network is waited for.
    let building = async { router(state.clone(), options) };
    let ((), router) = join(state.warm_up(), building).await;
    lambda_runtime::run(lambda::answering(router)).await
}
