//! Quarantine: feedback that looks as if no person had written it is put aside, with the reasons, and never refused
//! or dropped.
//!
//! A pure function decides it from what was submitted. The sender is not told.

use std::collections::BTreeSet;
use std::str::FromStr;

use strum::{EnumString, IntoStaticStr};

use super::{Content, Timestamp};

/// A reason to put feedback aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum QuarantineReason {
    /// A field was filled that people do not see.
    TrapFilled,
    /// The form was sent sooner after it was shown than a person takes.
    TooFast,
    /// The message has too many links.
    TooManyLinks,
    /// The client has submitted too much in an hour.
    TooManyFromClient,
    /// Staff put it aside.
    ByStaff,
}

impl QuarantineReason {
    /// The reason of this name, like `TRAP_FILLED`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why feedback is put aside, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// The reasons. Those of a later version of the service are left out, so there can be none.
    pub reasons: BTreeSet<QuarantineReason>,
    /// Since when.
    pub since: Timestamp,
}

/// How feedback was submitted: what tells robots and people apart, besides the content. None of it is stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Signals {
    /// The value of the field that people do not see.
    pub trap: Option<String>,
    /// The milliseconds from when the form was shown to when it was sent, as the client measured them.
    pub elapsed_ms: Option<f64>,
    /// How many submissions the client has made in this hour, this one included, where they are counted.
    pub by_client: Option<u32>,
}

/// When feedback is put aside. A number is the last that is not: more links or submissions are too many, and less time
/// is too little. A rule without a number is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuarantineRules {
    /// `trap`: whether a trap that is not empty puts feedback aside.
    pub trap: bool,
    /// `elapsedMs`: the shortest time that a person takes. Feedback without a time keeps the rule; a negative one breaks
    /// it, since no person takes that.
    pub elapsed_ms: Option<u32>,
    /// `links`: the most links in a message. Each `http://` or `https://` counts as one, in any case.
    pub links: Option<usize>,
    /// `perClient`: the most submissions of a client without a credential in an hour.
    pub per_client: Option<u32>,
}

/// The trap alone, which nobody fills by chance.
impl Default for QuarantineRules {
    fn default() -> Self {
        Self {
            trap: true,
            ..Self::off()
        }
    }
}

/// Reads `name=number` pairs, separated by spaces or commas. A rule that is not named is off.
impl FromStr for QuarantineRules {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rules = Self::off();
        let mut pairs = text.split([' ', ',']).filter(|pair| !pair.is_empty()).peekable();
        let is_empty = pairs.peek().is_none();
        let read = pairs.try_for_each(|pair| rules.read(pair));
        read.filter(|()| !is_empty).map(|()| rules).ok_or_else(|| {
            "pairs like \"trap=1 elapsedMs=1500\" of trap (0 or 1), elapsedMs (at most 9999999), links (99) and \
             perClient (9999); trap=0 alone puts nothing aside"
                .to_owned()
        })
    }
}

impl QuarantineRules {
    /// Rules that put nothing aside.
    fn off() -> Self {
        Self {
            trap: false,
            elapsed_ms: None,
            links: None,
            per_client: None,
        }
    }

    /// Reads a pair; `None` if it is none.
    fn read(&mut self, pair: &str) -> Option<()> {
        let (name, number) = pair.split_once('=')?;
        let up_to = |most: u32| number.parse().ok().filter(|number| *number <= most);
        match name {
            "trap" => self.trap = up_to(1)? == 1,
            "elapsedMs" => self.elapsed_ms = Some(up_to(9_999_999)?),
            "links" => self.links = Some(usize::try_from(up_to(99)?).ok()?),
            "perClient" => self.per_client = Some(up_to(9_999)?),
            _ => return None,
        }
        Some(())
    }

    /// The reasons to put feedback aside; none if it is listed.
    #[must_use]
    pub fn reasons(&self, content: &Content, signals: &Signals) -> BTreeSet<QuarantineReason> {
        let is_filled = signals.trap.as_ref().is_some_and(|trap| !trap.is_empty());
        let is_under = |(elapsed, least): (f64, u32)| elapsed < f64::from(least);
        let is_over = |(count, most): (u32, u32)| count > most;
        let broken = [
            (QuarantineReason::TrapFilled, self.trap && is_filled),
            (
                QuarantineReason::TooFast,
                signals.elapsed_ms.zip(self.elapsed_ms).is_some_and(is_under),
            ),
            (
                QuarantineReason::TooManyLinks,
                self.links
                    .is_some_and(|most| links(content.message.as_str()) > most),
            ),
            (
                QuarantineReason::TooManyFromClient,
                signals.by_client.zip(self.per_client).is_some_and(is_over),
            ),
        ];
        let broken = broken.into_iter().filter(|(_, is_broken)| *is_broken);
        broken.map(|(reason, _)| reason).collect()
    }
}

