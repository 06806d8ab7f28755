//! A change-set: edits on their way from a draft to a revision, and who may do what with it.

use super::edit::Edit;
use super::event::Draft;
use crate::model::catalogue::{Actor, ChangeSetId};
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
    /// Changes with each event: who writes must name the one that was read.
    pub etag: u64,
    /// The author has seen the warnings.
    pub warnings_accepted: bool,
    /// Who agreed, with what note.
    pub approved_by: Option<(Actor, Box<str>)>,
    /// It went live by break-glass, for this reason.
    pub break_glass: Option<Box<str>>,
    /// Who reviewed it after break-glass.
    pub reviewed_by: Option<(Actor, Box<str>)>,
    /// When it was committed, rejected or withdrawn.
    pub ended: Option<Timestamp>,
}
