//! Counts what one request of a client takes, and what becomes of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};

use super::outcomes::Outcomes;

/// Units that DynamoDB has consumed, of the table and its indexes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Units {
    /// Read units.
    pub read: f64,
    /// Write units.
    pub write: f64,
}

/// The counts of one request. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct RequestMeter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Requests to DynamoDB as they leave: each attempt of the SDK is one.
    requests: AtomicU32,
    /// Where DynamoDB is asked for them.
    units: Option<Mutex<Units>>,
    outcomes: Mutex<Outcomes>,
}

impl RequestMeter {
    /// A meter that asks for units, too.
    pub(super) fn with_units() -> Self {
        Self(Arc::new(Counts {
            units: Some(Mutex::default()),
            ..Counts::default()
        }))
    }

    pub(super) fn requests(&self) -> u32 {
        self.0.requests.load(Ordering::Relaxed)
    }

    pub(super) fn units(&self) -> Units {
        self.0
            .units
            .as_ref()
            .map(|units| *lock(units))
            .unwrap_or_default()
    }

    pub(super) fn outcomes(&self) -> Outcomes {
        *lock(&self.0.outcomes)
    }

    pub(super) fn count(&self, outcome: impl FnOnce(&mut Outcomes)) {
        outcome(&mut lock(&self.0.outcomes));
    }
}

fn lock<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Units {
    /// Adds what an operation consumed that only reads.
    fn read(&mut self, consumed: &ConsumedCapacity) {
        self.read += consumed.capacity_units.unwrap_or_default();
    }

    /// Adds what an operation consumed that only writes.
    fn write(&mut self, consumed: &ConsumedCapacity) {
        self.write += consumed.capacity_units.unwrap_or_default();
    }

    /// Adds what a transaction of writes consumed. One that is tried again after it was complete only reads.
    fn transact(&mut self, consumed: &ConsumedCapacity) {
        match (consumed.read_capacity_units, consumed.write_capacity_units) {
            (None, None) => self.write(consumed),
            (read, write) => {
                self.read += read.unwrap_or_default();
                self.write += write.unwrap_or_default();
            }
        }
    }
}

/// Each of the operations that the repository uses, with how its units are added.
macro_rules! for_each_operation {
    ($do:ident) => {
        $do! {
            BatchGetItemInput, BatchGetItemOutput, read;
            GetItemInput, GetItemOutput, read;
            PutItemInput, PutItemOutput, write;
            QueryInput, QueryOutput, read;
            TransactWriteItemsInput, TransactWriteItemsOutput, transact;
            UpdateItemInput, UpdateItemOutput, write;
        }
    };
}

impl Intercept for RequestMeter {
    fn name(&self) -> &'static str {
        "RequestMeter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.units.is_none() {
            return Ok(());
        }
        macro_rules! ask {
            ($($input:ty, $output:ty, $add:ident;)+) => {
                $(if let Some(input) = context.input_mut().downcast_mut::<$input>() {
                    input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
                })+
            };
        }
        for_each_operation!(ask);
        Ok(())
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

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some(units), Ok(output)) = (&self.0.units, context.output_or_error()) else {
            return Ok(());
        };
        let mut units = lock(units);
        macro_rules! add {
            ($($input:ty, $output:ty, $add:ident;)+) => {
                $(if let Some(output) = output.downcast_ref::<$output>() {
                    output.consumed_capacity().into_iter().for_each(|consumed| units.$add(consumed));
                })+
            };
        }
        for_each_operation!(add);
        Ok(())
    }
}