/// The number of links in a text.
fn links(text: &str) -> usize {
    let text = text.to_ascii_lowercase();
    text.matches("http://").count() + text.matches("https://").count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Message;

    const ALL: &str = "trap=1 elapsedMs=1500 links=3 perClient=20";

    fn reasons(rules: &str, message: &str, signals: &Signals) -> Vec<QuarantineReason> {
        let content = Message::parse(message).unwrap().into();
        let rules: QuarantineRules = rules.parse().unwrap();
        rules.reasons(&content, signals).into_iter().collect()
    }

    #[test]
    fn rules_are_read_by_name_and_those_that_are_not_named_are_off() {
        let expected = QuarantineRules {
            trap: true,
            elapsed_ms: Some(1_500),
            links: Some(3),
            per_client: Some(20),
        };
        assert_eq!(ALL.parse(), Ok(expected));
        assert_eq!("trap=1".parse(), Ok(QuarantineRules::default()));
        assert_eq!("trap=0".parse(), Ok(QuarantineRules::off()));
        let links = QuarantineRules {
            links: Some(0),
            ..QuarantineRules::off()
        };
        assert_eq!(" links=5,links=0, ".parse(), Ok(links));
        for text in [
            "",
            " ,",
            "none",
            "trap",
            "trap=",
            "trap=2",
            "trap=yes",
            "elapsedMs=-1",
            "elapsedMs=10000000",
            "links=1.5",
            "links=100",
            "perClient=10000",
            "honeypot=1",
            "trap = 1",
            "trap=1 links",
        ] {
            let error = text.parse::<QuarantineRules>().unwrap_err();
            assert!(error.starts_with("pairs like \"trap=1"), "{text}");
        }
    }

    #[test]
    fn a_number_is_the_last_that_is_listed() {
        let links = |count: usize| "see HTTP://a.example or https://b.example ".repeat(count / 2);
        for (message, signals, expected) in [
            (links(2), Signals::default(), None),
            (links(2) + "http://c.example", Signals::default(), None),
            (links(4), Signals::default(), Some(QuarantineReason::TooManyLinks)),
            (links(0) + "a", by_client(20), None),
            (
                links(0) + "a",
                by_client(21),
                Some(QuarantineReason::TooManyFromClient),
            ),
            (links(0) + "a", after(1_500.0), None),
            (links(0) + "a", after(1_499.9), Some(QuarantineReason::TooFast)),
            (links(0) + "a", after(-1.0), Some(QuarantineReason::TooFast)),
            (links(0) + "a", after(1e300), None),
            (links(0) + "a", trap(""), None),
            (links(0) + "a", trap(" "), Some(QuarantineReason::TrapFilled)),
        ] {
            let found = reasons(ALL, &message, &signals);
            assert_eq!(found, Vec::from_iter(expected), "{message} {signals:?}");
        }
        let any_link = reasons("links=0", "https://a.example", &Signals::default());
        assert_eq!(any_link, [QuarantineReason::TooManyLinks]);
        assert_eq!(reasons("links=0", "a.example", &Signals::default()), []);
    }

    #[test]
    fn all_reasons_are_told_and_a_rule_that_is_off_is_none() {
        let message = "http://a.example ".repeat(4);
        let signals = Signals {
            trap: Some("planted".to_owned()),
            elapsed_ms: Some(0.0),
            by_client: Some(21),
        };
        let expected = [
            QuarantineReason::TrapFilled,
            QuarantineReason::TooFast,
            QuarantineReason::TooManyLinks,
            QuarantineReason::TooManyFromClient,
        ];
        assert_eq!(reasons(ALL, &message, &signals), expected);
        assert_eq!(reasons("trap=0", &message, &signals), []);
    }

    fn trap(text: &str) -> Signals {
        Signals {
            trap: Some(text.to_owned()),
            ..Signals::default()
        }
    }

    fn after(millis: f64) -> Signals {
        Signals {
            elapsed_ms: Some(millis),
            ..Signals::default()
        }
    }

    fn by_client(count: u32) -> Signals {
        Signals {
            by_client: Some(count),
            ..Signals::default()
        }
    }
}
