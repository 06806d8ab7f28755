//! What the write side answers, on the wire.

use prost::bytes::Bytes;

use crate::app::changes::api::{
    AuditRecord, CheckReport, Format, ImportReport, ImportRequest, Live, Preview, Question,
    Refresh, Refreshed, SourceState, Why,
};
use crate::app::changes::ports::Verified;
use crate::lists::Severity;
use crate::model::catalogue::ChangeSetId;
use crate::wire::lists::{self, change_set, event, row, source, spec};
use crate::wire::lists_v1 as pb;
use crate::wire::violations::Violations;

/// Columns of one file that can be mapped.
const COLUMNS_MAX: usize = 64;

/// A check's report.
pub(super) fn report(report: &CheckReport) -> pb::CheckReport {
    let findings = report.findings.iter().map(|finding| pb::Finding {
        place: finding.edit,
        line: finding.line,
        severity: match finding.severity {
            Severity::Warning => pb::Severity::Warning.into(),
            Severity::Error => pb::Severity::Error.into(),
        },
        rule: finding.rule.to_owned(),
        message: finding.message.clone(),
    });
    pb::CheckReport {
        findings: findings.collect(),
        error_count: report.errors,
        warning_count: report.warnings,
        second_person_reason: report.second_person.clone().unwrap_or_default(),
    }
}

/// A preview.
pub(super) fn preview(preview: &Preview) -> pb::Preview {
    let samples = preview.samples.iter().map(|line| pb::PreviewLine {
        kind: line.kind.to_owned(),
        list_id: line.list.to_string(),
        key: line.key.to_string(),
        what: line.what.clone(),
    });
    pb::Preview {
        new_count: preview.new,
        unchanged_count: preview.unchanged,
        changed_count: preview.changed,
        removed_count: preview.removed,
        protected_count: preview.protected,
        invalid_count: preview.invalid,
        samples: samples.collect(),
        base_revision: preview.base.0,
    }
}

/// A commit that is live.
pub(super) fn live(live: &Live) -> pb::Live {
    pb::Live {
        revision: live.revision.0,
        digest: Bytes::copy_from_slice(&live.digest.0),
        publish_us: live.publish_us,
    }
}

/// The answer to `why`.
pub(super) fn why(why: &Why) -> pb::WhyResponse {
    let matches = why.matches.iter().map(|found| pb::WhyMatch {
        list_id: found.list.to_string(),
        key: found.key.to_string(),
        wins: found.wins,
        precedence: found.precedence.to_owned(),
        says: found.says.clone(),
        valid_from_time: found.valid.0.map(lists::time),
        valid_until_time: found.valid.1.map(lists::time),
        shadow: found.shadow,
        origin: found.origin.as_ref().map(spec::origin),
        history: found.history.iter().map(row::version).collect(),
        segment: found.segment.as_ref().map(row::segment_version),
    });
    pb::WhyResponse {
        revision: why.revision.0,
        matches: matches.collect(),
        outcome: why.outcome.clone(),
    }
}

/// Reads a question.
///
/// Errors: none was asked, or one that is too long.
pub(super) fn question(request: pb::WhyRequest) -> Result<Question, Violations> {
    use pb::why_request::Question as From;
    let text = |field: &str, text: String| {
        lists::required(field, &text, lists::TEXT_BYTES_MAX).map(drop).map(|()| text)
    };
    Ok(match request.question {
        None => return Err(Violations::one("question", "must be set")),
        Some(From::Number(number)) => Question::Number(text("number", number)?),
        Some(From::Text(asked)) => Question::Text(text("text", asked)?),
        Some(From::Sender(sender)) => Question::Sender(text("sender", sender)?),
        Some(From::Link(link)) => Question::Link(text("link", link)?),
        Some(From::Entry(entry)) => {
            lists::required("entry.list_id", &entry.list_id, lists::NAME_BYTES_MAX)?;
            Question::Entry { list: entry.list_id, key: text("entry.key", entry.key)? }
        }
    })
}

/// Reads a format; none is CSV.
///
/// Errors: one that is not known here.
pub(super) fn format(value: i32) -> Result<Format, Violations> {
    let unknown = |_| Violations::one("format", "is not known to this version");
    Ok(match pb::Format::try_from(value).map_err(unknown)? {
        pb::Format::Unspecified | pb::Format::Csv => Format::Csv,
        pb::Format::Plain => Format::Plain,
        pb::Format::Jsonl => Format::Jsonl,
        pb::Format::Stix => Format::Stix,
        pb::Format::FtcDnc => Format::FtcDnc,
        pb::Format::FccUnwanted => Format::FccUnwanted,
        pb::Format::Hosts => Format::Hosts,
    })
}

