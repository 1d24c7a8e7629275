//! The tests of the service, through its public doors: HTTP, the schema, the Lambda binary, the laptop's
//! server. They run on the embedded engine, each on a table of its own. One binary, so that there is one
//! link step.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the lint's own exception covers only test functions"
)]

mod access;
mod backfill;
mod clients;
mod contract;
mod cors;
mod cost;
mod documents;
mod durability;
mod erasure;
mod execution;
mod faults;
mod federation;
mod hostile;
mod http;
mod idempotency;
mod indexes;
mod lambda;
mod limits;
mod local;
mod nullability;
mod paging;
mod plain;
mod quarantine;
mod reading;
mod requests;
mod roundtrip;
mod rust_client;
mod schema;
mod shards;
mod statistics;
mod submitting;
mod support;
mod table;
mod template;
mod triage;
