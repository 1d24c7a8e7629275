//! Pages of the listing and of the quarantine against a list that is sorted and filtered in memory, whatever the shards,
//! the indexes, the order and the direction.

use std::collections::BTreeSet;

use feedback_graphql::domain::{
    Content, EmailAddress, Feedback, NewFeedback, Rating, Signals, Status, Timestamp, Topic, TriageChange,
};
use feedback_graphql::repository::{FeedbackRepository, Index, Indexes};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::page;
use crate::support::{NOW, Store, content, on};

/// A listing, as a sorted list in memory has it.
pub struct Oracle {
    pub feedback: Vec<Feedback>,
    pub order: &'static str,
    pub filter: OracleFilter,
    /// Whether it is the listing of the quarantine.
    pub quarantined: bool,
}

#[derive(Debug, Clone, Default)]
pub struct OracleFilter {
    from: Option<u64>,
    to: Option<u64>,
    topic: Option<&'static str>,
    min: Option<u8>,
    max: Option<u8>,
    statuses: Vec<Status>,
    tag: Option<&'static str>,
    person: Option<&'static str>,
}

impl OracleFilter {
    fn holds(&self, feedback: &Feedback) -> bool {
        let Content { topic, rating, .. } = &feedback.content;
        let topic = topic.as_ref().map(Topic::as_str);
        let time = feedback.submitted_at.as_millis();
        let rated = |bound: Option<u8>, holds: fn(u8, u8) -> bool| {
            bound.is_none_or(|bound| rating.is_some_and(|rating| holds(rating.get(), bound)))
        };
        self.from.is_none_or(|from| time >= from)
            && self.to.is_none_or(|to| time < to)
            && self.topic.is_none_or(|wanted| topic == Some(wanted))
            && rated(self.min, |rating, min| rating >= min)
            && rated(self.max, |rating, max| rating <= max)
            && self.holds_triage(feedback)
            && self.person.is_none_or(|wanted| {
                let email = feedback.content.email.as_ref();
                email.is_some_and(|email| email.as_str().eq_ignore_ascii_case(wanted))
            })
    }

    fn holds_triage(&self, feedback: &Feedback) -> bool {
        let Some(triage) = &feedback.triage else {
            return self.statuses.is_empty() && self.tag.is_none();
        };
        let has_tag = |wanted| triage.tags.iter().any(|tag| tag.as_str() == wanted);
        (self.statuses.is_empty() || self.statuses.contains(&triage.status)) && self.tag.is_none_or(has_tag)
    }

