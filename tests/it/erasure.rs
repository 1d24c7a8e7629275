//! Erasing a person, and deleting many pieces at once.

use std::time::Duration;

use feedback_graphql::domain::{
    Content, EmailAddress, FeedbackId, IdempotencyKey, NewFeedback, Person, Timestamp,
};
use feedback_graphql::http::Options;
use feedback_graphql::repository::{Erasure, Indexes, Submission};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::lagging::{Event, Lagging};
use crate::support::{NOW, Server, Store, content, on};

const DAY: u64 = 24 * 60 * 60 * 1_000;

fn by(email: &str) -> Content {
    Content {
        email: Some(EmailAddress::parse(email).unwrap()),
        ..content("x")
    }
}

async fn erase(server: &Server, email: &str) -> Value {
    let erase = "mutation($email: String!) {
        erasePerson(input: { email: $email }) { erasedCount isComplete userErrors { field code message } }
    }";
    let mut data = server.data(erase, json!({ "email": email })).await;
    data["erasePerson"].take()
}

async fn total(server: &Server) -> Value {
    let query = "{ feedbackStatistics(from: \"2026-01-01\", to: \"2026-03-02\") { total isComplete } }";
    let data = server.data(query, json!({})).await;
    assert_eq!(data["feedbackStatistics"]["isComplete"], true);
    data["feedbackStatistics"]["total"].clone()
}

#[tokio::test]
async fn all_of_a_persons_feedback_is_erased_by_repeated_calls_and_nobody_elses() {
    let server = Server::with(Store::with_shards(4).await, Options::default()).await;
    let store = &server.store;
    let spellings = ["sam@example.org", "Sam@Example.org", "SAM@EXAMPLE.ORG"];
    for number in 0..350 {
        let at = NOW - number % 7 * DAY + number;
        store
            .submit_content(by(spellings[usize::try_from(number % 3).unwrap()]), at)
            .await;
        if number % 10 == 0 {
            store.submit_content(by("ana@example.org"), at).await;
            store.submit("nobody's", at).await;
        }
    }
    assert_eq!(total(&server).await, 420);
    let mut erased = Vec::new();
    for call in 0.. {
        let payload = erase(&server, "sAm@example.org").await;
        assert_eq!(payload["userErrors"], json!([]));
        erased.push(payload["erasedCount"].as_u64().unwrap());
        if payload["isComplete"] == true {
            break;
        }
        if call < 3 {
            store
                .submit_content(by("sam@example.org"), NOW + 1_000 + call)
                .await;
        }
    }
    assert_eq!(erased, [100, 100, 100, 53], "three came in between");
    assert_eq!(erase(&server, "sam@example.org").await["erasedCount"], 0);
    let left: Vec<Value> = store.items().await;
    let of_ana = left.iter().filter(|item| item["email"] == "ana@example.org");
    assert_eq!((left.len(), of_ana.count()), (70, 35));
    assert_eq!(total(&server).await, 70);
    let listed = "{ feedbacks(filter: { email: \"sam@example.org\" }) { nodes { id } count { value } } }";
    let expected = json!({ "nodes": [], "count": { "value": 0 } });
    assert_eq!(server.data(listed, json!({})).await["feedbacks"], expected);
}

#[tokio::test]
async fn a_hundred_pieces_of_one_day_are_erased_in_one_call() {
    let server = Server::start().await;
    for number in 0..100 {
        server
            .store
            .submit_content(by("sam@example.org"), NOW + number)
            .await;
    }
    let expected = json!({ "erasedCount": 100, "isComplete": false, "userErrors": [] });
    assert_eq!(erase(&server, "sam@example.org").await, expected);
    let expected = json!({ "erasedCount": 0, "isComplete": true, "userErrors": [] });
    assert_eq!(erase(&server, "sam@example.org").await, expected);
}

#[tokio::test]
async fn feedback_that_has_expired_is_erased_while_dynamodb_still_holds_it() {
    let store = Store::new().await;
    let retaining = store
        .repository
        .clone()
        .retaining_for(Some(Duration::from_mins(1)));
    let server = Server::with(
        Store {
            repository: retaining,
            ..store
        },
        Options::default(),
    )
    .await;
    server.store.submit_content(by("sam@example.org"), NOW).await;
    server.at_later_time();
    assert_eq!(erase(&server, "sam@example.org").await["erasedCount"], 1);
    assert_eq!(server.store.items().await, [] as [Value; 0]);
}

#[tokio::test]
async fn what_is_no_email_address_is_a_user_error() {
    let server = Server::start().await;
    for email in ["sam", "", "Sam <sam@example.org>"] {
        let payload = erase(&server, email).await;
        assert_eq!(
            (&payload["erasedCount"], &payload["isComplete"]),
            (&json!(0), &json!(false))
        );
        assert_eq!(payload["userErrors"][0]["field"], json!(["email"]));
        assert_eq!(payload["userErrors"][0]["code"], "INVALID_EMAIL");
    }
}

