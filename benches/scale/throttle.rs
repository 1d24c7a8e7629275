//! Partitions that throttle as DynamoDB's do.
//!
//! A table and each of its global secondary indexes are hash ranges of their partition key, and each range is a
//! partition with a limit of its own: [1,000 write units and 3,000 read units a
//! second](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html). Reads and
//! writes are throttled independently, and [adaptive
//! capacity](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html) lets a
//! partition use what the table has, up to that limit, so that on demand the limit is all that there is. Unused capacity
//! is [kept for up to 300
//! seconds](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html); whether it
//! takes a partition past its limit, AWS [does not
//! promise](https://repost.aws/knowledge-center/dynamodb-spiky-workloads-short-intervals), so that it is a parameter here.
//!
//! A partition that stays hot [is split in two](https://aws.amazon.com/blogs/database/part-3-scaling-dynamodb-how-partitions-hot-keys-and-split-for-heat-impact-performance/),
//! where that halves its load, but not within one partition key whose sort key only ever increases.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// What a partition takes, in units a second.
pub const WRITES: f64 = 1_000.0;
const READS: f64 = 3_000.0;
/// What a partition has before it has been at rest: some, so that it does not refuse the first request.
const BEGINNING: f64 = 0.05;
/// For how long unused capacity can be kept.
pub const KEPT: Duration = Duration::from_mins(5);
/// How many partitions a new table on demand, and each of its indexes, has at least: it [takes 4,000 write units a
/// second](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html) at once.
const FIRST_PARTITIONS: u32 = 4;
/// How many ranges the table of a grown one has: more than its load ever needs.
const GROWN_PARTITIONS: u32 = 256;
/// The share of its limit from which a partition is hot, and for how many minutes in a row it is until it is split. AWS
/// names neither; it says that a split takes place near the limit and that throttling stops after a short period.
const HOT: f64 = 0.9;
const HOT_MINUTES: u32 = 5;

/// What one partition can do.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Write units a second.
    pub writes: f64,
    /// Read units a second.
    pub reads: f64,
    /// For how long unused capacity is kept, a second at least.
    pub kept: Duration,
    /// Whether it has been kept for as long when the simulation begins.
    pub is_rested: bool,
}

impl Limits {
    /// DynamoDB's limits, divided by `scale`. What is not used within a second is lost: the least that it promises.
    pub fn of_dynamodb(scale: f64) -> Self {
        Self {
            writes: WRITES / scale,
            reads: READS / scale,
            kept: Duration::from_secs(1),
            is_rested: false,
        }
    }

    /// The same limits, where unused capacity is kept for as long as DynamoDB can.
    pub fn keeping(self, is_rested: bool) -> Self {
        Self {
            kept: KEPT,
            is_rested,
            ..self
        }
    }
}

/// How partition keys lie in partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// As DynamoDB leaves them after it has split all that it can: in an index each partition key has a partition.
    Grown,
    /// As in a new table: few partitions, which are split for heat.
    New,
}

/// What capacity is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// The partitions of a table or of an index.
#[derive(Debug)]
pub struct Partitions {
    limits: Limits,
    /// Whether each partition key has its own.
    is_by_key: bool,
    splits: bool,
    /// By the first hash of each.
    by_hash: BTreeMap<u64, Partition>,
}

impl Partitions {
    /// Those of a table.
    pub fn of_table(limits: Limits, layout: Layout, now: Instant) -> Self {
        let count = match layout {
            Layout::Grown => GROWN_PARTITIONS,
            Layout::New => FIRST_PARTITIONS,
        };
        Self::ranges(limits, layout, count, now)
    }

    /// Those of an index.
    pub fn of_index(limits: Limits, layout: Layout, now: Instant) -> Self {
        Self {
            is_by_key: layout == Layout::Grown,
            ..Self::ranges(limits, layout, FIRST_PARTITIONS, now)
        }
    }

    fn ranges(limits: Limits, layout: Layout, count: u32, now: Instant) -> Self {
        let width = u64::MAX / u64::from(count) + 1;
        let starts = (0..u64::from(count)).map(|number| number * width);
        Self {
            limits,
            is_by_key: false,
            splits: layout == Layout::New,
            by_hash: starts
                .map(|start| (start, Partition::new(limits, limits.is_rested, now)))
                .collect(),
        }
    }

