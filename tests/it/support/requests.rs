//! Notes the requests to DynamoDB.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

/// How a response is noted.
const ANSWER: &str = "an answer";

/// Notes requests and responses as they leave and arrive, each attempt by itself. Clones share the notes.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<Mutex<Vec<String>>>);

impl Requests {
    /// The operations of requests, and [`ANSWER`] for each response, in order, since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The requests since the last call, like `1 GetItem, 2 Query`.
    pub fn take_counts(&self) -> String {
        let mut counts = BTreeMap::<String, u32>::new();
        for operation in self.take().into_iter().filter(|noted| noted != ANSWER) {
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
        let target = context.request().headers().get("x-amz-target").unwrap();
        let (_, operation) = target.split_once('.').unwrap();
        self.note(operation);
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
