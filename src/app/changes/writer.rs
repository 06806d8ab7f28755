//! The one writer: appends to the log, folds what the log says into change-sets and view.
//!
//! Invariants: nothing is changed in memory before the log has it; after an append whose outcome
//! is unknown the log is read again before anything else is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::api::Refusal;
use super::live::Live;
use super::ports::{
    AppendError, CatalogueView, ChangeLog, Commit, Head, LogError, NewRecord, Record,
};
use crate::lists::changeset::{Book, ChangeSet, Impossible};
use crate::lists::edit::Edit;
use crate::lists::event::Event;
use crate::lists::view::{Origin, ViewError};
use crate::model::catalogue::{Actor, ChangeSetId, Cursor};
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;

/// Records read from the log at a time.
const PAGE: usize = 256;

/// Everything that only the writer touches.
pub(super) struct Writer {
    pub log: Arc<dyn ChangeLog>,
    pub view: Box<dyn CatalogueView>,
    pub book: Book,
    pub head: Head,
    pub live: Live,
    /// Commits are known that are not live.
    pub stale: bool,
    /// The base image may hold what was erased from the log since.
    pub image_outdated: bool,
    /// The log may have more than is known here.
    in_doubt: bool,
    /// The view did not take what the log has.
    view_broken: bool,
    /// Records that are erased.
    erased: BTreeSet<Cursor>,
    /// Records whose erasure the log announces, and that are not erased.
    erasing: BTreeSet<Cursor>,
    /// They could not be erased; not tried again before the next start or order.
    erasing_failed: bool,
}

/// A commit that the log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Committed {
    pub revision: Revision,
    pub digest: Digest,
}

impl From<ViewError> for Refusal {
    fn from(error: ViewError) -> Refusal {
        Refusal::Unavailable(error.to_string())
    }
}

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Refusal {
        Refusal::Unavailable(error.to_string())
    }
}

impl Writer {
    /// Reads the whole log: change-sets into the book, commits into the view where it lacks them.
    ///
    /// Errors: the log cannot be read or is damaged; the view cannot be written.
    pub fn open(
        log: Arc<dyn ChangeLog>,
        view: Box<dyn CatalogueView>,
        live: Live,
    ) -> Result<Writer, Refusal> {
        let mut writer = Writer {
            log,
            view,
            book: Book::default(),
            head: Head::default(),
            live,
            stale: false,
            image_outdated: false,
            in_doubt: false,
            view_broken: false,
            erased: BTreeSet::new(),
            erasing: BTreeSet::new(),
            erasing_failed: false,
        };
        if !writer.view_fits()? {
            writer.view.reset()?;
        }
        writer.read_on()?;
        // A crash may have come between the record that announces an erasure and the erasing.
        // Where it cannot be done now (a disk that cannot be written) screening goes on all the
        // same.
        drop(writer.finish_erasing());
        Ok(writer)
    }

    /// Is the view one of this log?
    fn view_fits(&self) -> Result<bool, Refusal> {
        let (applied, revision, digest) = self.view.applied()?;
        if applied > self.log.head()?.cursor {
            return Ok(false);
        }
        if revision == Revision(0) {
            return Ok(true);
        }
        let record = self.log.read_from(Cursor(applied.0.saturating_sub(1)), 1)?;
        Ok(record.first().is_some_and(|record| record.hash == digest))
    }

    /// Reads what the log has beyond what is known, into a new view where the old one fails.
    fn read_on(&mut self) -> Result<(), Refusal> {
        match self.catch_up() {
            Err(_) if self.view_broken => {
                self.view.reset()?;
                self.read_again()
            }
            read => read,
        }
    }

    /// Reads the whole log again, into an empty view.
    fn read_again(&mut self) -> Result<(), Refusal> {
        let (revision, stale) = (self.book.revision(), self.stale);
        self.book = Book::default();
        self.head = Head::default();
        self.view_broken = false;
        self.erased.clear();
        self.erasing.clear();
        // Until it is through, the book lacks change-sets.
        self.in_doubt = true;
        self.catch_up()?;
        if self.book.revision() == revision {
            self.stale = stale;
        }
        Ok(())
    }

    /// Erases what the log announces as erased.
    ///
    /// Errors: it cannot be done now; the announcement stays.
    pub fn finish_erasing(&mut self) -> Result<(), Refusal> {
        if self.erasing.is_empty() {
            return Ok(());
        }
        let cursors: Vec<Cursor> = self.erasing.iter().copied().collect();
        // The view goes first: were it emptied last, a crash in between would leave in it what the
        // log no longer has.
        self.erasing_failed = true;
        self.view.reset()?;
        let erased = self.log.erase(&cursors);
        self.read_again()?;
        erased?;
        self.erasing_failed = false;
        self.image_outdated = true;
        Ok(())
    }

