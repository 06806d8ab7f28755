//! Checks, previews and the question for a second person, put to the pure side with the view.

use super::api::{CheckReport, EditFinding, Preview, Refusal};
use super::ports::ChangeLog;
use crate::lists::Severity;
use crate::lists::changeset::ChangeSet;
use crate::lists::view::View;
use crate::model::time::Timestamp;

pub(super) fn second_person(_view: &dyn View, _set: &ChangeSet) -> Result<Option<String>, Refusal> {
    Ok(None)
}

pub(super) fn report(
    _view: &dyn View,
    _set: &ChangeSet,
    _now: Timestamp,
) -> Result<CheckReport, Refusal> {
    Ok(CheckReport::default())
}

/// What the compiler says of the whole.
pub(super) fn add_refusal(report: &mut CheckReport, refusal: Refusal) -> Result<(), Refusal> {
    let Refusal::Precondition { what, .. } = refusal else { return Err(refusal) };
    report.errors += 1;
    report.findings.push(EditFinding {
        edit: None,
        line: 0,
        severity: Severity::Error,
        rule: "catalogue",
        message: what,
    });
    Ok(())
}

pub(super) fn preview(
    _view: &dyn View,
    _log: &dyn ChangeLog,
    _set: &ChangeSet,
) -> Result<Preview, Refusal> {
    Ok(Preview::default())
}
