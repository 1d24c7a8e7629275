//! The outcomes on the line of a request, and the line as metrics: counted as clients and the table see them, and without
//! anything personal. `tests/clients/metrics.mjs` holds such lines to AWS's published schema.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use fastrand::Rng;
use feedback_graphql::auth::{Scope, make_key};
use feedback_graphql::repository::table;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{PLANTED, options, start, submit};
use crate::support::events::{EventKind, HttpAnswer, HttpCall};
use crate::support::lambda::{Lambda, Options};
use crate::support::secrets::{SECRET, Secrets};
use crate::support::{Store, program};

/// The fields that count outcomes.
pub const OUTCOMES: [&str; 6] = [
    "submissions_stored",
    "submissions_replayed",
    "submissions_invalid",
    "submissions_quarantined",
    "submissions_refused",
    "triage_conflicts",
];

/// A function that knows one key, which may do everything, with the credential.
async fn start_with(options: Options) -> (Lambda, Secrets, String) {
    let key = make_key("manager", &[Scope::Manage]).unwrap();
    let secrets = Secrets::start().await;
    secrets.store(&[&key]);
    let options = options
        .with("FEEDBACK_API_KEYS_SECRET", SECRET)
        .with("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.endpoint);
    (
        Lambda::start(options).await,
        secrets,
        format!("Bearer {}", key.token),
    )
}

/// Makes a call; returns the body of the answer and the log line of the request.
async fn call(lambda: &Lambda, call: &HttpCall) -> (Value, String) {
    let answer = lambda.call(EventKind::FunctionUrl, call).await;
    let line = line_of(lambda, &lambda.last_request_id()).await;
    (serde_json::from_slice(&answer.body).unwrap_or_default(), line)
}

/// The line of a request, which may have others.
async fn line_of(lambda: &Lambda, id: &str) -> String {
    let end =
        format!("\"target\":\"feedback_graphql::http::request_log\",\"span\":{{\"request_id\":\"{id}\"");
    lambda.log_line(&end).await
}

fn graphql(query: &str, variables: &Value) -> HttpCall {
    HttpCall::post_json("/graphql", &json!({ "query": query, "variables": variables }))
}

/// Fails unless CloudWatch would take metrics from this line; returns its operation type and the metrics' values.
#[track_caller]
fn metrics(line: &str) -> (String, BTreeMap<String, f64>) {
    let line: Value = serde_json::from_str(line).expect("one JSON object a line");
    assert!(
        line["_aws"]["Timestamp"].as_u64() > Some(1_700_000_000_000),
        "{line}"
    );
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    let [directive] = directives.as_slice() else {
        panic!("one directive: {line}")
    };
    assert_eq!(directive["Namespace"], "Feedback");
    assert_eq!(
        directive["Dimensions"],
        json!([["function_name", "operation_type"]])
    );
    for dimension in ["function_name", "operation_type"] {
        let value = line[dimension].as_str().unwrap_or_default();
        assert!((1..=1024).contains(&value.len()), "{dimension} in {line}");
    }
    let mut values = BTreeMap::new();
    for metric in directive["Metrics"].as_array().unwrap() {
        let name = metric["Name"].as_str().unwrap();
        let value = line[name].as_f64();
        let value = value.unwrap_or_else(|| panic!("{name} is not a number: {line}"));
        let unit = if name == "duration_ms" {
            "Milliseconds"
        } else {
            "Count"
        };
        assert_eq!(metric["Unit"], unit, "{name}");
        assert!(values.insert(name.to_owned(), value).is_none(), "{name} twice");
    }
    for name in ["duration_ms", "dynamodb_requests"] {
        assert!(values.contains_key(name), "{name} in {line}");
    }
    for name in OUTCOMES {
        assert_eq!(values.get(name).copied(), line[name].as_f64(), "{name} in {line}");
        assert_ne!(line[name], 0, "{name}");
    }
    (line["operation_type"].as_str().unwrap().to_owned(), values)
}

#[tokio::test]
async fn the_line_of_every_kind_of_request_is_metrics_that_cloudwatch_takes() {
    let store = Store::new().await;
    let options = options(&store).with("FEEDBACK_METRICS", "true");
    let (lambda, _secrets, bearer) = start_with(options).await;
    let authorized = |call: HttpCall| call.with_header("authorization", &bearer);
    let plain = |body: Value| HttpCall::post_json("/feedback", &body);
    let planted = PLANTED[0];
    let nothing = json!({});
    let refused_triage = json!({ "input": { "id": "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90", "note": planted, "expectedVersion": 7 } });
    let triage =
        "mutation($input: TriageFeedbackInput!) { triageFeedback(input: $input) { userErrors { code } } }";
    for (call, operation_type, outcome) in [
        (submit(planted), "mutation", Some("submissions_stored")),
        (submit(" "), "mutation", Some("submissions_invalid")),
        (
            plain(json!({ "feedback": planted })),
            "plain",
            Some("submissions_stored"),
        ),
        (
            plain(json!({ "feedback": " " })),
            "plain",
            Some("submissions_invalid"),
        ),
        (plain(json!({ "message": planted })), "plain", None),
        (
            plain(json!({ "feedback": planted })).with_header("authorization", "Bearer planted"),
            "plain",
            None,
        ),
        (
            plain(json!({ "feedback": planted, "trap": planted })),
            "plain",
            Some("submissions_quarantined"),
        ),
        (authorized(graphql(triage, &refused_triage)), "mutation", None),
        (
            authorized(graphql(
                "query planned { feedbacks { nodes { message } } }",
                &nothing,
            )),
            "query",
            None,
        ),
        (
            graphql("{ feedbacks { nodes { message } } }", &nothing),
            "query",
            None,
        ),
        (graphql("{ __typename }", &nothing), "query", None),
        (graphql("{ planted", &nothing), "none", None),
        (graphql("{ planted }", &nothing), "none", None),
        (HttpCall::get("/graphql?query=%7B__typename%7D"), "query", None),
        (
            HttpCall::get("/graphql?query=mutation%7B__typename%7D"),
            "mutation",
            None,
        ),
        (HttpCall::get("/graphql"), "none", None),
        (HttpCall::get("/elsewhere"), "none", None),
        (HttpCall::get("/feedback"), "none", None),
        (HttpCall::new("OPTIONS", "/graphql"), "none", None),
        (HttpCall::post_json("/staff/graphql", &json!({})), "none", None),
    ] {
        let (_, line) = self::call(&lambda, &call).await;
        let (found_type, values) = metrics(&line);
        assert_eq!(found_type, operation_type, "{line}");
        let outcomes: BTreeSet<&str> = OUTCOMES
            .into_iter()
            .filter(|name| values.contains_key(*name))
            .collect();
        let expected: BTreeSet<&str> = outcome
            .into_iter()
            .chain((outcome == Some("submissions_quarantined")).then_some("submissions_stored"))
            .collect();
        assert_eq!(outcomes, expected, "{line}");
        assert!(!line.contains(bearer.trim_start_matches("Bearer ")), "{line}");
        // What a client has sent: addresses, texts of documents, values of variables.
        for text in ["planted", "203.0.113.7", "example.org", "__typename", "0195512e"] {
            assert!(!line.contains(text), "{text} is in {line}");
        }
    }
    assert_eq!(
        lambda.logs().len(),
        20,
        "one line a request: {:#?}",
        lambda.logs()
    );
}

#[tokio::test]
async fn a_line_without_metrics_has_the_same_fields_and_no_more() {
    let store = Store::new().await;
    let off = start(&store).await;
    let on = Lambda::start(options(&store).with("FEEDBACK_METRICS", "true")).await;
    let (_, without) = call(&off, &submit(PLANTED[0])).await;
    let (_, with) = call(&on, &submit(PLANTED[0])).await;
    let expected = [
        "timestamp",
        "level",
        "message",
        "method",
        "path",
        "status",
        "duration_ms",
        "caller",
        "operation_type",
        "operation",
        "dynamodb_requests",
        "submissions_stored",
        "target",
        "span",
    ];
    assert_eq!(members(&without), expected);
    let added = ["function_name", "_aws"];
    assert_eq!(members(&with), [expected.as_slice(), &added].concat());
    let (with, without): (Value, Value) = (
        serde_json::from_str(&with).unwrap(),
        serde_json::from_str(&without).unwrap(),
    );
    assert_eq!(with["function_name"], "feedback");
    for name in expected {
        let varies = ["timestamp", "duration_ms", "span"].contains(&name);
        assert!(varies || with[name] == without[name], "{name}");
    }
}

/// The names of an object's members, in their order.
fn members(object: &str) -> Vec<&str> {
    let mut members = Vec::new();
    let (mut depth, mut rest) = (0, object);
    while let Some(at) = rest.find(['{', '}', '[', ']', '"']) {
        match rest.as_bytes()[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {
                // No text of these lines has an escaped quotation mark.
                let (text, after) = rest[at + 1..].split_once('"').unwrap();
                if depth == 1 && after.starts_with(':') {
                    members.push(text);
                }
                rest = after;
                continue;
            }
        }
        rest = &rest[at + 1..];
    }
    members
}

#[tokio::test]
async fn with_metrics_the_lines_of_requests_are_logged_at_every_level() {
    let store = Store::new().await;
    for level in ["error", "warn", "trace"] {
        let options = options(&store).with("FEEDBACK_LOG", level);
        let lambda = Lambda::start(options.with("FEEDBACK_METRICS", "true")).await;
        let (_, line) = call(&lambda, &submit(PLANTED[0])).await;
        metrics(&line);
    }
}

#[tokio::test]
async fn a_laptops_server_logs_metrics_too() {
    let arguments = ["--in-memory", "--port", "0", "--metrics"];
    let mut server = program(env!("CARGO_BIN_EXE_local"), &arguments).spawn().unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
    let url = loop {
        let line = said.next_line().await.unwrap().expect("a URL");
        if let Some(url) = line.trim().strip_prefix("GraphQL") {
            break url.trim().to_owned();
        }
    };
    let query =
        json!({ "query": "mutation { submitFeedback(input: { message: \"planted\" }) { replayed } }" });
    let request = reqwest::Client::new().post(url).json(&query);
    assert!(request.send().await.unwrap().status().is_success());
    let line = loop {
        let line = log.next_line().await.unwrap().expect("a line of the request");
        let is_json = serde_json::from_str::<Value>(&line).is_ok();
        assert!(is_json, "{line}");
        if line.contains("\"message\":\"request\"") {
            break line;
        }
    };
    let (operation_type, values) = metrics(&line);
    assert_eq!(
        (operation_type.as_str(), values["submissions_stored"]),
        ("mutation", 1.0)
    );
    assert!(
        line.contains("\"function_name\":\"local\"") && !line.contains("planted"),
        "{line}"
    );
}

/// A submission that may be anything.
struct Submission {
    message: String,
    key: Option<String>,
    is_trapped: bool,
}

impl Submission {
    /// The submission at this position of an operation, whose keys differ: in the same millisecond, the same is one request
    /// that is tried again.
    fn any(random: &mut Rng, position: usize) -> Self {
        let messages = ["planted", "planted too", "", " \t"];
        Self {
            message: messages[random.usize(..messages.len())].to_owned(),
            key: random
                .bool()
                .then(|| format!("planted-key-{position}-{}", random.u32(..4))),
            is_trapped: random.u32(..3) == 0,
        }
    }

    fn trap(&self) -> &'static str {
        if self.is_trapped { "planted" } else { "" }
    }
}

