//! Tables of the view, and the check of all that stands in them.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest as _, Sha256};

use super::failed;
use crate::lists::view::ViewError;
use crate::model::catalogue::Cursor;
use crate::model::revision::{Digest, Revision};

/// Marks the file as ours: "RFvw".
const APPLICATION_ID: i32 = 0x5246_7677;
/// Version of the tables; another one is not read but made anew.
const SCHEMA_VERSION: i32 = 1;

/// Cells that the checksum of each table covers; `row_sum` is given them in this order.
pub(super) const LIST_CELLS: &str = "id, from_rev, until_rev, created, spec";
pub(super) const ENTRY_CELLS: &str = "list, key, from_rev, until_rev, row";
pub(super) const SEGMENT_CELLS: &str = "place, list, blob, count, shared, from_rev, until_rev";
pub(super) const REVISION_CELLS: &str = "number, digest, cursor, change_set, author, time";
pub(super) const META_CELLS: &str = "cursor, revision, digest, lists, entries, segments, revisions";

/// Tables with the column of `meta` that counts their rows, and what their checksums cover.
const COUNTED: [(&str, &str, &str); 4] = [
    ("list_version", "lists", LIST_CELLS),
    ("entry_version", "entries", ENTRY_CELLS),
    ("segment_version", "segments", SEGMENT_CELLS),
    ("revision", "revisions", REVISION_CELLS),
];

/// A version holds from the first revision to the one before the second; NULL is in force.
const TABLES: &str = "
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        cursor INTEGER NOT NULL, revision INTEGER NOT NULL, digest BLOB NOT NULL,
        lists INTEGER NOT NULL, entries INTEGER NOT NULL, segments INTEGER NOT NULL,
        revisions INTEGER NOT NULL, sum INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE revision (
        number INTEGER PRIMARY KEY,
        digest BLOB NOT NULL, cursor INTEGER NOT NULL, change_set INTEGER NOT NULL,
        author TEXT NOT NULL, time INTEGER NOT NULL, sum INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE list_version (
        id TEXT NOT NULL, from_rev INTEGER NOT NULL, until_rev INTEGER,
        created INTEGER NOT NULL, spec TEXT NOT NULL, sum INTEGER NOT NULL,
        PRIMARY KEY (id, from_rev)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE entry_version (
        list TEXT NOT NULL, key TEXT NOT NULL,
        from_rev INTEGER NOT NULL, until_rev INTEGER, row TEXT, sum INTEGER NOT NULL,
        PRIMARY KEY (list, key, from_rev)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX entry_by_key ON entry_version (key, list, from_rev);
    CREATE INDEX entry_by_from ON entry_version (from_rev);
    CREATE INDEX entry_by_until ON entry_version (until_rev) WHERE until_rev IS NOT NULL;
    CREATE TABLE segment_version (
        place INTEGER PRIMARY KEY,
        list TEXT NOT NULL, blob BLOB NOT NULL, count INTEGER NOT NULL, shared TEXT NOT NULL,
        from_rev INTEGER NOT NULL, until_rev INTEGER, sum INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX segment_by_list ON segment_version (list, blob);";

/// A checksum over cells: the first 8 octets of SHA-256, each cell behind its type and length. It
/// is there for damage, not against people, who could write a new one.
fn row_sum<'a>(cells: impl Iterator<Item = ValueRef<'a>>) -> i64 {
    let mut hasher = Sha256::new();
    let mut add = |kind: u8, octets: &[u8]| {
        hasher.update([kind]);
        hasher.update((octets.len() as u64).to_be_bytes());
        hasher.update(octets);
    };
    for cell in cells {
        match cell {
            ValueRef::Null => add(0, &[]),
            ValueRef::Integer(value) => add(1, &value.to_be_bytes()),
            ValueRef::Real(value) => add(2, &value.to_be_bytes()),
            ValueRef::Text(octets) => add(3, octets),
            ValueRef::Blob(octets) => add(4, octets),
        }
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let (first, _) = digest.split_first_chunk::<8>().expect("32 octets hold 8");
    i64::from_be_bytes(*first)
}

/// Settings, the checksum function, and tables where there are none.
pub(super) fn prepare(connection: &Connection) -> Result<(), ViewError> {
    configure(connection).map_err(failed)?;
    let pragma = |name: &str| -> Result<i32, ViewError> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(failed)
    };
    let found = (pragma("application_id")?, pragma("user_version")?);
    if found == (APPLICATION_ID, SCHEMA_VERSION) {
        return Ok(());
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    if found != (0, 0) || tables != 0 {
        return Err(ViewError(format!("the view has form {}, not {SCHEMA_VERSION}", found.1)));
    }
    let create = format!(
        "BEGIN IMMEDIATE; {TABLES}
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {SCHEMA_VERSION};"
    );
    connection
        .execute_batch(&create)
        .and_then(|()| empty(connection))
        .and_then(|()| connection.execute_batch("COMMIT"))
        .map_err(failed)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // No sync at a commit, but in order: a power loss leaves an earlier revision, never a mixture.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("row_sum", -1, flags, |context| {
        Ok(row_sum((0..context.len()).map(|at| context.get_raw(at))))
    })
}

/// Removes all rows; the view is at revision 0.
pub(super) fn empty(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "DELETE FROM list_version; DELETE FROM entry_version; DELETE FROM segment_version;
         DELETE FROM revision; DELETE FROM meta;
         INSERT INTO meta VALUES (1, 0, 0, zeroblob(32), 0, 0, 0, 0, 0);
         UPDATE meta SET sum = row_sum({META_CELLS});"
    ))
}

/// Checks pages, indexes, checksums and counts; says what was applied last.
pub(super) fn check(connection: &Connection) -> Result<(Cursor, Revision, Digest), ViewError> {
    let damaged = |what: &str| ViewError(format!("the view is damaged: {what}"));
    let pages: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if pages != "ok" {
        return Err(damaged(&pages));
    }
    let sql =
        format!("SELECT cursor, revision, digest FROM meta WHERE sum = row_sum({META_CELLS})");
    let applied = connection
        .query_row(&sql, [], |row| {
            let (cursor, revision): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok((Cursor(cursor as u64), Revision(revision as u64), Digest(row.get(2)?)))
        })
        .optional()
        .map_err(failed)?;
    let applied = applied.ok_or_else(|| damaged("its own record"))?;
    for (table, counter, cells) in COUNTED {
        let sql = format!(
            "SELECT count(*) = (SELECT {counter} FROM meta)
                 AND ifnull(min(sum = row_sum({cells})), 1) FROM {table}"
        );
        let good: bool = connection.query_row(&sql, [], |row| row.get(0)).map_err(failed)?;
        if !good {
            return Err(damaged(table));
        }
    }
    let sql = "SELECT revisions = revision AND revisions = (SELECT count(*) FROM revision
                   WHERE number BETWEEN 1 AND revision) FROM meta";
    let whole: bool = connection.query_row(sql, [], |row| row.get(0)).map_err(failed)?;
    if whole { Ok(applied) } else { Err(damaged("revisions")) }
}
