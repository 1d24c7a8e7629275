//! Which feedback is wanted: one listing for each index, and what it takes to answer it.

use std::error::Error;

use feedback_graphql::domain::{Filter, Status};

use crate::fill::{Known, RARE, RAREST, email};

/// The person whose feedback is looked for.
const PERSON: u32 = 0;

/// Which feedback is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    All,
    /// Two values of the rating in five.
    LowRated,
    /// One value of the rating in five.
    WorstRated,
    /// A topic that one in a hundred has.
    Rare,
    /// A topic that one in ten thousand has.
    Rarest,
    /// A status that few have, evenly spread.
    Open,
    /// A status that few have, the oldest of all.
    InProgress,
    /// By one person.
    OfPerson,
    /// A status that few have and a rating that one in five of them has.
    OpenAndWorstRated,
}

impl Wanted {
    /// All that have a filter.
    pub const FILTERED: [Self; 8] = [
        Self::LowRated,
        Self::WorstRated,
        Self::Rare,
        Self::Rarest,
        Self::Open,
        Self::InProgress,
        Self::OfPerson,
        Self::OpenAndWorstRated,
    ];

    /// The filter as a client writes it, and how much meets it.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "none",
            Self::LowRated => "`maxRating: 2`: 2 in 5",
            Self::WorstRated => "`maxRating: 1`: 1 in 5",
            Self::Rare => "`topic`: 1 in 100",
            Self::Rarest => "`topic`: 1 in 10,000",
            Self::Open => "`status: OPEN`: 200, evenly spread",
            Self::InProgress => "`status: IN_PROGRESS`: the oldest 200",
            Self::OfPerson => "`email`: 1 in 5,000",
            Self::OpenAndWorstRated => "`status: OPEN, maxRating: 1`: 1 in 5 of 200",
        }
    }

    /// How many partitions of its index hold it.
    pub fn partitions(self, shards: u32) -> u32 {
        match self {
            Self::LowRated => 2 * shards,
            Self::OfPerson => 1,
            _ => shards,
        }
    }

    /// Whether these partitions hold nothing else.
    pub fn is_a_key(self) -> bool {
        self != Self::OpenAndWorstRated
    }

    /// The filter.
    pub fn filter(self) -> Result<Filter, Box<dyn Error>> {
        let filter = Filter::default();
        Ok(match self {
            Self::All => filter,
            Self::LowRated => filter.rated(None, Some(2))?,
            Self::WorstRated => filter.rated(None, Some(1))?,
            Self::Rare => filter.topic(RARE)?,
            Self::Rarest => filter.topic(RAREST)?,
            Self::Open => filter.statuses([Status::Open])?,
            Self::InProgress => filter.statuses([Status::InProgress])?,
            Self::OfPerson => filter.email(&email(PERSON).to_uppercase())?,
            Self::OpenAndWorstRated => filter.statuses([Status::Open])?.rated(None, Some(1))?,
        })
    }

    /// Whether a piece meets the filter.
    pub fn has(self, one: &Known) -> bool {
        match self {
            Self::All => true,
            Self::LowRated => one.rating <= 2,
            Self::WorstRated => one.rating == 1,
            Self::Rare => one.topic == RARE,
            Self::Rarest => one.topic == RAREST,
            Self::Open => one.status == Status::Open,
            Self::InProgress => one.status == Status::InProgress,
            Self::OfPerson => one.person == PERSON,
            Self::OpenAndWorstRated => one.status == Status::Open && one.rating == 1,
        }
    }
}