/// Requests to a function, and what clients see of their outcomes.
struct Series {
    lambda: Lambda,
    bearer: String,
    random: Rng,
    /// By the names of the fields.
    outcomes: BTreeMap<&'static str, u32>,
    operation_types: BTreeMap<String, u32>,
    request_ids: Vec<String>,
    /// The message that was stored under each idempotency key.
    keys: HashMap<String, String>,
    /// The ids of feedback that was stored.
    ids: Vec<String>,
}

impl Series {
    /// Makes a request of any kind.
    async fn go_on(&mut self) {
        let address = format!("203.0.113.{}", self.random.u32(..6));
        let operation_type = match self.random.u32(..8) {
            0..3 => {
                self.submit_plainly(&address).await;
                "plain"
            }
            3 | 4 => {
                let one = [Submission::any(&mut self.random, 0)];
                self.submit(operation(&one).sent_from(&address), &one).await;
                "mutation"
            }
            5 => {
                let count = self.random.usize(2..6);
                let many: Vec<_> = (0..count)
                    .map(|position| Submission::any(&mut self.random, position))
                    .collect();
                let call = operation(&many).with_header("authorization", &self.bearer);
                self.submit(call, &many).await;
                "mutation"
            }
            6 if !self.ids.is_empty() => {
                self.triage().await;
                "mutation"
            }
            _ => {
                let query = graphql("{ feedbacks { nodes { id } } }", &json!({}));
                self.send(&query.with_header("authorization", &self.bearer)).await;
                "query"
            }
        };
        *self.operation_types.entry(operation_type.to_owned()).or_default() += 1;
    }

