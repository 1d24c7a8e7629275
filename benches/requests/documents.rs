//! Random documents of the schema, and documents that differ a little from others.

use std::collections::BTreeMap;
use std::fmt::Write;

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;
use fastrand::Rng;

/// The most selection sets of a document, those that mutations left unused included.
const MOST_SETS: usize = 300;

/// How many lists of 100 different ids the variables have: as many as fit into a body.
pub const ID_LISTS: usize = 15;

/// The types of the schema, and the arguments that fields are given.
pub struct Grammar {
    schema: Schema,
    /// Ids of the largest feedback.
    pub ids: Vec<String>,
    /// A cursor in the middle of the timeline.
    pub cursor: String,
}

/// A document: selection sets, of which the first is the root's. Each refers to later ones alone, and may be referred to
/// by several.
#[derive(Clone)]
pub struct Document {
    sets: Vec<Set>,
    /// How many operations there are, all of the same selections.
    operations: usize,
}

#[derive(Clone)]
struct Set {
    on: String,
    selections: Vec<Selection>,
}

/// A field, or without a name the spread of a fragment.
#[derive(Clone)]
struct Selection {
    field: Option<String>,
    arguments: String,
    is_aliased: bool,
    below: Option<usize>,
}

impl Grammar {
    pub fn new(ids: Vec<String>, cursor: String) -> Self {
        let schema = Schema::parse(include_str!("../../schema.graphql"), "schema.graphql");
        Self {
            schema: schema.unwrap_or_else(|errors| errors.partial),
            ids,
            cursor,
        }
    }

    /// A document with up to so many fields at the root, different ones or one again and again.
    pub fn random(&self, rng: &mut Rng, root: &str, most: usize) -> Document {
        let mut document = Document {
            sets: vec![Set::on(root)],
            operations: 1,
        };
        let is_one_field = rng.bool();
        for number in 0..rng.usize(1..=most) {
            let fields = &mut document.sets[0].selections;
            if is_one_field && number > 0 {
                let is_aliased = true;
                fields.push(Selection {
                    is_aliased,
                    ..fields[0].clone()
                });
            } else {
                self.add_field(rng, &mut document, 0);
            }
        }
        document
    }

    /// The same document with some changes.
    pub fn changed(&self, rng: &mut Rng, document: &Document) -> Document {
        let mut changed = document.clone();
        for _ in 0..rng.usize(1..=3) {
            self.change(rng, &mut changed);
        }
        changed
    }

    fn change(&self, rng: &mut Rng, document: &mut Document) {
        let used: Vec<usize> = document.uses().into_keys().collect();
        let at = used[rng.usize(0..used.len())];
        let count = document.sets[at].selections.len();
        match rng.u8(0..10) {
            0 | 1 => self.add_field(rng, document, at),
            2 | 3 if count > 0 => {
                let mut again = document.sets[at].selections[rng.usize(0..count)].clone();
                again.is_aliased = again.field.is_some() && rng.u8(0..3) > 0;
                let copies = std::iter::repeat_n(again, 1 << rng.u8(0..7).min(rng.u8(0..7)));
                document.sets[at].selections.extend(copies);
            }
            // Where there may be no more fields, one gives way to another.
            8 | 9 if count > 1 => {
                let selections = &mut document.sets[at].selections;
                let mut again = selections[rng.usize(0..count)].clone();
                again.is_aliased = again.field.is_some();
                selections[rng.usize(0..count)] = again;
            }
            4 if count > 1 => {
                let from = rng.usize(0..count);
                let to = (from + (1 << rng.u8(0..5))).min(count);
                document.sets[at].selections.drain(from..to);
                if document.sets[at].selections.is_empty() {
                    self.add_field(rng, document, at);
                }
            }
            5 if count > 0 => {
                let on = document.sets[at].on.clone();
                let selection = &mut document.sets[at].selections[rng.usize(0..count)];
                if let Some(field) = &selection.field {
                    selection.arguments = self.arguments(rng, &on, field);
                }
            }
            6 => document.operations = rng.usize(1..=20),
            7 => {
                let on = document.sets[at].on.clone();
                if let Some(below) = self.set(rng, document, at, &on) {
                    document.sets[at].selections.push(Selection {
                        field: None,
                        arguments: String::new(),
                        is_aliased: false,
                        below: Some(below),
                    });
                }
            }
            _ => {}
        }
    }

