//! The table's indexes: the timeline, the quarantine, and those that the parameter names. Each is there, may be queried
//! and is watched if it is named, and else not.

use std::collections::{BTreeMap, BTreeSet};

use feedback_graphql::repository::{Index, Indexes, table};
use serde_json::{Value, json};

use super::document::{Template, list, one_or_many, text};

/// The indexes that a table has for this value of the parameter.
pub fn of(names: &str) -> Vec<Index> {
    names.parse::<Indexes>().unwrap().iter().collect()
}

/// Every set of indexes, as the parameter names it, in two orders.
pub fn lists() -> Vec<String> {
    let mut lists = vec![Vec::new()];
    for index in Index::ALL.iter().filter(|index| !index.is_always_there()) {
        let with = lists
            .iter()
            .map(|names| [names.as_slice(), &[index.name()]].concat());
        lists.extend(with.collect::<Vec<_>>());
    }
    let reversed = lists.iter().map(|names| names.iter().rev().copied().collect());
    let reversed: Vec<Vec<&str>> = reversed.collect();
    lists
        .iter()
        .chain(&reversed)
        .map(|names| names.join(","))
        .map(|names| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names
            }
        })
        .collect()
}

/// Whether a permission is on one of the indexes, whichever.
pub fn is_index(table: &str, resource: &Value) -> bool {
    Index::ALL.iter().any(|index| *resource == arn(table, *index))
}

#[test]
fn the_table_has_the_timeline_the_quarantine_and_the_indexes_that_are_named() {
    let template = Template::load();
    for names in lists() {
        let template = template.with(&[("Indexes", names.as_str())]);
        let (_, table) = template.only("AWS::DynamoDB::Table");
        let found: BTreeMap<&str, (Value, Value)> = list(&table["Properties"]["GlobalSecondaryIndexes"])
            .iter()
            .map(|index| {
                let shape = (index["KeySchema"].clone(), index["Projection"].clone());
                (text(&index["IndexName"]), shape)
            })
            .collect();
        let expected: BTreeMap<&str, (Value, Value)> = of(&names)
            .into_iter()
            .map(|index| (index.name(), shape(index)))
            .collect();
        assert_eq!(found, expected, "{names}");
    }
}

/// DynamoDB refuses the definition of an attribute that no key uses.
#[test]
fn the_attributes_that_are_defined_are_those_of_the_keys() {
    let template = Template::load();
    for names in lists() {
        let template = template.with(&[("Indexes", names.as_str())]);
        let (_, table) = template.only("AWS::DynamoDB::Table");
        let definitions = list(&table["Properties"]["AttributeDefinitions"]);
        let found: BTreeSet<(&str, &str)> = definitions
            .iter()
            .map(|it| (text(&it["AttributeName"]), text(&it["AttributeType"])))
            .collect();
        assert_eq!(found.len(), definitions.len(), "one is there twice: {names}");

        let mut expected = BTreeSet::from([(table::PARTITION_KEY, "S"), (table::POSITION_ATTRIBUTE, "S")]);
        let keys = of(&names).into_iter().flat_map(Index::partition_key);
        expected.extend(keys.map(|(attribute, kind)| (*attribute, kind.as_str())));
        assert_eq!(found, expected, "{names}");
    }
}

#[test]
fn the_function_may_query_the_indexes_that_are_there_and_no_other() {
    let template = Template::load();
    for names in lists() {
        let template = template.with(&[("Indexes", names.as_str())]);
        let (table, _) = template.only("AWS::DynamoDB::Table");
        let (_, role) = template.only("AWS::IAM::Role");
        let queried: Vec<&Value> = list(&role["Properties"]["Policies"])
            .iter()
            .flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]))
            .filter(|statement| one_or_many(&statement["Action"]).contains(&json!("dynamodb:Query")))
            .flat_map(|statement| one_or_many(&statement["Resource"]))
            .collect();
        let expected: Vec<Value> = of(&names).into_iter().map(|index| arn(table, index)).collect();
        assert_eq!(queried, expected.iter().collect::<Vec<_>>(), "{names}");
    }
}

#[test]
fn the_function_is_told_which_indexes_there_are() {
    let template = Template::load();
    assert_eq!(
        template.variables()["FEEDBACK_INDEXES"],
        json!({ "Ref": "Indexes" })
    );
    assert_eq!(template.0["Parameters"]["Indexes"]["Default"], "status,topic");
}

/// The conditions find a name wherever it stands in the list.
#[test]
fn no_name_of_an_index_is_part_of_another() {
    for index in Index::ALL {
        for other in Index::ALL.iter().filter(|other| *other != index) {
            assert!(!other.name().contains(index.name()), "{other:?} and {index:?}");
        }
    }
}

fn shape(index: Index) -> (Value, Value) {
    let partition_key = index
        .partition_key()
        .iter()
        .map(|(attribute, _)| (*attribute, "HASH"));
    let keys = partition_key.chain([(table::POSITION_ATTRIBUTE, "RANGE")]);
    let keys = keys.map(|(attribute, kind)| json!({ "AttributeName": attribute, "KeyType": kind }));
    (keys.collect(), json!({ "ProjectionType": "ALL" }))
}

fn arn(table: &str, index: Index) -> Value {
    json!({ "Fn::Sub": format!("${{{table}.Arn}}/index/{}", index.name()) })
}
