//! The port through which an edge asks for a verdict.

use super::watch::WatchCounts;
use crate::model::attempt::Attempt;
use crate::model::policy::Mode;
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;

/// Reads the time; the only place where anything may.
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> Timestamp;

    /// By how many milliseconds the machine's time of day is ahead of ours (behind: negative)
    /// where it is not believed; 0 where it is.
    fn doubt_ms(&self) -> i64 {
        0
    }
}

/// Which state answered, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Revision of the ruleset.
    pub revision: Revision,
    /// Its digest.
    pub digest: Digest,
    /// How far verdicts bite for this attempt.
    pub mode: Mode,
    /// The instant the attempt was screened at.
    pub now: Timestamp,
}

/// Screens attempts.
pub trait Screen: Send + Sync + 'static {
    /// Screens one attempt and hands the verdict, which may borrow from the ruleset, to `encode`,
    /// exactly once. When no ruleset is loaded `encode` is not called.
    ///
    /// Neither waits nor does I/O. Panics are a bug; the caller contains them.
    fn screen(&self, attempt: &Attempt<'_>, encode: &mut dyn FnMut(&Verdict<'_>, &Stamp));

    /// Called once on each thread that is going to screen, before its first request: touches the
    /// tables and buffers that a first request would otherwise wait for.
    fn warm(&self) {}
}

/// What is known of the ruleset in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulesetStatus {
    /// Its revision.
    pub revision: Revision,
    /// Its digest.
    pub digest: Digest,
    /// When it was published here.
    pub published: Timestamp,
    /// Entries in all its lists.
    pub entries: u64,
    /// The log, which could not be read yet or at all, may hold newer revisions.
    pub stale: bool,
}

/// Tells about the ruleset in use.
pub trait RulesetInfo: Send + Sync + 'static {
    /// `None` until one is loaded.
    fn ruleset(&self) -> Option<RulesetStatus>;

    /// What came of watching changes in their first minute; `None` where nobody does.
    fn watched(&self) -> Option<&WatchCounts> {
        None
    }
}
