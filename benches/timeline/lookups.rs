//! What is asked one piece at a time: reading by id, and submitting again.

use std::error::Error;
use std::fmt::Write;

use feedback_graphql::auth::Caller;
use feedback_graphql::domain::{Clock, IdempotencyKey, Message, NewFeedback, Signals, Timestamp};
use feedback_graphql::graphql::{Executor, Introspection, RequestContext, Variables};
use feedback_graphql::repository::MAX_BATCH;

use crate::pages::Table;
use crate::tally::Cost;

/// How many ids an operation asks for.
const IDS: [usize; 5] = [1, 20, 100, 101, 250];

/// What each costs, by what is done. What breaks a promise is added to `broken`.
pub async fn measure(
    table: &Table<'_>,
    broken: &mut Vec<String>,
) -> Result<Vec<(String, Cost)>, Box<dyn Error>> {
    let message = Message::parse(&"parcel never address again ".repeat(8));
    let new = NewFeedback {
        content: message.map_err(|broken| format!("{broken:?}"))?.into(),
        idempotency_key: IdempotencyKey::parse("the key of the bench".to_owned()).ok(),
        signals: Signals::default(),
    };
    let now = Timestamp::MAX;
    let id = new.id(now);
    table.repository.submit(new.clone(), id, now).await?;
    table.tally.take();
    table.repository.submit(new, id, now).await?;
    let what = "submit again under the same key".to_owned();
    let mut rows = vec![(what, "PutItem", 1, table.tally.take())];
    table.repository.delete(id, now).await?;
    table.tally.take();
    for count in IDS {
        let cost = by_aliases(table, count).await?;
        let requests = u32::try_from(count.div_ceil(MAX_BATCH))?;
        let what = format!("`feedback(id:)`, aliases: {count}");
        rows.push((what, "BatchGetItem", requests, cost));
    }
    for (what, operation, requests, cost) in &rows {
        let is_kept = cost.requests.len() == 1 && cost.requests.get(*operation) == Some(requests);
        if !is_kept {
            broken.push(format!("{what}: {cost} instead of {requests} {operation}"));
        }
    }
    Ok(rows.into_iter().map(|(what, _, _, cost)| (what, cost)).collect())
}

/// Asks for so many pieces in one operation, each by a field of its own.
async fn by_aliases(table: &Table<'_>, count: usize) -> Result<Cost, Box<dyn Error>> {
    let mut query = String::from("{");
    for (number, one) in table.known.iter().take(count).enumerate() {
        write!(
            query,
            " f{number}: feedback(id: \"{}\") {{ message }}",
            one.position.id()
        )?;
    }
    query.push('}');
    let request_context = RequestContext::new(table.repository.clone(), Clock::System, Caller::EVERYONE);
    let limits = "aliases=250 rootFields=250 tokens=4000 queryBytes=32768".parse()?;
    let executor = Executor::new(Introspection::Off, limits);
    let answer = executor.run(&query, &Variables::new(), request_context).await;
    let answer = answer.map_err(|errors| errors[0].message.clone())?;
    if let Some(error) = answer.errors.first() {
        return Err(error.message.clone().into());
    }
    let found = answer.data.into_json()?;
    let fields = found.as_object().map_or(0, |fields| {
        fields.values().filter(|field| !field.is_null()).count()
    });
    if fields != count {
        return Err(format!("{fields} of {count} pieces were found").into());
    }
    Ok(table.tally.take())
}
