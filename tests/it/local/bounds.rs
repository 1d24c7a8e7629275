//! Clients that ask for nothing, or for half of something, and requests that do not end.

use std::fs::{self, OpenOptions};
use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::{Local, PATIENCE, command, exchange, path};
use crate::support::faulty::{Fault, Network};
use crate::support::{Store, program};

#[tokio::test]
async fn half_sent_requests_are_given_up() {
    let server = Local::start(&["--in-memory"]).await;
    let head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let half_a_body = format!("{head}Content-Length: 100\r\n\r\n{{\"query\": ");
    let half_a_chunk = format!("{head}Transfer-Encoding: chunked\r\n\r\n64\r\n{{\"query\": ");
    let to_engine = half_a_body.replace("/graphql", "/");
    let (service, engine) = (server.address("GraphQL"), server.address("DynamoDB"));
    let (nothing, half_a_head, body, chunk, engines_head, engines_body) = tokio::join!(
        exchange(service, ""),
        exchange(service, head),
        exchange(service, &half_a_body),
        exchange(service, &half_a_chunk),
        exchange(engine, head),
        exchange(engine, &to_engine),
    );
    for answer in [nothing, half_a_head, engines_head] {
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
            "{answer}"
        );
    }
    for answer in [body, chunk, engines_body] {
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("did not arrive within 10 seconds"), "{answer}");
    }
    server.submit("after all of that").await;
}

/// With as few open files as a process may usually have on macOS.
#[cfg(unix)]
#[tokio::test]
async fn idle_connections_keep_nobody_out() {
    let limited = "ulimit -n 256 && exec \"$0\" \"$@\"";
    let arguments = [
        "-c",
        limited,
        env!("CARGO_BIN_EXE_local"),
        "--port",
        "0",
        "--in-memory",
    ];
    let server = Local::run(&mut program("/bin/sh", &arguments)).await;
    let mut idle = Vec::new();
    for word in ["GraphQL", "DynamoDB"] {
        let connect = (0..300).map(|_| TcpStream::connect(server.address(word)));
        idle.extend(try_join_all(connect).await.unwrap());
    }
    // Some stop in the middle of a request.
    for connection in idle.iter_mut().step_by(3) {
        let _ = connection.write_all(b"POST /graphql HTTP/1.1\r\nHost: ").await;
    }
    server.submit("in spite of everybody").await;
    drop(idle);
    server.stop().await;
}

/// The file with the keys is read by the thread that a request runs on, the only one here. Reading a named pipe
/// takes until its other end is closed: as long as the test likes.
#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_it_whatever_is_being_executed() {
    let folder = TempDir::new().unwrap();
    let (db, keys) = (path(&folder, "feedback.db"), path(&folder, "keys.json"));
    fs::write(&keys, json!({ "keys": [] }).to_string()).unwrap();
    let mut busy = command(&["--db", &db, "--require-auth", "--api-keys", &keys]);
    let server = Local::run(busy.env("TOKIO_WORKER_THREADS", "1")).await;
    let id = server.submit("safe").await;

    fs::remove_file(&keys).unwrap();
    let made = Command::new("mkfifo").arg(&keys).status().await.unwrap();
    assert!(made.success());
    let request = format!(
        "GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: localhost\r\n{}\r\n\r\n",
        server
            .said
            .iter()
            .find(|line| line.contains("Authorization: "))
            .unwrap()
            .trim()
    );
    let mut client = TcpStream::connect(server.address("GraphQL")).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    // Opened as soon as it is being read.
    let writer = spawn_blocking(move || OpenOptions::new().write(true).open(keys));
    let pipe = timeout(PATIENCE, writer)
        .await
        .expect("a reader")
        .unwrap()
        .unwrap();
    server.end("TERM").await;
    drop(pipe);

    let server = Local::start(&["--db", &db]).await;
    let data = server
        .data(&format!("{{ feedback(id: \"{id}\") {{ message }} }}"))
        .await;
    assert_eq!(data, json!({ "feedback": { "message": "safe" } }));
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_lets_a_running_request_end() {
    let store = Store::new().await;
    let network = Network::to(&store.engine.endpoint()).await;
    let server = Local::start(&["--endpoint-url", &network.endpoint]).await;
    network.fail_once(Fault::Delay(Duration::from_secs(1)));
    let body = json!({ "feedback": "answered all the same" });
    let request = reqwest::Client::new()
        .post(server.line("Plain      POST"))
        .json(&body);
    let answer = tokio::spawn(request.send());
    let stored = async {
        while store.items().await.is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, stored).await.expect("the request to run");
    server.end("TERM").await;
    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
}
