//! The service on a table of feedback, and the cost of asking it.
//!
//! The service has this thread for itself, as it has a function, so that the thread's time is the time of the service
//! alone. The embedded engine has another.

use std::error::Error;
use std::fmt::Write;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use feedback_graphql::auth::{ApiKeys, Authenticator, KeySource, Scope, make_key};
use feedback_graphql::domain::{
    Clock, Content, EmailAddress, Message, Metadata, MetadataEntry, NewFeedback, PageUrl, Rating, Timestamp,
    Topic, Violation,
};
use feedback_graphql::graphql::{Executor, Introspection, Limits};
use feedback_graphql::http::{AppState, Options, router};
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{FeedbackRepository, Indexes, connect_without_account, table};
use lambda_http::Service as _;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::documents::ID_LISTS;
use crate::tally::Tally;

const TABLE: &str = "Feedback";
/// 2026-03-01T09:30:00Z, when the first is submitted.
const BEGIN: u64 = 1_772_357_400_000;
/// How often a request is made to find the least time that it takes.
const REPETITIONS: usize = 3;
/// How many fields may delete: as many as there may be at the root.
const MOST_DELETED: usize = 20;

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Without a credential, where introspection is off.
    Anonymous,
    /// With a key that may manage, where introspection is on.
    Manager,
}

/// What a request costs, in the order of [`MEASURES`].
pub type Cost = [f64; 5];

/// What is measured.
pub const MEASURES: [&str; 5] = ["read units", "write units", "requests", "bytes", "CPU ms"];

/// The place of the time in a cost.
pub const TIME: usize = 4;

/// The service on one table.
pub struct Service {
    runtime: Runtime,
    _engine: Engine,
    _engines: Runtime,
    anonymous: Router,
    manager: Router,
    token: String,
    repository: FeedbackRepository,
    tally: Tally,
    clock: Arc<AtomicU64>,
    /// Ids of the largest feedback.
    pub ids: Vec<String>,
    /// How much was submitted.
    pub submitted: usize,
    asked: usize,
}

impl Service {
    /// A table of so many pieces of feedback, every second one the largest that there can be, the others 1 KB.
    pub fn new(items: usize, shards: NonZeroU32) -> Result<Self, Box<dyn Error>> {
        let engines = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let engine = engines.block_on(Engine::start(&Storage::Memory, None))?;
        let client = connect_without_account(&engine.endpoint());
        runtime.block_on(table::create_if_missing(&client, TABLE, &Indexes::default()))?;
        // On a machine that is busy otherwise, the engine must not be asked twice.
        let patient = client
            .config()
            .to_builder()
            .timeout_config(TimeoutConfig::disabled());
        let tally = Tally::default();
        let client = tally.of(&Client::from_conf(patient.build()));
        let repository = FeedbackRepository::new(client, TABLE, shards);
        let clock = Arc::new(AtomicU64::new(BEGIN));
        let key = make_key("bench", &[Scope::Manage])?;
        let keys = format!("{{\"keys\": [{}]}}", key.entry);
        let service = |introspection| {
            let keys = keys.clone();
            let source: KeySource = Arc::new(move || {
                let keys = keys.clone();
                Box::pin(async move { Ok(keys) })
            });
            let state = AppState {
                executor: Executor::new(introspection, Limits::default()),
                repository: repository.clone(),
                clock: Clock::Manual(Arc::clone(&clock)),
                authenticator: Arc::new(Authenticator::Guarded(Some(ApiKeys::new(source, Clock::System)))),
            };
            router(state, Options::default())
        };
        let mut service = Self {
            anonymous: service(Introspection::Off),
            manager: service(Introspection::On),
            token: key.token,
            runtime,
            _engine: engine,
            _engines: engines,
            repository: repository.clone(),
            tally,
            clock,
            ids: Vec::new(),
            submitted: 0,
            asked: 0,
        };
        // Shards that are new are written to two minutes later.
        for _ in 0..2 {
            let now = service.pass(200_000);
            service.runtime.block_on(repository.shards(now))?;
        }
        for number in 0..items {
            let topic = if number == 0 { "rarest" } else { "topic" };
            if number % 2 == 0 {
                service.submit(broken(largest(topic))?)?;
            } else {
                let message = broken(Message::parse(&"a".repeat(900)))?;
                service.submit(Content {
                    rating: Some(broken(Rating::parse(3))?),
                    topic: Some(broken(Topic::parse(topic))?),
                    ..Content::from(message)
                })?;
                service.ids.pop();
            }
        }
        service.tally.take();
        Ok(service)
    }

    /// Lets time pass, in milliseconds.
    fn pass(&self, millis: u64) -> Timestamp {
        let now = self.clock.fetch_add(millis, Ordering::Relaxed) + millis;
        Timestamp::saturating_from_millis(now)
    }

    fn submit(&mut self, content: Content) -> Result<String, Box<dyn Error>> {
        let new = NewFeedback::from(content);
        let now = self.pass(1_000);
        let id = new.id(now);
        self.runtime.block_on(self.repository.submit(new, id, now))?;
        self.submitted += 1;
        self.ids.push(id.to_string());
        Ok(id.to_string())
    }

    /// A cursor in the middle of the timeline.
    pub fn cursor(&mut self) -> Result<String, Box<dyn Error>> {
        let query = "{ feedbacks(first: 100, filter: { submittedTo: \"2026-03-01T10:00:00Z\" }) { pageInfo { endCursor } } }";
        let (_, answer) = self.once(Caller::Manager, query, &Value::Null)?;
        let cursor = answer["data"]["feedbacks"]["pageInfo"]["endCursor"].as_str();
        Ok(cursor.ok_or("no cursor")?.to_owned())
    }

