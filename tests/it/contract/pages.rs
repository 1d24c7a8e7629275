//! Listings: both orders, both directions, one shard and several, a period and a filter, each index and none.

use feedback_graphql::domain::{
    Content, EmailAddress, Feedback, FeedbackId, Filter, Order, PageRequest, Rating, Status, Timestamp,
    Topic, TriageChange, TriageUpdate,
};
use feedback_graphql::repository::{FeedbackRepository, Index, Indexes, Triaging};
use uuid::Uuid;

use super::{at, eventually, n, now, on_a_table, s, submit};
use crate::support::{NOW, content, stored};

const ORDERS: [Order; 2] = [Order::OldestFirst, Order::NewestFirst];

/// The whole listing, in pages of so many from its start or its end.
async fn listing(
    repository: &FeedbackRepository,
    size: i64,
    from_end: bool,
    order: Order,
    filter: &Filter,
    now: Timestamp,
) -> Vec<Feedback> {
    let mut listing = Vec::new();
    let mut cursor = None;
    loop {
        let (first, last) = if from_end {
            (None, Some(size))
        } else {
            (Some(size), None)
        };
        let (after, before) = if from_end { (None, cursor) } else { (cursor, None) };
        let request = PageRequest::new(first, last, after, before, order, filter.clone()).unwrap();
        let page = repository.page(&request, now).await.unwrap();
        assert_eq!(page.stopped_at, None);
        let far_end = if from_end {
            page.items.first()
        } else {
            page.items.last()
        };
        cursor = far_end.map(Feedback::position);
        if from_end {
            listing.splice(..0, page.items);
        } else {
            listing.extend(page.items);
        }
        if !page.has_more {
            return listing;
        }
        assert!(cursor.is_some(), "there is more, but nowhere to go on");
    }
}

/// The whole listing, the earliest first.
pub async fn all(repository: &FeedbackRepository, now: Timestamp) -> Vec<Feedback> {
    listing(
        repository,
        100,
        false,
        Order::OldestFirst,
        &Filter::default(),
        now,
    )
    .await
}

/// Stores feedback of several topics and ratings, partly submitted in the same millisecond; all of it in
/// the order of time.
async fn fill(repository: &FeedbackRepository) -> Vec<Feedback> {
    let mut all = Vec::new();
    for number in 0..60_u8 {
        let content = Content {
            topic: Topic::parse(["checkout", "search"][usize::from(number % 2)]).ok(),
            rating: Rating::parse(i64::from(number % 6)).ok(),
            ..content(&number.to_string())
        };
        // Digits change in number at a thousand million seconds: 2001.
        let millis = 1_000_000_000_000 - 10 + u64::from(number) * 7 % 20;
        all.push(submit(repository, content, millis).await);
    }
    all.sort_by_key(Feedback::position);
    all
}

/// Expects the listing to be this, however it is read.
async fn expect(repository: &FeedbackRepository, filter: &Filter, expected: &[Feedback]) {
    let pages = [(100, false), (100, true), (7, false), (7, true), (1, true)];
    expect_in_pages(repository, filter, expected, &pages).await;
}

/// Expects the listing to be this in both orders, in pages of each of these sizes, from its end where that is said.
async fn expect_in_pages(
    repository: &FeedbackRepository,
    filter: &Filter,
    expected: &[Feedback],
    pages: &[(i64, bool)],
) {
    for order in ORDERS {
        let mut expected = expected.to_vec();
        if order == Order::NewestFirst {
            expected.reverse();
        }
        for &(size, from_end) in pages {
            let listing = async || listing(repository, size, from_end, order, filter, now()).await;
            eventually(listing, expected.clone()).await;
        }
    }
}

async fn check_listings(shards: u32) {
    on_a_table(async |table| {
        let repository = table.repository(shards).await;
        let all = fill(&repository).await;
        expect(&repository, &Filter::default(), &all).await;

        let (from, to) = (1_000_000_000_000 - 3, 1_000_000_000_000 + 4);
        let period = Filter::default().submitted(Some(at(from)), Some(at(to))).unwrap();
        let within = |feedback: &Feedback| (from..to).contains(&feedback.submitted_at.as_millis());
        let some: Vec<Feedback> = all.iter().filter(|it| within(it)).cloned().collect();
        assert_eq!(some.len(), 21);
        expect(&repository, &period, &some).await;

        let filter = period.topic("search").unwrap().rated(Some(2), Some(4)).unwrap();
        let matches = |it: &Feedback| {
            let Content { topic, rating, .. } = &it.content;
            topic.as_ref().map(Topic::as_str) == Some("search")
                && rating.is_some_and(|rating| (2..=4).contains(&rating.get()))
        };
        let some: Vec<Feedback> = some.into_iter().filter(|it| matches(it)).collect();
        assert!(some.len() > 1);
        expect(&repository, &filter, &some).await;
    })
    .await;
}

