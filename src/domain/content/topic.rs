//! The topic.

use serde::{Deserialize, Serialize};

use crate::domain::{Field, Violation, text};

/// What feedback is about: 1 to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Topic(String);

text::text!(Topic);

impl Topic {
    /// The most characters that a topic has.
    pub const MAX_LENGTH: usize = 64;

    /// A topic that somebody submits.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, Vec<Violation>> {
        text::parse(Field::Topic, text, Self::MAX_LENGTH).map(Self)
    }

    /// A topic to look for, without white space at its ends; `None` where it is empty or too long. It may be a stored
    /// one that [`parse`](Self::parse) would not take any more.
    #[must_use]
    pub fn to_look_for(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_topic = (1..=Self::MAX_LENGTH).contains(&text.chars().count());
        is_topic.then(|| Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::violation::{Rule, rules};

    #[test]
    fn one_character_to_64_are_a_topic() {
        assert_eq!(Topic::parse("a\r\nb").unwrap().as_str(), "a\nb");
        assert_eq!(rules(Topic::parse(&"t".repeat(64))), []);
        assert_eq!(rules(Topic::parse(&"t".repeat(65))), [Rule::TooLong]);
    }

    #[test]
    fn a_stored_topic_of_older_rules_can_be_looked_for() {
        for text in ["a\r\nb", "\u{7}", "\u{200b}"] {
            let topic = Topic::to_look_for(&format!(" {text}\n")).unwrap();
            assert_eq!(topic.as_str(), text);
        }
    }
}
