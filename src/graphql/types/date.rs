//! The `Date` scalar.

use async_graphql::{Description, InputValueResult, Scalar, ScalarType, Value};

use crate::domain::{self, DateError};

/// An ISO 8601 calendar date, in UTC, like `2026-03-01`.
#[derive(Debug, Clone, Copy, Description)]
pub(crate) struct Date(pub(crate) domain::Date);

#[Scalar(
    use_type_description,
    specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html"
)]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        // Checked before execution.
        Ok(Self::read(&value)?)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl Date {
    pub(crate) fn read(value: &Value) -> Result<Self, DateError> {
        match value {
            Value::String(text) => domain::Date::parse(text).map(Self),
            _ => Err(DateError),
        }
    }
}
