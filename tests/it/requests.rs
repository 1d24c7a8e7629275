//! What the service asks of DynamoDB: the table of access patterns in `src/lib.rs`, line by line, counted over HTTP
//! by operation and as the requests leave.

use std::fmt::Write;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use feedback_graphql::auth::Authenticator;
use feedback_graphql::domain::{
    ClientAddress, Clock, Content, EmailAddress, FeedbackId, Submitter, Timestamp,
};
use feedback_graphql::graphql::{Executor, Introspection, Limits};
use feedback_graphql::http::AppState;
use feedback_graphql::repository::{ClientLimit, FeedbackRepository};
use serde_json::{Value, json};

use crate::support::requests::Requests;
use crate::support::{ADDRESS, NOW, PATIENCE, Server, Store, cold, content, on, stored, watched};

/// An id that is nobody's.
const UNKNOWN: &str = "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";

const MAP: &str = include_str!("../../src/lib.rs");

/// The table as it stands in `src/lib.rs`: what is done, and the requests it takes. Each line has a test below.
const PATTERNS: [(&str, &str); 13] = [
    ("submit", "1 `PutItem`, conditional on the id being new"),
    (
        "count a submission, where there is a limit or a rule for each client",
        "1 `UpdateItem` before it, nothing for a client that is refused already; for a function's first of a day also 1 \
         `GetItem` of the salt, and 1 `UpdateItem` where there is none",
    ),
    (
        "how many shards there are",
        "1 `GetItem` once a minute beside a page's `Query`, and after a function's first submission or, where it is told \
         more than one, when it warms up",
    ),
    (
        "open the connection when a function warms up",
        "1 `GET` of the endpoint's health, or the `GetItem` of the shards",
    ),
    (
        "by id, n different ones in an operation",
        "⌈n/100⌉ `BatchGetItem`, strongly consistent",
    ),
    (
        "triage",
        "1 `UpdateItem`, and a read or 1 more only where it cannot be decided without what is there",
    ),
    (
        "delete",
        "1 `BatchGetItem` of the item, 1 of its day's tally, 1 `TransactWriteItems` of both",
    ),
    (
        "quarantine, release",
        "as for a deletion, or 2 `BatchGetItem` of the item where nothing changes",
    ),
    (
        "erase a person",
        "1 `Query`, as for a deletion with 1 `TransactWriteItems` a day, and 1 `Query` to see that no more is there",
    ),
    (
        "a page, whatever index serves it",
        "1 `Query` a partition (shards × wanted values), and more only where one runs dry",
    ),
    (
        "count a listing",
        "1 `Query` a partition, and more where one takes several, only when a client asks",
    ),
    (
        "statistics of n days",
        "⌈n/100⌉ `BatchGetItem` of tallies, and 1 `Query` a shard of what they do not hold; once, more to read it and 1 \
         `PutItem` a day to keep it",
    ),
    (
        "whether anything lies behind a page's cursor",
        "1 `Query` a partition, only when a client asks",
    ),
];

/// A server whose requests to DynamoDB are counted.
struct Counted {
    server: Server,
    requests: Requests,
}

impl Counted {
    async fn start(shards: u32) -> Self {
        Self::with(shards, async |client: &Client| on(client, shards).await).await
    }

    async fn with(shards: u32, repository: impl AsyncFnOnce(&Client) -> FeedbackRepository) -> Self {
        let store = Store::with_shards(shards).await;
        let requests = Requests::default();
        let repository = repository(&watched(&store.client, requests.clone())).await;
        // For 250 aliases: the defaults let 20 fields through.
        let limits = "aliases=250 rootFields=250 tokens=4000 queryBytes=32768";
        let server = Server::limited(Store { repository, ..store }, limits.parse().unwrap()).await;
        requests.take_counts();
        Self { server, requests }
    }

    /// Stores feedback that lies in the given shard of four, or of one.
    async fn submit(&self, number: u64, shard: u64) -> FeedbackId {
        let digits = 4 * number + shard;
        let id = FeedbackId::parse(&format!("0195512e-6f4a-7c3e-9d0b-{digits:012x}")).unwrap();
        let at = Timestamp::from_millis(NOW + number).unwrap();
        let new = content(&number.to_string()).into();
        let feedback = stored(self.server.store.repository.submit(new, id, at).await.unwrap());
        self.requests.take_counts();
        feedback.id
    }

