//! Parsing and validation by the GraphQL specification.

use apollo_compiler::parser::Parser;
use apollo_compiler::validation::DiagnosticList;
use async_graphql::{Pos, ServerError};

use super::definition::Definition;
use super::document::{Document, place_in, shortened};
use super::error::{ErrorCode, request_error};
use super::limits::Limits;
use super::nesting::{MAX_NESTING, check_size};
use super::rules::{conflicting_lists, invalid_literals, misplaced_variables};
use super::syntax::Source;

/// The most errors that are reported for a document.
const MAX_ERRORS: usize = 20;

/// Parses and validates a document.
pub(super) fn validated(
    text: &str,
    limits: &Limits,
    definition: &'static Definition,
) -> Result<Document, Vec<ServerError>> {
    limits.check_length(text).map_err(one)?;
    let source = Source::read(text);
    limits.check_tokens(source.tokens).map_err(one)?;
    let mut parser = Parser::new().recursion_limit(MAX_NESTING);
    let syntax = parser
        .parse_ast(source.text.as_str(), "document")
        .map_err(|failed| {
            if parser.recursion_reached() > MAX_NESTING {
                let message = format!("a document may be nested at most {MAX_NESTING} levels deep");
                return vec![request_error(ErrorCode::QueryTooDeep, message)];
            }
            // Errors after the first one in the syntax are guesses.
            errors(&failed.errors, ErrorCode::GraphqlParseFailed, 1)
        })?;
    let missed = |message, at| {
        let mut error = request_error(ErrorCode::GraphqlParseFailed, message);
        error.locations.extend(place_in(&source.text, at));
        Err(vec![error])
    };
    if let Some(at) = source.broken_string {
        return missed("a string has no line breaks: write `\\n`, or a block string", at);
    }
    if let Some(at) = source.name_without_value(MAX_NESTING) {
        return missed("a name has no value: expected `name: value`", at);
    }
    if syntax.definitions.is_empty() {
        let message = "the document is empty: it must have an operation";
        return Err(vec![request_error(ErrorCode::GraphqlParseFailed, message)]);
    }
    check_size(&syntax, limits).map_err(one)?;
    let document = syntax
        .to_executable_validate(&definition.schema)
        .map_err(|failed| errors(&failed.errors, ErrorCode::GraphqlValidationFailed, MAX_ERRORS))?;
    let document = Document::new(document, definition);
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

/// A list of one error.
pub(super) fn one(error: ServerError) -> Vec<ServerError> {
    vec![error]
}

/// At most `most` errors of a document.
fn errors(diagnostics: &DiagnosticList, code: ErrorCode, most: usize) -> Vec<ServerError> {
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

#[cfg(test)]
mod tests {
    use apollo_compiler::executable::Selection;

    use super::*;
    use crate::graphql::Federation;
    use crate::graphql::definition::definition;

    #[test]
    fn places_are_counted_in_lines_and_utf_16_code_units() {
        let text = "{ a: __typename\r\n  b: __typename\r# 😀\n/* */ }";
        let text = text.replace("/* */", "... @skip(if: false) { __typename } # 😀\n");
        let document = validated(&text, &Limits::default(), definition(Federation::Off)).unwrap();
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
