//! Notes the requests to DynamoDB.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use tokio::time::{sleep, timeout};

use super::PATIENCE;

/// How a response is noted.
const ANSWER: &str = "an answer";

/// Notes requests and responses as they leave and arrive, each attempt by itself. Clones share the notes.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<Mutex<Vec<String>>>);

impl Requests {
    /// The operations of requests, or their methods where there is none, and [`ANSWER`] for each response, in order,
    /// since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The requests since the last call, like `1 GetItem, 2 Query`.
    pub fn take_counts(&self) -> String {
        counts(&self.take())
    }

    /// Waits until the requests since the last call are these: some may follow a response.
    pub async fn take_counts_when(&self, expected: &str) {
        let made = || counts(&self.0.lock().unwrap());
        let arrived = async {
            while made() != expected {
                sleep(Duration::from_millis(1)).await;
            }
        };
        assert!(
            timeout(PATIENCE, arrived).await.is_ok(),
            "{} instead of {expected}",
            made()
        );
        self.take();
    }

    fn note(&self, event: &str) {
        self.0.lock().unwrap().push(event.to_owned());
    }
}

impl Intercept for Requests {
    fn name(&self) -> &'static str {
        "Requests"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target");
        let operation = target.map(|target| target.split_once('.').unwrap().1);
        self.note(operation.unwrap_or(request.method()));
        Ok(())
    }

    fn read_after_transmit(
        &self,
        _context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.note(ANSWER);
        Ok(())
    }
}

/// Requests by operation, without responses.
fn counts(noted: &[String]) -> String {
    let mut counts = BTreeMap::<&str, u32>::new();
    for operation in noted.iter().filter(|noted| *noted != ANSWER) {
        *counts.entry(operation).or_default() += 1;
    }
    if counts.is_empty() {
        return "nothing".to_owned();
    }
    let counts = counts
        .iter()
        .map(|(operation, count)| format!("{count} {operation}"));
    counts.collect::<Vec<_>>().join(", ")
}
