//! What the tests share: a server on a table of its own, and ways to ask it.

pub mod events;
pub mod faulty;
pub mod front;
pub mod lagging;
pub mod lambda;
pub mod logs;
pub mod proxy;
pub mod requests;
pub mod secrets;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Intercept;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use feedback_graphql::auth::{Authenticator, Caller};
use feedback_graphql::domain::{
    ClientAddress, Clock, Content, Feedback, FeedbackId, Message, NewFeedback, Timestamp, TriageChange,
    TriageUpdate,
};
use feedback_graphql::graphql::{Executor, Introspection, Limits, RequestContext};
use feedback_graphql::http::explorer::Source;
use feedback_graphql::http::{AllowedOrigins, AppState, Options, router};
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{self, FeedbackRepository, Index, Indexes, Submission, Triaging, table};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

pub const TABLE: &str = "Feedback";

/// 2026-03-01T09:30:00.250Z: what the clock of a test says at first.
pub const NOW: u64 = 1_772_357_400_250;

/// The header with the address that a request of a test comes from, as what is in front of the service would see it.
pub const ADDRESS: &str = "test-address";

/// How long a test waits for what comes soon, on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A table of a test's own on an engine of its own.
pub struct Store {
    pub engine: Engine,
    pub client: Client,
    pub repository: FeedbackRepository,
}

impl Store {
    pub async fn new() -> Self {
        Self::with_shards(1).await
    }

    pub async fn with_shards(shards: u32) -> Self {
        Self::with_table(shards, &Indexes::all()).await
    }

    /// A table with these indexes, for a repository that is told there are all.
    pub async fn with_table(shards: u32, indexes: &Indexes) -> Self {
        let engine = Engine::start(&Storage::Memory, None).await.unwrap();
        let client = repository::connect_without_account(&engine.endpoint());
        assert!(table::create_if_missing(&client, TABLE, indexes).await.unwrap());
        Self {
            repository: on(&client, shards).await,
            engine,
            client,
        }
    }

    /// The same store, read by the timeline alone.
    pub fn without_indexes(self) -> Self {
        let repository = self.repository.with_indexes(Indexes::none());
        Self { repository, ..self }
    }

    /// The same store, with these rules of the quarantine.
    pub fn quarantining(self, rules: &str) -> Self {
        let repository = self.repository.quarantining(rules.parse().unwrap());
        Self { repository, ..self }
    }

    /// Stores feedback with this message, submitted at this time.
    pub async fn submit(&self, message: &str, millis: u64) -> Feedback {
        self.submit_content(content(message), millis).await
    }

    pub async fn submit_content(&self, content: Content, millis: u64) -> Feedback {
        self.submit_new(content.into(), millis).await
    }

    pub async fn submit_new(&self, new: NewFeedback, millis: u64) -> Feedback {
        let at = Timestamp::from_millis(millis).unwrap();
        let id = new.id(at);
        stored(self.repository.submit(new, id, at).await.unwrap())
    }

    /// Changes the triage of feedback, which has to succeed.
    pub async fn triage(&self, id: FeedbackId, change: &TriageChange) -> Feedback {
        let update = TriageUpdate {
            at: Timestamp::from_millis(NOW).unwrap(),
            by: "key test".to_owned(),
        };
        match self.repository.triage(id, change, &update).await.unwrap() {
            Triaging::Changed(feedback) => feedback,
            refused @ Triaging::Refused(..) => panic!("not changed: {refused:?}"),
        }
    }

    /// Executes a query on the schema, and says how many requests it made to DynamoDB.
    pub async fn counted(&self, query: &str, variables: Value) -> (Value, u32) {
        counted(&self.repository, query, variables).await
    }

    /// All feedback in the table, as DynamoDB's own JSON would have it, in no particular order.
    pub async fn items(&self) -> Vec<Value> {
        let items = self.all_items().await.into_iter();
        items
            .filter(|(id, _)| !table::is_own(id))
            .map(|(_, item)| serde_dynamo::from_item(item).unwrap())
            .collect()
    }

    /// All items in the table by id, with those of the service's own.
    pub async fn all_items(&self) -> BTreeMap<String, HashMap<String, AttributeValue>> {
        let pages = self.client.scan().table_name(TABLE).into_paginator().items();
        let items: Vec<HashMap<_, _>> = pages.send().collect::<Result<_, _>>().await.unwrap();
        let items = items.into_iter();
        items
            .map(|item| (item["feedbackId"].as_s().unwrap().clone(), item))
            .collect()
    }
}

/// Removes an index of the tests' table.
pub async fn drop_index(client: &Client, index: Index) {
    let delete = DeleteGlobalSecondaryIndexAction::builder()
        .index_name(index.name())
        .build()
        .unwrap();
    let update = GlobalSecondaryIndexUpdate::builder().delete(delete).build();
    let request = client.update_table().table_name(TABLE);
    request
        .global_secondary_index_updates(update)
        .send()
        .await
        .unwrap();
}

/// Content with this message and nothing else.
pub fn content(message: &str) -> Content {
    Message::parse(message).unwrap().into()
}

