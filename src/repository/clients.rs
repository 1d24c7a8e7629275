//! How much each client has submitted in this hour.
//!
//! One item counts for one client in one hour, by an `ADD` that returns the sum. So the limit is exact however many
//! functions there are, a submission waits for one request more, and clients do not wait for each other: each writes to
//! an item of its own. Hours are those of the clock in UTC. An hour that slides would be fairer to none and take a
//! second item to read; as it is, a client may submit twice the limit around a full hour.
//!
//! No address is stored. An item's id is the HMAC-SHA-256 of hour and client under a salt, random and of one day, that
//! lives in the table as well and expires. Without the salt, an id says nothing of the client, and nobody is followed
//! from one day to the next.
//!
//! The limit is there to protect what is submitted, so it never stands in its way: where `DynamoDB` cannot count, or
//! not at once, a submission goes on uncounted. And since a client that was refused stays so until the hour ends, it is
//! refused from memory: it costs no request, and cannot have its own count throttled.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::config::Builder as ConfigBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use tokio::time::timeout;

use super::table::{self, CLIENT_ITEMS, EXPIRY_ATTRIBUTE, Item, SALT, SALT_ITEMS, SUBMISSIONS};
use super::{FeedbackRepository, RepositoryError, number, string};
use crate::domain::{ClientAddress, Date, Submitter, Timestamp};

/// The highest limit, in submissions an hour.
pub const MAX_CLIENT_LIMIT: u32 = 1_000_000;

/// How long a submission waits for its client's count.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long a line is left out of the log that every submission could repeat.
const REPEATED_AFTER: Duration = Duration::from_mins(1);

/// The most clients that are refused from memory, in 400 KB. Others are counted again.
const MOST_REFUSED: usize = 10_000;

const HOUR: u64 = 60 * 60;

/// The limit for each client that has no credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimit {
    /// How many submissions are accepted from it in an hour; any number if `None`.
    pub per_hour: Option<NonZeroU32>,
    /// How long a submission waits to be counted before it is accepted uncounted.
    pub patience: Duration,
}

/// None.
impl Default for ClientLimit {
    fn default() -> Self {
        Self {
            per_hour: None,
            patience: PATIENCE,
        }
    }
}

/// Reads a number of submissions an hour, 0 to [`MAX_CLIENT_LIMIT`]; 0 is no limit.
impl FromStr for ClientLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let limit = text.parse().ok().filter(|limit| *limit <= MAX_CLIENT_LIMIT);
        let limit = limit.ok_or_else(|| {
            format!("a whole number of submissions an hour from 0, for no limit, to {MAX_CLIENT_LIMIT}")
        })?;
        Ok(Self {
            per_hour: NonZeroU32::new(limit),
            ..Self::default()
        })
    }
}

/// A client has submitted as much in this hour as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "submissions from one network address without a credential are limited to {limit} an hour: try again in \
     {retry_after} s"
)]
pub struct ClientLimitExceeded {
    /// The limit, in submissions an hour.
    pub limit: NonZeroU32,
    /// The seconds until the hour ends: 1 to 3,600.
    pub retry_after: u64,
}

/// What is known of clients. Clones share it, except the limit.
#[derive(Clone, Default)]
pub(super) struct Clients {
    limit: ClientLimit,
    are_counted: bool,
    salt: Arc<Mutex<Option<(Date, Looking)>>>,
    refused: Arc<Mutex<Refused>>,
    told_at: Arc<Mutex<Option<Timestamp>>>,
}

/// The salt of a day, once it is known. A failure is not kept.
type Looking = Shared<BoxFuture<'static, Result<Salt, Arc<RepositoryError>>>>;

/// The clients that have exceeded the limit in one hour, with their counts at that time.
#[derive(Default)]
struct Refused {
    hour: Option<Hour>,
    counts: HashMap<CounterId, u32>,
}

/// An hour of the clock, in whole hours since 1970 began.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Hour(u64);

/// The key of a day's digests.
#[derive(Clone, Copy)]
struct Salt([u8; Self::LENGTH]);

/// The digest of a client and an hour.
type CounterId = [u8; 32];

impl Hour {
    fn of(now: Timestamp) -> Self {
        Self(now.as_seconds() / HOUR)
    }

    fn date(self) -> Date {
        Date::of(Timestamp::from_seconds(self.0 * HOUR).unwrap_or(Timestamp::MAX))
    }

    fn end(self) -> u64 {
        (self.0 + 1) * HOUR
    }
}

