//! The rules that all texts have in common.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

use super::violation::{TextRule, Violation, checked};

/// The methods that every type of a text has besides `parse`.
macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// A text that the table holds, as it is.
            pub(crate) fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}
pub(super) use text;

/// A text of 1 to `limit` characters, one of which can be seen, as it is stored.
pub(super) fn parse<F: Copy, R: From<TextRule>>(
    field: F,
    text: &str,
    limit: usize,
) -> Result<String, Vec<Violation<F, R>>> {
    let text = stored(text);
    let violations = violations(field, &text, limit);
    checked(text, violations)
}

/// The text without white space at its ends, and with every line break (`\r\n`, as forms in browsers send it, or `\r`)
/// as a newline.
pub(super) fn stored(text: &str) -> String {
    text.trim().replace("\r\n", "\n").replace('\r', "\n")
}

/// The rules of a text of 1 to `limit` characters, one of which can be seen, that a text breaks.
pub(super) fn violations<F: Copy, R: From<TextRule>>(
    field: F,
    text: &str,
    limit: usize,
) -> Vec<Violation<F, R>> {
    let mut violations = violations_of_optional(field, text, limit);
    if text.is_empty() {
        let message = format!("must have 1 to {limit} characters besides white space at its ends");
        violations.push(Violation::new(field, TextRule::Blank, message));
    } else if text.chars().all(is_invisible) {
        let message = "must have a character that can be seen";
        violations.push(Violation::new(field, TextRule::Blank, message));
    }
    violations
}

/// The rules of a text of up to `limit` characters that a text breaks.
pub(super) fn violations_of_optional<F: Copy, R: From<TextRule>>(
    field: F,
    text: &str,
    limit: usize,
) -> Vec<Violation<F, R>> {
    let mut violations = Vec::new();
    let length = text.chars().count();
    if length > limit {
        let message = format!("must have at most {limit} characters, not {length}");
        violations.push(Violation::new(field, TextRule::TooLong, message));
    }
    let refused = |character: &char| character.is_control() && !matches!(character, '\n' | '\t');
    if let Some(character) = text.chars().find(refused) {
        let message = format!(
            "must have no control character other than newline and tab, but has U+{:04X}",
            u32::from(character)
        );
        violations.push(Violation::new(field, TextRule::ControlCharacter, message));
    }
    violations
}

/// Whether a character leaves no mark: white space, what Unicode wants ignored where it is not supported (fillers,
/// joiners, zero-width spaces, marks of direction), and the Braille pattern without a dot.
pub(super) fn is_invisible(character: char) -> bool {
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    character.is_whitespace() || is_ignorable.contains(character) || character == '\u{2800}'
}

#[cfg(test)]
mod tests {
    use crate::domain::{EmailAddress, Field, Message, Metadata, MetadataEntry, PageUrl, Part, Rule, Topic};

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
            // A value may be empty, and so it may be invisible.
            let pair = MetadataEntry::new(text, text);
            let broken = [
                Message::parse(text).unwrap_err(),
                Topic::parse(text).unwrap_err(),
                EmailAddress::parse(text).unwrap_err(),
                PageUrl::parse(text).unwrap_err(),
                Metadata::parse(&[pair]).unwrap_err(),
            ]
            .concat();
            let broken: Vec<_> = broken
                .into_iter()
                .map(|broken| (broken.field, broken.rule))
                .collect();
            let key = Field::MetadataEntry(0, Part::Key);
            let expected = [Field::Message, Field::Topic, Field::Email, Field::PageUrl, key];
            let expected = expected.map(|field| (field, Rule::Blank));
            assert_eq!(broken, expected, "{}", text.escape_unicode());
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
            assert!(Message::parse(text).is_ok(), "{}", text.escape_unicode());
        }
    }
}
