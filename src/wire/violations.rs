//! What an integration got wrong, field by field.
//!
//! Owns the list and its bound; must not know how a transport reports it.
//! Descriptions never repeat the offending value: it may be personal data.

use super::limits::VIOLATIONS_MAX;

/// One field that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field inside the request, such as `recipient.raw` or `items[3].call`.
    pub field: String,
    /// What is wrong, lower case, without the value.
    pub description: String,
}

/// At least one violation, at most 16, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// One violation.
    pub fn one(field: impl Into<String>, description: impl Into<String>) -> Violations {
        Violations(vec![Violation { field: field.into(), description: description.into() }])
    }

    /// From what was found; `None` when nothing was.
    pub(super) fn from_found(mut found: Vec<Violation>) -> Option<Violations> {
        found.truncate(VIOLATIONS_MAX);
        (!found.is_empty()).then_some(Violations(found))
    }

    /// In the order found.
    pub fn iter(&self) -> impl Iterator<Item = &Violation> {
        self.0.iter()
    }

    /// The same under a parent field: `items[3]` and `recipient.raw` give `items[3].recipient.raw`.
    pub fn under(mut self, parent: &str) -> Violations {
        for violation in &mut self.0 {
            violation.field = format!("{parent}.{}", violation.field);
        }
        self
    }
}

impl std::fmt::Display for Violations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", violation.field, violation.description)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}
