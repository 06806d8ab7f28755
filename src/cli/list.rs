//! `ringfence list check`: lints packs.

use std::io::Write;
use std::path::PathBuf;

use super::{Failure, packs};
use crate::app::catalogue;
use crate::app::clock::SteadyClock;
use crate::app::screening::Clock as _;
use crate::lists::{Finding, Severity};
use crate::model::revision::Revision;

/// Reads and compiles the files as a catalogue of their own and prints what is wrong or odd.
pub fn check(files: &[PathBuf], json: bool) -> Result<(), Failure> {
    let texts = files.iter().map(|file| packs::read(file)).collect::<Result<Vec<_>, _>>()?;
    let mut out = anstream::stdout().lock();
    let checked = catalogue::check(&texts, Revision(1), Some(SteadyClock::new().now()));
    let (Ok((_, findings)) | Err(findings)) = &checked;
    for finding in &findings.kept {
        show(finding, json, &mut out)?;
    }
    let (errors, warnings) = (findings.errors, findings.warnings);
    let Ok((ruleset, _)) = &checked else {
        return Err(format!("{errors} errors, {warnings} warnings").into());
    };
    let (lists, entries) = (ruleset.lists(), ruleset.entries());
    if json {
        let summary = serde_json::json!({
            "ok": true, "lists": lists, "entries": entries, "warnings": warnings,
        });
        writeln!(out, "{summary}")?;
    } else if warnings > 0 {
        writeln!(out, "ok: {lists} lists, {entries} entries, {warnings} warnings")?;
    } else {
        writeln!(out, "ok: {lists} lists, {entries} entries")?;
    }
    Ok(())
}

fn show(finding: &Finding, json: bool, out: &mut impl Write) -> Result<(), Failure> {
    if json {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let object = serde_json::json!({
            "file": finding.file, "line": finding.line,
            "severity": severity, "message": finding.message,
        });
        writeln!(out, "{object}")?;
    } else {
        writeln!(out, "{finding}")?;
    }
    Ok(())
}
