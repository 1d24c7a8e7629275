//! Valid documents.

use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, executable};
use async_graphql::{Pos, ServerError};

use super::definition::Definition;
use super::error::{ErrorCode, request_error};

/// The most characters of an error message.
const MAX_MESSAGE: usize = 400;

/// A valid document.
#[derive(Debug)]
pub(super) struct Document {
    executable: Valid<ExecutableDocument>,
    /// The definition that it is valid against.
    pub(super) definition: &'static Definition,
}

impl Document {
    pub(super) fn new(executable: Valid<ExecutableDocument>, definition: &'static Definition) -> Self {
        Self {
            executable,
            definition,
        }
    }

    /// The operation to execute (GraphQL specification, `GetOperation`).
    pub(super) fn operation(&self, name: Option<&str>) -> Result<Node<executable::Operation>, ServerError> {
        let operations = &self.operations;
        let operation = operations.get(name).map_err(|_| match name {
            Some(name) => format!("the document has no operation named \"{name:.60}\""),
            None if operations.is_empty() => "the document has no operation".to_owned(),
            None => "the document has several operations: name one in operationName".to_owned(),
        });
        operation
            .cloned()
            .map_err(|message| request_error(ErrorCode::OperationResolutionFailure, message))
    }

    /// All selections in the document, in no particular order.
    pub(super) fn selections(&self) -> impl Iterator<Item = &Selection> {
        let operations = self.operations.iter().map(|operation| &operation.selection_set);
        let fragments = self.fragments.values().map(|fragment| &fragment.selection_set);
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

    /// An error at a location in the document. A message that quotes the client at length is truncated.
    pub(super) fn error(&self, code: ErrorCode, message: &str, span: Option<SourceSpan>) -> ServerError {
        let mut error = request_error(code, shortened(message));
        error.locations.extend(self.place(span));
        error
    }

    /// The location of a span.
    pub(super) fn place(&self, span: Option<SourceSpan>) -> Option<Pos> {
        let span = span?;
        place_in(self.sources.get(&span.file_id())?.source_text(), span.offset())
    }
}

impl std::ops::Deref for Document {
    type Target = Valid<ExecutableDocument>;

    fn deref(&self) -> &Self::Target {
        &self.executable
    }
}

/// The location of a byte in a text, as graphql-js counts: in UTF-16 code units.
pub(super) fn place_in(text: &str, at: usize) -> Option<Pos> {
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

/// A message, truncated because it may quote the client at length.
pub(super) fn shortened(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
}
