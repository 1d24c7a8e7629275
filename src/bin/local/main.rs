//! The service on a laptop: the same router as in the cloud, over an embedded engine.

mod arguments;
mod stop;

use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use clap::Parser;
use feedback_graphql::auth::{ApiKeys, Authenticator, KeySet, KeySource, NewKey, Scope, make_key};
use feedback_graphql::config::Documents;
use feedback_graphql::domain::Clock;
use feedback_graphql::graphql::Executor;
use feedback_graphql::http::explorer::Source;
use feedback_graphql::http::{AllowedOrigins, AppState, Options, router};
use feedback_graphql::local::{
    Assets, Engine, Hosts, Storage, add_sample, serve, serve_pages, takes_any_credentials,
};
use feedback_graphql::logging;
use feedback_graphql::repository::{self, FeedbackRepository, Indexes, RepositoryError, table};
use tokio::net::TcpListener;

use arguments::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let format = if arguments.metrics {
        let metrics_of = Some("local".to_owned());
        logging::Format::Json { metrics_of }
    } else {
        logging::Format::Text
    };
    logging::start(arguments.log, format, io::stderr);
    // First, because a busy port is the likeliest error and the cheapest to find.
    let listener = TcpListener::bind((arguments.host, arguments.port))
        .await
        .map_err(|error| {
            let (host, port) = (arguments.host, arguments.port);
            format!("cannot listen on {host} port {port}: {error}; choose another with --port")
        })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let assets = arguments.explorer_assets.as_deref().map(Assets::load).transpose();
    let assets = assets.map_err(|error| error.to_string())?;
    let executor = executor(&arguments)?;
    let engine = start_engine(&arguments, address.port()).await?;
    let (client, endpoint) = connect(&arguments, engine.as_ref()).await;

    let unusable = |error| format!("cannot use the DynamoDB at {endpoint}: {error}");
    let opened = open_table(&arguments, client, engine.is_some()).await;
    let (repository, is_new) = opened.map_err(unusable)?;
    let shards = repository.shards(Clock::System.now()).await.map_err(unusable)?;
    add_sample(&repository, arguments.sample, Clock::System.now())
        .await
        .map_err(|error| format!("cannot add the sample: {error}"))?;

    let (authenticator, key) = authenticator(&arguments)?;
    let state = AppState {
        executor,
        repository,
        clock: Clock::System,
        authenticator: Arc::new(authenticator),
    };
    let options = Options {
        allowed_origins: arguments
            .allowed_origins
            .clone()
            .unwrap_or(AllowedOrigins::Loopback),
        client_address_header: None,
        explorer: (!arguments.no_explorer).then_some(if assets.is_some() {
            Source::Local
        } else {
            Source::Cdn
        }),
    };
    let origins = options.allowed_origins.to_string();
    let router = router(state, options);
    let router = match assets {
        Some(assets) => assets.serve(router),
        None => router,
    };
    let router = serve_pages(router, !arguments.no_explorer);
    let hosts = Hosts::new(arguments.host, arguments.allowed_hosts.iter().cloned());
    let router = hosts.protect(router);

    // Before the output says that Ctrl-C stops it.
    let stop = stop::on_signal().map_err(|error| error.to_string())?;
    let table = &arguments.table;
    let made = if is_new { ", new" } else { "" };
    println!("Feedback service {}\n", env!("CARGO_PKG_VERSION"));
    println!("  Start      http://{address}/ (open it in a browser)");
    println!("  Inbox      http://{address}/inbox.html");
    println!("  GraphQL    http://{address}/graphql");
    if !arguments.no_explorer {
        println!("  Explorer   http://{address}/graphql (in a browser)");
    }
    println!("  Plain      POST http://{address}/feedback");
    println!("  Data       {}", place(&arguments));
    println!(
        "  Table      {table}{made}, timeline in {shards} {}",
        plural(shards)
    );
    println!("  DynamoDB   {endpoint}");
    if engine.is_some() {
        println!("             AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=local \\");
        println!("             aws dynamodb scan --table-name {table} --endpoint-url {endpoint}");
    }
    if let Some(key) = key {
        println!(
            "  Access     anonymous callers may submit; everything else requires, until the server stops:"
        );
        println!("             Authorization: Bearer {}", key.token);
    } else {
        println!("  Access     everyone who can reach {address} may do everything");
    }
    if let Some(limit) = arguments.client_limit.per_hour {
        println!("  Limit      {limit} submissions an hour from each address without a credential");
    }
    println!("  Browsers   pages of {origins} are allowed");
    println!("\nCtrl-C stops it.");

    serve(listener, router, stop).await;
    if let Some(engine) = engine {
        engine.stop().await;
    }
    println!("stopped");
    Ok(())
}

