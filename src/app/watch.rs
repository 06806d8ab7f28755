//! The first minute of a change: what it brought is counted, and what decides too much is found.
//!
//! Owns the counters that verdicts go by, the limits and the judgement. Must not know how a thing
//! is dropped to shadow, nor who is told.
//! Invariants: while nothing is watched a verdict costs one relaxed load; while something is, it is
//! counted with atomics in tables of fixed size, without lock, allocation or wait. Tables are made,
//! replaced and freed by the control thread only. A thing decides a verdict that would label, hold
//! or block where it stands first among the reasons that act, or where it blocks or labels by
//! itself; points behind stronger ones do not decide.

mod count;
mod judge;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use self::count::{Counts, Lanes, Table};
pub use self::judge::{Over, Scale};
use self::judge::{Window, judge};
use super::metrics::Counter;
use crate::model::policy::Action;
use crate::model::revision::Revision;
use crate::model::time::Timestamp;
use crate::model::verdict::{EntryRef, ReasonCode, Verdict};

/// How long a change is watched, in milliseconds: the first minute.
pub const WINDOW_MS: u64 = 60_000;
/// Most of that which passes between two judgements, in milliseconds: a clock that jumps ahead
/// must not end the watch.
const STEP_MS_MAX: u64 = 5_000;
/// Entries of one list that are watched one by one; a list with more changes is watched as a
/// whole. A change by hand has fewer.
pub const ENTRIES_A_LIST_MAX: usize = 200;
/// Things watched at once: a bound on memory, about one KiB each. What comes on top waits for no
/// place: the oldest go.
pub const THINGS_MAX: usize = 2_048;

/// What is watched.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// One entry.
    Entry(Box<str>),
    /// All entries of one list that a change brought, together.
    Entries(Vec<Box<str>>),
    /// Everything in a list.
    List,
}

/// One thing to watch.
#[derive(Clone, PartialEq, Eq)]
pub struct Thing {
    /// The list.
    pub list: Box<str>,
    /// What of it.
    pub target: Target,
    /// The revision that brought it.
    pub revision: Revision,
    /// It blocks or labels by itself, without points.
    pub fixed: bool,
    /// Only said, never dropped: a person has overruled the watch before, or what is there besides
    /// must not go.
    pub only_alert: bool,
    /// How verdicts name its entries: [`Watch::place`]; none for [`Target::List`].
    pub places: Vec<u64>,
}

impl std::fmt::Debug for Thing {
    /// Keys may be numbers: only how many there are.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thing")
            .field("list", &self.list)
            .field("keys", &self.keys().len())
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Thing {
    /// The keys of its entries; none where it is a whole list.
    pub fn keys(&self) -> &[Box<str>] {
        match &self.target {
            Target::Entry(key) => std::slice::from_ref(key),
            Target::Entries(keys) => keys,
            Target::List => &[],
        }
    }
}

/// A thing that decides too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub thing: Thing,
    /// How much.
    pub over: Over,
    /// For how long it was watched, milliseconds.
    pub after_ms: u64,
}

/// What came of watching, counted.
#[derive(Debug, Default)]
pub struct WatchCounts {
    /// Things found to decide too much.
    pub alerts: Counter,
    /// Change-sets that dropped some of them to shadow.
    pub drops: Counter,
}

/// Counts verdicts of what was changed within the last minute.
pub struct Watch {
    active: AtomicBool,
    table: ArcSwap<Table>,
    hasher: RandomState,
    control: Mutex<Control>,
    counts: WatchCounts,
}

/// What only the control thread touches.
struct Control {
    watched: Vec<Watched>,
    /// When was last judged.
    last: Timestamp,
    /// Tables that a data core may still read.
    retired: Vec<Arc<Table>>,
}

struct Watched {
    thing: Thing,
    counts: Arc<Counts>,
    /// What the lanes had counted when it was armed.
    start: Arc<Tally>,
    age_ms: u64,
}

