//! The rules that new feedback keeps.

use std::borrow::Cow;

use email_address::{EmailAddress, Options};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use url::{Host, Url};

use super::{Feedback, FeedbackId, MetadataEntry, Timestamp, limits};

/// Feedback as it arrives, before anything is known of it.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// See [`Feedback::message`].
    pub message: String,
    /// See [`Feedback::rating`].
    pub rating: Option<i64>,
    /// See [`Feedback::topic`].
    pub topic: Option<String>,
    /// See [`Feedback::email`].
    pub email: Option<String>,
    /// See [`Feedback::page_url`].
    pub page_url: Option<String>,
    /// See [`Feedback::metadata`].
    pub metadata: Vec<MetadataEntry>,
    /// What makes a retry known as one: whoever submits again under the same key means the same submission.
    pub idempotency_key: Option<String>,
}

/// Feedback that keeps every rule and can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFeedback {
    message: String,
    rating: Option<u8>,
    topic: Option<String>,
    email: Option<String>,
    page_url: Option<String>,
    metadata: Vec<MetadataEntry>,
    idempotency_key: Option<String>,
}

/// A rule that a draft can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The text is empty, or has only white space and other characters that nobody can see.
    Blank,
    /// The text has too few characters.
    TooShort,
    /// The text has too many characters.
    TooLong,
    /// The list has too many entries.
    TooMany,
    /// The number is too small or too large.
    OutOfRange,
    /// The text has a control character other than those of line breaks and tabs.
    ControlCharacter,
    /// The text is not an email address.
    InvalidEmail,
    /// The text is not a whole http or https URL, or has a user name or a password in it.
    InvalidUrl,
    /// The key stands in the list already.
    DuplicateKey,
    /// Other feedback was submitted under the idempotency key.
    IdempotencyKeyReused,
}

/// A broken rule: which, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The way to the field, from the draft down: `["metadata", "2", "key"]`.
    pub field: Vec<String>,
    /// Which rule it breaks.
    pub rule: Rule,
    /// What is wrong and what would be right, for a person to read.
    pub message: String,
}

impl Violation {
    /// The idempotency key stands for other feedback, of which this tells nothing.
    #[must_use]
    pub fn idempotency_key_reused() -> Self {
        Self {
            field: vec!["idempotencyKey".to_owned()],
            rule: Rule::IdempotencyKeyReused,
            message: "must not be the key of an earlier submission with other content".to_owned(),
        }
    }
}

impl NewFeedback {
    /// Checks a draft against all rules, trims white space off the ends of its texts, and makes every line break in
    /// them a newline.
    ///
    /// # Errors
    /// Every broken rule, in the order of the fields. Never empty.
    pub fn parse(draft: Draft) -> Result<Self, Vec<Violation>> {
        let mut check = Check::default();
        let parsed = Self {
            message: check.text("message", &draft.message, limits::MESSAGE),
            rating: draft.rating.and_then(|rating| check.rating(rating)),
            topic: draft
                .topic
                .map(|topic| check.text("topic", &topic, limits::TOPIC)),
            email: draft.email.map(|email| check.email(&email)),
            page_url: draft.page_url.map(|url| check.page_url(&url)),
            metadata: check.metadata(&draft.metadata),
            idempotency_key: draft.idempotency_key.map(|key| check.idempotency_key(key)),
        };
        if check.violations.is_empty() {
            Ok(parsed)
        } else {
            Err(check.violations)
        }
    }

    /// The id that this gets when it is submitted at `now`: a new one, or with an idempotency key the one that
    /// belongs to the key.
    #[must_use]
    pub fn id(&self, now: Timestamp) -> FeedbackId {
        let key = self.idempotency_key.as_deref();
        key.map_or_else(|| FeedbackId::new(now), FeedbackId::of_key)
    }

    /// Whether it is submitted under an idempotency key.
    #[must_use]
    pub fn has_idempotency_key(&self) -> bool {
        self.idempotency_key.is_some()
    }

    /// The feedback that this becomes when it is submitted as `id` at `submitted_at`.
    #[must_use]
    pub fn submitted(self, id: FeedbackId, submitted_at: Timestamp) -> Feedback {
        Feedback {
            id,
            submitted_at,
            message: self.message,
            rating: self.rating,
            topic: self.topic,
            email: self.email,
            page_url: self.page_url,
            metadata: self.metadata,
        }
    }
}

/// Collects what is wrong with a draft. Each method returns the trimmed value; whether it may be used is
/// known once all have run.
#[derive(Default)]
struct Check {
    violations: Vec<Violation>,
}

