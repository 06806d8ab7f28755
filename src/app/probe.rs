//! Ordinary traffic put to a catalogue before it is used: one that would hold or block much of it
//! is refused, whatever its lines look like one by one.
//!
//! Owns the ordinary attempts: numbers drawn from the lines of the plans, and everyday texts. Must
//! not know packs. Looks at home regions only: a carrier may well block a foreign country, never
//! most of its own.
//! Invariants: what no entry speaks of is let through, so a catalogue without lists passes; of
//! lists that stop ordinary traffic, those that do so alone are named.

mod texts;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::engine::{Ruleset, screen};
use crate::lists::space::Space;
use crate::model::attempt::{Attempt, Content, ContentBasis, StateFacts, TextEncoding, TrunkClass};
use crate::model::category::Category;
use crate::model::number::Region;
use crate::model::policy::{Action, Traffic};
use crate::model::time::Timestamp;
use crate::model::verdict::{Reason, ReasonCode, Verdict};
use texts::TEXTS;

/// Numbers tried of each kind of lines of a region.
const NUMBERS: u64 = 48;

/// The share of ordinary attempts that a catalogue, or one list in it, may hold or block, one in so
/// many of each kind of lines and each language: a wrong line on a busy number block is still
/// seen by people, a catalogue over this stops a carrier.
const STOPPED_ONE_IN: usize = 4;

/// Instants at which ordinary traffic is tried.
const TIMES_MAX: usize = 64;

/// Lists named in one refusal: a person repairs the first and checks again.
const NAMED_MAX: usize = 3;

/// When entries begin. Whatever applies together does so at the beginning of one of its entries, so
/// these instants (and the first one) show every catalogue at its worst.
#[derive(Default)]
pub(super) struct Times(BTreeSet<Timestamp>);

impl Times {
    /// A list begins to apply. Beyond [`TIMES_MAX`] the beginnings of single entries give way.
    pub(super) fn list(&mut self, from: Timestamp) {
        if self.0.len() < 2 * TIMES_MAX {
            self.0.insert(from);
        }
    }

    /// An entry begins to apply.
    pub(super) fn entry(&mut self, from: Timestamp) {
        if self.0.len() < TIMES_MAX {
            self.0.insert(from);
        }
    }
}

/// What a list may bring about.
#[derive(Default)]
pub(super) struct Acting {
    /// Its ceiling.
    pub ceiling: Action,
    /// It has entries with effect=block.
    pub blocks: bool,
}

/// Why a catalogue is refused.
pub(super) struct Refusal {
    /// The list that does it; `None` where no list stands out.
    pub list: Option<String>,
    /// In words.
    pub message: String,
}

/// Puts ordinary traffic of home regions to a ruleset; the mode does not matter. Nothing comes back
/// where it may be used.
pub(super) fn ordinary_traffic(
    ruleset: &Ruleset,
    space: &Space,
    home: &[Region],
    times: &Times,
    lists: &HashMap<Box<str>, Acting>,
) -> Vec<Refusal> {
    let all = [Timestamp(0)].into_iter().chain(times.0.iter().copied()).collect::<BTreeSet<_>>();
    for region in home {
        for now in &all {
            let probe = Probe { ruleset, lists, region: *region, now: *now };
            let refusals = probe.run(space);
            if !refusals.is_empty() {
                return refusals;
            }
        }
    }
    Vec::new()
}

struct Probe<'p> {
    ruleset: &'p Ruleset,
    lists: &'p HashMap<Box<str>, Acting>,
    region: Region,
    now: Timestamp,
}

impl Probe<'_> {
    fn run(&self, space: &Space) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        // Texts go between numbers that are let through without one.
        let mut free: Option<[String; 2]> = None;
        for lines in space.lines_of(self.region) {
            let numbers = lines.samples(NUMBERS);
            for traffic in [Traffic::Call, Traffic::Message] {
                let mut tally = Tally::default();
                for (at, from) in numbers.iter().enumerate() {
                    let to = &numbers[(at + 1) % numbers.len()];
                    let stopped = self.attempt(traffic, [from, to], "", &mut tally);
                    if !stopped && traffic == Traffic::Message && free.is_none() {
                        free = Some([from.clone(), to.clone()]);
                    }
                }
                let what = match lines.kind {
                    "all" => format!("{}s of {}", traffic.as_str(), self.region),
                    kind => format!("{}s of {} ({kind} lines)", traffic.as_str(), self.region),
                };
                tally.judge(&what, &mut refusals);
            }
        }
        let Some([from, to]) = &free else { return refusals };
        for (language, texts) in TEXTS {
            let mut tally = Tally::default();
            for text in *texts {
                self.attempt(Traffic::Message, [from, to], text, &mut tally);
            }
            tally.judge(&format!("messages in the language {language}"), &mut refusals);
        }
        refusals
    }

    /// Screens one attempt and counts; was it stopped?
    fn attempt(
        &self,
        traffic: Traffic,
        [from, to]: [&String; 2],
        text: &str,
        tally: &mut Tally,
    ) -> bool {
        let mut attempt: Attempt<'_> = Attempt::empty(traffic);
        attempt.region = Some(self.region);
        attempt.originator.raw = from.as_bytes();
        attempt.recipient.raw = to.as_bytes();
        attempt.ingress.trunk_class = TrunkClass::Domestic;
        attempt.content = Content {
            octets: text.as_bytes(),
            encoding: TextEncoding::Utf8,
            basis: ContentBasis::Contract,
        };
        let verdict = screen(self.ruleset, &attempt, &StateFacts::default(), self.now);
        let stopped = verdict.would_action >= Action::Hold;
        tally.tried += 1;
        tally.stopped += usize::from(stopped);
        for list in lists_of(&verdict) {
            let reasons = || verdict.reasons.iter().filter(move |r| r.list == list && !r.shadow);
            let alone = self.stops_alone(traffic, list, reasons());
            if stopped || alone {
                let seen = tally.lists.entry(list.to_owned()).or_default();
                seen.alone += usize::from(alone);
                seen.helped += 1;
                for reason in reasons() {
                    *seen.entries.entry(reason.entry.to_string()).or_default() += 1;
                }
            }
        }
        stopped
    }

    /// Would these reasons of one list hold or block, whatever other lists take off?
    fn stops_alone<'r>(
        &self,
        traffic: Traffic,
        list: &str,
        reasons: impl Iterator<Item = &'r Reason<'r>>,
    ) -> bool {
        let policy = &self.ruleset.settings().policy;
        let Some(acting) = self.lists.get(list) else { return false };
        if acting.ceiling < Action::Hold {
            return false;
        }
        let mut points = 0;
        for reason in reasons {
            let ceiling = reason.category.map_or(Action::Block, Category::ceiling);
            let by_text = if reason.span.is_some() { policy.text_ceiling } else { Action::Block };
            let not_applied = reason.code == ReasonCode::AllowNotApplied;
            if ceiling.min(by_text) < Action::Hold || not_applied {
                continue;
            }
            // A fixed effect has no points.
            if reason.points == 0 && acting.blocks {
                return true;
            }
            points += i32::from(reason.points.max(0));
        }
        points >= i32::from(policy.thresholds(traffic).hold)
    }
}

