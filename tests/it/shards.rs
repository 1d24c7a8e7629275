//! How many shards the timeline has: what the table remembers, what functions make of it, and that nobody misses
//! anything while the number is raised.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use fastrand::Rng;
use feedback_graphql::domain::{Feedback, FeedbackId, Filter, Order, PageRequest, Position, Timestamp};
use feedback_graphql::repository::{FeedbackRepository, MAX_TIMELINE_SHARDS, connect_without_account, table};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::faulty::{Fault, Network};
use crate::support::proxy::{self, Fate};
use crate::support::requests::Requests;
use crate::support::{NOW, PATIENCE, Server, Store, TABLE, cold, content, on, stored, watched};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

/// A function that is told this number of shards and has just started. If it is more than one, it has looked.
async fn started(client: &Client, shards: u32, now: u64) -> FeedbackRepository {
    let function = cold(client, shards);
    function.warm_up(at(now)).await.unwrap();
    function
}

async fn submit(function: &FeedbackRepository, now: u64) -> Feedback {
    let id = FeedbackId::new(at(now));
    stored(function.submit(content("x").into(), id, at(now)).await.unwrap())
}

/// Submits feedback for a while; the shards that it went to.
async fn shards_of_submissions(store: &Store, function: &FeedbackRepository, now: u64) -> BTreeSet<u64> {
    let mut ids = BTreeSet::new();
    for _ in 0..100 {
        ids.insert(submit(function, now).await.id.to_string());
    }
    let items = store.items().await.into_iter();
    let items = items.filter(|item| ids.contains(item["feedbackId"].as_str().unwrap()));
    items
        .map(|item| item["timelineShard"].as_u64().unwrap())
        .collect()
}

/// All pages from a place on, the earliest first, of a period.
async fn read_on(
    function: &FeedbackRepository,
    mut after: Option<Position>,
    period: (Option<u64>, Option<u64>),
    now: u64,
) -> Vec<Feedback> {
    let (from, to) = (period.0.map(at), period.1.map(at));
    let mut all = Vec::new();
    loop {
        let filter = Filter::default().submitted(from, to).unwrap();
        let request = PageRequest::new(Some(100), None, after, None, Order::OldestFirst, filter).unwrap();
        let page = function.page(&request, at(now)).await.unwrap();
        all.extend(page.items);
        after = all.last().map(Feedback::position).or(after);
        if !page.has_more {
            return all;
        }
    }
}

async fn listed(function: &FeedbackRepository, now: u64) -> usize {
    read_on(function, None, (None, None), now).await.len()
}

/// The item, as DynamoDB's own JSON would have it.
async fn item(store: &Store) -> Value {
    let get = store.client.get_item().table_name(TABLE);
    let key = AttributeValue::S(table::SHARDS_ITEM.to_owned());
    let got = get.key("feedbackId", key).send().await.unwrap();
    got.item
        .map_or(Value::Null, |item| serde_dynamo::from_item(item).unwrap())
}

async fn forget(store: &Store) {
    let key = AttributeValue::S(table::SHARDS_ITEM.to_owned());
    let delete = store.client.delete_item().table_name(TABLE);
    delete.key("feedbackId", key).send().await.unwrap();
}

/// The ids, in an order of their own.
fn ids<'a>(feedback: impl IntoIterator<Item = &'a Feedback>) -> Vec<FeedbackId> {
    let mut ids: Vec<FeedbackId> = feedback.into_iter().map(|feedback| feedback.id).collect();
    ids.sort_unstable();
    ids
}

fn all(shards: u64) -> BTreeSet<u64> {
    (0..shards).collect()
}

async fn empty_store() -> Store {
    let store = Store::new().await;
    forget(&store).await;
    store
}

#[tokio::test]
async fn all_shards_of_an_empty_table_are_used_at_once_and_the_table_remembers_them() {
    let store = empty_store().await;
    let function = started(&store.client, 4, NOW).await;
    assert_eq!(shards_of_submissions(&store, &function, NOW).await, all(4));
    let expected = json!({ "feedbackId": "meta#timeline", "shards": 4, "shardsBefore": 4, "raisedAt": NOW });
    assert_eq!(item(&store).await, expected);
}

