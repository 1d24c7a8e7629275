//! Rules, and what breaks them.

/// A rule that a submission can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The text is empty, or has only white space and other characters that nobody can see.
    Blank,
    /// The text has too few characters.
    TooShort,
    /// The text has too many characters.
    TooLong,
    /// The list has too many entries.
    TooMany,
    /// The number is too small or too large.
    OutOfRange,
    /// The text has a control character other than those of line breaks and tabs.
    ControlCharacter,
    /// The text is not an email address.
    InvalidEmail,
    /// The text is not a whole http or https URL, or has a user name or a password in it.
    InvalidUrl,
    /// The key stands in the list already.
    DuplicateKey,
    /// Other feedback was submitted under the idempotency key.
    IdempotencyKeyReused,
}

/// A rule that every text keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextRule {
    /// The text is empty, or has only white space and other characters that nobody can see.
    Blank,
    /// The text has too many characters.
    TooLong,
    /// The text has a control character other than those of line breaks and tabs.
    ControlCharacter,
}

impl From<TextRule> for Rule {
    fn from(rule: TextRule) -> Self {
        match rule {
            TextRule::Blank => Self::Blank,
            TextRule::TooLong => Self::TooLong,
            TextRule::ControlCharacter => Self::ControlCharacter,
        }
    }
}

/// A field of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The message.
    Message,
    /// The rating.
    Rating,
    /// The topic.
    Topic,
    /// The email address.
    Email,
    /// The page's URL.
    PageUrl,
    /// The list of metadata.
    Metadata,
    /// A part of the pair of metadata with this index.
    MetadataEntry(usize, Part),
    /// The idempotency key.
    IdempotencyKey,
}

/// A part of a pair of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// A broken rule: which, where, and what would be right. Of a submission, unless it is said of what else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation<F = Field, R = Rule> {
    /// The field.
    pub field: F,
    /// Which rule it breaks.
    pub rule: R,
    /// What is wrong and what would be right, for a person to read.
    pub message: String,
}

impl<F, R> Violation<F, R> {
    pub(super) fn new(field: F, rule: impl Into<R>, message: impl Into<String>) -> Self {
        Self {
            field,
            rule: rule.into(),
            message: message.into(),
        }
    }
}

impl Violation {
    /// The idempotency key stands for other feedback, of which this tells nothing.
    #[must_use]
    pub fn idempotency_key_reused() -> Self {
        let message = "must not be the key of an earlier submission with other content";
        Self::new(Field::IdempotencyKey, Rule::IdempotencyKeyReused, message)
    }
}

/// Collects violations, so that all of them are told at once.
#[derive(Debug)]
pub struct Violations<F = Field, R = Rule>(Vec<Violation<F, R>>);

impl<F, R> Default for Violations<F, R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F, R> Violations<F, R> {
    /// Adds one.
    pub(super) fn push(&mut self, violation: Violation<F, R>) {
        self.0.push(violation);
    }

    /// The value, if it breaks no rule. Otherwise its violations are added to these.
    pub fn value_of<T>(&mut self, parsed: Result<T, Vec<Violation<F, R>>>) -> Option<T> {
        parsed.map_err(|violations| self.0.extend(violations)).ok()
    }

    /// What was made of the values; nothing where one that it needs is missing.
    ///
    /// # Errors
    /// The violations, if there are any, in the order in which they were added.
    pub fn finish<T>(self, made: Option<T>) -> Result<T, Vec<Violation<F, R>>> {
        match made {
            Some(made) => checked(made, self.0),
            None => Err(self.0),
        }
    }
}

/// The value, unless it breaks rules.
pub(super) fn checked<T, F, R>(
    value: T,
    violations: Vec<Violation<F, R>>,
) -> Result<T, Vec<Violation<F, R>>> {
    if violations.is_empty() {
        Ok(value)
    } else {
        Err(violations)
    }
}

/// The rules that a value breaks, for tests.
#[cfg(test)]
pub(super) fn rules<T, F, R>(parsed: Result<T, Vec<Violation<F, R>>>) -> Vec<R> {
    let violations = parsed.err().unwrap_or_default().into_iter();
    violations.map(|violation| violation.rule).collect()
}
