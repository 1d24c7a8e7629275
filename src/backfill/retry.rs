//! Retries with exponential backoff.

use std::time::Duration;

use tokio::time::sleep;

use crate::repository::RepositoryError;

/// How long to wait before the first retry, and twice as long before each further one.
const FIRST_DELAY: Duration = Duration::from_millis(500);
/// After a wait as long as this it is not retried any more.
const LAST_DELAY: Duration = Duration::from_secs(16);

/// Retries for as long as DynamoDB is throttling or unavailable, about half a minute at most: a run of hours should
/// survive that.
pub(super) async fn retry_with_backoff<T>(
    attempt: impl AsyncFn() -> Result<T, RepositoryError>,
) -> Result<T, RepositoryError> {
    let mut delay = FIRST_DELAY;
    loop {
        match attempt().await {
            Err(error) if (error.is_throttled() || error.is_unavailable()) && delay <= LAST_DELAY => {
                sleep(delay).await;
                delay *= 2;
            }
            result => return result,
        }
    }
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