#[tokio::test]
async fn new_shards_are_written_to_two_minutes_after_they_were_announced() {
    let store = Store::with_shards(4).await;
    let function = started(&store.client, 8, NOW).await;
    let expected = json!({ "feedbackId": "meta#timeline", "shards": 8, "shardsBefore": 4, "raisedAt": NOW });
    assert_eq!(item(&store).await, expected);
    let early = NOW + 2 * MINUTE - 1;
    assert_eq!(shards_of_submissions(&store, &function, early).await, all(4));
    assert_eq!(shards_of_submissions(&store, &function, early + 1).await, all(8));
}

#[tokio::test]
async fn a_raise_that_follows_another_within_two_minutes_does_not_shorten_its_wait() {
    let store = Store::with_shards(2).await;
    started(&store.client, 4, NOW).await;
    let function = started(&store.client, 8, NOW + MINUTE).await;
    let late_for_the_first = NOW + 2 * MINUTE + SECOND;
    assert_eq!(
        shards_of_submissions(&store, &function, late_for_the_first).await,
        all(2)
    );
    let late_for_both = NOW + 3 * MINUTE;
    assert_eq!(
        shards_of_submissions(&store, &function, late_for_both).await,
        all(8)
    );
}

#[tokio::test]
async fn a_smaller_number_takes_nothing_away() {
    let store = Store::with_shards(4).await;
    shards_of_submissions(&store, &store.repository, NOW).await;
    let before = item(&store).await;
    let function = started(&store.client, 1, NOW).await;
    assert_eq!(listed(&function, NOW).await, 100);
    assert_eq!(shards_of_submissions(&store, &function, NOW).await, all(4));
    assert_eq!(item(&store).await, before);
}

#[tokio::test]
async fn a_function_that_is_told_one_shard_uses_all_after_its_first_submission() {
    let store = Store::with_shards(4).await;
    let function = started(&store.client, 1, NOW).await;
    submit(&function, NOW).await;
    assert_eq!(store.items().await[0]["timelineShard"], 0);
    let spread = async { while shards_of_submissions(&store, &function, NOW).await == all(1) {} };
    timeout(PATIENCE, spread).await.expect("it looks");
    assert_eq!(shards_of_submissions(&store, &function, NOW).await, all(4));
}

#[tokio::test]
async fn a_function_that_is_told_one_shard_uses_all_after_its_first_page() {
    let store = Store::with_shards(4).await;
    shards_of_submissions(&store, &store.repository, NOW).await;
    let function = started(&store.client, 1, NOW).await;
    assert_eq!(listed(&function, NOW).await, 100);
    assert_eq!(shards_of_submissions(&store, &function, NOW).await, all(4));
}

#[tokio::test]
async fn a_function_of_one_shard_is_warm_whatever_the_endpoint_answers() {
    for (status, told, is_warm) in [(200, 1, true), (400, 1, true), (500, 1, true), (400, 2, false)] {
        let store = Store::new().await;
        let network = Network::to(&store.engine.endpoint()).await;
        network.fail_always(Some(Fault::Refuse(status, "AccessDeniedException")));
        let function = cold(&connect_without_account(&network.endpoint), told);
        assert_eq!(
            function.warm_up(at(NOW)).await.is_ok(),
            is_warm,
            "{status} for {told}"
        );
        network.fail_always(None);
        assert_eq!(shards_of_submissions(&store, &function, NOW).await, all(1));
    }
    let nobody = cold(&connect_without_account("http://127.0.0.1:1"), 1);
    assert!(nobody.warm_up(at(NOW)).await.unwrap_err().is_unavailable());
}

#[tokio::test]
async fn functions_that_start_at_the_same_time_agree_on_the_greatest_number() {
    let store = empty_store().await;
    let numbers = [3, 1, 8, 5, 2, 8, 4, 7];
    join_all(numbers.map(|shards| started(&store.client, shards, NOW))).await;
    started(&store.client, 8, NOW + MINUTE).await;
    assert_eq!(item(&store).await["shards"], 8);
}

