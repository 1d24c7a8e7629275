//! Whatever somebody submits, what comes back is what they wrote, white space at the ends aside.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use feedback_graphql::domain::Message;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::Server;

const FEEDBACK: &str = "id message rating topic email pageUrl metadata { key value }";

/// What text is made of that goes wrong somewhere: white space of all kinds, characters that are composed, that
/// change the direction, that stand for nothing, that have no place in JSON, GraphQL or UTF-16 as they are.
const ODD: [&str; 30] = [
    " ",
    "\n",
    "\t",
    "\u{a0}",
    "\u{3000}",
    "\u{feff}",
    "\u{200b}",
    "\u{2028}",
    "\u{85}",
    "\u{0}",
    "\u{7f}",
    "\r",
    "\"",
    "\"\"\"",
    "\\",
    "\\u0041",
    "/",
    "#",
    "{",
    "$x",
    "é",
    "e\u{301}",
    "\u{212b}",
    "👩‍👩‍👧",
    "🌟",
    "\u{10ffff}",
    "\u{fffe}",
    "\u{202e}",
    "<b>",
    "&amp;",
];

fn text() -> impl Strategy<Value = String> {
    let odd = prop::collection::vec(prop::sample::select(&ODD[..]), 0..12);
    prop_oneof![
        any::<String>(),
        odd.prop_map(|parts| parts.concat()),
        "[a-z \u{e4}\u{4e2d}]{1,90}",
    ]
}

fn input() -> impl Strategy<Value = Value> {
    let pairs = prop::collection::vec((text(), text()), 0..4);
    (text(), prop::option::of(-1..8), prop::option::of(text()), pairs).prop_map(
        |(message, rating, topic, pairs)| {
            let pairs: Vec<Value> = pairs
                .into_iter()
                .map(|(key, value)| json!({ "key": key, "value": value }))
                .collect();
            json!({ "message": message, "rating": rating, "topic": topic, "metadata": pairs })
        },
    )
}

/// Checks a property of as many values as fit into a few seconds.
fn for_all<T: Debug>(
    strategy: &impl Strategy<Value = T>,
    check: &impl AsyncFn(&Server, T) -> Result<(), TestCaseError>,
) {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(200)
    };
    let checked = TestRunner::new(config).run(strategy, |value| {
        server.at_later_time();
        runtime.block_on(check(&server, value))
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
}

/// A text as it is stored.
fn stored(text: &str) -> String {
    text.trim().replace("\r\n", "\n").replace('\r', "\n")
}

/// The texts in a value as they are stored.
fn all_stored(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(stored(text)),
        Value::Array(items) => items.iter().map(all_stored).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), all_stored(value)))
            .collect(),
        other => other.clone(),
    }
}

fn is_fine(text: &str, lengths: RangeInclusive<usize>) -> bool {
    let is_refused = |character: char| character.is_control() && character != '\n' && character != '\t';
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let is_visible = |character: char| !character.is_whitespace() && !is_ignorable.contains(character);
    let text = stored(text);
    lengths.contains(&text.chars().count()) && !text.contains(is_refused) && text.contains(is_visible)
}

/// What the listing has first.
async fn latest(server: &Server) -> Value {
    let list = format!("{{ feedbacks(first: 1) {{ nodes {{ {FEEDBACK} }} }} }}");
    server.data(&list, Value::Null).await["feedbacks"]["nodes"][0].take()
}

#[test]
fn all_that_is_taken_is_read_back_unchanged_by_id_and_in_the_listing() {
    for_all(&input(), &async |server, input| {
        let submit = format!(
            "mutation($input: SubmitFeedbackInput!) {{ submitFeedback(input: $input) {{
                feedback {{ {FEEDBACK} }} userErrors {{ field code message }} }} }}"
        );
        let mut data = server.data(&submit, json!({ "input": input })).await;
        let payload = data["submitFeedback"].take();
        let feedback = &payload["feedback"];
        let is_refused = !payload["userErrors"].as_array().unwrap().is_empty();
        prop_assert_eq!(feedback.is_null(), is_refused, "{}", payload);
        if is_refused {
            return Ok(());
        }
        let mut expected = all_stored(&input);
        expected["id"] = feedback["id"].clone();
        expected["email"] = Value::Null;
        expected["pageUrl"] = Value::Null;
        prop_assert_eq!(feedback, &expected);
        let read = format!("query($id: ID!) {{ feedback(id: $id) {{ {FEEDBACK} }} }}");
        let read = server.data(&read, json!({ "id": feedback["id"] })).await;
        prop_assert_eq!(&read["feedback"], feedback);
        prop_assert_eq!(&latest(server).await, feedback);
        Ok(())
    });
}

#[test]
fn a_message_is_the_same_by_whatever_way_it_comes() {
    for_all(&text(), &async |server, text| {
        let is_fine = is_fine(&text, 1..=Message::MAX_LENGTH);
        // JSON and GraphQL write texts in the same way, except for what is beyond the characters of 16 bits.
        let quoted = json!(text).to_string();
        let block = format!("\"\"\"{} \"\"\"", text.replace("\"\"\"", "\\\"\"\""));
        let is_one_line = !text.contains(['\n', '\r']);
        for literal in [Some(quoted), Some(block).filter(|_| is_one_line)]
            .into_iter()
            .flatten()
        {
            let submit = format!(
                "mutation {{ submitFeedback(input: {{ message: {literal} }}) {{ feedback {{ message }} }} }}"
            );
            let answer = server.execute(&submit, Value::Null).await;
            let message = &answer["data"]["submitFeedback"]["feedback"]["message"];
            prop_assert_eq!(
                message.as_str().map(str::to_owned),
                is_fine.then(|| stored(&text)),
                "{}",
                literal
            );
        }
        server.at_later_time();
        let posted = server
            .request("POST", "/feedback")
            .json(&json!({ "feedback": text }));
        let posted = server.send(posted).await;
        prop_assert_eq!(posted.status, if is_fine { 200 } else { 400 }, "{}", posted.body);
        if is_fine {
            prop_assert_eq!(&latest(server).await["message"], &stored(&text));
        }
        Ok(())
    });
}
