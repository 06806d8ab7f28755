//! From pack texts to a ruleset: read, check, compile, all or nothing.

mod gather;

use std::collections::{BTreeSet, HashMap};

use sha2::{Digest as _, Sha256};

use super::probe::{self, Acting, Instants, Refusal, Times};
use crate::engine::{Ruleset, RulesetBuilder};
use crate::lists::checks::Surroundings;
use crate::lists::pack::Reader;
use crate::lists::{Finding, Findings, Severity, Sink, starter};
use crate::model::entry::{Effect, Entry, ListSpec, PlanRow};
use crate::model::number::Region;
use crate::model::revision::{Digest, Revision};
use crate::model::time::{Timestamp, Validity};
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
    let Read { reader, sink, home, lent } = read_all(packs, now, &Trial::NONE)?;
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
    let Instants { at, all_met } = sink.times.instants();
    let mut refusals = probe::ordinary_traffic(&ruleset, space, &home, &at, &sink.lists);
    let trial = Trial { timeless: !all_met, plans: lent };
    if refusals.is_empty() && (trial.timeless || !trial.plans.is_empty()) {
        refusals = trial.traffic(packs, &home, at, revision)?;
    }
    for refusal in refusals {
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

/// What is changed in a catalogue to try it with ordinary traffic once more.
struct Trial {
    /// All entries apply at once: stands instead of more instants than there is time for.
    timeless: bool,
    /// Plans added: without one, class rows wait for the catalogue that they are made for.
    plans: Vec<PlanRow>,
}

impl Trial {
    const NONE: Trial = Trial { timeless: false, plans: Vec::new() };

    fn traffic(
        &self,
        packs: &[PackText],
        home: &[Region],
        mut at: BTreeSet<Timestamp>,
        revision: Revision,
    ) -> Result<Vec<Refusal>, Findings> {
        let Read { reader, sink, .. } = read_all(packs, None, self)?;
        // Whatever keeps it from being compiled does so untried, too.
        let Ok(ruleset) = sink.builder.build(revision, digest(packs)) else {
            return Ok(Vec::new());
        };
        if self.timeless {
            at = [Timestamp(0)].into();
        }
        let space = &reader.surroundings().space;
        let mut refusals = probe::ordinary_traffic(&ruleset, space, home, &at, &sink.lists);
        for refusal in refusals.iter_mut().filter(|_| self.timeless) {
            let why = "; all entries were tried at once, because their dates are too many";
            refusal.message.push_str(why);
        }
        Ok(refusals)
    }
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
    read_all(packs, None, &Trial::NONE).map(|read| read.sink.builder)
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
    /// Plans that class rows in the packs would need.
    lent: Vec<PlanRow>,
}

fn read_all(packs: &[PackText], now: Option<Timestamp>, trial: &Trial) -> Result<Read, Findings> {
    let Gathered { mut plans, home, surroundings, lent, findings: first } = gather(packs, now);
    for plan in &trial.plans {
        plans.add_plan(plan).map_err(|error| refused(error.to_string()))?;
    }
    let mut sink = BuilderSink {
        builder: RulesetBuilder::new(plans.build()),
        timeless: trial.timeless,
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
        Ok(Read { reader, sink, home, lent })
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

fn refused(message: String) -> Findings {
    let mut findings = Findings::default();
    findings.push(whole(message));
    findings
}

fn whole(message: String) -> Finding {
    Finding { file: "catalogue".into(), line: 0, severity: Severity::Error, message }
}

/// Hands lists and entries on to the compiler, and keeps what the probe asks for.
struct BuilderSink {
    builder: RulesetBuilder,
    /// All entries apply always.
    timeless: bool,
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
        self.current = spec.id.clone();
        self.lists.insert(spec.id.clone(), Acting { ceiling: spec.ceiling, ..Acting::default() });
    }

    fn entry(&mut self, mut entry: Entry<'_>) -> Result<(), String> {
        self.times.entry(entry.meta.validity);
        if self.timeless {
            entry.meta.validity = Validity::ALWAYS;
        }
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
