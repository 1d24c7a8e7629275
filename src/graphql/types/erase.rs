//! The input and the output of `erasePerson`.

use async_graphql::{Enum, InputObject, SimpleObject};

use crate::domain::{EmailAddress, Person, Violation};
use crate::repository::Erasure;

/// A person whose feedback is to be erased.
#[derive(InputObject)]
pub(crate) struct ErasePersonInput {
    /// The person's email address, case-insensitive.
    email: String,
}

/// The payload of `erasePerson`.
#[derive(SimpleObject)]
pub(crate) struct ErasePersonPayload {
    /// The number of pieces of feedback that this call deleted: at most 100.
    erased_count: u32,
    /// Whether a look after that found no more. If false, call again.
    is_complete: bool,
    /// The error in the input. Empty if the person was looked for.
    user_errors: Vec<ErasePersonUserError>,
}

/// An error in the input of `erasePerson`.
#[derive(SimpleObject)]
pub(crate) struct ErasePersonUserError {
    /// The path to the field in the input: `["email"]`.
    field: Vec<String>,
    /// The error code, for programs.
    code: ErasePersonErrorCode,
    /// A description of the error in English, to follow the field's name.
    message: String,
}

/// The error codes of `erasePerson`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ErasePersonErrorCode {
    /// The text is not an email address that feedback can have.
    InvalidEmail,
}

impl ErasePersonInput {
    /// The person, or what is wrong with the address.
    pub(crate) fn person(&self) -> Result<Person, Vec<Violation>> {
        EmailAddress::parse(&self.email).map(|email| Person::of(&email))
    }
}

impl From<Erasure> for ErasePersonPayload {
    fn from(Erasure { count, is_complete }: Erasure) -> Self {
        Self {
            erased_count: u32::try_from(count).unwrap_or(u32::MAX),
            is_complete,
            user_errors: Vec::new(),
        }
    }
}

impl From<Vec<Violation>> for ErasePersonPayload {
    fn from(violations: Vec<Violation>) -> Self {
        let user_errors = violations.into_iter().map(|violation| ErasePersonUserError {
            field: vec!["email".to_owned()],
            code: ErasePersonErrorCode::InvalidEmail,
            message: violation.message,
        });
        Self {
            erased_count: 0,
            is_complete: false,
            user_errors: user_errors.collect(),
        }
    }
}
