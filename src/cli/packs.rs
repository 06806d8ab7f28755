//! Finds and reads pack files, and compiles them with the starter packs.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Failure, PackArgs};
use crate::app::catalogue::{self, PackText};
use crate::engine::Ruleset;
use crate::lists::Findings;
use crate::model::revision::Revision;

/// Folders in folders, at most so deep; a link that points to its parent ends here.
const DEPTH_MAX: usize = 8;

/// Reads and compiles what the arguments name.
pub fn load(args: &PackArgs) -> Result<Ruleset, Failure> {
    let packs = texts(args)?;
    catalogue::compile(&packs, Revision(1)).map_err(|findings| refusal(&findings).into())
}

/// Reads what the arguments name.
pub fn texts(args: &PackArgs) -> Result<Vec<PackText>, Failure> {
    let mut packs = if args.no_starter { Vec::new() } else { catalogue::starter_packs() };
    let mut files = Vec::new();
    for path in &args.packs {
        collect(path, 0, &mut files)?;
    }
    for file in files {
        packs.push(read(&file)?);
    }
    Ok(packs)
}

/// Reads one pack file.
pub fn read(file: &Path) -> Result<PackText, Failure> {
    let octets = fs::read(file).map_err(|e| format!("cannot read pack {}: {e}", file.display()))?;
    Ok(PackText { name: file.display().to_string(), octets })
}

/// The files of a path: itself, or all `*.pack` below it in the order of their names.
fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |e| format!("cannot read {}: {e}", path.display());
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    if depth >= DEPTH_MAX {
        return Err(format!("{} is more than {DEPTH_MAX} folders deep", path.display()).into());
    }
    let entries: Result<Vec<_>, _> = fs::read_dir(path).map_err(failed)?.collect();
    let mut inside: Vec<PathBuf> =
        entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
    inside.sort();
    for child in inside {
        if child.is_dir() || child.extension().is_some_and(|e| e == "pack") {
            collect(&child, depth + 1, files)?;
        }
    }
    Ok(())
}

/// All findings as one message.
fn refusal(findings: &Findings) -> String {
    let lines: Vec<String> = findings.kept.iter().map(ToString::to_string).collect();
    let more = (findings.errors + findings.warnings).saturating_sub(lines.len());
    let tail = if more > 0 { format!("\n… and {more} more") } else { String::new() };
    format!("the packs are refused, nothing was loaded\n{}{tail}", lines.join("\n"))
}
