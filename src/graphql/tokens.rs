//! Counts the tokens of a document without parsing it.

/// Counts tokens (GraphQL specification, "Lexical Tokens"), without minding whether they make sense.
pub(super) fn count_tokens(query: &str) -> usize {
    let bytes = query.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.');
    let (mut tokens, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => at += 1,
            b'#' => at = end_of_comment(bytes, at),
            b'"' => {
                at = end_of_string(bytes, at);
                tokens += 1;
            }
            byte if is_word(*byte) => {
                at = end(bytes, at, |byte| {
                    !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.'))
                });
                tokens += 1;
            }
            _ => {
                at += 1;
                tokens += 1;
            }
        }
    }
    tokens
}

/// The first place from `start` on where there is a byte that `ends`, or the end of all.
fn end(bytes: &[u8], start: usize, ends: impl Fn(u8) -> bool) -> usize {
    bytes[start..]
        .iter()
        .position(|byte| ends(*byte))
        .map_or(bytes.len(), |length| start + length)
}

/// Where the comment that begins at `start` has ended.
pub(super) fn end_of_comment(bytes: &[u8], start: usize) -> usize {
    end(bytes, start, |byte| matches!(byte, b'\n' | b'\r'))
}

/// Where the text or block text that begins at `start` has ended.
pub(super) fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let is_block = bytes[start..].starts_with(b"\"\"\"");
    let mut at = start + if is_block { 3 } else { 1 };
    while let Some(byte) = bytes.get(at) {
        match byte {
            // In a block text, a backslash means nothing except before three quotation marks.
            b'\\' if is_block && bytes[at..].starts_with(b"\\\"\"\"") => at += 4,
            b'\\' if !is_block => at += 2,
            b'"' if !is_block => return at + 1,
            b'"' if bytes[at..].starts_with(b"\"\"\"") => return at + 3,
            b'\n' | b'\r' if !is_block => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_as_the_specification_has_them() {
        for (query, tokens) in [
            ("", 0),
            ("{ a }", 3),
            ("{a(b:1,c:-2.5e3){...F}}", 14),
            ("# nothing { a }\n{ a } # nor here", 3),
            (r#"{ a(b: "x \" { y", c: """ " { \""" """) }"#, 11),
            (r#"{ a(b: """ \\""" """) c d }"#, 10),
            (r#"{ a(b: """ \"""""") c d }"#, 10),
            (r#"{ a(b: """ \" """) c d }"#, 10),
            ("{ a(b: \"unended", 6),
            ("\"\\", 1),
        ] {
            assert_eq!(count_tokens(query), tokens, "{query}");
        }
    }
}
