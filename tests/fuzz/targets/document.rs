//! A GraphQL document, its variables and the name of an operation: the document, and if there is a line `---`, below it
//! the variables as JSON, and below another one the name.
#![no_main]

use axum::Router;
use feedback_fuzz::{expand, post, with_open};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    let text = expand(text);
    let mut parts = text.splitn(3, "\n---\n");
    let document = parts.next().unwrap_or_default();
    let variables: Value = serde_json::from_str(parts.next().unwrap_or("null")).unwrap_or_default();
    let body = json!({ "query": document, "variables": variables, "operationName": parts.next() });
    with_open(async |router| check(&router, document, &body.to_string()).await);
});

/// Executes an operation twice. The second time, the document is one that was kept, or was refused before.
async fn check(router: &Router, document: &str, body: &str) {
    let first = post(router, "/graphql", body.to_owned()).await.graphql();
    let second = post(router, "/graphql", body.to_owned()).await.graphql();
    if document.contains("mutation") {
        // What is submitted twice has two ids, and what is deleted is gone.
        assert_eq!(first["errors"], second["errors"], "{first}");
        assert_eq!(first["data"].is_object(), second["data"].is_object(), "{first}");
    } else {
        assert_eq!(first, second);
    }
}
