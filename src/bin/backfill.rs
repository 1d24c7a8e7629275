//! Completes the items of an older table: options, progress and report.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use clap::{ArgAction, Parser};
use feedback_graphql::backfill::{Backfill, IncompatibleItem, Index, Inspection, Outcome, Survey};
use feedback_graphql::domain::{Clock, Status};
use feedback_graphql::local::takes_any_credentials;
use feedback_graphql::repository::{self, table};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::signal;
use url::Url;

/// Completes the items of an older table.
///
/// Items that have only feedbackId, feedback and timestamp can be read by id, but are in no listing, and feedback from
/// before there was triage has no status. This adds what is missing of timelineShard, timelinePosition, status and, where
/// there is an email address, person, and changes nothing else.
///
/// Without --write it counts the items and changes nothing. With --write it can be stopped and restarted at any
/// time, run twice, and run while the service and the old function are at work. Incompatible items are named, and
/// left as they are.
///
/// It requires dynamodb:DescribeTable, dynamodb:GetItem, dynamodb:PutItem, dynamodb:Scan and dynamodb:UpdateItem on the
/// table and dynamodb:Query on the index, and uses the region and the credentials that the AWS CLI would.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, disable_help_flag = true)]
struct Arguments {
    /// Name of the table
    #[arg(long, value_name = "NAME", env = "FEEDBACK_TABLE")]
    table: String,

    /// Backfill the items. Without it nothing is changed
    #[arg(long)]
    write: bool,

    /// Status of feedback that has none: open, for staff to work through, or resolved
    #[arg(long, value_name = "STATUS", default_value = "open", value_parser = ["open", "resolved"])]
    status: String,

    /// Maximum number of items written a second, and of read units used a second to find them. Each item costs one
    /// write unit of the table and one of each index that it is then in
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,

    /// Endpoint of DynamoDB, like <http://127.0.0.1:8000> [default: the one of the environment]
    #[arg(long, value_name = "URL", value_parser = parse_endpoint)]
    endpoint_url: Option<Url>,

    /// Print help
    #[arg(short, long, action = ArgAction::HelpLong)]
    help: Option<bool>,
}

