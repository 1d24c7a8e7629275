//! The `DateTime` scalar.

use async_graphql::{Description, InputValueResult, Scalar, ScalarType, Value};

use crate::domain::{Timestamp, TimestampError};

/// A point in time: a date-time of RFC 3339. The service sends UTC with milliseconds, as in
/// `2026-03-01T09:30:00.250Z`. It accepts any offset and any precision; digits finer than a millisecond
/// are rounded up, and times before 1970 or after 2286 are taken as the nearest in between.
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
