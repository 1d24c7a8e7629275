//! The arguments of a listing, as the JSON of its variables.
//!
//! What is a cursor is decided here a second time, in another way, and so is what lies behind it and what a filter lets
//! through.
#![no_main]

use std::sync::LazyLock;

use feedback_fuzz::{SEEDS, execute, expand, with_open};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::{Value, json};

const LIST: &str = "query($first: Int, $last: Int, $after: String, $before: String, $order: FeedbackOrder,
        $filter: FeedbackFilter) {
    feedbacks(first: $first, last: $last, after: $after, before: $before, order: $order, filter: $filter) {
        edges { cursor node { id submittedAt rating topic email triage { status tags } } }
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
    }
}";

/// The places of everything in the table, the latest first, and what is there.
static ALL: LazyLock<Vec<(Vec<u8>, Value)>> = LazyLock::new(|| {
    let page = with_open(async |router| execute(&router, LIST, &json!({})).await);
    let edges = page["data"]["feedbacks"]["edges"].as_array().expect("edges");
    assert_eq!(edges.len(), SEEDS);
    let nodes = edges.iter().map(|edge| edge["node"].clone());
    places(&page).into_iter().zip(nodes).collect()
});

fuzz_target!(|text: &str| -> Corpus {
    let Ok(variables @ Value::Object(_)) = serde_json::from_str(&expand(text)) else {
        return Corpus::Reject;
    };
    LazyLock::force(&ALL);
    let answer = with_open(async |router| execute(&router, LIST, &variables).await);
    let cursor = |name: &str| variables[name].as_str().map(decode);
    let (after, before) = (cursor("after"), cursor("before"));
    let is_refused = answer["data"].is_null() || answer["data"]["feedbacks"].is_null();
    if after == Some(None) || before == Some(None) {
        assert!(is_refused, "what is no cursor was taken for one: {answer}");
    }
    if is_refused {
        assert!(answer["errors"].is_array(), "{answer}");
        let is_plain = ["first", "last", "order", "filter"]
            .iter()
            .all(|name| variables[*name].is_null())
            && ["after", "before"]
                .iter()
                .all(|name| variables[*name].is_null() || variables[*name].is_string());
        let are_cursors = after != Some(None) && before != Some(None);
        let is_too_large = answer["errors"][0]["extensions"]["code"] == "PAYLOAD_TOO_LARGE";
        assert!(
            !is_plain || !are_cursors || is_too_large,
            "a cursor was refused: {answer}"
        );
        return Corpus::Keep;
    }
    let found = places(&answer);
    let filter = &variables["filter"];
    let all = ALL
        .iter()
        .filter(|(_, node)| filter.is_null() || lets_through(filter, node));
    let mut expected: Vec<Vec<u8>> = all.map(|(place, _)| place.clone()).collect();
    let is_oldest_first = variables["order"] == "OLDEST_FIRST";
    if is_oldest_first {
        expected.reverse();
    }
    let is_behind =
        |place: &Vec<u8>, cursor: &Vec<u8>| place != cursor && (place > cursor) == is_oldest_first;
    if let Some(Some(after)) = &after {
        expected.retain(|place| is_behind(place, after));
    }
    if let Some(Some(before)) = &before {
        expected.retain(|place| is_behind(before, place));
    }
    // A period is not decided here.
    if filter["submittedFrom"].is_null() && filter["submittedTo"].is_null() {
        if let Some(first) = size(&variables["first"]) {
            expected.truncate(first);
        }
        if let Some(last) = size(&variables["last"]) {
            expected.drain(..expected.len().saturating_sub(last));
        }
        assert_eq!(found, expected, "{answer}");
    } else {
        assert!(found.iter().all(|place| expected.contains(place)), "{answer}");
    }
    Corpus::Keep
});

/// Whether a filter lets feedback through, its period aside.
fn lets_through(filter: &Value, node: &Value) -> bool {
    let text = |name: &str| {
        filter[name]
            .as_str()
            .map(|text| text.trim().replace("\r\n", "\n").replace('\r', "\n"))
    };
    let is_lower =
        |value: &Value, text: &str| value.as_str().is_some_and(|value| value.to_lowercase() == text);
    let (status, tags) = (
        &node["triage"]["status"],
        node["triage"]["tags"].as_array().expect("tags"),
    );
    let (min, max) = (filter["minRating"].as_f64(), filter["maxRating"].as_f64());
    let rating = node["rating"].as_f64();
    // A single status stands for a list of one.
    let statuses = filter["status"]
        .as_array()
        .map_or(std::slice::from_ref(&filter["status"]), Vec::as_slice);
    (filter["status"].is_null() || statuses.contains(status))
        && text("topic").is_none_or(|topic| node["topic"] == topic)
        && text("tag").is_none_or(|tag| tags.iter().any(|value| *value == tag))
        && text("email").is_none_or(|email| is_lower(&node["email"], &email.to_lowercase()))
        && min.is_none_or(|min| rating.is_some_and(|rating| rating >= min))
        && max.is_none_or(|max| rating.is_some_and(|rating| rating <= max))
}

/// The size of a page, however the number is written: 5.0 is 5.
fn size(number: &Value) -> Option<usize> {
    number.as_f64()?.to_string().parse().ok()
}

/// The places of a page's edges.
fn places(page: &Value) -> Vec<Vec<u8>> {
    let edges = page["data"]["feedbacks"]["edges"].as_array().expect("edges");
    edges
        .iter()
        .map(|edge| {
            decode(edge["cursor"].as_str().expect("a cursor")).expect("a cursor of the service's own")
        })
        .collect()
}

/// The place that a cursor stands for: milliseconds and id as bytes, whose order is that of places. `None` for
/// what is no cursor, or not the one way to write it.
fn decode(cursor: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = Vec::new();
    for byte in cursor.bytes() {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        bits.extend((0..6).rev().map(|bit| digit >> bit & 1 == 1));
    }
    if cursor.len() != 34 || bits[200..].contains(&true) {
        return None;
    }
    let bytes: Vec<u8> = bits[..200]
        .chunks(8)
        .map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit)))
        .collect();
    let (version, place) = bytes.split_first()?;
    let millis = place[..8]
        .iter()
        .fold(0, |millis, byte| millis << 8 | u64::from(*byte));
    (*version == 1 && millis <= 9_999_999_999_999).then(|| place.to_vec())
}