    fn catch_up(&mut self) -> Result<(), Refusal> {
        loop {
            let records = self.log.read_from(self.head.cursor, PAGE)?;
            if records.is_empty() {
                self.in_doubt = false;
                return Ok(());
            }
            for record in &records {
                self.take(record)?;
            }
        }
    }

    /// Reads the log again where the outcome of an append is not known.
    pub fn settle(&mut self) -> Result<(), Refusal> {
        if self.in_doubt {
            self.read_on()?;
        }
        if self.erasing_failed { Ok(()) } else { self.finish_erasing() }
    }

    /// A change-set as it stands.
    pub fn header(&self, id: ChangeSetId) -> Result<ChangeSet, Refusal> {
        let missing = || Refusal::NotFound { kind: "change_set", name: id.to_string() };
        self.book.get(id).cloned().ok_or_else(missing)
    }

    /// Appends; what the log has then is in the book and the view too.
    ///
    /// Errors: nothing was written, except for [`Refusal::Unknown`], where it may have been.
    pub fn append(
        &mut self,
        time: Timestamp,
        actor: Actor,
        event: Event,
    ) -> Result<Option<Committed>, Refusal> {
        self.settle()?;
        let record = NewRecord { time, actor, event: &event };
        match self.log.append(&record, self.head.cursor) {
            Ok(head) => {
                let record = Record {
                    cursor: head.cursor,
                    time,
                    hash: head.hash,
                    content: Some((actor, event)),
                };
                self.take_written(&record)
            }
            Err(AppendError::Conflict(_)) => {
                self.in_doubt = true;
                Err(Refusal::Unavailable("another process wrote first; ask again".into()))
            }
            Err(AppendError::Refused(error)) => Err(error.into()),
            Err(AppendError::Unknown(what)) => self.resolve(&event, actor, time, &what),
        }
    }

    /// Takes a record that was just written; the view, which is worth nothing by itself, is made
    /// anew where it does not take it.
    fn take_written(&mut self, record: &Record) -> Result<Option<Committed>, Refusal> {
        let Err(first) = self.take(record) else { return Ok(commit_in(record)) };
        self.in_doubt = true;
        self.read_on().map_err(|_| {
            Refusal::Unknown(format!("it is written, but cannot be read now: {first}"))
        })?;
        Ok(commit_in(record))
    }

    /// Looks whether a record of unknown fate is there.
    fn resolve(
        &mut self,
        event: &Event,
        actor: Actor,
        time: Timestamp,
        what: &str,
    ) -> Result<Option<Committed>, Refusal> {
        self.in_doubt = true;
        let unknown = || Refusal::Unknown(format!("{what}; read again before you repeat it"));
        let records = self.log.read_from(self.head.cursor, 1).map_err(|_| unknown())?;
        match records.first() {
            None => {
                self.in_doubt = false;
                Err(Refusal::Unavailable(format!("{what}; nothing was written")))
            }
            Some(record) => {
                let is_ours = record.time == time
                    && record
                        .content
                        .as_ref()
                        .is_some_and(|(who, said)| *who == actor && said == event);
                let taken = self.take_written(record)?;
                self.in_doubt = false;
                if is_ours { Ok(taken) } else { Err(unknown()) }
            }
        }
    }

    /// Folds a record that the log has into book and view.
    fn take(&mut self, record: &Record) -> Result<(), Refusal> {
        match &record.content {
            None => {
                self.book.apply_erased(record.cursor).map_err(impossible)?;
                self.erased.insert(record.cursor);
            }
            Some((actor, event)) => {
                if let Event::Committed { change_set, revision, .. } = event {
                    let set = self.book.get(*change_set).ok_or_else(|| damaged(record))?;
                    let origin = Origin {
                        revision: *revision,
                        change_set: *change_set,
                        actor: set.author,
                        time: record.time,
                    };
                    let edits: &[Edit] = &set.edits;
                    let (cursor, digest) = (record.cursor, record.hash);
                    let applied = self.view.apply(&Commit { cursor, digest, origin, edits });
                    self.view_broken |= applied.is_err();
                    applied?;
                    self.stale = true;
                }
                self.book.apply(record.cursor, record.time, *actor, event).map_err(impossible)?;
                if let Event::Erased { cursors, .. } = event {
                    let left = cursors.iter().filter(|cursor| !self.erased.contains(cursor));
                    self.erasing.extend(left);
                    self.erasing_failed = false;
                }
            }
        }
        self.head = Head { cursor: record.cursor, hash: record.hash };
        Ok(())
    }
}

/// The revision that a record makes.
fn commit_in(record: &Record) -> Option<Committed> {
    let Some((_, Event::Committed { revision, .. })) = &record.content else { return None };
    Some(Committed { revision: *revision, digest: record.hash })
}

fn impossible(error: Impossible) -> Refusal {
    Refusal::Unavailable(error.to_string())
}

fn damaged(record: &Record) -> Refusal {
    Refusal::Unavailable(format!(
        "record {} of the log commits a change-set that the log does not have",
        record.cursor.0
    ))
}
