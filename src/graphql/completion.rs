//! Value completion (GraphQL specification, "Value Completion"): the library's document from the fields to execute,
//! and the response's data from its result.
//!
//! The library executes fields and leaves failed ones out of their objects, in order of execution. Here a failed field
//! becomes null, or the nearest nullable field around it does ("Handling Execution Errors"), and fields are put in the
//! document's order ("Serialized Map Ordering").

use std::collections::HashMap;

use apollo_compiler::Name as SchemaName;
use apollo_compiler::ast::Type;
use apollo_compiler::executable;
use apollo_compiler::response::JsonMap;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field as LibraryField, InlineFragment, OperationDefinition,
    OperationType, Selection, SelectionSet, TypeCondition,
};
use async_graphql::{Name, PathSegment, Pos, Positioned, ServerError, Value};

use super::document::Document;
use super::introspection::is_about_schema;
use super::selection::{Field, ObjectFields};
use super::values::{of_json, of_literal};

/// The key of each object's type in the library's document, so that an object always has a field to execute and differs
/// from null. No field of a client's document can have it.
const TYPE_KEY: &str = "";

/// The operation as the library executes it: each field once, with the values of its arguments, without fragments and
/// conditions, and without introspection.
pub(super) fn library_document(
    operation_type: executable::OperationType,
    fields: &[Field],
    variables: &JsonMap,
) -> ExecutableDocument {
    let fields = fields
        .iter()
        .filter(|field| !is_about_schema(field))
        .filter_map(|field| library_field(field, variables));
    let operation = OperationDefinition {
        ty: if operation_type.is_mutation() {
            OperationType::Mutation
        } else {
            OperationType::Query
        },
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: unplaced(SelectionSet {
            items: fields.collect(),
        }),
    };
    ExecutableDocument {
        operations: DocumentOperations::Single(unplaced(operation)),
        fragments: HashMap::new(),
    }
}

/// `None` for `__typename`, which completion adds.
fn library_field(field: &Field, variables: &JsonMap) -> Option<Positioned<Selection>> {
    if field.name() == "__typename" {
        return None;
    }
    let selected = field.first();
    let arguments = selected.arguments.iter().filter_map(|argument| {
        let value = of_literal(&argument.value, variables)?;
        Some((name(&argument.name), unplaced(value.into())))
    });
    let sets = match field.below.as_slice() {
        [] => Vec::new(),
        [ObjectFields { object, fields }] if object == field.ty.inner_named_type() => {
            library_fields(fields, variables)
        }
        several => {
            let fragments = several.iter().map(|ObjectFields { object, fields }| {
                unplaced(Selection::InlineFragment(unplaced(InlineFragment {
                    type_condition: Some(unplaced(TypeCondition { on: name(object) })),
                    directives: Vec::new(),
                    selection_set: unplaced(SelectionSet {
                        items: library_fields(fields, variables),
                    }),
                })))
            });
            fragments.collect()
        }
    };
    Some(unplaced(Selection::Field(unplaced(LibraryField {
        alias: selected.alias.as_ref().map(name),
        name: name(&selected.name),
        arguments: arguments.collect(),
        directives: Vec::new(),
        selection_set: unplaced(SelectionSet { items: sets }),
    }))))
}

/// The fields of an object, its type first.
fn library_fields(fields: &[Field], variables: &JsonMap) -> Vec<Positioned<Selection>> {
    let type_name = LibraryField {
        alias: Some(unplaced(Name::new(TYPE_KEY))),
        name: unplaced(Name::new("__typename")),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    let fields = fields.iter().filter_map(|field| library_field(field, variables));
    std::iter::once(unplaced(Selection::Field(unplaced(type_name))))
        .chain(fields)
        .collect()
}

fn name(name: &SchemaName) -> Positioned<Name> {
    unplaced(Name::new(name))
}

/// A node without a location, which is looked up in the client's own document if it is needed.
fn unplaced<T>(node: T) -> Positioned<T> {
    Positioned::new(node, Pos::default())
}

/// A null in a non-null position.
struct MissingValue;

/// The data of the response, from what the library found and the introspection fields `about_schema`.
pub(super) fn complete(root: &SchemaName, fields: &[Field], found: Value, about_schema: &JsonMap) -> Value {
    let mut found = match found {
        Value::Object(found) => found,
        _ => IndexMap::new(),
    };
    let about_schema = about_schema
        .iter()
        .map(|(key, value)| (Name::new(key.as_str()), of_json(value)));
    found.extend(about_schema);
    complete_object(root, fields, found).unwrap_or_default()
}

fn complete_object(
    object: &SchemaName,
    fields: &[Field],
    mut found: IndexMap<Name, Value>,
) -> Result<Value, MissingValue> {
    let completed = fields.iter().map(|field| {
        let key = field.key().as_str();
        let value = match found.swap_remove_entry(key) {
            _ if field.name() == "__typename" => (Name::new(key), Value::String(object.to_string())),
            // Completed already.
            Some(entry) if is_about_schema(field) => entry,
            Some((key, value)) => (key, complete_value(&field.ty, field, value)?),
            None => (Name::new(key), complete_value(&field.ty, field, Value::Null)?),
        };
        Ok(value)
    });
    completed.collect::<Result<_, _>>().map(Value::Object)
}

fn complete_value(ty: &Type, field: &Field, value: Value) -> Result<Value, MissingValue> {
    let completed = match (ty, value) {
        (Type::List(item_type) | Type::NonNullList(item_type), Value::List(items)) => {
            let items = items
                .into_iter()
                .map(|item| complete_value(item_type, field, item));
            items.collect::<Result<_, _>>().map(Value::List)
        }
        (_, Value::Object(mut found)) if !field.below.is_empty() => {
            let type_name = found.swap_remove(TYPE_KEY);
            let below = field.below.iter().find(|below| match &type_name {
                Some(Value::String(name)) => *name == *below.object.as_str(),
                _ => false,
            });
            match below {
                Some(ObjectFields { object, fields }) => complete_object(object, fields, found),
                None => Err(MissingValue),
            }
        }
        (_, Value::Null) => Err(MissingValue),
        (_, leaf) => Ok(leaf),
    };
    match completed {
        Err(MissingValue) if !ty.is_non_null() => Ok(Value::Null),
        completed => completed,
    }
}

/// Adds to field errors the locations of the fields in the client's document.
pub(super) fn place(errors: &mut [ServerError], document: &Document, fields: &[Field]) {
    for error in errors {
        let keys = error.path.iter().filter_map(|segment| match segment {
            PathSegment::Field(key) => Some(key),
            PathSegment::Index(_) => None,
        });
        let (mut level, mut failed): (Vec<&[Field]>, Option<&Field>) = (vec![fields], None);
        for key in keys {
            failed = level
                .iter()
                .copied()
                .flatten()
                .find(|field| field.key() == key.as_str());
            let below = failed.iter().flat_map(|field| &field.below);
            level = below.map(|below| below.fields.as_slice()).collect();
        }
        let selected = failed.iter().flat_map(|field| &field.selected);
        error.locations = selected
            .filter_map(|selected| document.place(selected.location()))
            .collect();
    }
}
