//! Statistics while everything happens at once: two functions, whose clocks differ, submit, quarantine, release, delete,
//! erase and count in any order; indexes lag by up to a minute; feedback expires; functions end at any request, and at any request the
//! other one does something first. Whatever it was, in the end the counts are those of the table.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use feedback_graphql::domain::{
    Content, Date, EmailAddress, FeedbackId, IdempotencyKey, NewFeedback, Person, Position, Rating, Signals,
    Statistics, Timestamp, Topic,
};
use feedback_graphql::repository::FeedbackRepository;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::lagging::{Event, Function, Lagging};
use crate::support::{NOW, Store, content, on};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * 60 * MINUTE;

const FIRST: &str = "2026-03-01";
const LAST: &str = "2026-04-15";

#[derive(Debug, Clone)]
enum Action {
    Submit {
        topic: Option<u8>,
        rating: Option<i64>,
        person: Option<u8>,
        expires: bool,
        /// An idempotency key.
        key: Option<u8>,
        is_trapped: bool,
    },
    /// The piece that was submitted so many before the last.
    Delete(usize),
    /// The same.
    Quarantine(usize),
    /// The same.
    Release(usize),
    Erase(u8),
    Count,
    Wait(u64),
    /// DynamoDB deletes what has expired.
    Sweep,
}

#[derive(Debug, Clone)]
struct Step {
    function: usize,
    action: Action,
    /// How long the indexes lag after it.
    lag: u64,
    /// What happens at which of its requests.
    event: Option<(usize, Fault)>,
}

#[derive(Debug, Clone)]
enum Fault {
    Before,
    After,
    Meanwhile(Vec<Action>),
}