fn executor(arguments: &Arguments) -> Result<Executor, String> {
    let documents = Documents {
        file: arguments.documents.clone(),
        arbitrary: arguments.arbitrary_documents,
    };
    let introspection = (!arguments.no_introspection).into();
    documents.executor(introspection, arguments.federation.into(), arguments.limits)
}

/// The feedback in the table, and whether the table was made. What somebody else keeps is left as it is.
async fn open_table(
    arguments: &Arguments,
    client: Client,
    is_own: bool,
) -> Result<(FeedbackRepository, bool), RepositoryError> {
    let table = &arguments.table;
    let is_new = table::create_if_missing(&client, table, &Indexes::all()).await?;
    if is_own {
        table::add_missing_indexes(&client, table, &Indexes::all()).await?;
    }
    let indexes = table::indexes(&client, table).await?;
    let repository = FeedbackRepository::new(client, table, arguments.shards)
        .with_indexes(indexes)
        .retaining_for(arguments.retention_days.0)
        .quarantining(arguments.quarantine)
        .limiting_clients(arguments.client_limit);
    Ok((repository, is_new))
}

async fn start_engine(arguments: &Arguments, port: u16) -> Result<Option<Engine>, String> {
    if arguments.endpoint_url.is_some() {
        return Ok(None);
    }
    let storage = if arguments.in_memory {
        Storage::Memory
    } else {
        Storage::File(arguments.db.clone())
    };
    let engine_port = arguments.engine_port.or_else(|| port.checked_add(1));
    let engine = Engine::start(&storage, engine_port).await;
    engine.map(Some).map_err(|error| error.to_string())
}

/// A client, and the URL of its endpoint.
async fn connect(arguments: &Arguments, engine: Option<&Engine>) -> (Client, String) {
    if let Some(engine) = engine {
        let endpoint = engine.endpoint();
        return (repository::connect_without_account(&endpoint), endpoint);
    }
    let url = arguments
        .endpoint_url
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let endpoint = url.trim_end_matches('/').to_owned();
    let any_will_do = arguments.endpoint_url.as_ref().is_some_and(takes_any_credentials);
    let client = if any_will_do {
        repository::connect_without_account(&endpoint)
    } else {
        repository::connect(Some(&endpoint)).await
    };
    (client, endpoint)
}

/// The authenticator, and the key for this run.
fn authenticator(arguments: &Arguments) -> Result<(Authenticator, Option<NewKey>), String> {
    if !arguments.require_auth {
        return Ok((Authenticator::Open, None));
    }
    let key = make_key("this run", &[Scope::Manage]).map_err(|error| error.to_string())?;
    let (entry, file) = (key.entry.clone(), arguments.api_keys.clone());
    if let Some(file) = &file {
        let text =
            fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        KeySet::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let source: KeySource = Arc::new(move || {
        let keys = stored_keys(&entry, file.as_deref());
        Box::pin(async move { keys })
    });
    let keys = ApiKeys::new(source, Clock::System).without_cache();
    Ok((Authenticator::Guarded(Some(keys)), Some(key)))
}

/// The keys in the file and that of this run, as one text.
fn stored_keys(entry: &str, file: Option<&Path>) -> Result<String, String> {
    let text = file.map_or_else(|| Ok("{\"keys\": []}".to_owned()), fs::read_to_string);
    let mut stored: serde_json::Value = text
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()))?;
    let entry = serde_json::from_str(entry).map_err(|error| error.to_string())?;
    if let Some(keys) = stored.get_mut("keys").and_then(serde_json::Value::as_array_mut) {
        keys.push(entry);
    }
    Ok(stored.to_string())
}

fn place(arguments: &Arguments) -> String {
    match (&arguments.endpoint_url, arguments.in_memory) {
        (Some(_), _) => "with the DynamoDB below".to_owned(),
        (None, true) => "in memory".to_owned(),
        (None, false) => arguments.db.display().to_string(),
    }
}

fn plural(shards: NonZeroU32) -> &'static str {
    if shards.get() == 1 { "shard" } else { "shards" }
}
