//! Reads the template. The short tags (`!Ref`, `!GetAtt a.b`) are read as the long forms that they stand for, so that
//! every test sees one way of writing.

use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// What may be referred to without being declared.
const PSEUDO_PARAMETERS: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// The template, its short tags written out.
#[derive(Clone)]
pub struct Template(pub Value);

pub struct Reference {
    pub name: String,
    pub target: Target,
}

/// What a reference may name.
#[derive(PartialEq, Eq)]
pub enum Target {
    /// `Ref`, and `${Name}` in a `Sub`: a parameter, a resource or a pseudo parameter.
    Anything,
    /// `GetAtt`, `${Name.Attribute}` in a `Sub`, `DependsOn`.
    Resource,
    /// `!Ref Function.Alias` and the like: what SAM makes for a function.
    Made,
    /// `If`, `Condition`.
    Condition,
}

impl Template {
    pub fn load() -> Self {
        Self::parse(&read("template.yaml"))
    }

    pub fn parse(source: &str) -> Self {
        match Yaml::load_from_str(source).as_deref() {
            Ok([document]) => Self(long_form(document)),
            other => panic!("not one YAML document without duplicate keys: {other:?}"),
        }
    }

    pub fn of_type(&self, kind: &str) -> Vec<(&str, &Value)> {
        object(&self.0["Resources"])
            .iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name.as_str(), resource))
            .collect()
    }

    pub fn only(&self, kind: &str) -> (&str, &Value) {
        match self.of_type(kind).as_slice() {
            &[only] => only,
            found => panic!("{} resources of type {kind}, not one", found.len()),
        }
    }

    /// The properties of the one function.
    pub fn function(&self) -> &Value {
        &self.only("AWS::Serverless::Function").1["Properties"]
    }

    pub fn variables(&self) -> &Map<String, Value> {
        object(&self.function()["Environment"]["Variables"])
    }

    /// The parameter that a value is.
    pub fn parameter(&self, value: &Value) -> &Value {
        let name = value["Ref"]
            .as_str()
            .unwrap_or_else(|| panic!("{value} is no reference"));
        let parameter = &self.0["Parameters"][name];
        assert!(parameter.is_object(), "{name} is no parameter");
        parameter
    }

    /// Every reference in the sections that are evaluated.
    pub fn references(&self) -> Vec<Reference> {
        ["Rules", "Conditions", "Resources", "Outputs"]
            .into_iter()
            .flat_map(|section| references_in(&self.0[section]))
            .collect()
    }

    /// The names of what is referred to and not there.
    pub fn dangling(&self) -> BTreeSet<String> {
        let declared = |section: &str, name: &str| self.0[section].get(name).is_some();
        self.references()
            .into_iter()
            .filter(|Reference { name, target }| match target {
                Target::Anything => {
                    !declared("Parameters", name)
                        && !declared("Resources", name)
                        && !PSEUDO_PARAMETERS.contains(&name.as_str())
                }
                Target::Resource => !declared("Resources", name),
                Target::Made => self.0["Resources"][name]["Properties"]["AutoPublishAlias"].is_null(),
                Target::Condition => !declared("Conditions", name),
            })
            .map(|reference| reference.name)
            .collect()
    }
}

/// Every reference in a value.
pub fn references_in(value: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    walk(value, &mut |value| find_references(value, &mut found));
    found
}

/// The references that a mapping makes by itself, leaving out those of what is nested in it.
fn find_references(value: &Value, found: &mut Vec<Reference>) {
    let Some(mapping) = value.as_object() else {
        return;
    };
    let mut refer = |name: &str, target| {
        found.push(Reference {
            name: name.to_owned(),
            target,
        });
    };
    for (key, argument) in mapping {
        match key.as_str() {
            "Ref" => match text(argument).split_once('.') {
                Some((function, "Alias" | "Version")) => refer(function, Target::Made),
                _ => refer(text(argument), Target::Anything),
            },
            "Fn::GetAtt" if argument[1] == "Version.Version" => refer(text(&argument[0]), Target::Made),
            "Fn::GetAtt" => refer(text(&argument[0]), Target::Resource),
            "Fn::If" => refer(text(&argument[0]), Target::Condition),
            // In a policy statement it is a mapping, and has nothing to do with the template's conditions.
            "Condition" if argument.is_string() => refer(text(argument), Target::Condition),
            "DependsOn" => one_or_many(argument)
                .iter()
                .for_each(|name| refer(text(name), Target::Resource)),
            "Fn::Sub" => {
                for name in placeholders(argument) {
                    match name.split_once('.') {
                        Some((resource, _)) => refer(resource, Target::Resource),
                        None => refer(name, Target::Anything),
                    }
                }
            }
            _ => {}
        }
    }
}

/// What the argument of a `Sub` refers to outside itself.
pub fn placeholders(argument: &Value) -> impl Iterator<Item = &str> {
    let pattern = argument.as_str().unwrap_or_else(|| text(&argument[0]));
    pattern
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
        .filter(|name| !name.starts_with('!') && argument[1].get(name).is_none())
}

/// Visits a value and everything nested in it.
pub fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Object(entries) => entries.values().for_each(|entry| walk(entry, visit)),
        _ => {}
    }
}

fn long_form(node: &Yaml) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(**value),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(long_form).collect(),
        Yaml::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| (text(&long_form(key)).to_owned(), long_form(value)))
            .collect(),
        Yaml::Tagged(tag, argument) => match (tag.suffix.as_str(), long_form(argument)) {
            (name @ ("Ref" | "Condition"), argument) => json!({ name: argument }),
            ("GetAtt", Value::String(path)) => {
                json!({ "Fn::GetAtt": path.splitn(2, '.').collect::<Vec<_>>() })
            }
            (name, argument) => json!({ format!("Fn::{name}"): argument }),
        },
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            panic!("not a plain template: {node:?}")
        }
    }
}

/// A file of this package, read when the test runs so that a change of it needs no new build.
pub fn read(name: &str) -> String {
    let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

pub fn object(value: &Value) -> &Map<String, Value> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("{value} is no mapping"))
}

/// Where one value may stand for a list of one.
pub fn one_or_many(value: &Value) -> &[Value] {
    value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice)
}
