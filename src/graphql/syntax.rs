//! Corrections to the compiler's parser, where it differs from the specification.
//!
//! It accepts a name without a value as an argument or a field of an input object, and drops it; it accepts a string
//! that begins with a line break; and it rejects an insignificant comma after `...` or before the colon of an alias.

use apollo_parser::cst::CstNode;
use apollo_parser::{Lexer, Parser, SyntaxKind, TokenKind};

/// The text of a document for the parser.
pub(super) struct Source {
    /// The text with spaces for commas, so that locations stay the same.
    pub(super) text: String,
    /// The number of tokens (GraphQL specification, "Lexical Tokens"), invalid ones included.
    pub(super) tokens: usize,
    /// The offset of a string, not of a block string, that begins with a line break. Further on in a string, the
    /// parser finds line breaks itself.
    pub(super) broken_string: Option<usize>,
}

impl Source {
    pub(super) fn read(text: &str) -> Self {
        let mut source = text.to_owned();
        let mut tokens = 0;
        let mut broken_string = None;
        for token in Lexer::new(text) {
            match token.as_ref().map(|token| (token.kind(), token.index())) {
                Ok((TokenKind::Whitespace | TokenKind::Comment | TokenKind::Eof, _)) => continue,
                Ok((TokenKind::Comma, at)) => {
                    source.replace_range(at..=at, " ");
                    continue;
                }
                Ok((TokenKind::StringValue, at)) if is_broken(&text[at..]) => {
                    broken_string.get_or_insert(at);
                }
                _ => {}
            }
            // An invalid token counts too.
            tokens += 1;
        }
        Self {
            text: source,
            tokens,
            broken_string,
        }
    }

    /// The offset of a name that lacks a value.
    pub(super) fn name_without_value(&self, max_nesting: usize) -> Option<usize> {
        let tree = Parser::new(&self.text).recursion_limit(max_nesting).parse();
        let document = tree.document();
        let mut nodes = document.syntax().descendants();
        let name = nodes.find(|node| {
            let has_value = || {
                node.children_with_tokens()
                    .any(|child| child.kind() == SyntaxKind::COLON)
            };
            matches!(node.kind(), SyntaxKind::ARGUMENT | SyntaxKind::OBJECT_FIELD) && !has_value()
        })?;
        Some(name.text_range().start().into())
    }
}

/// Whether a string begins with a line break.
fn is_broken(string: &str) -> bool {
    string.starts_with("\"\n") || string.starts_with("\"\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_as_the_specification_has_them() {
        for (text, tokens) in [
            ("", 0),
            ("{ a }", 3),
            ("{a(b:1,c:-2.5e3){...F}}", 15),
            ("# nothing { a }\n{ a } # nor here", 3),
            (r#"{ a(b: "x \" { y", c: """ " { \""" """) }"#, 11),
            (r#"{ a(b: """ \\""" """) c d }"#, 10),
        ] {
            assert_eq!(Source::read(text).tokens, tokens, "{text}");
        }
    }

    #[test]
    fn strings_that_begin_with_a_line_break_are_found() {
        for (text, expected) in [
            ("{ a(b: \"\nc\") }", Some(7)),
            ("{ a(b: \"\", c: \"\r\") }", Some(14)),
            ("{ a(b: \"\"\"\nc\"\"\", d: \"\\n\") # \"\n}", None),
        ] {
            assert_eq!(Source::read(text).broken_string, expected, "{text}");
        }
    }

    #[test]
    fn names_without_values_are_found() {
        for (text, expected) in [
            ("{ a(b: 1, c: {d: [{e: $f}]}) @g(h: $i) }", None),
            ("{ a(b) }", Some(4)),
            ("{ a(b: {c: 1 d}) }", Some(13)),
            ("query($a: B = {c}) { d }", Some(15)),
            ("{ a @skip(if if: $b) }", Some(10)),
        ] {
            assert_eq!(Source::read(text).name_without_value(64), expected, "{text}");
        }
    }
}