    /// Executes an operation; returns the answer's data and what was asked for it.
    async fn ask(&self, operation: &str, variables: Value) -> (Value, String) {
        let data = self.server.data(operation, variables).await;
        (data, self.requests.take_counts())
    }

    /// What is asked of DynamoDB for an operation.
    async fn asked_for(&self, operation: &str) -> String {
        self.ask(operation, json!({})).await.1
    }
}

#[test]
fn every_line_of_the_map_is_counted_here() {
    let lines = MAP.lines().map(|line| line.trim_start_matches("//! "));
    let table = lines
        .skip_while(|line| !line.starts_with("| access pattern |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let patterns: Vec<(&str, &str)> = table
        .map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect();
    assert_eq!(patterns, PATTERNS, "count what is new in this file, too");
}

#[tokio::test]
async fn a_submission_is_one_put_item_whatever_comes_of_it() {
    let service = Counted::start(4).await;
    let submit = "mutation($input: SubmitFeedbackInput!) {
        submitFeedback(input: $input) { replayed userErrors { code } }
    }";
    let outcome = |replayed: bool, errors: Value| json!({ "submitFeedback": { "replayed": replayed, "userErrors": errors } });
    let key = "planted-key-1";
    for (input, expected, asked) in [
        (
            json!({ "message": "new" }),
            outcome(false, json!([])),
            "1 PutItem",
        ),
        (
            json!({ "message": "trapped", "trap": "x" }),
            outcome(false, json!([])),
            "1 PutItem",
        ),
        (
            json!({ "message": "keyed", "idempotencyKey": key }),
            outcome(false, json!([])),
            "1 PutItem",
        ),
        (
            json!({ "message": "keyed", "idempotencyKey": key }),
            outcome(true, json!([])),
            "1 PutItem",
        ),
        (
            json!({ "message": "other", "idempotencyKey": key }),
            outcome(false, json!([{ "code": "IDEMPOTENCY_KEY_REUSED" }])),
            "1 PutItem",
        ),
        (
            json!({ "message": " " }),
            outcome(false, json!([{ "code": "BLANK" }])),
            "nothing",
        ),
    ] {
        // In the same millisecond the same would be one request, tried again.
        service.server.at_later_time();
        let (data, made) = service.ask(submit, json!({ "input": input })).await;
        assert_eq!((data, made.as_str()), (expected, asked), "{input}");
    }
    for (body, status, asked) in [
        (json!({ "feedback": "plain" }), 200, "1 PutItem"),
        (json!({ "feedback": "trapped", "trap": "x" }), 200, "1 PutItem"),
        (json!({ "feedback": "" }), 400, "nothing"),
    ] {
        let request = service.server.request("POST", "/feedback").json(&body);
        let answer = service.server.send(request).await;
        let made = service.requests.take_counts();
        assert_eq!((answer.status, made.as_str()), (status, asked), "{body}");
    }
}

#[tokio::test]
async fn a_submission_that_is_counted_is_one_update_item_more_and_a_refused_one_is_nothing() {
    let limit = |per_hour: &str| ClientLimit {
        patience: PATIENCE,
        ..per_hour.parse().unwrap()
    };
    let limited = async |client: &Client| on(client, 1).await.limiting_clients(limit("2"));
    let service = Counted::with(1, limited).await;
    let submit = async |service: &Counted| {
        let request = service
            .server
            .request("POST", "/feedback")
            .header(ADDRESS, "203.0.113.7");
        let answer = service
            .server
            .send(request.json(&json!({ "feedback": "x" })))
            .await;
        (answer.status, service.requests.take_counts())
    };
    for (status, asked) in [
        (200, "1 GetItem, 1 PutItem, 2 UpdateItem"),
        (200, "1 PutItem, 1 UpdateItem"),
        (429, "1 UpdateItem"),
        (429, "nothing"),
    ] {
        assert_eq!(submit(&service).await, (status, asked.to_owned()));
    }
    // Another function finds the salt, and that the client is above the limit.
    let client = watched(&service.server.store.client, service.requests.clone());
    let repository = on(&client, 1).await.limiting_clients(limit("5"));
    service.requests.take_counts();
    let client = ClientAddress::parse("203.0.113.7").unwrap();
    let now = Timestamp::from_millis(NOW).unwrap();
    for (count, asked) in [(4, "1 GetItem, 1 UpdateItem"), (5, "1 UpdateItem")] {
        let counted = repository.admit(Submitter::Client(client), now).await;
        assert_eq!(counted, Ok(Some(count)));
        assert_eq!(service.requests.take_counts(), asked);
    }
    // The first of the next day.
    service.server.at_later_time();
    for _ in 0..14 {
        assert_eq!(
            submit(&service).await,
            (200, "1 PutItem, 1 UpdateItem".to_owned())
        );
        service.server.at_later_time();
    }
    let asked = "1 GetItem, 1 PutItem, 2 UpdateItem".to_owned();
    assert_eq!(submit(&service).await, (200, asked));
}

#[tokio::test]
async fn a_hundred_ids_are_one_batch_get_item() {
    let service = Counted::start(1).await;
    let mut ids = Vec::new();
    for number in 0..250 {
        ids.push(service.submit(number, 0).await.to_string());
    }
    for (count, asked) in [
        (1, "1 BatchGetItem"),
        (100, "1 BatchGetItem"),
        (101, "2 BatchGetItem"),
        (250, "3 BatchGetItem"),
    ] {
        let mut aliases = String::from("{");
        for (number, id) in ids.iter().take(count).enumerate() {
            write!(aliases, " f{number}: feedback(id: \"{id}\") {{ message }}").unwrap();
        }
        aliases.push('}');
        let (data, made) = service.ask(&aliases, json!({})).await;
        assert_eq!(made, asked, "{count} ids");
        for number in 0..count {
            assert_eq!(data[format!("f{number}")]["message"], number.to_string());
        }
    }
    let nodes = "query($a: [ID!]!, $b: [ID!]!, $c: ID!) {
        a: nodes(ids: $a) { id } b: nodes(ids: $b) { id } node(id: $c) { id } feedback(id: $c) { id }
    }";
    for (variables, asked) in [
        (
            json!({ "a": ids[..50], "b": ids[..100], "c": ids[0] }),
            "1 BatchGetItem",
        ),
        (
            json!({ "a": ids[..100], "b": ids[100..200], "c": ids[200] }),
            "3 BatchGetItem",
        ),
        (
            json!({ "a": [], "b": [], "c": "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90" }),
            "1 BatchGetItem",
        ),
    ] {
        assert_eq!(service.ask(nodes, variables).await.1, asked);
    }
}