/// Lists that a verdict names, each once.
fn lists_of<'v>(verdict: &'v Verdict<'_>) -> BTreeSet<&'v str> {
    let named = verdict.reasons.iter().filter(|r| !r.shadow && r.points >= 0);
    named.map(|reason| reason.list).filter(|list| !list.is_empty()).collect()
}

/// Counts over attempts of one kind.
#[derive(Default)]
struct Tally {
    tried: usize,
    stopped: usize,
    lists: BTreeMap<String, Seen>,
}

/// What a list did.
#[derive(Default)]
struct Seen {
    /// Attempts that it stops by itself.
    alone: usize,
    /// Attempts that it has a part in stopping.
    helped: usize,
    /// By entry, how often it was met.
    entries: BTreeMap<String, usize>,
}

impl Tally {
    fn judge(self, what: &str, refusals: &mut Vec<Refusal>) {
        let tried = self.tried;
        let much = |count: usize| count * STOPPED_ONE_IN > tried;
        let mut lists: Vec<(String, Seen)> = self.lists.into_iter().collect();
        lists.sort_by_key(|(_, seen)| std::cmp::Reverse((seen.alone, seen.helped)));
        let limit = format!("at most one in {STOPPED_ONE_IN} is allowed");
        let named = lists.iter().filter(|(_, seen)| much(self.stopped) || much(seen.alone));
        let before = refusals.len();
        for (list, seen) in named.take(NAMED_MAX) {
            let count = if much(seen.alone) { seen.alone } else { self.stopped };
            let part = if much(seen.alone) { "would" } else { "with others would" };
            let most = seen.entries.iter().max_by_key(|(_, met)| **met);
            let entry = most.map_or("", |(entry, _)| entry);
            refusals.push(Refusal {
                message: format!(
                    "list {list} {part} hold or block {count} of {tried} ordinary {what}, {limit}; \
                     narrow what hits most, {entry}, or use effect=label, few points or shadow=yes"
                ),
                list: Some(list.clone()),
            });
        }
        if refusals.len() == before && much(self.stopped) {
            refusals.push(Refusal {
                message: format!(
                    "the catalogue would hold or block {} of {tried} ordinary {what}, {limit}; \
                     narrow the class rows or raise the thresholds",
                    self.stopped
                ),
                list: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::catalogue::{compile, space_of, starter_packs};
    use crate::model::revision::Revision;

    #[test]
    fn ordinary_numbers_of_every_region_are_real_and_let_through() {
        let (ruleset, space) = (compile(&starter_packs(), Revision(1)).unwrap(), space_of(&[]));
        let mut tried = 0;
        for (a, b) in (b'A'..=b'Z').flat_map(|a| (b'A'..=b'Z').map(move |b| (a, b))) {
            let region = Region::parse(str::from_utf8(&[a, b]).unwrap()).unwrap();
            for number in space.lines_of(region).flat_map(|lines| lines.samples(NUMBERS)) {
                let mut attempt = Attempt::empty(Traffic::Call);
                attempt.region = Some(region);
                attempt.originator.raw = number.as_bytes();
                attempt.recipient.raw = number.as_bytes();
                attempt.ingress.trunk_class = TrunkClass::Domestic;
                for traffic in [Traffic::Call, Traffic::Message] {
                    attempt.traffic = traffic;
                    let facts = StateFacts::default();
                    let verdict = screen(&ruleset, &attempt, &facts, Timestamp(0));
                    let seen = (verdict.risk, verdict.flags.0, verdict.action);
                    assert_eq!(seen, (0, 0, Action::Allow), "{region} {number}");
                    tried += 1;
                }
            }
        }
        assert!(tried > 245 * 2 * 40, "{tried}");
    }
}
