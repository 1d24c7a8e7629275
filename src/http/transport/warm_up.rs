//! Warm-up before a function's first request.

use std::time::Duration;

use futures_util::future::join;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::auth::Caller;
use crate::graphql::{RequestContext, Variables};
use crate::http::AppState;

/// Operations that make no request to DynamoDB: a query of nothing, and a submission that is refused.
const WARM_UP_OPERATIONS: [&str; 2] = [
    "{ nodes(ids: []) { ... on Feedback { id message submittedAt } } }",
    "mutation { submitFeedback(input: { message: \"\" }) { feedback { id } userErrors { code } } }",
];

/// The most time that the connection's part may take: as long as opening a connection may.
const WARM_UP_TIME: Duration = Duration::from_secs(1);

impl AppState {
    /// Does in advance what the first request would wait for, with the schema and the client that will serve: builds
    /// the schema, executes operations, and opens the connection to `DynamoDB`. That also loads the code of requests
    /// into memory. Errors are ignored, since they recur in requests; it takes at most [`WARM_UP_TIME`].
    pub async fn warm_up(&self) {
        let connecting = timeout(WARM_UP_TIME, self.repository.warm_up(self.clock.now()));
        // On a thread of its own, which begins when this one first waits for the network.
        let executing = async {
            let (state, runtime) = (self.clone(), Handle::current());
            spawn_blocking(move || runtime.block_on(state.execute_in_advance())).await
        };
        let (connected, executed) = join(connecting, executing).await;
        let is_warm = executed.unwrap_or(false) && connected.is_ok_and(|opened| opened.is_ok());
        tracing::debug!(is_warm, "warmed up");
    }

    /// Whether all operations could be executed.
    async fn execute_in_advance(&self) -> bool {
        let variables = Variables::new();
        for operation in WARM_UP_OPERATIONS {
            let (repository, clock) = (self.repository.metered(), self.clock.clone());
            let request_context = RequestContext::new(repository, clock, Caller::ANONYMOUS);
            let executed = self.executor.run(operation, &variables, request_context).await;
            if !executed.is_ok_and(|response| response.is_ok()) {
                return false;
            }
        }
        true
    }
}
