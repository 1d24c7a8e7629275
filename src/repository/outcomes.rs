//! What became of the submissions and the changes of triage in one request of a client.

use super::{Submission, Triaging};
use crate::domain::TriageRule;

/// How many submissions and changes of triage in one request came to what. What failed with an error is in none of
/// these, except what the limit for clients refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcomes {
    /// Submissions that were stored, in quarantine or not.
    pub submissions_stored: u32,
    /// Submissions that had been stored before, under the same idempotency key.
    pub submissions_replayed: u32,
    /// Submissions that break a rule, a reused idempotency key included.
    pub submissions_invalid: u32,
    /// Of the submissions that were stored, those that were put into quarantine.
    pub submissions_quarantined: u32,
    /// Submissions of clients that had exceeded their limit.
    pub submissions_refused: u32,
    /// Changes of triage that expected another version.
    pub triage_conflicts: u32,
}

impl Outcomes {
    pub(super) fn count_submission(&mut self, submission: &Submission) {
        match submission {
            Submission::Stored(feedback) => {
                self.submissions_stored += 1;
                self.submissions_quarantined += u32::from(feedback.quarantine.is_some());
            }
            Submission::Replayed(_) => self.submissions_replayed += 1,
            Submission::KeyReused => self.submissions_invalid += 1,
        }
    }

    pub(super) fn count_triaging(&mut self, triaging: &Triaging) {
        if let Triaging::Refused(error, _) = triaging {
            self.triage_conflicts += u32::from(error.rule == TriageRule::VersionConflict);
        }
    }
}
