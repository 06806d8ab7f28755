//! What edges may ask of the write side: one trait, its requests and answers as plain values.
//!
//! All calls block (they write to disk); edges call them from blocking threads.

mod sources;

use std::io::BufRead;

use crate::lists::Severity;
use crate::lists::changeset::{ChangeSet, State};
use crate::lists::edit::Edit;
use crate::lists::event::{Draft, Event};
use crate::lists::view::{Changed, EntryVersion, ListState, Origin, SegmentVersion};
use crate::model::catalogue::{Actor, BlobId, ChangeSetId, Cursor};
use crate::model::policy::Mode;
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;

use super::ports::{LogError, Verified};
pub use sources::{Refresh, Refreshed, SourceState, Sources};

/// Why a request was refused. Every variant says what to do in its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A field of the request is wrong.
    Invalid {
        /// Its path: `edits[3].row.value`.
        field: String,
        /// What is wrong and what was expected.
        what: String,
    },
    /// There is no such thing.
    NotFound {
        /// `list`, `entry`, `change_set`, `revision`, `source`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// It was changed since it was read.
    Stale {
        /// The etag that holds now.
        etag: u64,
    },
    /// Not in this state, or not with these findings.
    Precondition {
        /// A stable upper-case name: `NOT_DRAFT`, `HAS_ERRORS`, `WARNINGS_NOT_ACCEPTED`,
        /// `NEEDS_APPROVAL`, `SAME_PERSON`, `TOO_LARGE`, `STOPS_ORDINARY_TRAFFIC`, `GUARD`.
        reason: &'static str,
        /// In words.
        what: String,
    },
    /// Not this person.
    Forbidden(String),
    /// The store cannot be used now; nothing was changed. Screening goes on.
    Unavailable(String),
    /// It may or may not have been written: read again before repeating.
    Unknown(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Invalid { field, what } => write!(f, "{field}: {what}"),
            Refusal::NotFound { kind, name } => write!(f, "there is no {kind} {name}"),
            Refusal::Stale { etag } => {
                write!(f, "it was changed since it was read; read it again (etag {etag})")
            }
            Refusal::Precondition { what, .. } => f.write_str(what),
            Refusal::Forbidden(what) | Refusal::Unavailable(what) | Refusal::Unknown(what) => {
                f.write_str(what)
            }
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name that the record will carry.
    pub actor: Actor,
}

/// One finding on a change-set, from a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditFinding {
    /// Place of the edit in the change-set; `None` speaks of all of it.
    pub edit: Option<u32>,
    /// Line of the imported file, from 1; 0 where there is none.
    pub line: u64,
    /// Errors refuse, warnings need an explicit yes.
    pub severity: Severity,
    /// A stable name of the rule: `duplicate`, `allow-against-block`, `shadowed-prefix`,
    /// `protected-number`, `too-broad`, `benign-sample`, `growth`, `shrink`, `form`, …
    pub rule: &'static str,
    /// In words, with what to do.
    pub message: String,
}

/// What a check says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Findings, at most [`FINDINGS_MAX`] of them.
    pub findings: Vec<EditFinding>,
    /// All errors, also those not kept.
    pub errors: u64,
    /// All warnings, also those not kept.
    pub warnings: u64,
    /// A second person has to agree, for this reason.
    pub second_person: Option<String>,
}

/// Findings kept in a report.
pub const FINDINGS_MAX: usize = 200;

/// What a change-set would do to the catalogue, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Entries that are not there yet.
    pub new: u64,
    /// Entries that are there and say the same.
    pub unchanged: u64,
    /// Entries that are there and say something else.
    pub changed: u64,
    /// Entries that go.
    pub removed: u64,
    /// Entries that speak of protected numbers.
    pub protected: u64,
    /// Lines of an import that were left out as invalid.
    pub invalid: u64,
    /// The first of each kind, for people; the values of rows as they would stand.
    pub samples: Vec<PreviewLine>,
    /// The revision it was computed against.
    pub base: Revision,
}

/// One line of a preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewLine {
    /// `new`, `unchanged`, `changed`, `removed`, `protected`.
    pub kind: &'static str,
    /// The list.
    pub list: Box<str>,
    /// The entry's key.
    pub key: Box<str>,
    /// What it would say, or why it is named, in words.
    pub what: String,
}

/// A commit that is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// The new revision.
    pub revision: Revision,
    /// Its digest.
    pub digest: Digest,
    /// Microseconds from the durable record to the swap.
    pub publish_us: u64,
}

/// A page of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Ask with this for the next page; empty at the end.
    pub next: String,
}

/// How a page is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageRequest<'a> {
    /// Items wanted; 0 is the default (100); capped at 1,000.
    pub size: u32,
    /// `next` of the page before; empty for the first.
    pub token: &'a str,
}