#[tokio::test]
async fn a_change_of_triage_is_one_update_item_unless_it_depends_on_the_tags_that_are_there() {
    let service = Counted::start(4).await;
    let id = service.submit(0, 0).await.to_string();
    let change =
        "mutation($input: TriageFeedbackInput!) { triageFeedback(input: $input) { userErrors { code } } }";
    let tags: Vec<String> = (0..15).map(|tag| tag.to_string()).collect();
    for (input, code, asked) in [
        (json!({ "status": "RESOLVED" }), None, "1 UpdateItem"),
        (
            json!({ "status": "RESOLVED" }),
            Some("NOTHING_TO_CHANGE"),
            "1 UpdateItem",
        ),
        (
            json!({ "addTags": tags, "note": "n", "expectedVersion": 1 }),
            None,
            "1 UpdateItem",
        ),
        (
            json!({ "status": "OPEN", "expectedVersion": 1 }),
            Some("VERSION_CONFLICT"),
            "1 UpdateItem",
        ),
        (json!({ "addTags": ["0", "1", "15"] }), None, "2 UpdateItem"),
        (json!({ "addTags": ["16"] }), Some("TOO_MANY"), "1 UpdateItem"),
        (
            json!({ "addTags": ["16"], "removeTags": ["0"] }),
            None,
            "1 BatchGetItem, 1 UpdateItem",
        ),
        (json!({ "removeTags": ["1"] }), None, "1 UpdateItem"),
        (json!({ "expectedVersion": -1 }), Some("OUT_OF_RANGE"), "nothing"),
        (
            json!({ "id": UNKNOWN, "status": "OPEN" }),
            Some("NOT_FOUND"),
            "1 BatchGetItem, 1 UpdateItem",
        ),
    ] {
        let mut input = input;
        if input.get("id").is_none() {
            input["id"] = json!(id);
        }
        service.server.at_later_time();
        let (data, made) = service.ask(change, json!({ "input": input })).await;
        let found = data["triageFeedback"]["userErrors"][0]["code"].as_str();
        assert_eq!((found, made.as_str()), (code, asked), "{input}");
    }
}

