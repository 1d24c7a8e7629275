//! Changes of triage, under a version.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextMut;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::domain::{
    Feedback, FeedbackId, Note, Status, Tag, Triage, TriageChange, TriageRule, TriageUpdate,
};
use feedback_graphql::repository::{FeedbackRepository, Triaging};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{Table, at, full_content, n, now, on_a_table, s, submit};
use crate::support::{NOW, content, watched};

/// A change that keeps the rules. `expected` is the version.
fn change(
    expected: Option<i64>,
    status: Option<Status>,
    [add, remove]: [&[&str]; 2],
    note: Option<&str>,
) -> TriageChange {
    let owned = |tags: &[&str]| -> Vec<String> { tags.iter().map(|&tag| tag.to_owned()).collect() };
    TriageChange::new(expected, status, &owned(add), &owned(remove), note).unwrap()
}

/// Resolves what has this version, or any.
fn resolution(expected: Option<i64>) -> TriageChange {
    change(expected, Some(Status::Resolved), [&[], &[]], None)
}

fn update(millis: u64) -> TriageUpdate {
    TriageUpdate {
        at: at(millis),
        by: "key test".to_owned(),
    }
}

async fn triage(
    repository: &FeedbackRepository,
    id: FeedbackId,
    change: &TriageChange,
    millis: u64,
) -> Triaging {
    repository.triage(id, change, &update(millis)).await.unwrap()
}

/// The feedback after a change that has to succeed.
#[track_caller]
fn changed(triaging: Triaging) -> Feedback {
    match triaging {
        Triaging::Changed(feedback) => feedback,
        refused @ Triaging::Refused(..) => panic!("not changed: {refused:?}"),
    }
}

/// The rule that a change broke, and the feedback as it was found.
#[track_caller]
fn refused(triaging: Triaging) -> (TriageRule, Option<Feedback>) {
    match triaging {
        Triaging::Refused(error, found) => (error.rule, found),
        changed @ Triaging::Changed(_) => panic!("not refused: {changed:?}"),
    }
}

fn tags(feedback: &Feedback) -> Vec<&str> {
    let triage = feedback.triage.as_ref().unwrap();
    triage.tags.iter().map(Tag::as_str).collect()
}

async fn read(repository: &FeedbackRepository, id: FeedbackId) -> Option<Feedback> {
    repository.by_ids(&[id], now()).await.unwrap().remove(&id)
}

/// The only item in the table.
async fn item(table: &Table) -> HashMap<String, AttributeValue> {
    let mut items = table.items().await;
    assert_eq!(items.len(), 1);
    items.remove(0)
}

#[tokio::test]
async fn each_change_is_there_at_once_and_leaves_the_rest_as_it_was() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        let submitted = submit(&repository, full_content("x"), NOW).await;
        assert_eq!(submitted.triage, Some(Triage::default()));
        let before = item(table).await;
        let mut versions = 1..;
        for (change, expected) in [
            (resolution(None), (Status::Resolved, vec![], None)),
            (
                change(
                    Some(1),
                    Some(Status::InProgress),
                    [&["ü", "b", "a"], &[]],
                    Some("one\ntwo 🌙"),
                ),
                (Status::InProgress, vec!["a", "b", "ü"], Some("one\ntwo 🌙")),
            ),
            (
                change(None, None, [&["b", "c"], &[]], None),
                (Status::InProgress, vec!["a", "b", "c", "ü"], Some("one\ntwo 🌙")),
            ),
            (
                change(None, None, [&[], &["c", "none"]], Some("")),
                (Status::InProgress, vec!["a", "b", "ü"], None),
            ),
            (
                change(Some(4), Some(Status::Open), [&["d"], &["a", "b"]], Some("three")),
                (Status::Open, vec!["d", "ü"], Some("three")),
            ),
            (
                change(Some(5), None, [&[], &["d", "ü"]], Some("")),
                (Status::Open, vec![], None),
            ),
        ] {
            let version = versions.next().unwrap();
            let millis = NOW + u64::from(version);
            let feedback = changed(triage(&repository, submitted.id, &change, millis).await);
            let found = feedback.triage.clone().unwrap();
            let note = found.note.as_ref().map(Note::as_str);
            assert_eq!((found.status, tags(&feedback), note), expected);
            assert_eq!((found.version, found.updated), (version, Some(update(millis))));
            assert_eq!(feedback.content, submitted.content);
            assert_eq!(read(&repository, submitted.id).await, Some(feedback));
        }
        // Nothing is left of tags and notes that were removed: a set is not empty.
        let mut after = item(table).await;
        for name in ["version", "triagedAt", "triagedBy"] {
            assert!(after.remove(name).is_some(), "{name}");
        }
        assert_eq!(after, before);
    })
    .await;
}