    async fn send(&mut self, call: &HttpCall) -> HttpAnswer {
        let answer = self.lambda.call(EventKind::FunctionUrl, call).await;
        self.request_ids.push(self.lambda.last_request_id());
        answer
    }

    async fn submit_plainly(&mut self, address: &str) {
        let submission = Submission::any(&mut self.random, 0);
        let body = json!({ "feedback": submission.message, "trap": submission.trap() });
        let mut call = HttpCall::post_json("/feedback", &body).sent_from(address);
        if let Some(key) = &submission.key {
            call = call.with_header("Idempotency-Key", key);
        }
        match self.send(&call).await.status {
            200 => self.count_accepted(&submission),
            400 | 422 => self.count("submissions_invalid"),
            429 => self.count("submissions_refused"),
            status => panic!("{status}"),
        }
    }

    /// Sends submissions in one operation.
    async fn submit(&mut self, call: HttpCall, submissions: &[Submission]) {
        let answer: Value = serde_json::from_slice(&self.send(&call).await.body).unwrap();
        for (number, submission) in submissions.iter().enumerate() {
            let alias = format!("s{number}");
            let payload = &answer["data"][&alias];
            if payload.is_null() {
                let errors = answer["errors"].as_array().unwrap();
                let error = errors.iter().find(|error| error["path"][0] == *alias);
                assert_eq!(error.unwrap()["extensions"]["code"], "TOO_MANY_REQUESTS");
                self.count("submissions_refused");
            } else if payload["userErrors"] == json!([]) {
                let key = submission.key.as_ref();
                let is_known = key.is_some_and(|key| self.keys.contains_key(key));
                assert_eq!(payload["replayed"], is_known);
                self.count_accepted(submission);
                let id = payload["feedback"]["id"].as_str().unwrap();
                self.ids.push(id.to_owned());
            } else {
                self.count("submissions_invalid");
            }
        }
    }