#[tokio::test]
async fn a_table_of_a_version_that_did_not_remember_keeps_its_shards() {
    for (told, shards, before) in [(1, 4, 4), (4, 4, 4), (8, 8, 4)] {
        let store = Store::with_shards(4).await;
        shards_of_submissions(&store, &store.repository, NOW).await;
        forget(&store).await;
        let function = started(&store.client, told, NOW).await;
        assert_eq!(function.shards(at(NOW)).await.unwrap().get(), shards);
        let said = item(&store).await;
        assert_eq!(
            (&said["shards"], &said["shardsBefore"]),
            (&json!(shards), &json!(before))
        );
        assert_eq!(listed(&function, NOW).await, 100);
        assert_eq!(shards_of_submissions(&store, &function, NOW).await, all(4));
    }
}

#[tokio::test]
async fn a_reader_looks_again_after_a_minute_beside_its_queries_and_reads_new_shards_before_it_answers() {
    let store = Store::with_shards(2).await;
    let requests = Requests::default();
    let reader = started(&watched(&store.client, requests.clone()), 2, NOW).await;
    assert_eq!(requests.take(), ["GetItem", "an answer"]);
    // Another function has used more shards for long.
    let writer = on(&store.client, 4).await;
    shards_of_submissions(&store, &writer, NOW).await;

    listed(&reader, NOW + MINUTE - 1).await;
    let said = requests.take();
    assert!(!said.contains(&"GetItem".to_owned()), "{said:?}");

    assert_eq!(listed(&reader, NOW + MINUTE).await, 100);
    let said = requests.take();
    assert_eq!(said.iter().filter(|word| *word == "GetItem").count(), 1);
    let asked_before_any_answer: BTreeSet<&str> = said[..3].iter().map(String::as_str).collect();
    assert_eq!(
        asked_before_any_answer,
        BTreeSet::from(["GetItem", "Query"]),
        "{said:?}"
    );

    let page = PageRequest::new(Some(20), None, None, None, Order::NewestFirst, Filter::default()).unwrap();
    let pages = [at(NOW + 2 * MINUTE); 5].map(|now| reader.page(&page, now));
    join_all(pages).await;
    let said = requests.take();
    let looks = said.iter().filter(|word| *word == "GetItem").count();
    assert_eq!(looks, 1, "pages at the same time look once: {said:?}");
}

/// An endpoint that refuses to say how many shards there are, and counts the queries.
async fn reticent(store: &Store) -> (String, Arc<Mutex<u32>>) {
    let queries = Arc::new(Mutex::new(0));
    let counting = Arc::clone(&queries);
    let decide = move |operation: &str, input: Value| {
        if operation == "GetItem" {
            let kind = "com.amazonaws.dynamodb.v20120810#AccessDeniedException";
            return Fate::Answer(400, json!({ "__type": kind, "message": "no" }));
        }
        *counting.lock().unwrap() += u32::from(operation == "Query");
        Fate::PassAndMend(input, Box::new(|answer| answer))
    };
    let endpoint = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    (endpoint, queries)
}

#[tokio::test]
async fn who_cannot_ask_how_many_shards_there_are_reads_all_that_there_can_be_and_writes_to_the_first() {
    let store = Store::with_shards(8).await;
    shards_of_submissions(&store, &store.repository, NOW).await;
    let (endpoint, queries) = reticent(&store).await;
    let function = cold(&connect_without_account(&endpoint), 2);
    let error = function.warm_up(at(NOW)).await.unwrap_err();
    assert_eq!(error.to_string(), "DynamoDB answered AccessDeniedException: no");
    assert_eq!(shards_of_submissions(&store, &function, NOW).await, all(1));
    let page = PageRequest::new(Some(1), None, None, None, Order::NewestFirst, Filter::default()).unwrap();
    function.page(&page, at(NOW)).await.unwrap();
    assert!(*queries.lock().unwrap() >= MAX_TIMELINE_SHARDS);
    assert_eq!(listed(&function, NOW).await, 200);
}

