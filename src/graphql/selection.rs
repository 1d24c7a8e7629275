//! The fields that an operation executes: fragments spread, skipped fields left out, and fields of one response key
//! merged (GraphQL specification, `CollectFields` and `MergeSelectionSets`).
//!
//! The library would execute a field as often as it is selected. It gets these fields instead, each once.
//!
//! A hostile document could make collection expensive, since a few fragments can spread into billions of fields. So
//! limits are checked during collection, and each selection visited counts toward the limit of complexity.

use apollo_compiler::ast::{Type, Value};
use apollo_compiler::collections::{HashSet, IndexMap};
use apollo_compiler::executable::{self, Selection, SelectionSet};
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::{FieldDefinition, ObjectType};
use apollo_compiler::{Name, Node};
use async_graphql::ServerError;

use super::definition::{SCHEMA, applies, possible_objects};
use super::document::Document;
use super::limits::Limits;
use super::values::of_literal;
use crate::domain::PageRequest;

/// A field that is executed.
#[derive(Debug)]
pub(super) struct Field {
    /// Its selections: at least one, all with the same name and arguments.
    pub(super) selected: Vec<Node<executable::Field>>,
    /// The type of its value.
    pub(super) ty: Type,
    /// The fields below it, for each type of object that its value can be. None for a leaf.
    pub(super) below: Vec<ObjectFields>,
}

/// The fields of an object of one type.
#[derive(Debug)]
pub(super) struct ObjectFields {
    /// The object's type.
    pub(super) object: Name,
    /// Its fields, in the order of the response.
    pub(super) fields: Vec<Field>,
}

impl Field {
    /// The name of the value in the response.
    pub(super) fn key(&self) -> &Name {
        self.first().response_key()
    }

    /// The field's name in the schema.
    pub(super) fn name(&self) -> &Name {
        &self.first().name
    }

    /// The first of its selections.
    pub(super) fn first(&self) -> &executable::Field {
        // There is at least one.
        &self.selected[0]
    }
}

/// Collects the fields of an operation, as far as the limits allow.
pub(super) fn collect(
    document: &Document,
    operation: &executable::Operation,
    variables: &JsonMap,
    limits: &Limits,
) -> Result<Vec<Field>, ServerError> {
    let (fields, cost) = Collector::new(document, Some(variables), limits).operation(operation)?;
    limits.check_complexity(cost)?;
    Ok(fields)
}

/// Collects all fields that an operation could execute with any variables, as far as the limits allow.
pub(super) fn collect_all(
    document: &Document,
    operation: &executable::Operation,
    limits: &Limits,
) -> Result<Vec<Field>, ServerError> {
    let (fields, _) = Collector::new(document, None, limits).operation(operation)?;
    Ok(fields)
}

struct Collector<'a> {
    document: &'a Document,
    /// The variables for `@skip` and `@include`. Without them, everything is included.
    variables: Option<&'a JsonMap>,
    limits: &'a Limits,
    /// The number of selections visited.
    selections: usize,
}

impl<'a> Collector<'a> {
    fn new(document: &'a Document, variables: Option<&'a JsonMap>, limits: &'a Limits) -> Self {
        Self {
            document,
            variables,
            limits,
            selections: 0,
        }
    }

    /// The fields of an operation, and their cost.
    fn operation(mut self, operation: &'a executable::Operation) -> Result<(Vec<Field>, usize), ServerError> {
        // Always there, since the document is valid.
        let Some(root) = SCHEMA.get_object(operation.object_type()) else {
            return Ok((Vec::new(), 0));
        };
        self.object(root, &[&operation.selection_set], 1)
    }

