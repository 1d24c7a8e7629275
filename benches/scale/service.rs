//! The service under load, in simulated time.
//!
//! An environment of Lambda serves one request at a time and has a client and a repository of its own, as its process
//! does: with the SDK's own quota of retries, and what it has seen of the shards. A request gets the environment that
//! became idle last, and a new one where none is idle. What an environment takes to start is left out.

use std::collections::VecDeque;
use std::error::Error;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use feedback_graphql::domain::{
    Content, FeedbackId, Filter, Message, Order, PageRequest, Rating, Status, Timestamp, Topic, TriageChange,
    TriageUpdate,
};
use feedback_graphql::repository::{FeedbackRepository, Indexes, RepositoryError, Triaging, table};
use serde::Serialize;
use tokio::runtime::Builder as Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use uuid::Builder as Uuid;

use crate::dynamodb::DynamoDb;
use crate::outcome::{Outcome, Sample};
use crate::throttle::{Layout, Limits};

/// Any error, of any thread.
pub type AnyError = Box<dyn Error + Send + Sync>;

const TABLE_NAME: &str = "Feedback";
/// 2026-03-01T09:30:00Z, when the simulation begins.
const BEGIN: u64 = 1_772_357_400_000;
/// Requests rise to their rate in this part of the time before they are counted, from this share of it.
const RISING: f64 = 3.0;
const LEAST: f64 = 0.1;
/// How many topics there are, where they are spread evenly.
const TOPICS: u32 = 20;

/// What is asked of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Mix {
    /// Submissions whose topics are evenly spread.
    Even,
    /// Submissions that all have the same topic.
    HotTopic,
    /// Submissions whose topics are evenly spread, while staff resolve as many as come in.
    Resolving,
    /// Submissions of more than a kilobyte, whose topics are evenly spread.
    Large,
}

/// A service at a certain load.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub shards: NonZeroU32,
    pub mix: Mix,
    /// Submissions a second.
    pub submissions: f64,
    /// Pages of the newest a second, beside them.
    pub pages: f64,
    pub limits: Limits,
    pub layout: Layout,
    /// For how long it runs before anything is counted. Its rates rise in the first third.
    pub before: Duration,
    /// For how long all that begins is counted.
    pub counted: Duration,
    pub seed: u64,
}

impl Run {
    /// Runs it. All of it follows from the seed.
    pub fn outcome(&self) -> Result<Outcome, AnyError> {
        // The SDK takes its jitter from the thread's generator.
        fastrand::seed(self.seed);
        let runtime = Runtime::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        runtime.block_on(self.simulate())
    }

    async fn simulate(&self) -> Result<Outcome, AnyError> {
        let indexes = Indexes::default();
        let dynamodb = DynamoDb::new(&indexes, self.seed)?;
        table::create_if_missing(&dynamodb.client(unique()), TABLE_NAME, &indexes).await?;
        let first = FeedbackRepository::new(dynamodb.client(unique()), TABLE_NAME, self.shards);
        first.shards(at(Duration::ZERO)).await?;
        dynamodb.limit(self.limits, self.layout);
        let service = Arc::new(Service {
            run: *self,
            begun: Instant::now(),
            dynamodb: dynamodb.clone(),
            idle: Mutex::new(vec![first]),
            open: Mutex::default(),
            outcome: Mutex::new(Outcome::new(self.counted)),
        });
        let counting = {
            let (dynamodb, from) = (dynamodb.clone(), service.begun + self.before);
            tokio::spawn(async move {
                sleep_until(from).await;
                dynamodb.take_refused();
            })
        };

        let mut streams = JoinSet::new();
        let mut rng = Rng::with_seed(self.seed);
        for (task, rate) in [
            (Task::Submit, self.submissions),
            (
                Task::Resolve,
                if self.mix == Mix::Resolving {
                    self.submissions
                } else {
                    0.0
                },
            ),
            (Task::Page, self.pages),
        ] {
            if rate > 0.0 {
                streams.spawn(service.clone().stream(task, rate, rng.fork()));
            }
        }
        while let Some(stream) = streams.join_next().await {
            stream??;
        }
        counting.await?;
        let mut outcome = std::mem::replace(&mut *service.outcome(), Outcome::new(self.counted));
        outcome.refused_by = dynamodb.take_refused();
        outcome.environments = service.idle().len();
        Ok(outcome)
    }
}

#[derive(Debug, Clone, Copy)]
enum Task {
    Submit,
    Resolve,
    Page,
}

struct Service {
    run: Run,
    begun: Instant,
    dynamodb: DynamoDb,
    idle: Mutex<Vec<FeedbackRepository>>,
    /// What is stored and not resolved, the oldest first.
    open: Mutex<VecDeque<FeedbackId>>,
    outcome: Mutex<Outcome>,
}

