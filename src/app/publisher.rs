//! Holds the current ruleset and swaps in the next one.
//!
//! Data cores read one pointer a request and never free a ruleset: what is replaced is kept here
//! until nobody reads it any more, and dropped by whoever calls [`Publisher::collect`], which is
//! the control thread.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use crate::engine::Ruleset;

/// Current and retired rulesets.
pub struct Publisher {
    current: ArcSwap<Ruleset>,
    retired: Mutex<Vec<Arc<Ruleset>>>,
}

impl Publisher {
    /// Starts with a first ruleset: there is always one.
    pub fn new(first: Ruleset) -> Publisher {
        Publisher { current: ArcSwap::from_pointee(first), retired: Mutex::new(Vec::new()) }
    }

    /// The ruleset to screen with. Hold it for one request (or one batch), not longer.
    #[inline]
    pub fn load(&self) -> Guard<Arc<Ruleset>> {
        self.current.load()
    }

    /// Swaps the next ruleset in; from now on every new request sees it.
    pub fn publish(&self, next: Ruleset) {
        let before = self.current.swap(Arc::new(next));
        // A poisoned lock only means that a collector panicked; the list itself is whole.
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).push(before);
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
