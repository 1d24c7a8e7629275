//! Paging through the timeline: Relay's cursor connection specification, in both directions and orders, over
//! any number of shards.

mod oracle;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::domain::{Content, FeedbackId, Rating, Timestamp, Topic};
use feedback_graphql::repository::{FeedbackRepository, connect_without_account};
use serde_json::{Value, json};

use self::oracle::{Oracle, OracleFilter, follow};
use crate::support::proxy::{self, Fate};
use crate::support::{NOW, Server, Store, content, counted, on, stored};

/// A page of the listing, or of the quarantine.
const PAGE: &str = "query(
    $first: Int, $after: String, $last: Int, $before: String, $order: FeedbackOrder, $filter: FeedbackFilter
    $quarantined: Boolean = false
) {
    feedbacks(first: $first, after: $after, last: $last, before: $before, order: $order, filter: $filter)
        @skip(if: $quarantined) { ...Page }
    quarantinedFeedbacks(
        first: $first, after: $after, last: $last, before: $before, order: $order, filter: $filter
    ) @include(if: $quarantined) { ...Page }
}
fragment Page on FeedbackConnection {
    edges { cursor node { id message } }
    nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
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
        let connection = data.as_object().unwrap().values().next().unwrap();
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
                quarantined: false,
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
