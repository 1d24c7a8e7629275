//! The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header).

use axum::http::{HeaderMap, HeaderValue};

/// Identifies retries of the same submission.
const HEADER: &str = "idempotency-key";

/// The key of a request, if it has one: bare, as most clients write it, or quoted, as the draft requires. Both are the
/// same key.
///
/// # Errors
/// If the header is repeated or malformed. The text says what would be right.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<String>, String> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err("there must be one Idempotency-Key, not several".to_owned());
    }
    let text = HeaderValue::to_str(value).map_err(|_| "the Idempotency-Key must be ASCII".to_owned())?;
    let Some(string) = text.trim_matches(' ').strip_prefix('"') else {
        return Ok(Some(text.to_owned()));
    };
    let key = unquoted(string).ok_or_else(|| {
        "a quoted Idempotency-Key must be one complete string, with a \\ before each quotation mark and \\ in it"
            .to_owned()
    })?;
    Ok(Some(key))
}

/// The value of a string of structured fields (RFC 9651 §4.2.5), after its first quotation mark.
fn unquoted(text: &str) -> Option<String> {
    let mut key = String::with_capacity(text.len());
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return characters.as_str().is_empty().then_some(key),
            '\\' => key.push(
                characters
                    .next()
                    .filter(|escaped| matches!(escaped, '"' | '\\'))?,
            ),
            character @ ' '..='~' => key.push(character),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&str]) -> Result<Option<String>, String> {
        let values = values
            .iter()
            .map(|value| HeaderValue::from_bytes(value.as_bytes()).unwrap());
        read(&values.map(|value| (HEADER.parse().unwrap(), value)).collect())
    }

    #[test]
    fn a_key_is_the_same_with_quotation_marks_and_without() {
        assert_eq!(key(&[]), Ok(None));
        for (text, expected) in [
            ("8e03978e-40d5", "8e03978e-40d5"),
            ("\"8e03978e-40d5\"", "8e03978e-40d5"),
            ("  \"with space\" ", "with space"),
            (r#""a \"b\" \\c""#, r#"a "b" \c"#),
            ("\"\"", ""),
            (r#"a"b\"#, r#"a"b\"#),
            ("", ""),
        ] {
            assert_eq!(key(&[text]), Ok(Some(expected.to_owned())), "{text}");
        }
    }

    #[test]
    fn half_a_string_more_than_one_and_several_headers_are_none() {
        for text in [
            "\"",
            "\"abcdefgh",
            "\"abcd\"efgh",
            "\"abcdefgh\";a=1",
            "\"abcdefgh\", \"ijklmnop\"",
            r#""abcdefg\h""#,
            r#""abcdefgh\""#,
            "\"tab\there\"",
        ] {
            let error = key(&[text]).expect_err(text);
            assert!(error.starts_with("a quoted Idempotency-Key"), "{error}");
        }
        assert_eq!(
            key(&["Grüße-an-alle"]),
            Err("the Idempotency-Key must be ASCII".to_owned())
        );
        let several = key(&["abcdefgh", "abcdefgh"]);
        assert_eq!(
            several,
            Err("there must be one Idempotency-Key, not several".to_owned())
        );
    }
}
