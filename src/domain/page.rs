//! Pages of the timeline: what is asked for, and what comes back.

use thiserror::Error;

use super::{Feedback, Filter, Position, PositionRange};

/// The order in which a listing runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The latest first.
    #[default]
    NewestFirst,
    /// The earliest first.
    OldestFirst,
}

/// A way along the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From earlier to later.
    Forward,
    /// From later to earlier.
    Backward,
}

impl Direction {
    /// The opposite way.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }

    /// Whether a reader going this way meets `one` no later than `other`.
    #[must_use]
    pub fn reaches(self, one: Position, other: Position) -> bool {
        match self {
            Self::Forward => one <= other,
            Self::Backward => one >= other,
        }
    }
}

/// A page that is asked for: a number of pieces of feedback, from one end of a stretch of a listing.
///
/// The listing is all feedback that `filter` holds, in `order`. `after` and `before` cut it down to what
/// lies strictly between them. The page is the first or the last `size` of what is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    size: usize,
    from_end: bool,
    after: Option<Position>,
    before: Option<Position>,
    order: Order,
    filter: Filter,
}

/// Why there is no such page.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PageRequestError {
    /// Both ends were asked for.
    #[error("`first` and `last` exclude each other: ask for one of them")]
    FirstAndLast,
    /// A size that is no page's.
    #[error("`{argument}` must be between 1 and {max}, not {value}", max = PageRequest::MAX_SIZE)]
    Size {
        /// `first` or `last`.
        argument: &'static str,
        /// What was asked for.
        value: i64,
    },
}

impl PageRequest {
    /// The most a page holds.
    pub const MAX_SIZE: usize = 100;
    /// What a page holds when nobody says how much.
    pub const DEFAULT_SIZE: usize = 20;

    /// A page of the first `first` or the last `last` pieces of a listing; with neither, the first
    /// [`DEFAULT_SIZE`](Self::DEFAULT_SIZE).
    ///
    /// # Errors
    /// When both are given, or one is not between 1 and [`MAX_SIZE`](Self::MAX_SIZE).
    pub fn new(
        first: Option<i64>,
        last: Option<i64>,
        after: Option<Position>,
        before: Option<Position>,
        order: Order,
        filter: Filter,
    ) -> Result<Self, PageRequestError> {
        let size = |argument, value: i64| match usize::try_from(value) {
            Ok(size @ 1..=Self::MAX_SIZE) => Ok(size),
            _ => Err(PageRequestError::Size { argument, value }),
        };
        let (size, from_end) = match (first, last) {
            (Some(_), Some(_)) => return Err(PageRequestError::FirstAndLast),
            (Some(first), None) => (size("first", first)?, false),
            (None, Some(last)) => (size("last", last)?, true),
            (None, None) => (Self::DEFAULT_SIZE, false),
        };
        Ok(Self {
            size,
            from_end,
            after,
            before,
            order,
            filter,
        })
    }

    /// How many pieces the page holds when there are enough: 1 to [`MAX_SIZE`](Self::MAX_SIZE).
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether the page is taken from the end of the listing (`last`).
    #[must_use]
    pub fn is_from_end(&self) -> bool {
        self.from_end
    }

    /// What the listing holds.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The way along the timeline in which the page is read: from the end it is taken from.
    #[must_use]
    pub fn direction(&self) -> Direction {
        let listing = match self.order {
            Order::NewestFirst => Direction::Backward,
            Order::OldestFirst => Direction::Forward,
        };
        if self.from_end {
            listing.reversed()
        } else {
            listing
        }
    }

    /// The stretch of the timeline in which the page lies; `None` when it holds no place at all.
    #[must_use]
    pub fn range(&self) -> Option<PositionRange> {
        let (later_than, earlier_than) = match self.order {
            Order::NewestFirst => (self.before, self.after),
            Order::OldestFirst => (self.after, self.before),
        };
        let mut range = self.filter.range()?;
        if let Some(position) = later_than {
            range = range.later_than(position)?;
        }
        if let Some(position) = earlier_than {
            range = range.earlier_than(position)?;
        }
        Some(range)
    }

    /// The stretch of the timeline on the near side of the cursor at which reading the page begins, that
    /// cursor's own place included; `None` where there is no such cursor, or nothing can lie there.
    ///
    /// Relay's specification lets a server answer from it whether there is a page on that side.
    #[must_use]
    pub fn range_behind(&self) -> Option<PositionRange> {
        let cursor = if self.from_end { self.before } else { self.after }?;
        let range = self.filter.range()?;
        match self.direction() {
            Direction::Forward => cursor.next().map_or(Some(range), |next| range.earlier_than(next)),
            Direction::Backward => cursor
                .previous()
                .map_or(Some(range), |previous| range.later_than(previous)),
        }
    }
}

/// A page that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T = Feedback> {
    /// What it holds, in the order of the listing.
    pub items: Vec<T>,
    /// Whether the listing goes on past the far end of the page: after the last item of a page read from
    /// the start, before the first item of one read from the end.
    pub has_more: bool,
    /// The place up to which the listing was read, when reading stopped for its budget rather than
    /// because the page was full or the listing at its end. `has_more` is then true, and the next page
    /// starts here.
    pub stopped_at: Option<Position>,
}

impl<T> Page<T> {
    /// A page of nothing, with nothing past it.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            items: Vec::new(),
            has_more: false,
            stopped_at: None,
        }
    }

    /// The same page, with each item turned into something else.
    pub fn map<U>(self, mut turn: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(&mut turn).collect(),
            has_more: self.has_more,
            stopped_at: self.stopped_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(first: Option<i64>, last: Option<i64>) -> Result<PageRequest, PageRequestError> {
        PageRequest::new(first, last, None, None, Order::default(), Filter::default())
    }

    #[test]
    fn sizes_from_1_to_100_are_pages() {
        assert_eq!(page(Some(1), None).unwrap().size(), 1);
        assert_eq!(page(None, Some(100)).unwrap().size(), 100);
        assert_eq!(page(None, None).unwrap().size(), 20);
        for value in [i64::MIN, -1, 0, 101, i64::MAX] {
            let argument = "first";
            assert_eq!(
                page(Some(value), None),
                Err(PageRequestError::Size { argument, value })
            );
        }
        assert_eq!(page(Some(1), Some(1)), Err(PageRequestError::FirstAndLast));
    }

    #[test]
    fn the_last_of_the_newest_first_is_read_from_the_earliest() {
        assert_eq!(page(Some(1), None).unwrap().direction(), Direction::Backward);
        assert_eq!(page(None, Some(1)).unwrap().direction(), Direction::Forward);
    }

    #[test]
    fn an_error_says_what_would_be_right() {
        let error = page(None, Some(101)).unwrap_err();
        assert_eq!(error.to_string(), "`last` must be between 1 and 100, not 101");
    }
}
