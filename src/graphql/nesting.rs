//! How deeply a document may be nested, and how often its fragments are validated: what the compiler would recurse
//! into, or do again and again, is bounded before it begins.

use apollo_compiler::Name;
use apollo_compiler::ast::{self, Definition};
use apollo_compiler::collections::HashMap;
use async_graphql::ServerError;

use super::error::{Code, request_error};

/// How deeply selection sets, lists and input objects may be nested in the text: the parser's recursion. This and the
/// next were tried on the smallest stack, a worker's 2 MiB, unoptimized.
pub(super) const MAX_NESTING: usize = 64;

/// How deeply selections may be nested with fragments spread: the validator's recursion.
const MAX_SPREAD_NESTING: usize = 200;

/// How many operations a document may have. Each is validated together with the fragments that it spreads.
const MAX_OPERATIONS: usize = 20;

/// Checks what the validator would recurse into. Each fragment is looked at once, however often it is spread.
pub(super) fn check_nesting(syntax: &ast::Document) -> Result<(), ServerError> {
    let definitions = syntax.definitions.iter();
    let operations = definitions
        .clone()
        .filter_map(Definition::as_operation_definition);
    if operations.clone().count() > MAX_OPERATIONS {
        let message = format!("a document may have at most {MAX_OPERATIONS} operations");
        return Err(request_error(Code::QueryTooComplex, message));
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
        return Err(request_error(Code::QueryTooDeep, message));
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
