//! The message.

use crate::domain::{Field, Violation, text};

/// What a person wrote: 1 to 5,000 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(String);

text::text!(Message);

impl Message {
    /// The most characters that a message has.
    pub const MAX_LENGTH: usize = 5_000;

    /// A message that somebody submits.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, Vec<Violation>> {
        text::parse(Field::Message, text, Self::MAX_LENGTH).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::violation::{Rule, rules};

    fn broken(text: &str) -> Vec<Rule> {
        rules(Message::parse(text))
    }

    #[test]
    fn one_character_to_5_000_are_a_message() {
        assert_eq!(broken("x"), []);
        assert_eq!(broken(&"é".repeat(5_000)), []);
        assert_eq!(broken(&"é".repeat(5_001)), [Rule::TooLong]);
    }

    #[test]
    fn every_line_break_is_a_newline() {
        let message = Message::parse("\r\none\r\ntwo\rthree\n\rfour\r\n").unwrap();
        assert_eq!(message.as_str(), "one\ntwo\nthree\n\nfour");
        let longest = "\r\n".repeat(4_998);
        assert_eq!(broken(&format!("x{longest}x")), []);
        assert_eq!(broken(&format!("x{longest}\r\nx")), [Rule::TooLong]);
    }

    proptest! {
        #[test]
        fn a_message_is_accepted_as_it_is_or_refused(text in any::<String>()) {
            let trimmed = text::stored(&text);
            let fine = !trimmed.chars().all(text::is_invisible)
                && trimmed.chars().count() <= Message::MAX_LENGTH
                && !trimmed.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
            match Message::parse(&text) {
                Ok(message) => {
                    prop_assert!(fine);
                    prop_assert_eq!(message.as_str(), trimmed);
                }
                Err(violations) => {
                    prop_assert!(!fine);
                    prop_assert!(!violations.is_empty());
                }
            }
        }
    }
}
