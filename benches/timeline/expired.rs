//! Pages of a timeline in which feedback that has expired lies before feedback that has not. DynamoDB keeps what has
//! expired for days, and a page has to get past it.

use std::error::Error;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use feedback_graphql::domain::{Content, FeedbackId, Filter, Message, Order, PageRequest, Timestamp};
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{
    FeedbackRepository, Indexes, READ_BUDGET, connect_without_account, table,
};

use crate::fill::{BEGIN, TABLE};
use crate::pages::Fetched;
use crate::tally::Tally;

/// How many pieces have expired.
pub const EXPIRED: u64 = 2_500;
/// How many later ones have not.
pub const LIVE: u64 = 30;
/// How many rounds of `Query` a page may take: it starts with one item a shard, and each round reads twice as much.
const ROUNDS: u32 = 12;

/// What a page took, by what was asked for.
pub struct Row {
    /// How many shards the timeline has.
    pub shards: NonZeroU32,
    /// What was asked for.
    pub page: &'static str,
    /// What it took.
    pub fetched: Fetched,
}

/// Fetches pages of such a timeline. What breaks a promise is added to `broken`.
pub async fn measure(shards: NonZeroU32, broken: &mut Vec<String>) -> Result<Vec<Row>, Box<dyn Error>> {
    let engine = Engine::start(&Storage::Memory, None).await?;
    let tally = Tally::default();
    let client = tally.of(&connect_without_account(&engine.endpoint()));
    table::create_if_missing(
        &connect_without_account(&engine.endpoint()),
        TABLE,
        &Indexes::all(),
    )
    .await?;
    let repository = FeedbackRepository::new(client, TABLE, shards);
    repository.shards(at(0)?).await?;
    fill(&repository).await?;
    repository.shards(at(LIVE + EXPIRED)?).await?;

    let mut rows = Vec::new();
    let mut after = None;
    for (what, size, order) in [
        ("`NEWEST_FIRST`, first 29", 29, Order::NewestFirst),
        ("`NEWEST_FIRST`, first 30", 30, Order::NewestFirst),
        ("`OLDEST_FIRST`, first 30", 30, Order::OldestFirst),
        ("`OLDEST_FIRST`, the next 30", 30, Order::OldestFirst),
    ] {
        let request = PageRequest::new(Some(size), None, after, None, order, Filter::default())?;
        tally.take();
        let began = Instant::now();
        let page = repository.page(&request, at(LIVE + EXPIRED)?).await?;
        let (took, cost) = (began.elapsed(), tally.take());
        after = page.stopped_at.filter(|_| order == Order::OldestFirst);
        // The last round divides what is left among the shards, and rounds up.
        let most = u32::try_from(READ_BUDGET)? + shards.get();
        if cost.examined > most || cost.all_requests() > ROUNDS * shards.get() {
            broken.push(format!(
                "{shards} shards, {what}: {} items, {cost}",
                cost.examined
            ));
        }
        let found = page.items.len();
        rows.push(Row {
            shards,
            page: what,
            fetched: Fetched { cost, found, took },
        });
    }
    engine.stop().await;
    Ok(rows)
}

async fn fill(repository: &FeedbackRepository) -> Result<(), Box<dyn Error>> {
    let expiring = repository.clone().retaining_for(Some(Duration::ZERO));
    let message = Message::parse(&"parcel never address again ".repeat(8));
    let content = Content::from(message.map_err(|broken| format!("{broken:?}"))?);
    for number in 0..EXPIRED + LIVE {
        let at = at(number)?;
        let repository = if number < EXPIRED { &expiring } else { repository };
        // Spread over the shards as if by chance, and the same in every run.
        let digits = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let id = FeedbackId::parse(&format!("0195512e-6f4a-7c3e-9d0b-{digits:012x}"))?;
        repository.submit(content.clone().into(), id, at).await?;
    }
    Ok(())
}

fn at(number: u64) -> Result<Timestamp, Box<dyn Error>> {
    Ok(Timestamp::from_millis(BEGIN + 1_000 * number).ok_or("a time out of range")?)
}
