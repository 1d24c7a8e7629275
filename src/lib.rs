//! A feedback service: one Lambda function, one DynamoDB table, one GraphQL schema. People submit feedback; staff read
//! it in order of time.
//!
//! # Layout
//!
//! | module | contents |
//! | --- | --- |
//! | [`domain`] | feedback, its identity, its position on the timeline, its triage, the rules of the quarantine, filters, pages and counts: values that cannot be wrong. Knows nothing of AWS, GraphQL or HTTP |
//! | [`aws`] | the configuration of AWS clients: region, credentials, endpoints, trusted certificates, timeouts, retries |
//! | [`repository`] | the table: keys, records, indexes and plans to read them, the shards, changes of triage and of the timeline, counts, the limit for each client, errors. Alone knows DynamoDB |
//! | [`graphql`] | the schema and its execution: documents validated by the specification and limits, trusted documents, the scopes that fields require, queries, mutations, types, cursors, the loader by id, the subgraph of a federated graph, error codes |
//! | [`http`] | the router: GraphQL over HTTP, the explorer page, `POST /feedback`, CORS, the request log |
//! | [`auth`] | authentication and scopes: API keys, verified identities |
//! | [`config`] | the environment, read once into typed values, by concern |
//! | [`logging`] | the format and the levels of log lines, and metrics in those of requests |
//! | [`lambda`] | events of AWS Lambda as requests for the router, and its responses as Lambda expects them |
//! | `backfill` | completes the items of an older table: a tool over [`repository`], for `bin/backfill` alone |
//! | `local` | the laptop's own: the embedded engine, a server for this machine alone, sample feedback, the pages of `web`, the explorer's files from disk |
//! | `bin/lambda` | the service on AWS Lambda: wiring |
//! | `bin/local` | the same router on a laptop, over the embedded engine: options and wiring |
//! | `bin/schema` | prints the schema, as it is or as a subgraph |
//! | `bin/api-key` | creates an API key |
//! | `bin/backfill` | the backfill of an older table: options, progress and report |
//!
//! Dependencies go one way: `domain ← repository ← graphql ← http ← lambda ← bin`, with `auth` below and `backfill` beside
//! `graphql`, and `aws` below `repository` and `auth`. No type of the AWS SDK is outside `aws`, `repository`,
//! `backfill`, `auth::secret` and the binaries, and no type of the GraphQL libraries leaves `graphql` except into the
//! transport, `http::transport`. What the Lambda runs and what the laptop runs differ in `bin` alone.
//!
//! # The table
//!
//! Partition key `feedbackId`. Every index has the sort key `timelinePosition` and all attributes. A position is the
//! time in milliseconds and the id: unique, and its byte order is time order ([`domain::Position`]). So a listing is
//! an index, some of its partitions, a range of positions, and what is left to filter. Feedback in quarantine has a
//! `quarantineShard` in place of the `timelineShard`, so that it is in no index with the latter in its key.
//!
//! Items of the service's own have a `#` in the id, and are in no index: `meta#timeline` says how many shards there are,
//! `tally#2026-03-01` counts the feedback of a day ([`domain::Tally`]), and where clients are counted, `client#…` says
//! what one has submitted in an hour, under the salt of the day in `salt#2026-03-01`.
//!
//! | index | partition key | is there |
//! | --- | --- | --- |
//! | `timeline` | `timelineShard` | always |
//! | `quarantine` | `quarantineShard` | always |
//! | `status` | `timelineShard`, `status` | by configuration, by default |
//! | `topic` | `timelineShard`, `topic` | by configuration, by default |
//! | `rating` | `timelineShard`, `rating` | by configuration |
//! | `person` | `person` | by configuration |
//!
//! | access pattern | requests to DynamoDB | where |
//! | --- | --- | --- |
//! | submit | 1 `PutItem`, conditional on the id being new | [`repository::FeedbackRepository::submit`] |
//! | count a submission, where there is a limit or a rule for each client | 1 `UpdateItem` before it, nothing for a client that is refused already; for a function's first of a day also 1 `GetItem` of the salt, and 1 `UpdateItem` where there is none | [`repository::FeedbackRepository::admit`] |
//! | how many shards there are | 1 `GetItem` once a minute beside a page's `Query`, and after a function's first submission or, where it is told more than one, when it warms up | [`repository::FeedbackRepository::shards`] |
//! | open the connection when a function warms up | 1 `GET` of the endpoint's health, or the `GetItem` of the shards | [`repository::FeedbackRepository::warm_up`] |
//! | by id, n different ones in an operation | ⌈n/100⌉ `BatchGetItem`, strongly consistent | [`repository::FeedbackRepository::by_ids`] |
//! | triage | 1 `UpdateItem`, and a read or 1 more only where it cannot be decided without what is there | [`repository::FeedbackRepository::triage`] |
//! | delete | 1 `BatchGetItem` of the item, 1 of its day's tally, 1 `TransactWriteItems` of both | [`repository::FeedbackRepository::delete`] |
//! | quarantine, release | as for a deletion, or 2 `BatchGetItem` of the item where nothing changes | [`repository::FeedbackRepository::quarantine`] |
//! | erase a person | 1 `Query`, as for a deletion with 1 `TransactWriteItems` a day, and 1 `Query` to see that no more is there | [`repository::FeedbackRepository::erase`] |
//! | a page, whatever index serves it | 1 `Query` a partition (shards × wanted values), and more only where one runs dry | [`repository::FeedbackRepository::page`] |
//! | count a listing | 1 `Query` a partition, and more where one takes several, only when a client asks | [`repository::FeedbackRepository::count_listed`] |
//! | statistics of n days | ⌈n/100⌉ `BatchGetItem` of tallies, and 1 `Query` a shard of what they do not hold; once, more to read it and 1 `PutItem` a day to keep it | [`repository::FeedbackRepository::statistics`] |
//! | whether anything lies behind a page's cursor | 1 `Query` a partition, only when a client asks | [`repository::FeedbackRepository::has_items_behind`] |
//!
//! A `Scan` is on no request's path: only `bin/backfill` makes one.

pub mod auth;
pub mod aws;
#[cfg(feature = "local")]
pub mod backfill;
pub mod config;
pub mod domain;
pub mod graphql;
pub mod http;
pub mod lambda;
#[cfg(feature = "local")]
pub mod local;
pub mod logging;
pub mod repository;
