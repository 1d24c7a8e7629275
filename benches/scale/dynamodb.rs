//! The embedded engine as DynamoDB: in this process, in simulated time, behind partitions that throttle.
//!
//! It stands where the SDK's HTTP client is, so that all of the SDK is as it is in the service: signing, retries, its quota
//! of retries, timeouts. The engine executes an operation at the instant in which it arrives, and the response is there
//! some simulated milliseconds later.
//!
//! A write needs capacity in the partition of the table and in each partition of an index that it changes. Where one has
//! none left, [the write to the table is
//! refused](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/gsi-throttling.html). What it consumes is
//! what the engine says, for the table and for each index.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::update_item::UpdateItemRequest;
use dynoxide::types::{AttributeValue, ConsumedCapacity, Item};
use dynoxide::{Database, DynoxideError};
use fastrand::Rng;
use feedback_graphql::repository::table::PARTITION_KEY;
use feedback_graphql::repository::{Indexes, connect_without_account};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use crate::throttle::{Access, Layout, Limits, Partitions};

/// How long the answer to a read and to a write takes, on average; of a third of it, it varies. What is refused is
/// answered sooner.
const READ: Duration = Duration::from_millis(3);
const WRITE: Duration = Duration::from_millis(5);
const REFUSAL: Duration = Duration::from_millis(2);

/// The table, among those that throttle; the indexes follow.
pub const TABLE: &str = "table";

/// DynamoDB. Clones share it.
#[derive(Clone)]
pub struct DynamoDb(Arc<Mutex<Simulation>>);

impl DynamoDb {
    /// An empty one, whose table is to have these indexes, and which has capacity for what it takes to begin.
    pub fn new(indexes: &Indexes, seed: u64) -> Result<Self, DynoxideError> {
        let table = Throttled::new(TABLE, vec![PARTITION_KEY]);
        let indexes = indexes.iter().map(|index| {
            let key = index.partition_key().iter().map(|(name, _)| *name);
            Throttled::new(index.name(), key.collect())
        });
        Ok(Self(Arc::new(Mutex::new(Simulation {
            database: Database::memory()?,
            throttled: [table].into_iter().chain(indexes).collect(),
            rng: Rng::with_seed(seed),
        }))))
    }

    /// From now on it has these limits, with nothing used yet.
    pub fn limit(&self, limits: Limits, layout: Layout) {
        let now = Instant::now();
        for part in &mut self.simulation().throttled {
            part.partitions = match part.name {
                TABLE => Partitions::of_table(limits, layout, now),
                _ => Partitions::of_index(limits, layout, now),
            };
            part.refused = 0;
        }
    }

    /// A client as the service has it, but for where its requests go. Those of one `environment` share a quota of
    /// retries, as those of one process do.
    pub fn client(&self, environment: String) -> Client {
        let client = connect_without_account("http://dynamodb.invalid");
        let config = client.config().to_builder();
        let config = config.retry_partition(RetryPartition::new(environment));
        Client::from_conf(config.http_client(self.clone()).build())
    }

    /// How many attempts the table and each index have refused since the last call.
    pub fn take_refused(&self) -> BTreeMap<&'static str, u64> {
        let mut simulation = self.simulation();
        let throttled = simulation.throttled.iter_mut();
        throttled
            .map(|part| (part.name, std::mem::take(&mut part.refused)))
            .collect()
    }

    fn simulation(&self) -> MutexGuard<'_, Simulation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DynamoDb")
    }
}

impl HttpClient for DynamoDb {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for DynamoDb {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let dynamodb = self.clone();
        HttpConnectorFuture::new(async move {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default();
            let body = request.body().bytes().unwrap_or_default();
            let answer = dynamodb.simulation().answer(operation, body);
            sleep(answer.after).await;
            let status = answer.status.try_into();
            let status = status.map_err(|error| ConnectorError::other(Box::new(error), None))?;
            Ok(HttpResponse::new(status, answer.body.into()))
        })
    }
}

struct Answer {
    status: u16,
    body: String,
    after: Duration,
}

/// What throttles: the table or an index.
struct Throttled {
    name: &'static str,
    /// The attributes of the partition key.
    key: Vec<&'static str>,
    partitions: Partitions,
    /// Attempts that it has refused.
    refused: u64,
}