/// A program of this package with an environment of its own, whose output is read, and which ends with its test.
pub fn program(path: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(path);
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The same client, with this looking at all that it asks.
pub fn watched(client: &Client, watcher: impl Intercept + 'static) -> Client {
    Client::from_conf(client.config().to_builder().interceptor(watcher).build())
}

/// A clock that stands still at [`NOW`].
fn clock() -> Clock {
    Clock::Manual(Arc::new(AtomicU64::new(NOW)))
}

/// The feedback of a submission that stored it.
#[track_caller]
pub fn stored(submission: Submission) -> Feedback {
    match submission {
        Submission::Stored(feedback) => feedback,
        other => panic!("not stored: {other:?}"),
    }
}

/// The repository of the tests' table, over another client or with another number of shards, which takes effect at
/// once: it was raised long ago. Where the client cannot ask, it does not know the table's number.
pub async fn on(client: &Client, shards: u32) -> FeedbackRepository {
    informed(cold(client, shards)).await
}

/// The repository of the tests' table, told this number of shards, before it has asked the table for its own.
pub fn cold(client: &Client, shards: u32) -> FeedbackRepository {
    FeedbackRepository::new(client.clone(), TABLE, NonZeroU32::new(shards).unwrap())
        .with_indexes(Indexes::all())
}

/// The same repository after it has asked the table how many shards there are, long ago and again at [`NOW`].
pub async fn informed(repository: FeedbackRepository) -> FeedbackRepository {
    for at in [Timestamp::MIN, Timestamp::from_millis(NOW).unwrap()] {
        let _ = repository.shards(at).await;
    }
    repository
}

/// Executes a query on the schema, and says how many requests it made to DynamoDB.
pub async fn counted(repository: &FeedbackRepository, query: &str, variables: Value) -> (Value, u32) {
    let limits = "aliases=250 rootFields=250 tokens=4000 queryBytes=32768";
    let executor = Executor::new(Introspection::On, limits.parse().unwrap());
    let repository = repository.metered();
    let variables = serde_json::from_value(variables).unwrap_or_default();
    let request_context = RequestContext::new(repository.clone(), clock(), Caller::EVERYONE);
    let response = executor.run(query, &variables, request_context).await.unwrap();
    (
        serde_json::to_value(&response).unwrap(),
        repository.requests_made(),
    )
}

/// The service over HTTP, on a table of its own.
pub struct Server {
    pub store: Store,
    pub url: String,
    clock: Arc<AtomicU64>,
    client: reqwest::Client,
}

impl Server {
    pub async fn start() -> Self {
        let explorer = Some(Source::Cdn);
        let options = Options {
            explorer,
            ..Options::default()
        };
        Self::with(Store::new().await, options).await
    }

    pub async fn allowing(origins: &str) -> Self {
        let allowed_origins: AllowedOrigins = origins.parse().unwrap();
        let options = Options {
            allowed_origins,
            ..Options::default()
        };
        Self::with(Store::new().await, options).await
    }

    /// A server whose DynamoDB answers everything with this status and error.
    pub async fn refused(status: u16, kind: &str) -> Self {
        let refusal = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "arn:aws:secret" });
        let decide = move |_: &str, _: Value| proxy::Fate::Answer(status, refusal.clone());
        let store = Store::new().await;
        let proxy = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
        let repository = on(&repository::connect_without_account(&proxy), 1).await;
        Self::with(Store { repository, ..store }, Options::default()).await
    }

    pub async fn with(store: Store, options: Options) -> Self {
        Self::guarded(store, options, Authenticator::Open).await
    }

    /// A server with these limits on what one request may ask for.
    pub async fn limited(store: Store, limits: Limits) -> Self {
        let executor = Executor::new(Introspection::On, limits);
        Self::executing(store, Options::default(), Authenticator::Open, executor).await
    }

    pub async fn guarded(store: Store, options: Options, authenticator: Authenticator) -> Self {
        let executor = Executor::new(Introspection::On, Limits::default());
        Self::executing(store, options, authenticator, executor).await
    }

    /// A server with this executor.
    pub async fn executing(
        store: Store,
        options: Options,
        authenticator: Authenticator,
        executor: Executor,
    ) -> Self {
        logs::watch();
        let clock = Arc::new(AtomicU64::new(NOW));
        let state = AppState {
            executor,
            repository: store.repository.clone(),
            clock: Clock::Manual(Arc::clone(&clock)),
            authenticator: Arc::new(authenticator),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = router(state, options).layer(from_fn(seen_from_address));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            store,
            url,
            clock,
            client,
        }
    }

    /// Sets the service's clock on by an hour.
    pub fn at_later_time(&self) {
        self.clock.fetch_add(60 * 60 * 1_000, Ordering::Relaxed);
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::of(request.send().await.unwrap()).await
    }

    /// Posts an operation and expects an answer with data, and without errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.execute(query, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"].take()
    }

    /// Posts an operation and expects exactly one error.
    pub async fn error(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.execute(query, variables).await;
        let errors = answer["errors"].as_array_mut().expect("an error");
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors.remove(0)
    }

    pub async fn execute(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        self.send(self.request("POST", "/graphql").json(&body))
            .await
            .json()
    }
}

async fn seen_from_address(mut request: Request, next: Next) -> Response {
    let address = request.headers_mut().remove(ADDRESS);
    if let Some(address) = address {
        let client = ClientAddress::parse(address.to_str().unwrap()).unwrap();
        request.extensions_mut().insert(client);
    }
    next.run(request).await
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            logs::check();
        }
    }
}

/// An HTTP response, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?} is not JSON"))
    }
}