    /// The fields of an object of this type, and their cost.
    fn object(
        &mut self,
        object: &ObjectType,
        sets: &[&'a SelectionSet],
        depth: usize,
    ) -> Result<(Vec<Field>, usize), ServerError> {
        let collected = self.selected_fields(object, sets)?;
        if !collected.is_empty() {
            self.limits.check_depth(depth)?;
        }
        if depth == 1 {
            self.limits.check_root_fields(collected.len())?;
        }
        let (mut fields, mut cost) = (Vec::with_capacity(collected.len()), 0_usize);
        for selected in collected.into_values() {
            // Always there, since the document is valid.
            let Ok(definition) = SCHEMA.type_field(&object.name, &selected[0].name) else {
                continue;
            };
            let (field, cost_of_field) = self.field(definition, selected, depth)?;
            cost = cost.saturating_add(cost_of_field);
            fields.push(field);
        }
        Ok((fields, cost))
    }

    /// A field with those below it, and its cost.
    fn field(
        &mut self,
        definition: &FieldDefinition,
        selected: Vec<&'a Node<executable::Field>>,
        depth: usize,
    ) -> Result<(Field, usize), ServerError> {
        let sets: Vec<&SelectionSet> = selected.iter().map(|field| &field.selection_set).collect();
        let (mut below, mut cost_below) = (Vec::new(), 0);
        for object in possible_objects(definition.ty.inner_named_type()) {
            let (fields, cost) = self.object(object, &sets, depth + 1)?;
            cost_below = cost_below.max(cost);
            let object = object.name.clone();
            below.push(ObjectFields { object, fields });
        }
        let cost = cost_below
            .saturating_mul(self.items(selected[0]))
            .saturating_add(1);
        let field = Field {
            selected: selected.into_iter().cloned().collect(),
            ty: definition.ty.clone(),
            below,
        };
        Ok((field, cost))
    }

    /// The selections of fields that apply to an object of this type, by response key (`CollectFields`). Without
    /// recursion: fragments can be nested more deeply than fields.
    fn selected_fields(
        &mut self,
        object: &ObjectType,
        sets: &[&'a SelectionSet],
    ) -> Result<IndexMap<&'a Name, Vec<&'a Node<executable::Field>>>, ServerError> {
        let mut fields = IndexMap::<_, Vec<_>>::default();
        let mut spread = HashSet::default();
        let mut open: Vec<_> = sets.iter().rev().map(|set| set.selections.iter()).collect();
        while let Some(selections) = open.last_mut() {
            let Some(selection) = selections.next() else {
                open.pop();
                continue;
            };
            self.selections += 1;
            self.limits.check_complexity(self.selections)?;
            if !self.is_included(selection) {
                continue;
            }
            let (condition, set) = match selection {
                Selection::Field(field) => {
                    fields.entry(field.response_key()).or_default().push(field);
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.type_condition.as_ref(), &fragment.selection_set)
                }
                Selection::FragmentSpread(fragment) => {
                    let name = &fragment.fragment_name;
                    match self.document.fragments.get(name) {
                        Some(fragment) if spread.insert(name) => {
                            (Some(fragment.type_condition()), &fragment.selection_set)
                        }
                        _ => continue,
                    }
                }
            };
            if condition.is_none_or(|condition| applies(condition, object)) {
                open.push(set.selections.iter());
            }
        }
        Ok(fields)
    }

    /// Whether `@skip` and `@include` allow a selection.
    fn is_included(&self, selection: &Selection) -> bool {
        let Some(variables) = self.variables else {
            return true;
        };
        let condition = |directive| {
            let directive = selection.directives().get(directive)?;
            match &**directive.specified_argument_by_name("if")? {
                Value::Boolean(value) => Some(*value),
                Value::Variable(name) => variables.get(name.as_str())?.as_bool(),
                _ => None,
            }
        };
        let has_include = selection.directives().has("include");
        condition("skip") != Some(true) && (!has_include || condition("include") == Some(true))
    }

    /// The number of items that a field can return, each with everything selected below it.
    fn items(&self, field: &executable::Field) -> usize {
        let argument = |name: &str| {
            let argument = field.arguments.iter().find(|argument| argument.name == name)?;
            of_literal(&argument.value, self.variables?)
        };
        match field.name.as_str() {
            "feedbacks" => {
                let size = ["first", "last"]
                    .into_iter()
                    .find_map(|name| match argument(name)? {
                        async_graphql::Value::Number(number) => number.as_u64(),
                        _ => None,
                    });
                // The field rejects a larger size with a better message.
                let size = size.map_or(PageRequest::DEFAULT_SIZE, |size| {
                    usize::try_from(size).unwrap_or(usize::MAX)
                });
                size.min(PageRequest::MAX_SIZE)
            }
            "nodes" => match argument("ids") {
                Some(async_graphql::Value::List(ids)) => ids.len(),
                _ => 1,
            },
            _ => 1,
        }
    }
}