    /// Makes the same change twice in one operation, of which one at most can find the version that it expects.
    async fn triage(&mut self) {
        let id = &self.ids[self.random.usize(..self.ids.len())];
        let (note, version) = (self.random.u32(..3).to_string(), self.random.u32(..3));
        let input = json!({ "id": id, "note": note, "expectedVersion": version });
        let twice = "mutation($input: TriageFeedbackInput!) {
            a: triageFeedback(input: $input) { userErrors { code } }
            b: triageFeedback(input: $input) { userErrors { code } }
        }";
        let call = graphql(twice, &json!({ "input": input })).with_header("authorization", &self.bearer);
        let answer: Value = serde_json::from_slice(&self.send(&call).await.body).unwrap();
        for alias in ["a", "b"] {
            if answer["data"][alias]["userErrors"] == json!([{ "code": "VERSION_CONFLICT" }]) {
                self.count("triage_conflicts");
            }
        }
    }

    fn count(&mut self, outcome: &'static str) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    /// Counts a submission that was accepted: by its key it is new, or it has been there before.
    fn count_accepted(&mut self, submission: &Submission) {
        if let Some(key) = &submission.key {
            if let Some(message) = self.keys.get(key) {
                assert_eq!(*message, submission.message);
                self.count("submissions_replayed");
                return;
            }
            self.keys.insert(key.clone(), submission.message.clone());
        }
        self.count("submissions_stored");
        if submission.is_trapped {
            self.count("submissions_quarantined");
        }
    }
}

