//! What a check has to say about a line: file, line, rule in words.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look; does not refuse.
    Warning,
    /// Refuses the whole pack.
    Error,
}

/// One remark on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// File as named by the caller.
    pub file: String,
    /// Line, from 1; 0 speaks of the whole file.
    pub line: usize,
    /// How bad.
    pub severity: Severity,
    /// What was found, what was expected, what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{}:{}: {kind}: {}", self.file, self.line, self.message)
    }
}

/// Findings of a run, bounded: after [`Findings::KEPT_MAX`] they are only counted.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The first ones, in order.
    pub kept: Vec<Finding>,
    /// All errors.
    pub errors: usize,
    /// All warnings.
    pub warnings: usize,
}

impl Findings {
    /// A person reads the first hundred and then repairs the cause.
    pub const KEPT_MAX: usize = 100;

    /// Of them warnings: a pack full of what is odd must not hide what is wrong.
    pub const WARNINGS_KEPT_MAX: usize = Self::KEPT_MAX / 2;

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        let kept = match finding.severity {
            Severity::Warning => {
                self.warnings += 1;
                self.warnings <= Self::WARNINGS_KEPT_MAX
            }
            Severity::Error => {
                self.errors += 1;
                true
            }
        };
        if kept && self.kept.len() < Self::KEPT_MAX {
            self.kept.push(finding);
        }
    }

    /// Must the input be refused?
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }
}