#[tokio::test]
async fn one_shard_is_listed_in_both_orders_and_from_both_ends() {
    check_listings(1).await;
}

#[tokio::test]
async fn four_shards_are_listed_in_both_orders_and_from_both_ends() {
    check_listings(4).await;
}

/// Gives feedback this status and tag.
async fn triage(repository: &FeedbackRepository, id: FeedbackId, status: Status, tag: &str) -> Feedback {
    let change = TriageChange::new(None, Some(status), &[tag.to_owned()], &[], None).unwrap();
    let update = TriageUpdate {
        at: now(),
        by: "key test".to_owned(),
    };
    match repository.triage(id, &change, &update).await.unwrap() {
        Triaging::Changed(feedback) => feedback,
        refused @ Triaging::Refused(..) => panic!("not changed: {refused:?}"),
    }
}

/// Stores feedback of several people, topics, ratings and statuses; all of it in the order of time.
async fn fill_for_indexes(repository: &FeedbackRepository) -> Vec<Feedback> {
    let mut all = Vec::new();
    for number in 0..36_u8 {
        let email = ["jo@example.org", "Jo@Example.ORG", "sam@example.org"][usize::from(number % 3)];
        let content = Content {
            topic: Topic::parse(["checkout", "search"][usize::from(number / 6 % 2)]).ok(),
            rating: Rating::parse(i64::from(number % 6)).ok(),
            email: EmailAddress::parse(email).ok(),
            ..content(&number.to_string())
        };
        let feedback = submit(repository, content, NOW - u64::from(number) * 7 % 20).await;
        let status = Status::ALL[usize::from(number / 3 % 3)];
        all.push(
            triage(
                repository,
                feedback.id,
                status,
                ["bug", "idea"][usize::from(number % 2)],
            )
            .await,
        );
    }
    all.sort_by_key(Feedback::position);
    all
}

/// Whether a filter lets feedback through.
type Matches<'a> = &'a dyn Fn(&Feedback) -> bool;

