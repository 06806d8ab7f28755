//! The read view of the catalogue that the write side works against; `app` supplies it.
//!
//! Owns the questions and the shapes of the answers. Must not know how they are stored.
//! Invariant: every question names the revision it asks about, so that an answer can be had again.

mod memory;

use std::sync::Arc;

use super::edit::SegmentUse;
use super::row::Row;
use crate::model::catalogue::{Actor, BlobId, ChangeSetId};
use crate::model::entry::ListSpec;
use crate::model::revision::Revision;
use crate::model::time::Timestamp;

/// Who brought something about, when, by which change-set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The revision it came with.
    pub revision: Revision,
    /// The change-set.
    pub change_set: ChangeSetId,
    /// The author of the change-set.
    pub actor: Actor,
    /// When it was committed.
    pub time: Timestamp,
}

/// A list at some revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListState {
    /// What is said of it.
    pub spec: ListSpec,
    /// Its last change.
    pub origin: Origin,
    /// Single entries.
    pub rows: u64,
    /// Bulk imports.
    pub segments: Vec<SegmentUse>,
}

/// One version of a single entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryVersion {
    /// The list.
    pub list: Box<str>,
    /// The entry's key.
    pub key: Box<str>,
    /// The entry; `None` takes the key out of the list's segments.
    pub row: Option<Row>,
    /// Since when.
    pub from: Origin,
    /// Until when; `None` while it is in force.
    pub until: Option<Origin>,
}

/// One use of a segment by a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentVersion {
    /// The list.
    pub list: Box<str>,
    /// The segment.
    pub segment: SegmentUse,
    /// Since when.
    pub from: Origin,
    /// Until when; `None` while it is in force.
    pub until: Option<Origin>,
}

/// What differs between two revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// A list was created, changed or removed.
    List {
        /// Its id.
        list: Box<str>,
        /// At the earlier revision.
        before: Option<Box<ListSpec>>,
        /// At the later one.
        after: Option<Box<ListSpec>>,
    },
    /// An entry was added, changed or removed.
    Entry {
        /// The list.
        list: Box<str>,
        /// The entry's key.
        key: Box<str>,
        /// At the earlier revision; `Some(None)` is a value taken out of the segments.
        before: Option<Option<Row>>,
        /// At the later one.
        after: Option<Option<Row>>,
    },
    /// A bulk import was added or taken out.
    Segment {
        /// The list.
        list: Box<str>,
        /// Which.
        segment: SegmentUse,
        /// Added; else taken out.
        added: bool,
    },
}

/// The view cannot answer: its store is broken or busy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewError(pub String);

impl std::fmt::Display for ViewError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the catalogue cannot be read: {}", self.0)
    }
}

impl std::error::Error for ViewError {}

/// The catalogue at any revision.
pub trait View {
    /// The newest revision.
    fn revision(&self) -> Revision;

    /// All lists in the order in which they were created.
    fn lists(&self, at: Revision) -> Result<Vec<ListState>, ViewError>;

    /// One list.
    fn list(&self, id: &str, at: Revision) -> Result<Option<ListState>, ViewError>;

    /// One single entry (a row or a value taken out), not looking into segments.
    fn entry(&self, list: &str, key: &str, at: Revision)
    -> Result<Option<EntryVersion>, ViewError>;

    /// Every version of one single entry, oldest first.
    fn versions(&self, list: &str, key: &str) -> Result<Vec<EntryVersion>, ViewError>;

    /// Single entries of one list, or of all, in key order, keys in `from..to`, from `after`
    /// (list, key) on, at most `limit` of them.
    fn scan(&self, scan: Scan<'_>, at: Revision) -> Result<Vec<EntryVersion>, ViewError>;

    /// Segments in force, of one list or of all.
    fn segments(&self, list: Option<&str>, at: Revision) -> Result<Vec<SegmentVersion>, ViewError>;

    /// What differs between two revisions; `later` must not be the smaller one. Entries and lists
    /// that are the same at both are left out, whatever happened in between.
    fn changed(&self, earlier: Revision, later: Revision) -> Result<Vec<Changed>, ViewError>;
}

/// The octets of bulk imports; `app` supplies them.
pub trait Blobs {
    /// The octets of a blob; `None` where it cannot be had: counts then stand for its values.
    fn blob(&self, blob: BlobId) -> Result<Option<Arc<Vec<u8>>>, ViewError>;
}

/// No blob can be had.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBlobs;

impl Blobs for NoBlobs {
    fn blob(&self, _blob: BlobId) -> Result<Option<Arc<Vec<u8>>>, ViewError> {
        Ok(None)
    }
}

pub use memory::MemoryView;

/// Which single entries to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scan<'a> {
    /// Of this list; `None` is of all.
    pub list: Option<&'a str>,
    /// First key.
    pub from: &'a str,
    /// First key that is not wanted; `None` is no end.
    pub to: Option<&'a str>,
    /// Go on behind this (list, key), the last one of the page before. Pages are in (key, list)
    /// order.
    pub after: Option<(&'a str, &'a str)>,
    /// Most entries.
    pub limit: usize,
}

/// Reads all single entries that a scan asks for, page by page, until `take` says stop.
///
/// Errors: those of the view.
pub fn each(
    view: &dyn View,
    scan: Scan<'_>,
    at: Revision,
    take: &mut dyn FnMut(EntryVersion) -> bool,
) -> Result<(), ViewError> {
    let mut after: Option<(Box<str>, Box<str>)> = None;
    loop {
        let behind = after.as_ref().map(|(list, key)| (&**list, &**key));
        let page = view.scan(Scan { after: behind.or(scan.after), ..scan }, at)?;
        let full = page.len() >= scan.limit.max(1);
        after = page.last().map(|last| (last.list.clone(), last.key.clone()));
        for entry in page {
            if !take(entry) {
                return Ok(());
            }
        }
        if !full || after.is_none() {
            return Ok(());
        }
    }
}
