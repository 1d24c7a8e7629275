//! Validation rules that the compiler does not check, or not entirely: custom scalars, duplicate fields of an input
//! object, variables inside lists and objects, and lists in arguments of merged fields.

use apollo_compiler::ast::{self, Argument, InputValueDefinition, Type, VariableDefinition};
use apollo_compiler::collections::HashSet;
use apollo_compiler::executable::{self, Operation, Selection};
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Node, Schema};
use async_graphql::{ServerError, Value};

use super::document::Document;
use super::error::ErrorCode;
use super::limits::Limits;
use super::selection::{Field, collect_all};
use super::types::{Date, DateTime};
use super::values::of_literal;

/// The error in a value of this type.
pub(super) fn error_in(schema: &Schema, ty: &Type, value: &Value) -> Option<String> {
    match (ty, value) {
        (_, Value::Null) => None,
        (Type::List(item_type) | Type::NonNullList(item_type), Value::List(items)) => {
            items.iter().find_map(|item| error_in(schema, item_type, item))
        }
        // One value stands for a list of it.
        (Type::List(item_type) | Type::NonNullList(item_type), value) => error_in(schema, item_type, value),
        (Type::Named(name) | Type::NonNullNamed(name), value) => match (schema.types.get(name)?, value) {
            (ExtendedType::InputObject(object), Value::Object(fields)) => fields
                .iter()
                .find_map(|(name, value)| error_in(schema, &object.fields.get(name.as_str())?.ty, value)),
            (ExtendedType::Scalar(scalar), value) => match scalar.name.as_str() {
                "Date" => Date::read(value).err().map(|error| error.to_string()),
                "DateTime" => DateTime::read(value).err().map(|error| error.to_string()),
                _ => None,
            },
            _ => None,
        },
    }
}

