//! The real Lambda binary, run as AWS Lambda runs it: a child process that asks a Runtime API for one event
//! after the other and posts each answer back.
//!
//! The service's own code is not linked in on this path. What a test sees here went through the binary's
//! configuration, the reading of the event and the writing of the answer, which are the parts that a
//! test over the router alone would never run.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Read},
    net::Ipv4Addr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use axum::http::HeaderValue;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::timeout,
};
use uuid::Uuid;

pub use self::runtime_api::InvocationError;
use self::runtime_api::{Invocation, RuntimeApi};
use super::events::{EventKind, HttpAnswer, HttpCall, event};
use super::logs;

mod runtime_api;

/// How long the function may take over anything: far more than it needs, because an unoptimised binary shares
/// a busy machine with the rest of the tests.
const PATIENCE: Duration = Duration::from_mins(1);

const REGION: &str = "eu-west-1";
const FUNCTION: &str = "feedback";

/// The environment variables that the function starts with (it inherits nothing from the test's own), and the
/// time that it has for each event.
pub struct Options {
    variables: BTreeMap<String, String>,
    time: Duration,
}

impl Options {
    /// A complete configuration: the DynamoDB endpoint, the table, and what Lambda itself always sets.
    pub fn new(dynamodb_endpoint: &str, table: &str) -> Self {
        let variables = [
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_endpoint),
            ("FEEDBACK_TABLE", table),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_SESSION_TOKEN", "test"),
            ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/feedback"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2027/01/15/[$LATEST]0"),
            ("_HANDLER", "bootstrap"),
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
        ];
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            variables: variables.into_iter().map(owned).collect(),
            time: PATIENCE,
        }
    }

    /// The same, with this variable set.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same, with so much time for each event.
    pub fn with_time(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// The same, with this variable missing.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }
}

/// A running function. Dropping it kills the process.
pub struct Lambda {
    child: Child,
    api: Arc<RuntimeApi>,
    server: JoinHandle<()>,
    events: mpsc::Sender<Invocation>,
    turn: tokio::sync::Mutex<()>,
    last_request_id: Mutex<String>,
    /// Everything the process wrote, line by line; closed once it has exited.
    log: watch::Receiver<Vec<String>>,
}

impl Lambda {
    /// Starts the function and waits until it asks for its first event.
    ///
    /// # Panics
    /// When it exits instead, or does neither; the message carries its log.
    pub async fn start(options: Options) -> Self {
        let lambda = Self::launch(options).await;
        tokio::select! {
            biased;
            () = lambda.api.first_poll() => lambda,
            () = lambda.exited() => panic!("the function exited at start-up{}", lambda.report()),
            () = tokio::time::sleep(PATIENCE) => panic!("the function asks for no event{}", lambda.report()),
        }
    }

    /// Starts the function with a configuration that it must refuse, and returns how it exited and what it wrote.
    ///
    /// # Panics
    /// When it starts all the same; the message carries its log.
    pub async fn start_expecting_exit(options: Options) -> (ExitStatus, Vec<String>) {
        let mut lambda = Self::launch(options).await;
        tokio::select! {
            biased;
            () = lambda.exited() => {}
            () = lambda.api.first_poll() => panic!("the function started{}", lambda.report()),
            () = tokio::time::sleep(PATIENCE) => panic!("the function does not exit{}", lambda.report()),
        }
        let status = lambda.child.wait().expect("the exit status of a child process");
        (status, lambda.logs())
    }

