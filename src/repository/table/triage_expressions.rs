//! What a change of triage asks of the table in expressions.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    EXPIRY_ATTRIBUTE, Item, NOTE_ATTRIBUTE, PARTITION_KEY, STATUS_ATTRIBUTE, TAGS_ATTRIBUTE,
    TRIAGED_AT_ATTRIBUTE, TRIAGED_BY_ATTRIBUTE, VERSION_ATTRIBUTE,
};
use crate::domain::{Note, Tag, Triage, TriageChange, TriageUpdate};
use crate::repository::{number, string};

const NAMES: [(&str, &str); 8] = [
    ("#id", PARTITION_KEY),
    ("#expiry", EXPIRY_ATTRIBUTE),
    ("#status", STATUS_ATTRIBUTE),
    ("#tags", TAGS_ATTRIBUTE),
    ("#note", NOTE_ATTRIBUTE),
    ("#version", VERSION_ATTRIBUTE),
    ("#triagedAt", TRIAGED_AT_ATTRIBUTE),
    ("#triagedBy", TRIAGED_BY_ATTRIBUTE),
];

/// Makes the change without knowing what is there, if that is certain to be right: the version is the expected one,
/// something changes, and there is room for all tags that are added. Tags are either added or removed.
pub(crate) fn unseen(
    request: UpdateItemFluentBuilder,
    change: &TriageChange,
    update: &TriageUpdate,
) -> UpdateItemFluentBuilder {
    let mut expression = Expression::new(change.expected_version(), update);
    expression
        .set
        .push("#version = if_not_exists(#version, :zero) + :one");
    expression.value(":zero", number(&0));
    expression.value(":one", number(&1));
    // Feedback without triage gets it by any change.
    let mut changes = vec!["attribute_not_exists(#status)".to_owned()];
    if change.status().is_some() {
        expression.set.push("#status = :status");
        changes.push("#status <> :status".to_owned());
    } else {
        expression.set.push("#status = if_not_exists(#status, :status)");
    }
    let status = change.status().unwrap_or_default();
    expression.value(":status", string(&status.as_str()));
    let (added, removed) = (change.add_tags(), change.remove_tags());
    if !added.is_empty() {
        expression.of_tags = "ADD #tags :tags";
        expression.value(":tags", set(added));
        expression
            .conditions
            .push("(attribute_not_exists(#tags) OR size(#tags) <= :room)".to_owned());
        expression.value(":room", number(&Triage::MAX_TAGS.saturating_sub(added.len())));
    } else if !removed.is_empty() {
        expression.of_tags = "DELETE #tags :tags";
        expression.value(":tags", set(removed));
    }
    for (place, tag) in added.union(removed).enumerate() {
        let not = if added.is_empty() { "" } else { "NOT " };
        changes.push(format!("{not}contains(#tags, :tag{place})"));
        expression.value(&format!(":tag{place}"), string(&tag.as_str()));
    }
    if let Some(note) = change.note() {
        let when = expression.note(Some(note).filter(|note| !note.as_str().is_empty()));
        changes.push(when.to_owned());
    }
    expression.conditions.push(format!("({})", changes.join(" OR ")));
    expression.of(request)
}

/// Writes the triage as a whole in the place of the one that was found, if that is still there.
pub(crate) fn seen(
    request: UpdateItemFluentBuilder,
    found: Option<&Triage>,
    triage: &Triage,
    update: &TriageUpdate,
) -> UpdateItemFluentBuilder {
    let version = found.map_or(0, |found| found.version);
    let mut expression = Expression::new(Some(version), update);
    expression
        .set
        .extend(["#version = :version", "#status = :status"]);
    expression.value(":version", number(&triage.version));
    expression.value(":status", string(&triage.status.as_str()));
    if triage.tags.is_empty() {
        expression.remove.push("#tags");
    } else {
        expression.set.push("#tags = :tags");
        expression.value(":tags", set(&triage.tags));
    }
    expression.note(triage.note.as_ref());
    expression.of(request)
}

/// An update that is being put together.
struct Expression {
    set: Vec<&'static str>,
    remove: Vec<&'static str>,
    /// What is done with the set of tags.
    of_tags: &'static str,
    conditions: Vec<String>,
    values: Item,
}

impl Expression {
    /// An update of feedback that has not expired, and that has this version.
    fn new(version: Option<u32>, update: &TriageUpdate) -> Self {
        let mut expression = Self {
            set: vec!["#triagedAt = :at", "#triagedBy = :by"],
            remove: Vec::new(),
            of_tags: "",
            conditions: vec!["attribute_exists(#id) AND NOT (#expiry <= :now)".to_owned()],
            values: Item::new(),
        };
        expression.value(":at", number(&update.at.as_millis()));
        expression.value(":by", string(&update.by));
        expression.value(":now", number(&update.at.as_seconds()));
        if let Some(version) = version {
            let absent = if version == 0 {
                "attribute_not_exists(#version) OR "
            } else {
                ""
            };
            expression
                .conditions
                .push(format!("({absent}#version = :expected)"));
            expression.value(":expected", number(&version));
        }
        expression
    }

    /// Sets the note, or removes it; returns the condition under which that changes something.
    fn note(&mut self, note: Option<&Note>) -> &'static str {
        if let Some(note) = note {
            self.set.push("#note = :note");
            self.value(":note", string(&note.as_str()));
            "attribute_not_exists(#note) OR #note <> :note"
        } else {
            self.remove.push("#note");
            "attribute_exists(#note)"
        }
    }

    fn value(&mut self, name: &str, value: AttributeValue) {
        self.values.insert(name.to_owned(), value);
    }

    fn of(self, request: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        let remove = if self.remove.is_empty() { "" } else { " REMOVE " };
        let (set, removed) = (self.set.join(", "), self.remove.join(", "));
        let update = format!("SET {set}{remove}{removed} {}", self.of_tags);
        let condition = self.conditions.join(" AND ");
        // DynamoDB refuses names that stand nowhere.
        let is_used = |name: &str| update.contains(name) || condition.contains(name);
        let names = NAMES.into_iter().filter(|(name, _)| is_used(name));
        let names = names.map(|(name, attribute)| (name.to_owned(), attribute.to_owned()));
        request
            .set_expression_attribute_names(Some(names.collect()))
            .set_expression_attribute_values(Some(self.values))
            .update_expression(update)
            .condition_expression(condition)
    }
}

fn set(tags: &BTreeSet<Tag>) -> AttributeValue {
    AttributeValue::Ss(tags.iter().map(|tag| tag.as_str().to_owned()).collect())
}
