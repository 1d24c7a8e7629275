//! Submitting: what is stored once and only once.

use std::time::Duration;

use feedback_graphql::domain::{Content, IdempotencyKey, NewFeedback};
use feedback_graphql::repository::Submission;
use futures_util::future::join_all;

use super::{at, full_content, now, on_a_table, submit};
use crate::support::{NOW, content, stored};

fn keyed(content: Content) -> NewFeedback {
    NewFeedback {
        idempotency_key: IdempotencyKey::parse("the key of the test".to_owned()).ok(),
        ..content.into()
    }
}

#[tokio::test]
async fn the_same_request_again_is_the_same_success() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        for content in [content("x"), full_content("everything")] {
            let new = NewFeedback::from(content);
            let id = new.id(now());
            let first = repository.submit(new.clone(), id, now()).await.unwrap();
            let again = repository.submit(new, id, now()).await.unwrap();
            assert!(matches!(again, Submission::Stored(_)));
            assert_eq!(again, first);
        }
        assert_eq!(table.items().await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_id_that_is_taken_keeps_its_feedback() {
    on_a_table(async |table| {
        let repository = table.repository(1).await;
        let first = submit(&repository, content("first"), NOW).await;
        let other = content("other").into();
        let error = repository.submit(other, first.id, now()).await.unwrap_err();
        assert!(!error.is_throttled() && !error.is_unavailable(), "{error}");
        let found = repository.by_ids(&[first.id], now()).await.unwrap();
        assert_eq!(found.into_values().collect::<Vec<_>>(), [first]);
    })
    .await;
}

#[tokio::test]
async fn the_same_key_with_the_same_content_returns_the_first_feedback() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        let new = keyed(full_content("first"));
        let id = new.id(now());
        let first = stored(repository.submit(new.clone(), id, now()).await.unwrap());
        let again = repository.submit(new, id, at(NOW + 5_000)).await.unwrap();
        assert_eq!(again, Submission::Replayed(first));
        let other = repository
            .submit(keyed(content("other")), id, now())
            .await
            .unwrap();
        assert_eq!(other, Submission::KeyReused);
        assert_eq!(table.items().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn parallel_submissions_with_one_key_store_one_item() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        let new = keyed(content("once"));
        let id = new.id(now());
        let submissions = (0..64).map(|number| repository.submit(new.clone(), id, at(NOW + number)));
        let submissions = join_all(submissions).await.into_iter().map(Result::unwrap);
        let (mut stored, mut replayed) = (Vec::new(), Vec::new());
        for submission in submissions {
            match submission {
                Submission::Stored(feedback) => stored.push(feedback),
                Submission::Replayed(feedback) => replayed.push(feedback),
                Submission::KeyReused => panic!("the content is the same"),
            }
        }
        assert_eq!((stored.len(), replayed.len()), (1, 63));
        assert!(replayed.iter().all(|feedback| *feedback == stored[0]));
        assert_eq!(table.items().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_key_whose_feedback_has_expired_is_free_again() {
    on_a_table(async |table| {
        let repository = table
            .repository(1)
            .await
            .retaining_for(Some(Duration::from_mins(1)));
        let new = keyed(content("first"));
        let id = new.id(now());
        stored(repository.submit(new, id, now()).await.unwrap());
        let later = at(NOW + 60_000);
        let second = stored(
            repository
                .submit(keyed(content("second")), id, later)
                .await
                .unwrap(),
        );
        let found = repository.by_ids(&[id], later).await.unwrap();
        assert_eq!(found.into_values().collect::<Vec<_>>(), [second]);
    })
    .await;
}
