//! Which operations a caller may execute.

use apollo_compiler::executable::OperationType;
use async_graphql::ServerError;

use super::error::{ErrorCode, request_error};
use super::executor::{Executor, Operation};
use super::validation::one;
use crate::auth::{Caller, Scope};

/// The scope that a field of a root type requires; `None` if everyone may use it. A field that is not named here
/// requires the scope of its root type, so that one added later is not open by oversight.
fn required_scope(root: OperationType, field: &str) -> Option<Scope> {
    match (root, field) {
        // Introspection is either enabled for everyone or disabled.
        (_, "__typename" | "__schema" | "__type")
        | (OperationType::Query, "_service")
        | (OperationType::Mutation, "submitFeedback") => None,
        (OperationType::Query, _) => Some(Scope::Read),
        (OperationType::Mutation | OperationType::Subscription, _) => Some(Scope::Manage),
    }
}

impl Executor {
    /// Checks that a caller may execute an operation. One field that they may not use refuses all of it.
    ///
    /// # Errors
    /// With [`ErrorCode::Unauthenticated`], [`ErrorCode::Forbidden`] or [`ErrorCode::TooManySubmissions`].
    pub fn authorize(&self, operation: &Operation, caller: &Caller) -> Result<(), Vec<ServerError>> {
        let root = operation.chosen.operation_type();
        let mut required = operation
            .root_fields()
            .filter_map(|field| required_scope(root, field));
        if let Some(scope) = required.find(|scope| !caller.may(*scope)) {
            let code = if caller.is_anonymous() {
                ErrorCode::Unauthenticated
            } else {
                ErrorCode::Forbidden
            };
            let message = format!("a credential with the scope {} is required", scope.name());
            return Err(vec![request_error(code, message)]);
        }
        if caller.is_anonymous() {
            let submissions = operation.root_fields().filter(|field| *field == "submitFeedback");
            let checked = self.limits().check_submissions(submissions.count());
            checked.map_err(one)?;
        }
        Ok(())
    }
}
