//! The `DateTime` scalar.

use async_graphql::{Description, InputValueResult, Scalar, ScalarType, Value};

use crate::domain::{Timestamp, TimestampError};

/// An RFC 3339 date-time. Returned in UTC with milliseconds, like `2026-03-01T09:30:00.250Z`. Accepted with any offset
/// and precision: digits finer than a millisecond are rounded up, and times before 1970 or after 2286 are clamped.
#[derive(Debug, Clone, Copy, Description)]
pub(crate) struct DateTime(pub(crate) Timestamp);

#[Scalar(
    use_type_description,
    specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html"
)]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        // Checked before execution.
        Ok(Self::read(&value)?)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl DateTime {
    pub(crate) fn read(value: &Value) -> Result<Self, TimestampError> {
        match value {
            Value::String(text) => Timestamp::parse_rfc3339(text).map(Self),
            _ => Err(TimestampError),
        }
    }
}
