//! Sample feedback, to have something to look at.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};

use crate::domain::{
    Content, EmailAddress, FeedbackId, Message, Metadata, MetadataEntry, PageUrl, Rating, Status, Timestamp,
    Topic, TriageChange, TriageUpdate, Violation,
};
use crate::repository::{FeedbackRepository, RepositoryError};

/// How far back the sample goes: six weeks, in milliseconds.
const SPAN: u64 = 6 * 7 * 24 * 60 * 60 * 1_000;
/// How many pieces are on their way at once.
const CONCURRENCY: usize = 16;
/// From how many pieces on a progress bar is shown.
const MANY: u32 = 1_000;

/// What people write about: the topic, the pages it is about, and what they say, from displeased to
/// pleased.
struct Subject {
    topic: &'static str,
    page: &'static str,
    displeased: [&'static str; 3],
    undecided: [&'static str; 2],
    pleased: [&'static str; 3],
}

const SUBJECTS: [Subject; 5] = [
    Subject {
        topic: "checkout",
        page: "/checkout",
        displeased: [
            "My card was declined twice, and then I was charged for both tries.",
            "The address form forgets everything when I go one step back.",
            "The voucher code from your newsletter is \"not valid\", without a word on why.",
        ],
        undecided: [
            "Paying works, but I had to look for the invoice for quite a while.",
            "Could you keep my basket when I switch from my phone to my computer?",
        ],
        pleased: [
            "Bought in under a minute. I wish every shop worked like this.",
            "I like that I can pay without making an account.",
            "The delivery date is shown before I pay. Thank you!",
        ],
    },
    Subject {
        topic: "search",
        page: "/search",
        displeased: [
            "Searching for \"lamp\" shows me sofas first.",
            "The filters are reset each time I open a result.",
            "No results for the very name that is printed on the box.",
        ],
        undecided: [
            "Results are fine, sorting by price would help me more than \"relevance\".",
            "Please tell me how many results there are before I scroll.",
        ],
        pleased: [
            "It even understood my typo. Impressive.",
            "Found the spare part by its number at once.",
            "The suggestions while typing are really good.",
        ],
    },
    Subject {
        topic: "mobile app",
        page: "/app",
        displeased: [
            "Crashes every time I turn the phone while a photo is uploading.",
            "Since the last update I have to log in every single day.",
            "The text is too small, and ignores the size I have set in my phone.",
        ],
        undecided: [
            "Works, but it drains the battery faster than it used to.",
            "Is there a way to turn off the sounds only at night?",
        ],
        pleased: [
            "Dark mode! Finally! 🌙",
            "Much faster than before, also on my old phone.",
            "Offline mode saved my day on the train.",
        ],
    },
    Subject {
        topic: "documentation",
        page: "/docs/getting-started",
        displeased: [
            "Step 4 of the guide mentions a button that does not exist any more.",
            "The example does not run:\n\n\tsyntax error near unexpected token",
            "I read three pages and still do not know what it costs.",
        ],
        undecided: [
            "Good guide. A diagram of how the parts fit together would make it great.",
            "Please say which version the page is about.",
        ],
        pleased: [
            "Clear, short, and the commands work as written. Merci beaucoup !",
            "The migration guide answered every question that I had.",
            "とても分かりやすい説明でした。",
        ],
    },
    Subject {
        topic: "support",
        page: "/help/contact",
        displeased: [
            "I have been waiting for an answer for nine days now.",
            "The chat closed itself while I was typing.",
            "I was sent from one department to the next and back.",
        ],
        undecided: [
            "Friendly answer, though it did not solve the problem yet.",
            "Please offer a call back instead of waiting in line.",
        ],
        pleased: [
            "Jo solved it in five minutes, and explained what had gone wrong.",
            "A refund without any discussion. You have won a customer.",
            "Great help, even on a Sunday.",
        ],
    },
];

const NAMES: [&str; 8] = [
    "amara", "chen", "diego", "elif", "freya", "isha", "jonas", "naledi",
];
const PLANS: [&str; 3] = ["free", "plus", "team"];
const STAFF: [&str; 3] = ["ana", "bo", "kim"];
const TAGS_OF_DISPLEASED: [&str; 3] = ["bug", "refund", "urgent"];
const TAGS_OF_OTHERS: [&str; 2] = ["idea", "praise"];
const NOTES: [&str; 3] = [
    "Asked for an order number.",
    "Known: the fix is in the next release.",
    "Passed on to the team that owns it.",
];
const VERSIONS: [&str; 4] = ["4.9.2", "5.0.0", "5.0.1", "5.1.0"];

/// Stores `count` made-up pieces of feedback, spread over the weeks before `now`.
///
/// # Errors
/// When one could not be stored. Those before it stay.
pub async fn add_sample(
    repository: &FeedbackRepository,
    count: u32,
    now: Timestamp,
) -> Result<(), RepositoryError> {
    let progress = if count >= MANY {
        ProgressBar::new(count.into()).with_style(style())
    } else {
        ProgressBar::hidden()
    };
    stream::iter(0..count)
        .map(|_| async {
            let age = fastrand::u64(0..SPAN);
            let submitted_at = Timestamp::saturating_from_millis(now.as_millis().saturating_sub(age));
            // Made of constants that keep the rules: a test stores every one of them.
            if let Ok(content) = content() {
                let id = FeedbackId::new(submitted_at);
                let is_displeased = content.rating.is_some_and(|rating| rating.get() <= 2);
                repository.submit(content.into(), id, submitted_at).await?;
                if let Some(change) = change(age, is_displeased) {
                    let update = TriageUpdate {
                        at: Timestamp::saturating_from_millis(now.as_millis().saturating_sub(age / 2)),
                        by: format!("staff {}", pick(&STAFF)),
                    };
                    repository.triage(id, &change, &update).await?;
                }
            }
            progress.inc(1);
            Ok::<(), RepositoryError>(())
        })
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await?;
    progress.finish_and_clear();
    Ok(())
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("adding sample feedback {wide_bar} {human_pos}/{human_len} ({eta} left)")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn content() -> Result<Content, Vec<Violation>> {
    let subject = pick(&SUBJECTS);
    // As anywhere, those who write are mostly either displeased or pleased.
    let rating = *pick(&[1, 1, 2, 2, 3, 4, 4, 5, 5, 5]);
    let message = match rating {
        ..=2 => pick(&subject.displeased),
        3 => pick(&subject.undecided),
        _ => pick(&subject.pleased),
    };
    let mut metadata = vec![MetadataEntry::new("plan", pick::<&str>(&PLANS))];
    if fastrand::bool() {
        metadata.push(MetadataEntry::new("appVersion", pick::<&str>(&VERSIONS)));
    }
    let email = format!("{}@example.org", pick(&NAMES));
    let page_url = format!("https://shop.example.org{}", subject.page);
    Ok(Content {
        rating: sometimes(9, Rating::parse(rating)?),
        topic: sometimes(8, Topic::parse(subject.topic)?),
        email: sometimes(3, EmailAddress::parse(&email)?),
        page_url: sometimes(7, PageUrl::parse(&page_url)?),
        metadata: Metadata::parse(&metadata)?,
        ..Message::parse(message)?.into()
    })
}

/// What staff made of feedback of this age, in milliseconds: the older it is, the more of it is done.
fn change(age: u64, is_displeased: bool) -> Option<TriageChange> {
    let done = u8::try_from(10 * age / SPAN).unwrap_or(10);
    let status = match fastrand::u8(0..12) {
        dice if dice < done => Some(Status::Resolved),
        dice if dice < done + 2 => Some(Status::InProgress),
        _ => None,
    };
    let tag = *if is_displeased {
        pick(&TAGS_OF_DISPLEASED)
    } else {
        pick(&TAGS_OF_OTHERS)
    };
    let tag = sometimes(if status.is_some() { 6 } else { 2 }, tag.to_owned());
    let note = status.and_then(|_| sometimes(3, *pick(&NOTES)));
    TriageChange::new(None, status, tag.as_slice(), &[], note).ok()
}

/// The value in so many of ten cases.
fn sometimes<T>(in_ten: u8, value: T) -> Option<T> {
    (fastrand::u8(0..10) < in_ten).then_some(value)
}

fn pick<T>(choices: &[T]) -> &T {
    &choices[fastrand::usize(0..choices.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_feedback_keeps_the_rules() {
        for _ in 0..1_000 {
            content().unwrap();
        }
    }
}
