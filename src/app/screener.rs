//! The use case of the data plane: one attempt in, one verdict out.

use std::sync::Arc;

use super::publisher::Publisher;
use super::screening::{Clock, Screen, Stamp};
use crate::engine::screen;
use crate::model::attempt::{Attempt, StateFacts};
use crate::model::verdict::Verdict;

/// Screens with the current ruleset at the current time.
pub struct Screener {
    publisher: Arc<Publisher>,
    clock: Arc<dyn Clock>,
}

impl Screener {
    /// Over this publisher and clock.
    pub fn new(publisher: Arc<Publisher>, clock: Arc<dyn Clock>) -> Screener {
        Screener { publisher, clock }
    }
}

impl Screen for Screener {
    fn screen(&self, attempt: &Attempt<'_>, encode: &mut dyn FnMut(&Verdict<'_>, &Stamp)) {
        let ruleset = self.publisher.load();
        let now = self.clock.now();
        // What traffic teaches is not kept yet; the signature has its place.
        let facts = StateFacts::default();
        let verdict = screen(&ruleset, attempt, &facts, now);
        let stamp =
            Stamp { revision: ruleset.revision, digest: ruleset.digest, mode: verdict.mode, now };
        encode(&verdict, &stamp);
    }
}
