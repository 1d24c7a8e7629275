//! What the laptop's server has acknowledged survives its sudden death.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Long enough for the slowest machine; nothing waits for it.
const PATIENCE: Duration = Duration::from_mins(1);
const ROUNDS: u64 = 5;
const SUBMITTERS: u64 = 8;

/// A server on a file, and the URL of its GraphQL.
struct Local {
    child: Child,
    url: String,
    client: reqwest::Client,
    /// Told when the server has acknowledged something.
    acknowledged: Notify,
}

impl Local {
    async fn start(db: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_local"))
            .args(["--port", "0", "--shards", "4", "--log", "error", "--db", db])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(url) = line.trim().strip_prefix("GraphQL") {
                    return url.trim().to_owned();
                }
            }
            panic!("the server ended");
        };
        let url = timeout(PATIENCE, url).await.expect("the server to start");
        // Read on, so that the server never waits for somebody to.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            child,
            url,
            client: reqwest::Client::new(),
            acknowledged: Notify::new(),
        }
    }

    /// The data of an answer; nothing when there is none, because the server is dead.
    async fn ask(&self, query: &str, variables: Value) -> Option<Value> {
        let body = json!({ "query": query, "variables": variables });
        let response = self.client.post(&self.url).json(&body).send().await.ok()?;
        let mut answer: Value = response.json().await.ok()?;
        assert_eq!(answer.get("errors"), None, "{answer}");
        Some(answer["data"].take())
    }

    /// Submits until the server dies; the ids that it acknowledged, and their messages.
    async fn submit_on_and_on(&self, submitter: u64) -> Vec<(String, String)> {
        let query = "mutation($message: String!) {
            submitFeedback(input: { message: $message }) { feedback { id } } }";
        let mut acknowledged = Vec::new();
        loop {
            let message = format!("{} of submitter {submitter}", acknowledged.len());
            let Some(data) = self.ask(query, json!({ "message": message })).await else {
                return acknowledged;
            };
            let id = data["submitFeedback"]["feedback"]["id"].as_str().unwrap();
            acknowledged.push((id.to_owned(), message));
            self.acknowledged.notify_one();
        }
    }

    /// The ids of the whole listing, as they come.
    async fn listed(&self) -> Vec<String> {
        let query = "query($after: String) { feedbacks(first: 100, after: $after) {
            nodes { id } pageInfo { hasNextPage endCursor } } }";
        let (mut ids, mut after) = (Vec::new(), Value::Null);
        loop {
            let mut data = self.ask(query, json!({ "after": after })).await.unwrap();
            let page = &mut data["feedbacks"];
            let nodes = page["nodes"].as_array().unwrap().iter();
            ids.extend(nodes.map(|node| node["id"].as_str().unwrap().to_owned()));
            if page["pageInfo"]["hasNextPage"] == false {
                return ids;
            }
            after = page["pageInfo"]["endCursor"].take();
        }
    }
}

#[tokio::test]
async fn kill_9_while_submitting_loses_no_acknowledged_feedback() {
    let folder = TempDir::new().unwrap();
    let db = folder.path().join("feedback.db").to_str().unwrap().to_owned();
    let mut acknowledged = Vec::new();
    for round in 0..=ROUNDS {
        let mut server = Local::start(&db).await;
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Feedback { message } } }";
        for chunk in acknowledged.chunks(100) {
            let (ids, messages): (Vec<&String>, Vec<Value>) = chunk
                .iter()
                .map(|(id, message)| (id, json!({ "message": message })))
                .unzip();
            let data = server.ask(query, json!({ "ids": ids })).await.unwrap();
            assert_eq!(data["nodes"], json!(messages), "round {round}");
        }
        let listed = server.listed().await;
        let once: BTreeSet<&String> = listed.iter().collect();
        assert_eq!(once.len(), listed.len(), "nothing is listed twice");
        assert!(acknowledged.iter().all(|(id, _)| once.contains(id)));
        // Of what was on its way when the server died, nobody knows.
        let unknown = u64::try_from(listed.len() - acknowledged.len()).unwrap();
        assert!(unknown <= round * SUBMITTERS, "{unknown} in round {round}");
        if round == ROUNDS {
            break;
        }

        let pid = server.child.id().unwrap().to_string();
        let acknowledged_one = &server.acknowledged;
        let kill = async {
            acknowledged_one.notified().await;
            sleep(Duration::from_millis(fastrand::u64(100..400))).await;
            let kill = Command::new("/bin/sh")
                .args(["-c", "kill -KILL $0", &pid])
                .status();
            assert!(kill.await.unwrap().success());
        };
        let submitters = join_all((0..SUBMITTERS).map(|number| server.submit_on_and_on(number)));
        let (submitted, ()) = timeout(PATIENCE, async { tokio::join!(submitters, kill) })
            .await
            .expect("an end");
        let status = server.child.wait().await.unwrap();
        assert_eq!(status.code(), None, "killed: {status}");
        let before = acknowledged.len();
        acknowledged.extend(submitted.into_iter().flatten());
        assert!(acknowledged.len() > before, "something was acknowledged");
    }
}
