//! Ordinary traffic put to a catalogue before it is used: one that would hold or block much of it
//! is refused, whatever its lines look like one by one.
//!
//! Owns the ordinary attempts: numbers drawn from the lines of the plans, and everyday texts. Must
//! not know packs. What one list may stop by its prefixes is the business of `lists::checks`; here
//! is tried what all lists do together, by the same two rules: few lines at home, those among them
//! that the built-in class rows know, whatever the catalogue calls them; and not most of the world.
//! Invariants: what no entry speaks of is let through, so a catalogue without lists passes; of
//! lists that stop ordinary traffic, those that do so alone are named; every entry applies at one
//! of the instants at least ([`Times`]).

mod tally;
mod texts;
mod times;

use std::collections::{BTreeSet, HashMap};

use crate::engine::{Ruleset, screen};
use crate::lists::space::{ALL, Lines, Space};
use crate::model::attempt::{Attempt, Content, ContentBasis, StateFacts, TextEncoding, TrunkClass};
use crate::model::category::Category;
use crate::model::number::Region;
use crate::model::policy::{Action, Traffic};
use crate::model::time::Timestamp;
use crate::model::verdict::{Reason, ReasonCode, Verdict};
use tally::{Limit, Tally};
use texts::TEXTS;

pub(super) use times::{Instants, Times};

/// Numbers tried of each kind of lines of a region.
const NUMBERS: u64 = 48;

/// Numbers tried of each region abroad: there are 245, what counts is how many regions.
const NUMBERS_ABROAD: u64 = 2;

/// What a catalogue, or one list in it, may hold or block of the lines of one kind at home: a wrong
/// line on a busy number block is still seen by people, a catalogue over this stops a carrier.
const LINES: Limit = Limit { stopped: 1, of: 4, least: 1 };

/// Of all numbers of a plan whose kinds only the catalogue tells: most of a small country's numbers
/// may be nobody's and called so, but not nearly all.
const WHOLE: Limit = Limit { stopped: 3, of: 4, least: 1 };

/// Of numbers abroad: a carrier may well refuse some countries, not most of the world.
const ABROAD: Limit = Limit { stopped: 1, of: 2, least: 1 };

/// Of the everyday texts of a language. Each is as good as any other, so a list has no business in
/// them; what stands in two and in more than a twentieth of them is an everyday word.
const TEXTS_OF_LANGUAGE: Limit = Limit { stopped: 1, of: 20, least: 2 };

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

/// Puts ordinary traffic to a ruleset, from and to home regions; the mode does not matter. Nothing
/// comes back where it may be used.
pub(super) fn ordinary_traffic(
    ruleset: &Ruleset,
    space: &Space,
    home: &[Region],
    instants: &BTreeSet<Timestamp>,
    lists: &HashMap<Box<str>, Acting>,
) -> Vec<Refusal> {
    for now in instants {
        // Texts and the world go between numbers that are let through without them, once.
        let mut free = None;
        for region in home {
            let probe = Probe { ruleset, lists, region: *region, now: *now };
            let mut refusals = Vec::new();
            let first = free.is_none();
            probe.lines(space, &mut free, &mut refusals);
            if let (true, Some(pair)) = (first, &free) {
                probe.texts(pair, &mut refusals);
                probe.abroad(space, pair, &mut refusals);
            }
            if !refusals.is_empty() {
                return refusals;
            }
        }
    }
    Vec::new()
}

/// What an attempt is made of beside its numbers.
#[derive(Clone, Copy)]
struct Kind<'t> {
    traffic: Traffic,
    trunk: TrunkClass,
    text: &'t str,
}

struct Probe<'p> {
    ruleset: &'p Ruleset,
    lists: &'p HashMap<Box<str>, Acting>,
    region: Region,
    now: Timestamp,
}

impl Probe<'_> {
    /// Calls and messages between lines at home, each kind of lines for itself.
    fn lines(&self, space: &Space, free: &mut Option<[String; 2]>, refusals: &mut Vec<Refusal>) {
        let kinds = space.lines_of(self.region).map(|lines| (lines, LINES));
        for (lines, limit) in kinds.chain(space.whole_of(self.region).map(|all| (all, WHOLE))) {
            let numbers = lines.samples(NUMBERS);
            for traffic in [Traffic::Call, Traffic::Message] {
                let kind = Kind { traffic, trunk: TrunkClass::Domestic, text: "" };
                let mut tally = Tally::default();
                for (at, from) in numbers.iter().enumerate() {
                    let to = &numbers[(at + 1) % numbers.len()];
                    let stopped = self.attempt(kind, [from, to], &mut tally);
                    if !stopped && traffic == Traffic::Message && free.is_none() {
                        *free = Some([from.clone(), to.clone()]);
                    }
                }
                tally.judge(limit, &self.what(traffic, lines), refusals);
            }
        }
    }

    fn what(&self, traffic: Traffic, lines: &Lines) -> String {
        let (traffic, region) = (traffic.as_str(), self.region);
        if lines.kind == ALL && !lines.built_in {
            return format!("{traffic}s of {region}");
        }
        format!("{traffic}s of {region} ({} lines{})", lines.kind, lines.by_whom())
    }

    fn texts(&self, [from, to]: &[String; 2], refusals: &mut Vec<Refusal>) {
        for (language, texts) in TEXTS {
            let mut tally = Tally::default();
            for text in *texts {
                let traffic = Traffic::Message;
                let kind = Kind { traffic, trunk: TrunkClass::Domestic, text };
                self.attempt(kind, [from, to], &mut tally);
            }
            tally.judge(
                TEXTS_OF_LANGUAGE,
                &format!("messages in the language {language}"),
                refusals,
            );
        }
    }

    /// Calls and messages from all over the world.
    fn abroad(&self, space: &Space, [_, to]: &[String; 2], refusals: &mut Vec<Refusal>) {
        let lines = space.regions_abroad().filter_map(|region| space.lines_of(region).next());
        let numbers: Vec<String> = lines.flat_map(|lines| lines.samples(NUMBERS_ABROAD)).collect();
        for traffic in [Traffic::Call, Traffic::Message] {
            let kind = Kind { traffic, trunk: TrunkClass::International, text: "" };
            let mut tally = Tally::default();
            for from in &numbers {
                self.attempt(kind, [from, to], &mut tally);
            }
            tally.judge(ABROAD, &format!("{}s from abroad", traffic.as_str()), refusals);
        }
    }

    /// Screens one attempt and counts; was it stopped?
    fn attempt(&self, kind: Kind<'_>, [from, to]: [&String; 2], tally: &mut Tally) -> bool {
        let mut attempt: Attempt<'_> = Attempt::empty(kind.traffic);
        attempt.region = Some(self.region);
        attempt.originator.raw = from.as_bytes();
        attempt.recipient.raw = to.as_bytes();
        attempt.ingress.trunk_class = kind.trunk;
        attempt.content = Content {
            octets: kind.text.as_bytes(),
            encoding: TextEncoding::Utf8,
            basis: ContentBasis::Contract,
        };
        let verdict = screen(self.ruleset, &attempt, &StateFacts::default(), self.now);
        let stopped = verdict.would_action >= Action::Hold;
        tally.tried += 1;
        tally.stopped += usize::from(stopped);
        for list in lists_of(&verdict) {
            let reasons = || verdict.reasons.iter().filter(move |r| r.list == list && !r.shadow);
            let alone = self.stops_alone(kind.traffic, list, reasons());
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

#[cfg(test)]
mod tests;
