//! `@semanticNonNull` in the schema: null means an error where a field has it, and nowhere else.

use std::collections::BTreeSet;
use std::time::Duration;

use apollo_compiler::ast::{FieldDefinition, Type};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema, name};
use aws_sdk_dynamodb::types::AttributeValue;
use feedback_graphql::graphql::sdl;
use feedback_graphql::http::Options;
use feedback_graphql::repository::connect_without_account;
use serde_json::{Map, Value, json};

use crate::support::faulty::{Fault, Network};
use crate::support::{Server, Store, TABLE, on};

const UNKNOWN: &str = "0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90";
/// An item of the function that this service grew out of.
const OLD: &str = "7b0f3f5e-9d4c-4a39-8c57-5b7f3a0d9c11";

/// The schema, and what is known of its nullable positions: a field like `Query.nodes`, or an item of it like
/// `Query.nodes[]`.
struct Nulls {
    schema: Valid<Schema>,
    with_error: BTreeSet<String>,
    without_error: BTreeSet<String>,
}

impl Nulls {
    fn none_yet() -> Self {
        Self {
            schema: Schema::parse_and_validate(sdl(), "schema.graphql").unwrap(),
            with_error: BTreeSet::new(),
            without_error: BTreeSet::new(),
        }
    }

    /// All nullable positions of answers: first those that are null only together with an error, then the others.
    fn declared(&self) -> [BTreeSet<String>; 2] {
        let mut positions = [BTreeSet::new(), BTreeSet::new()];
        for object in self.schema.types.values().filter_map(|ty| ty.as_object()) {
            for field in object.fields.values().filter(|_| !object.name.starts_with("__")) {
                let levels = levels(field, &self.schema);
                let mut ty = &field.ty;
                let mut place = format!("{}.{}", object.name, field.name);
                for level in 0.. {
                    if !ty.is_non_null() {
                        let means_none = !levels.contains(&level);
                        positions[usize::from(means_none)].insert(place.clone());
                    }
                    let (Type::List(item) | Type::NonNullList(item)) = ty else {
                        break;
                    };
                    ty = item;
                    place.push_str("[]");
                }
            }
        }
        positions
    }

    /// A selection of everything that a type has, down to the leaves.
    fn everything(&self, ty: &Name) -> String {
        if let Some(object) = self.schema.get_object(ty) {
            let fields = object.fields.values();
            let fields = fields.map(|field| {
                let below = self.everything(field.ty.inner_named_type());
                format!("{} {below}", field.name)
            });
            return format!("{{ {} }}", fields.collect::<Vec<_>>().join(" "));
        }
        if ty == "Node" {
            return format!("{{ ... on Feedback {} }}", self.everything(&name!("Feedback")));
        }
        String::new()
    }

    /// An operation of these root fields, like `feedback(id: 1)`, each with everything that can be selected.
    fn operation(&self, root: &str, fields: &[String]) -> String {
        let object = self.schema.get_object(root).unwrap();
        let selections: Vec<_> = fields
            .iter()
            .map(|field| {
                let name = field.split('(').next().unwrap();
                format!(
                    "{field} {}",
                    self.everything(object.fields[name].ty.inner_named_type())
                )
            })
            .collect();
        format!("{} {{ {} }}", root.to_lowercase(), selections.join(" "))
    }

    /// Notes each null of an answer, by whether an error tells why.
    fn note(&mut self, root: &str, answer: &Value) {
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        let paths: Vec<_> = errors
            .iter()
            .filter_map(|error| error["path"].as_array())
            .collect();
        if let Some(data) = answer["data"].as_object() {
            self.note_object(root, data, &mut Vec::new(), &paths);
        }
    }

    fn note_object(
        &mut self,
        name: &str,
        object: &Map<String, Value>,
        path: &mut Vec<Value>,
        errors: &[&Vec<Value>],
    ) {
        for (key, value) in object {
            let ty = self.schema.get_object(name).unwrap().fields[key.as_str()]
                .ty
                .clone();
            path.push(json!(key));
            self.note_value(&format!("{name}.{key}"), &ty, value, path, errors);
            path.pop();
        }
    }