impl Check {
    fn broken(&mut self, field: &str, rule: Rule, message: String) {
        self.violations.push(Violation {
            field: field.split('.').map(str::to_owned).collect(),
            rule,
            message,
        });
    }

    /// A text of 1 to `limit` characters, one of which can be seen.
    fn text(&mut self, field: &str, text: &str, limit: usize) -> String {
        let text = self.text_or_nothing(field, text, limit);
        if text.is_empty() {
            let message = format!("must have 1 to {limit} characters besides white space at its ends");
            self.broken(field, Rule::Blank, message);
        } else if text.chars().all(is_invisible) {
            let message = "must have a character that can be seen".to_owned();
            self.broken(field, Rule::Blank, message);
        }
        text
    }

    /// A text of up to `limit` characters.
    fn text_or_nothing(&mut self, field: &str, text: &str, limit: usize) -> String {
        let text = with_newlines(text.trim());
        let length = text.chars().count();
        if length > limit {
            let message = format!("must have at most {limit} characters, not {length}");
            self.broken(field, Rule::TooLong, message);
        }
        let refused = |character: &char| character.is_control() && !matches!(character, '\n' | '\t');
        if let Some(character) = text.chars().find(refused) {
            let message = format!(
                "must have no control character other than newline and tab, but has U+{:04X}",
                u32::from(character)
            );
            self.broken(field, Rule::ControlCharacter, message);
        }
        text.into_owned()
    }

    fn rating(&mut self, rating: i64) -> Option<u8> {
        if !limits::RATING.contains(&rating) {
            let (least, most) = (limits::RATING.start(), limits::RATING.end());
            let message = format!("must be between {least} and {most}, not {rating}");
            self.broken("rating", Rule::OutOfRange, message);
        }
        u8::try_from(rating).ok()
    }

    fn email(&mut self, text: &str) -> String {
        let before = self.violations.len();
        let email = self.text("email", text, limits::EMAIL);
        let options = Options::default()
            .with_required_tld()
            .without_domain_literal()
            .without_display_text();
        let is_clean = self.violations.len() == before;
        if is_clean && EmailAddress::parse_with_options(&email, options).is_err() {
            let message = "must be an email address like sam@example.org".to_owned();
            self.broken("email", Rule::InvalidEmail, message);
        }
        email
    }

    fn page_url(&mut self, text: &str) -> String {
        let before = self.violations.len();
        let url = self.text("pageUrl", text, limits::PAGE_URL);
        let is_clean = self.violations.len() == before;
        if is_clean && !is_web_url(&url) {
            let message = "must be a whole http or https URL like https://example.org/pricing, without a user name or a \
                           password"
                .to_owned();
            self.broken("pageUrl", Rule::InvalidUrl, message);
        }
        url
    }

    /// A key is a program's and not a person's, so nothing is trimmed off it.
    fn idempotency_key(&mut self, key: String) -> String {
        let (length, limits) = (key.chars().count(), limits::IDEMPOTENCY_KEY);
        if !limits.contains(&length) {
            let rule = if length < *limits.start() {
                Rule::TooShort
            } else {
                Rule::TooLong
            };
            let message = format!(
                "must have {} to {} characters, not {length}",
                limits.start(),
                limits.end()
            );
            self.broken("idempotencyKey", rule, message);
        }
        if key.contains(char::is_control) {
            let message = "must have no control character".to_owned();
            self.broken("idempotencyKey", Rule::ControlCharacter, message);
        }
        key
    }

    fn metadata(&mut self, pairs: &[MetadataEntry]) -> Vec<MetadataEntry> {
        if pairs.len() > limits::METADATA {
            let message = format!(
                "must have at most {} pairs, not {}",
                limits::METADATA,
                pairs.len()
            );
            self.broken("metadata", Rule::TooMany, message);
            // Nothing is gained by telling of each pair of a list that cannot be accepted at any rate,
            // and the list may be long.
            return Vec::new();
        }
        let mut checked: Vec<MetadataEntry> = Vec::with_capacity(pairs.len());
        for (index, pair) in pairs.iter().enumerate() {
            let field = format!("metadata.{index}.key");
            let key = self.text(&field, &pair.key, limits::METADATA_KEY);
            if !key.is_empty() && checked.iter().any(|earlier| earlier.key == key) {
                let message = "must not be the key of an earlier pair".to_owned();
                self.broken(&field, Rule::DuplicateKey, message);
            }
            let field = format!("metadata.{index}.value");
            let value = self.text_or_nothing(&field, &pair.value, limits::METADATA_VALUE);
            checked.push(MetadataEntry { key, value });
        }
        checked
    }
}

