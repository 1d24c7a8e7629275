//! What a query of Logs Insights reads. Enough of its syntax for the queries of the template, and no more: what is not
//! known fails the test.

use std::collections::BTreeSet;

const COMMANDS: [&str; 5] = ["fields", "filter", "limit", "sort", "stats"];
const FUNCTIONS: [&str; 7] = ["avg", "bin", "count", "ispresent", "max", "pct", "sum"];
const WORDS: [&str; 8] = ["and", "as", "asc", "by", "desc", "in", "not", "or"];

/// A query taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The fields that it reads of a line, without what it names itself.
    pub fields: BTreeSet<String>,
    /// The texts that it compares fields with.
    pub compared: BTreeSet<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Number(String),
    Sign(char),
}

impl Query {
    /// Takes a query apart.
    ///
    /// # Panics
    /// When something in it is not known.
    pub fn parse(query: &str) -> Self {
        let tokens = tokens(query);
        let mut parsed = Self::default();
        let mut named = BTreeSet::new();
        let mut compared_with = None;
        for (index, token) in tokens.iter().enumerate() {
            let before = index.checked_sub(1).map(|index| &tokens[index]);
            let is_command = before.is_none_or(|before| *before == Token::Sign('|'));
            match token {
                Token::Word(word) if is_command => {
                    assert!(COMMANDS.contains(&word.as_str()), "{word} in {query}");
                }
                Token::Word(word) if tokens.get(index + 1) == Some(&Token::Sign('(')) && !is_word(word) => {
                    assert!(FUNCTIONS.contains(&word.as_str()), "{word} in {query}");
                }
                Token::Word(word) if is_word(word) => {}
                Token::Word(word) if before == Some(&Token::Word("as".to_owned())) => {
                    named.insert(word.clone());
                }
                Token::Word(word) => {
                    parsed.fields.insert(word.clone());
                    compared_with = Some(word.clone());
                }
                Token::Text(text) => {
                    let field = compared_with.clone();
                    let field = field.unwrap_or_else(|| panic!("{text} is compared with nothing in {query}"));
                    parsed.compared.insert((field, text.clone()));
                }
                Token::Number(_) | Token::Sign(_) => {
                    assert!(!is_command, "{token:?} in {query}");
                }
            }
        }
        parsed.fields = &parsed.fields - &named;
        parsed
    }
}

fn is_word(word: &str) -> bool {
    WORDS.contains(&word)
}

fn tokens(query: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = query.trim();
    while let Some(first) = rest.chars().next() {
        let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || "@._".contains(letter);
        let length = match first {
            '"' => 2 + rest[1..].find('"').expect("a text ends"),
            _ if is_of_word(first) => rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len()),
            _ => {
                assert!("|,()[]=!<>*".contains(first), "{first} in {query}");
                1
            }
        };
        let (token, left) = rest.split_at(length);
        tokens.push(match first {
            '"' => Token::Text(token.trim_matches('"').to_owned()),
            _ if first.is_ascii_digit() => Token::Number(token.to_owned()),
            _ if is_of_word(first) => Token::Word(token.to_owned()),
            _ => Token::Sign(first),
        });
        rest = left.trim_start();
    }
    tokens
}

#[test]
fn a_query_is_taken_apart() {
    let query = "filter message = \"request\" and (status >= 400 or level in [\"WARN\", \"ERROR\"])
        | stats count(*) as requests, pct(a.b, 99) as p99 by bin(5m), @log | sort requests desc | limit 20";
    let pairs = [("level", "ERROR"), ("level", "WARN"), ("message", "request")];
    let expected = Query {
        fields: ["message", "status", "level", "a.b", "@log"]
            .map(str::to_owned)
            .into(),
        compared: pairs
            .map(|(field, text)| (field.to_owned(), text.to_owned()))
            .into(),
    };
    assert_eq!(Query::parse(query), expected);
}
