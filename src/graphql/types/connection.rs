//! Pages in the shape of Relay's cursor connection specification.
//!
//! Of the two questions "is there more?", reading a page answers the one about its far end at no cost.
//! The other takes a read of its own, which is made only when a client asks.

use std::sync::Arc;

use async_graphql::{Context, Description, Object, SimpleObject};

use super::feedback::FeedbackObject;
use crate::domain::{Page, PageRequest, Position};
use crate::graphql::error::ApiError;
use crate::graphql::{RequestContext, cursor};

/// A page of a listing of feedback, as Relay's cursor connection specification describes it.
#[derive(SimpleObject)]
pub(crate) struct FeedbackConnection {
    /// The feedback of the page, each with its cursor, in the order that was asked for. The order is the
    /// same with `last` as with `first`.
    edges: Vec<FeedbackEdge>,
    /// The feedback of the page without cursors: the nodes of `edges`, for when one page's cursors do.
    nodes: Vec<Arc<FeedbackObject>>,
    /// Where the page ends, and whether the listing goes on.
    page_info: PageInfo,
}

/// A piece of feedback in its place in a listing.
#[derive(SimpleObject)]
pub(crate) struct FeedbackEdge {
    /// The place, for `after` and `before`. Opaque. It stays good when this feedback is deleted, and for a
    /// listing in another order or with another filter.
    cursor: String,
    /// The feedback.
    node: Arc<FeedbackObject>,
}

/// Where a page ends, and whether the listing goes on.
#[derive(Description)]
pub(crate) struct PageInfo {
    request: PageRequest,
    has_more: bool,
    start: Option<Position>,
    end: Option<Position>,
}

impl FeedbackConnection {
    /// The page that `request` asked for.
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

#[Object(use_type_description)]
impl PageInfo {
    /// Whether feedback follows this page: with `first`, within the listing up to `before`; with `last`,
    /// beyond `before`. It is true only where there is something, with one exception: when the service
    /// stopped reading early (see `endCursor`), it is true and the next page may be empty.
    async fn has_next_page(&self, context: &Context<'_>) -> Result<bool, ApiError> {
        self.answer(context, !self.request.is_from_end()).await
    }

    /// Whether feedback precedes this page: with `last`, within the listing from `after` on; with `first`,
    /// at or before `after`. It is true only where there is something, with the exception that
    /// `hasNextPage` has too.
    async fn has_previous_page(&self, context: &Context<'_>) -> Result<bool, ApiError> {
        self.answer(context, self.request.is_from_end()).await
    }

    /// The place where the page starts, for `before`. Null when there is no feedback in the page and none
    /// was passed over.
    async fn start_cursor(&self) -> Option<String> {
        self.start.map(cursor::encode)
    }

    /// The place where the page ends, for `after`. Null when there is no feedback in the page and none was
    /// passed over. Behind the last edge when the service stopped after examining 2,000 pieces of feedback,
    /// because a filter on topic or rating leaves most of them out or most have expired: the next page goes
    /// on from there.
    async fn end_cursor(&self) -> Option<String> {
        self.end.map(cursor::encode)
    }
}

impl PageInfo {
    /// Whether the listing goes on, at the far end of the page or behind the cursor it was read from.
    async fn answer(&self, context: &Context<'_>, at_far_end: bool) -> Result<bool, ApiError> {
        if at_far_end {
            return Ok(self.has_more);
        }
        let RequestContext {
            repository, clock, ..
        } = context.data_unchecked();
        Ok(repository.has_items_behind(&self.request, clock.now()).await?)
    }
}