const EXAMPLES: &str = "Examples:
  cargo run --bin backfill -- --table feedback                     count the items
  cargo run --bin backfill -- --table feedback --write             backfill them
  cargo run --bin backfill -- --table feedback --write --rate 500  backfill them faster";

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
    let client = connect(arguments.endpoint_url.as_ref()).await;
    let rate = NonZeroU32::new(arguments.rate).unwrap_or(NonZeroU32::MIN);
    let status = Status::parse(&arguments.status.to_ascii_uppercase()).unwrap_or_default();
    let backfill = Backfill::new(client.clone(), table, rate).with_status(status);
    let inspection = backfill.inspect().await;
    let inspection = inspection.map_err(|error| format!("cannot use table {table}: {error}"))?;
    let has_index = inspection.index != Index::Missing;
    let advice = index_advice(arguments, &client, &inspection);
    if arguments.write && !has_index {
        return Err(format!("{advice}\n\nNothing was changed."));
    }

    let Some(survey) = or_interrupted(survey(&backfill)).await else {
        println!("Interrupted while counting. Nothing was changed.");
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
            "\nThe table is provisioned with {read} read and {write} write units a second, of which the service \
             needs some: choose a --rate below that, or change the table to on demand."
        );
    }
    if arguments.write {
        let shards = if inspection.index == Index::Building {
            // Which shards are in use cannot be queried yet. The first one always is.
            NonZeroU32::MIN
        } else {
            let shards = backfill.shards(Clock::System.now()).await;
            shards.map_err(|error| format!("cannot tell how many shards table {table} has: {error}"))?
        };
        return write(&backfill, shards, survey.pending).await;
    }
    println!("\nNothing was changed.");
    if !has_index {
        println!("\nFirst of all: {advice}");
    }
    if survey.pending > 0 {
        let seconds = survey.pending.div_ceil(arguments.rate.into());
        let (time, rate) = (HumanDuration(Duration::from_secs(seconds)), arguments.rate);
        let then = if has_index { "" } else { "After that, " };
        println!("\n{then}--write backfills the items, in about {time} at --rate {rate}.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn survey(backfill: &Backfill) -> Result<Survey, String> {
    let progress = ProgressBar::new_spinner().with_style(style("{spinner} counting, {human_pos} items read"));
    let survey = backfill.survey(|examined| progress.inc(examined)).await;
    progress.finish_and_clear();
    survey.map_err(|error| error.to_string())
}

async fn write(backfill: &Backfill, shards: NonZeroU32, expected: u64) -> Result<ExitCode, String> {
    let progress = ProgressBar::new(expected).with_style(style(
        "backfilling {wide_bar} {human_pos}/{human_len} ({eta} left)",
    ));
    let (mut backfilled, mut skipped) = (0_u64, 0_u64);
    let report = |outcome| {
        progress.inc(1);
        match outcome {
            Outcome::Backfilled => backfilled += 1,
            Outcome::Skipped => skipped += 1,
            Outcome::Incompatible(item) => progress.suspend(|| println!("  {}", line(&item))),
        }
    };
    let ended = or_interrupted(backfill.run(shards, report)).await;
    progress.finish_and_clear();
    println!("\n{} backfilled.", items(backfilled));
    if skipped > 0 {
        println!(
            "{} skipped: backfilled, changed or deleted in the meantime.",
            items(skipped)
        );
    }
    let go_on = "Run the same command again to continue.";
    match ended {
        Some(Ok(())) => Ok(ExitCode::SUCCESS),
        Some(Err(error)) => Err(format!("stopped before the end: {error}\n{go_on}")),
        None => {
            println!("Interrupted before the end. {go_on}");
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// The result of the work; `None` if Ctrl-C came first.
async fn or_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        ended = work => Some(ended),
        _ = signal::ctrl_c() => None,
    }
}

/// Reports the contents of the table.
fn tell(arguments: &Arguments, survey: &Survey) {
    let incompatible = u64::try_from(survey.incompatible.len()).unwrap_or(u64::MAX);
    let complete = survey
        .items
        .saturating_sub(survey.pending)
        .saturating_sub(incompatible);
    println!("{} in table {}:", items(survey.items), arguments.table);
    println!("  {} complete", HumanCount(complete));
    println!("  {} pending", HumanCount(survey.pending));
    println!("  {} incompatible", HumanCount(incompatible));
    for item in &survey.incompatible {
        println!("    {}", line(item));
    }
    if survey.own_items > 0 {
        let own = items(survey.own_items);
        println!("Not counted: {own} of the service itself, with a # in the id.");
    }
}

/// The line of an incompatible item, whose id may have line ends and control characters in it.
fn line(item: &IncompatibleItem) -> String {
    format!("{:?}: {}", item.id, item.reason)
}

fn items(count: u64) -> String {
    let noun = if count == 1 { "item" } else { "items" };
    format!("{} {noun}", HumanCount(count))
}

/// The command of the AWS CLI that adds the index to a table.
fn index_advice(arguments: &Arguments, client: &Client, inspection: &Inspection) -> String {
    let mut index = json!({
        "IndexName": repository::Index::Timeline.name(),
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
    let endpoint = arguments.endpoint_url.as_ref();
    let credentials = if endpoint.is_some_and(takes_any_credentials) {
        "AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any "
    } else {
        ""
    };
    let region = client.config().region();
    let region = region.map(|region| format!(" --region {region}"));
    let endpoint = endpoint.map(|url| format!(" --endpoint-url '{url}'"));
    let table = &arguments.table;
    format!(
        "table {table} has no index timeline yet, which listings need. This adds it (if a template owns the \
         table, add it there instead):\n\n  \
         {credentials}aws dynamodb update-table --table-name '{table}'{region}{endpoint} \\\n    \
         --attribute-definitions {attributes} \\\n    \
         --global-secondary-index-updates '{index}'",
        region = region.unwrap_or_default(),
        endpoint = endpoint.unwrap_or_default(),
        attributes = attributes.join(" "),
        index = json!([{ "Create": index }]),
    )
}

/// A client of the endpoint, or of the one that the environment names.
async fn connect(endpoint: Option<&Url>) -> Client {
    match endpoint {
        Some(url) if takes_any_credentials(url) => repository::connect_without_account(url.as_str()),
        _ => repository::connect(endpoint.map(Url::as_str)).await,
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
