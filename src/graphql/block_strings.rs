//! Block strings with `\"""` in them, made readable for the library.
//!
//! In a block string, `\"""` stands for `"""` (GraphQL specification, "String Value"). The library's parser finds
//! the string's end by that, and then leaves the backslash in the text: what somebody wrote would be stored as
//! something else.

use std::borrow::Cow;

use super::tokens::{end_of_comment, end_of_string};

/// Three quotation marks, as they are written in a block string.
const ESCAPED: &str = "\\\"\"\"";

/// The document with such strings written as ordinary ones. Everything else stays on the line that it is on.
pub(super) fn without_escapes_in_block_strings(query: &str) -> Cow<'_, str> {
    if !query.contains(ESCAPED) {
        return Cow::Borrowed(query);
    }
    let bytes = query.as_bytes();
    let mut rewritten = String::with_capacity(query.len());
    let (mut at, mut copied) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'#' => at = end_of_comment(bytes, at),
            b'"' => {
                let end = end_of_string(bytes, at);
                let string = query.get(at..end).unwrap_or_default();
                let raw = string
                    .strip_prefix("\"\"\"")
                    .and_then(|rest| rest.strip_suffix("\"\"\""));
                if let Some(raw) = raw.filter(|raw| raw.contains(ESCAPED)) {
                    rewritten.push_str(&query[copied..at]);
                    push_ordinary_string(&mut rewritten, raw);
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    rewritten.push_str(&query[copied..]);
    Cow::Owned(rewritten)
}

/// Writes the value of a block string as an ordinary one, and as many line breaks behind it as were in it.
fn push_ordinary_string(text: &mut String, raw: &str) {
    let raw = raw.replace("\r\n", "\n").replace('\r', "\n");
    text.push('"');
    for character in value(&raw.replace(ESCAPED, "\"\"\"")).chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '"' | '\\' => text.extend(['\\', character]),
            other => text.push(other),
        }
    }
    text.push('"');
    text.extend(raw.matches('\n'));
}

/// The value of a block string (GraphQL specification, `BlockStringValue`), whose lines end in `\n`.
fn value(raw: &str) -> String {
    const WHITE_SPACE: [char; 2] = [' ', '\t'];
    let is_blank = |line: &&str| line.trim_matches(WHITE_SPACE).is_empty();
    let indent = |line: &str| line.len() - line.trim_start_matches(WHITE_SPACE).len();
    let later = raw.split('\n').skip(1).filter(|line| !is_blank(line));
    let common = later.map(indent).min().unwrap_or(0);
    let lines = raw.split('\n').enumerate();
    let lines: Vec<&str> = lines
        .map(|(index, line)| {
            if index == 0 {
                line
            } else {
                line.get(common..).unwrap_or_default()
            }
        })
        .skip_while(is_blank)
        .collect();
    let end = lines
        .iter()
        .rposition(|line| !is_blank(line))
        .map_or(0, |last| last + 1);
    lines[..end].join("\n")
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;
    use async_graphql::parser::parse_query;
    use async_graphql::parser::types::Selection;

    use super::*;

    /// The value of the first argument of the first field.
    fn argument(query: &str) -> String {
        let document = parse_query(without_escapes_in_block_strings(query)).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else {
            panic!("no field in {query}");
        };
        match field.node.arguments[0].1.node.clone().into_const() {
            Some(Value::String(text)) => text,
            other => panic!("{other:?} is no text"),
        }
    }

    #[test]
    fn three_quotation_marks_are_read_as_they_are_meant() {
        for (string, expected) in [
            (r#""""\"""""""#, r#"""""#),
            (r#""""a \""" \n \\" b""""#, r#"a """ \n \\" b"#),
            (r#""""\\"""x""""#, r#"\"""x"#),
            (
                "\"\"\"\n\n  a\r\n    \\\"\"\"\tb\r  \n \n\"\"\"",
                "a\n  \"\"\"\tb",
            ),
            ("\"\"\"  a\n \\\"\"\"\n\n\tb\"\"\"", "  a\n\"\"\"\n\nb"),
        ] {
            let query = format!("{{ a(b: {string}, c: 1) }} # \\\"\"\"");
            assert_eq!(argument(&query), expected, "{query}");
        }
    }

    #[test]
    fn a_block_string_has_the_value_that_the_library_gives_it() {
        for text in [
            "",
            " ",
            "a",
            "\n a\n  b\n",
            "a\n b\n\n  c\n ",
            "\t\n\n\ta\n\t\t\n",
            "  a\n  b",
        ] {
            let query = format!("{{ a(b: \"\"\"{text}\"\"\") }}");
            assert_eq!(argument(&query), value(text), "{query}");
        }
    }

    #[test]
    fn nothing_else_is_changed() {
        for query in [
            "{ a }",
            r#"{ a(b: "\"""", c: "", d: """x""") } # \""" "#,
            r#"{ a(b: """unended \""" "#,
        ] {
            assert_eq!(without_escapes_in_block_strings(query), query);
        }
        let query = "{ a(b: \"\"\"\n\\\"\"\"\n\"\"\"\n) }";
        assert_eq!(
            without_escapes_in_block_strings(query).lines().count(),
            query.lines().count()
        );
    }
}