#[tokio::test]
async fn a_page_by_a_filter_is_one_query_for_each_partition_of_the_index_that_serves_it() {
    for shards in [1, 4] {
        let service = Counted::start(shards).await;
        for number in 0..100 {
            service.submit(number, number % 4).await;
        }
        for (filter, partitions) in [
            ("status: OPEN", shards),
            ("status: [IN_PROGRESS, RESOLVED]", 2 * shards),
            ("status: [OPEN, IN_PROGRESS, RESOLVED]", shards),
            ("topic: \"search\"", shards),
            ("maxRating: 2", 2 * shards),
            ("maxRating: 2, tag: \"urgent\"", 2 * shards),
            ("email: \"sam@example.org\", status: OPEN", 1),
        ] {
            let page = format!("{{ feedbacks(first: 5, filter: {{ {filter} }}) {{ nodes {{ id }} }} }}");
            assert_eq!(
                service.asked_for(&page).await,
                format!("{partitions} Query"),
                "{filter}"
            );
        }
    }
}

#[tokio::test]
async fn a_deletion_is_one_transaction_of_what_was_read_with_its_days_tally() {
    let service = Counted::start(4).await;
    let id = service.submit(0, 0).await.to_string();
    let delete = "mutation($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }";
    for (expected, asked) in [
        (json!(id), "2 BatchGetItem, 1 TransactWriteItems"),
        (Value::Null, "1 BatchGetItem"),
    ] {
        let (data, made) = service.ask(delete, json!({ "id": id })).await;
        assert_eq!(data["deleteFeedback"]["deletedFeedbackId"], expected);
        assert_eq!(made, asked);
    }
}

#[tokio::test]
async fn what_enters_or_leaves_quarantine_is_one_transaction_with_its_days_tally() {
    let service = Counted::start(4).await;
    let id = service.submit(0, 0).await.to_string();
    for field in ["quarantineFeedback", "releaseFeedback"] {
        let change = format!("mutation {{ {field}(input: {{ id: \"{id}\" }}) {{ userErrors {{ code }} }} }}");
        for asked in ["2 BatchGetItem, 1 TransactWriteItems", "2 BatchGetItem"] {
            let (data, made) = service.ask(&change, json!({})).await;
            assert_eq!(data[field], json!({ "userErrors": [] }));
            assert_eq!(made, asked, "{field}");
        }
        let change = change.replace(&id, UNKNOWN);
        let (data, made) = service.ask(&change, json!({})).await;
        assert_eq!(data[field], json!({ "userErrors": [{ "code": "NOT_FOUND" }] }));
        assert_eq!(made, "2 BatchGetItem", "{field}");
    }
}

#[tokio::test]
async fn a_person_is_erased_by_one_transaction_a_day_between_two_looks() {
    let service = Counted::start(4).await;
    let day = 24 * 60 * 60 * 1_000;
    for (number, at) in [NOW, NOW + 1, NOW + day, NOW + 2 * day].into_iter().enumerate() {
        let content = Content {
            email: Some(EmailAddress::parse("sam@example.org").unwrap()),
            ..content(&number.to_string())
        };
        service.server.store.submit_content(content, at).await;
    }
    service.requests.take_counts();
    let erase = "mutation { erasePerson(input: { email: \"sam@example.org\" }) { erasedCount isComplete } }";
    for (count, asked) in [
        (4, "2 BatchGetItem, 2 Query, 3 TransactWriteItems"),
        (0, "1 Query"),
    ] {
        let (data, made) = service.ask(erase, json!({})).await;
        let expected = json!({ "erasePerson": { "erasedCount": count, "isComplete": true } });
        assert_eq!((data, made.as_str()), (expected, asked));
    }
}

#[tokio::test]
async fn a_count_is_one_query_a_partition_when_a_client_asks() {
    for shards in [1, 4] {
        let service = Counted::start(shards).await;
        for number in 0..100 {
            service.submit(number, number % 4).await;
        }
        for (arguments, partitions, value) in [
            ("", shards, 100),
            ("(filter: { status: OPEN })", shards, 100),
            ("(filter: { maxRating: 2 })", 2 * shards, 0),
            ("(filter: { topic: \"search\" })", shards, 0),
            (
                "(filter: { submittedTo: \"2026-03-01T09:30:00.260Z\" })",
                shards,
                10,
            ),
        ] {
            let page = format!("{{ feedbacks{arguments} {{ count {{ value isExact }} }} }}");
            let (data, made) = service.ask(&page, json!({})).await;
            let expected = json!({ "feedbacks": { "count": { "value": value, "isExact": true } } });
            // The page and its count.
            let asked = format!("{} Query", 2 * partitions);
            assert_eq!((data, made), (expected, asked), "{arguments}");
        }
    }
}

