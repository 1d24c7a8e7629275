//! Documents that are made to hurt: they are answered, and the process lives on. The limits are as high as they can be
//! configured, and the stack is a test's 2 MiB, unoptimized.

use std::fmt::Write;

use allocation_counter::measure;
use feedback_graphql::auth::Authenticator;
use feedback_graphql::graphql::{Executor, Introspection, Limits, Variables};
use feedback_graphql::http::Options;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{NOW, Server, Store};

const HIGHEST: &str = "bodyBytes=9999999 queryBytes=999999 tokens=99999 depth=99 complexity=99999 aliases=9999 \
                       rootFields=999 submissions=999 directives=9999";

/// A chain of fragments, each nested so deeply, the last of which selects `leaf`.
fn chain(on: &str, length: usize, open: &str, nesting: usize, leaf: &str) -> String {
    let (open, close) = (open.repeat(nesting), "}".repeat(nesting));
    let links = (0..length).map(|n| format!("fragment F{n} on {on} {{ {open} ...F{} {close} }}", n + 1));
    let links: Vec<String> = links.collect();
    format!("{} fragment F{length} on {on} {{ {leaf} }}", links.join(" "))
}

/// The code of the error, or nothing where there is data.
async fn code(server: &Server, body: &Value) -> Option<String> {
    let request = server
        .request("POST", "/graphql")
        .header("accept", "application/graphql-response+json");
    let answer = server.send(request.json(body)).await;
    assert!(answer.status < 500, "{answer:.400?}");
    let body = answer.json();
    assert!(answer.body.len() < 1_000_000, "{} bytes", answer.body.len());
    body["errors"][0]["extensions"]["code"]
        .as_str()
        .map(str::to_owned)
}

/// `leaf` below so many levels that are each there twice, so that it would be reached 2^`levels` times.
fn doubled(levels: usize, on: &str, field: &str, leaf: &str) -> String {
    let links = (0..levels).map(|n| {
        let next = n + 1;
        format!("fragment F{n} on {on} {{ {field} {{ ...F{next} }} other: {field} {{ ...F{next} }} }}")
    });
    let links: Vec<String> = links.collect();
    format!("{} fragment F{levels} on {on} {{ {leaf} }}", links.join(" "))
}

fn many(count: usize, write: impl Fn(usize) -> String) -> String {
    (0..count).map(write).collect::<Vec<_>>().join(" ")
}

async fn expect<const N: usize>(cases: [(String, Option<&str>); N]) {
    let server = Server::limited(Store::new().await, HIGHEST.parse().unwrap()).await;
    for (query, expected) in cases {
        let found = code(&server, &json!({ "query": query })).await;
        assert_eq!(found.as_deref(), expected, "{query:.200}");
    }
}

const TOO_DEEP: Option<&str> = Some("QUERY_TOO_DEEP");
const TOO_COMPLEX: Option<&str> = Some("QUERY_TOO_COMPLEX");
const INVALID: Option<&str> = Some("GRAPHQL_VALIDATION_FAILED");
const ON_TYPE: &str = "{ __type(name: \"Query\") { ...F0 } }";

#[tokio::test]
async fn documents_that_nest_without_measure_are_refused() {
    let inline = |length, nesting| {
        format!(
            "{{ ...F0 }} {}",
            chain("Query", length, "... {", nesting, "__typename")
        )
    };
    let fields = |length, nesting| {
        format!(
            "{ON_TYPE} {}",
            chain("__Type", length, "ofType {", nesting, "name")
        )
    };
    expect([
        (inline(95, 60), TOO_DEEP),
        (inline(95, 1), None),
        (inline(5_000, 0), TOO_DEEP),
        (inline(40_000, 0), Some("QUERY_TOO_LONG")),
        (fields(95, 60), TOO_DEEP),
        (fields(5, 20), TOO_DEEP),
        (fields(2, 20), None),
        (format!("{{ a(b: {}", "{a:[".repeat(10_000)), TOO_DEEP),
        (
            format!(
                "query($a: {}ID{}) {{ __typename }}",
                "[".repeat(63),
                "]".repeat(63)
            ),
            INVALID,
        ),
    ])
    .await;
}

