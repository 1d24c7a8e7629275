//! The service on a laptop: the same router as in the cloud, over an embedded engine.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use aws_sdk_dynamodb::Client;
use clap::{ArgAction, Parser};
use feedback_graphql::auth::{Access, ApiKeys, KeySet, KeySource, NewKey, Scope, make_key};
use feedback_graphql::config::{
    AllowedOrigins, MAX_RETENTION_DAYS, MAX_TIMELINE_SHARDS, parse_level, parse_shards,
};
use feedback_graphql::domain::Clock;
use feedback_graphql::graphql::{Introspection, Limits, schema};
use feedback_graphql::http::explorer::Source;
use feedback_graphql::http::{Options, Service, router};
use feedback_graphql::local::{Assets, Engine, Storage, add_sample};
use feedback_graphql::logging;
use feedback_graphql::repository::{self, FeedbackRepository, table};
use tokio::net::TcpListener;
use tokio::signal;
use tracing::Level;
use url::Url;

/// How long running requests may take to end after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the whole feedback service on this machine: GraphQL, its explorer, and an embedded,
/// DynamoDB-compatible engine to keep the data. No account, no Docker.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, disable_help_flag = true)]
struct Arguments {
    /// Port to listen on; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 4000)]
    port: u16,

    /// Address to listen on. Everything is allowed to everyone who can reach it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,

    /// File to keep the data in; made if there is none
    #[arg(long, value_name = "PATH", default_value = ".feedback/feedback.db", conflicts_with_all = ["in_memory", "endpoint_url"])]
    db: PathBuf,

    /// Keep the data in memory, and forget it at the end
    #[arg(long, conflicts_with = "endpoint_url")]
    in_memory: bool,

    /// Port of the embedded engine's own endpoint, for tools that speak DynamoDB [default: the port after
    /// --port, or any free one]
    #[arg(long, value_name = "PORT", conflicts_with = "endpoint_url")]
    engine_port: Option<u16>,

    /// Use another DynamoDB instead of the embedded engine: DynamoDB Local, or AWS itself, like
    /// <https://dynamodb.eu-west-1.amazonaws.com> with your usual credentials
    #[arg(long, value_name = "URL", value_parser = parse_endpoint)]
    endpoint_url: Option<Url>,

    /// Name of the table; made if there is none
    #[arg(long, value_name = "NAME", env = "FEEDBACK_TABLE", default_value = "Feedback")]
    table: String,

    /// Partitions to spread the timeline over, 1 to 64. May be raised at any time, never lowered
    /// [default: as many as the data already has]
    #[arg(long, value_name = "N", env = "FEEDBACK_TIMELINE_SHARDS", value_parser = expecting(parse_shards))]
    shards: Option<NonZeroU32>,

    /// Add N made-up pieces of feedback from the past six weeks, to have something to look at
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    sample: u32,

    /// Origins whose pages may use the service from a browser, with commas between them, or *
    /// [default: every origin on this machine]
    #[arg(
        long,
        value_name = "ORIGINS",
        env = "FEEDBACK_ALLOWED_ORIGINS",
        hide_env_values = true
    )]
    allowed_origins: Option<AllowedOrigins>,

    /// Let in only callers with a key, as in the cloud. A key for this run is printed at the start
    #[arg(long)]
    require_auth: bool,

    /// Let in the API keys in this file too, as the cargo command api-key makes them; read anew for each
    /// request
    #[arg(long, value_name = "PATH", requires = "require_auth")]
    api_keys: Option<PathBuf>,

    /// Days after which feedback that is submitted from now on expires; 0 for never
    #[arg(long, value_name = "DAYS", env = "FEEDBACK_RETENTION_DAYS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_RETENTION_DAYS)))]
    retention_days: u32,

    /// Ceilings on what one request may ask for, like "depth=16 complexity=5000"
    #[arg(long, value_name = "LIMITS", env = "FEEDBACK_LIMITS", default_value = "", hide_default_value = true, value_parser = expecting(str::parse::<Limits>))]
    limits: Limits,

    /// Serve the explorer's files from this folder instead of the internet. Fill it with:
    /// npm install --prefix DIR graphiql@4.1.2 react@18.3.1 react-dom@18.3.1
    #[arg(long, value_name = "DIR")]
    explorer_assets: Option<PathBuf>,

    /// Least important level to log: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", env = "FEEDBACK_LOG", default_value = "info", value_parser = expecting(parse_level))]
    log: Level,

    /// Print help
    #[arg(short, long, action = ArgAction::HelpLong)]
    help: Option<bool>,
}