    fn add_field(&self, rng: &mut Rng, document: &mut Document, at: usize) {
        let on = document.sets[at].on.clone();
        let of_type = match self.schema.types.get(on.as_str()) {
            Some(ExtendedType::Object(object)) => &object.fields,
            Some(ExtendedType::Interface(interface)) => &interface.fields,
            _ => return,
        };
        let mut fields: Vec<(String, String)> = of_type
            .iter()
            .map(|(name, field)| (name.to_string(), field.ty.inner_named_type().to_string()))
            .collect();
        fields.push(("__typename".to_owned(), "String".to_owned()));
        if on == "Query" {
            fields.push(("__schema".to_owned(), "__Schema".to_owned()));
            fields.push(("__type".to_owned(), "__Type".to_owned()));
        }
        let (field, ty) = fields.swap_remove(rng.usize(0..fields.len()));
        let ty_of_field = self.schema.types.get(ty.as_str());
        let has_fields = ty_of_field.is_some_and(|ty| ty.is_object() || ty.is_interface());
        let below = has_fields.then(|| self.set(rng, document, at, &ty));
        if below == Some(None) {
            return;
        }
        let arguments = self.arguments(rng, &on, &field);
        document.sets[at].selections.push(Selection {
            // Else fields of different arguments could not be merged.
            is_aliased: !arguments.is_empty() || rng.u8(0..4) == 0,
            field: Some(field),
            arguments,
            below: below.flatten(),
        });
    }

    /// A set on a type, one that is there or a new one.
    fn set(&self, rng: &mut Rng, document: &mut Document, after: usize, on: &str) -> Option<usize> {
        let later = document.sets.iter().enumerate().skip(after + 1);
        let fitting: Vec<usize> = later
            .filter(|(_, set)| set.on == on)
            .map(|(index, _)| index)
            .collect();
        if !fitting.is_empty() && rng.bool() {
            return Some(fitting[rng.usize(0..fitting.len())]);
        }
        let index = document.sets.len();
        if index >= MOST_SETS {
            return None;
        }
        document.sets.push(Set::on(on));
        for _ in 0..rng.usize(1..=3) {
            self.add_field(rng, document, index);
        }
        Some(index)
    }

    fn arguments(&self, rng: &mut Rng, on: &str, field: &str) -> String {
        let mut id = || format!("\"{}\"", self.ids[rng.usize(0..self.ids.len())]);
        match (on, field) {
            ("Query", "feedback" | "node") => format!("(id: {})", id()),
            ("Query", "nodes") => format!("(ids: $ids{})", rng.usize(0..ID_LISTS)),
            ("Query", "__type") => {
                let types = ["Query", "Feedback", "__Type", "SubmitFeedbackInput"];
                format!("(name: \"{}\")", types[rng.usize(0..types.len())])
            }
            ("Query", "feedbacks") => self.page(rng),
            ("Query", "feedbackStatistics") => {
                let from = ["2025-01-26", "2026-02-01", "2026-03-01"];
                format!(
                    "(from: \"{}\" to: \"2026-03-01\")",
                    from[rng.usize(0..from.len())]
                )
            }
            ("FeedbackConnection", "count") => format!("(upTo: {})", [1, 1_000, 10_000][rng.usize(0..3)]),
            ("FeedbackStatistics", "topics") => format!("(first: {})", rng.u8(1..=100)),
            ("Mutation", "submitFeedback") => "(input: $largest)".to_owned(),
            ("Mutation", "triageFeedback") => {
                let statuses = ["OPEN", "IN_PROGRESS", "RESOLVED"];
                let status = statuses[rng.usize(0..statuses.len())];
                let id = &self.ids[rng.usize(0..self.ids.len())];
                format!(
                    "(input: {{id: \"{id}\" status: {status} note: \"{}\"}})",
                    rng.u8(0..10)
                )
            }
            ("Mutation", "erasePerson") => "(input: {email: \"nobody@example.org\"})".to_owned(),
            ("Mutation", "deleteFeedback") => "(id: \"VICTIM\")".to_owned(),
            _ => String::new(),
        }
    }

