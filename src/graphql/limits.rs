//! Ceilings on what one request may ask for, checked before anything is executed.
//!
//! A document is measured once. Each fragment is measured once too, however often it is spread, so that a
//! document of nested fragments that would expand to billions of fields takes no longer than its text. The
//! library's own limits are not used: it expands fragments to count, has no limit on aliases, and tells by
//! a sentence alone which limit it was.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, ServerError, Value, Variables};

use super::error::{Code, request_error};
use super::tokens::count_tokens;
use crate::domain::PageRequest;

/// How deeply fragments may spread one another. More would take nothing but stack.
const MAX_FRAGMENT_NESTING: usize = 30;

/// Ceilings on one request. The defaults let through what clients and tools really send: GraphiQL's
/// introspection query has 15 levels and about 220 fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `bodyBytes`: the length of the body. The largest valid input takes about 50,000 bytes.
    pub body_bytes: usize,
    /// `queryBytes`: the length of the document.
    pub query_bytes: usize,
    /// `tokens`: the names, numbers, texts and marks in the document.
    pub tokens: usize,
    /// `depth`: how deeply fields are nested.
    pub depth: usize,
    /// `complexity`: what the fields cost: 1 each, times the number of items wherever a field is one of many:
    /// below `feedbacks`, the size of the page; below `nodes`, the number of ids.
    pub complexity: usize,
    /// `aliases`: how many fields have one.
    pub aliases: usize,
    /// `rootFields`: how many fields of `Query` or `Mutation` an operation has.
    pub root_fields: usize,
    /// `directives`: how many there are in the document.
    pub directives: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            query_bytes: 16 * 1024,
            tokens: 2_000,
            depth: 16,
            complexity: 5_000,
            aliases: 50,
            root_fields: 20,
            directives: 20,
        }
    }
}

/// Reads `name=number` pairs with spaces or commas between them; what is not named keeps its default.
impl FromStr for Limits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut limits = Self::default();
        let pairs = text.split([' ', ',']).filter(|pair| !pair.is_empty());
        for pair in pairs {
            let limit = pair.split_once('=').and_then(|(name, number)| {
                let limit = match name {
                    "bodyBytes" => &mut limits.body_bytes,
                    "queryBytes" => &mut limits.query_bytes,
                    "tokens" => &mut limits.tokens,
                    "depth" => &mut limits.depth,
                    "complexity" => &mut limits.complexity,
                    "aliases" => &mut limits.aliases,
                    "rootFields" => &mut limits.root_fields,
                    "directives" => &mut limits.directives,
                    _ => return None,
                };
                *limit = number.parse().ok()?;
                Some(())
            });
            if limit.is_none() {
                return Err(
                    "pairs like \"depth=16 complexity=5000\" of bodyBytes, queryBytes, tokens, depth, \
                     complexity, aliases, rootFields and directives"
                        .to_owned(),
                );
            }
        }
        Ok(limits)
    }
}

impl Limits {
    /// Checks the text of a document, before it is parsed.
    ///
    /// # Errors
    /// When it is longer, or has more tokens, than it may.
    pub fn check_text(&self, query: &str) -> Result<(), ServerError> {
        let check = |code, what, value, most| exceeded(code, what, value, most).map_or(Ok(()), Err);
        check(Code::QueryTooLong, "bytes", query.len(), self.query_bytes)?;
        check(Code::TooManyTokens, "tokens", count_tokens(query), self.tokens)
    }

    /// Checks a document of which `operation` is to be executed; returns the names of the operation's root
    /// fields.
    ///
    /// The document's other operations are held to the same limits: they are not executed, but the library
    /// expands their fragments when it validates.
    ///
    /// # Errors
    /// When it asks for more than it may, or has a fragment that spreads itself.
    pub fn check_document(
        &self,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
    ) -> Result<BTreeSet<Name>, ServerError> {
        let defaults = operation.variable_definitions.iter().filter_map(|definition| {
            let definition = &definition.node;
            Some((&definition.name.node, &definition.default_value.as_ref()?.node))
        });
        let mut measuring = Measuring {
            document,
            variables,
            defaults: defaults.collect(),
            measured: HashMap::new(),
            open: HashSet::new(),
        };
        for name in document.fragments.keys() {
            measuring.fragment(name)?;
        }
        let mut size = Size::default();
        for (_, operation) in document.operations.iter() {
            let other = measuring.selection_set(&operation.node.selection_set.node)?;
            size = size.most(other);
        }
        let root_fields = measuring.root_fields(&operation.selection_set.node, &mut HashSet::new());
        let (aliases, directives) = count_aliases_and_directives(document);
        let checks = [
            (Code::QueryTooDeep, "levels of fields", size.depth, self.depth),
            (
                Code::TooManyRootFields,
                "root fields",
                size.fields,
                self.root_fields,
            ),
            (Code::TooManyAliases, "aliases", aliases, self.aliases),
            (Code::TooManyDirectives, "directives", directives, self.directives),
            (
                Code::QueryTooComplex,
                "points of complexity",
                size.cost,
                self.complexity,
            ),
        ];
        let exceeded = checks
            .into_iter()
            .find_map(|(code, what, value, most)| exceeded(code, what, value, most));
        exceeded.map_or(Ok(root_fields), Err)
    }
}