impl Service {
    /// Requests that arrive at random, so many a second, until the run is over.
    async fn stream(self: Arc<Self>, task: Task, rate: f64, mut rng: Rng) -> Result<(), AnyError> {
        let from = self.begun + self.run.before;
        let end = from + self.run.counted;
        let mut requests = JoinSet::new();
        let mut at = self.begun;
        // Not from one instant to the next: all environments would start at once.
        let rising = (self.run.before.as_secs_f64() / RISING).max(f64::MIN_POSITIVE);
        loop {
            let risen = (at - self.begun).as_secs_f64() / rising;
            let rate = rate * risen.clamp(LEAST, 1.0);
            at += Duration::from_secs_f64(-(1.0 - rng.f64()).ln() / rate);
            if at >= end {
                break;
            }
            sleep_until(at).await;
            requests.spawn(
                self.clone()
                    .request(task, at.checked_duration_since(from), rng.fork()),
            );
            while let Some(done) = requests.try_join_next() {
                done??;
            }
        }
        while let Some(done) = requests.join_next().await {
            done??;
        }
        Ok(())
    }

    /// One request, which is counted where `at` says when, after counting began, it arrives.
    async fn request(
        self: Arc<Self>,
        task: Task,
        at: Option<Duration>,
        mut rng: Rng,
    ) -> Result<(), AnyError> {
        let idle = self.idle().pop();
        let environment = if let Some(environment) = idle {
            environment
        } else {
            let environment = self.environment();
            // As a function does when it starts. It goes on where that fails.
            let _ = environment.warm_up(self.now()).await;
            environment
        };
        let repository = environment.metered();
        let begun = Instant::now();
        let result = match task {
            Task::Submit => Some(self.submit(&repository, &mut rng).await),
            Task::Resolve => self.resolve(&repository).await,
            Task::Page => Some(self.page(&repository).await),
        };
        let took = begun.elapsed();
        self.idle().push(environment);
        let is_refused = match result {
            None => return Ok(()),
            Some(Ok(())) => false,
            Some(Err(error)) if error.is_throttled() => true,
            Some(Err(error)) => return Err(error.into()),
        };
        if let Some(at) = at {
            let sample = Sample {
                at,
                took,
                is_refused,
                requests: repository.requests_made(),
            };
            let mut outcome = self.outcome();
            match task {
                Task::Submit => outcome.submissions.push(sample),
                Task::Resolve => outcome.resolutions.push(sample),
                Task::Page => outcome.pages.push(sample),
            }
        }
        Ok(())
    }

    async fn submit(&self, repository: &FeedbackRepository, rng: &mut Rng) -> Result<(), RepositoryError> {
        let now = self.now();
        let mut random = [0; 10];
        rng.fill(&mut random);
        let id = Uuid::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid();
        let id = FeedbackId::parse(&id.to_string()).unwrap_or_else(|_| FeedbackId::new(now));
        repository.submit(self.content(rng).into(), id, now).await?;
        if self.run.mix == Mix::Resolving {
            self.open().push_back(id);
        }
        Ok(())
    }

    /// `None` where nothing is open.
    async fn resolve(&self, repository: &FeedbackRepository) -> Option<Result<(), RepositoryError>> {
        let id = self.open().pop_front()?;
        let change = TriageChange::new(None, Some(Status::Resolved), &[], &[], None).ok()?;
        let update = TriageUpdate {
            at: self.now(),
            by: "support".to_owned(),
        };
        Some(match repository.triage(id, &change, &update).await {
            Ok(Triaging::Changed(_) | Triaging::Refused(..)) => Ok(()),
            Err(error) => {
                self.open().push_front(id);
                Err(error)
            }
        })
    }

    async fn page(&self, repository: &FeedbackRepository) -> Result<(), RepositoryError> {
        let newest = PageRequest::new(None, None, None, None, Order::NewestFirst, Filter::default());
        match newest {
            Ok(newest) => repository.page(&newest, self.now()).await.map(drop),
            Err(_) => Ok(()),
        }
    }

    /// About half a kilobyte, or one and a half.
    fn content(&self, rng: &mut Rng) -> Content {
        let topic = match self.run.mix {
            Mix::HotTopic => 0,
            _ => rng.u32(0..TOPICS),
        };
        let words = if self.run.mix == Mix::Large { 50 } else { 8 };
        let message = Message::parse(&"parcel never address again ".repeat(words));
        let mut content = Content::from(message.unwrap_or_else(|_| unreachable!("a message of some words")));
        content.rating = Rating::parse(rng.i64(1..=5)).ok();
        content.topic = Topic::parse(&format!("topic-{topic}")).ok();
        content
    }

    /// A new environment.
    fn environment(&self) -> FeedbackRepository {
        FeedbackRepository::new(self.dynamodb.client(unique()), TABLE_NAME, self.run.shards)
    }

    fn now(&self) -> Timestamp {
        at(self.begun.elapsed())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<FeedbackRepository>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, VecDeque<FeedbackId>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time so long after the beginning.
fn at(passed: Duration) -> Timestamp {
    let millis = u64::try_from(passed.as_millis()).unwrap_or_default();
    Timestamp::saturating_from_millis(BEGIN + millis)
}

/// A name that no other environment has. The SDK keeps the quota of retries for each for as long as the process lives.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}
