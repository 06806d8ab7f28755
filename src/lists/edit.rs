//! What a change-set may do to the catalogue, one edit at a time.

use super::row::Row;
use crate::model::catalogue::BlobId;
use crate::model::entry::ListSpec;

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Creates a list or replaces what is said of it; its entries stay.
    PutList(Box<ListSpec>),
    /// Removes a list with all its entries and segments.
    RemoveList {
        /// Its id.
        list: Box<str>,
    },
    /// Adds an entry, or replaces the one with the same key.
    Put {
        /// The list's id.
        list: Box<str>,
        /// The entry.
        row: Row,
    },
    /// Removes one entry, be it a row or a value of a segment.
    Remove {
        /// The list's id.
        list: Box<str>,
        /// The entry's key.
        key: Box<str>,
    },
    /// Takes back what single edits said of a key, be it an entry or a removal: what the list's
    /// segments say of it holds again.
    Clear {
        /// The list's id.
        list: Box<str>,
        /// The entry's key.
        key: Box<str>,
    },
    /// Adds a bulk import, or replaces what the list's use of the same blob says.
    PutSegment {
        /// The list's id.
        list: Box<str>,
        /// What is added.
        segment: SegmentUse,
    },
    /// Takes a bulk import out.
    RemoveSegment {
        /// The list's id.
        list: Box<str>,
        /// Its blob.
        blob: BlobId,
    },
}

/// A bulk import as a list uses it: values in a blob, and what is said of all of them alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentUse {
    /// The blob that holds the values.
    pub blob: BlobId,
    /// Values in it.
    pub count: u64,
    /// Cells that all its values share (`effect`, `category`, `valid_until`, `source`, …).
    pub shared: Vec<(&'static str, Box<str>)>,
}

impl Edit {
    /// The list that the edit speaks of.
    pub fn list(&self) -> &str {
        match self {
            Edit::PutList(spec) => &spec.id,
            Edit::RemoveList { list }
            | Edit::Put { list, .. }
            | Edit::Remove { list, .. }
            | Edit::Clear { list, .. }
            | Edit::PutSegment { list, .. }
            | Edit::RemoveSegment { list, .. } => list,
        }
    }
}