/// Formats that can be imported and exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// One value a line.
    Plain,
    /// One JSON object a line.
    Jsonl,
    /// A STIX 2.1 bundle or indicator objects.
    Stix,
    /// FTC do-not-call complaints, CSV.
    FtcDnc,
    /// FCC unwanted calls, CSV.
    FccUnwanted,
    /// `0.0.0.0 example.com` lines.
    Hosts,
}

impl Format {
    /// All formats with their names.
    pub const ALL: [(Format, &'static str); 7] = [
        (Format::Csv, "csv"),
        (Format::Plain, "plain"),
        (Format::Jsonl, "jsonl"),
        (Format::Stix, "stix"),
        (Format::FtcDnc, "ftc-dnc"),
        (Format::FccUnwanted, "fcc-unwanted"),
        (Format::Hosts, "hosts"),
    ];

    /// From its name.
    pub fn parse(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|(_, known)| *known == name).map(|(format, _)| format)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Format::ALL.into_iter().find(|(format, _)| *format == self).map_or("", |(_, name)| name)
    }
}

/// An import into a draft.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// The list; must exist or be created by the same change-set.
    pub list: Box<str>,
    /// The draft to add to; `None` begins one with this title.
    pub change_set: Option<ChangeSetId>,
    /// Title and reason of a new draft.
    pub draft: Draft,
    /// Format of the octets, after decompression (gzip and zstd are known by their first octets).
    pub format: Format,
    /// CSV and JSONL: which of their columns (left) are which of ours (right).
    pub columns: Vec<(String, String)>,
    /// Region of numbers that do not say theirs; `None` leaves only full ones valid.
    pub region: Option<crate::model::number::Region>,
    /// Cells for every row that has none of its own.
    pub defaults: Vec<(String, String)>,
    /// The import is the whole list: what it does not name goes.
    pub replaces: bool,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// The draft that now holds it.
    pub change_set: ChangeSet,
    /// Lines read.
    pub lines: u64,
    /// Values taken.
    pub taken: u64,
    /// Repeats within the file.
    pub repeated: u64,
    /// Lines left out: number and why; the first [`FINDINGS_MAX`].
    pub invalid: Vec<(u64, String)>,
    /// All lines left out.
    pub invalid_count: u64,
    /// SHA-256 of the octets as they came.
    pub source: BlobId,
}

/// A question to `why`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Question {
    /// Nothing.
    #[default]
    Nothing,
    /// A number in any form.
    Number(String),
    /// A text.
    Text(String),
    /// A sender id.
    Sender(String),
    /// A link or domain.
    Link(String),
    /// An entry by list and key.
    Entry {
        /// The list.
        list: String,
        /// The key.
        key: String,
    },
}

/// The answer to `why`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    /// The revision that was asked.
    pub revision: Revision,
    /// Every entry that matches, the one that wins first.
    pub matches: Vec<WhyMatch>,
    /// What the engine would do with it alone, in words.
    pub outcome: String,
}

/// One entry that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyMatch {
    /// The list.
    pub list: Box<str>,
    /// The entry's key.
    pub key: Box<str>,
    /// It decides.
    pub wins: bool,
    /// Its step of precedence, in words: `global block`, `tenant allow`, `score`.
    pub precedence: &'static str,
    /// What it says: effect, points, category, in words.
    pub says: String,
    /// From when to when it applies; `None` is open.
    pub valid: (Option<Timestamp>, Option<Timestamp>),
    /// On trial only.
    pub shadow: bool,
    /// Who added it, when, in which change-set.
    pub origin: Option<Origin>,
    /// Its versions, oldest first.
    pub history: Vec<EntryVersion>,
    /// The bulk import it is a value of.
    pub segment: Option<SegmentVersion>,
}

/// One record for `audit list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place in the log.
    pub cursor: Cursor,
    /// When.
    pub time: Timestamp,
    /// Its hash.
    pub hash: Digest,
    /// Who and what; `None` once erased.
    pub content: Option<(Actor, Event)>,
}

/// Where a mode is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModeScope {
    /// Everywhere.
    All,
    /// One trunk or account.
    Trunk(String),
}

