//! Values of arguments and variables in the library's type.

use apollo_compiler::ast;
use apollo_compiler::response::{JsonMap, JsonValue};
use async_graphql::{Name, Number, Value};

/// The value of a literal. `None` where it is a variable without a value.
pub(super) fn of_literal(literal: &ast::Value, variables: &JsonMap) -> Option<Value> {
    Some(match literal {
        ast::Value::Null => Value::Null,
        ast::Value::Boolean(value) => Value::Boolean(*value),
        ast::Value::String(text) => Value::String(text.clone()),
        ast::Value::Enum(name) => Value::Enum(Name::new(name)),
        // An `ID` may be an integer of any length.
        ast::Value::Int(number) => number.as_str().parse::<Number>().map_or_else(
            |_| Value::String(number.as_str().to_owned()),
            |value| {
                let is_exact = value.is_i64() || value.is_u64();
                if is_exact {
                    Value::Number(value)
                } else {
                    Value::String(number.as_str().to_owned())
                }
            },
        ),
        ast::Value::Float(number) => Value::Number(Number::from_f64(number.try_to_f64().ok()?)?),
        ast::Value::Variable(name) => of_json(variables.get(name.as_str())?),
        // "If a variable is not provided … null" in a list, and no entry in an object ("Input Objects").
        ast::Value::List(items) => {
            let items = items.iter().map(|item| of_literal(item, variables));
            Value::List(items.map(Option::unwrap_or_default).collect())
        }
        ast::Value::Object(fields) => {
            let fields = fields.iter();
            let given =
                fields.filter_map(|(name, value)| Some((Name::new(name), of_literal(value, variables)?)));
            Value::Object(given.collect())
        }
    })
}

/// The value of JSON.
pub(super) fn of_json(value: &JsonValue) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(value) => Value::Boolean(*value),
        JsonValue::Number(number) => Value::Number(number.clone()),
        JsonValue::String(text) => Value::String(text.as_str().to_owned()),
        JsonValue::Array(items) => Value::List(items.iter().map(of_json).collect()),
        JsonValue::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| (Name::new(name.as_str()), of_json(value)))
                .collect(),
        ),
    }
}
