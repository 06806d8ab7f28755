//! PURE: the write side of the catalogue: packs, the lists that people read and edit, and
//! change-sets, by which they are changed.
//!
//! Owns the pack format (`packs/README.md`), rows and their keys, segments of bulk imports, the
//! states of change-sets, the checks on what a list may say, and the starter packs built into the
//! program.
//! Must not know: files, time of day, the engine. Text comes in, entries go out through a [`Sink`].
//! Invariant: a pack with one wrong line gives no entries that a caller may use; the caller throws
//! away what the sink collected when [`Findings::has_errors`].

pub mod approval;
pub mod changeset;
pub mod check;
pub mod checks;
pub mod delta;
pub mod edit;
pub mod event;
pub mod export;
pub mod finding;
pub mod import;
pub mod pack;
pub mod preview;
pub mod rollback;
pub mod row;
pub mod scope;
pub mod segment;
pub mod space;
pub mod starter;
pub mod subscription;
pub mod view;

pub use finding::{Finding, Findings, Severity};

use crate::model::entry::{Entry, ListSpec};

/// Takes what a pack holds, in the order it stands there.
pub trait Sink {
    /// A list begins; the entries that follow are its own.
    fn list(&mut self, spec: &ListSpec);
    /// One entry of the list begun last. `Err` says in words why it is refused.
    fn entry(&mut self, entry: Entry<'_>) -> Result<(), String>;
    /// Is it to be told rows, too?
    fn wants_rows(&self) -> bool {
        false
    }
    /// The row whose entries came last, if rows are wanted.
    fn row(&mut self, _row: row::Row) -> Result<(), String> {
        Ok(())
    }
}

/// Counts entries and keeps nothing: for linting.
#[derive(Debug, Default)]
pub struct CountingSink {
    /// Lists seen.
    pub lists: usize,
    /// Entries seen.
    pub entries: usize,
}

impl Sink for CountingSink {
    fn list(&mut self, _spec: &ListSpec) {
        self.lists += 1;
    }

    fn entry(&mut self, _entry: Entry<'_>) -> Result<(), String> {
        self.entries += 1;
        Ok(())
    }
}
