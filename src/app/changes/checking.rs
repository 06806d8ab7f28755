//! Checks, previews and the question for a second person, put to the pure side with the view.

use std::sync::Arc;

use super::api::{CheckReport, EditFinding, Preview, PreviewLine, Refusal};
use super::ports::{ChangeLog, LogError};
use super::service::Changes;
use super::texts;
use super::writer::Writer;
use crate::app::catalogue;
use crate::lists::Severity;
use crate::lists::approval::{self, ApprovalLimits};
use crate::lists::changeset::ChangeSet;
use crate::lists::check::{self, CheckInput};
use crate::lists::checks::Surroundings;
use crate::lists::scope::Scope;
use crate::lists::view::{Blobs, View, ViewError};
use crate::model::catalogue::{BlobId, ChangeSetId};

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

impl Changes {
    /// What a check says of a change-set now.
    pub(super) fn report(&self, id: ChangeSetId) -> Result<CheckReport, Refusal> {
        let writer = self.lock();
        self.report_of(&writer, &writer.header(id)?)
    }

    /// The same, of one at hand.
    pub(super) fn report_of(
        &self,
        writer: &Writer,
        set: &ChangeSet,
    ) -> Result<CheckReport, Refusal> {
        let view: &dyn View = &*writer.view;
        let mut lists = texts::lists_at(view, view.revision())?;
        for edit in &set.edits {
            // What does not fit is a finding of the check.
            texts::apply(&mut lists, edit);
        }
        let packs = texts::packs(&lists);
        let around = catalogue::surroundings(&packs, Some(self.clock.now()));
        let mut report = report(view, &*self.log, set, &around)?;
        if report.errors == 0
            && let Err(refusal) = self.prepare(writer, &set.edits)
        {
            add_refusal(&mut report, refusal)?;
        }
        Ok(report)
    }

    pub(super) fn preview_of(&self, id: ChangeSetId) -> Result<Preview, Refusal> {
        let writer = self.lock();
        let set = writer.header(id)?;
        preview(&*writer.view, &*self.log, &set)
    }
}

/// Why a second person has to agree; `None` where one is enough.
pub(super) fn second_person(view: &dyn View, set: &ChangeSet) -> Result<Option<String>, Refusal> {
    let scope = Scope::new(view, &set.edits)?;
    Ok(approval::second_person(&set.edits, &scope, &ApprovalLimits::default())?)
}

/// What the pure checks say of a change-set.
fn report(
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

/// What has errors goes no further.
///
/// Errors: it has some; `when` says since when.
pub(super) fn refuse_errors(report: &CheckReport, when: &str) -> Result<(), Refusal> {
    if report.errors == 0 {
        return Ok(());
    }
    let first = report.findings.iter().find(|finding| finding.severity == Severity::Error);
    let first = first.map_or("", |finding| &finding.message);
    let what = format!("errors{when}: {}; the first: {first}", report.errors);
    Err(Refusal::Precondition { reason: "HAS_ERRORS", what })
}

/// Adds what the compiler or the probe says of the catalogue as a whole.
fn add_refusal(report: &mut CheckReport, refusal: Refusal) -> Result<(), Refusal> {
    let Refusal::Precondition { what, .. } = refusal else { return Err(refusal) };
    report.errors += 1;
    let message = what;
    let (severity, rule) = (Severity::Error, "catalogue");
    report.findings.insert(0, EditFinding { edit: None, line: 0, severity, rule, message });
    Ok(())
}

/// What a change-set would do, counted.
fn preview(view: &dyn View, log: &dyn ChangeLog, set: &ChangeSet) -> Result<Preview, Refusal> {
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