#[tokio::test]
async fn without_the_index_of_persons_nothing_is_erased_and_the_error_says_how_to_have_it() {
    let erase = "mutation { erasePerson(input: { email: \"sam@example.org\" }) { isComplete } }";
    let message = "the index `person` is missing: add `person` to FEEDBACK_INDEXES, in the template to `Indexes`; if it \
                   was added just now, wait until DynamoDB has built it";
    // Not configured, and configured but not there.
    let not_configured = Store::new().await.without_indexes();
    let not_there = Store::with_table(1, &Indexes::default()).await;
    for store in [not_configured, not_there] {
        store.submit_content(by("sam@example.org"), NOW).await;
        let server = Server::with(store, Options::default()).await;
        let error = server.error(erase, json!({})).await;
        assert_eq!(
            (&error["message"], &error["extensions"]["code"]),
            (&json!(message), &json!("INDEX_MISSING"))
        );
        assert_eq!(server.store.items().await.len(), 1);
    }
}

#[tokio::test]
async fn what_an_index_shows_of_a_person_who_is_gone_does_not_cost_another_one_theirs() {
    let store = Store::new().await;
    let lagging = Lagging::start(store.engine.endpoint()).await;
    let function = lagging.function().await;
    let repository = on(&function.client, 1).await;
    let at = |millis| Timestamp::from_millis(millis).unwrap();
    let submit = async |email: &str, millis| {
        let new = NewFeedback {
            idempotency_key: Some(IdempotencyKey::parse("planted-key".to_owned()).unwrap()),
            ..by(email).into()
        };
        let id = new.id(at(millis));
        match repository.submit(new, id, at(millis)).await.unwrap() {
            Submission::Stored(feedback) => feedback.id,
            other => panic!("{other:?}"),
        }
    };
    let id = submit("sam@example.org", NOW).await;
    lagging.set_lag(60_000);
    assert!(repository.delete(id, at(NOW + 1)).await.unwrap());
    assert_eq!(submit("ana@example.org", NOW + 2).await, id);
    let sam = Person::of(&EmailAddress::parse("sam@example.org").unwrap());
    let erasure = repository.erase(&sam, at(NOW + 3)).await.unwrap();
    assert_eq!(
        erasure,
        Erasure {
            count: 0,
            is_complete: true
        }
    );
    let left = repository.by_ids(&[id], at(NOW + 3)).await.unwrap();
    assert_eq!(left[&id].content, by("ana@example.org"));
}

#[tokio::test]
async fn what_takes_the_place_of_a_persons_feedback_while_it_is_erased_stays() {
    let store = Store::new().await;
    let lagging = Lagging::start(store.engine.endpoint()).await;
    let (one, other) = (lagging.function().await, lagging.function().await);
    let repository = on(&one.client, 1)
        .await
        .retaining_for(Some(Duration::from_mins(1)));
    let at = |millis| Timestamp::from_millis(millis).unwrap();
    let new = |email: &str| NewFeedback {
        idempotency_key: Some(IdempotencyKey::parse("planted-key".to_owned()).unwrap()),
        ..by(email).into()
    };
    let id = new("sam@example.org").id(at(NOW));
    repository
        .submit(new("sam@example.org"), id, at(NOW))
        .await
        .unwrap();
    // It has expired, so that the key is free.
    let later = at(NOW + DAY);
    for request in 0..4 {
        let (ana, other) = (new("ana@example.org"), on(&other.client, 1).await);
        let submission = async move { drop(other.submit(ana, id, later).await.unwrap()) };
        one.let_happen(request, Event::Interrupted(Box::pin(submission)));
        let sam = Person::of(&EmailAddress::parse("sam@example.org").unwrap());
        repository.erase(&sam, later).await.unwrap();
        let left = repository.by_ids(&[id], later).await.unwrap();
        assert_eq!(left[&id].content, by("ana@example.org"), "request {request}");
        // As it was.
        assert!(repository.delete(id, later).await.unwrap());
        repository
            .submit(new("sam@example.org"), id, at(NOW))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn many_deletions_at_once_are_all_made_and_all_counted() {
    let server = Server::with(Store::with_shards(4).await, Options::default()).await;
    let mut ids: Vec<FeedbackId> = Vec::new();
    for number in 0..40 {
        ids.push(server.store.submit("x", NOW - DAY + number).await.id);
    }
    server.store.submit("kept", NOW - DAY).await;
    assert_eq!(total(&server).await, 41);
    let delete = "mutation($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }";
    let deletions = ids
        .iter()
        .map(|id| server.data(delete, json!({ "id": id.to_string() })));
    for (id, data) in ids.iter().zip(join_all(deletions).await) {
        assert_eq!(data["deleteFeedback"]["deletedFeedbackId"], id.to_string());
    }
    assert_eq!(server.store.items().await.len(), 1);
    assert_eq!(total(&server).await, 1);
}
