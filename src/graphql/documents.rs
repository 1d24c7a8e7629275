//! Parsed documents, kept: a client sends the same few again and again, and parsing one takes about as long as
//! everything else that is done before its execution.

use std::sync::Arc;

use async_graphql::ServerError;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::block_strings::without_escapes_in_block_strings;
use super::error::Code;

/// How many bytes of text the kept documents have together, at most. Parsed, they take some thirty times that.
const KEPT_BYTES: u64 = 32 * 1024;

/// About how many documents that is.
const EXPECTED_DOCUMENTS: usize = 64;

/// Parses documents. Those that were asked for lately are not parsed again.
pub struct Documents {
    kept: Cache<String, Arc<ExecutableDocument>, TextLength>,
}

impl Documents {
    /// Nothing is kept yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            kept: Cache::with_weighter(EXPECTED_DOCUMENTS, KEPT_BYTES, TextLength),
        }
    }

    /// The document that is written in `text`.
    ///
    /// # Errors
    /// With [`Code::GraphqlParseFailed`], where the text is none. That is not kept.
    pub fn parse(&self, text: &str) -> Result<Arc<ExecutableDocument>, ServerError> {
        if let Some(document) = self.kept.get(text) {
            return Ok(document);
        }
        let parsed = parse_query(without_escapes_in_block_strings(text)).map_err(|error| {
            let mut error = ServerError::from(error);
            Code::GraphqlParseFailed.mark(&mut error);
            error
        })?;
        let document = Arc::new(parsed);
        self.kept.insert(text.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}

impl Default for Documents {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone)]
struct TextLength;

impl Weighter<String, Arc<ExecutableDocument>> for TextLength {
    fn weight(&self, text: &String, _: &Arc<ExecutableDocument>) -> u64 {
        text.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_parsed_lately_is_not_parsed_again() {
        let documents = Documents::new();
        let first = documents.parse("{ a }").unwrap();
        assert!(Arc::ptr_eq(&first, &documents.parse("{ a }").unwrap()));
        assert!(!Arc::ptr_eq(&first, &documents.parse("{ a  }").unwrap()));
        for _ in 0..2 {
            assert_eq!(
                Code::of(&documents.parse("{ a").unwrap_err()),
                Some(Code::GraphqlParseFailed)
            );
        }
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let documents = Documents::new();
        for field in 0..5_000 {
            documents.parse(&format!("{{ field{field} }}")).unwrap();
        }
        assert!(documents.kept.weight() <= KEPT_BYTES);
        let long = format!("{{ a{} }}", " ".repeat(40 * 1024));
        assert!(documents.parse(&long).is_ok());
        assert!(documents.kept.weight() <= KEPT_BYTES);
    }
}
