//! DynamoDB with indexes that lag, in front of an engine whose indexes do not: queries are answered from a second table,
//! which gets each change of an item some time after the first.
//!
//! What a function asks can also be made to fail, and to wait for something else to happen first.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use feedback_graphql::repository::{self, Indexes, table};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{TABLE, proxy};

/// The table that queries are answered from.
const REPLICA: &str = "Replica";

/// What happens at a request of a function.
pub enum Event {
    /// The request is refused and not made.
    RefusedBefore,
    /// The request is made, and its response is another.
    RefusedAfter,
    /// This happens first.
    Interrupted(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// Clones are the same table.
#[derive(Clone)]
pub struct Lagging(Arc<Inner>);

struct Inner {
    engine: String,
    client: reqwest::Client,
    /// To the engine itself.
    direct: Client,
    state: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    now: u64,
    lag: u64,
    /// Changes that the replica does not have yet, in order.
    pending: Vec<Change>,
}

#[derive(Clone)]
struct Change {
    due: u64,
    key: Value,
    item: Option<Value>,
}

impl Lagging {
    /// In front of the engine at this endpoint, which has the table already.
    pub async fn start(engine: String) -> Self {
        let direct = repository::connect_without_account(&engine);
        table::create_if_missing(&direct, REPLICA, &Indexes::all())
            .await
            .unwrap();
        Self(Arc::new(Inner {
            engine,
            client: reqwest::Client::new(),
            direct,
            state: Mutex::default(),
        }))
    }

    /// An endpoint for one function.
    pub async fn function(&self) -> Function {
        let events = Arc::new(Mutex::new(Events::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = (self.clone(), Arc::clone(&events));
        let app = Router::new().fallback(handle).with_state(state);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Function {
            client: repository::connect_without_account(&endpoint),
            events,
        }
    }

    /// Lets the indexes lag so long after changes from now on, in milliseconds.
    pub fn set_lag(&self, lag: u64) {
        self.0.state.lock().unwrap().lag = lag;
    }

    /// Sets the time, and shows in the indexes what they show by then.
    pub async fn set_now(&self, now: u64) {
        let due: Vec<Change> = {
            let mut state = self.0.state.lock().unwrap();
            state.now = now;
            let due = state.pending.iter().filter(|change| change.due <= now).cloned();
            let due = due.collect();
            state.pending.retain(|change| now < change.due);
            due
        };
        for change in due {
            self.show(change).await;
        }
    }

    /// Whether the indexes show everything.
    pub fn is_settled(&self) -> bool {
        self.0.state.lock().unwrap().pending.is_empty()
    }

    async fn show(&self, Change { key, item, .. }: Change) {
        match item {
            Some(item) => {
                self.ask("PutItem", &json!({ "TableName": REPLICA, "Item": item }))
                    .await
            }
            None => {
                self.ask("DeleteItem", &json!({ "TableName": REPLICA, "Key": key }))
                    .await
            }
        };
    }

    /// Asks the engine itself.
    async fn ask(&self, operation: &str, input: &Value) -> Value {
        let mut headers = HeaderMap::new();
        let target = format!("DynamoDB_20120810.{operation}");
        headers.insert("x-amz-target", target.parse().unwrap());
        headers.insert("content-type", "application/x-amz-json-1.0".parse().unwrap());
        let credential = "AWS4-HMAC-SHA256 Credential=any/20260301/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
        headers.insert("authorization", credential.parse().unwrap());
        headers.insert("x-amz-date", "20260301T000000Z".parse().unwrap());
        let (status, answer) = proxy::forward(&self.0.client, &self.0.engine, headers, input).await;
        assert_eq!(status, StatusCode::OK, "{operation}: {answer}");
        answer
    }

    /// Notes what the items with these keys are now, for the indexes to show later.
    async fn note(&self, keys: Vec<Value>) {
        for key in keys {
            let input = json!({ "TableName": TABLE, "Key": key, "ConsistentRead": true });
            let item = self.ask("GetItem", &input).await.get("Item").cloned();
            let change = {
                let mut state = self.0.state.lock().unwrap();
                // Changes of one item are shown in order.
                let before = state.pending.iter().filter(|change| change.key == key);
                let before = before.map(|change| change.due).max().unwrap_or_default();
                let due = before.max(state.now + state.lag);
                let change = Change { due, key, item };
                if due > state.now {
                    state.pending.push(change);
                    None
                } else {
                    Some(change)
                }
            };
            if let Some(change) = change {
                self.show(change).await;
            }
        }
    }

    /// Deletes what has expired at `now`, in seconds since 1970 began.
    pub async fn sweep(&self, now: u64) {
        for item in self.items().await {
            if item["expiresAt"].as_u64().is_some_and(|expiry| expiry <= now) {
                let key = json!({ "feedbackId": { "S": item["feedbackId"] } });
                self.ask("DeleteItem", &json!({ "TableName": TABLE, "Key": key }))
                    .await;
                self.note(vec![key]).await;
            }
        }
    }

    /// All items of the table.
    pub async fn items(&self) -> Vec<Value> {
        let scanned = self.0.direct.scan().table_name(TABLE).send().await.unwrap();
        let items = scanned.items().iter();
        items
            .map(|item| serde_dynamo::from_item(item.clone()).unwrap())
            .collect()
    }
}

/// A function's way to the table.
pub struct Function {
    pub client: Client,
    events: Arc<Mutex<Events>>,
}

#[derive(Default)]
struct Events {
    /// How many requests there were.
    requests: usize,
    next: Option<(usize, Event)>,
}

impl Function {
    /// Lets something happen at the request that comes after so many others from now on.
    pub fn let_happen(&self, after: usize, event: Event) {
        *self.events.lock().unwrap() = Events {
            requests: 0,
            next: Some((after, event)),
        };
    }

    /// Lets nothing happen any more.
    pub fn calm(&self) {
        self.events.lock().unwrap().next = None;
    }
}

async fn handle(
    State((lagging, events)): State<(Lagging, Arc<Mutex<Events>>)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let event = {
        let mut events = events.lock().unwrap();
        let is_due = matches!(events.next, Some((after, _)) if after == events.requests);
        events.requests += 1;
        if is_due { events.next.take() } else { None }
    };
    let mut refused_after = false;
    match event.map(|(_, event)| event) {
        Some(Event::RefusedBefore) => return refusal(),
        Some(Event::RefusedAfter) => refused_after = true,
        Some(Event::Interrupted(other)) => other.await,
        None => {}
    }
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let (_, operation) = target.split_once('.').unwrap();
    let mut input: Value = serde_json::from_slice(&body).unwrap();
    let key_of = |item: &Value| json!({ "feedbackId": item["feedbackId"] });
    let keys = match operation {
        "Query" => {
            input["TableName"] = json!(REPLICA);
            Vec::new()
        }
        "PutItem" => vec![key_of(&input["Item"])],
        "UpdateItem" | "DeleteItem" => vec![input["Key"].clone()],
        "TransactWriteItems" => {
            let writes = input["TransactItems"].as_array().unwrap().iter();
            let keys = writes.map(
                |write| match (&write["Put"], &write["Delete"], &write["Update"]) {
                    (Value::Object(put), _, _) => key_of(&put["Item"]),
                    (_, Value::Object(write), _) | (_, _, Value::Object(write)) => write["Key"].clone(),
                    _ => panic!("unknown write: {write}"),
                },
            );
            keys.collect()
        }
        "BatchGetItem" | "GetItem" => Vec::new(),
        other => panic!("unknown operation {other}"),
    };
    let (status, answer) = proxy::forward(&lagging.0.client, &lagging.0.engine, headers, &input).await;
    if status == StatusCode::OK {
        lagging.note(keys).await;
    }
    if refused_after {
        return refusal();
    }
    proxy::json(status, &answer)
}

/// An error that no client tries again after.
fn refusal() -> Response {
    let error = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "refused" });
    proxy::json(StatusCode::BAD_REQUEST, &error)
}
