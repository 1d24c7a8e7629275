//! Counting what a client submits: exactly, whoever counts.

use std::collections::BTreeSet;

use feedback_graphql::domain::{ClientAddress, Submitter};
use feedback_graphql::repository::ClientLimit;
use futures_util::future::{join_all, try_join_all};

use super::{PATIENCE, at, now, on_a_table};
use crate::support::NOW;

#[tokio::test]
async fn functions_at_the_same_time_count_each_submission_of_a_client_once() {
    on_a_table(async |table| {
        let limit = ClientLimit {
            patience: PATIENCE,
            ..ClientLimit::default()
        };
        let functions = join_all((0..4).map(|_| table.repository(1))).await;
        let functions = functions
            .into_iter()
            .map(|one| one.limiting_clients(limit).counting_clients());
        let functions: Vec<_> = functions.collect();
        for address in ["203.0.113.7", "2001:db8::1"] {
            let client = Submitter::Client(ClientAddress::parse(address).unwrap());
            let submissions = functions
                .iter()
                .cycle()
                .take(20)
                .map(|one| one.admit(client, now()));
            let counts: BTreeSet<Option<u32>> =
                try_join_all(submissions).await.unwrap().into_iter().collect();
            assert_eq!(counts, (1..=20).map(Some).collect(), "{address}");
            let next_hour = at(NOW + 60 * 60 * 1_000);
            assert_eq!(functions[0].admit(client, next_hour).await, Ok(Some(1)));
        }
    })
    .await;
}