const EXAMPLES: &str = "Examples:
  cargo run                                          data in .feedback/feedback.db
  cargo run -- --in-memory --sample 500              500 pieces to play with, gone at the end
  cargo run -- --endpoint-url http://127.0.0.1:8000  on DynamoDB Local";

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
    logging::start(arguments.log, logging::Format::Text);
    // First, because a busy port is the likeliest trouble and the cheapest to find out.
    let listener = TcpListener::bind((arguments.host, arguments.port))
        .await
        .map_err(|error| {
            let (host, port) = (arguments.host, arguments.port);
            format!("cannot listen on {host} port {port}: {error}; choose another with --port")
        })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let assets = arguments.explorer_assets.as_deref().map(Assets::load).transpose();
    let assets = assets.map_err(|error| error.to_string())?;
    let engine = start_engine(&arguments, address.port()).await?;
    let (client, endpoint) = connect(&arguments, engine.as_ref()).await;

    let unusable = |error| format!("cannot use the DynamoDB at {endpoint}: {error}");
    let is_new = table::create_if_missing(&client, &arguments.table)
        .await
        .map_err(unusable)?;
    let in_use = table::shards_in_use(&client, &arguments.table, MAX_TIMELINE_SHARDS)
        .await
        .map_err(unusable)?;
    let shards = choose_shards(arguments.shards, in_use)?;
    let days = arguments.retention_days;
    let repository = FeedbackRepository::new(client, &arguments.table, shards)
        .retaining_for((days > 0).then(|| Duration::from_hours(24) * days));
    add_sample(&repository, arguments.sample, Clock::System.now())
        .await
        .map_err(|error| format!("cannot add the sample: {error}"))?;

    let (access, key) = access(&arguments)?;
    let service = Service {
        schema: schema(Introspection::On),
        repository,
        clock: Clock::System,
        access: Arc::new(access),
    };
    let options = Options {
        allowed_origins: arguments
            .allowed_origins
            .clone()
            .unwrap_or(AllowedOrigins::Loopback),
        introspection: true,
        limits: arguments.limits,
        explorer: Some(if assets.is_some() {
            Source::Local
        } else {
            Source::Cdn
        }),
    };
    let origins = options.allowed_origins.to_string();
    let router = router(service, options);
    let router = match assets {
        Some(assets) => assets.serve(router),
        None => router,
    };

    let table = &arguments.table;
    let made = if is_new { ", new" } else { "" };
    println!("Feedback service {}\n", env!("CARGO_PKG_VERSION"));
    println!("  GraphQL    http://{address}/graphql");
    println!("  Explorer   http://{address}/graphql (open it in a browser)");
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
        println!("  Access     anonymous callers may submit; for everything else, until the server stops:");
        println!("             Authorization: Bearer {}", key.token);
    } else {
        println!("  Access     everything is allowed to everyone who can reach {address}");
    }
    println!("  Browsers   let pages of {origins} in");
    println!("\nCtrl-C stops it.");

    serve(listener, router).await?;
    if let Some(engine) = engine {
        // A connection that a client keeps half open must not hold up the end.
        let _ = tokio::time::timeout(GRACE, engine.stop()).await;
    }
    println!("stopped");
    Ok(())
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

/// A client, and the URL of what it is a client of.
async fn connect(arguments: &Arguments, engine: Option<&Engine>) -> (Client, String) {
    if let Some(engine) = engine {
        let endpoint = engine.endpoint();
        return (repository::connect_without_account(&endpoint).await, endpoint);
    }
    let url = arguments
        .endpoint_url
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let endpoint = url.trim_end_matches('/').to_owned();
    // DynamoDB Local takes any credentials, and should not ask for an account.
    let has_credentials = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]
        .iter()
        .any(|name| env::var_os(name).is_some());
    let origin = arguments
        .endpoint_url
        .as_ref()
        .map(|url| url.origin().ascii_serialization());
    let is_local = origin.is_some_and(|origin| AllowedOrigins::Loopback.allows(&origin));
    let client = if is_local && !has_credentials {
        repository::connect_without_account(&endpoint).await
    } else {
        repository::connect_to(&endpoint).await
    };
    (client, endpoint)
}

/// How callers are told apart, and the key that was made for this run.
fn access(arguments: &Arguments) -> Result<(Access, Option<NewKey>), String> {
    if !arguments.require_auth {
        return Ok((Access::Open, None));
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
    Ok((Access::Guarded(Some(keys)), Some(key)))
}

/// The keys in the file and the one of this run, as one text.
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

fn choose_shards(wanted: Option<NonZeroU32>, in_use: u32) -> Result<NonZeroU32, String> {
    let in_use = NonZeroU32::new(in_use).unwrap_or(NonZeroU32::MIN);
    match wanted {
        Some(wanted) if wanted < in_use => Err(format!(
            "the data already lies in {in_use} shards, and with --shards {wanted} part of it would not be listed any more: \
             use --shards {in_use} or more, or other data with --db"
        )),
        wanted => Ok(wanted.unwrap_or(in_use)),
    }
}

async fn serve(listener: TcpListener, router: axum::Router) -> Result<(), String> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(());
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop_signal().await;
        let _ = stopping.send(());
    });
    let deadline = async {
        let _ = stopped.changed().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server => ended.map_err(|error| error.to_string()),
        () = deadline => Ok(()),
    }
}

/// Waits for Ctrl-C, or for being asked to end.
async fn stop_signal() {
    #[cfg(unix)]
    if let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = signal::ctrl_c().await;
}

fn place(arguments: &Arguments) -> String {
    match (&arguments.endpoint_url, arguments.in_memory) {
        (Some(_), _) => "with the DynamoDB below".to_owned(),
        (None, true) => "in memory, gone at the end".to_owned(),
        (None, false) => arguments.db.display().to_string(),
    }
}

fn plural(shards: NonZeroU32) -> &'static str {
    if shards.get() == 1 { "shard" } else { "shards" }
}

fn parse_endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| "expected a URL like http://127.0.0.1:8000".to_owned())
}

fn expecting<T>(
    parse: fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: 'static,
{
    move |text| parse(text).map_err(|expected| format!("expected {expected}"))
}
