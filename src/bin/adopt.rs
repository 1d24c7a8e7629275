//! Gives the items of an older table their places on the timeline: options, progress and what is said at the
//! end.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use clap::{ArgAction, Parser};
use feedback_graphql::domain::Clock;
use feedback_graphql::local::takes_any_credentials;
use feedback_graphql::repository::adopt::{Adopted, Adoption, Index, Inspection, Survey, Unadoptable};
use feedback_graphql::repository::{self, table};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::signal;
use url::Url;

/// Gives the items of an older table their places on the timeline.
///
/// Items that hold only feedbackId, feedback and timestamp can be read by their ids, but are in no listing.
/// This gives each of them the attributes timelineShard and timelinePosition, by its timestamp, and touches
/// nothing else.
///
/// Without --write it only looks, and says what it would do. With --write it may be stopped and started
/// again at any time, run twice, and run while the service and the old function are at work. Items that it
/// cannot make sense of are named and left as they are.
///
/// It needs the rights to dynamodb:DescribeTable, dynamodb:GetItem, dynamodb:Scan and dynamodb:UpdateItem on the
/// table and to dynamodb:Query on the index, and takes region and credentials from where the AWS CLI does.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, disable_help_flag = true)]
struct Arguments {
    /// Name of the table
    #[arg(long, value_name = "NAME", env = "FEEDBACK_TABLE")]
    table: String,

    /// Adopt the items. Without it nothing is changed
    #[arg(long)]
    write: bool,

    /// Items to write a second, and read units a second to use in looking for them. Each write costs one
    /// write unit of the table and one of its index, next to what the service itself needs
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,

    /// Use this DynamoDB instead of the one of the environment, like <http://127.0.0.1:8000>
    #[arg(long, value_name = "URL", value_parser = parse_endpoint)]
    endpoint_url: Option<Url>,

    /// Print help
    #[arg(short, long, action = ArgAction::HelpLong)]
    help: Option<bool>,
}

const EXAMPLES: &str = "Examples:
  cargo run --bin adopt -- --table feedback                     what there is to do
  cargo run --bin adopt -- --table feedback --write             do it
  cargo run --bin adopt -- --table feedback --write --rate 500  do it faster";