#[tokio::test]
async fn documents_that_double_are_measured_without_being_expanded() {
    let inline = |leaf| {
        format!(
            "{{ ...F0 }} {}",
            doubled(60, "Query", "...", leaf).replace("other: ", "")
        )
    };
    let fields = |levels| format!("{ON_TYPE} {}", doubled(levels, "__Type", "ofType", "name"));
    let unknown = inline("...Unknown");
    // 5 KB that the compiler by itself would compare for minutes.
    let links = many(60, |n| {
        let (next, other) = (n + 1, n + 2);
        format!(
            "fragment F{n} on __Type {{ a: ofType {{ ...F{next} }} ...F{other} b: ofType {{ ...F{other} }} ...F{next} }}"
        )
    });
    let tangled =
        format!("{ON_TYPE} {links} fragment F60 on __Type {{ name }} fragment F61 on __Type {{ name }}");
    // Round and round, in a document of 1 KB: the compiler by itself would take a hundred times as long as for others.
    let circle = fields(12).replace("{ name }", "{ a: ofType { ...F0 } b: ofType { ...F1 } ...F0 }");
    expect([
        (inline("__typename"), None),
        (format!("query A {{ __typename }} query B {unknown}"), INVALID),
        (unknown, INVALID),
        (circle, INVALID),
        (tangled, TOO_COMPLEX),
        (fields(99), TOO_DEEP),
        (fields(40), TOO_COMPLEX),
        // Merged, it does not double.
        (fields(40).replace("other: ", ""), None),
    ])
    .await;
}