async fn check_indexes(shards: u32) {
    on_a_table(async |table| {
        let repository = table.repository(shards).await;
        let all = fill_for_indexes(&repository).await;
        let filter = Filter::default;
        let is = |it: &Feedback, status| it.triage.as_ref().is_some_and(|triage| triage.status == status);
        let rated = |it: &Feedback| it.content.rating.map(Rating::get);
        let cases: [(Index, Filter, Matches<'_>); 5] = [
            (
                Index::Status,
                filter().statuses([Status::Open, Status::InProgress]).unwrap(),
                &|it| !is(it, Status::Resolved),
            ),
            (
                Index::Status,
                filter().statuses([Status::Resolved]).unwrap(),
                &|it| is(it, Status::Resolved),
            ),
            (
                Index::Topic,
                filter().topic("search").unwrap().tag("bug").unwrap(),
                &|it| {
                    it.content.topic.as_ref().map(Topic::as_str) == Some("search")
                        && it
                            .triage
                            .as_ref()
                            .unwrap()
                            .tags
                            .iter()
                            .any(|tag| tag.as_str() == "bug")
                },
            ),
            (Index::Rating, filter().rated(None, Some(2)).unwrap(), &|it| {
                matches!(rated(it), Some(1..=2))
            }),
            (
                Index::Person,
                filter()
                    .email("JO@example.org")
                    .unwrap()
                    .statuses([Status::Open])
                    .unwrap(),
                &|it| {
                    let email = it.content.email.as_ref().unwrap().as_str();
                    email.eq_ignore_ascii_case("jo@example.org") && is(it, Status::Open)
                },
            ),
        ];
        for (index, filter, matches) in cases {
            let expected: Vec<Feedback> = all.iter().filter(|it| matches(it)).cloned().collect();
            assert!((6..30).contains(&expected.len()), "{index:?}: {}", expected.len());
            for indexes in [Indexes::from_iter([index]), Indexes::none()] {
                let repository = repository.clone().with_indexes(indexes);
                expect_in_pages(&repository, &filter, &expected, &[(5, false), (7, true)]).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn each_index_of_one_shard_gives_the_listing_that_the_timeline_gives() {
    check_indexes(1).await;
}

#[tokio::test]
async fn each_index_of_four_shards_gives_the_listing_that_the_timeline_gives() {
    check_indexes(4).await;
}

#[tokio::test]
async fn what_changes_its_status_moves_to_another_listing_and_keeps_its_place() {
    on_a_table(async |table| {
        let repository = table.repository(4).await.with_indexes(Indexes::all());
        let mut open = Vec::new();
        for number in 0..3 {
            open.push(submit(&repository, content("x"), NOW + number).await);
        }
        let filter = |status| Filter::default().statuses([status]).unwrap();
        expect(&repository, &filter(Status::Open), &open).await;
        let resolved = triage(&repository, open.remove(1).id, Status::Resolved, "done").await;
        expect(&repository, &filter(Status::Open), &open).await;
        expect(
            &repository,
            &filter(Status::Resolved),
            std::slice::from_ref(&resolved),
        )
        .await;
        open.insert(1, triage(&repository, resolved.id, Status::Open, "again").await);
        expect(&repository, &filter(Status::Open), &open).await;
        expect(&repository, &filter(Status::Resolved), &[]).await;
    })
    .await;
}

#[tokio::test]
async fn what_lies_behind_a_cursor_is_known() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        let mut all = Vec::new();
        for number in 0..3 {
            all.push(submit(&repository, content("x"), NOW + number).await);
        }
        eventually(async || self::all(&repository, now()).await, all.clone()).await;
        for (feedback, later) in [(&all[0], true), (&all[2], false)] {
            for order in ORDERS {
                let cursor = Some(feedback.position());
                let page = |after, before, first, last| {
                    PageRequest::new(first, last, after, before, order, Filter::default()).unwrap()
                };
                // The cursor's own feedback lies behind it.
                let request = page(cursor, None, Some(1), None);
                assert!(repository.has_items_behind(&request, now()).await.unwrap());
                let found = repository.page(&request, now()).await.unwrap();
                let goes_on = later == (order == Order::OldestFirst);
                assert_eq!(!found.items.is_empty(), goes_on);
                let request = page(None, cursor, None, Some(1));
                assert!(repository.has_items_behind(&request, now()).await.unwrap());
                let found = repository.page(&request, now()).await.unwrap();
                assert_eq!(!found.items.is_empty(), !goes_on);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_of_more_than_an_answer_holds_is_whole() {
    on_a_table(async |table| {
        let repository = table.repository(1).await;
        // 20 KB each, where DynamoDB ends an answer at 1 MB.
        let text = "🌙".repeat(5_000);
        let mut all = Vec::new();
        for number in 0..60 {
            all.push(submit(&repository, content(&text), NOW + number).await);
        }
        eventually(async || self::all(&repository, now()).await, all.clone()).await;
        let ids: Vec<FeedbackId> = all.iter().map(|feedback| feedback.id).collect();
        assert_eq!(repository.by_ids(&ids, now()).await.unwrap().len(), 60);
    })
    .await;
}

#[tokio::test]
async fn what_a_filter_leaves_out_counts_as_read() {
    on_a_table(async |table| {
        let repository = table.repository(1).await.with_indexes(Indexes::none());
        for number in 0..60 {
            let content = Content {
                topic: Topic::parse(if number == 59 { "rare" } else { "common" }).ok(),
                ..content("x")
            };
            submit(&repository, content, NOW + number).await;
        }
        eventually(async || all(&repository, now()).await.len(), 60).await;
        let filter = Filter::default().topic("rare").unwrap();
        let request = PageRequest::new(Some(1), None, None, None, Order::OldestFirst, filter).unwrap();
        let metered = repository.metered();
        let page = metered.page(&request, now()).await.unwrap();
        assert_eq!((page.items.len(), page.has_more), (1, false));
        // Two are wanted, to know whether there is more; four times as many are read ahead, and twice as
        // many each round: 8, 16, 32 and the last 4.
        assert_eq!(metered.requests_made(), 4);
    })
    .await;
}

#[tokio::test]
async fn an_item_with_half_a_place_is_in_no_listing() {
    on_a_table(async |table| {
        let repository = table.repository(4).await;
        let id = FeedbackId::parse("7b0f3f5e-9d4c-4a39-8c57-5b7f3a0d9c10").unwrap();
        let new = content("placed").into();
        let placed = stored(repository.submit(new, id, now()).await.unwrap());
        let position = format!("{NOW:013}#7b0f3f5e-9d4c-4a39-8c57-5b7f3a0d9c11");
        for half in [("timelineShard", n(7)), ("timelinePosition", s(&position))] {
            let id = ("feedbackId", s(&Uuid::new_v4().to_string()));
            table
                .put([id, ("feedback", s("x")), ("timestamp", n(NOW / 1_000)), half])
                .await;
        }
        eventually(async || all(&repository, now()).await, vec![placed]).await;
    })
    .await;
}
