//! Rules that the compiler does not check: it knows the specification's scalars alone and takes any value for others,
//! and it lets a field of an input object be given twice.

use apollo_compiler::ast::{self, Type};
use apollo_compiler::collections::HashSet;
use apollo_compiler::executable::Selection;
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Node};
use async_graphql::{ServerError, Value};

use super::document::{Document, SCHEMA};
use super::error::Code;
use super::types::DateTime;
use super::values::of_literal;

/// What is wrong with a value of this type.
pub(super) fn error_in(ty: &Type, value: &Value) -> Option<String> {
    match (ty, value) {
        (_, Value::Null) => None,
        (Type::List(item_type) | Type::NonNullList(item_type), Value::List(items)) => {
            items.iter().find_map(|item| error_in(item_type, item))
        }
        // One value stands for a list of it.
        (Type::List(item_type) | Type::NonNullList(item_type), value) => error_in(item_type, value),
        (Type::Named(name) | Type::NonNullNamed(name), value) => match (SCHEMA.types.get(name)?, value) {
            (ExtendedType::InputObject(object), Value::Object(fields)) => fields
                .iter()
                .find_map(|(name, value)| error_in(&object.fields.get(name.as_str())?.ty, value)),
            (ExtendedType::Scalar(scalar), value) if scalar.name == "DateTime" => {
                DateTime::read(value).err().map(|error| error.to_string())
            }
            _ => None,
        },
    }
}

/// What the compiler lets through of a document's literals: unknown values of our scalars, and fields of an input
/// object that are given twice ("Input Object Field Uniqueness").
pub(super) fn invalid_literals(document: &Document) -> Vec<ServerError> {
    let check = |ty: &Type, literal: &Node<ast::Value>| {
        let message = match repeated_field(literal) {
            Some(name) => format!("there can be only one input field named `{name}`"),
            None => error_in(ty, &of_literal(literal, &JsonMap::new())?)?,
        };
        Some(document.error(Code::GraphqlValidationFailed, &message, literal.location()))
    };
    let fields = document.selections().filter_map(Selection::as_field);
    let arguments = fields.flat_map(|field| {
        field.arguments.iter().filter_map(|argument| {
            let definition = field.definition.argument_by_name(&argument.name)?;
            check(&definition.ty, &argument.value)
        })
    });
    let operations = document.operations.iter();
    let variables = operations.flat_map(|operation| &operation.variables);
    let defaults = variables.filter_map(|variable| check(&variable.ty, variable.default_value.as_ref()?));
    arguments.chain(defaults).collect()
}

/// A field that an input object in this literal has twice.
fn repeated_field(literal: &ast::Value) -> Option<&Name> {
    match literal {
        ast::Value::List(items) => items.iter().find_map(|item| repeated_field(item)),
        ast::Value::Object(fields) => {
            let mut names = HashSet::default();
            fields.iter().find_map(|(name, value)| {
                (!names.insert(name))
                    .then_some(name)
                    .or_else(|| repeated_field(value))
            })
        }
        _ => None,
    }
}