/// The text with every line break (`\r\n`, as forms in browsers send it, or `\r`) as a newline.
fn with_newlines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        text.into()
    }
}

/// Whether a character leaves no mark: white space, what Unicode wants ignored where it is not supported (fillers,
/// joiners, zero-width spaces, marks of direction), and the Braille pattern without a dot.
fn is_invisible(character: char) -> bool {
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    character.is_whitespace() || is_ignorable.contains(character) || character == '\u{2800}'
}

/// Whether the text is an absolute http or https URL as it stands, with no more than host and port between `//` and
/// the path. The URL parser alone would also take `https:example.org`, `https:\\example.org` and texts with white
/// space in them, and mend them silently.
fn is_web_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_web = ["http", "https"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_bare = !authority.is_empty() && !authority.contains(['@', '\\']);
    let has_host = |url: Url| match url.host() {
        // A name may end with the dot of the root, and has no other empty part.
        Some(Host::Domain(name)) => {
            let mut labels = name.strip_suffix('.').unwrap_or(name).split('.');
            labels.all(|label| !label.is_empty())
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    is_web && is_bare && !text.contains(char::is_whitespace) && Url::parse(text).is_ok_and(has_host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(text: &str) -> Draft {
        Draft {
            message: text.to_owned(),
            ..Draft::default()
        }
    }

    fn pair(key: &str, value: &str) -> MetadataEntry {
        MetadataEntry {
            key: key.to_owned(),
            value: value.to_owned(),
        }
    }

    fn broken(draft: Draft) -> Vec<(String, Rule)> {
        let violations = NewFeedback::parse(draft).map_or_else(|violations| violations, |_| Vec::new());
        violations
            .into_iter()
            .map(|violation| (violation.field.join("."), violation.rule))
            .collect()
    }

    #[test]
    fn the_least_and_the_most_are_accepted() {
        assert_eq!(broken(message("x")), []);
        let most = Draft {
            message: "é".repeat(5_000),
            rating: Some(5),
            topic: Some("t".repeat(64)),
            email: Some("sam@example.org".to_owned()),
            page_url: Some(format!("https://example.org/{}", "p".repeat(2_028))),
            metadata: (0..16)
                .map(|index| pair(&format!("{index:064}"), &"v".repeat(256)))
                .collect(),
            idempotency_key: Some("k".repeat(128)),
        };
        assert_eq!(broken(most), []);
    }

    #[test]
    fn every_broken_rule_is_told_at_once() {
        let worst = Draft {
            message: " \n ".to_owned(),
            rating: Some(6),
            topic: Some("t".repeat(65)),
            email: Some("sam at example".to_owned()),
            page_url: Some("javascript:alert(1)".to_owned()),
            metadata: vec![pair("k", &"v".repeat(257)), pair(" k ", ""), pair("", "\u{7}")],
            idempotency_key: Some("1234567".to_owned()),
        };
        let expected = [
            ("message", Rule::Blank),
            ("rating", Rule::OutOfRange),
            ("topic", Rule::TooLong),
            ("email", Rule::InvalidEmail),
            ("pageUrl", Rule::InvalidUrl),
            ("metadata.0.value", Rule::TooLong),
            ("metadata.1.key", Rule::DuplicateKey),
            ("metadata.2.key", Rule::Blank),
            ("metadata.2.value", Rule::ControlCharacter),
            ("idempotencyKey", Rule::TooShort),
        ];
        assert_eq!(
            broken(worst),
            expected.map(|(field, rule)| (field.to_owned(), rule))
        );
    }

    #[test]
    fn one_past_each_limit_is_refused() {
        assert_eq!(
            broken(message(&"é".repeat(5_001))),
            [("message".to_owned(), Rule::TooLong)]
        );
        for rating in [i64::MIN, -1, 0, 6, 256 + 3, i64::MAX] {
            let draft = Draft {
                rating: Some(rating),
                ..message("x")
            };
            assert_eq!(
                broken(draft),
                [("rating".to_owned(), Rule::OutOfRange)],
                "{rating}"
            );
        }
        let draft = Draft {
            metadata: (0..17).map(|index| pair(&index.to_string(), "")).collect(),
            ..message("x")
        };
        assert_eq!(broken(draft), [("metadata".to_owned(), Rule::TooMany)]);
    }

    #[test]
    fn only_whole_web_addresses_are_page_urls() {
        for url in [
            "https://example.org",
            "http://localhost:3000/?q=1#top",
            "HTTPS://EXAMPLE.ORG/ä",
            "http://[::1]/",
            "http://192.0.2.1:8080",
            "https://example.org.",
            "https://example.org?back=https://sam:secret@example.com",
            "https://example.org/@sam",
        ] {
            assert!(is_web_url(url), "{url}");
        }
        for url in [
            "example.org",
            "https:example.org",
            "ftp://example.org",
            "https://",
            "https://a b/",
            "/x",
            "//example.org",
            "https:example.org/?u=http://x",
            "https:\\\\example.org",
            "https:\\\\example.org/?u=http://x",
            "https://example.org\\@evil.example",
            "http:/example.org",
            "https:///example.org",
            "https://.",
            "https://..",
            "https://example..org",
            "https://.example.org",
            "https://:443/",
            "https://?x",
            "https://sam:secret@example.org/",
            "https://sam@example.org",
            "https://@example.org",
            "https://:@example.org",
            "javascript://example.org/%0aalert(1)",
        ] {
            assert!(!is_web_url(url), "{url}");
        }
    }

    #[test]
    fn email_addresses_are_bare_and_have_a_whole_domain() {
        let email = |text: &str| {
            broken(Draft {
                email: Some(text.to_owned()),
                ..message("x")
            })
        };
        assert_eq!(email(" sam.o'neil+feedback@mail.example.org "), []);
        for text in [
            "sam",
            "sam@localhost",
            "Sam <sam@example.org>",
            "sam@[127.0.0.1]",
            "@example.org",
            "a@b@c.org",
        ] {
            assert_eq!(email(text), [("email".to_owned(), Rule::InvalidEmail)], "{text}");
        }
    }

    #[test]
    fn what_nobody_can_see_is_blank() {
        let invisible = [
            "",
            " ",
            "\u{200b}",
            "\u{2060}",
            "\u{feff}",
            "\u{3164}",
            "\u{115f}",
            "\u{ffa0}",
            "\u{2800}",
            "\u{ad}",
            "\u{200d}\u{200c}",
            "\u{202e}\u{202c}",
            "\u{fe0f}",
            "\u{e0020}",
            " \u{200b}\n\u{3000}\u{2800} ",
        ];
        for text in invisible {
            let draft = Draft {
                topic: Some(text.to_owned()),
                email: Some(text.to_owned()),
                page_url: Some(text.to_owned()),
                // A value may be empty, and so it may be invisible.
                metadata: vec![pair(text, text)],
                ..message(text)
            };
            let expected = ["message", "topic", "email", "pageUrl", "metadata.0.key"];
            let expected = expected.map(|field| (field.to_owned(), Rule::Blank));
            assert_eq!(broken(draft), expected, "{}", text.escape_unicode());
        }
        for text in [
            "x",
            ".",
            "\u{200b}x",
            "👍🏽",
            "❤\u{fe0f}",
            "👩\u{200d}🔬",
            "\u{301}",
            "⠁",
            "ㅤㄱ",
        ] {
            assert_eq!(broken(message(text)), [], "{}", text.escape_unicode());
        }
    }

    #[test]
    fn every_line_break_is_a_newline() {
        let draft = Draft {
            topic: Some("a\r\nb".to_owned()),
            metadata: vec![pair("k\rk", "v\r\n\r\nv")],
            ..message("\r\none\r\ntwo\rthree\n\rfour\r\n")
        };
        let new = NewFeedback::parse(draft).unwrap();
        assert_eq!(new.message, "one\ntwo\nthree\n\nfour");
        assert_eq!(new.topic.as_deref(), Some("a\nb"));
        assert_eq!(new.metadata, [pair("k\nk", "v\n\nv")]);
        let longest = "\r\n".repeat(4_998);
        assert_eq!(broken(message(&format!("x{longest}x"))), []);
        assert_eq!(
            broken(message(&format!("x{longest}\r\nx"))),
            [("message".to_owned(), Rule::TooLong)]
        );
        let key = Draft {
            idempotency_key: Some("12345678\r\n".to_owned()),
            ..message("x")
        };
        let expected = [("idempotencyKey".to_owned(), Rule::ControlCharacter)];
        assert_eq!(broken(key), expected);
    }

    proptest! {
        #[test]
        fn a_message_is_accepted_as_it_is_or_refused(text in any::<String>()) {
            let trimmed = with_newlines(text.trim());
            let fine = !trimmed.chars().all(is_invisible)
                && trimmed.chars().count() <= limits::MESSAGE
                && !trimmed.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
            match NewFeedback::parse(message(&text)) {
                Ok(feedback) => {
                    prop_assert!(fine);
                    prop_assert_eq!(feedback.message, trimmed.as_ref());
                }
                Err(violations) => {
                    prop_assert!(!fine);
                    prop_assert!(!violations.is_empty());
                }
            }
        }
    }
}
