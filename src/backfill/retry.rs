//! Retries with exponential backoff.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use crate::repository::RepositoryError;

/// How long to wait before the first retry, and twice as long before each further one.
const FIRST_DELAY: Duration = Duration::from_millis(500);
/// The last one waits 16 seconds, and is half a minute after the first attempt.
const RETRIES: usize = 6;

/// Retries while DynamoDB is throttling or unavailable: a run of hours should survive half a minute of that.
pub(super) async fn retry_with_backoff<T, F>(attempt: impl FnMut() -> F) -> Result<T, RepositoryError>
where
    F: Future<Output = Result<T, RepositoryError>>,
{
    let backoff = ExponentialBuilder::new()
        .with_min_delay(FIRST_DELAY)
        .with_max_times(RETRIES);
    attempt
        .retry(backoff)
        .when(|error| error.is_throttled() || error.is_unavailable())
        .await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn waiting_is_for_what_may_pass_and_longer_each_time() {
        let start = Instant::now();
        let attempts = Cell::new(0);
        let passing = retry_with_backoff(async || {
            attempts.update(|made| made + 1);
            match attempts.get() {
                1 => Err(RepositoryError::unprocessed(1)),
                2 => Err(RepositoryError::not_ready("Feedback")),
                made => Ok(made),
            }
        });
        assert_eq!(passing.await.unwrap(), 3);
        assert!(start.elapsed() >= 3 * FIRST_DELAY, "{:?}", start.elapsed());

        let is_second = Cell::new(false);
        let staying = retry_with_backoff(async || {
            assert!(!is_second.replace(true), "it will not pass");
            Err::<(), _>(RepositoryError::internal("refused".to_owned()))
        });
        staying.await.unwrap_err();
    }
}
