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
    /// The log has commits that are not screened against yet.
    pub unpublished: bool,
    /// Records whose payload is erased, and those of which that was announced only.
    gone: BTreeSet<Cursor>,
    announced: Vec<Cursor>,
    /// The log may have records that are not read yet.
    in_doubt: bool,
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
            unpublished: false,
            gone: BTreeSet::new(),
            announced: Vec::new(),
            in_doubt: false,
        };
        // A view that knows of records that the log does not have belongs to another log.
        let (applied, revision, digest) = writer.view.applied()?;
        let head = writer.log.head()?;
        if applied > head.cursor {
            writer.view.reset()?;
        } else if revision > Revision(0) {
            let record = writer.log.read_from(Cursor(applied.0 - 1), 1)?;
            if record.first().is_none_or(|record| record.hash != digest) {
                writer.view.reset()?;
            }
        }
        writer.catch_up()?;
        writer.finish_erasures();
        Ok(writer)
    }

    /// Reads what the log has beyond what is known.
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

    /// Erases what was announced where a crash came in between.
    fn finish_erasures(&mut self) {
        let mut left = std::mem::take(&mut self.announced);
        left.retain(|cursor| !self.gone.contains(cursor));
        if !left.is_empty() {
            // A disk that cannot be written now is tried again at the next start.
            drop(self.log.erase(&left));
        }
    }

    /// Reads the log again where it may have more than is known.
    pub fn settle(&mut self) -> Result<(), Refusal> {
        if self.in_doubt { self.catch_up() } else { Ok(()) }
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
                self.take_own(&record)
            }
            Err(AppendError::Conflict(_)) => {
                self.in_doubt = true;
                Err(Refusal::Unavailable("another process wrote first; ask again".into()))
            }
            Err(AppendError::Refused(error)) => Err(error.into()),
            Err(AppendError::Unknown(what)) => self.resolve(&event, actor, time, &what),
        }
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
                let taken = self.take_own(record)?;
                self.in_doubt = false;
                if is_ours { Ok(taken) } else { Err(unknown()) }
            }
        }
    }

    /// Folds what was just written. Where that fails, as it does when the disk fills up between log
    /// and view, the record is there all the same: it is read again before anything else is done.
    fn take_own(&mut self, record: &Record) -> Result<Option<Committed>, Refusal> {
        self.take(record).map_err(|refusal| {
            self.in_doubt = true;
            Refusal::Unknown(format!(
                "record {} is in the log but cannot be followed yet ({refusal}); it is live as \
                 soon as it can be",
                record.cursor.0
            ))
        })
    }

    /// Folds a record that the log has into book and view.
    fn take(&mut self, record: &Record) -> Result<Option<Committed>, Refusal> {
        let mut committed = None;
        match &record.content {
            None => {
                self.book.apply_erased(record.cursor).map_err(impossible)?;
                self.gone.insert(record.cursor);
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
                    self.view.apply(&Commit { cursor, digest, origin, edits })?;
                    self.unpublished = true;
                    committed = Some(Committed { revision: *revision, digest });
                }
                self.book.apply(record.cursor, record.time, *actor, event).map_err(impossible)?;
                if let Event::Erased { cursors, .. } = event {
                    self.announced.extend(cursors);
                }
            }
        }
        self.head = Head { cursor: record.cursor, hash: record.hash };
        Ok(committed)
    }
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
