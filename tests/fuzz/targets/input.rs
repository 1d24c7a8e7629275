//! What somebody submits: the JSON of a `SubmitFeedbackInput`, or what claims to be that.
//!
//! It is submitted as a variable, as a literal of the document, as a block text of the document and, its message, trap
//! and time alone, by `POST /feedback`. What is taken must come back as it was, and what is refused must be refused by
//! an answer of GraphQL. The same holds where it is taken for a change of triage: for a `TriageFeedbackInput`.
#![no_main]

use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use feedback_fuzz::{check_graphql, execute, expand, post, with_open};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use serde_json::{Value, json};

const FEEDBACK: &str = "id message rating topic email pageUrl metadata { key value }";
const TRIAGE: &str = "id triage { status tags note version }";

/// How deeply objects and lists are written as literals. The service allows much less.
const LITERAL_DEPTH: usize = 200;

fuzz_target!(|text: &str| {
    let text = expand(text);
    with_open(async |router| as_variable(&router, &text).await);
    with_open(async |router| as_literal(&router, &text).await);
    with_open(async |router| as_block_text(&router, &text).await);
    with_open(async |router| by_plain_post(&router, &text).await);
    with_open(async |router| as_change_of_triage(&router, &text).await);
});

async fn as_variable(router: &Router, text: &str) {
    let query = format!(
        "mutation($input: SubmitFeedbackInput!) {{ submitFeedback(input: $input) {{
            feedback {{ {FEEDBACK} }} replayed userErrors {{ field code message }} }} }}"
    );
    let body = format!(
        "{{\"query\":{},\"variables\":{{\"input\":{text}}}}}",
        json!(query)
    );
    let answer = post(router, "/graphql", body).await;
    let is_too_large = answer.status == StatusCode::PAYLOAD_TOO_LARGE;
    let answer = answer.graphql();
    // Only then the body says what the text does.
    if let Ok(input) = serde_json::from_str::<Value>(text) {
        let is_taken = check(router, &input, &answer).await;
        if let Some(message) = only_member(&input, "message") {
            assert_eq!(is_taken, is_message(message) && !is_too_large, "{answer}");
        }
    }
}

async fn as_literal(router: &Router, text: &str) {
    let Some(literal) = serde_json::from_str(text).ok().and_then(|raw| literal(raw, 0)) else {
        return;
    };
    let query = submission(&literal);
    let answer = execute(router, &query, &Value::Null).await;
    if let Ok(input) = serde_json::from_str::<Value>(text) {
        check(router, &input, &answer).await;
    }
}

async fn as_block_text(router: &Router, text: &str) {
    let input: Value = serde_json::from_str(text).unwrap_or_default();
    // Of several lines, the indentation would not be the text's.
    let Some(message) = input["message"]
        .as_str()
        .filter(|message| !message.contains(['\n', '\r']))
    else {
        return;
    };
    let escaped = message.replace("\"\"\"", "\\\"\"\"");
    // The space keeps a quotation mark or a backslash at the end from belonging to the mark behind it.
    let query = submission(&format!("{{message: \"\"\"{escaped} \"\"\"}}"));
    let answer = execute(router, &query, &Value::Null).await;
    check(router, &json!({ "message": message }), &answer).await;
}

async fn by_plain_post(router: &Router, text: &str) {
    let raw: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    let Some(message) = raw.get("message") else { return };
    let signals = ["trap", "elapsedMs"].into_iter();
    let signals = signals.filter_map(|name| Some(format!(",{name:?}:{}", raw.get(name)?)));
    let signals: String = signals.collect();
    let answer = post(
        router,
        "/feedback",
        format!("{{\"feedback\":{message}{signals}}}"),
    )
    .await;
    answer.json();
    let message: Value = serde_json::from_str(message.get()).unwrap_or_default();
    let message = message.as_str();
    if answer.status == StatusCode::OK {
        let trap = raw
            .get("trap")
            .and_then(|trap| serde_json::from_str(trap.get()).ok());
        let latest = latest(router, &json!({ "trap": trap.unwrap_or(Value::Null) })).await;
        assert_eq!(latest["message"].as_str().map(str::to_owned), message.map(stored));
    } else {
        let is_fine = message.is_some_and(is_message) && answer.status != StatusCode::PAYLOAD_TOO_LARGE;
        assert!(!is_fine, "{answer:?}");
    }
}

async fn as_change_of_triage(router: &Router, text: &str) {
    let query = format!(
        "mutation($input: TriageFeedbackInput!) {{ triageFeedback(input: $input) {{
            feedback {{ {TRIAGE} }} userErrors {{ field code message }} }} }}"
    );
    let body = format!(
        "{{\"query\":{},\"variables\":{{\"input\":{text}}}}}",
        json!(query)
    );
    let answer = post(router, "/graphql", body).await.graphql();
    let payload = &answer["data"]["triageFeedback"];
    if payload.is_null() {
        assert!(answer["errors"].is_array(), "{answer}");
        return;
    }
    let feedback = &payload["feedback"];
    let is_made = payload["userErrors"] == json!([]);
    // Only then the body says what the text does.
    if let Ok(input) = serde_json::from_str(text)
        && is_made
    {
        check_changed(&input, &feedback["triage"]);
    }
    if !feedback.is_null() {
        let query = format!("query($id: ID!) {{ feedback(id: $id) {{ {TRIAGE} }} }}");
        let read = execute(router, &query, &json!({ "id": feedback["id"] })).await;
        assert_eq!(&read["data"]["feedback"], feedback);
    }
}

