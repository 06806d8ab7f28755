//! At which instants ordinary traffic is tried.
//!
//! Whatever applies together does so at the beginning of one of its entries, so these beginnings
//! show a catalogue at its worst. They are tried all while they are few, and evenly spread ones
//! where they are many; besides, instants that every entry meets one of.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::time::{Timestamp, Validity};

/// Beginnings that are tried.
const STARTS_MAX: usize = 64;

/// Beginnings kept of those seen: ten years of days; beyond it every second goes.
const STARTS_KEPT_MAX: usize = 4096;

/// Instants added so that every entry meets one. Where validities so short need more than this,
/// time is left aside ([`Instants::all_met`]).
const MEETINGS_MAX: usize = 32;

/// Validities kept at once: as many as beginnings.
const WINDOWS_MAX: usize = 4096;

/// When entries apply.
#[derive(Default)]
pub(in crate::app) struct Times {
    starts: BTreeSet<Timestamp>,
    /// Validities by their end, none within another: whoever meets these meets all seen. Their
    /// beginnings are in the same order as their ends.
    windows: BTreeMap<Timestamp, Timestamp>,
    /// There were more windows than are kept.
    lost: bool,
}

/// Instants to try a catalogue at.
pub(in crate::app) struct Instants {
    /// Not empty.
    pub at: BTreeSet<Timestamp>,
    /// Each entry applies at one of them.
    pub all_met: bool,
}

impl Times {
    /// An entry applies.
    pub(in crate::app) fn entry(&mut self, validity: Validity) {
        let Validity { from, until } = validity;
        if from >= until {
            return;
        }
        if self.starts.insert(from) && self.starts.len() > STARTS_KEPT_MAX {
            self.starts = thinned(&self.starts, STARTS_KEPT_MAX / 2);
        }
        let inner = self.windows.range(..=until).next_back();
        if inner.is_some_and(|(_, kept)| *kept >= from) {
            return;
        }
        let outer = self.windows.range(until..).take_while(|(_, kept)| **kept <= from);
        for end in outer.map(|(end, _)| *end).collect::<Vec<_>>() {
            self.windows.remove(&end);
        }
        if self.windows.len() < WINDOWS_MAX {
            self.windows.insert(until, from);
        } else {
            self.lost = true;
        }
    }

    /// The instants to try.
    pub(in crate::app) fn instants(&self) -> Instants {
        let mut meetings = BTreeSet::new();
        let mut last: Option<Timestamp> = None;
        for (until, from) in &self.windows {
            // The last instant of what ends first meets the most of what began before.
            if last.is_none_or(|met| met < *from) {
                let end = Timestamp(until.0 - 1);
                meetings.insert(end);
                last = Some(end);
            }
        }
        let all_met = !self.lost && meetings.len() <= MEETINGS_MAX;
        let mut at = thinned(&self.starts, STARTS_MAX);
        at.append(&mut thinned(&meetings, MEETINGS_MAX));
        at.insert(Timestamp(0));
        Instants { at, all_met }
    }
}

/// So many of them, evenly spread, the first and the last among them.
fn thinned(all: &BTreeSet<Timestamp>, count: usize) -> BTreeSet<Timestamp> {
    if all.len() <= count {
        return all.clone();
    }
    let (last, steps) = (all.len() - 1, count - 1);
    let mut wanted = (0..count).map(|nth| nth * last / steps).peekable();
    let picked = all.iter().enumerate().filter(|(at, _)| wanted.next_if_eq(at).is_some());
    picked.map(|(_, instant)| *instant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(windows: &[(u64, u64)]) -> Times {
        let mut times = Times::default();
        for (from, length) in windows {
            let (from, until) = (Timestamp(*from), Timestamp(from.saturating_add(*length)));
            times.entry(Validity { from, until });
        }
        times
    }

    proptest! {
        #[test]
        fn every_window_is_met_or_it_is_said(
            windows in prop::collection::vec((0u64..3000, 1u64..200), 1..400),
        ) {
            let Instants { at, all_met } = times(&windows).instants();
            let met = |(from, length): &(u64, u64)| {
                at.range(Timestamp(*from)..Timestamp(from + length)).next().is_some()
            };
            prop_assert!(!all_met || windows.iter().all(met));
            prop_assert!(at.len() <= 1 + STARTS_MAX + MEETINGS_MAX);
            let last = windows.iter().map(|(from, _)| *from).max().unwrap_or(0);
            prop_assert!(at.contains(&Timestamp(last)));
        }
    }

    #[test]
    fn many_dates() {
        let endless: Vec<_> = (0..1_000_000).map(|from| (from, u64::MAX)).collect();
        let Instants { at, all_met } = times(&endless).instants();
        assert!(all_met && at.contains(&Timestamp(999_999)) && at.len() <= 97, "{}", at.len());
        let apart: Vec<_> = (0..10_000).map(|nth| (nth * 2, 1)).collect();
        assert!(!times(&apart).instants().all_met);
        assert!(times(&apart[..32]).instants().all_met);
        assert!(!times(&apart[..33]).instants().all_met);
        assert_eq!(times(&[]).instants().at, BTreeSet::from([Timestamp(0)]));
    }
}