#[tokio::test]
async fn documents_with_many_of_everything_are_answered() {
    let operations = many(20, |n| format!("query Q{n} {{ ...F0 }}"));
    let spread_by_each = format!("{operations} {}", chain("Query", 90, "", 0, "__typename"));
    expect([
        (format!("{{ {} }}", "__typename ".repeat(20_000)), None),
        (
            format!("{{ {} }}", "feedbacks{nodes{id message}}".repeat(6_000)),
            None,
        ),
        (format!("{{ {} }}", many(10_000, |n| format!("a{n}:id"))), INVALID),
        (many(21, |n| format!("query Q{n} {{ __typename }}")), TOO_COMPLEX),
        (spread_by_each, Some("OPERATION_RESOLUTION_FAILURE")),
        (format!("{{ __typename {} }}", "@a".repeat(9_000)), INVALID),
        (
            format!(
                "{{ feedbacks(filter: {{ {} }}) {{ nodes {{ id }} }} }}",
                "topic: 1 ".repeat(10_000)
            ),
            INVALID,
        ),
        (
            format!("{{ node(id: \"{}\") {{ id }} }}", "\\u0041".repeat(40_000)),
            Some("BAD_USER_INPUT"),
        ),
        (
            format!("{{ {} }}", "} ".repeat(40_000)),
            Some("GRAPHQL_PARSE_FAILED"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn values_of_variables_that_nest_without_measure_are_refused() {
    let server = Server::limited(Store::new().await, HIGHEST.parse().unwrap()).await;
    let query = "query($ids: [ID!]!, $f: FeedbackFilter) { nodes(ids: $ids) { id } feedbacks(filter: $f) { nodes { id } } }";
    let nested = |levels: usize| (0..levels).fold(json!("x"), |value, _| json!([value]));
    for (variables, expected) in [
        (json!({ "ids": nested(100) }), "BAD_USER_INPUT"),
        (
            json!({ "ids": [], "f": { "submittedFrom": nested(100) } }),
            "BAD_USER_INPUT",
        ),
        (json!({ "ids": nested(120) }), "BAD_USER_INPUT"),
        (json!({ "ids": nested(200) }), "BAD_REQUEST"),
        (json!({ "ids": vec!["x"; 300_000] }), "QUERY_TOO_COMPLEX"),
    ] {
        let body = json!({ "query": query, "variables": variables });
        assert_eq!(
            code(&server, &body).await.as_deref(),
            Some(expected),
            "{:.200}",
            body.to_string()
        );
    }
}

#[tokio::test]
async fn an_anonymous_caller_submits_once_in_an_operation() {
    let submit = |count: usize| {
        let fields: Vec<String> = (0..count)
            .map(|n| format!("a{n}: submitFeedback(input: $i) {{ replayed }}"))
            .collect();
        let query = format!(
            "mutation($i: SubmitFeedbackInput!) {{ ...M }} fragment M on Mutation {{ {} }}",
            fields.join(" ")
        );
        json!({ "query": query, "variables": { "i": { "message": "x" } } })
    };
    let guarded = Server::guarded(
        Store::new().await,
        Options::default(),
        Authenticator::Guarded(None),
    )
    .await;
    assert_eq!(
        code(&guarded, &submit(2)).await.as_deref(),
        Some("TOO_MANY_SUBMISSIONS")
    );
    assert_eq!(guarded.store.items().await, [] as [Value; 0]);
    assert_eq!(code(&guarded, &submit(1)).await, None);
    // The same field twice is one.
    let once = "mutation { ...A ...A } fragment A on Mutation { submitFeedback(input: { message: \"x\" }) { replayed } }";
    assert_eq!(code(&guarded, &json!({ "query": once })).await, None);
    assert_eq!(guarded.store.items().await.len(), 2);
    // Nor is the feedback repeated to them without end.
    let repeating = many(40, |n| format!("a{n}: message"));
    let query = format!(
        "mutation($i: SubmitFeedbackInput!) {{ submitFeedback(input: $i) {{ feedback {{ {repeating} }} }} }}"
    );
    let largest = json!({ "query": query, "variables": { "i": { "message": "\u{10ffff}".repeat(5_000) } } });
    assert_eq!(
        code(&guarded, &largest).await.as_deref(),
        Some("RESPONSE_TOO_LARGE")
    );

    let open = Server::limited(Store::new().await, Limits::default()).await;
    assert_eq!(code(&open, &submit(20)).await, None);
    assert_eq!(open.store.items().await.len(), 20);
    open.store.submit("the table is there", NOW).await;
}

/// A fragment of a random document: what it selects, and which fragments it spreads, of which some may not be there or
/// lead back to it.
fn fragment() -> impl Strategy<Value = (Vec<usize>, bool)> {
    (proptest::collection::vec(0..60_usize, 0..6), any::<bool>())
}

/// Counted in bytes that are allocated. Validating may look at a fragment from each selection set that spreads it, and
/// so takes at most the square of the text, which the limit of tokens bounds; finding the fields to execute takes no
/// more than the limit of complexity allows. Neither ever expands what a document spreads.
#[test]
fn a_document_takes_no_more_than_its_text_and_the_limits_allow() {
    const BYTES_PER_BYTE: u64 = 500;
    const BYTES_PER_SELECTION: u64 = 500;
    const COMPLEXITY: usize = 500;
    let limits = Limits {
        complexity: COMPLEXITY,
        aliases: 500,
        ..Limits::default()
    };
    let executor = Executor::new(Introspection::On, limits);
    // What is made once.
    let chosen = executor.choose("{ __type(name: \"Query\") { name } }", None);
    assert!(executor.prepare(chosen.unwrap(), &Variables::new()).is_ok());
    let documents = proptest::collection::vec(fragment(), 1..60);
    let run = TestRunner::new(Config::with_cases(400)).run(&documents, |fragments| {
        let text = spreading(&fragments);
        let mut chosen = None;
        let choosing = measure(|| chosen = executor.choose(&text, None).ok());
        let factor = 1 + fragments.len() as u64;
        let allowed = BYTES_PER_BYTE * factor * text.len() as u64;
        prop_assert!(
            choosing.bytes_total <= allowed,
            "{} of {allowed} bytes for {text}",
            choosing.bytes_total
        );
        let Some(chosen) = chosen else { return Ok(()) };
        let preparing = measure(|| {
            let _ = executor.prepare(chosen, &Variables::new());
        });
        let allowed = BYTES_PER_SELECTION * COMPLEXITY as u64;
        prop_assert!(
            preparing.bytes_total <= allowed,
            "{} of {allowed} bytes for {text}",
            preparing.bytes_total
        );
        Ok(())
    });
    run.unwrap();
}

/// A document of these fragments.
fn spreading(fragments: &[(Vec<usize>, bool)]) -> String {
    let mut text = String::from("{ __type(name: \"Query\") { ...F0 } }");
    for (number, (spreads, is_forward)) in fragments.iter().enumerate() {
        write!(text, " fragment F{number} on __Type {{ name").unwrap();
        for (at, spread) in spreads.iter().enumerate() {
            // Mostly forward, so that most documents have no cycle, and double.
            let name = if *is_forward {
                number + 1 + spread % 3
            } else {
                *spread
            };
            if spreads.len() > 2 && at % 2 == 0 {
                write!(text, " a{}: ofType {{ ...F{name} }}", at % 4).unwrap();
            } else {
                write!(text, " ...F{name}").unwrap();
            }
        }
        text.push_str(" }");
    }
    text
}