impl Salt {
    const LENGTH: usize = 32;

    fn new() -> Result<Self, RepositoryError> {
        let mut random = [0; Self::LENGTH];
        let filled = getrandom::fill(&mut random);
        filled.map_err(|error| RepositoryError::internal(format!("there is no randomness: {error}")))?;
        Ok(Self(random))
    }

    fn of(item: &Item) -> Option<Self> {
        let salt = item.get(SALT)?.as_b().ok()?.as_ref();
        salt.try_into().ok().map(Self)
    }

    #[expect(clippy::expect_used, reason = "a key of HMAC may have any length (RFC 2104)")]
    fn counter_id(self, client: ClientAddress, hour: Hour) -> CounterId {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key");
        let mac = mac
            .chain_update(hour.0.to_be_bytes())
            .chain_update(client.bytes());
        mac.finalize().into_bytes().into()
    }
}

impl Clients {
    fn refused(&self, hour: Hour) -> MutexGuard<'_, Refused> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.hour != Some(hour) {
            *refused = Refused {
                hour: Some(hour),
                ..Refused::default()
            };
        }
        refused
    }

    /// Logs why submissions are not counted, once a minute.
    fn tell(&self, now: Timestamp, reason: &dyn fmt::Display) {
        let mut told_at = self.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        if told_at.is_none_or(|told_at| now.abs_diff(told_at) >= REPEATED_AFTER) {
            *told_at = Some(now);
            tracing::warn!(%reason, "cannot count what clients submit, and accept it");
        }
    }
}

/// Salt and clients are left out.
impl fmt::Debug for Clients {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Clients");
        shown.field("limit", &self.limit);
        shown.finish_non_exhaustive()
    }
}

impl FeedbackRepository {
    /// The same repository, with this limit for each client.
    #[must_use]
    pub fn limiting_clients(mut self, limit: ClientLimit) -> Self {
        self.clients.limit = limit;
        self.clients.are_counted |= limit.per_hour.is_some();
        self
    }

    /// The same repository, counting what clients submit where there is no limit, too.
    #[must_use]
    pub fn counting_clients(mut self) -> Self {
        self.clients.are_counted = true;
        self
    }

    /// Counts a submission before it is stored. Returns how much its client has submitted in this hour, this submission
    /// included; `None` where that is not known: nothing is counted, the submitter has a credential, or `DynamoDB`
    /// cannot tell within the limit's patience. The last is logged once a minute.
    ///
    /// One `UpdateItem`, which is not retried, and nothing for a client that this repository has refused in this hour.
    /// The first of a day also takes a `GetItem` of the day's salt, and where there is none an `UpdateItem`.
    ///
    /// # Errors
    /// When the client has exceeded the limit.
    pub async fn admit(
        &self,
        submitter: Submitter,
        now: Timestamp,
    ) -> Result<Option<u32>, ClientLimitExceeded> {
        let Clients {
            limit, are_counted, ..
        } = self.clients;
        let client = match submitter {
            Submitter::Client(client) if are_counted => client,
            Submitter::Unknown if are_counted => {
                self.clients.tell(now, &"a request has no address");
                return Ok(None);
            }
            _ => return Ok(None),
        };
        let hour = Hour::of(now);
        let count = match timeout(limit.patience, self.count_client(client, hour)).await {
            Ok(Ok(count)) => count,
            Ok(Err(error)) => {
                self.clients.tell(now, &error);
                return Ok(None);
            }
            Err(_) => {
                let millis = limit.patience.as_millis();
                let reason = format!("DynamoDB did not answer within {millis} ms");
                self.clients.tell(now, &reason);
                return Ok(None);
            }
        };
        match limit.per_hour {
            Some(limit) if count > limit.get() => {
                self.meter.count(|outcomes| outcomes.submissions_refused += 1);
                Err(ClientLimitExceeded {
                    limit,
                    retry_after: hour.end().saturating_sub(now.as_seconds()),
                })
            }
            _ => Ok(Some(count)),
        }
    }

    /// How much a client has submitted in an hour, with one submission more, or at least so much.
    async fn count_client(&self, client: ClientAddress, hour: Hour) -> Result<u32, Arc<RepositoryError>> {
        let id = self.salt(hour.date()).await?.counter_id(client, hour);
        let known = self.clients.refused(hour).counts.get(&id).copied();
        if let Some(count) = known {
            return Ok(count);
        }
        let count = self.increment(&id, hour).await.map_err(Arc::new)?;
        let mut refused = self.clients.refused(hour);
        let limit = self.clients.limit.per_hour;
        if limit.is_some_and(|limit| count > limit.get()) && refused.counts.len() < MOST_REFUSED {
            refused.counts.insert(id, count);
        }
        Ok(count)
    }

