//! Documents: parsed and validated as the GraphQL specification has it, and kept.
//!
//! A client sends the same few documents again and again, and what is found out here depends on the text alone.

use std::sync::{Arc, LazyLock};

use apollo_compiler::ast::{self, Definition, DirectiveList, Type};
use apollo_compiler::collections::HashMap;
use apollo_compiler::executable::{OperationType, Selection, SelectionSet};
use apollo_compiler::parser::{Parser, SourceSpan};
use apollo_compiler::schema::{Component, ExtendedType, FieldDefinition};
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Name, Node, Schema, executable, name};
use async_graphql::{Pos, ServerError};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::error::{Code, request_error};
use super::limits::Limits;
use super::rules::{conflicting_lists, invalid_literals, misplaced_variables};
use super::syntax::Source;

/// How many bytes of text the kept documents have together, at most. Parsed, they take some thirty times that.
const KEPT_BYTES: u64 = 32 * 1024;

/// About how many documents that is.
const EXPECTED_DOCUMENTS: usize = 64;

/// How deeply selection sets, lists and input objects may be nested in the text, and selection sets with fragments
/// spread. Parser and validator recurse as deeply: tried on the smallest stack, a worker's 2 MiB, unoptimized.
const MAX_NESTING: usize = 64;
const MAX_SPREAD_NESTING: usize = 200;

/// How many operations a document may have. Each is validated together with the fragments that it spreads.
const MAX_OPERATIONS: usize = 20;

/// How many errors of one document are told, and how many characters of each.
const MAX_ERRORS: usize = 20;
const MAX_MESSAGE: usize = 400;

/// The schema as the specification's rules see it. A test holds the file to the schema that is executed.
pub(super) static SCHEMA: LazyLock<Valid<Schema>> = LazyLock::new(|| {
    let parsed = Schema::parse(include_str!("../../schema.graphql"), "schema.graphql");
    let mut schema = parsed.unwrap_or_else(|errors| errors.partial);
    // Tools ask for it, and the compiler does not know it. There is no such input in the schema.
    if let Some(ExtendedType::Object(about_type)) = schema.types.get_mut("__Type") {
        let is_one_of = FieldDefinition {
            description: None,
            name: name!("isOneOf"),
            arguments: Vec::new(),
            ty: Type::Named(name!("Boolean")),
            directives: DirectiveList::new(),
        };
        let fields = &mut about_type.make_mut().fields;
        fields.insert(name!("isOneOf"), Component::new(is_one_of));
    }
    // A test validates it; a function that starts has better things to do.
    Valid::assume_valid(schema)
});

/// A document that fits the schema.
#[derive(Debug)]
pub(super) struct Document(Valid<ExecutableDocument>);

impl Document {
    /// Parses and validates a document.
    fn parse(text: &str, limits: &Limits) -> Result<Self, Vec<ServerError>> {
        limits.check_length(text).map_err(|error| vec![error])?;
        let source = Source::read(text);
        limits.check_tokens(source.tokens).map_err(|error| vec![error])?;
        let mut parser = Parser::new().recursion_limit(MAX_NESTING);
        let syntax = parser
            .parse_ast(source.text.as_str(), "document")
            .map_err(|failed| {
                if parser.recursion_reached() > MAX_NESTING {
                    let message = format!("a document may be nested at most {MAX_NESTING} levels deep");
                    return vec![request_error(Code::QueryTooDeep, message)];
                }
                // What follows the first error in the syntax is guesswork.
                errors(&failed.errors, Code::GraphqlParseFailed, 1)
            })?;
        if let Some(at) = source.name_without_value(MAX_NESTING) {
            let mut error = request_error(
                Code::GraphqlParseFailed,
                "a name has no value: expected `name: value`",
            );
            error.locations.extend(place_in(&source.text, at));
            return Err(vec![error]);
        }
        if syntax.definitions.is_empty() {
            let message = "the document is empty: it must have an operation";
            return Err(vec![request_error(Code::GraphqlParseFailed, message)]);
        }
        check_nesting(&syntax)?;
        let document = syntax
            .to_executable_validate(&SCHEMA)
            .map_err(|failed| errors(&failed.errors, Code::GraphqlValidationFailed, MAX_ERRORS))?;
        let document = Self(document);
        limits.check_document(&document)?;
        let mut invalid = invalid_literals(&document);
        invalid.extend(misplaced_variables(&document));
        invalid.extend(conflicting_lists(&document, limits));
        invalid.truncate(MAX_ERRORS);
        if invalid.is_empty() {
            Ok(document)
        } else {
            Err(invalid)
        }
    }