    /// Whether the partition of this hash has any capacity left. DynamoDB learns what an operation consumes by
    /// executing it, so that the last one may take more than there is, and the next ones wait for longer.
    pub fn has_capacity(&mut self, hash: u64, access: Access, now: Instant) -> bool {
        self.partition(hash, now).1.bucket(access).level(now) > 0.0
    }

    /// Takes capacity of the partition of this hash.
    pub fn consume(&mut self, hash: u64, access: Access, units: f64, now: Instant) {
        let (start, partition) = self.partition(hash, now);
        partition.bucket(access).level(now);
        partition.bucket(access).level -= units;
        if self.splits && access == Access::Write {
            self.heat(start, hash, units, now);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.by_hash.len()
    }

    fn partition(&mut self, hash: u64, now: Instant) -> (u64, &mut Partition) {
        let start = if self.is_by_key {
            hash
        } else {
            let before = self.by_hash.range(..=hash).next_back();
            before.map_or(0, |(start, _)| *start)
        };
        let limits = self.limits;
        let partition = self.by_hash.entry(start);
        let new = || Partition::new(limits, limits.is_rested, now);
        (start, partition.or_insert_with(new))
    }

    /// Notes what was written where, and splits the partition if it has been hot for long enough.
    fn heat(&mut self, start: u64, hash: u64, units: f64, now: Instant) {
        let limits = self.limits;
        let Some(partition) = self.by_hash.get_mut(&start) else {
            return;
        };
        let heat = &mut partition.heat;
        *heat.by_bin.entry(bin(hash)).or_default() += units;
        let minutes = now.duration_since(heat.since).as_secs_f64() / 60.0;
        if minutes < 1.0 {
            return;
        }
        let by_bin = std::mem::take(&mut heat.by_bin);
        heat.since = now;
        let written: f64 = by_bin.values().sum();
        if written / minutes < HOT * limits.writes * 60.0 {
            heat.hot_minutes = 0;
            return;
        }
        heat.hot_minutes += 1;
        if heat.hot_minutes >= HOT_MINUTES
            && let Some(boundary) = middle(&by_bin, written)
        {
            for start in [start, boundary] {
                self.by_hash.insert(start, Partition::new(limits, false, now));
            }
        }
    }
}

/// Hashes are noted in bins, since those of a table are too many.
fn bin(hash: u64) -> u64 {
    hash >> 48
}

/// The hash at which the load is divided most evenly, if it is not of one bin.
fn middle(by_bin: &BTreeMap<u64, f64>, all: f64) -> Option<u64> {
    let mut before = 0.0;
    let boundaries = by_bin.iter().map(|(bin, units)| {
        let unevenness = (all - 2.0 * before).abs();
        before += units;
        (unevenness, bin << 48)
    });
    let inner = boundaries.skip(1);
    inner
        .min_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, boundary)| boundary)
}

#[derive(Debug)]
struct Partition {
    reads: Bucket,
    writes: Bucket,
    heat: Heat,
}

impl Partition {
    fn new(limits: Limits, is_rested: bool, now: Instant) -> Self {
        let kept = limits.kept.as_secs_f64().max(1.0);
        let bucket = |rate: f64| Bucket {
            rate,
            most: rate * kept,
            level: if is_rested { rate * kept } else { rate * BEGINNING },
            at: now,
        };
        Self {
            reads: bucket(limits.reads),
            writes: bucket(limits.writes),
            heat: Heat {
                since: now,
                by_bin: BTreeMap::new(),
                hot_minutes: 0,
            },
        }
    }

    fn bucket(&mut self, access: Access) -> &mut Bucket {
        match access {
            Access::Read => &mut self.reads,
            Access::Write => &mut self.writes,
        }
    }
}

/// What has been written in the current minute.
#[derive(Debug)]
struct Heat {
    since: Instant,
    by_bin: BTreeMap<u64, f64>,
    /// For how many minutes it has been hot.
    hot_minutes: u32,
}

/// Units that are left, below zero for as long as more was taken than there was.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    most: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn level(&mut self, now: Instant) -> f64 {
        let passed = now.duration_since(self.at).as_secs_f64();
        self.level = (self.level + passed * self.rate).min(self.most);
        self.at = now;
        self.level
    }
}
