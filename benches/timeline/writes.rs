//! What it takes to submit a piece, to change its triage, to put it aside, to release it and to delete it, by how many
//! indexes it is in.

use std::error::Error;

use feedback_graphql::domain::{
    Content, EmailAddress, FeedbackId, Message, NewFeedback, Rating, Status, Timestamp, Topic, TriageChange,
    TriageUpdate, Violation,
};
use feedback_graphql::repository::Triaging;

use crate::pages::Table;
use crate::tally::Cost;

/// The steps that a piece goes through.
pub const STEPS: [&str; 6] = [
    "submit",
    "change the note",
    "change the status",
    "quarantine",
    "release",
    "delete",
];

const NOW: Timestamp = Timestamp::MAX;

/// What each step takes, by what the piece has.
pub struct Row {
    /// What it has.
    pub feedback: &'static str,
    /// How many indexes it is in.
    pub indexes: u32,
    /// The write units of each step.
    pub units: [f64; STEPS.len()],
}

/// Takes a piece in few, some and all of the indexes through the steps. What breaks a promise is added to `broken`.
pub async fn measure(table: &Table<'_>, broken: &mut Vec<String>) -> Result<Vec<Row>, Box<dyn Error>> {
    let contents = contents().map_err(|broken| format!("{broken:?}"))?;
    let mut rows = Vec::new();
    for (feedback, indexes, content) in contents {
        let costs = steps(table, content).await?;
        let stores = f64::from(1 + indexes);
        // A change of the status moves the piece within its index: out of one partition and into another.
        let expected = [
            ("PutItem", stores),
            ("UpdateItem", stores),
            ("UpdateItem", stores + 1.0),
            // With its day's tally as below; the piece leaves the timeline and enters the quarantine, or the other way.
            ("TransactWriteItems", stores + 4.0),
            ("TransactWriteItems", stores + 4.0),
            // With its day's tally, and in a transaction twice as much of the table, though not of the indexes.
            ("TransactWriteItems", stores + 3.0),
        ];
        for ((step, cost), (operation, units)) in STEPS.iter().zip(&costs).zip(expected) {
            let written = cost.requests.iter().filter(|(name, _)| *name != "BatchGetItem");
            let is_one = written
                .map(|(name, count)| (name.as_str(), *count))
                .eq([(operation, 1)]);
            // Units of writes are whole.
            if !is_one || (cost.written - units).abs() > 0.1 {
                let units_taken = cost.written;
                broken.push(format!(
                    "{step}, {feedback}: {cost} and {units_taken} write units instead of 1 `{operation}` and {units}"
                ));
            }
        }
        rows.push(Row {
            feedback,
            indexes,
            units: costs.map(|cost| cost.written),
        });
    }
    Ok(rows)
}

async fn steps(table: &Table<'_>, content: Content) -> Result<[Cost; STEPS.len()], Box<dyn Error>> {
    let (repository, tally) = (&table.repository, table.tally);
    let new = NewFeedback::from(content);
    let id = new.id(NOW);
    tally.take();
    repository.submit(new, id, NOW).await?;
    let submitted = tally.take();
    change(table, id, None, Some("a remark")).await?;
    let noted = tally.take();
    change(table, id, Some(Status::Resolved), None).await?;
    let resolved = tally.take();
    repository.quarantine(id, NOW).await?;
    let put_aside = tally.take();
    repository.release(id, NOW).await?;
    let released = tally.take();
    repository.delete(id, NOW).await?;
    Ok([submitted, noted, resolved, put_aside, released, tally.take()])
}

async fn change(
    table: &Table<'_>,
    id: FeedbackId,
    status: Option<Status>,
    note: Option<&str>,
) -> Result<(), Box<dyn Error>> {
    let change = TriageChange::new(None, status, &[], &[], note).map_err(|broken| format!("{broken:?}"))?;
    let update = TriageUpdate {
        at: NOW,
        by: "support".to_owned(),
    };
    match table.repository.triage(id, &change, &update).await? {
        Triaging::Changed(_) => Ok(()),
        Triaging::Refused(error, _) => Err(error.message.into()),
    }
}

/// Pieces of less than a kilobyte, each with how many indexes it is in.
fn contents() -> Result<[(&'static str, u32, Content); 3], Vec<Violation>> {
    let message = Content::from(Message::parse(&"parcel never address again ".repeat(8))?);
    let with_topic = Content {
        topic: Some(Topic::parse("checkout")?),
        ..message.clone()
    };
    let with_all = Content {
        rating: Some(Rating::parse(2)?),
        email: Some(EmailAddress::parse("sam@example.org")?),
        ..with_topic.clone()
    };
    Ok([
        ("a message alone", 2, message),
        ("with a topic", 3, with_topic),
        ("with a topic, a rating and an email address", 5, with_all),
    ])
}
