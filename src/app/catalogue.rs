//! From pack texts to a ruleset: read, check, compile, all or nothing.

mod gather;

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::probe::{self, Acting, Times};
use crate::engine::{Ruleset, RulesetBuilder};
use crate::lists::checks::Surroundings;
use crate::lists::pack::Reader;
use crate::lists::{Finding, Findings, Severity, Sink, starter};
use crate::model::entry::{Effect, Entry, ListSpec};
use crate::model::number::Region;
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;
use gather::{Gathered, gather};

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
    check(packs, revision, None).map(|(ruleset, _)| ruleset)
}

/// As [`compile`], and tells beside the ruleset what is odd: the findings hold warnings only. From
/// `now`, where it is known, follows which entries are over.
///
/// Errors: as [`compile`].
pub fn check(
    packs: &[PackText],
    revision: Revision,
    now: Option<Timestamp>,
) -> Result<(Ruleset, Findings), Findings> {
    let Read { reader, sink, home } = read_all(packs, now)?;
    let mut findings = reader.findings().clone();
    let ruleset = match sink.builder.build(revision, digest(packs)) {
        Ok(ruleset) => ruleset,
        Err(error) => {
            findings.push(whole(error.to_string()));
            return Err(findings);
        }
    };
    let space = &reader.surroundings().space;
    for region in home.iter().filter(|region| space.lines_of(**region).next().is_none()) {
        findings.push(whole(format!(
            "no numbering plan is known for {region}, which default-region or a trunk names"
        )));
    }
    for refusal in probe::ordinary_traffic(&ruleset, space, &home, &sink.times, &sink.lists) {
        let place = refusal.list.as_deref().and_then(|list| reader.place(list));
        findings.push(match place {
            Some(place) => Finding {
                file: place.file.clone(),
                line: place.line,
                severity: Severity::Error,
                message: refusal.message,
            },
            None => whole(refusal.message),
        });
    }
    if findings.has_errors() { Err(findings) } else { Ok((ruleset, findings)) }
}

/// As [`compile`], without asking what all together would do to ordinary traffic.
///
/// Errors: the findings, when any line of any pack is wrong.
pub(super) fn compile_unprobed(
    packs: &[PackText],
    revision: Revision,
) -> Result<Ruleset, Findings> {
    read(packs)?.build(revision, digest(packs)).map_err(|error| {
        let mut findings = Findings::default();
        findings.push(whole(error.to_string()));
        findings
    })
}

/// Reads and checks packs into a builder, to which more may be added.
///
/// Errors: the findings, when any line of any pack is wrong.
pub fn read(packs: &[PackText]) -> Result<RulesetBuilder, Findings> {
    read_all(packs, None).map(|read| read.sink.builder)
}

/// What the checks of single entries are told of the whole: the lines of all regions, what is
/// home, from which risk on something is held.
pub(super) fn surroundings(packs: &[PackText], now: Option<Timestamp>) -> Surroundings {
    gather(packs, now).surroundings
}

/// Packs as read, with all that checks of the whole ask for.
struct Read {
    reader: Reader,
    sink: BuilderSink,
    home: Vec<Region>,
}

fn read_all(packs: &[PackText], now: Option<Timestamp>) -> Result<Read, Findings> {
    let Gathered { plans, home, surroundings, findings: first } = gather(packs, now);
    let mut sink = BuilderSink {
        builder: RulesetBuilder::new(plans),
        refused: None,
        times: Times::default(),
        lists: HashMap::new(),
        current: Box::default(),
    };
    let mut reader = Reader::new(surroundings);
    for pack in packs {
        reader.read(&pack.name, &pack.octets, &mut sink);
    }
    // What is wrong with a plan row shows only where it is added, which is in the first reading.
    let mut findings = reader.findings().clone();
    if let Some(message) = sink.refused.take() {
        findings.push(whole(message));
    }
    if findings.has_errors() {
        Err(findings)
    } else if first.has_errors() {
        Err(first)
    } else {
        Ok(Read { reader, sink, home })
    }
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

/// Hands lists and entries on to the compiler, and keeps what the probe asks for.
struct BuilderSink {
    builder: RulesetBuilder,
    refused: Option<String>,
    times: Times,
    lists: HashMap<Box<str>, Acting>,
    /// The list being read.
    current: Box<str>,
}

impl Sink for BuilderSink {
    fn list(&mut self, spec: &ListSpec) {
        if let Err(error) = self.builder.list(spec) {
            self.refused = Some(error.to_string());
        }
        self.times.list(spec.meta.validity.from);
        self.current = spec.id.clone();
        self.lists.insert(spec.id.clone(), Acting { ceiling: spec.ceiling, ..Acting::default() });
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<(), String> {
        self.times.entry(entry.meta.validity.from);
        if entry.meta.effect == Effect::Block
            && let Some(list) = self.lists.get_mut(&self.current)
        {
            list.blocks = true;
        }
        self.builder.add(&entry).map_err(|error| error.to_string())
    }
}

/// The lines that a catalogue is measured by.
#[cfg(test)]
pub(super) fn space_of(packs: &[PackText]) -> crate::lists::space::Space {
    gather(packs, None).surroundings.space
}

#[cfg(test)]
mod tests;
