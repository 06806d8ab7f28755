//! From pack texts to a ruleset: read, check, compile, all or nothing.

use sha2::{Digest as _, Sha256};

use crate::engine::{Ruleset, RulesetBuilder};
use crate::lists::pack::Reader;
use crate::lists::{Finding, Findings, Severity, Sink, starter};
use crate::model::entry::{Entry, ListSpec};
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
/// Errors: the findings, when any line of any pack is wrong; nothing is half-applied.
pub fn compile(packs: &[PackText], revision: Revision) -> Result<Ruleset, Findings> {
    let mut sink = BuilderSink { builder: RulesetBuilder::default(), refused: None };
    let mut reader = Reader::default();
    for pack in packs {
        reader.read(&pack.name, &pack.octets, &mut sink);
    }
    let mut findings = reader.findings().clone();
    if let Some(message) = sink.refused {
        findings.push(whole(message));
    }
    if findings.has_errors() {
        return Err(findings);
    }
    sink.builder.build(revision, digest(packs)).map_err(|error| {
        findings.push(whole(error.to_string()));
        findings
    })
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