/// Sums over all lanes.
#[derive(Default)]
struct Tally {
    verdicts: u64,
    trunks: Vec<u64>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch {
            active: AtomicBool::new(false),
            table: ArcSwap::from_pointee(Table::default()),
            hasher: RandomState::new(),
            control: Mutex::new(Control {
                watched: Vec::new(),
                last: Timestamp(0),
                retired: Vec::new(),
            }),
            counts: WatchCounts::default(),
        }
    }
}

impl Watch {
    /// What came of watching so far.
    pub fn counts(&self) -> &WatchCounts {
        &self.counts
    }

    /// Is anything watched?
    #[inline]
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Counts a verdict on an attempt of this trunk.
    #[inline]
    pub fn count(&self, verdict: &Verdict<'_>, trunk: &str) {
        if self.is_active() {
            self.count_active(verdict, trunk);
        }
    }

    #[inline(never)]
    fn count_active(&self, verdict: &Verdict<'_>, trunk: &str) {
        let table = self.table.load();
        let trunk = Some(trunk).filter(|trunk| !trunk.is_empty());
        let trunk = trunk.and_then(|trunk| table.lanes.trunk(self.hash(trunk.as_bytes())));
        table.lanes.add(trunk);
        if verdict.would_action < Action::Label {
            return;
        }
        let mut seen = count::Seen::new();
        let mut is_first = true;
        let acting = verdict.reasons.iter().filter(|reason| !reason.shadow && acts(reason.code));
        for reason in acting {
            if !reason.list.is_empty() {
                for place in [self.place(reason.list, &reason.entry), self.list_place(reason.list)]
                {
                    table.count(place, is_first, reason.points == 0, trunk, &mut seen);
                }
            }
            is_first = false;
        }
    }

    /// How an entry is found again in a verdict.
    pub fn place(&self, list: &str, entry: &EntryRef<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(list.as_bytes());
        match entry {
            EntryRef::None => hasher.write_u8(0),
            EntryRef::Number(number) => {
                hasher.write_u8(1);
                std::hash::Hash::hash(number, &mut hasher);
            }
            EntryRef::Prefix(prefix) => {
                hasher.write_u8(2);
                std::hash::Hash::hash(prefix, &mut hasher);
            }
            EntryRef::Text(text) => {
                hasher.write_u8(3);
                hasher.write(text.as_bytes());
            }
        }
        hasher.finish()
    }

    fn list_place(&self, list: &str) -> u64 {
        self.place(list, &EntryRef::None)
    }