    async fn launch(options: Options) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("the address of a listener");
        let (events, queue) = mpsc::channel(1);
        let api = Arc::new(RuntimeApi::new(queue, options.time));
        let router = RuntimeApi::router(Arc::clone(&api));
        let server =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("axum serves for ever") });

        let mut child = command()
            .env_clear()
            .envs(options.variables)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("the function does not start: {error}"));
        let (lines, log) = watch::channel(Vec::new());
        capture(child.stdout.take().expect("stdout is piped"), lines.clone());
        capture(child.stderr.take().expect("stderr is piped"), lines);

        Self {
            child,
            api,
            server,
            events,
            turn: tokio::sync::Mutex::default(),
            last_request_id: Mutex::default(),
            log,
        }
    }

    /// Hands over this tracing header with each event from now on.
    pub fn trace(&self, header: Option<&[u8]>) {
        let header = header.map(|header| HeaderValue::from_bytes(header).expect("the value of a header"));
        self.api.trace(header);
    }

    /// Hands the function one event and returns the payload of its answer. Like Lambda, it gives one instance one
    /// event at a time: further calls wait for their turn.
    ///
    /// # Panics
    /// When the function exits or does not answer; the message carries its log.
    pub async fn invoke(&self, event: Value) -> Result<Value, InvocationError> {
        let _turn = self.turn.lock().await;
        let request_id = Uuid::new_v4().to_string();
        self.last_request_id
            .lock()
            .expect("no panic while locked")
            .clone_from(&request_id);
        let (answer, answered) = oneshot::channel();
        let invocation = Invocation {
            request_id,
            event,
            answer,
        };
        self.events
            .send(invocation)
            .await
            .expect("the Runtime API keeps its queue open");
        tokio::select! {
            biased;
            answer = answered => answer.expect("an invocation is kept until it is answered"),
            () = self.exited() => panic!("the function exited during an invocation{}", self.report()),
            () = tokio::time::sleep(PATIENCE) => panic!("the function does not answer{}", self.report()),
        }
    }

    /// Makes an HTTP call through an event of this kind, and reads the answer as the kind's front door would.
    ///
    /// # Panics
    /// When the function reports an error instead of an answer, and as [`invoke`](Self::invoke) does.
    pub async fn call(&self, kind: EventKind, call: &HttpCall) -> HttpAnswer {
        match self.invoke(event(kind, call)).await {
            Ok(payload) => HttpAnswer::parse(kind, &payload),
            Err(error) => panic!("the function reports {error:?}{}", self.report()),
        }
    }

    /// The id that Lambda gave the last invocation.
    pub fn last_request_id(&self) -> String {
        self.last_request_id
            .lock()
            .expect("no panic while locked")
            .clone()
    }

    /// What the function posted as its initialisation error, if it did.
    pub fn init_error(&self) -> Option<InvocationError> {
        self.api.init_error()
    }

    /// Every line that the function has written so far, to stdout and stderr alike.
    pub fn logs(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    /// The first log line that contains this text. Waits for it, because the log can arrive after the answer.
    ///
    /// # Panics
    /// When no such line arrives.
    pub async fn log_line(&self, text: &str) -> String {
        let mut log = self.log.clone();
        let arrived = log.wait_for(|lines| lines.iter().any(|line| line.contains(text)));
        let found = matches!(timeout(PATIENCE, arrived).await, Ok(Ok(_)));
        let line = self.logs().into_iter().find(|line| line.contains(text));
        line.filter(|_| found)
            .unwrap_or_else(|| panic!("no log line contains {text:?}{}", self.report()))
    }

    /// Resolves when both outputs are closed, which is when the process is gone.
    async fn exited(&self) {
        let mut log = self.log.clone();
        let _closed = log.wait_for(|_| false).await;
    }

    fn report(&self) -> String {
        format!(
            "; initialisation error: {:?}; log:\n{}",
            self.init_error(),
            self.logs().join("\n")
        )
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
        self.server.abort();
        if !thread::panicking() {
            logs::check_lines(&self.logs());
        }
    }
}

/// The binary: cargo's, or one that was built another way, such as the artifact that is deployed, with what runs it if
/// it is for another processor, such as `qemu-aarch64-static -L /usr/aarch64-linux-gnu`.
fn command() -> Command {
    let binary = env::var("FEEDBACK_TEST_LAMBDA");
    let binary = binary.unwrap_or_else(|_| env!("CARGO_BIN_EXE_lambda").to_owned());
    let runner = env::var("FEEDBACK_TEST_LAMBDA_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace().chain([binary.as_str()]);
    let mut command = Command::new(words.next().expect("the binary, if nothing else"));
    command.args(words);
    command
}

/// Copies an output of the function into the log. On a thread, so that it goes on while the test is busy.
fn capture(output: impl Read + Send + 'static, log: watch::Sender<Vec<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            log.send_modify(|lines| lines.push(String::from_utf8_lossy(&line).into_owned()));
        }
    });
}
