//! The log on disk: records and payloads in SQLite, blobs in files, the anchor beside them.
//!
//! Owns durability and the finding of damage. Must not know what events mean, but for the one
//! that announces an erasure. Invariants: an append that returned `Ok` is there after a kill or a
//! power loss; what is read was checked against the chain; nothing panics on a damaged file.

mod anchor;
mod database;
mod read;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, TransactionBehavior, params};

use super::blobs::Blobs;
use super::chain::{self, SALT_BYTES};
use super::{DataDir, forms};
use crate::app::changes::ports::{
    AppendError, ChangeLog, Head, LogError, NewRecord, Record, Verified,
};
use crate::lists::edit::Edit;
use crate::lists::event::Event;
use crate::model::catalogue::{BlobId, Cursor};
use anchor::Anchor;
use database::log_error;

/// Largest body of one record; whoever has more edits writes several records.
pub const BODY_BYTES_MAX: usize = 64 << 20;
/// Bodies that one [`ChangeLog::read_from`] gives at most, but for a single larger one.
pub const READ_BYTES_MAX: usize = 64 << 20;
/// Records read at a time while everything is read.
const PAGE_RECORDS: usize = 1000;

/// The log in a data directory.
#[derive(Debug)]
pub struct SqliteLog {
    dir: Arc<DataDir>,
    blobs: Blobs,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` after a COMMIT with unknown outcome, until the database is opened anew.
    connection: Option<Connection>,
    /// The outcome of a COMMIT is unknown, and what the WAL holds may not be synced.
    unknown: bool,
    anchor: Option<Anchor>,
    head: Head,
}

impl SqliteLog {
    /// Opens the log of a data directory, creating it where there is none.
    pub fn open(dir: &Arc<DataDir>) -> Result<SqliteLog, LogError> {
        let mut state = State::default();
        state.settle(dir)?;
        let blobs = Blobs::new(dir.path().join("blobs"));
        Ok(SqliteLog { dir: dir.clone(), blobs, state: Mutex::new(state) })
    }

    /// The blobs that records name.
    pub fn named_blobs(&self) -> Result<HashSet<BlobId>, LogError> {
        let mut named = HashSet::new();
        self.each(&mut |record| {
            named.extend(blobs_of(&record));
            Ok(())
        })?;
        Ok(named)
    }

    /// Removes blobs that are not to be kept, such as one whose record was never written. To be
    /// called before anybody stores blobs.
    pub fn sweep(&self, keep: &HashSet<BlobId>) -> Result<u64, LogError> {
        self.writable()?;
        self.blobs.sweep(keep)
    }

    /// Moves what is in the WAL to the database; worth doing while nothing else is.
    pub fn checkpoint(&self) -> Result<(), LogError> {
        self.writable()?;
        truncate_wal(self.ready()?.connection()?)
    }

    fn writable(&self) -> Result<(), LogError> {
        if self.dir.is_read_only() {
            return Err(LogError::Unavailable("the data directory is read-only".to_owned()));
        }
        Ok(())
    }

    /// The state with an open database.
    fn ready(&self) -> Result<MutexGuard<'_, State>, LogError> {
        // A panic between two statements leaves a rolled-back transaction behind, nothing worse.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.connection.is_none() {
            state.settle(&self.dir)?;
        }
        Ok(state)
    }

    /// Reads all records, a page at a time, so that appends come in between.
    fn each(&self, take: &mut dyn FnMut(Record) -> Result<(), LogError>) -> Result<Head, LogError> {
        let mut head = Head::default();
        loop {
            let records = self.read_from(head.cursor, PAGE_RECORDS)?;
            if records.is_empty() {
                return Ok(head);
            }
            for record in records {
                head = Head { cursor: record.cursor, hash: record.hash };
                take(record)?;
            }
        }
    }

    /// Overwrites the payloads of records, in the database and in the WAL.
    fn erase_payloads(&self, cursors: &[Cursor]) -> Result<(), LogError> {
        let mut state = self.ready()?;
        let head = state.head;
        let Some(connection) = state.connection.as_mut() else {
            return Err(LogError::Unavailable("not open".to_owned()));
        };
        let announced = read::announcements(connection, cursors, head)?;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|e| log_error(&e))?;
        for (cursor, by) in announced {
            overwrite(&transaction, cursor, by).map_err(|e| log_error(&e))?;
        }
        if let Err(error) = transaction.commit() {
            state.connection = None;
            state.unknown = true;
            return Err(log_error(&error));
        }
        // The octets are still in the WAL until its contents are moved and it is cut.
        truncate_wal(state.connection()?)
    }

    fn check_blobs(&self, record: &Record, seen: &mut HashSet<BlobId>) -> Result<(), LogError> {
        for blob in blobs_of(record) {
            if !seen.insert(blob) {
                continue;
            }
            self.blobs.get(blob).map_err(|error| match error {
                LogError::Missing(what) => {
                    LogError::Corrupt { cursor: record.cursor, what: format!("{what} is gone") }
                }
                LogError::Corrupt { what, .. } => LogError::Corrupt { cursor: record.cursor, what },
                LogError::Unavailable(_) => error,
            })?;
        }
        Ok(())
    }
}

/// The blobs that a record names.
pub(super) fn blobs_of(record: &Record) -> Vec<BlobId> {
    let Some((_, Event::Edited { edits, .. })) = &record.content else { return Vec::new() };
    let blob = |edit: &Edit| match edit {
        Edit::PutSegment { segment, .. } => Some(segment.blob),
        _ => None,
    };
    edits.iter().filter_map(blob).collect()
}

/// The record that must announce an erasure, where a later one does.
pub(super) fn announces(record: &Record, cursor: Cursor) -> bool {
    let Some((_, Event::Erased { cursors, .. })) = &record.content else { return false };
    record.cursor > cursor && cursors.contains(&cursor)
}

fn truncate_wal(connection: &Connection) -> Result<(), LogError> {
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(|e| log_error(&e))?;
    if busy == 0 {
        Ok(())
    } else {
        Err(LogError::Unavailable("somebody else reads the log".to_owned()))
    }
}

impl State {
    fn connection(&self) -> Result<&Connection, LogError> {
        self.connection.as_ref().ok_or_else(|| LogError::Unavailable("not open".to_owned()))
    }

    /// Opens the database and moves everything to its main file, syncing it: what is read from
    /// then on is durable, also where the outcome of a COMMIT was unknown before.
    fn settle(&mut self, dir: &DataDir) -> Result<(), LogError> {
        self.connection = None;
        let connection = database::open(dir)?;
        let head = read::checked_head(&connection)?;
        read::check_anchor(&connection, anchor::read(dir.path()), head)?;
        if !dir.is_read_only() {
            // Not before: the WAL of a log that lacks records may still hold them for a repair.
            database::keep_wal(&connection, false)?;
            match truncate_wal(&connection) {
                // A full disk can still be read; what is in the WAL was synced there.
                Err(LogError::Unavailable(_)) if !self.unknown => {}
                moved => moved?,
            }
            super::dir::sync(dir.path()).map_err(|e| LogError::Unavailable(e.to_string()))?;
            let anchor = Anchor::open(dir.path());
            let anchor = anchor.map_err(|e| LogError::Unavailable(format!("anchor: {e}")))?;
            anchor.set(head);
            self.anchor = Some(anchor);
        }
        self.head = head;
        self.unknown = false;
        self.connection = Some(connection);
        Ok(())
    }

    fn append(&mut self, entry: &Sealed<'_>, expected: Cursor) -> Result<Head, AppendError> {
        let refused = |e: rusqlite::Error| AppendError::Refused(log_error(&e));
        let known = self.head;
        let connection = self.connection.as_mut();
        let connection = connection
            .ok_or_else(|| AppendError::Refused(LogError::Unavailable("not open".to_owned())))?;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(refused)?;
        let found = read::head(&transaction).map_err(AppendError::Refused)?;
        if found != known {
            return Err(AppendError::Refused(LogError::Corrupt {
                cursor: found.cursor,
                what: "the end of the log is not where it was".to_owned(),
            }));
        }
        if found.cursor != expected {
            return Err(AppendError::Conflict(found));
        }
        let head = chain::next(found, entry.record.time, entry.commitment);
        insert(&transaction, head, entry).map_err(refused)?;
        if let Err(error) = transaction.commit() {
            let error = database::commit_error(&error);
            if matches!(error, AppendError::Unknown(_)) {
                // Only a database that is opened anew tells what is on disk.
                self.connection = None;
                self.unknown = true;
            }
            return Err(error);
        }
        self.head = head;
        if let Some(anchor) = &self.anchor {
            anchor.set(head);
        }
        Ok(head)
    }
}

/// A record with its payload, ready to be written.
struct Sealed<'a> {
    record: &'a NewRecord<'a>,
    salt: [u8; SALT_BYTES],
    body: Vec<u8>,
    commitment: crate::model::revision::Digest,
}

fn seal<'a>(record: &'a NewRecord<'a>) -> Result<Sealed<'a>, LogError> {
    let body = forms::write_body(record.actor, record.event);
    check_body(&body)?;
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt)
        .map_err(|e| LogError::Unavailable(format!("no random octets: {e}")))?;
    let commitment = chain::commitment(&salt, &body);
    Ok(Sealed { record, salt, body, commitment })
}

/// Refuses a body that is too large to be read back in one piece.
pub(super) fn check_body(body: &[u8]) -> Result<(), LogError> {
    if body.len() <= BODY_BYTES_MAX {
        return Ok(());
    }
    Err(LogError::Unavailable(format!(
        "a record of {} octets; at most {BODY_BYTES_MAX} are kept, write several",
        body.len()
    )))
}

fn insert(connection: &Connection, head: Head, entry: &Sealed<'_>) -> rusqlite::Result<()> {
    let cursor = head.cursor.0 as i64;
    connection
        .prepare_cached(
            "INSERT INTO record (cursor, time, commitment, hash) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![cursor, entry.record.time.0 as i64, entry.commitment.0, head.hash.0])?;
    connection
        .prepare_cached("INSERT INTO payload (cursor, salt, body) VALUES (?1, ?2, ?3)")?
        .execute(params![cursor, entry.salt, entry.body])?;
    Ok(())
}

impl ChangeLog for SqliteLog {
    fn head(&self) -> Result<Head, LogError> {
        Ok(self.ready()?.head)
    }

    fn append(&self, record: &NewRecord<'_>, expected: Cursor) -> Result<Head, AppendError> {
        self.writable().map_err(AppendError::Refused)?;
        let entry = seal(record).map_err(AppendError::Refused)?;
        self.ready().map_err(AppendError::Refused)?.append(&entry, expected)
    }

    fn read_from(&self, after: Cursor, max: usize) -> Result<Vec<Record>, LogError> {
        let state = self.ready()?;
        read::records(state.connection()?, after, max, state.head)
    }

    fn put_blob(&self, octets: &[u8]) -> Result<BlobId, LogError> {
        self.writable()?;
        self.blobs.put(octets)
    }

    fn get_blob(&self, blob: BlobId) -> Result<Vec<u8>, LogError> {
        self.blobs.get(blob)
    }

    fn erase(&self, cursors: &[Cursor]) -> Result<(), LogError> {
        self.writable()?;
        let mut gone = HashSet::new();
        for cursor in cursors {
            let record = self.read_from(Cursor(cursor.0.saturating_sub(1)), 1)?;
            gone.extend(record.iter().filter(|found| found.cursor == *cursor).flat_map(blobs_of));
        }
        self.erase_payloads(cursors)?;
        // Imports are payload, too. A crash before this leaves them to the sweep of the next start.
        let kept = if gone.is_empty() { HashSet::new() } else { self.named_blobs()? };
        gone.difference(&kept).try_for_each(|blob| self.blobs.remove_one(*blob))
    }

    fn verify(&self, progress: &mut dyn FnMut(Cursor)) -> Result<Verified, LogError> {
        let mut verified = Verified::default();
        let mut seen = HashSet::new();
        let mut erased = Vec::new();
        verified.head = self.each(&mut |record| {
            if record.cursor.0.is_multiple_of(PAGE_RECORDS as u64) {
                progress(record.cursor);
            }
            if record.content.is_none() {
                erased.push(record.cursor);
            }
            self.check_blobs(&record, &mut seen)
        })?;
        let state = self.ready()?;
        let connection = state.connection()?;
        for cursor in erased {
            verified.erased.push((cursor, read::announced(connection, cursor)?));
        }
        read::check_anchor(connection, anchor::read(self.dir.path()), state.head)?;
        read::check_pages(connection)?;
        verified.blobs = seen.len() as u64;
        progress(verified.head.cursor);
        Ok(verified)
    }
}

/// Overwrites a payload in place: equal length leaves the page as it is, so that no copy of it is
/// left in a page that was parted or merged.
fn overwrite(connection: &Connection, cursor: Cursor, by: Cursor) -> rusqlite::Result<()> {
    let cursor = cursor.0 as i64;
    connection.execute(
        "UPDATE payload SET salt = zeroblob(length(salt)), body = zeroblob(length(body))
         WHERE cursor = ?1",
        [cursor],
    )?;
    connection.execute(
        "INSERT OR REPLACE INTO erasure (cursor, announced) VALUES (?1, ?2)",
        params![cursor, by.0 as i64],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
