//! What it takes to submit where there is a limit for each client, beside what it takes where there is none.

use std::error::Error;
use std::time::{Duration, Instant};

use feedback_graphql::domain::{ClientAddress, Content, Message, NewFeedback, Submitter, Timestamp};
use feedback_graphql::repository::{ClientLimit, FeedbackRepository};

use crate::pages::Table;
use crate::tally::Cost;

/// How many submissions of a kind are made, of which the median time is shown.
const SAMPLE: usize = 200;

const NOW: Timestamp = Timestamp::MAX;
const ADDRESS: &str = "203.0.113.7";

/// A submission.
pub struct Row {
    /// Of which kind.
    pub kind: &'static str,
    /// What was asked of DynamoDB for it.
    pub cost: Cost,
    /// How long it took.
    pub took: Duration,
}

/// Submits with and without a limit. What breaks a promise is added to `broken`.
pub async fn measure(table: &Table<'_>, broken: &mut Vec<String>) -> Result<Vec<Row>, Box<dyn Error>> {
    let limited = |per_hour: &str| -> Result<FeedbackRepository, Box<dyn Error>> {
        let limit = ClientLimit {
            // However busy this machine is.
            patience: Duration::from_mins(1),
            ..per_hour.parse()?
        };
        Ok(table.repository.clone().limiting_clients(limit))
    };
    let (without, with) = (limited("0")?, limited("1000000")?);
    // The count is beyond that already when this one sees it first.
    let exceeded = limited("1")?;
    let mut rows = Vec::new();
    for (kind, repository, samples, requests, written) in [
        ("no limit", &without, SAMPLE, &["1 `PutItem`"][..], 3.0),
        (
            "with a limit, a function's first, and the first of a day",
            &with,
            1,
            &["1 `GetItem`", "1 `PutItem`", "2 `UpdateItem`"],
            5.0,
        ),
        (
            "with a limit",
            &with,
            SAMPLE,
            &["1 `PutItem`", "1 `UpdateItem`"],
            4.0,
        ),
        (
            "above the limit, for the first time",
            &exceeded,
            1,
            &["1 `UpdateItem`"],
            1.0,
        ),
        ("above the limit", &exceeded, SAMPLE, &[], 0.0),
    ] {
        let mut times = Vec::new();
        let mut cost = Cost::default();
        for _ in 0..samples {
            table.tally.take();
            let began = Instant::now();
            submit(repository).await?;
            times.push(began.elapsed());
            cost = table.tally.take();
            if cost.to_string() != requests.join(", ") || (cost.written - written).abs() > 0.1 {
                let units = cost.written;
                broken.push(format!(
                    "{kind}: {cost} and {units} write units instead of {requests:?} and {written}"
                ));
            }
        }
        times.sort_unstable();
        rows.push(Row {
            kind,
            cost,
            took: times[times.len() / 2],
        });
    }
    Ok(rows)
}

/// Submits a piece of less than a kilobyte, unless it is refused.
async fn submit(repository: &FeedbackRepository) -> Result<(), Box<dyn Error>> {
    let client = ClientAddress::parse(ADDRESS).ok_or("no address")?;
    if repository.admit(Submitter::Client(client), NOW).await.is_ok() {
        let message = Message::parse("parcel never address again").map_err(|broken| format!("{broken:?}"))?;
        let new = NewFeedback::from(Content::from(message));
        let id = new.id(NOW);
        repository.submit(new, id, NOW).await?;
    }
    Ok(())
}
