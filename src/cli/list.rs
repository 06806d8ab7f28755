//! `ringfence list check`: lints packs.

use std::io::Write as _;
use std::path::PathBuf;

use super::{Failure, packs};
use crate::app::catalogue;
use crate::lists::Severity;
use crate::model::revision::Revision;

/// Reads and compiles the files as a catalogue of their own and prints what is wrong.
pub fn check(files: &[PathBuf], json: bool) -> Result<(), Failure> {
    let texts = files.iter().map(|file| packs::read(file)).collect::<Result<Vec<_>, _>>()?;
    let mut out = anstream::stdout().lock();
    match catalogue::compile(&texts, Revision(1)) {
        Ok(ruleset) => {
            if json {
                let summary = serde_json::json!({
                    "ok": true, "lists": ruleset.lists(), "entries": ruleset.entries(),
                });
                writeln!(out, "{summary}")?;
            } else {
                writeln!(out, "ok: {} lists, {} entries", ruleset.lists(), ruleset.entries())?;
            }
            Ok(())
        }
        Err(findings) => {
            for finding in &findings.kept {
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
            }
            Err(format!("{} errors, {} warnings", findings.errors, findings.warnings).into())
        }
    }
}
