//! Feedback in DynamoDB. The one module, besides the binaries' wiring, that knows of AWS.
//!
//! There is one repository, a concrete struct over the SDK's client. Tests run it on a real engine
//! rather than put a second, pretend store behind a trait: what a store does under conditions, limits and
//! partial answers is just what is worth testing.

mod batch;
mod client;
mod clients;
mod count;
mod deletion;
mod error;
mod indexes;
mod meter;
mod outcomes;
mod piece;
mod plan;
mod quarantine;
mod read_budget;
mod reader;
mod record;
mod shards;
mod statistics;
pub mod table;
mod tally;
mod timeline;
mod triage;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};

pub use batch::MAX_BATCH;
#[cfg(feature = "local")]
pub use client::connect;
pub use client::{connect_on_lambda, connect_without_account};
pub use clients::{ClientLimit, ClientLimitExceeded, MAX_CLIENT_LIMIT};
pub use count::Count;
pub use deletion::Erasure;
pub use error::RepositoryError;
pub use indexes::{Index, Indexes};
pub use meter::Units;
pub use outcomes::Outcomes;
pub use read_budget::{READ_BUDGET, READ_UNIT_BUDGET};
pub use shards::MAX_TIMELINE_SHARDS;
pub use statistics::COUNTING_BUDGET;
pub use triage::Triaging;

use crate::domain::{
    Direction, Feedback, FeedbackId, Filter, NewFeedback, Page, PageRequest, PositionRange, Quarantine,
    QuarantineRules, Timestamp, Triage,
};
use clients::Clients;
use indexes::ReadableIndexes;
use meter::RequestMeter;
use plan::Plan;
use read_budget::ReadBudget;
use reader::{Reader, Reading};
use record::FeedbackRecord;
use shards::Shards;
use statistics::Counting;
use table::{Item, expressions};

/// What the service does to the table, as IAM names it, each with what it does it to: the `table` itself
/// or its `index`. A deployment grants exactly these.
pub const IAM_ACTIONS: &[(&str, &str)] = &[
    ("dynamodb:PutItem", "table"),
    ("dynamodb:BatchGetItem", "table"),
    ("dynamodb:DeleteItem", "table"),
    ("dynamodb:GetItem", "table"),
    ("dynamodb:UpdateItem", "table"),
    ("dynamodb:Query", "index"),
];

/// What became of feedback that was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// It was stored.
    Stored(Feedback),
    /// The same was submitted under the same idempotency key before: this is the first.
    Replayed(Feedback),
    /// Something else was submitted under the same idempotency key before.
    KeyReused,
}

/// The feedback in one table.
#[derive(Debug, Clone)]
pub struct FeedbackRepository {
    client: Client,
    table: Arc<str>,
    shards: Shards,
    indexes: ReadableIndexes,
    retention: Option<Duration>,
    quarantine_rules: QuarantineRules,
    clients: Clients,
    meter: RequestMeter,
    counting: Counting,
}

impl FeedbackRepository {
    /// The feedback in the table `table`, whose timeline is to have at least `shards` shards, at most
    /// [`MAX_TIMELINE_SHARDS`].
    ///
    /// How many it has, the table remembers. A greater number raises that, and takes effect two minutes later. A
    /// smaller one changes nothing. See [`shards`](Self::shards).
    #[must_use]
    pub fn new(client: Client, table: &str, shards: NonZeroU32) -> Self {
        Self {
            client,
            table: table.into(),
            shards: Shards::new(shards),
            indexes: ReadableIndexes::default(),
            retention: None,
            quarantine_rules: QuarantineRules::default(),
            clients: Clients::default(),
            meter: RequestMeter::default(),
            counting: Counting::default(),
        }
    }

    /// The same repository, on a table that has these indexes too; [`Indexes::default`] without it.
    /// One that is missing is done without for a minute, and then tried again.
    #[must_use]
    pub fn with_indexes(self, indexes: Indexes) -> Self {
        Self {
            indexes: ReadableIndexes::new(indexes),
            ..self
        }
    }

    /// The same repository, where feedback that is submitted from now on expires after so long. Expired
    /// feedback is not returned any more. DynamoDB deletes it within a few days.
    #[must_use]
    pub fn retaining_for(self, retention: Option<Duration>) -> Self {
        Self { retention, ..self }
    }

