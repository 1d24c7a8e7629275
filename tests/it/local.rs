//! The laptop's server as a person starts it.

mod bounds;
mod clients;
mod documents;
mod pages;
mod strangers;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::domain::{Content, FeedbackId, Timestamp, Topic};
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{self, Index, Indexes, table};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::{NOW, Store, TABLE, cold, content, drop_index, logs, program};

/// Long enough for the slowest machine; nothing waits for it.
const PATIENCE: Duration = Duration::from_mins(1);

fn command(arguments: &[&str]) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_local"), &["--port", "0"]);
    command.args(arguments);
    command
}

/// A running server, and what it said at its start, by the word at the beginning of each line.
struct Local {
    child: Child,
    said: Vec<String>,
}

impl Local {
    async fn start(arguments: &[&str]) -> Self {
        Self::run(&mut command(arguments)).await
    }

    async fn run(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        let read = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                let is_last = line.starts_with("Ctrl-C");
                said.push(line);
                if is_last {
                    return;
                }
            }
            panic!("the server ended after {said:#?}");
        };
        timeout(PATIENCE, read).await.expect("the server to start");
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                logs::search(&line);
            }
        });
        // Read on, so that the server never waits for somebody to.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, said }
    }

    /// What is said after this word.
    fn line(&self, word: &str) -> &str {
        let mut lines = self.said.iter().filter_map(|line| line.trim().strip_prefix(word));
        lines
            .next()
            .unwrap_or_else(|| panic!("no {word} in {:#?}", self.said))
            .trim()
    }

    /// The address in the URL that is said after this word.
    fn address(&self, word: &str) -> SocketAddr {
        let (_, url) = self.line(word).split_once("http://").unwrap();
        url.split('/').next().unwrap().parse().unwrap()
    }

    async fn data(&self, query: &str) -> Value {
        let request = reqwest::Client::new()
            .post(self.line("GraphQL"))
            .json(&json!({ "query": query }));
        let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"].take()
    }

    async fn submit(&self, message: &str) -> String {
        let query = format!(
            "mutation {{ submitFeedback(input: {{ message: \"{message}\" }}) {{ feedback {{ id }} }} }}"
        );
        let data = self.data(&query).await;
        data["submitFeedback"]["feedback"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Ctrl-C, and the wait for a clean end.
    async fn stop(self) {
        self.end("INT").await;
    }

    /// A signal, and the wait for a clean end.
    async fn end(mut self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        let kill = Command::new("/bin/sh")
            .args(["-c", "kill -$0 $1", signal, &pid])
            .status();
        assert!(kill.await.unwrap().success());
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .expect("an end")
            .unwrap();
        assert_eq!(status.code(), Some(0));
        logs::check();
    }
}

/// What a server answers to this text, until it closes the connection.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
    read.expect("the server to close the connection").unwrap();
    answer
}

