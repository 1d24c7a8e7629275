//! Reading items by their keys.

use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::future::try_join_all;

use super::table::Item;
use super::{FeedbackRepository, RepositoryError};

/// The most keys that one `BatchGetItem` takes (DynamoDB's limit).
pub const MAX_BATCH: usize = 100;
/// How often a batch whose keys all come back unprocessed is asked again before it is given up.
const MAX_FRUITLESS_RETRIES: u32 = 4;
/// How long to wait before the first such try; each further one waits twice as long.
const FIRST_BATCH_DELAY: Duration = Duration::from_millis(25);

impl FeedbackRepository {
    /// The items that have one of these keys, each of which is given once, in any order.
    ///
    /// ⌈n/100⌉ `BatchGetItem`, at once, strongly consistent. Keys that DynamoDB leaves unprocessed are asked for again.
    pub(super) async fn items(
        &self,
        keys: impl IntoIterator<Item = Item>,
    ) -> Result<Vec<Item>, RepositoryError> {
        let keys: Vec<Item> = keys.into_iter().collect();
        let batches = keys.chunks(MAX_BATCH).map(|batch| self.batch(batch.to_vec()));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    async fn batch(&self, mut wanted: Vec<Item>) -> Result<Vec<Item>, RepositoryError> {
        let mut found = Vec::with_capacity(wanted.len());
        let mut fruitless = 0;
        loop {
            let left = wanted.len();
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&*self.table, keys)
                .customize()
                .interceptor(self.meter.clone())
                .send()
                .await?;
            found.extend(
                answer
                    .responses
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, items)| items),
            );
            wanted = answer
                .unprocessed_keys
                .into_iter()
                .flatten()
                .flat_map(|(_, unprocessed)| unprocessed.keys)
                .collect();
            if wanted.is_empty() {
                return Ok(found);
            }
            // Progress resets the patience: an answer is also cut off at 16 MB, which is no trouble.
            if wanted.len() < left {
                fruitless = 0;
                continue;
            }
            if fruitless == MAX_FRUITLESS_RETRIES {
                return Err(RepositoryError::unprocessed(wanted.len()));
            }
            tokio::time::sleep(FIRST_BATCH_DELAY * 2_u32.pow(fruitless)).await;
            fruitless += 1;
        }
    }
}
