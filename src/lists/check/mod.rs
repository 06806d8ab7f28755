//! Checks of a change-set against the catalogue: what is wrong with it, what is only odd.
//!
//! Owns the rules that look at more than one line. Must not know who submits, nor what an edge
//! makes of a finding. Errors refuse, warnings need an explicit yes; each finding says what to do.
//! Invariants: nothing here changes anything; the same edits at the same revision give the same
//! findings in the same order.

mod benign;
mod bulk;
mod form;
mod overlap;
pub mod patterns;
pub mod protect;

use super::Severity;
use super::checks::Surroundings;
use super::edit::Edit;
use super::scope::Scope;
use super::view::{Blobs, View, ViewError};
use protect::Protected;

/// Findings kept in a report: a person reads some of them and repairs the cause.
pub const FINDINGS_MAX: usize = 200;

/// What a check looks at.
#[derive(Clone, Copy)]
pub struct CheckInput<'a> {
    /// The change-set.
    pub edits: &'a [Edit],
    /// Lines of an imported file, one for each edit; may be shorter or empty.
    pub lines: &'a [u64],
    /// The catalogue; it is looked at its newest revision.
    pub view: &'a dyn View,
    /// The bulk imports.
    pub blobs: &'a dyn Blobs,
    /// The lines of all regions, what is home, now.
    pub around: &'a Surroundings,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditFinding {
    /// Place of the edit in the change-set; `None` speaks of all of it.
    pub edit: Option<u32>,
    /// Line of the imported file, from 1; 0 where there is none.
    pub line: u64,
    /// Errors refuse, warnings need an explicit yes.
    pub severity: Severity,
    /// A stable name of the rule: one of [`RULES`].
    pub rule: &'static str,
    /// In words, with what to do.
    pub message: String,
}

/// All rules by their stable names.
pub const RULES: [&str; 18] = [
    "form",
    "unknown-list",
    "list-kind",
    "bulk",
    "too-broad",
    "dead-pattern",
    "foreign-lines",
    "over",
    "no-expiry",
    "duplicate",
    "unchanged",
    "nothing-to-remove",
    "allow-against-block",
    "shadowed-prefix",
    "protected-number",
    "benign-sample",
    "growth",
    "shrink",
];

/// What a check says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The first [`FINDINGS_MAX`] findings, errors before warnings, then in the order of edits.
    pub findings: Vec<EditFinding>,
    /// All errors, also those not kept.
    pub errors: u64,
    /// All warnings, also those not kept.
    pub warnings: u64,
}

/// Checks a change-set.
///
/// Errors: those of the view and of the blobs. What is wrong with the change-set is in the report.
pub fn check(input: &CheckInput<'_>) -> Result<Report, ViewError> {
    let scope = Scope::new(input.view, input.edits)?;
    let protected = Protected::load(&scope)?;
    let mut notes = Notes { lines: input.lines, report: Report::default(), warned: Vec::new() };
    form::check(input, &scope, &mut notes)?;
    overlap::check(input, &scope, &protected, &mut notes)?;
    bulk::check(input, &scope, &protected, &mut notes)?;
    bulk::volume(input, &scope, &mut notes)?;
    Ok(notes.finish())
}

/// Gathers findings, bounded.
struct Notes<'a> {
    lines: &'a [u64],
    report: Report,
    warned: Vec<EditFinding>,
}

impl Notes<'_> {
    fn error(&mut self, edit: usize, rule: &'static str, message: String) {
        self.add(Some(edit), Severity::Error, rule, message);
    }

    fn warn(&mut self, edit: usize, rule: &'static str, message: String) {
        self.add(Some(edit), Severity::Warning, rule, message);
    }

    fn add(
        &mut self,
        edit: Option<usize>,
        severity: Severity,
        rule: &'static str,
        message: String,
    ) {
        let (count, kept) = match severity {
            Severity::Error => (&mut self.report.errors, &mut self.report.findings),
            Severity::Warning => (&mut self.report.warnings, &mut self.warned),
        };
        *count += 1;
        if kept.len() < FINDINGS_MAX {
            let line = edit.and_then(|edit| self.lines.get(edit)).copied().unwrap_or(0);
            let edit = edit.and_then(|edit| u32::try_from(edit).ok());
            kept.push(EditFinding { edit, line, severity, rule, message });
        }
    }

    fn finish(mut self) -> Report {
        let order = |finding: &EditFinding| finding.edit.unwrap_or(u32::MAX);
        self.report.findings.sort_by_key(order);
        self.warned.sort_by_key(order);
        self.report.findings.append(&mut self.warned);
        self.report.findings.truncate(FINDINGS_MAX);
        self.report
    }
}

#[cfg(test)]
mod tests;