    fn input(&self) -> Value {
        let time = |millis: u64| {
            let millis = Timestamp::from_millis(millis).unwrap();
            json!(millis.to_string())
        };
        let statuses: Vec<&str> = self.statuses.iter().map(|status| status.as_str()).collect();
        let fields = [
            ("submittedFrom", self.from.map(time)),
            ("submittedTo", self.to.map(time)),
            ("topic", self.topic.map(Value::from)),
            ("minRating", self.min.map(Value::from)),
            ("maxRating", self.max.map(Value::from)),
            ("status", (!statuses.is_empty()).then(|| json!(statuses))),
            ("tag", self.tag.map(Value::from)),
            ("email", self.person.map(Value::from)),
        ];
        let given = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

impl Oracle {
    fn listing(&self) -> Vec<String> {
        let mut held: Vec<&Feedback> = self
            .feedback
            .iter()
            .filter(|one| one.quarantine.is_some() == self.quarantined && self.filter.holds(one))
            .collect();
        held.sort_by_key(|feedback| feedback.position());
        if self.order == "NEWEST_FIRST" {
            held.reverse();
        }
        held.into_iter()
            .map(|feedback| feedback.content.message.clone().into())
            .collect()
    }

    fn variables(&self, arguments: Value) -> Value {
        let filter = self.filter.input();
        let mut variables = json!({ "order": self.order, "filter": filter, "quarantined": self.quarantined });
        let Value::Object(arguments) = arguments else {
            unreachable!()
        };
        variables.as_object_mut().unwrap().extend(arguments);
        variables
    }
}

/// Pages through with `first` and `after`, and back again with `last` and `before`; each page has to say
/// exactly what the oracle does. Each is read by the next of the repositories: whatever indexes they have, a cursor of
/// one is good for the other.
pub async fn follow(readers: &[FeedbackRepository], oracle: &Oracle, size: usize) {
    let mut readers = readers.iter().cycle();
    let mut page = |variables| page(readers.next().unwrap(), variables);
    let listing = oracle.listing();
    let mut cursors: Vec<String> = Vec::new();
    loop {
        let begin = cursors.len();
        let arguments = json!({ "first": size, "after": cursors.last() });
        let page = page(oracle.variables(arguments)).await;
        let end = (begin + size).min(listing.len());
        assert_eq!(page.messages, listing[begin..end]);
        assert_eq!(page.has_next, end < listing.len());
        assert_eq!(page.has_previous, begin > 0);
        assert_eq!(page.start.as_ref(), page.cursors.first());
        assert_eq!(page.end.as_ref(), page.cursors.last());
        cursors.extend(page.cursors);
        if !page.has_next {
            break;
        }
    }
    assert_eq!(cursors.len(), listing.len());
    assert_eq!(cursors.iter().collect::<BTreeSet<_>>().len(), cursors.len());

    let mut end = listing.len();
    loop {
        let before = cursors.get(end);
        let page = page(oracle.variables(json!({ "last": size, "before": before }))).await;
        let begin = end.saturating_sub(size);
        assert_eq!(page.messages, listing[begin..end]);
        assert_eq!(page.cursors, cursors[begin..end]);
        assert_eq!(page.has_previous, begin > 0);
        assert_eq!(page.has_next, before.is_some());
        end = begin;
        if !page.has_previous {
            break;
        }
    }
    assert_eq!(end, 0);
}

/// A stretch between two cursors, from either end.
async fn cut(reader: &FeedbackRepository, oracle: &Oracle, size: usize, one: usize, other: usize) {
    let listing = oracle.listing();
    let all = page(reader, oracle.variables(json!({ "first": 100 }))).await;
    if all.cursors.is_empty() {
        return;
    }
    let (one, other) = (one % listing.len(), other % listing.len());
    let (after, before) = (&all.cursors[one], &all.cursors[other]);
    let inside = listing.get(one + 1..other).unwrap_or_default();

    let first = page(
        reader,
        oracle.variables(json!({ "first": size, "after": after, "before": before })),
    )
    .await;
    assert_eq!(first.messages, inside[..size.min(inside.len())]);
    assert_eq!(first.has_next, inside.len() > size);
    assert!(
        first.has_previous,
        "the item of the cursor itself precedes the page"
    );

    let last = page(
        reader,
        oracle.variables(json!({ "last": size, "after": after, "before": before })),
    )
    .await;
    assert_eq!(last.messages, inside[inside.len().saturating_sub(size)..]);
    assert_eq!(last.has_previous, inside.len() > size);
    assert!(last.has_next, "the item of the cursor itself follows the page");
}

#[derive(Debug, Clone)]
struct Piece {
    millis: u64,
    topic: Option<&'static str>,
    rating: Option<u8>,
    email: Option<&'static str>,
    status: Option<Status>,
    tag: Option<&'static str>,
    is_trapped: bool,
}

#[derive(Debug, Clone)]
struct Case {
    shards: u32,
    raised_to: u32,
    feedback: Vec<Piece>,
    /// The indexes that are read, one set after the other.
    indexes: Vec<Indexes>,
    newest_first: bool,
    filter: OracleFilter,
    quarantined: bool,
    size: usize,
    cut: (usize, usize),
}

fn any_case() -> impl Strategy<Value = Case> {
    let topic = prop::option::of(prop::sample::select(vec!["search", "checkout"]));
    let rating = prop::option::of(1..=5_u8);
    // Few different times, so that there are ties.
    let email = prop::option::of(prop::sample::select(vec![
        "sam@example.org",
        "Sam@Example.org",
        "jo@example.org",
    ]));
    let status = prop::sample::select(Status::ALL);
    let tag = prop::option::of(prop::sample::select(vec!["urgent", "idea"]));
    let piece = (
        0..12_u64,
        topic.clone(),
        rating.clone(),
        email.clone(),
        prop::option::of(status.clone()),
        tag.clone(),
        any::<bool>(),
    );
    let piece = piece.prop_map(|(millis, topic, rating, email, status, tag, is_trapped)| Piece {
        millis,
        topic,
        rating,
        email,
        status,
        tag,
        is_trapped,
    });
    let feedback = prop::collection::vec(piece, 0..60);
    let indexes = prop::collection::vec(
        prop::sample::subsequence(Index::ALL.to_vec(), 0..=Index::ALL.len()),
        1..4,
    );
    let indexes = indexes.prop_map(|sets| sets.into_iter().map(Indexes::from_iter).collect());
    let bounds = (prop::option::of(0..13_u64), prop::option::of(0..13_u64));
    let filter = (
        bounds,
        prop::option::weighted(0.3, topic),
        prop::option::weighted(0.3, rating),
        prop::option::weighted(0.4, prop::collection::vec(status, 1..4)),
        prop::option::weighted(0.2, tag),
        prop::option::weighted(0.2, email),
    );
    let filter = filter.prop_map(|((from, to), topic, rating, statuses, tag, email)| {
        let swapped = from.zip(to).is_some_and(|(from, to)| from > to);
        let (from, to) = if swapped { (to, from) } else { (from, to) };
        let rating = rating.flatten();
        OracleFilter {
            from: from.map(|millis| NOW + millis),
            to: to.map(|millis| NOW + millis),
            topic: topic.flatten(),
            min: rating.filter(|rating| rating % 2 == 0),
            max: rating.filter(|rating| rating % 2 == 1),
            statuses: statuses.unwrap_or_default(),
            tag: tag.flatten(),
            person: email.flatten(),
        }
    });
    let size = prop_oneof![1..8_usize, 8..=100_usize];
    (
        1..=16_u32,
        0..=8_u32,
        feedback,
        indexes,
        any::<bool>(),
        (filter, prop::bool::weighted(0.3)),
        size,
        any::<(u16, u16)>(),
    )
        .prop_map(
            |(shards, more, feedback, indexes, newest_first, (filter, quarantined), size, (one, other))| {
                Case {
                    shards,
                    raised_to: (shards + more).min(16),
                    feedback,
                    indexes,
                    newest_first,
                    filter,
                    quarantined,
                    size,
                    cut: (one.into(), other.into()),
                }
            },
        )
}

impl Piece {
    /// Submits it, and triages it if it has anything but what it starts with.
    async fn store(self, store: &Store, index: usize) -> Feedback {
        let content = Content {
            topic: self.topic.map(|topic| Topic::parse(topic).unwrap()),
            rating: self.rating.map(|rating| Rating::parse(rating.into()).unwrap()),
            email: self.email.map(|email| EmailAddress::parse(email).unwrap()),
            ..content(&format!("#{index}"))
        };
        let signals = Signals {
            trap: self.is_trapped.then(|| "x".to_owned()),
            ..Signals::default()
        };
        let new = NewFeedback {
            signals,
            ..content.into()
        };
        let submitted = store.submit_new(new, NOW + self.millis).await;
        let status = self.status.filter(|status| *status != Status::Open);
        let tags: Vec<String> = self.tag.into_iter().map(str::to_owned).collect();
        match TriageChange::new(None, status, &tags, &[], None) {
            Ok(change) => store.triage(submitted.id, &change).await,
            Err(_) => submitted,
        }
    }
}

async fn check(case: Case) {
    let mut store = Store::with_shards(case.shards).await;
    let mut feedback = Vec::new();
    let half = case.feedback.len() / 2;
    for (index, piece) in case.feedback.into_iter().enumerate() {
        if index == half {
            store.repository = on(&store.client, case.raised_to).await;
        }
        feedback.push(piece.store(&store, index).await);
    }
    store.repository = on(&store.client, case.raised_to).await;
    let order = if case.newest_first {
        "NEWEST_FIRST"
    } else {
        "OLDEST_FIRST"
    };
    let oracle = Oracle {
        feedback,
        order,
        filter: case.filter,
        quarantined: case.quarantined,
    };
    let readers = case.indexes.into_iter();
    let readers: Vec<_> = readers
        .map(|indexes| store.repository.clone().with_indexes(indexes))
        .collect();
    follow(&readers, &oracle, case.size).await;
    cut(&readers[0], &oracle, case.size, case.cut.0, case.cut.1).await;
    store.engine.stop().await;
}

#[test]
fn paging_through_equals_the_sorted_list() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 64,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let checked = runner.run(&any_case(), |case| {
        // Each assertion that fails is a panic, which the runner takes for a failed case.
        runtime.block_on(check(case));
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}
