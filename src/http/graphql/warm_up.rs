//! What a function does before its first request.

use std::time::Duration;

use futures_util::future::join;

use crate::graphql::Session;
use crate::http::Service;

/// The cheapest of queries: it asks DynamoDB nothing.
const WARM_UP_QUERY: &str = "{ __typename }";

/// How long warming up may take: as long as opening a connection may.
const WARM_UP_TIME: Duration = Duration::from_secs(1);

impl Service {
    /// Does in advance what the first request would have to wait for: executes a query, and reads how many
    /// shards the timeline has, by the schema and the client that will serve. That opens the connection to
    /// `DynamoDB`, and brings the code that requests run into memory. What goes wrong with it goes wrong again, and
    /// is told, when a request comes; and it takes at most [`WARM_UP_TIME`].
    pub async fn warm_up(&self) {
        let session = Session::new(self.repository.metered(), self.clock.clone());
        let request = async_graphql::Request::new(WARM_UP_QUERY).data(session);
        let warming = join(
            self.schema.execute(request),
            self.repository.warm_up(self.clock.now()),
        );
        let warmed = tokio::time::timeout(WARM_UP_TIME, warming).await;
        let is_warm = warmed.is_ok_and(|(response, shards)| response.is_ok() && shards.is_ok());
        tracing::debug!(is_warm, "warmed up");
    }
}
