//! The committed schema is the one that the code has.

use std::fs;

use feedback_graphql::graphql::sdl;

#[test]
fn the_committed_schema_is_up_to_date() {
    let committed = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap();
    assert!(
        committed == sdl(),
        "schema.graphql is not what the code has: run `cargo run --bin schema > schema.graphql` and commit it"
    );
}
