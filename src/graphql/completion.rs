//! Completes answers as the GraphQL specification has it, where the library does not.
//!
//! The library leaves a field that failed out of its object, so that what should be null is missing and what
//! must not be null seems fine; and it puts fields in the order in which they were done. Here, a field that
//! failed is null if it may be, and otherwise the nearest field around it that may be ("Handling Execution
//! Errors"); and fields come in the order of the document ("Serialized Map Ordering"). Errors that are known
//! before execution get their code here too: afterwards they could not be told from others.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::async_trait::async_trait;
use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextResolve, NextValidation,
    ResolveInfo,
};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Response, ServerError, ServerResult, ValidationResult, Value, Variables};

use super::error::Code;

/// Makes a [`Completion`] for each request.
pub(super) struct CompletionFactory;

impl ExtensionFactory for CompletionFactory {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Completion::default())
    }
}

/// What is known of one answer while it is made.
#[derive(Default)]
struct Completion {
    document: Mutex<Option<Arc<ExecutableDocument>>>,
    errors: Mutex<Vec<ServerError>>,
    /// The paths of objects that have a null where there must be none.
    broken: Mutex<HashSet<String>>,
}

#[async_trait]
impl Extension for Completion {
    async fn parse_query(
        &self,
        context: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let parsed = next.run(context, query, variables).await;
        let document = parsed.map_err(|mut error| {
            Code::GraphqlValidationFailed.mark(&mut error);
            error
        })?;
        // The transport shares the one it has, which saves copying it.
        let shared = context.data_opt::<Arc<ExecutableDocument>>().cloned();
        *lock(&self.document) = Some(shared.unwrap_or_else(|| Arc::new(document.clone())));
        Ok(document)
    }

    async fn validation(
        &self,
        context: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let validated = next.run(context).await;
        validated.map_err(|mut errors| {
            for error in &mut errors {
                // The library's only word for an argument whose value, often a variable's, does not fit.
                let code = if error.message.starts_with("Invalid value for argument") {
                    Code::BadUserInput
                } else {
                    Code::GraphqlValidationFailed
                };
                code.mark(error);
            }
            errors
        })
    }

    async fn resolve(
        &self,
        context: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        if info.is_for_introspection {
            return next.run(context, info).await;
        }
        let (path, return_type) = (info.path_node, info.return_type);
        match next.run(context, info).await {
            // Nearly always: then the path, which is a text for each field, is not needed.
            Ok(value) if lock(&self.broken).is_empty() => Ok(value),
            Ok(value) => {
                let value = value.unwrap_or_default();
                Ok(Some(self.complete(&path.to_string(), return_type, value)))
            }
            Err(error) => {
                lock(&self.errors).push(error);
                Ok(Some(self.null(&path.to_string(), return_type)))
            }
        }
    }

    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut response = next.run(context, operation_name).await;
        response.errors.append(&mut lock(&self.errors));
        if lock(&self.broken).contains("") {
            response.data = Value::Null;
        }
        if let Some(document) = &*lock(&self.document) {
            let mut operations = document.operations.iter();
            let operation = operations
                .find(|(name, _)| operation_name.is_none() || name.map(Name::as_str) == operation_name);
            if let Some((_, operation)) = operation {
                Order::of(&[&operation.node.selection_set.node], document).apply(&mut response.data);
            }
        }
        response
    }
}

impl Completion {
    /// The value of a field, or null where something in it is null that must not be.
    fn complete(&self, path: &str, return_type: &str, mut value: Value) -> Value {
        let is_broken = |path: &str| lock(&self.broken).contains(path);
        if is_broken(path) {
            return self.null(path, return_type);
        }
        if let Value::List(items) = &mut value {
            let item_type = return_type.trim_end_matches('!').trim_matches(['[', ']']);
            for (index, item) in items.iter_mut().enumerate() {
                if is_broken(&format!("{path}.{index}")) {
                    if item_type.ends_with('!') {
                        return self.null(path, return_type);
                    }
                    *item = Value::Null;
                }
            }
        }
        value
    }

    /// Null for a field, and a note where it must not be null that the object around it is broken.
    fn null(&self, path: &str, return_type: &str) -> Value {
        if return_type.ends_with('!') {
            let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
            lock(&self.broken).insert(parent.to_owned());
        }
        Value::Null
    }
}

/// The keys of an object's fields in the order in which the document selects them, each with the keys below it.
struct Order<'a>(IndexMap<&'a Name, Order<'a>>);

impl<'a> Order<'a> {
    fn of(selected: &[&'a SelectionSet], document: &'a ExecutableDocument) -> Self {
        let mut keys = IndexMap::new();
        for selections in selected {
            collect(selections, document, &mut keys);
        }
        let below = |(key, below): (_, Vec<_>)| (key, Self::of(&below, document));
        Self(keys.into_iter().map(below).collect())
    }

    /// Puts the fields of all objects in `value` into this order.
    fn apply(&self, value: &mut Value) {
        match value {
            Value::List(items) => items.iter_mut().for_each(|item| self.apply(item)),
            // As nearly always: fields are done in order unless one has to wait.
            Value::Object(fields) if fields.keys().eq(self.0.keys().copied()) => {
                for (value, below) in fields.values_mut().zip(self.0.values()) {
                    below.apply(value);
                }
            }
            Value::Object(fields) => {
                let mut unordered = std::mem::take(fields);
                for (key, below) in &self.0 {
                    if let Some((key, mut value)) = unordered.swap_remove_entry(*key) {
                        below.apply(&mut value);
                        fields.insert(key, value);
                    }
                }
                fields.extend(unordered);
            }
            _ => {}
        }
    }
}

/// The keys of the fields that are selected, in order, with what is selected below each.
fn collect<'a>(
    selections: &'a SelectionSet,
    document: &'a ExecutableDocument,
    keys: &mut IndexMap<&'a Name, Vec<&'a SelectionSet>>,
) {
    for selection in &selections.items {
        match &selection.node {
            Selection::Field(field) => {
                let key = &field.node.response_key().node;
                keys.entry(key).or_default().push(&field.node.selection_set.node);
            }
            Selection::InlineFragment(fragment) => {
                collect(&fragment.node.selection_set.node, document, keys);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect(&fragment.node.selection_set.node, document, keys);
                }
            }
        }
    }
}

/// A lock that somebody held when they panicked still guards what it guards.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
