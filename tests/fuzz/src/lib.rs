//! What the fuzz targets share: the service in this very process, ways to ask it, and what must hold of every
//! answer.
//!
//! An input is text, so that a person can read it in the corpus, and write one. What cannot be written at
//! length is written short: see [`expand`].

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use feedback_graphql::auth::Authenticator;
use feedback_graphql::domain::{
    Clock, Content, EmailAddress, IdempotencyKey, Message, Metadata, MetadataEntry, NewFeedback, PageUrl,
    Rating, Signals, Status, Timestamp, Topic, TriageChange, TriageUpdate,
};
use feedback_graphql::graphql::{Executor, Introspection, Limits};
use feedback_graphql::http::explorer::Source;
use feedback_graphql::http::{AllowedOrigins, AppState, Options, router};
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{self, FeedbackRepository, Indexes, table};
use serde_json::{Value, json};
use tokio::runtime::{self, Runtime};
use tower::ServiceExt;

const TABLE: &str = "Feedback";

/// 2026-03-01T09:30:00.250Z.
const NOW: u64 = 1_772_357_400_250;

/// How many inputs a table serves. What they submit stays in it, and must not fill the memory.
const INPUTS_PER_TABLE: u32 = 5_000;

/// What is in every new table, a minute apart, with the idempotency keys `idempotency-0`, `idempotency-1` and so on,
/// and with every status in turn.
pub const SEEDS: usize = 5;

/// The service, on a table that is new from time to time.
pub struct Service {
    runtime: Runtime,
    table: Option<Table>,
    inputs: u32,
}

/// The service on one table.
struct Table {
    /// Runs for as long as it is kept.
    _engine: Engine,
    clock: Arc<AtomicU64>,
    open: Router,
    guarded: Router,
}

thread_local! {
    static SERVICE: RefCell<Service> = RefCell::new(Service::new());
}

/// Does `work` with the service as a laptop has it, where everything is open to everyone.
pub fn with_open<T>(work: impl AsyncFnOnce(Router) -> T) -> T {
    SERVICE.with_borrow_mut(|service| {
        let router = service.table().open.clone();
        service.runtime.block_on(work(router))
    })
}

/// Does `work` with the service as the Lambda has it that knows no API keys.
pub fn with_guarded<T>(work: impl AsyncFnOnce(Router) -> T) -> T {
    SERVICE.with_borrow_mut(|service| {
        let router = service.table().guarded.clone();
        service.runtime.block_on(work(router))
    })
}

impl Service {
    fn new() -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        Self {
            runtime: runtime.expect("a runtime"),
            table: None,
            inputs: 0,
        }
    }

    fn table(&mut self) -> &Table {
        if self.inputs.is_multiple_of(INPUTS_PER_TABLE) {
            self.table = None;
        }
        self.inputs = self.inputs.wrapping_add(1);
        let table = self
            .table
            .get_or_insert_with(|| self.runtime.block_on(Table::new()));
        // So that what one input submits is later than what the one before it did.
        table.clock.fetch_add(1, Ordering::Relaxed);
        table
    }
}

impl Table {
    async fn new() -> Self {
        let engine = Engine::start(&Storage::Memory, None).await.expect("an engine");
        let client = repository::connect_without_account(&engine.endpoint());
        table::create_if_missing(&client, TABLE, &Indexes::all())
            .await
            .expect("a table");
        let repository = FeedbackRepository::new(client, TABLE, NonZeroU32::MIN).with_indexes(Indexes::all());
        for index in 0..SEEDS {
            submit_seed(&repository, index).await;
        }
        let clock = Arc::new(AtomicU64::new(NOW));
        let service = |access| AppState {
            executor: Executor::new(Introspection::On, Limits::default()),
            repository: repository.clone(),
            clock: Clock::Manual(Arc::clone(&clock)),
            authenticator: Arc::new(access),
        };
        let options = Options {
            allowed_origins: AllowedOrigins::Any,
            explorer: Some(Source::Cdn),
            ..Options::default()
        };
        Self {
            open: router(service(Authenticator::Open), options.clone()),
            guarded: router(service(Authenticator::Guarded(None)), options),
            _engine: engine,
            clock,
        }
    }
}

