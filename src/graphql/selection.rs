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
use async_graphql::{ServerError, Value as LibraryValue};

use super::document::Document;
use super::limits::Limits;
use super::types::{DEFAULT_COUNT, DEFAULT_TOPICS, Date, MAX_COUNT, MAX_DAYS, MAX_TOPICS};
use super::values::of_literal;
use crate::domain::PageRequest;
use crate::repository::READ_BUDGET;

/// How many items are examined for a count at the cost of one field.
const ITEMS_A_POINT: usize = 20;

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

/// Collects the fields of an operation, as far as the limits allow, and counts its points of complexity.
pub(super) fn collect(
    document: &Document,
    operation: &executable::Operation,
    variables: &JsonMap,
    limits: &Limits,
) -> Result<(Vec<Field>, usize), ServerError> {
    let (fields, cost) = Collector::new(document, Some(variables), limits).operation(operation)?;
    limits.check_complexity(cost)?;
    Ok((fields, cost))
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
    /// The number of days that statistics are asked for.
    days: usize,
    /// The cost of counting, which is not multiplied by the size of the page around it.
    counting: usize,
}

impl<'a> Collector<'a> {
    fn new(document: &'a Document, variables: Option<&'a JsonMap>, limits: &'a Limits) -> Self {
        Self {
            document,
            variables,
            limits,
            selections: 0,
            days: 0,
            counting: 0,
        }
    }

    /// The fields of an operation, and their cost.
    fn operation(mut self, operation: &'a executable::Operation) -> Result<(Vec<Field>, usize), ServerError> {
        // Always there, since the document is valid.
        let Some(root) = self
            .document
            .definition
            .schema
            .get_object(operation.object_type())
        else {
            return Ok((Vec::new(), 0));
        };
        let (fields, cost) = self.object(root, &[&operation.selection_set], 1)?;
        let cost = cost.saturating_add(self.counting);
        // Both count toward the same limit.
        Ok((fields, cost.max(self.selections)))
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
        let schema = &self.document.definition.schema;
        let (mut fields, mut cost) = (Vec::with_capacity(collected.len()), 0_usize);
        for selected in collected.into_values() {
            // Always there, since the document is valid.
            let Ok(definition) = schema.type_field(&object.name, &selected[0].name) else {
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
        let items = self.items(selected[0]);
        let (mut below, mut cost_below) = (Vec::new(), 0);
        for object in self
            .document
            .definition
            .possible_objects(definition.ty.inner_named_type())
        {
            let (fields, cost) = self.object(object, &sets, depth + 1)?;
            cost_below = cost_below.max(cost);
            let object = object.name.clone();
            below.push(ObjectFields { object, fields });
        }
        let cost = cost_below.saturating_mul(items).saturating_add(1);
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
        let definition = self.document.definition;
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
            if condition.is_none_or(|condition| definition.applies(condition, object)) {
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
    fn items(&mut self, field: &executable::Field) -> usize {
        let variables = self.variables;
        let argument = |name: &str| {
            let argument = field.argument_by_name(name).ok()?;
            of_literal(argument, variables?)
        };
        let number = |name: &str| match argument(name)? {
            LibraryValue::Number(number) => Some(usize::try_from(number.as_u64()?).unwrap_or(usize::MAX)),
            _ => None,
        };
        // One value stands for a list of it.
        let list = |name: &str| match argument(name) {
            Some(LibraryValue::List(items)) => items.len(),
            _ => 1,
        };
        // A field rejects what is out of range with a better message.
        match field.name.as_str() {
            "feedbacks" | "quarantinedFeedbacks" => {
                let size = number("first").or_else(|| number("last"));
                size.unwrap_or(PageRequest::DEFAULT_SIZE)
                    .min(PageRequest::MAX_SIZE)
            }
            "nodes" => list("ids"),
            "_entities" => list("representations"),
            "count" => {
                let examined = number("upTo")
                    .unwrap_or(DEFAULT_COUNT)
                    .clamp(READ_BUDGET, MAX_COUNT);
                self.counting = self.counting.saturating_add(examined / ITEMS_A_POINT);
                1
            }
            "feedbackStatistics" => {
                let date = |name| Some(Date::read(&argument(name)?).ok()?.0);
                let days = date("from").zip(date("to")).map(|(from, to)| from.count_to(to));
                self.days = days.unwrap_or_default().min(MAX_DAYS);
                self.counting = self.counting.saturating_add(self.days);
                1
            }
            "days" => self.days,
            "topics" => number("first").unwrap_or(DEFAULT_TOPICS).min(MAX_TOPICS),
            _ => 1,
        }
    }
}
