//! Counters of fixed size that data cores add to.
//!
//! Invariant: nothing here waits, locks or allocates after it was built; a trunk that finds no
//! place is not counted by itself.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use arrayvec::ArrayVec;

use super::Tally;
use crate::model::verdict::REASONS_MAX;

/// Trunks that are counted by themselves; further ones count in the whole only.
const TRUNKS: usize = 256;
/// Places looked at for a trunk before it is given up.
const PROBES: usize = 16;
/// Lanes of totals: threads beyond share them again. Each lane is 2 KiB.
const LANES: usize = 16;
/// No such thing.
const NONE: u32 = u32::MAX;

/// Things already counted for one verdict: at most an entry, its group and a list a reason.
pub(super) type Seen = ArrayVec<u32, { 3 * REASONS_MAX }>;

/// What one thing decided.
pub(super) struct Counts {
    fixed: bool,
    decided: AtomicU64,
    trunks: Box<[AtomicU32]>,
}

impl Counts {
    pub fn new(fixed: bool) -> Counts {
        let trunks = (0..TRUNKS).map(|_| AtomicU32::new(0)).collect();
        Counts { fixed, decided: AtomicU64::new(0), trunks }
    }

    pub fn decided(&self) -> u64 {
        self.decided.load(Ordering::Relaxed)
    }

    pub fn on_trunk(&self, trunk: usize) -> u64 {
        self.trunks.get(trunk).map_or(0, |count| u64::from(count.load(Ordering::Relaxed)))
    }
}

/// Totals of one lane, on cache lines of its own.
#[repr(align(128))]
struct Lane {
    verdicts: AtomicU64,
    trunks: [AtomicU64; TRUNKS],
}

/// All verdicts since something is watched, and by trunk.
pub(super) struct Lanes {
    lanes: Box<[Lane]>,
    /// Hashes of trunk names; 0 is free.
    names: Box<[AtomicU64]>,
}

impl Default for Lanes {
    fn default() -> Self {
        let lane = |_| Lane {
            verdicts: AtomicU64::new(0),
            trunks: std::array::from_fn(|_| AtomicU64::new(0)),
        };
        Lanes {
            lanes: (0..LANES).map(lane).collect(),
            names: (0..TRUNKS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

/// The lane of this thread.
fn lane() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static LANE: Cell<usize> = const { Cell::new(usize::MAX) });
    LANE.with(|lane| {
        if lane.get() == usize::MAX {
            lane.set(NEXT.fetch_add(1, Ordering::Relaxed) % LANES);
        }
        lane.get()
    })
}

impl Lanes {
    /// The place of a trunk by the hash of its name; a new one takes a free place.
    pub fn trunk(&self, hash: u64) -> Option<usize> {
        let hash = hash.max(1);
        for probe in 0..PROBES {
            let at = (hash as usize).wrapping_add(probe) % TRUNKS;
            let known = self.names[at].load(Ordering::Relaxed);
            if known == hash {
                return Some(at);
            }
            if known == 0 {
                let taken =
                    self.names[at].compare_exchange(0, hash, Ordering::Relaxed, Ordering::Relaxed);
                if taken.is_ok() || taken == Err(hash) {
                    return Some(at);
                }
            }
        }
        None
    }

    /// One verdict.
    pub fn add(&self, trunk: Option<usize>) {
        let lane = &self.lanes[lane()];
        lane.verdicts.fetch_add(1, Ordering::Relaxed);
        if let Some(trunk) = trunk {
            lane.trunks[trunk].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sums over all lanes.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally { verdicts: 0, trunks: vec![0; TRUNKS] };
        for lane in &self.lanes {
            tally.verdicts += lane.verdicts.load(Ordering::Relaxed);
            for (sum, count) in tally.trunks.iter_mut().zip(&lane.trunks) {
                *sum += count.load(Ordering::Relaxed);
            }
        }
        tally
    }
}

/// What is watched, by how verdicts name it.
#[derive(Default)]
pub(super) struct Table {
    pub lanes: Arc<Lanes>,
    things: Vec<Arc<Counts>>,
    drafts: Vec<(u64, u32)>,
    /// Open addressing, at most half full, a power of two; equal places stand one after another.
    cells: Box<[(u64, u32)]>,
}

impl Table {
    pub fn new(lanes: Arc<Lanes>) -> Table {
        Table { lanes, ..Table::default() }
    }

    /// Takes a thing in; says its place among them.
    pub fn thing(&mut self, counts: &Arc<Counts>) -> u32 {
        self.things.push(Arc::clone(counts));
        self.things.len() as u32 - 1
    }

    /// A thing is named so in verdicts.
    pub fn enter(&mut self, place: u64, thing: u32) {
        self.drafts.push((place, thing));
    }

    /// Closes the table.
    pub fn build(&mut self) {
        let size = (self.drafts.len() * 2).next_power_of_two();
        let mut cells = vec![(0, NONE); size].into_boxed_slice();
        for (place, thing) in std::mem::take(&mut self.drafts) {
            let mut at = place as usize & (size - 1);
            while cells[at].1 != NONE {
                at = (at + 1) & (size - 1);
            }
            cells[at] = (place, thing);
        }
        self.cells = cells;
    }

    /// Counts a reason of this place for what is watched there.
    pub fn count(
        &self,
        place: u64,
        is_first: bool,
        without_points: bool,
        trunk: Option<usize>,
        seen: &mut Seen,
    ) {
        if self.cells.is_empty() {
            return;
        }
        let mask = self.cells.len() - 1;
        let mut at = place as usize & mask;
        // An empty cell is always met: the table is at most half full.
        while self.cells[at].1 != NONE {
            let (known, thing) = self.cells[at];
            let counts = &self.things[thing as usize];
            let decides = is_first || (without_points && counts.fixed);
            if known == place && decides && !seen.contains(&thing) {
                // Beyond that many things of one verdict the last ones are not counted.
                if seen.try_push(thing).is_err() {
                    return;
                }
                counts.decided.fetch_add(1, Ordering::Relaxed);
                if let Some(trunk) = trunk {
                    counts.trunks[trunk].fetch_add(1, Ordering::Relaxed);
                }
            }
            at = (at + 1) & mask;
        }
    }
}
