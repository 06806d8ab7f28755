//! Where the catalogue's history is kept: the log (the truth), blobs beside it, and the view that
//! is derived from the log and may be thrown away.

use std::fmt;
use std::io::BufRead;

use crate::lists::edit::Edit;
use crate::lists::event::Event;
use crate::lists::view::{Origin, View, ViewError};
use crate::model::catalogue::{Actor, BlobId, Cursor};
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;

/// The end of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The last record; 0 in an empty log.
    pub cursor: Cursor,
    /// Its hash in the chain; all zeros in an empty log.
    pub hash: Digest,
}

/// A record to append.
#[derive(Clone, Copy, Debug)]
pub struct NewRecord<'a> {
    /// When.
    pub time: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: &'a Event,
}

/// A record as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub cursor: Cursor,
    /// When.
    pub time: Timestamp,
    /// Its hash in the chain.
    pub hash: Digest,
    /// Who and what; `None` once erased.
    pub content: Option<(Actor, Event)>,
}

/// The log or a blob cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogError {
    /// For now: disk full, read-only, busy. What was there is whole.
    Unavailable(String),
    /// What is stored is not what was written: a broken page, a wrong hash.
    Corrupt {
        /// The first record that is wrong; 0 where none can be named.
        cursor: Cursor,
        /// What is wrong.
        what: String,
    },
    /// There is no such blob or record.
    Missing(String),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Unavailable(what) => write!(f, "the change log cannot be used now: {what}"),
            LogError::Corrupt { cursor, what } => {
                write!(f, "the change log is damaged at record {}: {what}", cursor.0)
            }
            LogError::Missing(what) => write!(f, "not in the change log: {what}"),
        }
    }
}

impl std::error::Error for LogError {}

/// Why a record was not appended, as far as can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// Somebody else was first; nothing was written.
    Conflict(Head),
    /// It may or may not be there: read the log again before going on.
    Unknown(String),
    /// It is not there.
    Refused(LogError),
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The end of the chain.
    pub head: Head,
    /// Records whose payload is erased, with the record that says why.
    pub erased: Vec<(Cursor, Cursor)>,
    /// Blobs that records name and that were checked.
    pub blobs: u64,
}

/// The catalogue's log: append-only, hash-chained, and content-addressed blobs beside it.
pub trait ChangeLog: Send + Sync {
    /// The end.
    fn head(&self) -> Result<Head, LogError>;

    /// Appends a record after `expected`. Durable when it returns `Ok`.
    fn append(&self, record: &NewRecord<'_>, expected: Cursor) -> Result<Head, AppendError>;

    /// Records after `after`, in order, at most `max`; each checked against the chain.
    fn read_from(&self, after: Cursor, max: usize) -> Result<Vec<Record>, LogError>;

    /// Stores octets under their digest. Durable when it returns `Ok`.
    fn put_blob(&self, octets: &[u8]) -> Result<BlobId, LogError>;

    /// The octets of a blob, checked against its id.
    fn get_blob(&self, blob: BlobId) -> Result<Vec<u8>, LogError>;

    /// Removes the payloads of records, whose erasure a record of the log already announces; the
    /// chain stays verifiable.
    fn erase(&self, cursors: &[Cursor]) -> Result<(), LogError>;

    /// Reads everything and checks every hash; `progress` gets the cursor now and then.
    fn verify(&self, progress: &mut dyn FnMut(Cursor)) -> Result<Verified, LogError>;
}

/// A committed change-set, as the view takes it.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The record of the commit.
    pub cursor: Cursor,
    /// The chain's hash there: the digest of the revision.
    pub digest: Digest,
    /// Revision, change-set, author and time.
    pub origin: Origin,
    /// What changes, in order.
    pub edits: &'a [Edit],
}

/// What a source answered.
pub enum Fetched {
    /// Nothing new: the ETag still holds.
    NotModified,
    /// A file, whole.
    New {
        /// What to ask with next time.
        etag: Option<String>,
        /// Of the octets as they came.
        sha256: BlobId,
        /// How many.
        octets: u64,
        /// The octets; what keeps them goes with the reader.
        file: Box<dyn BufRead>,
    },
}

/// Nothing could be had from a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchFailed {
    /// Why, in words for the person who subscribed.
    pub what: String,
    /// The same request may succeed later.
    pub transient: bool,
}

/// Where files of subscriptions come from.
pub trait Fetch: Send + Sync {
    /// Asks a source; `progress` gets octets so far and, where the source says it, how many there
    /// will be.
    fn fetch(
        &self,
        url: &str,
        etag: Option<&str>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Fetched, FetchFailed>;
}

/// The derived view, with its write side.
pub trait CatalogueView: View + Send {
    /// The last commit that was applied, with its digest; revision 0 in an empty view.
    fn applied(&self) -> Result<(Cursor, Revision, Digest), ViewError>;

    /// The digest of a revision; `None` for one that never was.
    fn digest(&self, revision: Revision) -> Result<Option<Digest>, ViewError>;

    /// The commit that made a revision: its record and origin.
    fn commit_of(&self, revision: Revision) -> Result<Option<(Cursor, Origin)>, ViewError>;

    /// Applies a commit, all or nothing. One that was already applied changes nothing.
    fn apply(&mut self, commit: &Commit<'_>) -> Result<(), ViewError>;

    /// Empties the view, to be filled from the log again.
    fn reset(&mut self) -> Result<(), ViewError>;
}
