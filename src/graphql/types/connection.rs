//! Pages in the shape of Relay's cursor connection specification.
//!
//! Whether the listing continues at the far end of a page is known from reading the page. At the near end it takes a
//! read of its own, which is made only when a client asks.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Description, Object, SimpleObject};

use super::feedback::FeedbackObject;
use super::nullability::semantic_non_null;
use super::statistics::{DEFAULT_COUNT, FeedbackCount, MAX_COUNT, within};
use crate::domain::{Page, PageRequest, Position};
use crate::graphql::error::ApiError;
use crate::graphql::{RequestContext, cursor};

/// A page of a listing of feedback, by Relay's cursor connection specification.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct FeedbackConnection {
    /// The feedback of the page with its cursors, in the requested order. The order is the same with `last` as with
    /// `first`.
    edges: Vec<FeedbackEdge>,
    /// The feedback of the page: the nodes of `edges`, without their cursors.
    nodes: Vec<Arc<FeedbackObject>>,
    /// Information for pagination.
    page_info: PageInfo,
}

/// A piece of feedback in a listing.
#[derive(SimpleObject)]
pub(crate) struct FeedbackEdge {
    /// An opaque cursor for `after` and `before`. It stays valid when this feedback is deleted, and for a listing with
    /// another order or filter.
    cursor: String,
    /// The feedback.
    node: Arc<FeedbackObject>,
}

/// Information for pagination.
#[derive(Description)]
pub(crate) struct PageInfo {
    request: PageRequest,
    has_more: bool,
    start: Option<Position>,
    end: Option<Position>,
}

impl FeedbackConnection {
    /// The page for a request.
    pub(crate) fn new(request: PageRequest, page: Page) -> Self {
        let place = |item: Option<&crate::domain::Feedback>| item.map(crate::domain::Feedback::position);
        let (first, last) = (place(page.items.first()), place(page.items.last()));
        let (start, end) = if request.is_from_end() {
            (page.stopped_at.or(first), last)
        } else {
            (first, page.stopped_at.or(last))
        };
        let page_info = PageInfo {
            request,
            has_more: page.has_more,
            start,
            end,
        };
        let page = page.map(|feedback| (feedback.position(), Arc::new(feedback.into())));
        Self {
            edges: page
                .items
                .iter()
                .map(|(position, node)| FeedbackEdge {
                    cursor: cursor::encode(*position),
                    node: Arc::clone(node),
                })
                .collect(),
            nodes: page.items.into_iter().map(|(_, node)| node).collect(),
            page_info,
        }
    }
}

#[ComplexObject]
impl FeedbackConnection {
    /// The number of items in the whole listing: all that meet its filter, whatever the page. Counted only if selected,
    /// in the index that the listing is read from. Examines as many pieces of feedback as it counts, or 2,000 if that is
    /// more, and at most 4 MB; counting 1,000 costs as much as reading them, 0.5 read units for each 4 KB. Adds to the
    /// complexity of the operation 1 for each 20 that it may examine. Eventually consistent. Null only together with an
    /// error.
    #[graphql(directive = semantic_non_null::apply(vec![0]))]
    async fn count(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The number to count up to: 1 to 10,000.", default_with = "Some(1000)")]
        up_to: Option<i32>,
    ) -> Result<Option<FeedbackCount>, ApiError> {
        let up_to = within("upTo", up_to, DEFAULT_COUNT, MAX_COUNT)?;
        let shared = context.data_unchecked::<RequestContext>();
        let (filter, now) = (self.page_info.request.filter(), shared.clock.now());
        let count = shared.repository.count_listed(filter, up_to, now).await?;
        Ok(Some(count.into()))
    }
}

#[Object(use_type_description)]
impl PageInfo {
    /// Whether feedback follows this page: with `first`, within the listing up to `before`; with `last`,
    /// beyond `before`. Exact, with one exception: if the page ended early (see `endCursor`), it is true and the next
    /// page may be empty.
    async fn has_next_page(&self, context: &Context<'_>) -> Result<bool, ApiError> {
        self.answer(context, !self.request.is_from_end()).await
    }

    /// Whether feedback precedes this page: with `last`, within the listing from `after` on; with `first`,
    /// at or before `after`. Exact, with the same exception as `hasNextPage`.
    async fn has_previous_page(&self, context: &Context<'_>) -> Result<bool, ApiError> {
        self.answer(context, self.request.is_from_end()).await
    }

    /// The cursor of the start of the page, for `before`. Null if the page is empty and did not end early.
    async fn start_cursor(&self) -> Option<String> {
        self.start.map(cursor::encode)
    }

    /// The cursor of the end of the page, for `after`. Null if the page is empty and did not end early. A page ends
    /// early after examining 2,000 pieces of feedback, or 2 MB, when most of them have expired or do not meet a condition
    /// that no index serves. The cursor is then past the last edge, and the next page continues from there.
    async fn end_cursor(&self) -> Option<String> {
        self.end.map(cursor::encode)
    }
}

impl PageInfo {
    /// Whether the listing continues, at the far end of the page or behind the cursor it was read from.
    async fn answer(&self, context: &Context<'_>, at_far_end: bool) -> Result<bool, ApiError> {
        if at_far_end {
            return Ok(self.has_more);
        }
        let shared = context.data_unchecked::<RequestContext>();
        let now = shared.clock.now();
        Ok(shared.repository.has_items_behind(&self.request, now).await?)
    }
}