#[tokio::test]
async fn a_malformed_item_hides_nothing() {
    for (name, value) in [
        ("shards", "65"),
        ("shards", "0"),
        ("shardsBefore", "9"),
        ("raisedAt", "-1"),
    ] {
        let store = Store::with_shards(8).await;
        shards_of_submissions(&store, &store.repository, NOW).await;
        let spoil = store.client.update_item().table_name(TABLE);
        let spoil = spoil
            .key("feedbackId", AttributeValue::S(table::SHARDS_ITEM.to_owned()))
            .update_expression("SET #name = :value")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", AttributeValue::N(value.to_owned()));
        spoil.send().await.unwrap();
        let function = cold(&store.client, 1);
        let error = function.shards(at(NOW)).await.unwrap_err();
        assert_eq!(error.to_string(), "the item meta#timeline is malformed", "{name}");
        assert_eq!(listed(&function, NOW).await, 100, "{name}");
    }
}

#[tokio::test]
async fn a_raise_that_is_refused_leaves_everything_as_it_was_until_the_next_look() {
    let store = Store::with_shards(2).await;
    let refused = Arc::new(Mutex::new(true));
    let refusing = Arc::clone(&refused);
    let decide = move |operation: &str, input: Value| {
        if operation == "UpdateItem" && *refusing.lock().unwrap() {
            let kind = "com.amazonaws.dynamodb.v20120810#AccessDeniedException";
            return Fate::Answer(400, json!({ "__type": kind, "message": "no" }));
        }
        Fate::PassAndMend(input, Box::new(|answer| answer))
    };
    let endpoint = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    let function = started(&connect_without_account(&endpoint), 4, NOW).await;
    let later = NOW + 10 * MINUTE;
    assert_eq!(shards_of_submissions(&store, &function, later).await, all(2));
    *refused.lock().unwrap() = false;
    assert_eq!(listed(&function, later).await, 100);
    assert_eq!(item(&store).await["shards"], 4);
}

#[tokio::test]
async fn the_item_is_nobodys_feedback() {
    let server = Server::start().await;
    assert_ne!(item(&server.store).await, Value::Null);
    let data = server.data("{ feedbacks { nodes { id } } }", json!({})).await;
    assert_eq!(data["feedbacks"]["nodes"], json!([]));
    for field in [
        "query { feedback(id: \"meta#timeline\") { id } }",
        "query { node(id: \"meta#timeline\") { id } }",
        "query { nodes(ids: [\"meta#timeline\"]) { id } }",
        "mutation { deleteFeedback(id: \"meta#timeline\") { deletedFeedbackId } }",
    ] {
        let error = server.error(field, json!({})).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{field}");
    }
    assert_ne!(item(&server.store).await, Value::Null);
}

#[tokio::test]
async fn who_stays_a_minute_behind_misses_nothing_though_clocks_differ_at_the_raise() {
    let store = Store::with_shards(1).await;
    let reader = cold(&store.client, 1);
    reader.shards(at(NOW - 1)).await.unwrap();
    // The writer's clock is half a second behind: its feedback is from before the reader's look.
    let behind = NOW - 500;
    let writer = started(&store.client, 64, behind).await;
    for n in 0..20 {
        submit(&writer, behind + n).await;
    }
    let now = NOW - 1 + MINUTE - 1;
    let read = read_on(&reader, None, (None, Some(now - MINUTE)), now).await;
    assert_eq!(read.len(), 20);
}

/// A function in the simulation.
struct Function {
    repository: FeedbackRepository,
    is_new: bool,
    /// What its clock shows, in milliseconds from the true time plus 250.
    clock: u64,
    thaws_at: u64,
}

impl Function {
    fn now(&self, time: u64) -> u64 {
        time + self.clock - 250
    }
}

/// Ten functions of two versions, frozen and thawed at random, and whom they serve.
struct Simulation {
    store: Store,
    old_shards: u32,
    rng: Rng,
    time: u64,
    functions: Vec<Function>,
    submitted: Vec<Feedback>,
    consumed: Vec<Feedback>,
}

const OLD_SHARDS: [u32; 2] = [1, 2];
const NEW_SHARDS: u32 = 8;
/// When the gradual deployment of the new version begins and ends, and when it is rolled back.
const DEPLOYED: (u64, u64) = (NOW + 3 * MINUTE, NOW + 7 * MINUTE);
const ROLLED_BACK: u64 = NOW + 11 * MINUTE;
const END: u64 = NOW + 16 * MINUTE;

