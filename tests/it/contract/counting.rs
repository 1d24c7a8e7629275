//! Counts, and what takes feedback out of them.

use feedback_graphql::domain::{Content, Date, EmailAddress, Filter, Person, Timestamp};
use feedback_graphql::repository::{Count, Indexes};

use super::{at, eventually, on_a_table, submit};
use crate::support::{NOW, content};

const MINUTE: u64 = 60_000;

#[tokio::test]
async fn what_is_deleted_or_erased_leaves_the_counts_before_and_after_it_is_in_a_tally() {
    on_a_table(async |table| {
        let repository = table.repository(4).await.with_indexes(Indexes::all());
        let date = Date::of(at(NOW));
        let total = async |now: Timestamp| {
            let repository = repository.metered();
            let statistics = repository.statistics(date, date, None, now).await.unwrap();
            assert!(statistics.is_complete);
            statistics.counts.total()
        };
        let email = EmailAddress::parse("sam@example.org").unwrap();
        let mut expected = 0;
        let mut counted = None;
        for millis in [NOW, NOW + 3 * MINUTE, NOW + 6 * MINUTE] {
            let by_sam = Content {
                email: Some(email.clone()),
                ..content("x")
            };
            submit(&repository, by_sam, millis).await;
            let deleted = submit(&repository, content("deleted"), millis).await;
            let next = submit(&repository, content("deleted later"), millis).await;
            expected += 3;
            eventually(async || total(at(millis)).await, expected).await;
            for feedback in [Some(deleted), counted.replace(next)].into_iter().flatten() {
                assert!(repository.delete(feedback.id, at(millis)).await.unwrap());
                assert!(!repository.delete(feedback.id, at(millis)).await.unwrap());
                expected -= 1;
            }
            assert_eq!(total(at(millis)).await, expected);
        }
        let later = at(NOW + 9 * MINUTE);
        let count = async || {
            repository
                .count_listed(&Filter::default(), 100, later)
                .await
                .unwrap()
        };
        eventually(
            count,
            Count {
                value: 4,
                is_exact: true,
            },
        )
        .await;
        let mut erased = 0;
        while erased < 3 {
            erased += repository.erase(&Person::of(&email), later).await.unwrap().count;
        }
        assert_eq!((erased, total(later).await), (3, 1));
        eventually(
            count,
            Count {
                value: 1,
                is_exact: true,
            },
        )
        .await;
    })
    .await;
}