async fn submit_seed(repository: &FeedbackRepository, index: usize) {
    let minutes = u64::try_from(SEEDS - index).expect("a small number");
    let pair = MetadataEntry::new("index", &index.to_string());
    let message = Message::parse(&format!("seed {index}")).expect("a message");
    let new = NewFeedback {
        content: Content {
            rating: i64::try_from(index)
                .ok()
                .and_then(|rating| Rating::parse(rating).ok()),
            topic: Topic::parse("seed").ok(),
            email: EmailAddress::parse(["sam@example.org", "Ana@Example.ORG"][index % 2]).ok(),
            page_url: PageUrl::parse("https://example.org/").ok(),
            metadata: Metadata::parse(&[pair]).expect("metadata"),
            ..message.into()
        },
        idempotency_key: IdempotencyKey::parse(format!("idempotency-{index}")).ok(),
        signals: Signals::default(),
    };
    let at = Timestamp::from_millis(NOW - 60_000 * minutes).expect("a time");
    let id = new.id(at);
    repository
        .submit(new, id, at)
        .await
        .expect("a table that takes it");
    let status = Status::ALL[index % Status::ALL.len()];
    if status == Status::default() {
        return;
    }
    let tags = [format!("tag {index}"), "bug".to_owned()];
    let change = TriageChange::new(None, Some(status), &tags, &[], Some("Asked.")).expect("a change");
    let update = TriageUpdate {
        at,
        by: "key seed".to_owned(),
    };
    repository
        .triage(id, &change, &update)
        .await
        .expect("a table that takes it");
}

/// Writes what is written short at length: `x{*3}` is `xxx`.
#[must_use]
pub fn expand(text: &str) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{*") {
        expanded.push_str(before);
        let times = after.split_once('}').and_then(|(times, after)| {
            let times: usize = times.parse().ok()?;
            (times <= 500_000 && expanded.len() <= 1_000_000).then_some((times, after))
        });
        if let Some((times, after)) = times
            && let Some(last) = expanded.pop()
        {
            expanded.extend(std::iter::repeat_n(last, times));
            rest = after;
        } else {
            expanded.push_str("{*");
            rest = after;
        }
    }
    expanded.push_str(rest);
    expanded
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// Reads it, and checks what must hold of every answer.
    ///
    /// # Panics
    /// When it does not.
    pub async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX)
            .await
            .expect("a whole body");
        let answer = Self {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        assert!(answer.status.as_u16() < 500, "{answer:?}");
        answer
    }

    /// The body, which has to be JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&self) -> Value {
        let content_type = &self.headers[header::CONTENT_TYPE];
        let is_json = [
            "application/json",
            "application/json; charset=utf-8",
            "application/graphql-response+json; charset=utf-8",
        ]
        .iter()
        .any(|expected| content_type == expected);
        assert!(is_json, "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body, which has to be that of an answer of GraphQL.
    ///
    /// # Panics
    /// When it is not.
    pub fn graphql(&self) -> Value {
        let body = self.json();
        check_graphql(&body);
        body
    }
}

/// Checks that this is an answer as the GraphQL specification has it, and that nothing went wrong inside.
///
/// # Panics
/// When it is not, or something did.
pub fn check_graphql(body: &Value) {
    let members = body.as_object().unwrap_or_else(|| panic!("no object: {body}"));
    assert!(
        members
            .keys()
            .all(|name| ["data", "errors", "extensions"].contains(&name.as_str())),
        "{body}"
    );
    let data = members.get("data");
    assert!(
        data.is_none_or(|data| data.is_object() || data.is_null()),
        "{body}"
    );
    let Some(errors) = members.get("errors") else {
        assert!(
            data.is_some_and(Value::is_object),
            "neither data nor errors: {body}"
        );
        return;
    };
    let errors = errors
        .as_array()
        .unwrap_or_else(|| panic!("errors are no list: {body}"));
    assert!(!errors.is_empty(), "an empty list of errors: {body}");
    for error in errors {
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty()),
            "{body}"
        );
        let code = error["extensions"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no code: {body}"));
        assert!(
            !code.starts_with("INTERNAL") && code != "SERVICE_UNAVAILABLE",
            "{body}"
        );
    }
}

/// Sends a request.
///
/// # Panics
/// When the answer is not one that every answer must be.
pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let Ok(response) = router.clone().oneshot(request).await;
    Answer::of(response).await
}

/// Posts a body that is said to be JSON.
///
/// # Panics
/// As [`send`] does.
pub async fn post(router: &Router, path: &str, body: impl Into<Body>) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .expect("a request");
    send(router, request).await
}

/// Executes an operation.
///
/// # Panics
/// When the answer is none of GraphQL.
pub async fn execute(router: &Router, query: &str, variables: &Value) -> Value {
    let body = json!({ "query": query, "variables": variables });
    post(router, "/graphql", body.to_string()).await.graphql()
}