/// Errors in a document's literals that the compiler misses: invalid custom scalars, and duplicate fields of an input
/// object ("Input Object Field Uniqueness").
pub(super) fn invalid_literals(document: &Document) -> Vec<ServerError> {
    let schema = &document.definition.schema;
    let check = |ty: &Type, literal: &Node<ast::Value>| {
        let message = match repeated_field(literal) {
            Some(name) => format!("there can be only one input field named `{name}`"),
            None => error_in(schema, ty, &of_literal(literal, &JsonMap::new())?)?,
        };
        Some(document.error(ErrorCode::GraphqlValidationFailed, &message, literal.location()))
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

/// Variables in positions of other types ("All Variable Usages Are Allowed"). The compiler checks arguments that are
/// variables, not lists and objects, and accepts null as a default that makes a variable non-null.
pub(super) fn misplaced_variables(document: &Document) -> Vec<ServerError> {
    let mut errors = Vec::new();
    let definitions = &document.definition.schema.directive_definitions;
    for operation in document.operations.iter() {
        for selection in reachable(document, operation) {
            for directive in selection.directives() {
                let Some(definition) = definitions.get(&directive.name) else {
                    continue;
                };
                let arguments = &definition.arguments;
                errors.extend(misplaced(document, operation, arguments, &directive.arguments));
            }
            if let Selection::Field(field) = selection {
                let arguments = &field.definition.arguments;
                errors.extend(misplaced(document, operation, arguments, &field.arguments));
            }
        }
    }
    errors
}

/// All selections of an operation and of the fragments that it spreads, each once.
fn reachable<'a>(document: &'a Document, operation: &'a Operation) -> Vec<&'a Selection> {
    let mut found = Vec::new();
    let mut spread = HashSet::default();
    let mut open = vec![&operation.selection_set];
    while let Some(set) = open.pop() {
        for selection in &set.selections {
            found.push(selection);
            open.extend(match selection {
                Selection::Field(field) => Some(&field.selection_set),
                Selection::InlineFragment(fragment) => Some(&fragment.selection_set),
                Selection::FragmentSpread(fragment) => {
                    let fragment = document.fragments.get(&fragment.fragment_name);
                    let fragment = fragment.filter(|fragment| spread.insert(&fragment.name));
                    fragment.map(|fragment| &fragment.selection_set)
                }
            });
        }
    }
    found
}

/// Errors about the variables of an operation in some arguments.
fn misplaced(
    document: &Document,
    operation: &Operation,
    definitions: &[Node<InputValueDefinition>],
    arguments: &[Node<Argument>],
) -> Vec<ServerError> {
    let types = &document.definition.schema.types;
    let mut errors = Vec::new();
    let mut open: Vec<(&Type, bool, &Node<ast::Value>)> = Vec::new();
    for argument in arguments {
        let definition = definitions
            .iter()
            .find(|definition| definition.name == argument.name);
        open.extend(definition.map(|definition| {
            (
                &*definition.ty,
                definition.default_value.is_some(),
                &argument.value,
            )
        }));
    }
    while let Some((ty, has_default, literal)) = open.pop() {
        match (&**literal, ty) {
            (ast::Value::Variable(name), ty) => {
                let variable = operation.variables.iter().find(|variable| variable.name == *name);
                if let Some(variable) = variable.filter(|variable| !is_allowed(variable, ty, has_default)) {
                    let message = format!(
                        "variable `${name}` of type `{}` cannot be used where `{ty}` is expected",
                        variable.ty
                    );
                    errors.push(document.error(
                        ErrorCode::GraphqlValidationFailed,
                        &message,
                        literal.location(),
                    ));
                }
            }
            (ast::Value::List(items), Type::List(item) | Type::NonNullList(item)) => {
                open.extend(items.iter().map(|literal| (&**item, false, literal)));
            }
            (ast::Value::Object(fields), ty) => {
                let Some(ExtendedType::InputObject(object)) = types.get(ty.inner_named_type()) else {
                    continue;
                };
                open.extend(fields.iter().filter_map(|(name, literal)| {
                    let field = object.fields.get(name)?;
                    Some((&*field.ty, field.default_value.is_some(), literal))
                }));
            }
            // One value stands for a list of it.
            (_, Type::List(item) | Type::NonNullList(item)) => open.push((item, false, literal)),
            _ => {}
        }
    }
    errors
}

/// `IsVariableUsageAllowed`.
fn is_allowed(variable: &VariableDefinition, ty: &Type, has_default: bool) -> bool {
    let default = variable.default_value.as_ref();
    let has_value = default.is_some_and(|default| !default.is_null());
    if ty.is_non_null() && !variable.ty.is_non_null() && (has_value || has_default) {
        variable.ty.is_assignable_to(&ty.clone().nullable())
    } else {
        variable.ty.is_assignable_to(ty)
    }
}

/// Merged fields whose arguments have lists of different lengths ("Field Selection Merging"). The compiler compares
/// lists up to the end of the shorter one.
pub(super) fn conflicting_lists(document: &Document, limits: &Limits) -> Option<ServerError> {
    let has_list = |selection: &Selection| {
        let field = selection.as_field()?;
        let lists = field
            .arguments
            .iter()
            .filter(|argument| contains_list(&argument.value));
        (lists.count() > 0).then_some(())
    };
    // Nearly always, there is no list to compare.
    document.selections().find_map(has_list)?;
    let operations = document.operations.iter();
    // What exceeds the limits is not executed.
    let fields = operations.filter_map(|operation| collect_all(document, operation, limits).ok());
    let mut open: Vec<Field> = fields.flatten().collect();
    while let Some(field) = open.pop() {
        let first = field.first();
        let differs = |other: &&Node<executable::Field>| {
            first.arguments.iter().any(|argument| {
                let other = other.arguments.iter().find(|other| other.name == argument.name);
                other.is_some_and(|other| !have_same_lengths(&argument.value, &other.value))
            })
        };
        if let Some(other) = field.selected.iter().find(differs) {
            let message = format!(
                "operation must not provide conflicting field arguments for the same name `{}`",
                field.key()
            );
            return Some(document.error(ErrorCode::GraphqlValidationFailed, &message, other.location()));
        }
        open.extend(field.below.into_iter().flat_map(|below| below.fields));
    }
    None
}

fn contains_list(literal: &ast::Value) -> bool {
    match literal {
        ast::Value::List(_) => true,
        ast::Value::Object(fields) => fields.iter().any(|(_, value)| contains_list(value)),
        _ => false,
    }
}

/// Whether two literals that are equal to the compiler have lists of the same lengths.
fn have_same_lengths(one: &ast::Value, other: &ast::Value) -> bool {
    match (one, other) {
        (ast::Value::List(one), ast::Value::List(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| have_same_lengths(one, other))
        }
        (ast::Value::Object(one), ast::Value::Object(other)) => one.iter().all(|(name, one)| {
            let other = other.iter().find(|(other, _)| other == name);
            other.is_some_and(|(_, other)| have_same_lengths(one, other))
        }),
        _ => true,
    }
}

/// A duplicate field of an input object in this literal.
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