    /// What the request costs: its time is the least of several requests, its other costs those of the last.
    pub fn cost(
        &mut self,
        caller: Caller,
        text: &str,
        is_timed: bool,
    ) -> Result<(Cost, String), Box<dyn Error>> {
        let repetitions = if is_timed { REPETITIONS } else { 1 };
        let mut least = f64::INFINITY;
        let mut found = ([0.0; 5], String::new());
        for _ in 0..repetitions {
            let mut query = text.to_owned();
            if caller == Caller::Manager {
                // More are not executed.
                for _ in 0..query.matches("VICTIM").count().min(MOST_DELETED) {
                    let id = self.submit(broken(largest("topic"))?)?;
                    query = query.replacen("VICTIM", &id, 1);
                }
            }
            // Another text, so that the document is not one that was kept; and a time at which it is looked
            // whether there are more shards.
            self.asked += 1;
            self.pass(61_000);
            write!(query, " #{:08}", self.asked)?;
            let mut variables = json!({});
            if query.contains("$largest)") {
                variables["largest"] = broken(input())?;
                self.submitted += query.matches("submitFeedback").count();
            }
            for (number, ids) in self.ids.chunks(100).take(ID_LISTS).enumerate() {
                let name = format!("ids{number}");
                if query.contains(&format!("${name})")) {
                    variables[name] = json!(ids);
                }
            }
            let (cost, answer) = self.once(caller, &query, &variables)?;
            least = least.min(cost[TIME]);
            let outcome = answer["errors"][0]["extensions"]["code"]
                .as_str()
                .unwrap_or("executed");
            found = (cost, outcome.to_owned());
        }
        found.0[TIME] = least;
        Ok(found)
    }

    fn once(
        &mut self,
        caller: Caller,
        query: &str,
        variables: &Value,
    ) -> Result<(Cost, Value), Box<dyn Error>> {
        let mut body = json!({ "query": query, "variables": variables });
        if query.contains(" Q1") {
            body["operationName"] = json!("Q0");
        }
        let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
        let (router, request) = match caller {
            Caller::Anonymous => (&self.anonymous, request),
            Caller::Manager => {
                let authorization = format!("Bearer {}", self.token);
                (
                    &self.manager,
                    request.header(header::AUTHORIZATION, authorization),
                )
            }
        };
        let request = request.body(Body::from(body.to_string()))?;
        self.tally.take();
        let (millis, answer) = self.runtime.block_on(async {
            let began = thread_millis();
            let response = router
                .clone()
                .call(request)
                .await
                .unwrap_or_else(|never| match never {});
            let answer = to_bytes(response.into_body(), usize::MAX).await;
            (thread_millis() - began, answer)
        });
        let (answer, counted) = (answer?, self.tally.take());
        #[expect(clippy::cast_precision_loss, reason = "an answer has 6 MB at most")]
        let bytes = answer.len() as f64;
        let cost = [
            counted.units - counted.written,
            counted.written,
            counted.all_requests().into(),
            bytes,
            millis,
        ];
        Ok((cost, serde_json::from_slice(&answer)?))
    }
}

/// The largest feedback that there can be.
fn largest(topic: &str) -> Result<Content, Vec<Violation>> {
    let long = |length: usize| "\u{1F600}".repeat(length);
    let entry = |number: usize| MetadataEntry {
        key: format!("{}{number:02}", long(Metadata::MAX_KEY_LENGTH - 2)),
        value: long(Metadata::MAX_VALUE_LENGTH),
    };
    let pairs: Vec<MetadataEntry> = (0..Metadata::MAX_PAIRS).map(entry).collect();
    let domain = ["b".repeat(61), "c".repeat(61), "d".repeat(61)].join(".");
    let url = "https://example.org/";
    Ok(Content {
        message: Message::parse(&long(Message::MAX_LENGTH))?,
        rating: Some(Rating::parse(3)?),
        topic: Some(Topic::parse(topic)?),
        email: Some(EmailAddress::parse(&format!("{}@{domain}.org", "a".repeat(64)))?),
        page_url: Some(PageUrl::parse(&format!(
            "{url}{}",
            long(PageUrl::MAX_LENGTH - url.len())
        ))?),
        metadata: Metadata::parse(&pairs)?,
    })
}

/// The same as an input of the schema.
fn input() -> Result<Value, Vec<Violation>> {
    let content = largest(&"\u{1F600}".repeat(Topic::MAX_LENGTH))?;
    let pairs: Vec<MetadataEntry> = content.metadata.into();
    let pairs = pairs
        .iter()
        .map(|entry| json!({ "key": entry.key, "value": entry.value }));
    Ok(json!({
        "message": String::from(content.message),
        "rating": content.rating.map(Rating::get),
        "topic": content.topic.map(String::from),
        "email": content.email.map(String::from),
        "pageUrl": content.page_url.map(String::from),
        "metadata": pairs.collect::<Vec<_>>(),
    }))
}

fn broken<T>(parsed: Result<T, Vec<Violation>>) -> Result<T, Box<dyn Error>> {
    parsed.map_err(|violations| format!("{violations:?}").into())
}

/// How long this thread has been running on a processor.
fn thread_millis() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "no thread runs that long")]
    let (seconds, nanoseconds) = (time.tv_sec as f64, time.tv_nsec as f64);
    seconds * 1_000.0 + nanoseconds / 1_000_000.0
}