    /// The operation to execute (GraphQL specification, `GetOperation`).
    fn operation(&self, name: Option<&str>) -> Result<Node<executable::Operation>, ServerError> {
        let operations = &self.0.operations;
        let operation = operations.get(name).map_err(|_| match name {
            Some(name) => format!("the document has no operation named \"{name:.60}\""),
            None if operations.is_empty() => "the document has no operation".to_owned(),
            None => "the document has several operations: name one in operationName".to_owned(),
        });
        operation
            .cloned()
            .map_err(|message| request_error(Code::OperationResolutionFailure, message))
    }

    /// All selections that are written in the document, in no particular order.
    pub(super) fn selections(&self) -> impl Iterator<Item = &Selection> {
        let operations = self.0.operations.iter().map(|operation| &operation.selection_set);
        let fragments = self.0.fragments.values().map(|fragment| &fragment.selection_set);
        let mut open: Vec<&SelectionSet> = operations.chain(fragments).collect();
        std::iter::from_fn(move || {
            let set = open.pop()?;
            open.extend(set.selections.iter().filter_map(|selection| match selection {
                Selection::Field(field) => Some(&field.selection_set),
                Selection::InlineFragment(fragment) => Some(&fragment.selection_set),
                Selection::FragmentSpread(_) => None,
            }));
            Some(&set.selections)
        })
        .flatten()
    }

    /// An error about what is written somewhere in the document. The message may quote the client, at length.
    pub(super) fn error(&self, code: Code, message: &str, span: Option<SourceSpan>) -> ServerError {
        let mut error = request_error(code, shortened(message));
        error.locations.extend(self.place(span));
        error
    }

    /// The place where something is written.
    pub(super) fn place(&self, span: Option<SourceSpan>) -> Option<Pos> {
        let span = span?;
        place_in(self.0.sources.get(&span.file_id())?.source_text(), span.offset())
    }
}

impl std::ops::Deref for Document {
    type Target = Valid<ExecutableDocument>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Checks what the validator would recurse into. Each fragment is looked at once, however often it is spread.
fn check_nesting(syntax: &ast::Document) -> Result<(), Vec<ServerError>> {
    let definitions = syntax.definitions.iter();
    let operations = definitions
        .clone()
        .filter_map(Definition::as_operation_definition);
    if operations.clone().count() > MAX_OPERATIONS {
        let message = format!("a document may have at most {MAX_OPERATIONS} operations");
        return Err(vec![request_error(Code::QueryTooComplex, message)]);
    }
    let fragments = definitions.filter_map(Definition::as_fragment_definition);
    let mut nesting = Nesting {
        fragments: fragments
            .clone()
            .map(|fragment| (&fragment.name, &*fragment.selection_set))
            .collect(),
        depths: HashMap::default(),
    };
    let sets = operations.map(|operation| &*operation.selection_set);
    let mut sets = sets.chain(fragments.map(|fragment| &*fragment.selection_set));
    if sets.any(|set| nesting.depth(set, 1).is_none()) {
        let message =
            format!("selections may be nested at most {MAX_SPREAD_NESTING} levels deep, fragments included");
        return Err(vec![request_error(Code::QueryTooDeep, message)]);
    }
    Ok(())
}

struct Nesting<'a> {
    fragments: HashMap<&'a Name, &'a [ast::Selection]>,
    /// How deeply fragments are nested, as far as it is known. Of one that is being looked at, and so spreads itself,
    /// the validator tells.
    depths: HashMap<&'a Name, usize>,
}

impl<'a> Nesting<'a> {
    /// How deeply selections at this level are nested; `None` where that is too deep.
    fn depth(&mut self, selections: &'a [ast::Selection], level: usize) -> Option<usize> {
        if level > MAX_SPREAD_NESTING {
            return None;
        }
        let mut deepest = 0;
        for selection in selections {
            let depth = match selection {
                ast::Selection::Field(field) => self.depth(&field.selection_set, level + 1)?,
                ast::Selection::InlineFragment(fragment) => self.depth(&fragment.selection_set, level + 1)?,
                ast::Selection::FragmentSpread(spread) => {
                    self.depth_of_fragment(&spread.fragment_name, level + 1)?
                }
            };
            deepest = deepest.max(depth + 1);
        }
        (level + deepest <= MAX_SPREAD_NESTING).then_some(deepest)
    }

    fn depth_of_fragment(&mut self, name: &'a Name, level: usize) -> Option<usize> {
        if let Some(depth) = self.depths.get(name) {
            return (level + depth <= MAX_SPREAD_NESTING).then_some(*depth);
        }
        let Some(selections) = self.fragments.get(name).copied() else {
            return Some(0);
        };
        self.depths.insert(name, 0);
        let depth = self.depth(selections, level)?;
        self.depths.insert(name, depth);
        Some(depth)
    }
}

