//! Paging through the timeline: Relay's cursor connection specification, in both directions and orders, over
//! any number of shards.

use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::domain::{
    Content, EmailAddress, Feedback, FeedbackId, Rating, Status, Timestamp, Topic, TriageChange,
};
use feedback_graphql::repository::{FeedbackRepository, Index, Indexes, connect_without_account};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::proxy::{self, Fate};
use crate::support::{NOW, Server, Store, content, counted, on, stored};

const PAGE: &str = "query(
    $first: Int, $after: String, $last: Int, $before: String, $order: FeedbackOrder, $filter: FeedbackFilter
) {
    feedbacks(first: $first, after: $after, last: $last, before: $before, order: $order, filter: $filter) {
        edges { cursor node { id message } }
        nodes { id }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}";

/// A page as a client sees it.
#[derive(Debug)]
struct Page {
    messages: Vec<String>,
    cursors: Vec<String>,
    has_next: bool,
    has_previous: bool,
    start: Option<String>,
    end: Option<String>,
}

impl Page {
    fn of(data: &Value) -> Self {
        let connection = &data["feedbacks"];
        let edges = connection["edges"]
            .as_array()
            .unwrap_or_else(|| panic!("no page: {data}"));
        let ids: Vec<&Value> = edges.iter().map(|edge| &edge["node"]["id"]).collect();
        let nodes = connection["nodes"].as_array().unwrap();
        assert_eq!(ids, nodes.iter().map(|node| &node["id"]).collect::<Vec<_>>());
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let info = &connection["pageInfo"];
        Self {
            messages: edges
                .iter()
                .filter_map(|edge| text(&edge["node"]["message"]))
                .collect(),
            cursors: edges.iter().filter_map(|edge| text(&edge["cursor"])).collect(),
            has_next: info["hasNextPage"].as_bool().unwrap(),
            has_previous: info["hasPreviousPage"].as_bool().unwrap(),
            start: text(&info["startCursor"]),
            end: text(&info["endCursor"]),
        }
    }
}

async fn page(repository: &FeedbackRepository, variables: Value) -> Page {
    let (answer, _) = counted(repository, PAGE, variables).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    Page::of(&answer["data"])
}

/// A listing, as a sorted list in memory has it.
struct Oracle {
    feedback: Vec<Feedback>,
    order: &'static str,
    filter: OracleFilter,
}

#[derive(Debug, Clone, Default)]
struct OracleFilter {
    from: Option<u64>,
    to: Option<u64>,
    topic: Option<&'static str>,
    min: Option<u8>,
    max: Option<u8>,
    statuses: Vec<Status>,
    tag: Option<&'static str>,
    person: Option<&'static str>,
}

impl OracleFilter {
    fn holds(&self, feedback: &Feedback) -> bool {
        let Content { topic, rating, .. } = &feedback.content;
        let topic = topic.as_ref().map(Topic::as_str);
        let time = feedback.submitted_at.as_millis();
        let rated = |bound: Option<u8>, holds: fn(u8, u8) -> bool| {
            bound.is_none_or(|bound| rating.is_some_and(|rating| holds(rating.get(), bound)))
        };
        self.from.is_none_or(|from| time >= from)
            && self.to.is_none_or(|to| time < to)
            && self.topic.is_none_or(|wanted| topic == Some(wanted))
            && rated(self.min, |rating, min| rating >= min)
            && rated(self.max, |rating, max| rating <= max)
            && self.holds_triage(feedback)
            && self.person.is_none_or(|wanted| {
                let email = feedback.content.email.as_ref();
                email.is_some_and(|email| email.as_str().eq_ignore_ascii_case(wanted))
            })
    }

    fn holds_triage(&self, feedback: &Feedback) -> bool {
        let Some(triage) = &feedback.triage else {
            return self.statuses.is_empty() && self.tag.is_none();
        };
        let has_tag = |wanted| triage.tags.iter().any(|tag| tag.as_str() == wanted);
        (self.statuses.is_empty() || self.statuses.contains(&triage.status)) && self.tag.is_none_or(has_tag)
    }

    fn input(&self) -> Value {
        let time = |millis: u64| {
            let millis = Timestamp::from_millis(millis).unwrap();
            json!(millis.to_string())
        };
        let statuses: Vec<&str> = self.statuses.iter().map(|status| status.as_str()).collect();
        let fields = [
            ("submittedFrom", self.from.map(time)),
            ("submittedTo", self.to.map(time)),
            ("topic", self.topic.map(Value::from)),
            ("minRating", self.min.map(Value::from)),
            ("maxRating", self.max.map(Value::from)),
            ("status", (!statuses.is_empty()).then(|| json!(statuses))),
            ("tag", self.tag.map(Value::from)),
            ("email", self.person.map(Value::from)),
        ];
        let given = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

impl Oracle {
    fn listing(&self) -> Vec<String> {
        let mut held: Vec<&Feedback> = self
            .feedback
            .iter()
            .filter(|one| self.filter.holds(one))
            .collect();
        held.sort_by_key(|feedback| feedback.position());
        if self.order == "NEWEST_FIRST" {
            held.reverse();
        }
        held.into_iter()
            .map(|feedback| feedback.content.message.clone().into())
            .collect()
    }

    fn variables(&self, arguments: Value) -> Value {
        let mut variables = json!({ "order": self.order, "filter": self.filter.input() });
        let Value::Object(arguments) = arguments else {
            unreachable!()
        };
        variables.as_object_mut().unwrap().extend(arguments);
        variables
    }
}

/// Pages through with `first` and `after`, and back again with `last` and `before`; each page has to say
/// exactly what the oracle does. Each is read by the next of the repositories: whatever indexes they have, a cursor of
/// one is good for the other.
async fn follow(readers: &[FeedbackRepository], oracle: &Oracle, size: usize) {
    let mut readers = readers.iter().cycle();
    let mut page = |variables| page(readers.next().unwrap(), variables);
    let listing = oracle.listing();
    let mut cursors: Vec<String> = Vec::new();
    loop {
        let begin = cursors.len();
        let arguments = json!({ "first": size, "after": cursors.last() });
        let page = page(oracle.variables(arguments)).await;
        let end = (begin + size).min(listing.len());
        assert_eq!(page.messages, listing[begin..end]);
        assert_eq!(page.has_next, end < listing.len());
        assert_eq!(page.has_previous, begin > 0);
        assert_eq!(page.start.as_ref(), page.cursors.first());
        assert_eq!(page.end.as_ref(), page.cursors.last());
        cursors.extend(page.cursors);
        if !page.has_next {
            break;
        }
    }
    assert_eq!(cursors.len(), listing.len());
    assert_eq!(cursors.iter().collect::<BTreeSet<_>>().len(), cursors.len());

    let mut end = listing.len();
    loop {
        let before = cursors.get(end);
        let page = page(oracle.variables(json!({ "last": size, "before": before }))).await;
        let begin = end.saturating_sub(size);
        assert_eq!(page.messages, listing[begin..end]);
        assert_eq!(page.cursors, cursors[begin..end]);
        assert_eq!(page.has_previous, begin > 0);
        assert_eq!(page.has_next, before.is_some());
        end = begin;
        if !page.has_previous {
            break;
        }
    }
    assert_eq!(end, 0);
}

/// A stretch between two cursors, from either end.
async fn cut(reader: &FeedbackRepository, oracle: &Oracle, size: usize, one: usize, other: usize) {
    let listing = oracle.listing();
    let all = page(reader, oracle.variables(json!({ "first": 100 }))).await;
    if all.cursors.is_empty() {
        return;
    }
    let (one, other) = (one % listing.len(), other % listing.len());
    let (after, before) = (&all.cursors[one], &all.cursors[other]);
    let inside = listing.get(one + 1..other).unwrap_or_default();

    let first = page(
        reader,
        oracle.variables(json!({ "first": size, "after": after, "before": before })),
    )
    .await;
    assert_eq!(first.messages, inside[..size.min(inside.len())]);
    assert_eq!(first.has_next, inside.len() > size);
    assert!(
        first.has_previous,
        "the item of the cursor itself precedes the page"
    );

    let last = page(
        reader,
        oracle.variables(json!({ "last": size, "after": after, "before": before })),
    )
    .await;
    assert_eq!(last.messages, inside[inside.len().saturating_sub(size)..]);
    assert_eq!(last.has_previous, inside.len() > size);
    assert!(last.has_next, "the item of the cursor itself follows the page");
}

#[derive(Debug, Clone)]
struct Piece {
    millis: u64,
    topic: Option<&'static str>,
    rating: Option<u8>,
    email: Option<&'static str>,
    status: Option<Status>,
    tag: Option<&'static str>,
}

#[derive(Debug, Clone)]
struct Case {
    shards: u32,
    raised_to: u32,
    feedback: Vec<Piece>,
    /// The indexes that are read, one set after the other.
    indexes: Vec<Indexes>,
    newest_first: bool,
    filter: OracleFilter,
    size: usize,
    cut: (usize, usize),
}

fn any_case() -> impl Strategy<Value = Case> {
    let topic = prop::option::of(prop::sample::select(vec!["search", "checkout"]));
    let rating = prop::option::of(1..=5_u8);
    // Few different times, so that there are ties.
    let email = prop::option::of(prop::sample::select(vec![
        "sam@example.org",
        "Sam@Example.org",
        "jo@example.org",
    ]));
    let status = prop::sample::select(Status::ALL);
    let tag = prop::option::of(prop::sample::select(vec!["urgent", "idea"]));
    let piece = (
        0..12_u64,
        topic.clone(),
        rating.clone(),
        email.clone(),
        prop::option::of(status.clone()),
        tag.clone(),
    );
    let piece = piece.prop_map(|(millis, topic, rating, email, status, tag)| Piece {
        millis,
        topic,
        rating,
        email,
        status,
        tag,
    });
    let feedback = prop::collection::vec(piece, 0..60);
    let indexes = prop::collection::vec(prop::sample::subsequence(Index::ALL.to_vec(), 0..=5), 1..4);
    let indexes = indexes.prop_map(|sets| sets.into_iter().map(Indexes::from_iter).collect());
    let bounds = (prop::option::of(0..13_u64), prop::option::of(0..13_u64));
    let filter = (
        bounds,
        prop::option::weighted(0.3, topic),
        prop::option::weighted(0.3, rating),
        prop::option::weighted(0.4, prop::collection::vec(status, 1..4)),
        prop::option::weighted(0.2, tag),
        prop::option::weighted(0.2, email),
    );
    let filter = filter.prop_map(|((from, to), topic, rating, statuses, tag, email)| {
        let swapped = from.zip(to).is_some_and(|(from, to)| from > to);
        let (from, to) = if swapped { (to, from) } else { (from, to) };
        let rating = rating.flatten();
        OracleFilter {
            from: from.map(|millis| NOW + millis),
            to: to.map(|millis| NOW + millis),
            topic: topic.flatten(),
            min: rating.filter(|rating| rating % 2 == 0),
            max: rating.filter(|rating| rating % 2 == 1),
            statuses: statuses.unwrap_or_default(),
            tag: tag.flatten(),
            person: email.flatten(),
        }
    });
    let size = prop_oneof![1..8_usize, 8..=100_usize];
    (
        1..=16_u32,
        0..=8_u32,
        feedback,
        indexes,
        any::<bool>(),
        filter,
        size,
        any::<(u16, u16)>(),
    )
        .prop_map(
            |(shards, more, feedback, indexes, newest_first, filter, size, (one, other))| Case {
                shards,
                raised_to: (shards + more).min(16),
                feedback,
                indexes,
                newest_first,
                filter,
                size,
                cut: (one.into(), other.into()),
            },
        )
}

impl Piece {
    /// Submits it, and triages it if it has anything but what it starts with.
    async fn store(self, store: &Store, index: usize) -> Feedback {
        let content = Content {
            topic: self.topic.map(|topic| Topic::parse(topic).unwrap()),
            rating: self.rating.map(|rating| Rating::parse(rating.into()).unwrap()),
            email: self.email.map(|email| EmailAddress::parse(email).unwrap()),
            ..content(&format!("#{index}"))
        };
        let submitted = store.submit_content(content, NOW + self.millis).await;
        let status = self.status.filter(|status| *status != Status::Open);
        let tags: Vec<String> = self.tag.into_iter().map(str::to_owned).collect();
        match TriageChange::new(None, status, &tags, &[], None) {
            Ok(change) => store.triage(submitted.id, &change).await,
            Err(_) => submitted,
        }
    }
}

async fn check(case: Case) {
    let mut store = Store::with_shards(case.shards).await;
    let mut feedback = Vec::new();
    let half = case.feedback.len() / 2;
    for (index, piece) in case.feedback.into_iter().enumerate() {
        if index == half {
            store.repository = on(&store.client, case.raised_to).await;
        }
        feedback.push(piece.store(&store, index).await);
    }
    store.repository = on(&store.client, case.raised_to).await;
    let order = if case.newest_first {
        "NEWEST_FIRST"
    } else {
        "OLDEST_FIRST"
    };
    let oracle = Oracle {
        feedback,
        order,
        filter: case.filter,
    };
    let readers = case.indexes.into_iter();
    let readers: Vec<_> = readers
        .map(|indexes| store.repository.clone().with_indexes(indexes))
        .collect();
    follow(&readers, &oracle, case.size).await;
    cut(&readers[0], &oracle, case.size, case.cut.0, case.cut.1).await;
    store.engine.stop().await;
}

#[test]
fn paging_through_equals_the_sorted_list() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 64,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let checked = runner.run(&any_case(), |case| {
        // Each assertion that fails is a panic, which the runner takes for a failed case.
        runtime.block_on(check(case));
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

#[tokio::test]
async fn every_item_of_a_thousand_comes_once_at_1_and_8_shards() {
    for shards in [1, 8] {
        let store = Store::with_shards(shards).await;
        let mut feedback = Vec::new();
        for n in 0..1_000_u64 {
            feedback.push(store.submit(&n.to_string(), NOW + n / 3).await);
        }
        for order in ["NEWEST_FIRST", "OLDEST_FIRST"] {
            let oracle = Oracle {
                feedback: feedback.clone(),
                order,
                filter: OracleFilter::default(),
            };
            follow(std::slice::from_ref(&store.repository), &oracle, 100).await;
        }
    }
}

#[tokio::test]
async fn a_page_takes_one_query_a_shard_as_long_as_none_runs_dry() {
    let query = "query($after: String) { feedbacks(first: 20, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }";
    let store = Store::new().await;
    for n in 0..100 {
        store.submit("x", NOW + n).await;
    }
    let mut after = Value::Null;
    for _ in 0..5 {
        let (answer, made) = store.counted(query, json!({ "after": after })).await;
        assert_eq!(made, 1, "a page of one shard");
        after = answer["data"]["feedbacks"]["pageInfo"]["endCursor"].clone();
    }
    for shards in [2, 8, 16] {
        let store = Store::with_shards(shards).await;
        for n in 0..100 {
            store.submit("x", NOW + n).await;
        }
        let (_, made) = store.counted(query, json!({})).await;
        assert!(
            (shards..=2 * shards).contains(&made),
            "{made} queries at {shards} shards"
        );
    }
}

/// A page, and what each `Query` for it asks a shard for, at most, in the order of the requests.
async fn watched(store: &Store, shards: u32, variables: Value) -> (Page, Vec<u64>) {
    let (limits, seen) = mpsc::channel();
    let decide = move |operation: &str, input: Value| {
        if operation == "Query" {
            limits.send(input["Limit"].as_u64().unwrap()).unwrap();
        }
        Fate::PassAndMend(input, Box::new(|answer| answer))
    };
    let proxy = proxy::start(store.engine.endpoint(), Arc::new(decide)).await;
    let repository = on(&connect_without_account(&proxy), shards).await;
    let (answer, _) = counted(&repository, PAGE, variables).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    (Page::of(&answer["data"]), seen.try_iter().collect())
}

/// What is asked for a full page of so many.
async fn limits(store: &Store, shards: u32, first: usize, filter: Value) -> Vec<u64> {
    let (page, limits) = watched(store, shards, json!({ "first": first, "filter": filter })).await;
    assert_eq!(page.messages.len(), first);
    limits
}

#[tokio::test]
async fn no_more_is_read_than_a_page_may_need() {
    // One more than the page holds tells whether there is more.
    let mut store = Store::new().await;
    for n in 0..8 {
        store.submit("x", NOW - 60_000 + n).await;
    }
    assert_eq!(limits(&store, 1, 4, json!({})).await, [5]);
    // Three of the first five have not expired, so that two more and one are to be expected among the next five.
    store.repository = store.repository.retaining_for(Some(Duration::from_secs(1)));
    for n in 0..2 {
        store.submit("expired", NOW - 30_000 + n).await;
    }
    assert_eq!(limits(&store, 1, 4, json!({})).await, [5, 6]);
    // Of several shards each is asked for its fair share and one more.
    let store = Store::with_shards(4).await;
    for n in 0..100 {
        store.submit("x", NOW + n).await;
    }
    assert_eq!(limits(&store, 4, 20, json!({})).await[..4], [7, 7, 7, 7]);
}

#[tokio::test]
async fn how_much_is_read_for_a_filter_follows_from_what_was_found() {
    for (shards, expected) in [(1, vec![20, 21]), (2, vec![10, 10, 11, 11])] {
        let store = Store::with_shards(shards).await;
        for n in 0..60_u32 {
            let content = Content {
                rating: (n % 5 == 2 && n != 17).then(|| Rating::parse(1).unwrap()),
                ..content("x")
            };
            // The newest first, and in one shard and the other by turns.
            let at = Timestamp::from_millis(NOW - u64::from(n)).unwrap();
            let id = FeedbackId::parse(&format!("7b0f3f5e-9d4c-4a39-8c57-0000000000{n:02}")).unwrap();
            stored(store.repository.submit(content.into(), id, at).await.unwrap());
        }
        // Five are wanted, to know whether there is more than four. Of the first 20 that are examined three are
        // wanted, so that the two that are missing and one more are to be expected among the next 20.
        // Of more ratings than two, the timeline is read.
        let filter = json!({ "maxRating": 3 });
        assert_eq!(
            limits(&store, shards, 4, filter).await,
            expected,
            "{shards} shards"
        );
    }
}

/// Feedback of one shard: 2,500 pieces that have expired, and 30 later ones that have not.
async fn mostly_expired() -> Store {
    let store = Store::new().await;
    let retaining = store
        .repository
        .clone()
        .retaining_for(Some(Duration::from_secs(1)));
    for n in 0..2_500 {
        let at = Timestamp::from_millis(NOW - 100_000 + n).unwrap();
        let new = content("expired").into();
        stored(retaining.submit(new, FeedbackId::new(at), at).await.unwrap());
    }
    for n in 0..30 {
        store.submit(&n.to_string(), NOW - 50_000 + n).await;
    }
    store
}

#[tokio::test]
async fn what_has_expired_is_passed_over_in_few_queries() {
    let store = mostly_expired().await;
    let oldest: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    let newest: Vec<String> = oldest.iter().rev().cloned().collect();

    let arguments = |first: usize, order, after: Option<&String>| {
        let (after, page) = (json!(after), json!(first));
        json!({ "first": page, "order": order, "after": after })
    };
    let (page, limits) = watched(&store, 1, arguments(29, "NEWEST_FIRST", None)).await;
    assert_eq!((&*page.messages, page.has_next), (&newest[..29], true));
    assert_eq!(limits, [30]);
    // Whether there is a 31st is looked for until 2,000 have been examined.
    let (page, limits) = watched(&store, 1, arguments(30, "NEWEST_FIRST", None)).await;
    assert_eq!((&page.messages, page.has_next), (&newest, true));
    assert_eq!(limits, [31, 3, 6, 12, 24, 48, 96, 192, 384, 768, 436]);
    // In the other direction it takes two pages to get past what has expired.
    let (page, limits) = watched(&store, 1, arguments(30, "OLDEST_FIRST", None)).await;
    assert_eq!((page.messages.len(), page.has_next), (0, true));
    assert_eq!(limits, [31, 62, 124, 248, 496, 992, 47]);
    let arguments = arguments(30, "OLDEST_FIRST", page.end.as_ref());
    let (page, limits) = watched(&store, 1, arguments).await;
    assert_eq!((&page.messages, page.has_next), (&oldest, false));
    // And back, from the cursor on, to see whether anything precedes the page.
    assert!(!page.has_previous);
    assert_eq!(
        limits,
        [31, 62, 124, 248, 496, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 977]
    );
}

#[tokio::test]
async fn what_is_malformed_is_passed_over_in_few_queries() {
    let store = Store::with_shards(4).await;
    for n in 0..400 {
        let id = store.submit("malformed", NOW + n).await.id;
        let spoil = store.client.update_item().table_name(crate::support::TABLE);
        spoil
            .key("feedbackId", AttributeValue::S(id.to_string()))
            .update_expression("REMOVE feedback")
            .send()
            .await
            .unwrap();
    }
    for n in 0..4 {
        store.submit(&n.to_string(), NOW + 1_000 + n).await;
    }
    let arguments = json!({ "first": 4, "order": "OLDEST_FIRST" });
    let (page, limits) = watched(&store, 4, arguments).await;
    assert_eq!(page.messages, ["0", "1", "2", "3"]);
    // A shard has 100 or so: 3, 6, 12, 24, 48 and the rest.
    assert!(limits.len() <= 4 * 6 + 2, "{limits:?}");
}

#[tokio::test]
async fn what_precedes_a_page_is_looked_for_only_when_asked() {
    let store = Store::new().await;
    for n in 0..10 {
        store.submit("x", NOW + n).await;
    }
    let all = page(&store.repository, json!({ "first": 10 })).await;
    let asking = "query($after: String) { feedbacks(first: 2, after: $after) { pageInfo { hasPreviousPage hasNextPage } } }";
    let (answer, made) = store.counted(asking, json!({ "after": all.cursors[4] })).await;
    assert_eq!(
        answer["data"]["feedbacks"]["pageInfo"],
        json!({ "hasPreviousPage": true, "hasNextPage": true })
    );
    assert_eq!(made, 2);
    let silent = asking.replace("hasPreviousPage ", "");
    let (_, made) = store.counted(&silent, json!({ "after": all.cursors[4] })).await;
    assert_eq!(made, 1);
    let (answer, made) = store.counted(asking, json!({})).await;
    assert_eq!(answer["data"]["feedbacks"]["pageInfo"]["hasPreviousPage"], false);
    assert_eq!(made, 1, "without a cursor nothing can precede");
}

#[tokio::test]
async fn a_cursor_outlives_its_item_and_a_raise_of_the_shards() {
    let mut store = Store::with_shards(2).await;
    let mut feedback = Vec::new();
    for n in 0..10 {
        feedback.push(store.submit(&n.to_string(), NOW + n).await);
    }
    let first = page(&store.repository, json!({ "first": 5 })).await;
    assert_eq!(first.messages, ["9", "8", "7", "6", "5"]);
    let key = std::collections::HashMap::from([(
        "feedbackId".to_owned(),
        AttributeValue::S(feedback[5].id.to_string()),
    )]);
    let delete = store
        .client
        .delete_item()
        .table_name(crate::support::TABLE)
        .set_key(Some(key));
    delete.send().await.unwrap();
    store.repository = on(&store.client, 7).await;
    store.submit("new", NOW + 100).await;
    let second = page(&store.repository, json!({ "first": 5, "after": first.end })).await;
    assert_eq!(second.messages, ["4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn what_is_there_throughout_comes_once_while_other_feedback_comes_and_goes() {
    for order in ["NEWEST_FIRST", "OLDEST_FIRST"] {
        let mut store = Store::with_shards(2).await;
        let mut deleted = Vec::new();
        for n in 0..90_u64 {
            let feedback = store.submit(&format!("old {n}"), NOW + n / 2).await;
            if n % 3 == 0 {
                deleted.push(feedback.id);
            }
        }
        let (mut after, mut seen) = (None, Vec::new());
        for turn in 0_u64.. {
            let page = page(
                &store.repository,
                json!({ "first": 7, "after": after, "order": order }),
            )
            .await;
            seen.extend(page.messages);
            if !page.has_next {
                break;
            }
            after = page.end;
            // New feedback at both ends and in between, and other feedback gone, on a growing number of shards.
            store.repository = on(&store.client, u32::try_from(2 + turn.min(10)).unwrap()).await;
            for at in [NOW - 1 - turn, NOW + 3 * turn, NOW + 1_000 + turn] {
                store.submit("new", at).await;
            }
            if let Some(id) = deleted.pop() {
                store.repository.delete(id, Timestamp::MAX).await.unwrap();
            }
            assert!(turn < 100, "the end is never reached");
        }
        let mut throughout: Vec<String> = (0..90)
            .filter(|n| n % 3 != 0)
            .map(|n| format!("old {n}"))
            .collect();
        seen.retain(|message| throughout.contains(message));
        seen.sort();
        throughout.sort();
        assert_eq!(seen, throughout, "{order}");
    }
}

/// Two functions submit in turn, and the clock of one is 2.5 s behind. An exporter follows, who reads up to `lag`
/// milliseconds before the present; in the end it has read everything that it ever will.
async fn export_staying_behind_by(lag: u64) -> (Vec<String>, Vec<String>) {
    let store = Store::with_shards(2).await;
    let (mut submitted, mut exported, mut after) = (Vec::new(), Vec::new(), None);
    for second in 0_u64..20 {
        let now = NOW + second * 1_000;
        for clock in [now, now - 2_500] {
            store.submit(&clock.to_string(), clock).await;
            submitted.push(clock.to_string());
        }
        // In the end the exporter waits until nothing can come that is older than what it reads.
        let until = if second == 19 { now + 1 } else { now - lag };
        let until = Timestamp::from_millis(until).unwrap().to_string();
        loop {
            let filter = json!({ "submittedTo": until });
            let arguments = json!({ "first": 5, "after": after, "order": "OLDEST_FIRST", "filter": filter });
            let page = page(&store.repository, arguments).await;
            exported.extend(page.messages);
            after = page.end.or(after);
            if !page.has_next {
                break;
            }
        }
    }
    submitted.sort();
    (submitted, exported)
}

#[tokio::test]
async fn feedback_is_in_the_order_of_the_functions_clocks_and_who_stays_behind_them_misses_none() {
    let (submitted, exported) = export_staying_behind_by(3_000).await;
    assert_eq!(exported, submitted);
    let (submitted, exported) = export_staying_behind_by(0).await;
    assert!(
        exported.len() < submitted.len(),
        "who does not stay behind would miss some"
    );
}

#[tokio::test]
async fn a_selective_filter_fills_its_pages_and_stops_only_at_the_read_budget() {
    let store = Store::with_shards(4).await.without_indexes();
    for n in 0..2_600_u64 {
        let content = Content {
            topic: (n % 1_300 == 0).then(|| Topic::parse("rare").unwrap()),
            ..content(&n.to_string())
        };
        store.submit_content(content, NOW + n).await;
    }
    let filter = json!({ "topic": "rare" });
    let one = page(&store.repository, json!({ "first": 1, "filter": filter })).await;
    assert_eq!(one.messages, ["1300"]);
    assert!(one.has_next);

    let first = page(&store.repository, json!({ "first": 5, "filter": filter })).await;
    assert_eq!(
        first.messages,
        ["1300"],
        "the budget ends before the second match"
    );
    assert!(first.has_next);
    assert_ne!(
        first.end.as_ref(),
        first.cursors.last(),
        "the end is where the reading stopped"
    );
    let second = page(
        &store.repository,
        json!({ "first": 5, "filter": filter, "after": first.end }),
    )
    .await;
    assert_eq!(second.messages, ["0"]);
    assert!(!second.has_next);

    let backwards = page(&store.repository, json!({ "last": 5, "filter": filter })).await;
    assert_eq!(backwards.messages, ["1300", "0"]);
    assert!(backwards.has_previous);
    assert_ne!(backwards.start.as_ref(), backwards.cursors.first());
    let rest = page(
        &store.repository,
        json!({ "last": 5, "filter": filter, "before": backwards.start }),
    )
    .await;
    assert!(rest.messages.is_empty() && !rest.has_previous && rest.start.is_none());
}

#[tokio::test]
async fn without_first_and_last_a_page_has_the_first_20() {
    let store = Store::new().await;
    for n in 0..25 {
        store.submit(&n.to_string(), NOW + n).await;
    }
    let page = page(&store.repository, json!({})).await;
    assert_eq!(
        (page.messages.len(), page.messages[0].as_str(), page.has_next),
        (20, "24", true)
    );
}

#[tokio::test]
async fn arguments_that_make_no_sense_are_errors_that_say_so() {
    let server = Server::start().await;
    let cursor_of_another_kind = "eyJmb28iOiJiYXIifQ";
    let ours = "pass a `cursor`, `startCursor` or `endCursor` as it was received";
    for (arguments, message) in [
        (json!({ "first": 1, "last": 1 }), "`first` and `last` exclude each other: ask for one of them".to_owned()),
        (json!({ "first": 0 }), "`first` must be between 1 and 100, not 0".to_owned()),
        (json!({ "first": 101 }), "`first` must be between 1 and 100, not 101".to_owned()),
        (json!({ "last": -1 }), "`last` must be between 1 and 100, not -1".to_owned()),
        (
            json!({ "after": cursor_of_another_kind }),
            format!("`after` is not a cursor of this service: {ours}"),
        ),
        (json!({ "before": "" }), format!("`before` is not a cursor of this service: {ours}")),
        (json!({ "filter": { "minRating": 6 } }), "`minRating` must be between 1 and 5, not 6".to_owned()),
        (
            json!({ "filter": { "minRating": 4, "maxRating": 2 } }),
            "`minRating` must not be greater than `maxRating`".to_owned(),
        ),
        (
            json!({ "filter": { "submittedFrom": "2026-03-02T00:00:00Z", "submittedTo": "2026-03-01T00:00:00Z" } }),
            "`submittedFrom` must not be later than `submittedTo`".to_owned(),
        ),
        (
            json!({ "filter": { "topic": " " } }),
            "`topic` must have 1 to 64 characters besides white space at its ends".to_owned(),
        ),
        (
            json!({ "filter": { "submittedFrom": "yesterday" } }),
            "`$filter`: not an RFC 3339 date-time with a time zone, like 2026-03-01T09:30:00Z or 2026-03-01T10:30:00.250+01:00"
                .to_owned(),
        ),
    ] {
        let error = server.error(PAGE, arguments.clone()).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{arguments}");
        let said = error["message"].as_str().unwrap();
        assert!(said.starts_with(&message), "{arguments}: {said}");
    }
}