    fn page(&self, rng: &mut Rng) -> String {
        let size = [1, 20, 100, rng.u8(1..=100)][rng.usize(0..4)];
        let end = if rng.bool() { "first" } else { "last" };
        let mut arguments = format!("({end}: {size}");
        if rng.bool() {
            arguments.push_str(" order: OLDEST_FIRST");
        }
        if rng.bool() {
            let filters = [
                "topic: \"rarest\"",
                "minRating: 5",
                "maxRating: 1",
                "tag: \"rarest\"",
                "status: [OPEN, IN_PROGRESS, RESOLVED], maxRating: 3",
                "submittedFrom: \"2026-03-01T10:00:00Z\"",
            ];
            let _ = write!(arguments, " filter: {{{}}}", filters[rng.usize(0..filters.len())]);
        }
        if rng.u8(0..3) == 0 {
            let bound = if rng.bool() { "after" } else { "before" };
            let _ = write!(arguments, " {bound}: \"{}\"", self.cursor);
        }
        arguments + ")"
    }
}

impl Set {
    fn on(name: &str) -> Self {
        Self {
            on: name.to_owned(),
            selections: Vec::new(),
        }
    }
}

impl Document {
    /// The sets that the root leads to, with how often each is referred to.
    fn uses(&self) -> BTreeMap<usize, usize> {
        let mut uses = BTreeMap::from([(0, self.operations)]);
        let mut open = vec![0];
        while let Some(at) = open.pop() {
            let selections = self.sets[at].selections.iter();
            for below in selections.filter_map(|selection| selection.below) {
                let count = uses.entry(below).or_default();
                *count += 1;
                if *count == 1 {
                    open.push(below);
                }
            }
        }
        uses
    }

    /// The text. What is referred to once stands in its place.
    pub fn text(&self) -> String {
        let uses = self.uses();
        let (mut text, mut written, mut fragments) = (String::new(), String::new(), String::new());
        let mut aliases = 0;
        let kind = self.sets[0].on.to_lowercase();
        self.write(0, &uses, &mut written, &mut aliases);
        for (&at, _) in uses.iter().filter(|(_, count)| **count > 1) {
            let _ = write!(fragments, " fragment F{at} on {} ", self.sets[at].on);
            if at == 0 {
                fragments.push_str(&written);
            } else {
                self.write(at, &uses, &mut fragments, &mut aliases);
            }
        }
        let uses_variable = |name: &str| written.contains(name) || fragments.contains(name);
        let mut variables = Vec::new();
        if uses_variable("$largest)") {
            variables.push("$largest: SubmitFeedbackInput!".to_owned());
        }
        let lists = (0..ID_LISTS).filter(|number| uses_variable(&format!("$ids{number})")));
        variables.extend(lists.map(|number| format!("$ids{number}: [ID!]!")));
        let variables = if variables.is_empty() {
            String::new()
        } else {
            format!("({})", variables.join(" "))
        };
        for number in 0..self.operations {
            let _ = write!(text, "{kind} Q{number}{variables} ");
            text.push_str(if self.operations == 1 {
                &written
            } else {
                "{...F0} "
            });
        }
        text + &fragments
    }

    fn write(&self, at: usize, uses: &BTreeMap<usize, usize>, text: &mut String, aliases: &mut usize) {
        text.push('{');
        for selection in &self.sets[at].selections {
            text.push(' ');
            if selection.is_aliased {
                let _ = write!(text, "a{aliases}: ");
                *aliases += 1;
            }
            let is_spread = selection.field.is_none();
            text.push_str(selection.field.as_deref().unwrap_or("..."));
            text.push_str(&selection.arguments);
            match selection.below {
                Some(below) if uses[&below] == 1 => self.write(below, uses, text, aliases),
                Some(below) if is_spread => {
                    let _ = write!(text, "F{below}");
                }
                Some(below) => {
                    let _ = write!(text, "{{...F{below}}}");
                }
                None => {}
            }
        }
        text.push('}');
    }
}