#[tokio::test]
async fn statistics_read_each_day_once_and_then_its_tally_and_what_is_new() {
    let statistics = "query($from: Date!, $to: Date!) {
        feedbackStatistics(from: $from, to: $to) { total isComplete }
    }";
    for shards in [1, 4] {
        let service = Counted::start(shards).await;
        for number in 0..100 {
            service.submit(number, number % 4).await;
        }
        let ask = async |from: &str, to: &str| {
            let variables = json!({ "from": from, "to": to });
            let (data, made) = service.ask(statistics, variables).await;
            assert_eq!(data["feedbackStatistics"]["isComplete"], true);
            (data["feedbackStatistics"]["total"].as_u64().unwrap(), made)
        };
        let queries = format!("{shards} Query");
        // Nothing is settled of the last of 30 days.
        let first = ask("2026-01-31", "2026-03-01").await;
        assert_eq!(first, (100, format!("1 BatchGetItem, 29 PutItem, {queries}")));
        let second = ask("2026-01-31", "2026-03-01").await;
        assert_eq!(second, (100, format!("1 BatchGetItem, {queries}")));
        service.server.at_later_time();
        let later = ask("2026-01-31", "2026-03-01").await;
        assert_eq!(
            later,
            (100, format!("1 BatchGetItem, 1 GetItem, 1 PutItem, {queries}"))
        );
        let again = ask("2026-01-31", "2026-03-01").await;
        assert_eq!(again, (100, format!("1 BatchGetItem, {queries}")));
        assert_eq!(
            ask("2026-01-31", "2026-02-28").await,
            (0, "1 BatchGetItem".to_owned())
        );
        let (_, made) = ask("2025-02-01", "2026-02-28").await;
        assert_eq!(made, format!("4 BatchGetItem, 364 PutItem, {queries}"));
    }
}

#[tokio::test]
async fn a_page_of_one_shard_is_one_query_wherever_it_lies() {
    let service = Counted::start(1).await;
    assert_eq!(
        service.asked_for("{ feedbacks { nodes { id } } }").await,
        "1 Query"
    );
    for number in 0..100 {
        service.submit(number, 0).await;
    }
    let page = "query($after: String) { feedbacks(after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }";
    let mut after = Value::Null;
    for number in 1..=5 {
        let (data, made) = service.ask(page, json!({ "after": after })).await;
        assert_eq!(made, "1 Query", "page {number}");
        let info = &data["feedbacks"]["pageInfo"];
        assert_eq!(info["hasNextPage"], number < 5);
        after = info["endCursor"].clone();
    }
    for arguments in [
        "last: 20",
        "order: OLDEST_FIRST",
        "first: 100",
        "filter: { submittedTo: \"2026-03-01T09:30:00.280Z\" }",
    ] {
        let page = format!("{{ feedbacks({arguments}) {{ nodes {{ id }} }} }}");
        assert_eq!(service.asked_for(&page).await, "1 Query", "{arguments}");
    }
}

#[tokio::test]
async fn a_page_of_four_shards_is_four_queries_and_more_only_where_a_shard_runs_dry() {
    let page = "{ feedbacks { nodes { id } pageInfo { hasNextPage } } }";
    let empty = Counted::start(4).await;
    assert_eq!(empty.asked_for(page).await, "4 Query");
    let quarantined = "{ quarantinedFeedbacks { nodes { id } } }";
    assert_eq!(empty.asked_for(quarantined).await, "4 Query");
    let of_a_person = "{ quarantinedFeedbacks(filter: { email: \"sam@example.org\" }) { nodes { id } } }";
    assert_eq!(empty.asked_for(of_a_person).await, "1 Query");
    let even = Counted::start(4).await;
    let uneven = Counted::start(4).await;
    for number in 0..100 {
        even.submit(number, number % 4).await;
        uneven.submit(number, 0).await;
    }
    assert_eq!(even.asked_for(page).await, "4 Query");
    // All that comes next lies in one shard: it gives its share, and then the rest.
    assert_eq!(uneven.asked_for(page).await, "5 Query");
}

