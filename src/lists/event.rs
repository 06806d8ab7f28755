//! What can happen to the catalogue: one event a log record.

use super::edit::Edit;
use super::subscription::Subscription;
use crate::model::catalogue::{ChangeSetId, Cursor};
use crate::model::revision::{Digest, Revision};

/// One event. Who and when stand in the record around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A change-set begins; its id is the cursor of this record.
    Drafted(Draft),
    /// Edits are added to a draft, in order.
    Edited {
        /// The draft.
        change_set: ChangeSetId,
        /// What is added.
        edits: Vec<Edit>,
    },
    /// Edits are taken out of a draft again.
    Unedited {
        /// The draft.
        change_set: ChangeSetId,
        /// Places in its edits, from 0, ascending.
        edits: Vec<u32>,
    },
    /// The author holds it to be ready.
    Submitted {
        /// The change-set.
        change_set: ChangeSetId,
        /// The author has seen the warnings and wants it all the same.
        warnings_accepted: bool,
    },
    /// Another person agrees.
    Approved {
        /// The change-set.
        change_set: ChangeSetId,
        /// Why.
        note: Box<str>,
    },
    /// Another person does not agree; it is over.
    Rejected {
        /// The change-set.
        change_set: ChangeSetId,
        /// Why.
        note: Box<str>,
    },
    /// The author gives it up.
    Withdrawn {
        /// The change-set.
        change_set: ChangeSetId,
    },
    /// It is part of the catalogue from this revision on.
    Committed {
        /// The change-set.
        change_set: ChangeSetId,
        /// The revision that it makes.
        revision: Revision,
        /// Digest of the revision before.
        previous: Digest,
        /// It went live without a second person, for this reason; a review is due.
        break_glass: Option<Box<str>>,
    },
    /// A second person has looked at a change-set that went live by break-glass.
    Reviewed {
        /// The change-set.
        change_set: ChangeSetId,
        /// What was found.
        note: Box<str>,
    },
    /// Somebody read what is worth a trace: an export, an unmasked view.
    Accessed {
        /// What, in words without personal data.
        what: Box<str>,
    },
    /// Payloads of earlier records are erased; their commitments stay in the chain.
    Erased {
        /// The records.
        cursors: Vec<Cursor>,
        /// Why (a request of the person, a court).
        reason: Box<str>,
    },
    /// A list is to be filled from a URL from now on.
    Subscribed(Box<Subscription>),
    /// It no longer is; what came stays.
    Unsubscribed {
        /// The name of the subscription.
        name: Box<str>,
    },
}

/// What a change-set is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// One line for people.
    pub title: Box<str>,
    /// Why.
    pub reason: Box<str>,
    /// A ticket or case elsewhere; may be empty.
    pub ticket: Box<str>,
    /// Where it comes from.
    pub origin: DraftOrigin,
    /// The client's name for the request, so that a repeat finds this draft; may be empty.
    pub request_id: Box<str>,
}

/// Where a change-set comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DraftOrigin {
    /// A person.
    #[default]
    Person,
    /// Takes the catalogue back to what it was at this revision.
    Rollback(Revision),
    /// The starter packs of this program version.
    StarterPacks(Box<str>),
    /// A subscription brought something new.
    Source(Box<str>),
    /// The first-minute watch drops an entry to shadow.
    Watch,
}

impl Event {
    /// The change-set that it speaks of; `None` for a draft (its id is the record's own cursor)
    /// and for what concerns none.
    pub fn change_set(&self) -> Option<ChangeSetId> {
        match self {
            Event::Edited { change_set, .. }
            | Event::Unedited { change_set, .. }
            | Event::Submitted { change_set, .. }
            | Event::Approved { change_set, .. }
            | Event::Rejected { change_set, .. }
            | Event::Withdrawn { change_set }
            | Event::Committed { change_set, .. }
            | Event::Reviewed { change_set, .. } => Some(*change_set),
            Event::Drafted(_)
            | Event::Accessed { .. }
            | Event::Erased { .. }
            | Event::Subscribed(_)
            | Event::Unsubscribed { .. } => None,
        }
    }
}