impl Throttled {
    fn new(name: &'static str, key: Vec<&'static str>) -> Self {
        let limits = Limits::of_dynamodb(1.0).keeping(true);
        Self {
            name,
            key,
            partitions: Partitions::of_index(limits, Layout::Grown, Instant::now()),
            refused: 0,
        }
    }
}

/// A place in [`Simulation::throttled`], and the hash of a partition key there.
type Place = (usize, u64);

struct Simulation {
    database: Database,
    throttled: Vec<Throttled>,
    rng: Rng,
}

impl Simulation {
    fn answer(&mut self, operation: &str, body: &[u8]) -> Answer {
        let answer = match operation {
            "PutItem" => self.put(body),
            "UpdateItem" => self.update(body),
            "GetItem" => self.get(body),
            "Query" => self.query(body),
            "CreateTable" => parse(body)
                .and_then(|request| self.database.create_table(request))
                .map(done),
            "DescribeTable" => parse(body)
                .and_then(|request| self.database.describe_table(request))
                .map(done),
            other => Err(DynoxideError::InternalServerError(format!(
                "{other} is not simulated"
            ))),
        };
        let mut answer = answer.unwrap_or_else(|error| Answer {
            status: error.status_code(),
            body: error.to_json(),
            after: WRITE,
        });
        let varying = answer.after.as_secs_f64() / 3.0;
        answer.after = answer.after.mul_f64(2.0 / 3.0) + Duration::from_secs_f64(self.exponential(varying));
        answer
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.rng.f64()).ln()
    }

    fn put(&mut self, body: &[u8]) -> Result<Answer, DynoxideError> {
        let mut request: PutItemRequest = parse(body)?;
        let places = self.places(&request.item);
        if let Some(refusal) = self.refusal(&places, Access::Write) {
            return Ok(refusal);
        }
        request.return_consumed_capacity = Some("INDEXES".to_owned());
        let put = self.database.put_item(request)?;
        self.consume(&places, put.consumed_capacity.as_ref());
        Ok(done(put))
    }

    /// Which partitions an update changes is known when it is made. So it is made, and undone where one has no capacity.
    fn update(&mut self, body: &[u8]) -> Result<Answer, DynoxideError> {
        let mut request: UpdateItemRequest = parse(body)?;
        let found = self.database.get_item(GetItemRequest {
            table_name: request.table_name.clone(),
            key: request.key.clone(),
            ..GetItemRequest::default()
        })?;
        let mut places = self.places(found.item.as_ref().unwrap_or(&request.key));
        if let Some(refusal) = self.refusal(&places, Access::Write) {
            return Ok(refusal);
        }
        let table = request.table_name.clone();
        request.return_consumed_capacity = Some("INDEXES".to_owned());
        let updated = self.database.update_item(request)?;
        if let Some(item) = &updated.attributes {
            places.extend(self.places(item));
            places.sort_unstable();
            places.dedup();
        }
        if let Some(refusal) = self.refusal(&places, Access::Write) {
            self.database.put_item(PutItemRequest {
                table_name: table,
                item: found.item.unwrap_or_default(),
                ..PutItemRequest::default()
            })?;
            return Ok(refusal);
        }
        self.consume(&places, updated.consumed_capacity.as_ref());
        Ok(done(updated))
    }

    fn get(&mut self, body: &[u8]) -> Result<Answer, DynoxideError> {
        let mut request: GetItemRequest = parse(body)?;
        let places = self.places(&request.key);
        if let Some(refusal) = self.refusal(&places, Access::Read) {
            return Ok(refusal);
        }
        request.return_consumed_capacity = Some("TOTAL".to_owned());
        let got = self.database.get_item(request)?;
        self.read(&places, got.consumed_capacity.as_ref());
        Ok(Answer {
            after: READ,
            ..done(got)
        })
    }

    fn query(&mut self, body: &[u8]) -> Result<Answer, DynoxideError> {
        let mut request: QueryRequest = parse(body)?;
        let index = request.index_name.clone().unwrap_or_default();
        let key = key_of(&request);
        let mut places = self.places(&key);
        places.retain(|(part, _)| self.throttled[*part].name == index);
        if let Some(refusal) = self.refusal(&places, Access::Read) {
            return Ok(refusal);
        }
        request.return_consumed_capacity = Some("TOTAL".to_owned());
        let found = self.database.query(request)?;
        self.read(&places, found.consumed_capacity.as_ref());
        Ok(Answer {
            after: READ,
            ..done(found)
        })
    }

    /// Where an item is: in the table, and in each index that it has all attributes of the key of.
    fn places(&self, item: &Item) -> Vec<Place> {
        let parts = self.throttled.iter().enumerate();
        let places = parts.filter_map(|(number, part)| Some((number, hash(&part.key, item)?)));
        places.collect()
    }

    /// The answer where one of these partitions has no capacity left.
    fn refusal(&mut self, places: &[Place], access: Access) -> Option<Answer> {
        let now = Instant::now();
        let mut reasons = Vec::new();
        for (part, hash) in places {
            let part = &mut self.throttled[*part];
            if !part.partitions.has_capacity(*hash, access, now) {
                part.refused += 1;
                let kind = if part.name == TABLE { "Table" } else { "Index" };
                reasons.push(json!({
                    "reason": format!("{kind}{access:?}KeyRangeThroughputExceeded"),
                    "resource": part.name,
                }));
            }
        }
        let body = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "message": "Throughput exceeds the current capacity of one or more partitions",
            "ThrottlingReasons": reasons,
        });
        (!reasons.is_empty()).then(|| Answer {
            status: 400,
            body: body.to_string(),
            after: REFUSAL,
        })
    }

    /// Takes what a write consumed: of an index's partition, or half of each where the item has moved.
    fn consume(&mut self, places: &[Place], consumed: Option<&ConsumedCapacity>) {
        let (now, Some(consumed)) = (Instant::now(), consumed) else {
            return;
        };
        for (number, hash) in places {
            let part = &mut self.throttled[*number];
            let indexes = consumed.global_secondary_indexes.as_ref();
            let detail = match part.name {
                TABLE => consumed.table.as_ref(),
                name => indexes.and_then(|indexes| indexes.get(name)),
            };
            let among = places.iter().filter(|(other, _)| other == number).count();
            if let (Some(detail), Ok(among)) = (detail, u32::try_from(among)) {
                let units = detail.capacity_units / f64::from(among);
                part.partitions.consume(*hash, Access::Write, units, now);
            }
        }
    }

    fn read(&mut self, places: &[Place], consumed: Option<&ConsumedCapacity>) {
        if let (Some((part, hash)), Some(consumed)) = (places.first(), consumed) {
            let units = consumed.capacity_units;
            let partitions = &mut self.throttled[*part].partitions;
            partitions.consume(*hash, Access::Read, units, Instant::now());
        }
    }
}

