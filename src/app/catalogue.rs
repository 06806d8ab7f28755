//! From pack texts to a ruleset: read, check, compile, all or nothing.

use sha2::{Digest as _, Sha256};

use super::probe;
use crate::engine::numbers::PlansBuilder;
use crate::engine::{Ruleset, RulesetBuilder};
use crate::lists::pack::Reader;
use crate::lists::{Finding, Findings, Severity, Sink, starter};
use crate::model::entry::{Entry, ListSpec, Value};
use crate::model::revision::{Digest, Revision};

/// One pack text with the name that findings show.
#[derive(Clone, Debug)]
pub struct PackText {
    /// File name, for findings.
    pub name: String,
    /// Its octets.
    pub octets: Vec<u8>,
}

/// The starter packs, built in.
pub fn starter_packs() -> Vec<PackText> {
    let pack = |(name, text): &(&str, &str)| PackText {
        name: (*name).to_owned(),
        octets: text.as_bytes().to_vec(),
    };
    starter::PACKS.iter().map(pack).collect()
}

/// Reads, checks and compiles packs in the given order.
///
/// Errors: the findings, when any line of any pack is wrong, or when all together would hold or
/// block much of ordinary traffic; nothing is half-applied.
pub fn compile(packs: &[PackText], revision: Revision) -> Result<Ruleset, Findings> {
    let refuse = |message: String| {
        let mut findings = Findings::default();
        findings.push(whole(message));
        findings
    };
    let built = read(packs)?.build(revision, digest(packs));
    let ruleset = built.map_err(|error| refuse(error.to_string()))?;
    probe::ordinary_traffic(&ruleset).map_err(refuse)?;
    Ok(ruleset)
}

/// Reads and checks packs into a builder, to which more may be added.
///
/// Errors: as [`compile`].
pub fn read(packs: &[PackText]) -> Result<RulesetBuilder, Findings> {
    let mut plans = PlanSink::default();
    let mut first = Reader::default();
    for pack in packs.iter().filter(|pack| speaks_of_plans(&pack.octets)) {
        first.read(&pack.name, &pack.octets, &mut plans);
    }
    let mut sink = BuilderSink { builder: RulesetBuilder::new(plans.0.build()), refused: None };
    let mut reader = Reader::default();
    for pack in packs {
        reader.read(&pack.name, &pack.octets, &mut sink);
    }
    let mut findings = reader.findings().clone();
    if let Some(message) = sink.refused {
        findings.push(whole(message));
    }
    // What is wrong with a plan row shows only where it is added, which is in the first reading.
    if findings.has_errors() {
        Err(findings)
    } else if first.findings().has_errors() {
        Err(first.findings().clone())
    } else {
        Ok(sink.builder)
    }
}

/// Does a pack hold numbering plans or classes? They are read before everything else.
fn speaks_of_plans(octets: &[u8]) -> bool {
    memchr::memmem::find(octets, b"kind=number-").is_some()
}

/// Names the content: SHA-256 over name, length and octets of each pack in order.
fn digest(packs: &[PackText]) -> Digest {
    let mut hash = Sha256::new();
    for pack in packs {
        for part in [pack.name.as_bytes(), &pack.octets] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    Digest(hash.finalize().into())
}

fn whole(message: String) -> Finding {
    Finding { file: "catalogue".into(), line: 0, severity: Severity::Error, message }
}

/// Takes numbering plans and classes only.
#[derive(Default)]
struct PlanSink(PlansBuilder);

impl Sink for PlanSink {
    fn list(&mut self, _spec: &ListSpec) {}

    fn entry(&mut self, entry: Entry<'_>) -> Result<(), String> {
        match &entry.value {
            Value::NumberPlan(row) => self.0.add_plan(row).map_err(|e| e.to_string()),
            Value::NumberClass(row) => self.0.add_class(row).map_err(|e| e.to_string()),
            _ => Ok(()),
        }
    }
}

/// Hands lists and entries on to the compiler.
struct BuilderSink {
    builder: RulesetBuilder,
    refused: Option<String>,
}

impl Sink for BuilderSink {
    fn list(&mut self, spec: &ListSpec) {
        if let Err(error) = self.builder.list(spec) {
            self.refused = Some(error.to_string());
        }
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<(), String> {
        self.builder.add(&entry).map_err(|error| error.to_string())
    }
}