impl Simulation {
    async fn new(old_shards: u32, seed: u64) -> Self {
        Self {
            store: Store::with_shards(old_shards).await,
            old_shards,
            rng: Rng::with_seed(seed),
            time: NOW,
            functions: Vec::new(),
            submitted: Vec::new(),
            consumed: Vec::new(),
        }
    }

    /// A function that takes the next request: of which version, and whether it is awake, new or thawed, is chance.
    async fn function(&mut self) -> usize {
        let (begin, end) = DEPLOYED;
        let share = if self.time < begin || self.time >= ROLLED_BACK {
            0
        } else if self.time < end {
            3
        } else {
            10
        };
        let is_new = self.rng.u8(0..10) < share;
        let of_version = |index: &usize| self.functions[*index].is_new == is_new;
        let all: Vec<usize> = (0..self.functions.len()).filter(of_version).collect();
        let is_awake = |index: &usize| self.functions[*index].thaws_at <= self.time;
        let awake: Vec<usize> = all.iter().copied().filter(is_awake).collect();
        if all.len() < 5 && (awake.is_empty() || self.rng.u8(0..10) == 0) {
            let clock = self.rng.u64(0..=500);
            let shards = if is_new { NEW_SHARDS } else { self.old_shards };
            let now = self.time + clock - 250;
            self.functions.push(Function {
                repository: started(&self.store.client, shards, now).await,
                is_new,
                clock,
                thaws_at: self.time,
            });
            return self.functions.len() - 1;
        }
        // Where all are frozen, one is thawed for this request.
        let able = if awake.is_empty() { all } else { awake };
        let index = able[self.rng.usize(0..able.len())];
        if self.rng.u8(0..10) == 0 {
            self.functions[index].thaws_at = self.time + self.rng.u64(0..8 * MINUTE);
        }
        index
    }

    async fn submit(&mut self) {
        let index = self.function().await;
        let function = &self.functions[index];
        let feedback = submit(&function.repository, function.now(self.time)).await;
        self.submitted.push(feedback);
    }

    /// The consumer, whose clock is right, reads on, up to a minute before the present.
    async fn consume(&mut self) {
        let index = self.function().await;
        let function = &self.functions[index];
        let after = self.consumed.last().map(Feedback::position);
        let (until, now) = ((None, Some(self.time - MINUTE)), function.now(self.time));
        let read = read_on(&function.repository, after, until, now).await;
        self.consumed.extend(read);
    }

    /// Somebody reads what the last three minutes have brought, up to the present.
    async fn browse(&mut self) {
        let index = self.function().await;
        let function = &self.functions[index];
        let from = self.time - 3 * MINUTE;
        let found = read_on(
            &function.repository,
            None,
            (Some(from), None),
            function.now(self.time),
        )
        .await;
        let submitted = self.submitted.iter();
        let expected = submitted.filter(|feedback| feedback.submitted_at >= at(from));
        let (found, expected) = (ids(&found), ids(expected));
        assert_eq!(found, expected, "a listing is complete at any time");
    }

    async fn run(&mut self) {
        while self.time < END {
            // Looks closely at the minutes after the raise.
            let is_raised_now = (DEPLOYED.0..DEPLOYED.0 + 2 * MINUTE).contains(&self.time);
            let step = if is_raised_now { SECOND } else { 8 * SECOND };
            self.time += self.rng.u64(0..step);
            match self.rng.u8(0..20) {
                0..5 => self.browse().await,
                5..9 => self.consume().await,
                _ => self.submit().await,
            }
        }
        self.time += 2 * MINUTE;
        self.consume().await;
    }
}

#[tokio::test]
async fn a_deployment_that_raises_the_shards_and_its_rollback_lose_nothing() {
    for old_shards in OLD_SHARDS {
        let seed = fastrand::u64(..);
        println!("{old_shards} shards, seed {seed}");
        let mut simulation = Simulation::new(old_shards, seed).await;
        simulation.run().await;
        assert_eq!(
            ids(&simulation.consumed),
            ids(&simulation.submitted),
            "each comes once"
        );
        let items = simulation.store.items().await;
        let shards: BTreeSet<u64> = items
            .iter()
            .filter_map(|item| item["timelineShard"].as_u64())
            .collect();
        assert_eq!(shards, all(NEW_SHARDS.into()), "the new shards were used");
    }
}
