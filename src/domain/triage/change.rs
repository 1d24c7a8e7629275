//! Changes of triage: what they break, and what becomes of triage by them.
//!
//! A pure function decides; the repository only sees to it that nothing comes between looking and writing.

use std::collections::BTreeSet;

use super::{Note, Status, Tag, Triage, TriageUpdate};
use crate::domain::violation::{TextRule, Violation, Violations};

/// A field of a change of triage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriageField {
    /// The change as a whole.
    Change,
    /// Which feedback.
    Id,
    /// The version that is to be changed.
    ExpectedVersion,
    /// The list of tags to add.
    AddTags,
    /// The tag to add with this index.
    AddTag(usize),
    /// The list of tags to remove.
    RemoveTags,
    /// The tag to remove with this index.
    RemoveTag(usize),
    /// The note.
    Note,
}

/// A rule that a change of triage can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriageRule {
    /// The text is empty, or has only white space and other characters that nobody can see.
    Blank,
    /// The text has too many characters.
    TooLong,
    /// The text has a control character other than those of line breaks and tabs.
    ControlCharacter,
    /// The list has too many entries, or the feedback would have too many tags.
    TooMany,
    /// The number is too small.
    OutOfRange,
    /// The tag is both added and removed.
    Contradiction,
    /// Everything is already as it would be.
    NothingToChange,
    /// There is no feedback with this id.
    NotFound,
    /// Triage has another version than expected.
    VersionConflict,
}

impl From<TextRule> for TriageRule {
    fn from(rule: TextRule) -> Self {
        match rule {
            TextRule::Blank => Self::Blank,
            TextRule::TooLong => Self::TooLong,
            TextRule::ControlCharacter => Self::ControlCharacter,
        }
    }
}

/// A rule that a change of triage breaks.
pub type TriageError = Violation<TriageField, TriageRule>;

impl TriageError {
    /// There is no feedback with the id.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(TriageField::Id, TriageRule::NotFound, "is of no feedback")
    }
}

/// A change of triage. It names at least one thing to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriageChange {
    expected_version: Option<u32>,
    status: Option<Status>,
    add_tags: BTreeSet<Tag>,
    remove_tags: BTreeSet<Tag>,
    /// An empty one removes what is there.
    note: Option<Note>,
}

