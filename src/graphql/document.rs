//! Documents: parsed and validated as the GraphQL specification has it.

use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::parser::{Parser, SourceSpan};
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Node, executable};
use async_graphql::{Pos, ServerError};

use super::definition::SCHEMA;
use super::error::{Code, request_error};
use super::limits::Limits;
use super::nesting::{MAX_NESTING, check_nesting};
use super::rules::{conflicting_lists, invalid_literals, misplaced_variables};
use super::syntax::Source;

/// How many errors of one document are told, and how many characters of each.
const MAX_ERRORS: usize = 20;
const MAX_MESSAGE: usize = 400;

/// A document that fits the schema.
#[derive(Debug)]
pub(super) struct Document(Valid<ExecutableDocument>);

impl Document {
    /// Parses and validates a document.
    pub(super) fn parse(text: &str, limits: &Limits) -> Result<Self, Vec<ServerError>> {
        limits.check_length(text).map_err(one)?;
        let source = Source::read(text);
        limits.check_tokens(source.tokens).map_err(one)?;
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
        check_nesting(&syntax).map_err(one)?;
        let document = syntax
            .to_executable_validate(&SCHEMA)
            .map_err(|failed| errors(&failed.errors, Code::GraphqlValidationFailed, MAX_ERRORS))?;
        let document = Self(document);
        limits.check_document(&document).map_err(one)?;
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
    pub(super) fn operation(&self, name: Option<&str>) -> Result<Node<executable::Operation>, ServerError> {
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

/// A list of one error.
pub(super) fn one(error: ServerError) -> Vec<ServerError> {
    vec![error]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_lines_and_utf_16_code_units() {
        let text = "{ a: __typename\r\n  b: __typename\r# 😀\n/* */ }";
        let text = text.replace("/* */", "... @skip(if: false) { __typename } # 😀\n");
        let document = Document::parse(&text, &Limits::default()).unwrap();
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
