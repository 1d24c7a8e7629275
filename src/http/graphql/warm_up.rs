//! What a function does before its first request.

use std::time::Duration;

use crate::graphql::{Session, Variables};
use crate::http::Service;

/// The cheapest of reads: one read unit, of an id that no feedback has.
const WARM_UP_QUERY: &str = "{ feedback(id: \"00000000-0000-4000-8000-000000000000\") { id } }";

/// How long warming up may take: as long as opening a connection may.
const WARM_UP_TIME: Duration = Duration::from_secs(1);

impl Service {
    /// Does in advance what the first request would have to wait for: reads a feedback that is not there, by the
    /// schema and the client that will serve. That opens the connection to `DynamoDB`, and brings the code that
    /// requests run into memory. What goes wrong with it goes wrong again, and is told, when a request comes; and
    /// it takes at most [`WARM_UP_TIME`].
    pub async fn warm_up(&self) {
        let session = Session::new(self.repository.metered(), self.clock.clone());
        let variables = Variables::new();
        let execution = self.executor.run(WARM_UP_QUERY, &variables, session);
        let executed = tokio::time::timeout(WARM_UP_TIME, execution).await;
        let is_warm = executed.is_ok_and(|executed| executed.is_ok_and(|response| response.is_ok()));
        tracing::debug!(is_warm, "warmed up");
    }
}