/// Starts a server that cannot, and returns what it says on standard error.
async fn fails(arguments: &[&str]) -> String {
    let mut child = command(arguments).spawn().unwrap();
    let status = timeout(PATIENCE, child.wait()).await.expect("an end").unwrap();
    assert_eq!(status.code(), Some(1), "{arguments:?}");
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .await
        .unwrap();
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(
        (errors.len(), said.lines().count()),
        (1, 1),
        "one sentence: {said}"
    );
    said.trim().to_owned()
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

#[tokio::test]
async fn feedback_survives_a_restart() {
    let folder = TempDir::new().unwrap();
    let db = path(&folder, "new/folder/feedback.db");
    let server = Local::start(&["--db", &db]).await;
    assert_eq!(server.line("Data"), db);
    let id = server.submit("planted here").await;
    server.stop().await;
    let server = Local::start(&["--db", &db]).await;
    let data = server
        .data(&format!("{{ feedback(id: \"{id}\") {{ message }} }}"))
        .await;
    assert_eq!(data, json!({ "feedback": { "message": "planted here" } }));
}

#[tokio::test]
async fn the_sample_is_there_in_order_and_plain_clients_of_dynamodb_see_it() {
    let server = Local::start(&["--in-memory", "--shards", "3", "--sample", "150"]).await;
    let data = server
        .data("{ feedbacks(last: 100) { nodes { submittedAt message rating topic } pageInfo { hasPreviousPage } } }")
        .await;
    let nodes = data["feedbacks"]["nodes"].as_array().unwrap();
    let times: Vec<&str> = nodes
        .iter()
        .filter_map(|node| node["submittedAt"].as_str())
        .collect();
    assert_eq!(times.len(), 100);
    assert!(times.is_sorted_by(|one, other| one >= other));
    let endpoint = server.line("DynamoDB");
    let client = feedback_graphql::repository::connect_without_account(endpoint);
    let items = client.scan().table_name("Feedback").send().await.unwrap();
    assert_eq!(items.count(), 151, "and one that says how many shards there are");
}

#[tokio::test]
async fn the_shards_that_the_data_has_are_kept() {
    let folder = TempDir::new().unwrap();
    let db = path(&folder, "feedback.db");
    let mut arguments = vec!["--db", &db, "--shards", "4", "--sample", "64"];
    // As it is kept; by a smaller number; and in a file of a version that did not remember it.
    for next in [
        vec!["--db", &*db],
        vec!["--db", &db, "--shards", "2"],
        vec!["--db", &db],
    ] {
        let server = Local::start(&arguments).await;
        assert!(
            server.line("Table").ends_with("4 shards"),
            "{}",
            server.line("Table")
        );
        let data = server.data("{ feedbacks(first: 100) { nodes { id } } }").await;
        assert_eq!(data["feedbacks"]["nodes"].as_array().unwrap().len(), 64);
        if arguments.contains(&"2") {
            let client = feedback_graphql::repository::connect_without_account(server.line("DynamoDB"));
            let key = AttributeValue::S("meta#timeline".to_owned());
            let delete = client.delete_item().table_name("Feedback").key("feedbackId", key);
            delete.send().await.unwrap();
        }
        server.stop().await;
        arguments = next;
    }
    let server = Local::start(&arguments).await;
    assert!(
        server.line("Table").ends_with("4 shards"),
        "{}",
        server.line("Table")
    );
}

#[tokio::test]
async fn another_dynamodb_can_be_used_instead() {
    let store = Store::new().await;
    let server = Local::start(&["--endpoint-url", &store.engine.endpoint()]).await;
    assert_eq!(server.line("DynamoDB"), store.engine.endpoint());
    server.submit("planted elsewhere").await;
    assert_eq!(store.items().await.len(), 1);
}

#[tokio::test]
async fn feedback_is_put_aside_by_the_rules_that_are_given() {
    let submit = "mutation { submitFeedback(input: { message: \"https://a.example\" }) { feedback { quarantine { reasons } } } }";
    for (arguments, expected) in [
        (&["--in-memory"][..], Value::Null),
        (
            &["--in-memory", "--quarantine", "links=0"],
            json!({ "reasons": ["TOO_MANY_LINKS"] }),
        ),
    ] {
        let server = Local::start(arguments).await;
        let data = server.data(submit).await;
        assert_eq!(data["submitFeedback"]["feedback"]["quarantine"], expected);
        server.stop().await;
    }
}

#[tokio::test]
async fn what_is_in_the_way_is_told_in_one_sentence() {
    let folder = TempDir::new().unwrap();
    let file = path(&folder, "file");
    std::fs::write(
        Path::new(&file),
        "this is no database, and long enough to be taken for one",
    )
    .unwrap();
    let below_a_file = format!("{file}/feedback.db");
    let no_assets = path(&folder, "assets");
    for (arguments, expected) in [
        (vec!["--db", &*below_a_file], "error: cannot keep data in"),
        (
            vec!["--db", folder.path().to_str().unwrap()],
            "error: cannot keep data in",
        ),
        (vec!["--db", &*file], "error: cannot keep data in"),
        (
            vec!["--endpoint-url", "http://127.0.0.1:9"],
            "error: cannot use the DynamoDB at http://127.0.0.1:9: ",
        ),
        (vec!["--in-memory", "--explorer-assets", &*no_assets], "error: "),
    ] {
        let said = fails(&arguments).await;
        assert!(said.starts_with(expected), "{said}");
    }
}

#[tokio::test]
async fn a_busy_port_is_told_in_one_sentence() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    let output = command
        .env_clear()
        .args(["--in-memory", "--port", &port])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with(&format!("error: cannot listen on 127.0.0.1 port {port}: ")),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test]
async fn the_help_names_the_packages_that_the_explorer_needs() {
    let output = command(&["--help"]).output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(
        help.contains(&feedback_graphql::http::explorer::packages()),
        "{help}"
    );
}

#[tokio::test]
async fn an_older_file_gets_the_indexes_that_it_lacks_and_its_feedback_is_in_them() {
    let folder = TempDir::new().unwrap();
    let db = folder.path().join("feedback.db");
    let engine = Engine::start(&Storage::File(db.clone()), None).await.unwrap();
    let client = repository::connect_without_account(&engine.endpoint());
    assert!(
        table::create_if_missing(&client, TABLE, &Indexes::none())
            .await
            .unwrap()
    );
    drop_index(&client, Index::Quarantine).await;
    let repository = cold(&client, 1);
    let content = Content {
        topic: Some(Topic::parse("search").unwrap()),
        ..content("planted")
    };
    let at = Timestamp::from_millis(NOW).unwrap();
    repository
        .submit(content.into(), FeedbackId::new(at), at)
        .await
        .unwrap();
    engine.stop().await;

    let server = Local::start(&["--db", db.to_str().unwrap()]).await;
    let inbox = "{ feedbacks(filter: { status: OPEN, topic: \"search\" }) { nodes { message } } }";
    let data = server.data(inbox).await;
    assert_eq!(data["feedbacks"]["nodes"], json!([{ "message": "planted" }]));
    let data = server.data("{ quarantinedFeedbacks { nodes { id } } }").await;
    assert_eq!(data["quarantinedFeedbacks"]["nodes"], json!([]));
    server.stop().await;
    let engine = Engine::start(&Storage::File(db), None).await.unwrap();
    let client = repository::connect_without_account(&engine.endpoint());
    assert_eq!(table::indexes(&client, TABLE).await.unwrap(), Indexes::all());
    engine.stop().await;
}

#[tokio::test]
async fn the_schema_is_a_subgraph_where_an_option_or_the_variable_says_so() {
    let fields = "{ __type(name: \"_Service\") { name } }";
    for (option, variable, expected) in [
        (None, None, Value::Null),
        (None, Some("false"), Value::Null),
        (None, Some("true"), json!({ "name": "_Service" })),
        (Some("--federation"), None, json!({ "name": "_Service" })),
    ] {
        let mut command = command(&["--in-memory"]);
        command
            .args(option)
            .envs(variable.map(|value| ("FEEDBACK_FEDERATION", value)));
        let server = Local::run(&mut command).await;
        assert_eq!(
            server.data(fields).await["__type"],
            expected,
            "{option:?} {variable:?}"
        );
        server.stop().await;
    }
}
