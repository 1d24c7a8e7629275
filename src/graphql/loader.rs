//! Loads feedback by id, in batches of all ids in an operation.

use std::collections::HashMap;
use std::sync::Arc;

use dataloader::BatchFn;
use dataloader::cached::Loader;

use crate::domain::{Clock, Feedback, FeedbackId};
use crate::repository::{FeedbackRepository, MAX_BATCH, RepositoryError};

/// The result for one id. An error is shared by all ids of a batch.
pub(super) type Loaded = Result<Option<Feedback>, Arc<RepositoryError>>;

/// Loads feedback by id, and caches it for one request.
pub(super) type FeedbackLoader = Loader<FeedbackId, Loaded, FeedbackBatch>;

pub(super) fn new(repository: FeedbackRepository, clock: Clock) -> FeedbackLoader {
    Loader::new(FeedbackBatch { repository, clock }).with_max_batch_size(MAX_BATCH)
}

pub(super) struct FeedbackBatch {
    repository: FeedbackRepository,
    clock: Clock,
}

impl BatchFn<FeedbackId, Loaded> for FeedbackBatch {
    /// Returns a value for every key: the loader panics if one is missing.
    async fn load(&mut self, ids: &[FeedbackId]) -> HashMap<FeedbackId, Loaded> {
        match self.repository.by_ids(ids, self.clock.now()).await {
            Ok(mut found) => ids.iter().map(|id| (*id, Ok(found.remove(id)))).collect(),
            Err(error) => {
                let error = Arc::new(error);
                ids.iter().map(|id| (*id, Err(Arc::clone(&error)))).collect()
            }
        }
    }
}