    /// The same repository, where feedback that is submitted goes into quarantine by these rules;
    /// [`QuarantineRules::default`] without it. Clients are counted if a rule asks for it.
    #[must_use]
    pub fn quarantining(self, rules: QuarantineRules) -> Self {
        let counting = if rules.per_client.is_some() {
            self.counting_clients()
        } else {
            self
        };
        Self {
            quarantine_rules: rules,
            ..counting
        }
    }

    /// The same repository for another request of a client: it counts the requests it makes and their outcomes from
    /// zero, and has all of [`COUNTING_BUDGET`] before it.
    #[must_use]
    pub fn metered(&self) -> Self {
        Self {
            meter: RequestMeter::default(),
            counting: Counting::default(),
            ..self.clone()
        }
    }

    /// The same as [`metered`](Self::metered), where DynamoDB is also asked what each request consumes.
    #[must_use]
    pub fn metered_in_units(&self) -> Self {
        Self {
            meter: RequestMeter::with_units(),
            ..self.metered()
        }
    }

    /// What DynamoDB says that the requests have consumed, where it is [asked](Self::metered_in_units). It does not say so of
    /// those that fail, like a write whose condition does not hold.
    #[must_use]
    pub fn units_consumed(&self) -> Units {
        self.meter.units()
    }

    /// How many requests were made to DynamoDB, retries included.
    #[must_use]
    pub fn requests_made(&self) -> u32 {
        self.meter.requests()
    }

    /// What became of the submissions and the changes of triage.
    #[must_use]
    pub fn outcomes(&self) -> Outcomes {
        self.meter.outcomes()
    }

    /// Counts a submission that breaks a rule, and so does not get as far as [`submit`](Self::submit).
    pub fn count_invalid_submission(&self) {
        self.meter.count(|outcomes| outcomes.submissions_invalid += 1);
    }

    /// Stores new feedback, on the timeline or in quarantine, unless its id is taken.
    ///
    /// One `PutItem`, conditional on the id being new or its feedback having expired. Where nothing is known of the
    /// shards yet, it goes to the first, and [`shards`](Self::shards) is called while this returns. When the condition
    /// fails because an earlier try of this very request stored the item and its answer was lost, that is a success.
    /// When it fails because somebody submitted under the same idempotency key before, nothing is stored.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused, or other feedback has an id that belongs to no key.
    pub async fn submit(
        &self,
        new: NewFeedback,
        id: FeedbackId,
        now: Timestamp,
    ) -> Result<Submission, RepositoryError> {
        let submission = self.put_new(new, id, now).await?;
        self.meter
            .count(|outcomes| outcomes.count_submission(&submission));
        Ok(submission)
    }

