//! Triage: the type, and what goes into `triageFeedback` and comes out.

use async_graphql::{Enum, ID, InputObject, SimpleObject};

use super::date_time::DateTime;
use super::feedback::FeedbackObject;
use crate::domain::{Status, Triage, TriageChange, TriageError, TriageField, TriageRule};
use crate::repository::Triaging;

/// How far feedback has been dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Status")]
pub(crate) enum FeedbackStatus {
    /// Nobody has begun. Feedback starts with it.
    Open,
    /// Somebody works on it.
    InProgress,
    /// It is done.
    Resolved,
}

/// What staff made of feedback.
#[derive(SimpleObject)]
pub(crate) struct FeedbackTriage {
    /// How far the feedback has been dealt with.
    status: FeedbackStatus,
    /// Labels, in alphabetical order (by code point): at most 16, each of 1 to 64 characters.
    tags: Vec<String>,
    /// A remark for other staff: up to 2,000 characters. Null if there is none.
    note: Option<String>,
    /// Number of changes so far; 0 for feedback that nobody has triaged. For `expectedVersion`.
    version: u32,
    /// Time of the latest change. Null before the first.
    updated_at: Option<DateTime>,
    /// Who made the latest change: `key` and the API key's name, or `staff` and the subject of the token or the ARN of
    /// the IAM principal. Null before the first.
    updated_by: Option<String>,
}

/// A change of triage. At least one of `status`, `addTags`, `removeTags` and `note` is required.
#[derive(InputObject)]
pub(crate) struct TriageFeedbackInput {
    /// The feedback's id: a UUID with hyphens.
    id: ID,
    /// The version to change, as `triage.version` returned it. If the feedback has another version, nothing changes.
    /// Without it, the change applies to any version: the last `status` and `note` win, and tags are added to and
    /// removed from those that are there.
    expected_version: Option<i32>,
    /// The new status.
    status: Option<FeedbackStatus>,
    /// Tags to add: at most 16, each of 1 to 64 characters after trimming. Those that are there already stay.
    add_tags: Option<Vec<String>>,
    /// Tags to remove: at most 16. None of `addTags`.
    remove_tags: Option<Vec<String>>,
    /// The new note, up to 2,000 characters after trimming. An empty one removes the note; null leaves it.
    note: Option<String>,
}

/// The result of `triageFeedback`.
#[derive(SimpleObject)]
pub(crate) struct TriageFeedbackPayload {
    /// The feedback as it is now: changed, or as it was where the change was refused. Null if there is no such
    /// feedback, or the input itself breaks a rule.
    feedback: Option<FeedbackObject>,
    /// The rules that the change breaks. Empty when it was made.
    user_errors: Vec<TriageFeedbackUserError>,
}

/// A rule that a change of triage breaks.
#[derive(SimpleObject)]
pub(crate) struct TriageFeedbackUserError {
    /// Path to the field from the input down, list indexes included: `["addTags", "2"]`. Empty for the input as a whole.
    field: Vec<String>,
    /// The rule, for programs.
    code: TriageFeedbackErrorCode,
    /// What is wrong and what would be right, in English, to follow the field's name.
    message: String,
}

/// The rules that a change of triage can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "TriageRule")]
pub(crate) enum TriageFeedbackErrorCode {
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
    /// The input names nothing to change, or all of it is so already.
    NothingToChange,
    /// There is no feedback with this id.
    NotFound,
    /// The feedback has another version than `expectedVersion`. `feedback` has the current one.
    VersionConflict,
}

impl From<Triage> for FeedbackTriage {
    fn from(triage: Triage) -> Self {
        let Triage {
            status,
            tags,
            note,
            version,
            updated,
        } = triage;
        let (updated_at, updated_by) = updated.map(|update| (DateTime(update.at), update.by)).unzip();
        Self {
            status: status.into(),
            tags: tags.into_iter().map(Into::into).collect(),
            note: note.map(Into::into),
            version,
            updated_at,
            updated_by,
        }
    }
}

impl TriageFeedbackInput {
    /// The id, and the change that is to be made.
    pub(crate) fn into_change(self) -> (ID, Result<TriageChange, Vec<TriageError>>) {
        let Self {
            id,
            expected_version,
            status,
            add_tags,
            remove_tags,
            note,
        } = self;
        let change = TriageChange::new(
            expected_version.map(i64::from),
            status.map(Status::from),
            &add_tags.unwrap_or_default(),
            &remove_tags.unwrap_or_default(),
            note.as_deref(),
        );
        (id, change)
    }
}

impl From<Triaging> for TriageFeedbackPayload {
    fn from(triaging: Triaging) -> Self {
        match triaging {
            Triaging::Changed(feedback) => Self {
                feedback: Some(feedback.into()),
                user_errors: Vec::new(),
            },
            Triaging::Refused(error, feedback) => Self {
                feedback: feedback.map(Into::into),
                user_errors: vec![error.into()],
            },
        }
    }
}

impl From<Vec<TriageError>> for TriageFeedbackPayload {
    fn from(errors: Vec<TriageError>) -> Self {
        Self {
            feedback: None,
            user_errors: errors.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TriageError> for TriageFeedbackUserError {
    fn from(error: TriageError) -> Self {
        Self {
            field: path(error.field),
            code: error.rule.into(),
            message: error.message,
        }
    }
}

/// The path to a field of the input, from the input down.
fn path(field: TriageField) -> Vec<String> {
    let entry = |list: &str, index: usize| vec![list.to_owned(), index.to_string()];
    let name = match field {
        TriageField::Change => return Vec::new(),
        TriageField::AddTag(index) => return entry("addTags", index),
        TriageField::RemoveTag(index) => return entry("removeTags", index),
        TriageField::Id => "id",
        TriageField::ExpectedVersion => "expectedVersion",
        TriageField::AddTags => "addTags",
        TriageField::RemoveTags => "removeTags",
        TriageField::Note => "note",
    };
    vec![name.to_owned()]
}