/// Everything that edges may ask of the write side.
pub trait Control: Sources + Send + Sync + 'static {
    /// Begins a change-set. A repeat with the same non-empty `request_id` gives the first one.
    fn draft(&self, caller: Caller, draft: Draft) -> Result<ChangeSet, Refusal>;
    /// Adds edits to a draft.
    fn edit(
        &self,
        caller: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        edits: Vec<Edit>,
    ) -> Result<ChangeSet, Refusal>;
    /// Takes edits out of a draft, by their places.
    fn unedit(
        &self,
        caller: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        edits: Vec<u32>,
    ) -> Result<ChangeSet, Refusal>;
    /// Checks a change-set against the catalogue as it is now.
    fn check(&self, id: ChangeSetId) -> Result<CheckReport, Refusal>;
    /// Counts what it would do.
    fn preview(&self, id: ChangeSetId) -> Result<Preview, Refusal>;
    /// Closes a draft; refused with errors, and with warnings unless they are accepted.
    fn submit(
        &self,
        caller: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        accept_warnings: bool,
    ) -> Result<ChangeSet, Refusal>;
    /// Agrees, as a second person.
    fn approve(&self, caller: Caller, id: ChangeSetId, note: &str) -> Result<ChangeSet, Refusal>;
    /// Refuses, as a second person.
    fn reject(&self, caller: Caller, id: ChangeSetId, note: &str) -> Result<ChangeSet, Refusal>;
    /// Gives a change-set up.
    fn withdraw(&self, caller: Caller, id: ChangeSetId) -> Result<ChangeSet, Refusal>;
    /// Commits and publishes: durable and live when it returns. `break_glass` goes ahead without a
    /// second person, for that reason, and opens a review.
    fn commit(
        &self,
        caller: Caller,
        id: ChangeSetId,
        break_glass: Option<&str>,
    ) -> Result<(ChangeSet, Live), Refusal>;
    /// Ends the review of a change-set that went live by break-glass.
    fn review(&self, caller: Caller, id: ChangeSetId, note: &str) -> Result<ChangeSet, Refusal>;
    /// One change-set.
    fn change_set(&self, id: ChangeSetId) -> Result<ChangeSet, Refusal>;
    /// The edits of a change-set, also of one that is over.
    fn edits(&self, id: ChangeSetId, page: PageRequest<'_>) -> Result<Page<Edit>, Refusal>;
    /// Change-sets, newest first; of one state, or all.
    fn change_sets(
        &self,
        state: Option<State>,
        page: PageRequest<'_>,
    ) -> Result<Page<ChangeSet>, Refusal>;
    /// Drafts what takes the catalogue back to an earlier revision.
    fn rollback(&self, caller: Caller, to: Revision, reason: &str) -> Result<ChangeSet, Refusal>;
    /// What differs between two revisions.
    fn diff(
        &self,
        earlier: Revision,
        later: Revision,
        page: PageRequest<'_>,
    ) -> Result<Page<Changed>, Refusal>;

    /// All lists, now or at a revision.
    fn lists(&self, at: Option<Revision>) -> Result<Vec<ListState>, Refusal>;
    /// One list.
    fn list(&self, id: &str, at: Option<Revision>) -> Result<ListState, Refusal>;
    /// Single entries of a list whose key starts with `prefix`.
    fn entries(
        &self,
        list: &str,
        prefix: &str,
        at: Option<Revision>,
        page: PageRequest<'_>,
    ) -> Result<Page<EntryVersion>, Refusal>;
    /// Every version of one entry.
    fn history(&self, list: &str, key: &str) -> Result<Vec<EntryVersion>, Refusal>;
    /// Which entries speak of this, which one wins, who added it.
    fn why(&self, question: &Question, at: Option<Revision>) -> Result<Why, Refusal>;
    /// Reads values into a draft; nothing is live. `progress` gets octets read.
    fn import(
        &self,
        caller: Caller,
        request: &ImportRequest,
        octets: &mut dyn BufRead,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImportReport, Refusal>;
    /// Writes a list out, formula-safe where the format is read by spreadsheets.
    fn export(
        &self,
        caller: Caller,
        list: &str,
        format: Format,
        at: Option<Revision>,
        out: &mut dyn std::io::Write,
    ) -> Result<u64, Refusal>;
    /// Sets the mode by a change-set that is committed at once. Softening needs no second person;
    /// hardening does, and then comes back as a submitted change-set without a commit.
    fn set_mode(
        &self,
        caller: Caller,
        scope: &ModeScope,
        mode: Mode,
        reason: &str,
    ) -> Result<(ChangeSet, Option<Live>), Refusal>;

    /// Records of the log, oldest first, after a cursor.
    fn audit(&self, after: Cursor, max: usize) -> Result<Vec<AuditRecord>, Refusal>;
    /// Checks the whole chain and all blobs.
    fn verify(&self, progress: &mut dyn FnMut(Cursor)) -> Result<Verified, LogError>;
    /// Erases payloads of records of change-sets that are over, and says so in the log.
    fn erase(&self, caller: Caller, cursors: &[Cursor], reason: &str) -> Result<(), Refusal>;
}
