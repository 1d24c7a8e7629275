//! Warm-up before a function's first request.

use std::time::Duration;

use futures_util::future::join;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::auth::Caller;
use crate::graphql::{RequestContext, Variables};
use crate::http::AppState;

/// A query that makes no request to DynamoDB.
const WARM_UP_QUERY: &str = "{ nodes(ids: []) { ... on Feedback { id message submittedAt } } }";

/// The most time that the connection's part may take: as long as opening a connection may.
const WARM_UP_TIME: Duration = Duration::from_secs(1);

impl AppState {
    /// Does in advance what the first request would wait for: executes a query, and reads the number of shards, with
    /// the schema and the client that will serve. That opens the connection to `DynamoDB`, and loads the code of
    /// requests into memory. Errors are ignored, since they recur in requests; it takes at most [`WARM_UP_TIME`].
    pub async fn warm_up(&self) {
        let executor = self.executor.clone();
        let request_context =
            RequestContext::new(self.repository.metered(), self.clock.clone(), Caller::ANONYMOUS);
        let runtime = Handle::current();
        // On a thread of its own, which runs while this one waits for the network.
        let executing = spawn_blocking(move || {
            let variables = Variables::new();
            let executing = executor.run(WARM_UP_QUERY, &variables, request_context);
            runtime.block_on(executing).is_ok_and(|response| response.is_ok())
        });
        let connecting = timeout(WARM_UP_TIME, self.repository.warm_up(self.clock.now()));
        let (executed, connected) = join(executing, connecting).await;
        let is_warm = executed.unwrap_or(false) && connected.is_ok_and(|shards| shards.is_ok());
        tracing::debug!(is_warm, "warmed up");
    }
}