/// A format on the wire; a name that is none of ours is unspecified.
fn format_named(name: &str) -> pb::Format {
    match Format::parse(name) {
        None => pb::Format::Unspecified,
        Some(Format::Csv) => pb::Format::Csv,
        Some(Format::Plain) => pb::Format::Plain,
        Some(Format::Jsonl) => pb::Format::Jsonl,
        Some(Format::Stix) => pb::Format::Stix,
        Some(Format::FtcDnc) => pb::Format::FtcDnc,
        Some(Format::FccUnwanted) => pb::Format::FccUnwanted,
        Some(Format::Hosts) => pb::Format::Hosts,
    }
}

/// A subscription and how it goes.
pub(super) fn source(state: &SourceState) -> pb::SourceState {
    let digest = state.sha256.map(|sha256| Bytes::copy_from_slice(&sha256.0));
    let one = &state.subscription;
    pb::SourceState {
        source: Some(source::source(one, format_named(&one.format))),
        asked_time: state.asked.map(lists::time),
        due_time: state.due.map(lists::time),
        outcome: state.outcome.clone(),
        failed: state.failed,
        last_sha256: digest.unwrap_or_default(),
        change_set: state.change_set.as_ref().map(change_set::change_set),
    }
}

/// What a refresh did.
pub(super) fn refresh(done: &Refresh) -> pb::RefreshResult {
    let outcome = match done.outcome {
        Refreshed::Unchanged => pb::RefreshOutcome::Unchanged,
        Refreshed::Withdrawn => pb::RefreshOutcome::Withdrawn,
        Refreshed::Draft => pb::RefreshOutcome::Draft,
        Refreshed::Waits => pb::RefreshOutcome::Waits,
        Refreshed::Committed => pb::RefreshOutcome::Committed,
    };
    pb::RefreshResult {
        outcome: outcome.into(),
        what: done.what.clone(),
        change_set: done.change_set.as_ref().map(change_set::change_set),
    }
}

/// Reads what a file is and where it goes.
///
/// Errors: the fields that are wrong.
pub(super) fn import(spec: &pb::ImportSpec) -> Result<ImportRequest, Violations> {
    let under = |found: Violations| found.under("spec");
    lists::required("list_id", &spec.list_id, lists::NAME_BYTES_MAX).map_err(under)?;
    let change_set = (spec.change_set_id != 0).then_some(ChangeSetId(spec.change_set_id));
    let draft = match change_set {
        Some(_) => Default::default(),
        None => change_set::draft_read(spec.draft.as_ref(), &spec.request_id).map_err(under)?,
    };
    let columns = &spec.columns;
    if columns.len() > COLUMNS_MAX {
        let what = format!("must hold at most {COLUMNS_MAX} columns");
        return Err(Violations::one("spec.columns", what));
    }
    for (at, column) in columns.iter().enumerate() {
        let names = [
            ("from", &*column.from, lists::TITLE_BYTES_MAX),
            ("to", &*column.to, lists::NAME_BYTES_MAX),
        ];
        lists::texts(&names).map_err(|found| found.under(&format!("spec.columns[{at}]")))?;
    }
    let region = source::region_read("spec.region_code", &spec.region_code)?;
    Ok(ImportRequest {
        list: spec.list_id.as_str().into(),
        change_set,
        draft,
        format: format(spec.format).map_err(under)?,
        columns: columns.iter().map(|c| (c.from.clone(), c.to.clone())).collect(),
        region,
        defaults: row::cells_read("spec.defaults", &spec.defaults)?,
        replaces: spec.replaces,
    })
}

/// What an import did.
pub(super) fn imported(report: &ImportReport) -> pb::ImportEntriesResponse {
    let invalid = report
        .invalid
        .iter()
        .map(|(line, what)| pb::InvalidLine { line: *line, what: what.clone() });
    pb::ImportEntriesResponse {
        change_set: Some(change_set::change_set(&report.change_set)),
        line_count: report.lines,
        taken_count: report.taken,
        repeated_count: report.repeated,
        invalid_lines: invalid.collect(),
        invalid_count: report.invalid_count,
        source_sha256: Bytes::copy_from_slice(&report.source.0),
    }
}

/// A record of the log.
pub(super) fn record(record: &AuditRecord) -> pb::AuditRecord {
    event::record(record.cursor, record.time, record.hash, record.content.as_ref())
}

/// What a verification found.
pub(super) fn verified(verified: &Verified) -> pb::Verification {
    let erased = verified
        .erased
        .iter()
        .map(|(record, by)| pb::ErasedRecord { cursor: record.0, erasing_cursor: by.0 });
    pb::Verification {
        head_cursor: verified.head.cursor.0,
        head_hash: Bytes::copy_from_slice(&verified.head.hash.0),
        erased: erased.collect(),
        blob_count: verified.blobs,
    }
}