/// Checks that triage is as a change wants it.
fn check_changed(input: &Value, triage: &Value) {
    if !input["status"].is_null() {
        assert_eq!(triage["status"], input["status"]);
    }
    if let Some(note) = input["note"].as_str().map(stored) {
        assert_eq!(triage["note"].as_str().unwrap_or_default(), note);
    }
    if let Some(version) = input["expectedVersion"].as_f64() {
        assert_eq!(triage["version"].as_f64(), Some(version + 1.0));
    }
    let tags: Vec<&str> = triage["tags"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(
        tags.is_sorted_by(|one, next| one < next) && tags.len() <= 16,
        "{tags:?}"
    );
    let is_there = |tag: &Value| tags.contains(&stored(tag.as_str().unwrap_or_default()).as_str());
    assert!(list(&input["addTags"]).iter().all(is_there), "{input} {tags:?}");
    assert!(
        !list(&input["removeTags"]).iter().any(is_there),
        "{input} {tags:?}"
    );
}

/// The values of a list. A single one stands for a list of one (GraphQL specification, "Input Coercion" of lists).
fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        Value::Null => Vec::new(),
        value => vec![value.clone()],
    }
}

fn submission(literal: &str) -> String {
    format!(
        "mutation {{ submitFeedback(input: {literal}) {{
            feedback {{ {FEEDBACK} }} replayed userErrors {{ field code message }} }} }}"
    )
}

/// Checks what became of a submission; returns whether it was taken.
async fn check(router: &Router, input: &Value, answer: &Value) -> bool {
    check_graphql(answer);
    let payload = &answer["data"]["submitFeedback"];
    if payload.is_null() {
        assert!(answer["errors"].is_array(), "{answer}");
        return false;
    }
    let feedback = &payload["feedback"];
    let is_refused = payload["userErrors"]
        .as_array()
        .is_some_and(|errors| !errors.is_empty());
    assert_eq!(feedback.is_null(), is_refused, "{answer}");
    if is_refused {
        return false;
    }
    check_unchanged(input, feedback);
    let query = format!("query($id: ID!) {{ feedback(id: $id) {{ {FEEDBACK} }} }}");
    let read = execute(router, &query, &json!({ "id": feedback["id"] })).await;
    assert_eq!(&read["data"]["feedback"], feedback);
    if payload["replayed"] == false {
        assert_eq!(&latest(router, input).await, feedback);
    }
    true
}

/// The latest feedback of the listing to which what was submitted with this input belongs.
async fn latest(router: &Router, input: &Value) -> Value {
    let is_trapped = input["trap"].as_str().is_some_and(|trap| !trap.is_empty());
    let listing = if is_trapped {
        "quarantinedFeedbacks"
    } else {
        "feedbacks"
    };
    let query = format!("{{ {listing}(first: 1) {{ nodes {{ {FEEDBACK} }} }} }}");
    let mut page = execute(router, &query, &Value::Null).await;
    let nodes = page["data"][listing]["nodes"].as_array_mut().expect("nodes");
    nodes.remove(0)
}

/// A text as it is stored.
fn stored(text: &str) -> String {
    text.trim().replace("\r\n", "\n").replace('\r', "\n")
}

/// Checks that feedback says what the input did, with its texts as they are stored.
fn check_unchanged(input: &Value, feedback: &Value) {
    for name in ["message", "topic", "email", "pageUrl"] {
        assert_eq!(
            feedback[name].as_str().map(str::to_owned),
            input[name].as_str().map(stored),
            "{name}"
        );
    }
    assert_eq!(feedback["rating"].as_f64(), input["rating"].as_f64(), "rating");
    let given = list(&input["metadata"]);
    let kept = feedback["metadata"].as_array().expect("a list");
    assert_eq!(kept.len(), given.len(), "metadata");
    for (kept, given) in kept.iter().zip(given) {
        for name in ["key", "value"] {
            let (kept, given) = (kept[name].as_str(), given[name].as_str());
            assert_eq!(kept.map(str::to_owned), given.map(stored), "{name}");
        }
    }
}

/// Whether the service must take this for a message.
fn is_message(text: &str) -> bool {
    let text = stored(text);
    let is_control = |character: char| character.is_control() && !"\n\t".contains(character);
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let is_invisible = |character: char| {
        character.is_whitespace() || character == '\u{2800}' || is_ignorable.contains(character)
    };
    text.chars().count() <= 5_000 && !text.contains(is_control) && !text.chars().all(is_invisible)
}

/// The text of an object's member, if the object has this member and no other.
fn only_member<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    let members = input.as_object()?;
    members.get(name).filter(|_| members.len() == 1)?.as_str()
}

/// A JSON text as a literal of GraphQL, in the very words of the text; `None` where there is no such literal.
fn literal(raw: &RawValue, depth: usize) -> Option<String> {
    if depth > LITERAL_DEPTH {
        return None;
    }
    match raw.get().as_bytes()[0] {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
            let is_name = |name: &str| {
                name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            let members = members.into_iter().map(|(name, raw)| {
                let value = literal(raw, depth + 1).filter(|_| is_name(&name))?;
                Some(format!("{name}: {value}"))
            });
            Some(format!("{{{}}}", members.collect::<Option<Vec<_>>>()?.join(", ")))
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
            let items = items.into_iter().map(|raw| literal(raw, depth + 1));
            Some(format!("[{}]", items.collect::<Option<Vec<_>>>()?.join(", ")))
        }
        _ => Some(raw.get().to_owned()),
    }
}
