//! How much is read for one request.

use std::ops::SubAssign;

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// How many items are examined for one page before what was found is returned, give or take one a partition. At 300
/// bytes an item that is about 75 read units at one shard, and less than a second.
pub const READ_BUDGET: usize = 2_000;

/// How many read units one page consumes before what was found is returned, give or take one `Query` a partition: 2 MB
/// of items, which may be much larger than most are.
pub const READ_UNIT_BUDGET: f64 = 256.0;

/// How much may be read, or was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ReadBudget {
    /// How many items are examined.
    pub(super) items: usize,
    /// How many read units are consumed.
    pub(super) read_units: f64,
}

impl ReadBudget {
    /// For one page.
    pub(super) const PAGE: Self = Self {
        items: READ_BUDGET,
        read_units: READ_UNIT_BUDGET,
    };

    /// What a `Query` took.
    pub(super) fn taken(scanned_count: i32, consumed: Option<&ConsumedCapacity>) -> Self {
        let read_units = consumed.and_then(ConsumedCapacity::capacity_units);
        Self {
            items: usize::try_from(scanned_count).unwrap_or(0),
            read_units: read_units.unwrap_or(0.0),
        }
    }

    /// The part that is kept for the others to catch up with the partition that was read furthest.
    pub(super) fn reserve(self) -> Self {
        Self {
            items: self.items / 5,
            read_units: self.read_units / 5.0,
        }
    }

    /// Whether no more of it is left than `other`, of the items or of the units.
    pub(super) fn is_within(self, other: Self) -> bool {
        self.items <= other.items || self.read_units <= other.read_units
    }

    pub(super) fn is_spent(self) -> bool {
        self.items == 0 || self.read_units <= 0.0
    }
}

impl SubAssign for ReadBudget {
    fn sub_assign(&mut self, taken: Self) {
        self.items = self.items.saturating_sub(taken.items);
        self.read_units -= taken.read_units;
    }
}