fn any_action() -> impl Strategy<Value = Action> {
    let submit = (
        prop::option::of(0..3_u8),
        prop::option::of(1..=5_i64),
        prop::option::of(0..2_u8),
        prop::bool::weighted(0.2),
        prop::option::weighted(0.4, 0..2_u8),
        prop::bool::weighted(0.2),
    );
    let submit = submit.prop_map(
        |(topic, rating, person, expires, key, is_trapped)| Action::Submit {
            topic,
            rating,
            person,
            expires,
            key,
            is_trapped,
        },
    );
    let wait = prop_oneof![
        0..2 * SECOND,
        30 * SECOND..90 * SECOND,
        2 * MINUTE..4 * MINUTE,
        DAY / 3..DAY
    ];
    prop_oneof![
        5 => submit,
        2 => (0..6_usize).prop_map(Action::Delete),
        2 => (0..6_usize).prop_map(Action::Quarantine),
        2 => (0..6_usize).prop_map(Action::Release),
        1 => (0..2_u8).prop_map(Action::Erase),
        4 => Just(Action::Count),
        3 => wait.prop_map(Action::Wait),
        1 => Just(Action::Sweep),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    // No request takes longer than the function that makes it.
    let short = |action| match action {
        Action::Wait(millis) => Action::Wait(millis % (10 * SECOND)),
        other => other,
    };
    let meanwhile = prop::collection::vec(any_action().prop_map(short), 1..4);
    let fault = prop_oneof![
        1 => Just(Fault::Before),
        1 => Just(Fault::After),
        4 => meanwhile.prop_map(Fault::Meanwhile),
    ];
    let event = prop::option::weighted(0.5, (0..5_usize, fault));
    (0..2_usize, any_action(), 0..=MINUTE, event).prop_map(|(function, action, lag, event)| Step {
        function,
        action,
        lag,
        event,
    })
}

/// Day, topic and rating; 0 is without.
type Group = (String, Option<String>, u8);
type Counts = BTreeMap<Group, u32>;

/// Clones are the same world.
#[derive(Clone)]
struct World {
    lagging: Lagging,
    repositories: [FeedbackRepository; 2],
    clock: Arc<AtomicU64>,
    submitted: Arc<Mutex<Vec<FeedbackId>>>,
}

impl World {
    /// The time by a function's clock.
    fn now(&self, function: usize) -> Timestamp {
        let skew = [0, 400][function];
        Timestamp::from_millis(self.clock.load(Ordering::Relaxed) + skew).unwrap()
    }

    /// The piece that was submitted so many before the last.
    fn submitted(&self, before: usize) -> Option<FeedbackId> {
        let submitted = self.submitted.lock().unwrap();
        submitted.iter().rev().nth(before).copied()
    }

    async fn wait(&self, millis: u64) {
        let now = self.clock.fetch_add(millis, Ordering::Relaxed) + millis;
        self.lagging.set_now(now).await;
    }

    /// Does something as a function would, which may end in the middle of it.
    async fn act(&self, function: usize, action: Action) {
        let repository = self.repositories[function].metered();
        let now = self.now(function);
        match action {
            Action::Submit {
                topic,
                rating,
                person,
                expires,
                key,
                is_trapped,
            } => {
                let content = Content {
                    topic: topic.map(|topic| Topic::parse(&format!("topic {topic}")).unwrap()),
                    rating: rating.map(|rating| Rating::parse(rating).unwrap()),
                    email: person.map(email),
                    ..content("x")
                };
                let key = key.map(|key| IdempotencyKey::parse(format!("planted {key}")).unwrap());
                let new = NewFeedback {
                    content,
                    idempotency_key: key,
                    signals: Signals {
                        trap: is_trapped.then(|| "x".to_owned()),
                        ..Signals::default()
                    },
                };
                let id = new.id(now);
                self.submitted.lock().unwrap().push(id);
                let retention = expires.then_some(Duration::from_millis(DAY));
                let repository = repository.retaining_for(retention);
                let _ = repository.submit(new, id, now).await;
            }
            Action::Delete(before) => {
                if let Some(id) = self.submitted(before) {
                    let _ = repository.delete(id, now).await;
                }
            }
            Action::Quarantine(before) => {
                if let Some(id) = self.submitted(before) {
                    let _ = repository.quarantine(id, now).await;
                }
            }
            Action::Release(before) => {
                if let Some(id) = self.submitted(before) {
                    let _ = repository.release(id, now).await;
                }
            }
            Action::Erase(person) => {
                let _ = repository.erase(&Person::of(&email(person)), now).await;
            }
            Action::Count => {
                let _ = count(&repository, now).await;
            }
            Action::Wait(millis) => self.wait(millis).await,
            Action::Sweep => self.lagging.sweep(now.as_seconds()).await,
        }
    }

    /// What is on the timeline, counted by going through the table.
    async fn naive(&self, function: usize) -> Counts {
        let today = Date::of(self.now(function));
        let mut counts = Counts::new();
        for item in self.lagging.items().await {
            let Some(position) = item["timelinePosition"].as_str() else {
                continue;
            };
            if item.get("timelineShard").is_none() {
                continue;
            }
            let expires_at = item["expiresAt"].as_u64().and_then(Timestamp::from_seconds);
            if expires_at.is_some_and(|expires_at| Date::of(expires_at) <= today) {
                continue;
            }
            let day = Date::of(Position::parse(position).unwrap().submitted_at());
            let rating = item["rating"].as_u64().unwrap_or_default();
            let key = (
                day.to_string(),
                item["topic"].as_str().map(str::to_owned),
                u8::try_from(rating).unwrap(),
            );
            *counts.entry(key).or_default() += 1;
        }
        counts
    }
}

fn email(person: u8) -> EmailAddress {
    EmailAddress::parse(&format!("person{person}@example.org")).unwrap()
}

async fn count(repository: &FeedbackRepository, now: Timestamp) -> Option<Statistics> {
    let date = |text| Date::parse(text).unwrap();
    let counted = repository.statistics(date(FIRST), date(LAST), None, now).await;
    counted.ok().filter(|statistics| statistics.is_complete)
}

/// Checks that statistics are those of what is in the table.
fn check(statistics: &Statistics, naive: &Counts) {
    let ratings = || std::iter::once(None).chain(Rating::MIN.to(Rating::MAX).map(Some));
    let number = |rating: Option<Rating>| rating.map_or(0, Rating::get);
    let sum = |holds: &dyn Fn(&Group) -> bool| -> u32 {
        let counts = naive.iter().filter(|(key, _)| holds(key));
        counts.map(|(_, count)| count).sum()
    };
    for (date, counts) in &statistics.days {
        for rating in ratings() {
            let expected = sum(&|(day, _, of)| *day == date.to_string() && *of == number(rating));
            assert_eq!(counts.of(rating), expected, "{date}, {rating:?}, {naive:?}");
        }
    }
    for (topic, counts) in &statistics.topics {
        let topic = topic.as_ref().map(|topic| topic.as_str().to_owned());
        for rating in ratings() {
            let expected = sum(&|(_, about, of)| *about == topic && *of == number(rating));
            assert_eq!(counts.of(rating), expected, "{topic:?}, {rating:?}, {naive:?}");
        }
    }
    assert_eq!(statistics.counts.total(), sum(&|_| true));
}

async fn play(steps: Vec<Step>) {
    let store = Store::with_shards(2).await;
    let lagging = Lagging::start(store.engine.endpoint()).await;
    let functions: [Function; 2] = [lagging.function().await, lagging.function().await];
    let world = World {
        repositories: [
            on(&functions[0].client, 2).await,
            on(&functions[1].client, 2).await,
        ],
        lagging,
        clock: Arc::new(AtomicU64::new(NOW)),
        submitted: Arc::default(),
    };
    world.wait(0).await;
    for Step {
        function,
        action,
        lag,
        event,
    } in steps
    {
        world.lagging.set_lag(lag);
        // Counting more often than that would leave little to count in the middle of something else.
        let is_calm = matches!(action, Action::Count) && event.is_none() && world.lagging.is_settled();
        if let Some((after, fault)) = event {
            let event = match fault {
                Fault::Before => Event::RefusedBefore,
                Fault::After => Event::RefusedAfter,
                Fault::Meanwhile(others) => {
                    let world = world.clone();
                    Event::Interrupted(Box::pin(async move {
                        for other in others {
                            world.act(1 - function, other).await;
                        }
                    }))
                }
            };
            functions[function].let_happen(after, event);
        }
        world.act(function, action).await;
        functions[function].calm();
        if is_calm {
            let repository = world.repositories[function].metered();
            let statistics = count(&repository, world.now(function)).await.unwrap();
            check(&statistics, &world.naive(function).await);
        }
    }
    world.lagging.set_lag(0);
    for wait in [5 * MINUTE, DAY] {
        world.wait(wait).await;
        for function in [0, 1, 0] {
            let repository = world.repositories[function].metered();
            let statistics = count(&repository, world.now(function)).await.unwrap();
            check(&statistics, &world.naive(function).await);
        }
    }
}

#[test]
fn whatever_happens_between_two_requests_the_counts_are_those_of_the_table() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    });
    let steps = prop::collection::vec(any_step(), 1..40);
    let checked = runner.run(&steps, |steps| {
        runtime.block_on(play(steps));
        Ok(())
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
}