    async fn increment(&self, id: &CounterId, hour: Hour) -> Result<u32, RepositoryError> {
        let item = format!("{CLIENT_ITEMS}{}", hex::encode(id));
        let answer = self
            .client
            .update_item()
            .table_name(&*self.table)
            .key(table::PARTITION_KEY, string(&item))
            .update_expression("ADD #submissions :one SET #expiry = :expiry")
            .expression_attribute_names("#submissions", SUBMISSIONS)
            .expression_attribute_names("#expiry", EXPIRY_ATTRIBUTE)
            .expression_attribute_values(":one", number(&1))
            // Two hours after the hour began, for clocks that differ.
            .expression_attribute_values(":expiry", number(&(hour.end() + HOUR)))
            .return_values(ReturnValue::UpdatedNew)
            .customize()
            .interceptor(self.meter.clone())
            .config_override(without_retries())
            .send()
            .await?;
        let count = answer.attributes.as_ref().and_then(|item| item.get(SUBMISSIONS));
        let count = count.and_then(|count| count.as_n().ok()?.parse().ok());
        count.ok_or_else(|| RepositoryError::internal(format!("the item {item} is malformed")))
    }

    /// The salt of a day. Submissions at the same time look for it once.
    async fn salt(&self, date: Date) -> Result<Salt, Arc<RepositoryError>> {
        let looking = {
            let mut latest = self.clients.salt.lock().unwrap_or_else(PoisonError::into_inner);
            let is_of_use =
                |(of, looking): &&(Date, Looking)| *of == date && !matches!(looking.peek(), Some(Err(_)));
            let current = latest.as_ref().filter(is_of_use);
            let looking = current.map_or_else(|| self.start_to_look(date), |(_, looking)| looking.clone());
            *latest = Some((date, looking.clone()));
            looking
        };
        looking.await
    }

    /// Looks for the salt of a day in a task that goes on when no submission waits for it any more: what takes too long
    /// for one is there for the next.
    fn start_to_look(&self, date: Date) -> Looking {
        let repository = self.clone();
        let task = tokio::spawn(async move { repository.look_for_salt(date).await });
        let looking = async move {
            let found = task.await.unwrap_or_else(|ended| {
                let text = format!("the search for the salt of the day ended: {ended}");
                Err(RepositoryError::internal(text))
            });
            found.map_err(Arc::new)
        };
        looking.boxed().shared()
    }

    /// Reads the salt of a day, or makes it: of several functions that do, one wins, and all use its salt.
    async fn look_for_salt(&self, date: Date) -> Result<Salt, RepositoryError> {
        let item = format!("{SALT_ITEMS}{date}");
        let last = date.range().last().submitted_at();
        let found = self
            .client
            .get_item()
            .table_name(&*self.table)
            .key(table::PARTITION_KEY, string(&item))
            .customize()
            .interceptor(self.meter.clone())
            .config_override(without_retries())
            .send()
            .await?;
        if let Some(salt) = found.item.as_ref().and_then(Salt::of) {
            return Ok(salt);
        }
        let new = Blob::new(Salt::new()?.0);
        let made = self
            .client
            .update_item()
            .table_name(&*self.table)
            .key(table::PARTITION_KEY, string(&item))
            .update_expression("SET #salt = if_not_exists(#salt, :salt), #expiry = :expiry")
            .expression_attribute_names("#salt", SALT)
            .expression_attribute_names("#expiry", EXPIRY_ATTRIBUTE)
            .expression_attribute_values(":salt", AttributeValue::B(new))
            // An hour after the day, for clocks that differ.
            .expression_attribute_values(":expiry", number(&(last.as_seconds() + 1 + HOUR)))
            .return_values(ReturnValue::AllNew)
            .customize()
            .interceptor(self.meter.clone())
            .config_override(without_retries())
            .send()
            .await?;
        let salt = made.attributes.as_ref().and_then(Salt::of);
        salt.ok_or_else(|| RepositoryError::internal(format!("the item {item} is malformed")))
    }
}

/// There is no time for a second try.
fn without_retries() -> ConfigBuilder {
    ConfigBuilder::new().retry_config(RetryConfig::disabled())
}
