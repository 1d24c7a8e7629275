//! The options of the laptop's server.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{ArgAction, Parser};
use feedback_graphql::config::{Retention, parse_level, parse_shards};
use feedback_graphql::domain::QuarantineRules;
use feedback_graphql::graphql::{ArbitraryDocuments, Limits};
use feedback_graphql::http::AllowedOrigins;
use feedback_graphql::local::parse_host;
use feedback_graphql::repository::ClientLimit;
use tracing::Level;
use url::{Host, Url};

/// Runs the whole feedback service on this machine: GraphQL, its explorer, a form and an inbox, and an embedded,
/// DynamoDB-compatible engine for the data. No account, no Docker.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, disable_help_flag = true)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Arguments {
    /// Port to listen on; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 4000)]
    pub port: u16,

    /// Address to listen on. By default, everyone who can reach it may do everything
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Additional host names of this machine, separated by commas. Its own are localhost, *.localhost, loopback
    /// addresses, --host, and the address that a request arrives at. Requests for other hosts get a 421, because a web
    /// page can let a name of its own resolve to this machine
    #[arg(long, value_name = "HOSTS", value_delimiter = ',', value_parser = parse_host)]
    pub allowed_hosts: Vec<Host>,

    /// File for the data; created if missing
    #[arg(long, value_name = "PATH", default_value = ".feedback/feedback.db", conflicts_with_all = ["in_memory", "endpoint_url"])]
    pub db: PathBuf,

    /// Keep the data in memory only
    #[arg(long, conflicts_with = "endpoint_url")]
    pub in_memory: bool,

    /// Port of the embedded engine's endpoint, for DynamoDB tools. Always on 127.0.0.1, and closed to web pages
    /// [default: the port after --port, or any free one]
    #[arg(long, value_name = "PORT", conflicts_with = "endpoint_url")]
    pub engine_port: Option<u16>,

    /// Use another DynamoDB instead of the embedded engine: DynamoDB Local, or AWS itself, like
    /// <https://dynamodb.eu-west-1.amazonaws.com> with your usual credentials
    #[arg(long, value_name = "URL", value_parser = parse_endpoint)]
    pub endpoint_url: Option<Url>,

    /// Name of the table; created if missing
    #[arg(long, value_name = "NAME", env = "FEEDBACK_TABLE", default_value = "Feedback")]
    pub table: String,

    /// Shards of the timeline, 1 to 64. Additional shards are used after two minutes; a smaller number than before has
    /// no effect
    #[arg(long, value_name = "N", env = "FEEDBACK_TIMELINE_SHARDS", default_value = "1", value_parser = expecting(parse_shards))]
    pub shards: NonZeroU32,

    /// Add N pieces of sample feedback from the past six weeks
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub sample: u32,

    /// Origins whose pages may use the service from a browser, separated by commas, or *
    /// [default: every origin on this machine]
    #[arg(
        long,
        value_name = "ORIGINS",
        env = "FEEDBACK_ALLOWED_ORIGINS",
        hide_env_values = true,
        value_parser = expecting(str::parse::<AllowedOrigins>)
    )]
    pub allowed_origins: Option<AllowedOrigins>,

    /// Require an API key for everything but submitting, as in the cloud. A key for this run is printed at the start.
    /// Introspection and the explorer stay enabled, unlike in the cloud by default: see --no-introspection and
    /// --no-explorer
    #[arg(long)]
    pub require_auth: bool,

    /// File with more API keys, as created by cargo run --bin api-key; read for each request
    #[arg(long, value_name = "PATH", requires = "require_auth")]
    pub api_keys: Option<PathBuf>,

    /// Submissions an hour from each address without a credential; 0 for no limit
    #[arg(long, value_name = "N", env = "FEEDBACK_CLIENT_LIMIT", default_value = "0", value_parser = expecting(str::parse::<ClientLimit>))]
    pub client_limit: ClientLimit,

    /// Disable introspection, as in the cloud by default. Otherwise it is enabled for everyone, with --require-auth too
    #[arg(long)]
    pub no_introspection: bool,

    /// Disable the explorer at /graphql, as in the cloud by default
    #[arg(long, conflicts_with = "explorer_assets")]
    pub no_explorer: bool,

    /// Make the schema a subgraph of a federated graph: see docs/federation.md
    #[arg(long, env = "FEEDBACK_FEDERATION")]
    pub federation: bool,

    /// Days after which feedback that is submitted from now on expires; 0 for never
    #[arg(long, value_name = "DAYS", env = "FEEDBACK_RETENTION_DAYS", default_value = "0", value_parser = expecting(str::parse::<Retention>))]
    pub retention_days: Retention,

    /// When feedback is put into quarantine, like "trap=1 elapsedMs=1500 links=3": a rule that is not named is off, and
    /// trap=0 alone puts nothing aside
    #[arg(long, value_name = "RULES", env = "FEEDBACK_QUARANTINE", default_value = "trap=1", value_parser = expecting(str::parse::<QuarantineRules>))]
    pub quarantine: QuarantineRules,

    /// Limits on one request, like "depth=16 complexity=5000"
    #[arg(long, value_name = "LIMITS", env = "FEEDBACK_LIMITS", default_value = "", hide_default_value = true, value_parser = expecting(str::parse::<Limits>))]
    pub limits: Limits,

    /// File with trusted documents, which clients name by id instead of sending their text: a map from ids to documents,
    /// as graphql-codegen and Relay write it, or Apollo's manifest
    #[arg(long, value_name = "PATH", env = "FEEDBACK_DOCUMENTS")]
    pub documents: Option<PathBuf>,

    /// Who may send other documents than those in --documents: everyone, credentialed (callers with a credential, and
    /// without --require-auth everyone) or nobody
    #[arg(long, value_name = "CALLERS", env = "FEEDBACK_ARBITRARY_DOCUMENTS", default_value = "everyone", value_parser = expecting(str::parse::<ArbitraryDocuments>))]
    pub arbitrary_documents: ArbitraryDocuments,

    /// Serve the explorer's files from this folder instead of the internet. Fill it with:
    /// npm install --prefix DIR graphiql@4.1.2 react@18.3.1 react-dom@18.3.1
    #[arg(long, value_name = "DIR")]
    pub explorer_assets: Option<PathBuf>,

    /// Least severe level to log: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", env = "FEEDBACK_LOG", default_value = "info", value_parser = expecting(parse_level))]
    pub log: Level,

    /// Log in JSON, the lines of requests at every level and with metrics in CloudWatch's embedded metric format, as the
    /// function does with Metrics=true
    #[arg(long, env = "FEEDBACK_METRICS")]
    pub metrics: bool,

    /// Print help
    #[arg(short, long, action = ArgAction::HelpLong)]
    pub help: Option<bool>,
}

const EXAMPLES: &str = "Examples:
  cargo run                                          data in .feedback/feedback.db
  cargo run -- --in-memory --sample 500              500 pieces of sample feedback, in memory
  cargo run -- --endpoint-url http://127.0.0.1:8000  on DynamoDB Local";

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