    fn hash(&self, octets: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(octets);
        hasher.finish()
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        // What is counted is not touched under the lock; the list of things is whole in any case.
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches things from now on. `gone` says of a list and key whether what was watched there is
    /// no longer what it was; a thing that is watched already begins anew.
    pub fn arm(&self, things: Vec<Thing>, gone: impl Fn(&Thing) -> bool, now: Timestamp) {
        let mut control = self.control();
        if control.watched.is_empty() && things.is_empty() {
            return;
        }
        control.step(now);
        let again = |old: &Thing| {
            gone(old) || things.iter().any(|new| new.list == old.list && new.target == old.target)
        };
        control.watched.retain(|watched| !again(&watched.thing));
        let lanes = match control.watched.is_empty() {
            // Nobody counts by what was counted before.
            true => Arc::default(),
            false => Arc::clone(&self.table.load().lanes),
        };
        let start = Arc::new(lanes.tally());
        for thing in things {
            let counts = Arc::new(Counts::new(thing.fixed));
            let start = Arc::clone(&start);
            control.watched.push(Watched { thing, counts, start, age_ms: 0 });
        }
        let over = control.watched.len().saturating_sub(THINGS_MAX);
        control.watched.drain(..over);
        self.install(&mut control, lanes);
    }

    /// Puts a table of what is watched now in place.
    fn install(&self, control: &mut Control, lanes: Arc<Lanes>) {
        let mut table = Table::new(lanes);
        for watched in &control.watched {
            let at = table.thing(&watched.counts);
            if watched.thing.target == Target::List {
                table.enter(self.list_place(&watched.thing.list), at);
            }
            for place in &watched.thing.places {
                table.enter(*place, at);
            }
        }
        table.build();
        control.retired.push(self.table.swap(Arc::new(table)));
        self.active.store(!control.watched.is_empty(), Ordering::Relaxed);
    }

    /// What decides too much by now; nothing is said of a list, or of what a change brought to it,
    /// where single entries of it are found. What was watched for a minute and is not found is let
    /// go.
    pub fn judge(&self, now: Timestamp) -> Vec<Finding> {
        let mut control = self.control();
        control.retired.retain(|table| Arc::strong_count(table) > 1);
        if control.watched.is_empty() {
            return Vec::new();
        }
        control.step(now);
        let lanes = Arc::clone(&self.table.load().lanes);
        let sums = lanes.tally();
        let mut findings = Vec::new();
        let before = control.watched.len();
        control.watched.retain(|watched| {
            let over = judge(&watched.window(&sums));
            let is_over = over.is_some();
            findings.extend(over.map(|over| Finding {
                thing: watched.thing.clone(),
                over,
                after_ms: watched.age_ms,
            }));
            is_over || watched.age_ms < WINDOW_MS
        });
        if control.watched.len() != before {
            self.install(&mut control, lanes);
        }
        let single: Vec<Box<str>> =
            findings.iter().filter(is_entry).map(|found| found.thing.list.clone()).collect();
        findings.retain(|found| is_entry(&found) || !single.contains(&found.thing.list));
        findings
    }

    /// A finding is dealt with: its thing is watched no more. What it was a part of is counted
    /// anew, without it.
    pub fn settle(&self, thing: &Thing) {
        let mut control = self.control();
        let lanes = Arc::clone(&self.table.load().lanes);
        let start = Arc::new(lanes.tally());
        control.watched.retain(|watched| watched.thing != *thing);
        for watched in control.watched.iter_mut().filter(|known| known.thing.list == thing.list) {
            if let Target::Entries(keys) = &mut watched.thing.target {
                keys.retain(|key| !thing.keys().contains(key));
                watched.thing.places.retain(|place| !thing.places.contains(place));
            }
            if !matches!(watched.thing.target, Target::Entry(_)) {
                watched.counts = Arc::new(Counts::new(watched.thing.fixed));
                watched.start = Arc::clone(&start);
            }
        }
        self.install(&mut control, lanes);
    }
}

impl Control {
    /// Time goes on.
    fn step(&mut self, now: Timestamp) {
        let passed = now.0.saturating_sub(self.last.0).min(STEP_MS_MAX);
        self.last = now;
        self.watched.iter_mut().for_each(|watched| watched.age_ms += passed);
    }
}

impl Watched {
    fn window(&self, sums: &Tally) -> Window {
        let start = |trunk: usize| self.start.trunks.get(trunk).copied().unwrap_or(0);
        let trunks = sums.trunks.iter().enumerate().map(|(trunk, attempts)| {
            (attempts.saturating_sub(start(trunk)), self.counts.on_trunk(trunk))
        });
        Window {
            scale: match self.thing.target {
                Target::Entry(_) => Scale::Entry,
                Target::Entries(_) | Target::List => Scale::List,
            },
            verdicts: sums.verdicts.saturating_sub(self.start.verdicts),
            decided: self.counts.decided(),
            trunks: trunks.collect(),
        }
    }
}

fn is_entry(found: &&Finding) -> bool {
    matches!(found.thing.target, Target::Entry(_))
}

/// Does a reason of this kind act against an attempt?
fn acts(code: ReasonCode) -> bool {
    !matches!(
        code,
        ReasonCode::ProtectedRecipient
            | ReasonCode::EmergencyCallback
            | ReasonCode::AllowListed
            | ReasonCode::AllowNotApplied
            | ReasonCode::BenignProfile
    )
}

#[cfg(test)]
mod tests;
