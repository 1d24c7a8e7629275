//! A GraphQL document and its variables: the document, and if there is a line `---`, below it the variables
//! as JSON.
#![no_main]

use feedback_fuzz::{execute, expand, with_open};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let text = expand(text);
    let (document, variables) = text.split_once("\n---\n").unwrap_or((&text, "null"));
    let variables: Value = serde_json::from_str(variables).unwrap_or_default();
    with_open(async |router| {
        execute(&router, document, &variables).await;
    });
});
