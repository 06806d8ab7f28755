//! The view: lists, entries and segments with the revisions they came and went with, in SQLite.
//!
//! Derived from the log and worth nothing by itself: whatever is wrong with it, the caller makes a
//! new one and fills it again. Owns its tables and the finding of damage. Must not know the log.
//! Invariants: a commit is in it whole or not at all; each row carries a checksum over its cells,
//! and the rows of each table are counted, so that damage is found when the view is opened or at
//! the latest when the row is read.

mod apply;
mod read;
mod schema;

use std::fs;
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use crate::app::changes::ports::{CatalogueView, Commit};
use crate::lists::view::{Changed, EntryVersion, ListState, Origin, Scan};
use crate::lists::view::{SegmentVersion, View, ViewError};
use crate::model::catalogue::Cursor;
use crate::model::revision::{Digest, Revision};

/// The view in a file or in memory.
#[derive(Debug)]
pub struct SqliteView {
    connection: Connection,
    /// As `meta` says.
    applied: (Cursor, Revision, Digest),
}

/// What an error of SQLite means for the view: it cannot answer.
fn failed(error: rusqlite::Error) -> ViewError {
    ViewError(error.to_string())
}

/// A number as SQLite keeps it; nothing that is counted comes near the border.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl SqliteView {
    /// Opens a view and checks all of it; an empty one is made where there is no file. An error
    /// says that it is damaged or of another form: go on with [`SqliteView::create`].
    pub fn open(path: &Path) -> Result<SqliteView, ViewError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        SqliteView::with(connection)
    }

    /// Removes what stands there, without reading it, and makes an empty view.
    pub fn create(path: &Path) -> Result<SqliteView, ViewError> {
        for end in ["", "-wal", "-shm", "-journal"] {
            let mut file = path.as_os_str().to_owned();
            file.push(end);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ViewError(format!("the old view cannot be removed: {error}")));
                }
                _ => {}
            }
        }
        SqliteView::open(path)
    }

    /// An empty view that nobody else sees, gone with its owner.
    pub fn in_memory() -> Result<SqliteView, ViewError> {
        SqliteView::with(Connection::open_in_memory().map_err(failed)?)
    }

    fn with(connection: Connection) -> Result<SqliteView, ViewError> {
        schema::prepare(&connection)?;
        let applied = schema::check(&connection)?;
        Ok(SqliteView { connection, applied })
    }
}

impl CatalogueView for SqliteView {
    fn applied(&self) -> Result<(Cursor, Revision, Digest), ViewError> {
        Ok(self.applied)
    }

    fn digest(&self, revision: Revision) -> Result<Option<Digest>, ViewError> {
        self.connection
            .prepare_cached("SELECT digest FROM revision WHERE number = ?1")
            .and_then(|mut statement| {
                let digest = |row: &rusqlite::Row<'_>| row.get(0).map(Digest);
                statement.query_row([int(revision.0)], digest).optional()
            })
            .map_err(failed)
    }

    fn commit_of(&self, revision: Revision) -> Result<Option<(Cursor, Origin)>, ViewError> {
        read::commit_of(&self.connection, revision)
    }

    fn apply(&mut self, commit: &Commit<'_>) -> Result<(), ViewError> {
        let revision = commit.origin.revision;
        if revision <= self.applied.1 && revision.0 > 0 {
            return match self.digest(revision)? {
                Some(digest) if digest == commit.digest => Ok(()),
                _ => Err(ViewError(format!("revision {revision} is another one in the view"))),
            };
        }
        if revision.0 != self.applied.1.0 + 1 || commit.cursor <= self.applied.0 {
            return Err(ViewError(format!(
                "revision {revision} does not follow revision {}",
                self.applied.1
            )));
        }
        let transaction = self.connection.transaction().map_err(failed)?;
        apply::commit(&transaction, commit)?;
        transaction.commit().map_err(failed)?;
        self.applied = (commit.cursor, revision, commit.digest);
        Ok(())
    }

    fn reset(&mut self) -> Result<(), ViewError> {
        let transaction = self.connection.transaction().map_err(failed)?;
        schema::empty(&transaction).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        self.applied = Default::default();
        // What was erased from the log must not live on here.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)
    }
}

impl View for SqliteView {
    fn revision(&self) -> Revision {
        self.applied.1
    }

    fn lists(&self, at: Revision) -> Result<Vec<ListState>, ViewError> {
        read::Reader::new(&self.connection).lists(None, at)
    }

    fn list(&self, id: &str, at: Revision) -> Result<Option<ListState>, ViewError> {
        Ok(read::Reader::new(&self.connection).lists(Some(id), at)?.pop())
    }

    fn entry(
        &self,
        list: &str,
        key: &str,
        at: Revision,
    ) -> Result<Option<EntryVersion>, ViewError> {
        let reader = read::Reader::new(&self.connection);
        let found = reader.entries(
            "WHERE list = ?1 AND key = ?2 AND from_rev <= ?3 AND (until_rev IS NULL OR until_rev \
             > ?3)",
            params![list, key, int(at.0)],
        )?;
        Ok(found.into_iter().next())
    }

    fn versions(&self, list: &str, key: &str) -> Result<Vec<EntryVersion>, ViewError> {
        let reader = read::Reader::new(&self.connection);
        reader.entries("WHERE list = ?1 AND key = ?2 ORDER BY from_rev", params![list, key])
    }

    fn scan(&self, scan: Scan<'_>, at: Revision) -> Result<Vec<EntryVersion>, ViewError> {
        read::Reader::new(&self.connection).scan(&scan, at)
    }

    fn segments(&self, list: Option<&str>, at: Revision) -> Result<Vec<SegmentVersion>, ViewError> {
        read::Reader::new(&self.connection).segments(list, at)
    }

    fn changed(&self, earlier: Revision, later: Revision) -> Result<Vec<Changed>, ViewError> {
        read::Reader::new(&self.connection).changed(earlier, later)
    }
}

#[cfg(test)]
mod tests;