    fn note_value(
        &mut self,
        place: &str,
        ty: &Type,
        value: &Value,
        path: &mut Vec<Value>,
        errors: &[&Vec<Value>],
    ) {
        match value {
            Value::Null => {
                assert!(!ty.is_non_null(), "{place} is null");
                let has_error = errors.iter().any(|error| error.starts_with(path));
                let seen = if has_error {
                    &mut self.with_error
                } else {
                    &mut self.without_error
                };
                seen.insert(place.to_owned());
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(json!(index));
                    self.note_value(&format!("{place}[]"), ty.item_type(), item, path, errors);
                    path.pop();
                }
            }
            Value::Object(object) => {
                let name = ty.inner_named_type().as_str();
                let name = if name == "Node" { "Feedback" } else { name };
                self.note_object(name, object, path, errors);
            }
            _ => {}
        }
    }
}

/// The levels of a field that are null only together with an error.
fn levels(field: &FieldDefinition, schema: &Schema) -> Vec<i32> {
    let Some(directive) = field.directives.get("semanticNonNull") else {
        return Vec::new();
    };
    let levels = directive.argument_by_name("levels", schema).unwrap();
    levels
        .as_list()
        .unwrap()
        .iter()
        .map(|level| level.to_i32().unwrap())
        .collect()
}

