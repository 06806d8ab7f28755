//! Checks, previews and the question for a second person, put to the pure side with the view.

use std::sync::Arc;

use super::api::{CheckReport, EditFinding, Preview, PreviewLine, Refusal};
use super::ports::{ChangeLog, LogError};
use crate::lists::Severity;
use crate::lists::approval::{self, ApprovalLimits};
use crate::lists::changeset::ChangeSet;
use crate::lists::check::{self, CheckInput};
use crate::lists::checks::Surroundings;
use crate::lists::scope::Scope;
use crate::lists::view::{Blobs, View, ViewError};
use crate::model::catalogue::BlobId;

/// Blobs of the log, as the pure side asks for them.
struct OfLog<'l>(&'l dyn ChangeLog);

impl Blobs for OfLog<'_> {
    fn blob(&self, blob: BlobId) -> Result<Option<Arc<Vec<u8>>>, ViewError> {
        match self.0.get_blob(blob) {
            Ok(octets) => Ok(Some(Arc::new(octets))),
            Err(LogError::Missing(_)) => Ok(None),
            Err(error) => Err(ViewError(error.to_string())),
        }
    }
}

/// Why a second person has to agree; `None` where one is enough.
pub(super) fn second_person(view: &dyn View, set: &ChangeSet) -> Result<Option<String>, Refusal> {
    let scope = Scope::new(view, &set.edits)?;
    Ok(approval::second_person(&set.edits, &scope, &ApprovalLimits::default())?)
}

/// What the pure checks say of a change-set.
pub(super) fn report(
    view: &dyn View,
    log: &dyn ChangeLog,
    set: &ChangeSet,
    around: &Surroundings,
) -> Result<CheckReport, Refusal> {
    let blobs = OfLog(log);
    let input = CheckInput { edits: &set.edits, lines: &[], view, blobs: &blobs, around };
    let report = check::check(&input)?;
    Ok(CheckReport {
        findings: report.findings.into_iter().map(finding).collect(),
        errors: report.errors,
        warnings: report.warnings,
        second_person: second_person(view, set)?,
    })
}

fn finding(found: check::EditFinding) -> EditFinding {
    EditFinding {
        edit: found.edit,
        line: found.line,
        severity: found.severity,
        rule: found.rule,
        message: found.message,
    }
}

/// Adds what the compiler or the probe says of the catalogue as a whole.
pub(super) fn add_refusal(report: &mut CheckReport, refusal: Refusal) -> Result<(), Refusal> {
    let Refusal::Precondition { what, .. } = refusal else { return Err(refusal) };
    report.errors += 1;
    let message = what;
    let (severity, rule) = (Severity::Error, "catalogue");
    report.findings.insert(0, EditFinding { edit: None, line: 0, severity, rule, message });
    Ok(())
}

/// What a change-set would do, counted.
pub(super) fn preview(
    view: &dyn View,
    log: &dyn ChangeLog,
    set: &ChangeSet,
) -> Result<Preview, Refusal> {
    let found = crate::lists::preview::preview(view, &OfLog(log), &set.edits)?;
    let line = |sample: crate::lists::preview::Sample| PreviewLine {
        kind: sample.kind,
        list: sample.list,
        key: sample.key,
        what: sample.what,
    };
    Ok(Preview {
        new: found.new,
        unchanged: found.unchanged,
        changed: found.changed,
        removed: found.removed,
        protected: found.protected,
        invalid: 0,
        samples: found.samples.into_iter().map(line).collect(),
        base: found.base,
    })
}
