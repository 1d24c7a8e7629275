//! Counts what one request of a client takes, and what becomes of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

use super::outcomes::Outcomes;

/// The counts of one request. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct RequestMeter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Requests to DynamoDB as they leave: each attempt of the SDK is one.
    requests: AtomicU32,
    outcomes: Mutex<Outcomes>,
}

impl RequestMeter {
    pub(super) fn requests(&self) -> u32 {
        self.0.requests.load(Ordering::Relaxed)
    }

    pub(super) fn outcomes(&self) -> Outcomes {
        *self.0.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, outcome: impl FnOnce(&mut Outcomes)) {
        outcome(&mut self.0.outcomes.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Intercept for RequestMeter {
    fn name(&self) -> &'static str {
        "RequestMeter"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
