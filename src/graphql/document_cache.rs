//! A cache of documents: clients send the same few again and again, and validation depends on the text alone.

use std::sync::Arc;

use apollo_compiler::executable::OperationType;
use apollo_compiler::{Node, executable};
use async_graphql::ServerError;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::definition::Definition;
use super::document::Document;
use super::limits::Limits;
use super::validation::{one, validated};

/// The most bytes of text in the cache. Parsed documents take some thirty times that.
const KEPT_BYTES: u64 = 32 * 1024;

/// Roughly the number of documents in the cache.
const EXPECTED_DOCUMENTS: usize = 64;

/// An operation that a request has chosen, not yet prepared for execution.
#[derive(Debug)]
pub struct ChosenOperation {
    pub(super) document: Arc<Document>,
    pub(super) operation: Node<executable::Operation>,
    pub(super) is_arbitrary: bool,
}

impl ChosenOperation {
    /// The operation named `name`, or the only one, of a document.
    pub(super) fn of(document: Arc<Document>, name: Option<&str>) -> Result<Self, Vec<ServerError>> {
        let operation = document.operation(name).map_err(one)?;
        Ok(Self {
            document,
            operation,
            is_arbitrary: false,
        })
    }

    /// Whether the service has trusted documents, and this is none of them.
    #[must_use]
    pub fn is_arbitrary(&self) -> bool {
        self.is_arbitrary
    }

    /// Whether it is a query or a mutation. There are no subscriptions in the schema.
    #[must_use]
    pub fn operation_type(&self) -> OperationType {
        self.operation.operation_type
    }

    /// The operation's name in the document, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.operation.name.as_deref()
    }
}

/// A cache of valid documents.
pub(super) struct DocumentCache(Cache<String, Arc<Document>, TextLength>);

impl DocumentCache {
    pub(super) fn new() -> Self {
        Self(Cache::with_weighter(EXPECTED_DOCUMENTS, KEPT_BYTES, TextLength))
    }

    /// The document in `text`. Limits and definition are the same in every call.
    pub(super) fn document(
        &self,
        text: &str,
        limits: &Limits,
        definition: &'static Definition,
    ) -> Result<Arc<Document>, Vec<ServerError>> {
        if let Some(document) = self.0.get(text) {
            return Ok(document);
        }
        let document = Arc::new(validated(text, limits, definition)?);
        self.0.insert(text.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}

#[derive(Clone)]
struct TextLength;

impl Weighter<String, Arc<Document>> for TextLength {
    fn weight(&self, text: &String, _: &Arc<Document>) -> u64 {
        text.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::definition::definition;
    use crate::graphql::{ErrorCode, Federation};

    fn document(cache: &DocumentCache, text: &str) -> Result<Arc<Document>, Option<ErrorCode>> {
        let document = cache.document(text, &Limits::default(), definition(Federation::Off));
        document.map_err(|errors| ErrorCode::of(&errors[0]))
    }

    #[test]
    fn what_was_parsed_lately_is_not_parsed_again() {
        let cache = DocumentCache::new();
        let valid = |text| document(&cache, text).unwrap();
        let first = valid("{ __typename }");
        assert!(Arc::ptr_eq(&first, &valid("{ __typename }")));
        assert!(!Arc::ptr_eq(&first, &valid("{ __typename  }")));
        for _ in 0..2 {
            let code = document(&cache, "{ __typename").unwrap_err();
            assert_eq!(code, Some(ErrorCode::GraphqlParseFailed));
        }
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let cache = DocumentCache::new();
        for number in 0..5_000 {
            document(&cache, &format!("{{ a{number}: __typename }}")).unwrap();
        }
        assert!(cache.0.weight() <= KEPT_BYTES);
    }
}
