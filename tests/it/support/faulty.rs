//! A network that fails on demand: a proxy on loopback, between the SDK and the engine, below HTTP.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::PATIENCE;

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset before the engine sees the request.
    ResetBefore,
    /// The engine does what is asked; the connection is reset before its answer.
    ResetAfter,
    /// The engine does what is asked; the connection is closed before its answer.
    CloseAfter,
    /// The engine does what is asked; half of its answer arrives, then the connection is closed.
    Truncate,
    /// The engine does what is asked; its answer comes so much later.
    Delay(Duration),
    /// The engine does what is asked; its answer never comes.
    Silence,
    /// The engine does what is asked and the answer arrives; then the connection is closed without a word, as on
    /// a function that was frozen for long.
    CloseIdle,
    /// The engine never sees the request; this status and error are answered in its place.
    Refuse(u16, &'static str),
}

/// A network to an engine.
#[derive(Clone)]
pub struct Network {
    pub endpoint: String,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    always: Arc<Mutex<Option<Fault>>>,
    /// The requests so far, each with the number of its connection.
    requests: watch::Sender<Vec<(String, usize)>>,
}

impl Network {
    /// A network to the engine at `endpoint` that works, for now.
    pub async fn to(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            faults: Arc::default(),
            always: Arc::default(),
            requests: watch::Sender::default(),
        };
        let (engine, served) = (endpoint.trim_start_matches("http://").to_owned(), network.clone());
        tokio::spawn(async move {
            let mut connection = 0;
            while let Ok((client, _)) = listener.accept().await {
                let (engine, network) = (engine.clone(), served.clone());
                connection += 1;
                // A connection that fails has done what it is here for.
                tokio::spawn(async move { network.serve(client, connection, &engine).await });
            }
        });
        network
    }

    /// The next request meets this fault.
    pub fn fail_once(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    /// Every request meets this fault, or none.
    pub fn fail_always(&self, fault: Option<Fault>) {
        *self.always.lock().unwrap() = fault;
    }

    /// No further request meets a fault; how many faults were still to be met.
    pub fn recover(&self) -> usize {
        self.fail_always(None);
        std::mem::take(&mut *self.faults.lock().unwrap()).len()
    }

    /// The number of the connection on which a request came.
    pub fn connection_of(&self, request: usize) -> usize {
        self.requests.borrow()[request].1
    }

    /// All requests so far, by operation or else by method and path, as soon as there are so many.
    pub async fn requests(&self, count: usize) -> Vec<String> {
        let mut requests = self.requests.subscribe();
        let arrived = requests.wait_for(|requests| requests.len() >= count);
        let _too_few = timeout(PATIENCE, arrived).await;
        let requests = self.requests.borrow();
        requests.iter().map(|(name, _)| name.clone()).collect()
    }

    fn next_fault(&self) -> Option<Fault> {
        let next = self.faults.lock().unwrap().pop_front();
        next.or(*self.always.lock().unwrap())
    }

    async fn serve(&self, mut client: TcpStream, connection: usize, engine: &str) -> io::Result<()> {
        while let Some(request) = read_message(&mut client).await? {
            self.requests
                .send_modify(|requests| requests.push((name(&request), connection)));
            let fault = self.next_fault();
            match fault {
                Some(Fault::ResetBefore) => return client.set_zero_linger(),
                Some(Fault::Refuse(status, code)) => {
                    client.write_all(&refusal(status, code)).await?;
                    continue;
                }
                _ => {}
            }
            let mut upstream = TcpStream::connect(engine).await?;
            upstream.write_all(&request).await?;
            let answer = read_message(&mut upstream).await?.unwrap_or_default();
            match fault {
                Some(Fault::ResetAfter) => return client.set_zero_linger(),
                Some(Fault::CloseAfter) => return Ok(()),
                Some(Fault::Truncate) => return client.write_all(&answer[..answer.len() - 1]).await,
                Some(Fault::Silence) => std::future::pending().await,
                Some(Fault::CloseIdle) => return client.write_all(&answer).await,
                Some(Fault::Delay(delay)) => tokio::time::sleep(delay).await,
                _ => {}
            }
            client.write_all(&answer).await?;
        }
        Ok(())
    }
}

/// Reads one HTTP/1.1 message with a `Content-Length`; nothing at the end of the connection.
async fn read_message(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    loop {
        let end = message.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end.map(|position| position + 4) {
            let head = String::from_utf8_lossy(&message[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if message.len() >= end + length {
                return Ok(Some(message));
            }
        }
        if stream.read_buf(&mut message).await? == 0 {
            return Ok(None);
        }
    }
}

/// A request's operation, or else its method and path.
fn name(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let target = text
        .lines()
        .find_map(|line| line.strip_prefix("x-amz-target: DynamoDB_20120810."));
    let name = target.or_else(|| text.split(" HTTP/").next());
    name.unwrap_or_default().to_owned()
}

fn refusal(status: u16, code: &str) -> Vec<u8> {
    let body =
        json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "no" }).to_string();
    let length = body.len();
    format!("HTTP/1.1 {status} Refused\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}