    async fn put_new(
        &self,
        new: NewFeedback,
        id: FeedbackId,
        now: Timestamp,
    ) -> Result<Submission, RepositoryError> {
        let has_key = new.idempotency_key.is_some();
        let reasons = self.quarantine_rules.reasons(&new.content, &new.signals);
        let feedback = Feedback {
            id,
            submitted_at: now,
            content: new.content,
            triage: Some(Triage::default()),
            quarantine: (!reasons.is_empty()).then_some(Quarantine { reasons, since: now }),
        };
        let item = FeedbackRecord::new(&feedback, self.shards.to_write(now), self.retention).into_item()?;
        let put = self
            .client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item));
        let answer = expressions::if_free(put, now)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .customize()
            .interceptor(self.meter.clone())
            .send()
            .await;
        let Err(error) = answer else {
            if self.shards.are_unknown() {
                self.look_meanwhile(now);
            }
            return Ok(Submission::Stored(feedback));
        };
        let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(error.into());
        };
        let first = self.found(failed.item(), id, now).await?;
        match first.filter(|first| first.content == feedback.content) {
            Some(first) if first.submitted_at == now => Ok(Submission::Stored(feedback)),
            Some(first) if has_key => Ok(Submission::Replayed(first)),
            _ if has_key => Ok(Submission::KeyReused),
            _ => Err(RepositoryError::id_is_taken(id)),
        }
    }

    /// The feedback that has one of these ids and has not expired at `now`. Other ids are missing from the
    /// answer.
    ///
    /// ⌈n/100⌉ `BatchGetItem` for n different ids, at once, strongly consistent: what was submitted before
    /// this call is found. Keys that DynamoDB leaves unprocessed are asked for again.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused, or kept leaving keys unprocessed.
    pub async fn by_ids(
        &self,
        ids: &[FeedbackId],
        now: Timestamp,
    ) -> Result<HashMap<FeedbackId, Feedback>, RepositoryError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let items = self.items(ids.iter().map(table::key)).await?;
        Ok(items
            .into_iter()
            .filter_map(|item| record::read(item, now))
            .map(|feedback| (feedback.id, feedback))
            .collect())
    }

    /// A page of a listing, without what has expired at `now`.
    ///
    /// Read from the index that answers the filter best. One `Query` a partition of it, and more only where one runs
    /// dry before the page is full; at most [`READ_BUDGET`] items are examined and [`READ_UNIT_BUDGET`] consumed. Once
    /// a minute a `GetItem` beside them looks how many shards there are. Eventually consistent: feedback is listed
    /// shortly after it was submitted, mostly within a second.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused, or there is no index for the listing.
    pub async fn page(&self, request: &PageRequest, now: Timestamp) -> Result<Page, RepositoryError> {
        let Some(range) = request.range() else {
            return Ok(Page::empty());
        };
        let direction = request.direction();
        // One more than the page holds tells whether the listing goes on.
        let wanted = request.size() + 1;
        let mut reading = self.read(request.filter(), range, direction, wanted, now).await?;
        let has_more = reading.found.len() > request.size() || reading.stopped_at.is_some();
        reading.found.truncate(request.size());
        if request.is_from_end() {
            reading.found.reverse();
        }
        Ok(Page {
            items: reading.found,
            has_more,
            stopped_at: reading.stopped_at,
        })
    }

    /// Whether the listing that the page is taken from has anything on the near side of the cursor at
    /// which reading the page begins.
    ///
    /// One `Query` a partition. False where that could not be found out within the read budget, and where
    /// there is no such cursor.
    ///
    /// # Errors
    /// When DynamoDB could not be reached or refused.
    pub async fn has_items_behind(
        &self,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<bool, RepositoryError> {
        let Some(range) = request.range_behind() else {
            return Ok(false);
        };
        // From the cursor outwards: with a filter, the nearest match is the cheapest to find.
        let direction = request.direction().reversed();
        let reading = self.read(request.filter(), range, direction, 1, now).await?;
        Ok(!reading.found.is_empty())
    }

    /// Reads up to `wanted` items of a listing, from the best of the indexes that are there.
    async fn read(
        &self,
        filter: &Filter,
        range: PositionRange,
        direction: Direction,
        wanted: usize,
        now: Timestamp,
    ) -> Result<Reading<Feedback>, RepositoryError> {
        loop {
            let plan = self.plan(filter, now);
            let reader = Reader {
                repository: self,
                plan: &plan,
                range,
                direction,
                budget: ReadBudget::PAGE,
                now,
            };
            match reader.read(wanted).await {
                Err(error) if self.can_do_without(plan.index(), &error, now) => {}
                result => return result.map_err(|error| error.requiring(plan.index())),
            }
        }
    }

    /// The best way to read a listing with the indexes that are there.
    fn plan<'a>(&self, filter: &'a Filter, now: Timestamp) -> Plan<'a> {
        Plan::new(filter, |index| self.indexes.has(index, now))
    }

    /// Whether an error is that this index is missing, which is then done without for a minute.
    fn can_do_without(&self, index: Index, error: &RepositoryError, now: Timestamp) -> bool {
        // Nothing else holds all that those have that are always there.
        let can = error.is_missing_index() && !index.is_always_there();
        if can && self.indexes.note_missing(index, now) {
            tracing::warn!(index = index.name(), %error, "an index is missing: reading without it");
        }
        can
    }

    /// The feedback on which a condition failed. It is read where it was not returned: not every engine does.
    async fn found(
        &self,
        returned: Option<&Item>,
        id: FeedbackId,
        now: Timestamp,
    ) -> Result<Option<Feedback>, RepositoryError> {
        Ok(match returned {
            Some(item) => record::read(item.clone(), now),
            None => self.by_ids(&[id], now).await?.remove(&id),
        })
    }
}

/// A string attribute.
fn string(value: &impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
fn number(value: &impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
