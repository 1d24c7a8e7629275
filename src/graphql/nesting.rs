//! Limits on a document's nesting and on repeated validation of its fragments, which bound the compiler's recursion and
//! time. Fragments that spread themselves are rejected here: the compiler looks for conflicting fields before it looks
//! for cycles, at exponential cost.

use apollo_compiler::Name;
use apollo_compiler::ast::{self, Definition};
use apollo_compiler::collections::{HashMap, HashSet};
use async_graphql::ServerError;

use super::error::{ErrorCode, request_error};
use super::limits::Limits;

/// The deepest nesting of selection sets, lists and input objects in the text: the parser's recursion. This and the next
/// were tested on the smallest stack, a worker's 2 MiB, unoptimized.
pub(super) const MAX_NESTING: usize = 64;

/// The deepest nesting of selections with fragments spread: the validator's recursion.
const MAX_SPREAD_NESTING: usize = 200;

/// The most operations in a document. Each is validated together with the fragments that it spreads.
const MAX_OPERATIONS: usize = 20;

/// Checks the validator's recursion. Each fragment is visited once, however often it is spread.
pub(super) fn check_size(syntax: &ast::Document, limits: &Limits) -> Result<(), ServerError> {
    let definitions = syntax.definitions.iter();
    let operations = definitions
        .clone()
        .filter_map(Definition::as_operation_definition);
    if operations.clone().count() > MAX_OPERATIONS {
        let message = format!("a document may have at most {MAX_OPERATIONS} operations");
        return Err(request_error(ErrorCode::QueryTooComplex, message));
    }
    let fragments = definitions.filter_map(Definition::as_fragment_definition);
    let mut nesting = Nesting {
        fragments: HashMap::default(),
        depths: HashMap::default(),
    };
    for fragment in fragments.clone() {
        let (name, set) = (&fragment.name, &*fragment.selection_set);
        if nesting.fragments.insert(name, set).is_some() {
            let message = format!("there can be only one fragment named `{name:.60}`");
            return Err(request_error(ErrorCode::GraphqlValidationFailed, message));
        }
    }
    let sets = operations.map(|operation| &*operation.selection_set);
    let mut all_sets = sets
        .clone()
        .chain(fragments.map(|fragment| &*fragment.selection_set));
    all_sets.try_for_each(|set| nesting.depth(set, 1).map(|_| ()))?;
    let mut expansion = Expansion {
        fragments: nesting.fragments,
        selections: 0,
        limits,
    };
    sets.into_iter().try_for_each(|set| expansion.add(&[set]))
}

struct Nesting<'a> {
    fragments: HashMap<&'a Name, &'a [ast::Selection]>,
    /// The nesting of each fragment; `None` while it is being visited.
    depths: HashMap<&'a Name, Option<usize>>,
}

impl<'a> Nesting<'a> {
    /// The nesting of selections at this level.
    fn depth(&mut self, selections: &'a [ast::Selection], level: usize) -> Result<usize, ServerError> {
        check_level(level)?;
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
        check_level(level + deepest)?;
        Ok(deepest)
    }

    fn depth_of_fragment(&mut self, name: &'a Name, level: usize) -> Result<usize, ServerError> {
        match self.depths.get(name) {
            Some(Some(depth)) => return check_level(level + depth).map(|()| *depth),
            Some(None) => {
                let message = format!("fragment `{name:.60}` cannot spread itself");
                return Err(request_error(ErrorCode::GraphqlValidationFailed, message));
            }
            None => {}
        }
        // The validator reports fragments that do not exist.
        let Some(selections) = self.fragments.get(name).copied() else {
            return Ok(0);
        };
        self.depths.insert(name, None);
        let depth = self.depth(selections, level)?;
        self.depths.insert(name, Some(depth));
        Ok(depth)
    }
}

/// The selections that are compared to find conflicting fields: those of all fields of one response key together, with
/// fragments spread, and so on below. A few fragments can make them billions.
struct Expansion<'a> {
    fragments: HashMap<&'a Name, &'a [ast::Selection]>,
    selections: usize,
    limits: &'a Limits,
}

impl<'a> Expansion<'a> {
    fn add(&mut self, sets: &[&'a [ast::Selection]]) -> Result<(), ServerError> {
        let mut below = HashMap::<&Name, Vec<&[ast::Selection]>>::default();
        let mut spread = HashSet::default();
        let mut open = sets.to_vec();
        while let Some(set) = open.pop() {
            for selection in set {
                self.selections += 1;
                self.limits.check_complexity(self.selections)?;
                match selection {
                    ast::Selection::Field(field) => {
                        below
                            .entry(field.response_name())
                            .or_default()
                            .push(&field.selection_set);
                    }
                    ast::Selection::InlineFragment(fragment) => open.push(&fragment.selection_set),
                    ast::Selection::FragmentSpread(fragment) => {
                        let name = &fragment.fragment_name;
                        open.extend(self.fragments.get(name).filter(|_| spread.insert(name)));
                    }
                }
            }
        }
        below.into_values().try_for_each(|sets| self.add(&sets))
    }
}

fn check_level(level: usize) -> Result<(), ServerError> {
    if level <= MAX_SPREAD_NESTING {
        return Ok(());
    }
    let message =
        format!("selections may be nested at most {MAX_SPREAD_NESTING} levels deep, fragments included");
    Err(request_error(ErrorCode::QueryTooDeep, message))
}