#[tokio::test]
async fn tags_are_kept_as_a_set_and_the_note_as_a_string() {
    on_a_table(async |table| {
        let repository = table.repository(1).await;
        let id = submit(&repository, content("x"), NOW).await.id;
        let change = change(None, None, [&["b", "a"], &[]], Some("y"));
        changed(triage(&repository, id, &change, NOW).await);
        let item = item(table).await;
        let AttributeValue::Ss(mut tags) = item["tags"].clone() else {
            panic!("{item:?}");
        };
        tags.sort();
        assert_eq!(tags, ["a", "b"]);
        assert_eq!((&item["note"], &item["version"]), (&s("y"), &n(1)));
        assert_eq!(
            (&item["status"], &item["triagedBy"]),
            (&s("OPEN"), &s("key test"))
        );
    })
    .await;
}

/// Has no item returned where the condition of an update fails, as older engines do.
#[derive(Debug)]
struct NothingReturned;

impl Intercept for NothingReturned {
    fn name(&self) -> &'static str {
        "NothingReturned"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(input) = context.input_mut().downcast_mut::<UpdateItemInput>() {
            input.return_values_on_condition_check_failure = None;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_refused_change_tells_what_is_there_whether_or_not_the_engine_returns_it() {
    on_a_table(async |table| {
        let silent = Table {
            client: watched(&table.client, NothingReturned),
            name: table.name.clone(),
            _engine: None,
        };
        for (table, requests) in [(table, 1), (&silent, 2)] {
            let repository = table.repository(1).await;
            let id = submit(&repository, content("x"), NOW).await.id;
            let first = changed(triage(&repository, id, &resolution(Some(0)), NOW + 1).await);
            for (change, rule) in [
                (resolution(Some(0)), TriageRule::VersionConflict),
                (resolution(Some(2)), TriageRule::VersionConflict),
                (resolution(Some(1)), TriageRule::NothingToChange),
                (resolution(None), TriageRule::NothingToChange),
            ] {
                let metered = repository.metered();
                let triaging = triage(&metered, id, &change, NOW + 2).await;
                assert_eq!(refused(triaging), (rule, Some(first.clone())));
                assert_eq!(metered.requests_made(), requests);
            }
            assert_eq!(read(&repository, id).await, Some(first));
        }
    })
    .await;
}

#[tokio::test]
async fn the_same_change_again_is_the_same_success_whether_or_not_the_engine_returns_what_is_there() {
    on_a_table(async |table| {
        let silent = watched(&table.client, NothingReturned);
        for client in [&table.client, &silent] {
            let repository = table.repository(1).await;
            let again = FeedbackRepository::new(client.clone(), &table.name, 1.try_into().unwrap());
            for change in [
                resolution(None),
                resolution(Some(0)),
                change(Some(0), None, [&["a"], &[]], Some("y")),
            ] {
                let id = submit(&repository, content("x"), NOW).await.id;
                let first = changed(triage(&repository, id, &change, NOW + 1).await);
                assert_eq!(changed(triage(&again, id, &change, NOW + 1).await), first);
                assert_eq!(read(&repository, id).await, Some(first));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_any_more_is_not_found_and_does_not_come_back() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        let deleted = submit(&repository, content("x"), NOW).await.id;
        assert!(repository.delete(deleted, now()).await.unwrap());
        let retaining = repository.clone().retaining_for(Some(Duration::from_mins(1)));
        let expired = submit(&retaining, content("x"), NOW).await.id;
        for id in [deleted, expired, FeedbackId::new(now())] {
            for change in [
                resolution(None),
                resolution(Some(0)),
                change(None, None, [&["a"], &["b"]], None),
            ] {
                let triaging = triage(&repository, id, &change, NOW + 60_000).await;
                assert_eq!(refused(triaging), (TriageRule::NotFound, None));
            }
        }
        let items = table.items().await;
        assert!(
            items
                .iter()
                .all(|item| item["feedbackId"] == s(&expired.to_string())),
            "{items:?}"
        );
        assert!(
            items.iter().all(|item| !item.contains_key("version")),
            "{items:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn no_more_than_sixteen_tags_fit_however_they_are_added() {
    on_a_table(async |table| {
        let repository = table.repository(1).await;
        let id = submit(&repository, content("x"), NOW).await.id;
        let names: Vec<String> = (0..17).map(|tag| format!("{tag:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let adding = |tags: &[&str]| change(None, None, [tags, &[]], None);
        changed(triage(&repository, id, &adding(&names[..15]), NOW + 1).await);
        // Of these, all but one are there.
        let feedback = changed(triage(&repository, id, &adding(&names[..16]), NOW + 2).await);
        assert_eq!(tags(&feedback), names[..16]);
        let (rule, found) = refused(triage(&repository, id, &adding(&names[16..]), NOW + 3).await);
        assert_eq!((rule, found), (TriageRule::TooMany, Some(feedback)));
        let swap = change(None, None, [&names[16..], &names[..1]], None);
        let feedback = changed(triage(&repository, id, &swap, NOW + 4).await);
        assert_eq!(tags(&feedback), names[1..]);
    })
    .await;
}

#[tokio::test]
async fn feedback_from_before_triage_gets_it_by_its_first_change() {
    on_a_table(async |table| {
        let repository = table.repository(1).await;
        for change in [
            resolution(None),
            resolution(Some(0)),
            change(Some(0), None, [&["a"], &["b"]], None),
            change(None, Some(Status::Open), [&[], &[]], None),
        ] {
            let id = Uuid::new_v4().to_string();
            let time = n(1_700_000_000);
            table
                .put([
                    ("feedbackId", s(&id)),
                    ("feedback", s("old")),
                    ("timestamp", time),
                ])
                .await;
            let id = FeedbackId::parse(&id).unwrap();
            assert_eq!(read(&repository, id).await.unwrap().triage, None);
            let early = triage(&repository, id, &resolution(Some(1)), NOW).await;
            assert_eq!(refused(early).0, TriageRule::VersionConflict);
            let feedback = changed(triage(&repository, id, &change, NOW).await);
            assert_eq!(feedback.triage.as_ref().unwrap().version, 1);
            assert_eq!(read(&repository, id).await, Some(feedback));
        }
    })
    .await;
}

#[tokio::test]
async fn of_changes_at_the_same_time_one_wins_each_version_and_no_update_is_lost() {
    on_a_table(async |table| {
        let repository = table.repository(1).await;
        let id = submit(&repository, content("x"), NOW).await.id;
        for version in 0..3 {
            let changes = (0..50).map(|writer| {
                let note = format!("{version} {writer}");
                let change = change(Some(version), None, [&[], &[]], Some(&note));
                let repository = &repository;
                async move { triage(repository, id, &change, NOW + writer).await }
            });
            let mut won = Vec::new();
            let mut lost = Vec::new();
            for triaging in join_all(changes).await {
                match triaging {
                    Triaging::Changed(feedback) => won.push(feedback),
                    refusal @ Triaging::Refused(..) => lost.push(refused(refusal)),
                }
            }
            assert_eq!((won.len(), lost.len()), (1, 49));
            assert_eq!(read(&repository, id).await.as_ref(), Some(&won[0]));
            for (rule, found) in lost {
                assert_eq!(
                    (rule, found.as_ref()),
                    (TriageRule::VersionConflict, Some(&won[0]))
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn tags_that_are_added_and_removed_at_the_same_time_without_a_version_are_all_kept() {
    on_a_table(async |table| {
        let repository = table.repository(1).await;
        let id = submit(&repository, content("x"), NOW).await.id;
        let old = change(None, None, [&["old 0", "old 1", "old 2"], &[]], None);
        changed(triage(&repository, id, &old, NOW).await);
        let changes = (0..12).map(|writer| {
            let (new, old) = (format!("new {writer:02}"), format!("old {writer}"));
            let removed: &[&str] = if writer < 3 { &[&old] } else { &[] };
            let change = change(None, None, [&[&new], removed], None);
            let repository = &repository;
            async move { changed(triage(repository, id, &change, NOW + writer).await) }
        });
        join_all(changes).await;
        let feedback = read(&repository, id).await.unwrap();
        let expected: Vec<String> = (0..12).map(|writer| format!("new {writer:02}")).collect();
        assert_eq!(tags(&feedback), expected);
        assert_eq!(feedback.triage.unwrap().version, 13);
    })
    .await;
}