/// The partition key that a query is for.
fn key_of(query: &QueryRequest) -> Item {
    let (names, values) = (
        query.expression_attribute_names.clone().unwrap_or_default(),
        query.expression_attribute_values.clone().unwrap_or_default(),
    );
    let conditions = query.key_condition_expression.as_deref().unwrap_or_default();
    let equal = conditions.split(" AND ").filter_map(|condition| {
        let (name, value) = condition.split_once(" = ")?;
        Some((names.get(name)?.clone(), values.get(value)?.clone()))
    });
    equal.collect::<HashMap<_, _>>()
}

/// The hash of a partition key, if the item has all of its attributes.
fn hash(key: &[&str], item: &Item) -> Option<u64> {
    let mut hash = Sha256::new();
    for name in key {
        match item.get(*name)? {
            AttributeValue::S(text) | AttributeValue::N(text) => hash.update(text),
            _ => return None,
        }
        hash.update([0]);
    }
    let digest = hash.finalize();
    Some(
        digest
            .iter()
            .take(8)
            .fold(0, |hash, byte| hash << 8 | u64::from(*byte)),
    )
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))
}

fn done(response: impl Serialize) -> Answer {
    Answer {
        status: 200,
        body: serde_json::to_string(&response).unwrap_or_default(),
        after: WRITE,
    }
}
