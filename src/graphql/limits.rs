//! Limits on one request, checked before anything is executed.
//!
//! The library's own are not used: it expands fragments to count, has no limit on aliases, and no error codes.

use std::str::FromStr;

use async_graphql::ServerError;

use super::document::Document;
use super::error::{ErrorCode, request_error};

/// Limits on one request. The defaults allow what clients and tools really send: GraphiQL's introspection query has 15
/// levels and about 220 fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `bodyBytes`: the length of the body. The largest valid input takes about 50,000 bytes.
    pub body_bytes: usize,
    /// `queryBytes`: the length of the document.
    pub query_bytes: usize,
    /// `tokens`: the number of tokens in the document.
    pub tokens: usize,
    /// `depth`: the levels of nested fields.
    pub depth: usize,
    /// `complexity`: the cost of the fields: 1 each, times the page size below a listing and the number of ids below
    /// `nodes`, of representations below `_entities`, of days below `days` and of topics below `topics`; 1 for each day
    /// of `feedbackStatistics`, and for each 20 items that `count` may examine. Merged fields count once. Also the number
    /// of selections in the document, with fragments spread and fields of one response key merged.
    pub complexity: usize,
    /// `aliases`: the number of fields with an alias.
    pub aliases: usize,
    /// `rootFields`: the number of fields of `Query` or `Mutation` in an operation.
    pub root_fields: usize,
    /// `submissions`: the number of `submitFeedback` among them, for an anonymous caller.
    pub submissions: usize,
    /// `directives`: the number of directives in the document.
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
            submissions: 1,
            directives: 20,
        }
    }
}

/// Reads `name=number` pairs, separated by spaces or commas; limits that are not named keep their defaults. The maximum
/// of each is what the service can bear: depth is stack, the others are time and memory.
impl FromStr for Limits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut limits = Self::default();
        let pairs = text.split([' ', ',']).filter(|pair| !pair.is_empty());
        for pair in pairs {
            let limit = pair.split_once('=').and_then(|(name, number)| {
                let (limit, most) = match name {
                    "bodyBytes" => (&mut limits.body_bytes, 9_999_999),
                    "queryBytes" => (&mut limits.query_bytes, 999_999),
                    "tokens" => (&mut limits.tokens, 99_999),
                    "depth" => (&mut limits.depth, 99),
                    "complexity" => (&mut limits.complexity, 99_999),
                    "aliases" => (&mut limits.aliases, 9_999),
                    "rootFields" => (&mut limits.root_fields, 999),
                    "submissions" => (&mut limits.submissions, 999),
                    "directives" => (&mut limits.directives, 9_999),
                    _ => return None,
                };
                *limit = number.parse().ok().filter(|number| *number <= most)?;
                Some(())
            });
            if limit.is_none() {
                return Err(
                    "pairs like \"depth=16 complexity=5000\" of bodyBytes (at most 9999999), queryBytes (999999), tokens \
                     (99999), depth (99), complexity (99999), aliases (9999), rootFields (999), submissions (999) and \
                     directives (9999)"
                        .to_owned(),
                );
            }
        }
        Ok(limits)
    }
}

impl Limits {
    /// Checks the length of a document's text.
    pub(super) fn check_length(&self, text: &str) -> Result<(), ServerError> {
        check(ErrorCode::QueryTooLong, "bytes", text.len(), self.query_bytes)
    }

    /// Checks how many tokens a document has.
    pub(super) fn check_tokens(&self, tokens: usize) -> Result<(), ServerError> {
        check(ErrorCode::TooManyTokens, "tokens", tokens, self.tokens)
    }

    /// Checks everything in a document, executed or not.
    pub(super) fn check_document(&self, document: &Document) -> Result<(), ServerError> {
        let (mut aliases, mut directives) = (0, 0);
        for selection in document.selections() {
            directives += selection.directives().len();
            let alias = selection.as_field().and_then(|field| field.alias.as_ref());
            aliases += usize::from(alias.is_some());
        }
        for operation in document.operations.iter() {
            directives += operation.directives.len();
            let variables = operation.variables.iter();
            directives += variables.map(|variable| variable.directives.len()).sum::<usize>();
        }
        directives += document
            .fragments
            .values()
            .map(|fragment| fragment.directives.len())
            .sum::<usize>();
        check(ErrorCode::TooManyAliases, "aliases", aliases, self.aliases).and_then(|()| {
            check(
                ErrorCode::TooManyDirectives,
                "directives",
                directives,
                self.directives,
            )
        })
    }

    pub(super) fn check_depth(&self, depth: usize) -> Result<(), ServerError> {
        check(ErrorCode::QueryTooDeep, "levels of fields", depth, self.depth)
    }

    pub(super) fn check_root_fields(&self, fields: usize) -> Result<(), ServerError> {
        check(
            ErrorCode::TooManyRootFields,
            "root fields",
            fields,
            self.root_fields,
        )
    }

    pub(super) fn check_complexity(&self, cost: usize) -> Result<(), ServerError> {
        check(
            ErrorCode::QueryTooComplex,
            "points of complexity",
            cost,
            self.complexity,
        )
    }

    /// Checks the number of submissions in an anonymous caller's operation.
    pub(super) fn check_submissions(&self, submissions: usize) -> Result<(), ServerError> {
        check(
            ErrorCode::TooManySubmissions,
            "submissions without a credential",
            submissions,
            self.submissions,
        )
    }
}

fn check(code: ErrorCode, what: &str, value: usize, most: usize) -> Result<(), ServerError> {
    if value <= most {
        return Ok(());
    }
    let message = format!("a request may have at most {most} {what}");
    Err(request_error(code, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_by_name() {
        let limits: Limits = "depth=5, complexity=10 bodyBytes=1 submissions=3"
            .parse()
            .unwrap();
        let expected = Limits {
            depth: 5,
            complexity: 10,
            body_bytes: 1,
            submissions: 3,
            ..Limits::default()
        };
        assert_eq!(limits, expected);
        for text in [
            "depth",
            "depth=",
            "depth=-1",
            "depth=x",
            "height=3",
            "depth = 5",
            "depth=100",
            "tokens=100000",
        ] {
            assert!(text.parse::<Limits>().is_err(), "{text}");
        }
    }
}