/// The exit code of a process that Ctrl-C ended, as shells have it.
const INTERRUPTED: u8 = 130;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let table = &arguments.table;
    let (client, credentials) = connect(arguments.endpoint_url.as_ref()).await;
    let rate = NonZeroU32::new(arguments.rate).unwrap_or(NonZeroU32::MIN);
    let adoption = Adoption::new(client.clone(), table, rate);
    let inspection = adoption
        .inspect()
        .await
        .map_err(|error| format!("cannot use table {table}: {error}"))?;
    let has_index = inspection.index != Index::Missing;
    let advice = index_advice(arguments, &client, credentials, &inspection);
    if arguments.write && !has_index {
        return Err(format!("{advice}\n\nNothing was changed."));
    }

    let Some(survey) = or_interrupted(survey(&adoption)).await else {
        println!("Interrupted while looking. Nothing was changed.");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let survey = survey.map_err(|error| format!("cannot read table {table}: {error}"))?;
    tell(arguments, &survey);
    if inspection.index == Index::Building {
        println!("\nThe index timeline is still being built. Listings are complete when it is ready.");
    }
    if let Some((read, write)) = inspection.provisioned
        && i64::from(arguments.rate) >= read.min(write)
    {
        println!(
            "\nThe table is provisioned with {read} read and {write} write units a second, and the service \
             needs some of them: choose a --rate below that, or change the table to on demand."
        );
    }
    if arguments.write {
        let shards = if inspection.index == Index::Building {
            // It cannot be asked yet which shards are in use. The first one always is.
            NonZeroU32::MIN
        } else {
            let shards = adoption.shards(Clock::System.now()).await;
            shards.map_err(|error| format!("cannot tell how many shards table {table} has: {error}"))?
        };
        return adopt(&adoption, shards, survey.adoptable).await;
    }
    println!("\nNothing was changed.");
    if !has_index {
        println!("\nFirst of all: {advice}");
    }
    if survey.adoptable > 0 {
        let seconds = survey.adoptable.div_ceil(arguments.rate.into());
        let (time, rate) = (HumanDuration(Duration::from_secs(seconds)), arguments.rate);
        let then = if has_index { "" } else { "After that, " };
        println!("\n{then}--write adopts the items, in about {time} at --rate {rate}.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn survey(adoption: &Adoption) -> Result<Survey, String> {
    let progress = ProgressBar::new_spinner().with_style(style("{spinner} looking, {human_pos} items read"));
    let survey = adoption.survey(|examined| progress.inc(examined)).await;
    progress.finish_and_clear();
    survey.map_err(|error| error.to_string())
}

async fn adopt(adoption: &Adoption, shards: NonZeroU32, expected: u64) -> Result<ExitCode, String> {
    let progress = ProgressBar::new(expected)
        .with_style(style("adopting {wide_bar} {human_pos}/{human_len} ({eta} left)"));
    let (mut adopted, mut overtaken) = (0_u64, 0_u64);
    let report = |one: Adopted| {
        progress.inc(1);
        match one {
            Adopted::Now => adopted += 1,
            Adopted::Overtaken => overtaken += 1,
            Adopted::Not(item) => progress.suspend(|| println!("  {}", line(&item))),
        }
    };
    let ended = or_interrupted(adoption.run(shards, report)).await;
    progress.finish_and_clear();
    println!("\n{} adopted.", items(adopted));
    if overtaken > 0 {
        println!(
            "{} had been adopted, changed or deleted in the meantime.",
            items(overtaken)
        );
    }
    let go_on = "The same command goes on with what is left.";
    match ended {
        Some(Ok(())) => Ok(ExitCode::SUCCESS),
        Some(Err(error)) => Err(format!("stopped before the end: {error}\n{go_on}")),
        None => {
            println!("Interrupted before the end. {go_on}");
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// The end of the work; `None` when Ctrl-C came first.
async fn or_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        ended = work => Some(ended),
        _ = signal::ctrl_c() => None,
    }
}

/// Says what is in the table.
fn tell(arguments: &Arguments, survey: &Survey) {
    let left = u64::try_from(survey.unadoptable.len()).unwrap_or(u64::MAX);
    let placed = survey.items.saturating_sub(survey.adoptable).saturating_sub(left);
    println!("{} in table {}:", items(survey.items), arguments.table);
    println!("  {} on the timeline", HumanCount(placed));
    println!("  {} to adopt", HumanCount(survey.adoptable));
    println!("  {} to be left as they are", HumanCount(left));
    for item in &survey.unadoptable {
        println!("    {}", line(item));
    }
    if survey.has_shards_item {
        println!(
            "The item {} is skipped: it says how many shards the timeline has.",
            table::SHARDS_ITEM
        );
    }
}

/// How an item that is left is named. Anything may be in its id, line ends and control characters included.
fn line(item: &Unadoptable) -> String {
    format!("{:?}: {}", item.id, item.reason)
}

fn items(count: u64) -> String {
    format!(
        "{} {}",
        HumanCount(count),
        if count == 1 { "item" } else { "items" }
    )
}

/// What to do about a table that has no index: the command of the AWS CLI that adds it.
fn index_advice(
    arguments: &Arguments,
    client: &Client,
    credentials: Credentials,
    inspection: &Inspection,
) -> String {
    let mut index = json!({
        "IndexName": table::TIMELINE_INDEX,
        "KeySchema": [
            { "AttributeName": table::SHARD_ATTRIBUTE, "KeyType": "HASH" },
            { "AttributeName": table::POSITION_ATTRIBUTE, "KeyType": "RANGE" },
        ],
        "Projection": { "ProjectionType": "ALL" },
    });
    // An index of a table with provisioned capacity has to have its own.
    if let Some((read, write)) = inspection.provisioned {
        index["ProvisionedThroughput"] = json!({ "ReadCapacityUnits": read, "WriteCapacityUnits": write });
    }
    let attributes = [
        (table::PARTITION_KEY, "S"),
        (table::SHARD_ATTRIBUTE, "N"),
        (table::POSITION_ATTRIBUTE, "S"),
    ];
    let attributes = attributes.map(|(name, kind)| format!("AttributeName={name},AttributeType={kind}"));
    let credentials = match credentials {
        Credentials::Any => "AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any ",
        Credentials::Environment => "",
    };
    let region = client.config().region();
    let region = region.map(|region| format!(" --region {region}"));
    let endpoint = arguments.endpoint_url.as_ref();
    let endpoint = endpoint.map(|url| format!(" --endpoint-url '{url}'"));
    let table = &arguments.table;
    format!(
        "table {table} has no index timeline yet, and without it there are no listings. This adds it (unless \
         a template owns the table, which is then the place to add it):\n\n  \
         {credentials}aws dynamodb update-table --table-name '{table}'{region}{endpoint} \\\n    \
         --attribute-definitions {attributes} \\\n    \
         --global-secondary-index-updates '{index}'",
        region = region.unwrap_or_default(),
        endpoint = endpoint.unwrap_or_default(),
        attributes = attributes.join(" "),
        index = json!([{ "Create": index }]),
    )
}

/// Which credentials a client uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credentials {
    /// Those of the environment.
    Environment,
    /// Made-up ones, where any will do.
    Any,
}

/// A client of the endpoint, or of what the environment names.
async fn connect(endpoint: Option<&Url>) -> (Client, Credentials) {
    let Some(url) = endpoint else {
        return (repository::connect(None).await, Credentials::Environment);
    };
    if takes_any_credentials(url) {
        let client = repository::connect_without_account(url.as_str());
        (client, Credentials::Any)
    } else {
        let client = repository::connect(Some(url.as_str())).await;
        (client, Credentials::Environment)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn parse_endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| "expected a URL like http://127.0.0.1:8000".to_owned())
}