/// The operation that submits all of these.
fn operation(submissions: &[Submission]) -> HttpCall {
    let selection = "{ feedback { id } replayed userErrors { code } }";
    let (mut declared, mut fields, mut variables) = (String::new(), String::new(), json!({}));
    for (number, submission) in submissions.iter().enumerate() {
        write!(declared, "$i{number}: SubmitFeedbackInput!").unwrap();
        write!(
            fields,
            "s{number}: submitFeedback(input: $i{number}) {selection} "
        )
        .unwrap();
        variables[format!("i{number}")] = json!({
            "message": submission.message, "idempotencyKey": submission.key, "trap": submission.trap(),
        });
    }
    graphql(&format!("mutation Submit({declared}) {{ {fields} }}"), &variables)
}

#[tokio::test]
async fn the_sums_over_the_lines_are_what_clients_have_seen_and_what_is_in_the_table() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let store = Store::new().await;
    let options = options(&store).with("FEEDBACK_METRICS", "true");
    let (lambda, _secrets, bearer) = start_with(options.with("FEEDBACK_CLIENT_LIMIT", "4")).await;
    let mut series = Series {
        lambda,
        bearer,
        random: Rng::with_seed(seed),
        outcomes: BTreeMap::new(),
        operation_types: BTreeMap::new(),
        request_ids: Vec::new(),
        keys: HashMap::new(),
        ids: Vec::new(),
    };
    for _ in 0..80 {
        series.go_on().await;
    }

    let mut sums = BTreeMap::<&str, u32>::new();
    let mut types = BTreeMap::<String, u32>::new();
    for id in &series.request_ids {
        let line = line_of(&series.lambda, id).await;
        let (operation_type, values) = metrics(&line);
        *types.entry(operation_type).or_default() += 1;
        let line: Value = serde_json::from_str(&line).unwrap();
        for name in OUTCOMES.into_iter().filter(|name| values.contains_key(*name)) {
            *sums.entry(name).or_default() += u32::try_from(line[name].as_u64().unwrap()).unwrap();
        }
    }
    assert_eq!((sums.clone(), types), (series.outcomes, series.operation_types));

    let items = store.all_items().await;
    let feedback = items.iter().filter(|(id, _)| !table::is_own(id));
    let (quarantined, listed): (Vec<_>, Vec<_>) =
        feedback.partition(|(_, item)| item.contains_key("quarantineShard"));
    let sum = |name: &str| sums.get(name).copied().unwrap_or_default() as usize;
    assert_eq!(quarantined.len(), sum("submissions_quarantined"));
    assert_eq!(quarantined.len() + listed.len(), sum("submissions_stored"));
}

#[tokio::test]
async fn the_cost_that_a_caller_is_told_has_the_requests_of_the_line() {
    let store = Store::new().await;
    let (lambda, _secrets, bearer) = start_with(options(&store)).await;
    let id = "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";
    for (query, requests) in [
        (
            "mutation { submitFeedback(input: { message: \"planted\" }) { replayed } }".to_owned(),
            1,
        ),
        (
            format!(
                "{{ a: feedback(id: \"{id}\") {{ id }} feedbacks {{ nodes {{ id }} count {{ value }} }} }}"
            ),
            3,
        ),
        ("{ __typename }".to_owned(), 0),
    ] {
        let body = json!({ "query": query, "extensions": { "cost": true } });
        let call = HttpCall::post_json("/graphql", &body).with_header("authorization", &bearer);
        let (answer, line) = self::call(&lambda, &call).await;
        let line: Value = serde_json::from_str(&line).unwrap();
        let told = &answer["extensions"]["cost"]["dynamodb"]["requests"];
        assert_eq!(
            (told, &line["dynamodb_requests"]),
            (&json!(requests), &json!(requests)),
            "{query}"
        );
    }
}