impl TriageChange {
    /// A change of what has the version `expected_version`, or any version without it. What is `None` stays as it is;
    /// an empty note removes the note.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn new(
        expected_version: Option<i64>,
        status: Option<Status>,
        add_tags: &[String],
        remove_tags: &[String],
        note: Option<&str>,
    ) -> Result<Self, Vec<TriageError>> {
        let mut found = Violations::default();
        let version = expected_version.and_then(|version| found.value_of(parse_version(version)));
        let add = tags(&mut found, TriageField::AddTags, TriageField::AddTag, add_tags);
        let remove = tags(
            &mut found,
            TriageField::RemoveTags,
            TriageField::RemoveTag,
            remove_tags,
        );
        for (index, tag) in remove_tags.iter().enumerate() {
            if Tag::to_look_for(tag).is_some_and(|tag| add.contains(&tag)) {
                let message = "must not be in `addTags` as well";
                let field = TriageField::RemoveTag(index);
                found.push(Violation::new(field, TriageRule::Contradiction, message));
            }
        }
        let note = note.and_then(|note| found.value_of(Note::parse(note)));
        let change = Self {
            expected_version: version,
            status,
            add_tags: add,
            remove_tags: remove,
            note,
        };
        let change = found.finish(Some(change))?;
        if change.status.is_none()
            && change.add_tags.is_empty()
            && change.remove_tags.is_empty()
            && change.note.is_none()
        {
            let message = "must name something to change: `status`, `addTags`, `removeTags` or `note`";
            let (field, rule) = (TriageField::Change, TriageRule::NothingToChange);
            return Err(vec![Violation::new(field, rule, message)]);
        }
        Ok(change)
    }

    /// The version that is to be changed.
    #[must_use]
    pub fn expected_version(&self) -> Option<u32> {
        self.expected_version
    }

    /// The status that it is to have.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.status
    }

    /// The tags to add.
    #[must_use]
    pub fn add_tags(&self) -> &BTreeSet<Tag> {
        &self.add_tags
    }

    /// The tags to remove.
    #[must_use]
    pub fn remove_tags(&self) -> &BTreeSet<Tag> {
        &self.remove_tags
    }

    /// The note that it is to have. An empty one removes what is there.
    #[must_use]
    pub fn note(&self) -> Option<&Note> {
        self.note.as_ref()
    }

    /// What becomes of the triage that was found. For feedback without triage, `found` is `None`: any change gives it
    /// one.
    ///
    /// # Errors
    /// When the version is another one, nothing would change, or there would be too many tags.
    pub fn apply(&self, found: Option<&Triage>, update: TriageUpdate) -> Result<Triage, TriageError> {
        let current = found.cloned().unwrap_or_default();
        if self
            .expected_version
            .is_some_and(|expected| expected != current.version)
        {
            let message = format!("must be the current version, {}", current.version);
            let (field, rule) = (TriageField::ExpectedVersion, TriageRule::VersionConflict);
            return Err(Violation::new(field, rule, message));
        }
        let changed = self.changed(&current);
        if found == Some(&changed) {
            let message = "must change something: all of it is so already";
            let (field, rule) = (TriageField::Change, TriageRule::NothingToChange);
            return Err(Violation::new(field, rule, message));
        }
        if changed.tags.len() > Triage::MAX_TAGS {
            let (most, tags) = (Triage::MAX_TAGS, changed.tags.len());
            let message =
                format!("must not leave the feedback with more than {most} tags: it would have {tags}");
            return Err(Violation::new(TriageField::AddTags, TriageRule::TooMany, message));
        }
        Ok(Triage {
            version: current.version + 1,
            updated: Some(update),
            ..changed
        })
    }

    /// Whether what was found is what this very change has made: it happens that DynamoDB writes, and its answer is
    /// lost.
    #[must_use]
    pub fn has_made(&self, found: &Triage, update: &TriageUpdate) -> bool {
        found.updated.as_ref() == Some(update)
            && self.changed(found) == *found
            && self
                .expected_version
                .is_none_or(|expected| found.version == expected + 1)
    }

    /// The same triage with the change in it, in the version that it had.
    fn changed(&self, current: &Triage) -> Triage {
        let tags = current.tags.union(&self.add_tags);
        Triage {
            status: self.status.unwrap_or(current.status),
            tags: tags
                .filter(|tag| !self.remove_tags.contains(tag))
                .cloned()
                .collect(),
            note: match &self.note {
                Some(note) => (!note.as_str().is_empty()).then(|| note.clone()),
                None => current.note.clone(),
            },
            ..current.clone()
        }
    }
}

fn parse_version(version: i64) -> Result<u32, Vec<TriageError>> {
    u32::try_from(version).map_err(|_| {
        let message = format!("must be 0 or more, not {version}");
        let (field, rule) = (TriageField::ExpectedVersion, TriageRule::OutOfRange);
        vec![Violation::new(field, rule, message)]
    })
}

/// The tags in a list. Of one that is too long, only that is told.
fn tags(
    found: &mut Violations<TriageField, TriageRule>,
    list: TriageField,
    entry: impl Fn(usize) -> TriageField,
    texts: &[String],
) -> BTreeSet<Tag> {
    if texts.len() > Triage::MAX_TAGS {
        let message = format!("must have at most {} tags, not {}", Triage::MAX_TAGS, texts.len());
        found.push(Violation::new(list, TriageRule::TooMany, message));
        return BTreeSet::new();
    }
    let texts = texts.iter().enumerate();
    texts
        .filter_map(|(index, text)| found.value_of(Tag::parse(entry(index), text)))
        .collect()
}