/// What is wrong with a document, at most `most` of it.
fn errors(diagnostics: &DiagnosticList, code: Code, most: usize) -> Vec<ServerError> {
    let errors = diagnostics.iter().take(most).map(|diagnostic| {
        let found = diagnostic.to_json();
        let mut error = request_error(code, shortened(&found.message));
        error.locations = found
            .locations
            .iter()
            .map(|place| Pos {
                line: place.line,
                column: place.column,
            })
            .collect();
        error
    });
    errors.collect()
}

/// The place of a byte in a text, as graphql-js counts: in UTF-16 code units.
fn place_in(text: &str, at: usize) -> Option<Pos> {
    let before = text.get(..at)?;
    // A line ends with a line feed, a carriage return or both (GraphQL specification, "Line Terminators").
    let is_end = |(at, byte): &(usize, u8)| match byte {
        b'\n' => true,
        b'\r' => text.as_bytes().get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    let ends = before.bytes().enumerate().filter(is_end);
    let (lines, start) = ends.fold((0, 0), |(lines, _), (at, _)| (lines + 1, at + 1));
    Some(Pos {
        line: lines + 1,
        column: before.get(start..)?.encode_utf16().count() + 1,
    })
}

fn shortened(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
}

/// An operation that a request has chosen, not yet prepared for execution.
#[derive(Debug)]
pub struct ChosenOperation {
    pub(super) document: Arc<Document>,
    pub(super) operation: Node<executable::Operation>,
}

impl ChosenOperation {
    /// Whether it is a mutation. There are no subscriptions in the schema, so otherwise it is a query.
    #[must_use]
    pub fn is_mutation(&self) -> bool {
        self.operation.operation_type == OperationType::Mutation
    }

    /// The operation's name in the document, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.operation.name.as_deref()
    }
}

/// Documents that were asked for lately and fit the schema.
pub(super) struct DocumentCache(Cache<String, Arc<Document>, TextLength>);

impl DocumentCache {
    pub(super) fn new() -> Self {
        Self(Cache::with_weighter(EXPECTED_DOCUMENTS, KEPT_BYTES, TextLength))
    }

    /// The operation named `name`, or the only one, of the document that is written in `text`.
    pub(super) fn operation(
        &self,
        text: &str,
        name: Option<&str>,
        limits: &Limits,
    ) -> Result<ChosenOperation, Vec<ServerError>> {
        let document = if let Some(document) = self.0.get(text) {
            document
        } else {
            let document = Arc::new(Document::parse(text, limits)?);
            self.0.insert(text.to_owned(), Arc::clone(&document));
            document
        };
        let operation = document.operation(name).map_err(|error| vec![error])?;
        Ok(ChosenOperation { document, operation })
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

    fn operation(cache: &DocumentCache, text: &str) -> Result<ChosenOperation, Option<Code>> {
        let operation = cache.operation(text, None, &Limits::default());
        operation.map_err(|errors| Code::of(&errors[0]))
    }

    #[test]
    fn the_schema_is_valid() {
        let schema = Schema::parse_and_validate(include_str!("../../schema.graphql"), "schema.graphql");
        assert_eq!(
            schema.map(|_| ()).map_err(|failed| failed.errors.to_string()),
            Ok(())
        );
    }

    #[test]
    fn what_was_parsed_lately_is_not_parsed_again() {
        let cache = DocumentCache::new();
        let document = |text| operation(&cache, text).unwrap().document;
        let first = document("{ __typename }");
        assert!(Arc::ptr_eq(&first, &document("{ __typename }")));
        assert!(!Arc::ptr_eq(&first, &document("{ __typename  }")));
        for _ in 0..2 {
            let code = operation(&cache, "{ __typename").unwrap_err();
            assert_eq!(code, Some(Code::GraphqlParseFailed));
        }
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let cache = DocumentCache::new();
        for number in 0..5_000 {
            operation(&cache, &format!("{{ a{number}: __typename }}")).unwrap();
        }
        assert!(cache.0.weight() <= KEPT_BYTES);
    }

    #[test]
    fn places_are_counted_in_lines_and_utf_16_code_units() {
        let text = "{ a: __typename\r\n  b: __typename\r# 😀\n/* */ }";
        let text = text.replace("/* */", "... @skip(if: false) { __typename } # 😀\n");
        let cache = DocumentCache::new();
        let document = operation(&cache, &text).unwrap().document;
        let mut places: Vec<Pos> = document
            .selections()
            .filter_map(|selection| match selection {
                Selection::Field(field) => document.place(field.location()),
                Selection::InlineFragment(fragment) => document.place(fragment.location()),
                Selection::FragmentSpread(spread) => document.place(spread.location()),
            })
            .collect();
        places.sort_by_key(|place| (place.line, place.column));
        let expected = [(1, 3), (2, 3), (4, 1), (4, 24)];
        assert_eq!(places, expected.map(|(line, column)| Pos { line, column }));
    }
}
