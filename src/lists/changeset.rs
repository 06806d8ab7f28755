//! A change-set: edits on their way from a draft to a revision, and who may do what with it.
//!
//! Owns the states and the [`Book`] of all change-sets, which is folded from the log. Must not know
//! the log, nor what edits mean.

mod book;
mod decide;

pub use book::{Book, Impossible};
pub use decide::{CommitFacts, Denied};

use super::edit::Edit;
use super::event::Draft;
use crate::model::catalogue::{Actor, ChangeSetId, Cursor};
use crate::model::revision::Revision;
use crate::model::time::Timestamp;

/// Where a change-set stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Edits are being added.
    Draft,
    /// Ready; nothing is added any more.
    Submitted,
    /// A second person agrees.
    Approved,
    /// Part of the catalogue.
    Committed(Revision),
    /// Refused by a second person.
    Rejected,
    /// Given up by its author.
    Withdrawn,
}

/// One change-set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// Its id.
    pub id: ChangeSetId,
    /// What it is for.
    pub draft: Draft,
    /// Who began it.
    pub author: Actor,
    /// When.
    pub created: Timestamp,
    /// Where it stands.
    pub state: State,
    /// Its edits, in order; empty once it is over (the log has them).
    pub edits: Vec<Edit>,
    /// How many edits it has, also once it is over.
    pub edit_count: u64,
    /// The records that hold its edits, in order.
    pub edit_records: Vec<Cursor>,
    /// Changes with each event: who writes must name the one that was read.
    pub etag: u64,
    /// The author has seen the warnings.
    pub warnings_accepted: bool,
    /// The newest revision when it was submitted: what its checks were made against.
    pub checked: Revision,
    /// Who agreed, with what note.
    pub approved_by: Option<(Actor, Box<str>)>,
    /// Who committed it.
    pub committed_by: Option<Actor>,
    /// It went live by break-glass, for this reason.
    pub break_glass: Option<Box<str>>,
    /// Who reviewed it after break-glass.
    pub reviewed_by: Option<(Actor, Box<str>)>,
    /// When it was committed, rejected or withdrawn.
    pub ended: Option<Timestamp>,
}

impl State {
    /// Nothing more happens to it, but for a review.
    pub fn is_over(self) -> bool {
        matches!(self, State::Committed(_) | State::Rejected | State::Withdrawn)
    }

    /// Its name, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Submitted => "submitted",
            State::Approved => "approved",
            State::Committed(_) => "committed",
            State::Rejected => "rejected",
            State::Withdrawn => "withdrawn",
        }
    }
}

/// Change-sets that are not over: more than any team works on at once, and a bound on memory.
pub const OPEN_MAX: usize = 1_000;
/// Edits of one change-set: what is more goes into a segment.
pub const EDITS_MAX: usize = 100_000;
/// Octets of a title.
pub const TITLE_BYTES_MAX: usize = 200;
/// Octets of a reason or note.
pub const NOTE_BYTES_MAX: usize = 4_096;
/// Octets of a ticket, a request id, the name of a source.
pub const NAME_BYTES_MAX: usize = 200;