fn exceeded(code: Code, what: &str, value: usize, most: usize) -> Option<ServerError> {
    (value > most).then(|| {
        let value = if value == usize::MAX {
            "more than can be counted".to_owned()
        } else {
            value.to_string()
        };
        request_error(
            code,
            format!("a document may have at most {most} {what}, not {value}"),
        )
    })
}

/// The size of a selection set, fragments expanded.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Fields on its first level.
    fields: usize,
    depth: usize,
    cost: usize,
}

impl Size {
    /// The greater of both, in each respect.
    fn most(self, other: Self) -> Self {
        Self {
            fields: self.fields.max(other.fields),
            depth: self.depth.max(other.depth),
            cost: self.cost.max(other.cost),
        }
    }

    fn add(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.depth = self.depth.max(other.depth);
        self.cost = self.cost.saturating_add(other.cost);
    }
}

struct Measuring<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    defaults: HashMap<&'a Name, &'a Value>,
    /// Fragments that were measured.
    measured: HashMap<&'a Name, Size>,
    /// Fragments that are being measured.
    open: HashSet<&'a Name>,
}

impl<'a> Measuring<'a> {
    fn selection_set(&mut self, selections: &'a SelectionSet) -> Result<Size, ServerError> {
        let mut size = Size::default();
        for selection in &selections.items {
            size.add(match &selection.node {
                Selection::Field(field) => {
                    let below = self.selection_set(&field.node.selection_set.node)?;
                    Size {
                        fields: 1,
                        depth: below.depth.saturating_add(1),
                        cost: below
                            .cost
                            .saturating_mul(self.items(&field.node))
                            .saturating_add(1),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    self.selection_set(&fragment.node.selection_set.node)?
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            });
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &'a Name) -> Result<Size, ServerError> {
        if let Some(size) = self.measured.get(name) {
            return Ok(*size);
        }
        // An unknown fragment is for the validation to tell.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Size::default());
        };
        if !self.open.insert(name) {
            let message = format!("the fragment {name:.60} spreads itself");
            return Err(request_error(Code::FragmentCycle, message));
        }
        if self.open.len() > MAX_FRAGMENT_NESTING {
            let message =
                format!("fragments may spread one another at most {MAX_FRAGMENT_NESTING} levels deep");
            return Err(request_error(Code::QueryTooDeep, message));
        }
        let size = self.selection_set(&fragment.node.selection_set.node)?;
        self.open.remove(name);
        self.measured.insert(name, size);
        Ok(size)
    }

    /// The names of the fields on the first level.
    fn root_fields(&self, selections: &'a SelectionSet, seen: &mut HashSet<&'a Name>) -> BTreeSet<Name> {
        let mut names = BTreeSet::new();
        for selection in &selections.items {
            match &selection.node {
                Selection::Field(field) => {
                    names.insert(field.node.name.node.clone());
                }
                Selection::InlineFragment(fragment) => {
                    names.extend(self.root_fields(&fragment.node.selection_set.node, seen));
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && seen.insert(name)
                    {
                        names.extend(self.root_fields(&fragment.node.selection_set.node, seen));
                    }
                }
            }
        }
        names
    }

    /// How many items a field can return, each with everything that is selected below it.
    fn items(&self, field: &Field) -> usize {
        match field.name.node.as_str() {
            "feedbacks" => {
                let size =
                    ["first", "last"]
                        .into_iter()
                        .find_map(|name| match self.argument(field, name)? {
                            Value::Number(number) => number.as_u64(),
                            _ => None,
                        });
                // A size past the greatest is for the field to refuse, with a better message.
                let size = size.map_or(PageRequest::DEFAULT_SIZE, |size| {
                    usize::try_from(size).unwrap_or(usize::MAX)
                });
                size.min(PageRequest::MAX_SIZE)
            }
            "nodes" => match self.argument(field, "ids") {
                Some(Value::List(ids)) => ids.len(),
                _ => 1,
            },
            _ => 1,
        }
    }

    /// The value of an argument, if it has one. A list of variables counts as a list.
    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let value = &field.get_argument(name)?.node;
        let resolved = value.clone().into_const_with(|variable| {
            let value = self
                .variables
                .get(&variable)
                .or_else(|| self.defaults.get(&variable).copied());
            Ok::<_, ()>(value.cloned().unwrap_or_default())
        });
        resolved.ok()
    }
}

/// How many aliases and directives are written in the whole document, each fragment counted once.
fn count_aliases_and_directives(document: &ExecutableDocument) -> (usize, usize) {
    fn count(selections: &SelectionSet, aliases: &mut usize, directives: &mut usize) {
        for selection in &selections.items {
            *directives += selection.node.directives().len();
            match &selection.node {
                Selection::Field(field) => {
                    *aliases += usize::from(field.node.alias.is_some());
                    count(&field.node.selection_set.node, aliases, directives);
                }
                Selection::InlineFragment(fragment) => {
                    count(&fragment.node.selection_set.node, aliases, directives);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    let (mut aliases, mut directives) = (0, 0);
    for (_, operation) in document.operations.iter() {
        directives += operation.node.directives.len();
        count(&operation.node.selection_set.node, &mut aliases, &mut directives);
    }
    for fragment in document.fragments.values() {
        directives += fragment.node.directives.len();
        count(&fragment.node.selection_set.node, &mut aliases, &mut directives);
    }
    (aliases, directives)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn check(query: &str, variables: serde_json::Value) -> Result<Vec<String>, Code> {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let variables = Variables::from_json(variables);
        Limits::default()
            .check_document(&document, &operation.node, &variables)
            .map(|names| names.into_iter().map(|name| name.to_string()).collect())
            .map_err(|error| Code::of(&error).unwrap())
    }

    #[test]
    fn root_fields_are_found_behind_fragments() {
        let query = "{ a: node(id: 1) { id } ... { feedback(id: 1) { id } ...F } ...F }
            fragment F on Query { feedbacks { nodes { id } } ... on Query { __typename } }";
        let names = check(query, serde_json::json!({}));
        assert_eq!(names.unwrap(), ["__typename", "feedback", "feedbacks", "node"]);
    }

    #[test]
    fn the_cost_grows_with_the_page() {
        // Below feedbacks: edges, node, and 48 fields.
        let fields: String = (0..48).fold(String::new(), |fields, n| format!("{fields} f{n}"));
        let query = |size: &str| {
            format!("query($n: Int = 100) {{ feedbacks{size} {{ edges {{ node {{ {fields} }} }} }} }}")
        };
        let none = serde_json::json!({});
        assert!(check(&query("(first: 99)"), none.clone()).is_ok());
        assert_eq!(
            check(&query("(first: 100)"), none.clone()),
            Err(Code::QueryTooComplex)
        );
        assert_eq!(
            check(&query("(last: $n)"), none.clone()),
            Err(Code::QueryTooComplex)
        );
        assert!(check(&query("(last: $n)"), serde_json::json!({ "n": 1 })).is_ok());
        assert!(check(&query(""), none.clone()).is_ok());
        let nodes =
            "query($ids: [ID!]!) { a: nodes(ids: $ids) { id a b c d } b: nodes(ids: $ids) { id a b c d } }";
        assert!(check(nodes, serde_json::json!({ "ids": vec!["x"; 499] })).is_ok());
        assert_eq!(
            check(nodes, serde_json::json!({ "ids": vec!["x"; 500] })),
            Err(Code::QueryTooComplex)
        );
    }

    #[test]
    fn fragments_that_expand_to_billions_are_measured_at_once() {
        let fragments = (0..25).map(|n| format!("fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1));
        let query = format!(
            "{{ ...F0 }} {} fragment F25 on Query {{ __typename }}",
            fragments.collect::<Vec<_>>().join(" ")
        );
        assert_eq!(check(&query, serde_json::json!({})), Err(Code::TooManyRootFields));
    }

    #[test]
    fn a_fragment_that_spreads_itself_is_refused() {
        for query in [
            "{ __typename } fragment F on Query { ...F }",
            "query A { __typename } query B { ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
            "{ ...F } fragment F on Query { ...F }",
            "{ ...F } fragment F on Query { node(id: 1) { ...G } } fragment G on Node { ... { ...F } }",
        ] {
            assert_eq!(
                check(query, serde_json::json!({})),
                Err(Code::FragmentCycle),
                "{query}"
            );
        }
    }

    #[test]
    fn limits_are_read_by_name() {
        let limits: Limits = "depth=5, complexity=10 bodyBytes=1".parse().unwrap();
        let expected = Limits {
            depth: 5,
            complexity: 10,
            body_bytes: 1,
            ..Limits::default()
        };
        assert_eq!(limits, expected);
        for text in ["depth", "depth=", "depth=-1", "depth=x", "height=3", "depth = 5"] {
            assert!(text.parse::<Limits>().is_err(), "{text}");
        }
    }
}
