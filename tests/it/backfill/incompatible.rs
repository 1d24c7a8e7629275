//! Items that cannot be backfilled.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

use super::{LONG_AGO, backfill, count_backfilled, handle, handle_many, is_backfilled, items, n, put, s};
use crate::support::Store;

#[tokio::test]
async fn incompatible_items_are_named_and_left_alone() {
    let store = Store::new().await;
    let client = &store.client;
    let good = handle(client, "", LONG_AGO).await;
    let id = |number: u32| format!("7b0f3f5e-9d4c-4a39-8c57-5b7f3a0d9c{number:02}");
    let (time, text) = (n(&LONG_AGO), s("text"));
    let whole = |id: &str| {
        [
            ("feedbackId", s(id)),
            ("feedback", text.clone()),
            ("timestamp", time.clone()),
        ]
    };
    let mut incompatible = Vec::new();
    let reason = "the id is not a UUID in lower case";
    for id in [
        "7B0F3F5E-9D4C-4A39-8C57-5B7F3A0D9C11",
        "7",
        "two\nlines\u{1b}[31m",
    ] {
        put(client, whole(id)).await;
        incompatible.push((id.to_owned(), reason));
    }
    let reason = "`timestamp` is not a whole number of seconds between 1970 and 2286";
    let times = [
        s("1700000000"),
        n(&"1700000000.5"),
        n(&"-1"),
        n(&"1700000000000"),
        AttributeValue::Null(true),
    ];
    for (number, time) in (20..).zip(times) {
        let mut item = whole(&id(number));
        item[2].1 = time;
        put(client, item).await;
        incompatible.push((id(number), reason));
    }
    put(client, [("feedbackId", s(&id(30))), ("feedback", text.clone())]).await;
    incompatible.push((id(30), reason));
    let reason = "`feedback` is not a string";
    for (number, text) in (40..).zip([
        AttributeValue::Null(true),
        n(&5),
        AttributeValue::M(HashMap::new()),
    ]) {
        let mut item = whole(&id(number));
        item[1].1 = text;
        put(client, item).await;
        incompatible.push((id(number), reason));
    }
    put(client, [("feedbackId", s(&id(50))), ("timestamp", time.clone())]).await;
    incompatible.push((id(50), reason));
    let reason = "it has one of `timelineShard` and `timelinePosition` without the other";
    for (number, half) in (60..).zip([("timelineShard", n(&0)), ("timelinePosition", s("0#"))]) {
        let [one, two, three] = whole(&id(number));
        put(client, [one, two, three, half]).await;
        incompatible.push((id(number), reason));
    }
    let before = items(&store).await;

    let said = backfill(&store.engine.endpoint(), &[]).await;
    assert_eq!(items(&store).await, before);
    let head = "16 items in table Feedback:\n  0 complete\n  1 pending\n  15 incompatible\n";
    let names = said.strip_prefix(head).unwrap_or_else(|| panic!("{said}"));
    let (names, _) = names.split_once("Not counted: 1 item ").unwrap();
    let names: BTreeSet<&str> = names.lines().map(str::trim).collect();
    let expected: BTreeSet<String> = incompatible
        .iter()
        .map(|(id, reason)| format!("{id:?}: {reason}"))
        .collect();
    assert_eq!(names, expected.iter().map(String::as_str).collect());

    let said = backfill(&store.engine.endpoint(), &["--write"]).await;
    assert!(expected.iter().all(|name| said.contains(name)), "{said}");
    let mut after = items(&store).await;
    assert!(is_backfilled(&after.remove(&good).unwrap()));
    assert!(after.iter().all(|(id, item)| *item == before[id]));
}

#[tokio::test]
async fn an_item_without_room_for_its_place_is_named_and_the_others_are_backfilled() {
    let store = Store::new().await;
    handle_many(&store.client, 20).await;
    // 400 KB is the most an item can have.
    let full = handle(&store.client, &"x".repeat(400 * 1024 - 80), LONG_AGO).await;
    let said = backfill(&store.engine.endpoint(), &["--write"]).await;
    let reason = format!("\n  \"{full}\": DynamoDB refuses the change: Item size to update has exceeded");
    assert!(
        said.contains(&reason) && said.ends_with("\n20 items backfilled.\n"),
        "{said}"
    );
    assert_eq!(count_backfilled(&store).await, 20);
}