#[tokio::test]
async fn what_lies_behind_a_cursor_is_one_more_query_a_shard_when_a_client_asks() {
    for (shards, silent, asking) in [(1, "1 Query", "2 Query"), (4, "4 Query", "8 Query")] {
        let service = Counted::start(shards).await;
        for number in 0..100 {
            service.submit(number, number % 4).await;
        }
        let first = "{ feedbacks { pageInfo { endCursor hasPreviousPage } } }";
        let (data, made) = service.ask(first, json!({})).await;
        assert_eq!(made, silent, "nothing can lie behind no cursor");
        let after = &data["feedbacks"]["pageInfo"]["endCursor"];
        for (field, asked) in [("hasNextPage", silent), ("hasPreviousPage", asking)] {
            let page =
                format!("query($after: String) {{ feedbacks(after: $after) {{ pageInfo {{ {field} }} }} }}");
            let (data, made) = service.ask(&page, json!({ "after": after })).await;
            assert_eq!(data["feedbacks"]["pageInfo"][field], true);
            assert_eq!(made, asked, "{field} at {shards} shards");
        }
    }
}

#[tokio::test]
async fn what_needs_no_feedback_asks_nothing() {
    let service = Counted::start(4).await;
    let health = service.server.request("GET", "/graphql?query=%7B__typename%7D");
    assert_eq!(service.server.send(health).await.status, 200);
    assert_eq!(service.requests.take_counts(), "nothing");
    for operation in ["{ __typename }", "{ __schema { queryType { name } } }"] {
        assert_eq!(service.asked_for(operation).await, "nothing", "{operation}");
    }
    for operation in [
        "{ feedback(id: \"1234\") { id } }",
        "{ feedbacks(first: 101) { nodes { id } } }",
        "{ feedbacks(filter: { topic: \" \" }) { nodes { id } } }",
        "mutation { deleteFeedback(id: \"1234\") { deletedFeedbackId } }",
        "{ nothing }",
    ] {
        service.server.error(operation, json!({})).await;
        assert_eq!(service.requests.take_counts(), "nothing", "{operation}");
    }
}

#[tokio::test]
async fn warming_up_is_one_get_or_the_get_item_of_the_shards() {
    for (told, asked, again) in [(1, "1 GET", "1 GET"), (4, "1 GetItem", "nothing")] {
        let counted = Counted::start(4).await;
        let client = watched(&counted.server.store.client, counted.requests.clone());
        let state = AppState {
            executor: Executor::new(Introspection::Off, Limits::default()),
            repository: cold(&client, told),
            clock: Clock::System,
            authenticator: Arc::new(Authenticator::Guarded(None)),
        };
        state.warm_up().await;
        assert_eq!(counted.requests.take_counts(), asked);
        state.warm_up().await;
        assert_eq!(counted.requests.take_counts(), again);
    }
}

#[tokio::test]
async fn how_many_shards_there_are_is_one_get_item_after_the_first_submission_or_beside_the_first_page() {
    let submit = "mutation { submitFeedback(input: { message: \"x\" }) { replayed } }";
    let page = "{ feedbacks { pageInfo { hasNextPage } } }";
    let service = async || Counted::with(4, async |client: &Client| cold(client, 1)).await;
    let submitting = service().await;
    submitting.server.data(submit, json!({})).await;
    submitting.requests.take_counts_when("1 GetItem, 1 PutItem").await;
    assert_eq!(submitting.asked_for(submit).await, "1 PutItem");
    assert_eq!(submitting.asked_for(page).await, "4 Query");
    let reading = service().await;
    assert_eq!(reading.asked_for(page).await, "1 GetItem, 4 Query");
    assert_eq!(reading.asked_for(submit).await, "1 PutItem");
}

#[tokio::test]
async fn how_many_shards_there_are_is_one_get_item_once_a_minute() {
    let counted = Counted::start(4).await;
    let pages = "{ a: feedbacks { pageInfo { hasNextPage } } b: feedbacks { pageInfo { hasNextPage } } }";
    assert_eq!(counted.asked_for(pages).await, "8 Query");
    counted.server.at_later_time();
    assert_eq!(counted.asked_for(pages).await, "1 GetItem, 8 Query");
    assert_eq!(counted.asked_for(pages).await, "8 Query");
    counted.server.at_later_time();
    let submit = "mutation { submitFeedback(input: { message: \"x\" }) { replayed } }";
    assert_eq!(counted.asked_for(submit).await, "1 PutItem");
}