/// A server whose way to its engine can be made to fail, with feedback that has everything, some that has nothing, some
/// in quarantine, and some from before there was triage.
async fn server() -> (Server, Network, [String; 2]) {
    let store = Store::new().await;
    let old = [
        ("feedbackId", AttributeValue::S(OLD.to_owned())),
        ("feedback", AttributeValue::S("old".to_owned())),
        ("timestamp", AttributeValue::N("1772000000".to_owned())),
    ];
    let old = old.map(|(name, value)| (name.to_owned(), value));
    let put = store
        .client
        .put_item()
        .table_name(TABLE)
        .set_item(Some(old.into()));
    put.send().await.unwrap();
    let network = Network::to(&store.engine.endpoint()).await;
    let repository = on(&connect_without_account(&network.endpoint), 1).await;
    let store = Store { repository, ..store }.quarantining("trap=1");
    let server = Server::with(store, Options::default()).await;
    let mut ids = Vec::new();
    for rest in [
        "topic: \"search\", rating: 4, email: \"sam@example.org\", pageUrl: \"https://example.org/\"",
        "topic: \"quiet\"",
        "trap: \"robot\"",
        "",
    ] {
        let submit = format!(
            "mutation {{ submitFeedback(input: {{ message: \"text\" {rest} }}) {{ feedback {{ id }} }} }}"
        );
        let data = server.data(&submit, Value::Null).await;
        ids.push(
            data["submitFeedback"]["feedback"]["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let [full, quiet, _, _] = <[String; 4]>::try_from(ids).unwrap();
    (server, network, [full, quiet])
}

/// Root fields of queries and mutations that between them find everything, find nothing, and fail.
fn operations([full, other]: &[String; 2]) -> Vec<(&'static str, Vec<String>)> {
    let cursor = "after: \"no cursor\"";
    let queries = [
        format!("feedback(id: \"{full}\")"),
        format!("feedback(id: \"{UNKNOWN}\")"),
        format!("node(id: \"{OLD}\")"),
        format!("node(id: \"{UNKNOWN}\")"),
        format!("nodes(ids: [\"{full}\", \"{UNKNOWN}\"])"),
        "nodes(ids: [\"no id\"])".to_owned(),
        "feedbacks(first: 1)".to_owned(),
        "feedbacks(last: 1)".to_owned(),
        "feedbacks(filter: { topic: \"nothing\" })".to_owned(),
        format!("feedbacks({cursor})"),
        "quarantinedFeedbacks(first: 1)".to_owned(),
        format!("quarantinedFeedbacks({cursor})"),
        "feedbackStatistics(from: \"2026-02-28\", to: \"2026-03-01\")".to_owned(),
        "feedbackStatistics(from: \"2026-01-01\", to: \"2026-01-01\")".to_owned(),
        "feedbackStatistics(from: \"2026-03-01\", to: \"2026-02-28\")".to_owned(),
    ];
    let several = ["feedbacks", "quarantinedFeedbacks"].map(|listing| format!("{listing}(last: 2)"));
    let several = several
        .into_iter()
        .chain([queries[0].clone(), queries[12].clone()]);
    let several = several.collect();
    let triage = |id: &str| format!("triageFeedback(input: {{ id: \"{id}\", note: \"Asked.\" }})");
    let mutations = [
        "submitFeedback(input: { message: \"text\" })".to_owned(),
        "submitFeedback(input: { message: \" \" })".to_owned(),
        triage(full),
        triage(UNKNOWN),
        triage("no id"),
        format!("quarantineFeedback(input: {{ id: \"{other}\" }})"),
        format!("quarantineFeedback(input: {{ id: \"{UNKNOWN}\" }})"),
        format!("releaseFeedback(input: {{ id: \"{other}\" }})"),
        format!("releaseFeedback(input: {{ id: \"{UNKNOWN}\" }})"),
        format!("deleteFeedback(id: \"{other}\")"),
        format!("deleteFeedback(id: \"{UNKNOWN}\")"),
        "erasePerson(input: { email: \"sam@example.org\" })".to_owned(),
        "erasePerson(input: { email: \"nobody\" })".to_owned(),
    ];
    let single = |root, fields: &[String]| {
        let fields = fields.iter().map(|field| (root, vec![field.clone()]));
        fields.collect::<Vec<_>>()
    };
    [
        single("Query", &queries),
        vec![("Query", several)],
        single("Mutation", &mutations),
    ]
    .concat()
}

#[tokio::test]
async fn null_means_an_error_where_the_schema_says_so_and_nowhere_else() {
    let mut nulls = Nulls::none_yet();
    let (server, network, ids) = server().await;
    let operations = operations(&ids);
    let ask = async |nulls: &mut Nulls, root, fields: &[String]| {
        let answer = server.execute(&nulls.operation(root, fields), Value::Null).await;
        nulls.note(root, &answer);
    };
    for (root, fields) in &operations {
        ask(&mut nulls, root, fields).await;
    }
    let [only_with_error, means_none] = nulls.declared();
    let differing = |nulls: &Nulls| -> Vec<String> {
        let differing = nulls.without_error.symmetric_difference(&means_none);
        differing.cloned().collect()
    };
    // No directive is missing, and none is where null is an answer.
    assert_eq!(differing(&nulls), [""; 0]);

    // Each of the requests that an operation makes to DynamoDB fails in its turn.
    for (root, fields) in &operations {
        for place in 0.. {
            for _ in 0..place {
                network.fail_once(Fault::Delay(Duration::ZERO));
            }
            network.fail_once(Fault::Refuse(400, "ValidationException"));
            ask(&mut nulls, root, fields).await;
            if network.recover() > 0 {
                break;
            }
        }
    }
    assert_eq!(differing(&nulls), [""; 0]);
    let never_seen: Vec<_> = only_with_error.difference(&nulls.with_error).collect();
    assert_eq!(never_seen, [""; 0]);
}

/// Apollo Kotlin warns of any other definition.
#[test]
fn the_directive_is_defined_as_in_its_specification() {
    let definition = "\ndirective @semanticNonNull(levels: [Int!]! = [0]) on FIELD_DEFINITION\n";
    assert!(sdl().contains(definition));
}

#[test]
fn the_directive_is_where_the_description_says_so() {
    let nulls = Nulls::none_yet();
    for object in nulls.schema.types.values().filter_map(|ty| ty.as_object()) {
        for field in object.fields.values() {
            let description = field.description.as_ref().map(|text| text.replace('\n', " "));
            let is_said = description.is_some_and(|text| text.contains("Null only together with an error."));
            assert_eq!(
                is_said,
                !levels(field, &nulls.schema).is_empty(),
                "{}.{}",
                object.name,
                field.name
            );
        }
    }
}
