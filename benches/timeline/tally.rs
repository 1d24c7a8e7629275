//! Counts what the service asks of DynamoDB, and what DynamoDB says it consumed.
//!
//! The service itself asks only its `Query` what they consume. So the client that it is given here adds that question
//! to all of its requests and notes the answers. Nothing else about the requests is changed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemInput, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};

/// What was asked, and what it cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cost {
    /// Requests as they left, by operation.
    pub requests: BTreeMap<String, u32>,
    /// Items that DynamoDB examined for `Query`: before any filter.
    pub examined: u32,
    /// Capacity units, of the table and its indexes together.
    pub units: f64,
    /// Of these, those that were written.
    pub written: f64,
}

impl Cost {
    /// Requests of all operations.
    pub fn all_requests(&self) -> u32 {
        self.requests.values().sum()
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = self
            .requests
            .iter()
            .map(|(operation, count)| format!("{count} `{operation}`"));
        formatter.write_str(&operations.collect::<Vec<_>>().join(", "))
    }
}

/// A running count. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Cost>>);

/// The same client, with this looking at all that it asks.
pub fn watched(client: &Client, watcher: impl Intercept + 'static) -> Client {
    Client::from_conf(client.config().to_builder().interceptor(watcher).build())
}

impl Tally {
    /// The same client, with everything it asks counted here.
    pub fn of(&self, client: &Client) -> Client {
        watched(client, self.clone())
    }

    /// What was counted since the last call.
    pub fn take(&self) -> Cost {
        self.with(std::mem::take)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Cost) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for Tally {
    fn name(&self) -> &'static str {
        "Tally"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (input, total) = (context.input_mut(), Some(ReturnConsumedCapacity::Total));
        if let Some(query) = input.downcast_mut::<QueryInput>() {
            query.return_consumed_capacity = total;
        } else if let Some(get) = input.downcast_mut::<BatchGetItemInput>() {
            get.return_consumed_capacity = total;
        } else if let Some(put) = input.downcast_mut::<PutItemInput>() {
            put.return_consumed_capacity = total;
        } else if let Some(delete) = input.downcast_mut::<DeleteItemInput>() {
            delete.return_consumed_capacity = total;
        } else if let Some(get) = input.downcast_mut::<GetItemInput>() {
            get.return_consumed_capacity = total;
        } else if let Some(update) = input.downcast_mut::<UpdateItemInput>() {
            update.return_consumed_capacity = total;
        } else if let Some(transaction) = input.downcast_mut::<TransactWriteItemsInput>() {
            transaction.return_consumed_capacity = total;
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target");
        let operation = target.and_then(|target| target.split_once('.'));
        let (_, operation) = operation.ok_or("a request without an operation")?;
        self.with(|cost| *cost.requests.entry(operation.to_owned()).or_default() += 1);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else {
            return Ok(());
        };
        let (mut examined, mut is_write) = (0, true);
        let mut consumed: Vec<&ConsumedCapacity> = Vec::new();
        if let Some(query) = output.downcast_ref::<QueryOutput>() {
            (examined, is_write) = (u32::try_from(query.scanned_count)?, false);
            consumed.extend(&query.consumed_capacity);
        } else if let Some(got) = output.downcast_ref::<BatchGetItemOutput>() {
            is_write = false;
            consumed.extend(got.consumed_capacity());
        } else if let Some(put) = output.downcast_ref::<PutItemOutput>() {
            consumed.extend(&put.consumed_capacity);
        } else if let Some(deleted) = output.downcast_ref::<DeleteItemOutput>() {
            consumed.extend(&deleted.consumed_capacity);
        } else if let Some(got) = output.downcast_ref::<GetItemOutput>() {
            is_write = false;
            consumed.extend(&got.consumed_capacity);
        } else if let Some(updated) = output.downcast_ref::<UpdateItemOutput>() {
            consumed.extend(&updated.consumed_capacity);
        } else if let Some(written) = output.downcast_ref::<TransactWriteItemsOutput>() {
            consumed.extend(written.consumed_capacity());
        }
        if consumed.is_empty() {
            return Err("an answer that does not tell what it consumed".into());
        }
        let units = consumed
            .iter()
            .filter_map(|consumed| consumed.capacity_units)
            .sum::<f64>();
        self.with(|cost| {
            cost.examined += examined;
            cost.units += units;
            if is_write {
                cost.written += units;
            }
        });
        Ok(())
    }
}
