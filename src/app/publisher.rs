//! Holds the current ruleset and swaps in the next one.
//!
//! Data cores read one pointer a request and never free a ruleset: what is replaced is kept here
//! until nobody reads it any more, and dropped by whoever calls [`Publisher::collect`], which is
//! the control thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::screening::{RulesetInfo, RulesetStatus};
use super::watch::{Watch, WatchCounts};
use crate::engine::Ruleset;
use crate::model::time::Timestamp;

/// Current and retired rulesets.
pub struct Publisher {
    current: ArcSwap<Ruleset>,
    /// Milliseconds since 1970 of the last publish.
    published: AtomicU64,
    /// The log may hold newer revisions than what is published.
    stale: AtomicBool,
    retired: Mutex<Vec<Arc<Ruleset>>>,
    watch: Watch,
}

impl Publisher {
    /// Starts with a first ruleset: there is always one.
    pub fn new(first: Ruleset, now: Timestamp) -> Publisher {
        Publisher {
            current: ArcSwap::from_pointee(first),
            published: AtomicU64::new(now.0),
            stale: AtomicBool::new(false),
            retired: Mutex::new(Vec::new()),
            watch: Watch::default(),
        }
    }

    /// The ruleset to screen with. Hold it for one request (or one batch), not longer.
    #[inline]
    pub fn load(&self) -> Guard<Arc<Ruleset>> {
        self.current.load()
    }

    /// Counts what the changes of the last minute decide.
    #[inline]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Swaps the next ruleset in; from now on every new request sees it.
    pub fn publish(&self, next: Ruleset, now: Timestamp) {
        let before = self.current.swap(Arc::new(next));
        self.published.store(now.0, Ordering::Relaxed);
        // A poisoned lock only means that a collector panicked; the list itself is whole.
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).push(before);
    }

    /// Says whether the log, which could not be read yet or at all, may hold newer revisions.
    pub fn set_stale(&self, stale: bool) {
        self.stale.store(stale, Ordering::Relaxed);
    }

    /// May the log hold newer revisions?
    #[inline]
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }

    /// Drops retired rulesets that nobody reads any more; says how many are still read.
    pub fn collect(&self) -> usize {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let free: Vec<Arc<Ruleset>> =
            retired.extract_if(.., |ruleset| Arc::strong_count(ruleset) == 1).collect();
        let waiting = retired.len();
        drop(retired);
        drop(free);
        waiting
    }
}

impl RulesetInfo for Publisher {
    fn ruleset(&self) -> Option<RulesetStatus> {
        let ruleset = self.load();
        Some(RulesetStatus {
            revision: ruleset.revision,
            digest: ruleset.digest,
            published: Timestamp(self.published.load(Ordering::Relaxed)),
            entries: ruleset.entries(),
            stale: self.is_stale(),
        })
    }

    fn watched(&self) -> Option<&WatchCounts> {
        Some(self.watch.counts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::catalogue::compile;
    use crate::model::revision::Revision;

    fn ruleset(revision: u64) -> Ruleset {
        compile(&[], Revision(revision)).expect("an empty catalogue compiles")
    }

    #[test]
    fn a_retired_ruleset_lives_as_long_as_it_is_read() {
        let publisher = Publisher::new(ruleset(1), Timestamp(1));
        let reading = publisher.load();
        let kept = Arc::clone(&reading);
        drop(reading);
        publisher.publish(ruleset(2), Timestamp(2));
        assert_eq!(publisher.load().revision, Revision(2));
        assert_eq!(publisher.collect(), 1, "still read");
        assert_eq!(kept.revision, Revision(1));
        drop(kept);
        assert_eq!(publisher.collect(), 0);
        assert_eq!(publisher.ruleset().map(|status| status.published), Some(Timestamp(2)));
    }
}
