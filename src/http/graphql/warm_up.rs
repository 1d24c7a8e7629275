//! What a function does before its first request.

use std::time::Duration;

use futures_util::future::join;

use crate::graphql::{Session, Variables};
use crate::http::Service;

/// A query that goes the way of others, and asks DynamoDB nothing.
const WARM_UP_QUERY: &str = "{ nodes(ids: []) { ... on Feedback { id message submittedAt } } }";

/// How long warming up may take: as long as opening a connection may.
const WARM_UP_TIME: Duration = Duration::from_secs(1);

impl Service {
    /// Does in advance what the first request would have to wait for: executes a query, and reads how many
    /// shards the timeline has, by the schema and the client that will serve. That opens the connection to
    /// `DynamoDB`, and brings the code that requests run into memory. What goes wrong with it goes wrong again, and
    /// is told, when a request comes; and it takes at most [`WARM_UP_TIME`].
    pub async fn warm_up(&self) {
        let session = Session::new(self.repository.metered(), self.clock.clone());
        let variables = Variables::new();
        // The connection first: while it is opened, there is time for the schema.
        let warming = join(
            self.repository.warm_up(self.clock.now()),
            self.executor.run(WARM_UP_QUERY, &variables, session),
        );
        let warmed = tokio::time::timeout(WARM_UP_TIME, warming).await;
        let is_warm = warmed.is_ok_and(|(shards, executed)| {
            shards.is_ok() && executed.is_ok_and(|response| response.is_ok())
        });
        tracing::debug!(is_warm, "warmed up");
    }
}
