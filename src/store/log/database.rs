//! The log's database: how it is opened, its tables, and what SQLite's errors mean.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::app::changes::ports::{AppendError, LogError};
use crate::model::catalogue::Cursor;
use crate::store::DataDir;

/// Its name within the data directory.
pub const NAME: &str = "log.db";
/// Marks the file as ours: "RFlg".
const APPLICATION_ID: i32 = 0x5246_6c67;
/// Version of the tables.
const SCHEMA_VERSION: i32 = 1;
/// Somebody copies or inspects the file: worth a short wait, not a hang.
const BUSY: Duration = Duration::from_millis(2000);

const TABLES: &str = "
    CREATE TABLE record (
        cursor INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        commitment BLOB NOT NULL,
        hash BLOB NOT NULL
    ) STRICT;
    CREATE TABLE payload (
        cursor INTEGER PRIMARY KEY,
        salt BLOB NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE erasure (
        cursor INTEGER PRIMARY KEY,
        announced INTEGER NOT NULL
    ) STRICT;";

/// What an error of SQLite means for the log.
pub fn log_error(error: &rusqlite::Error) -> LogError {
    let corrupt = |what: String| LogError::Corrupt { cursor: Cursor(0), what };
    match error {
        rusqlite::Error::SqliteFailure(code, _) => match code.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown => {
                corrupt(error.to_string())
            }
            _ => LogError::Unavailable(error.to_string()),
        },
        // No such table, a column of another type: not the file that was written.
        _ => corrupt(error.to_string()),
    }
}

/// What an error during COMMIT means: a full disk is found before the record is whole, anything
/// else may come after.
pub fn commit_error(error: &rusqlite::Error) -> AppendError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::DatabaseBusy
            | ErrorCode::ConstraintViolation,
        ) => AppendError::Refused(log_error(error)),
        _ => AppendError::Unknown(error.to_string()),
    }
}

/// Opens the database, creating what is missing.
pub fn open(dir: &DataDir) -> Result<Connection, LogError> {
    let path = dir.path().join(NAME);
    let connection = if dir.is_read_only() { open_immutable(&path)? } else { open_file(&path)? };
    keep_wal(&connection, true)?;
    configure(&connection, dir.is_read_only()).map_err(|e| log_error(&e))?;
    check_schema(&connection, dir.is_read_only())?;
    Ok(connection)
}

/// Whether the WAL is left as it is when the database is closed.
pub fn keep_wal(connection: &Connection, keep: bool) -> Result<(), LogError> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
        .map(|_| ())
        .map_err(|e| log_error(&e))
}

fn open_file(path: &Path) -> Result<Connection, LogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|e| log_error(&e))
}

/// On a read-only disk SQLite cannot work with a WAL; without one it can read the file as it is.
fn open_immutable(path: &Path) -> Result<Connection, LogError> {
    let wal = path.with_extension("db-wal");
    if std::fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0) {
        return Err(LogError::Unavailable(format!(
            "the disk is read-only and {} holds changes that are not in {NAME} yet; make the disk \
             writable once",
            wal.display()
        )));
    }
    let name = path.to_str().ok_or_else(|| {
        LogError::Unavailable("the name of the data directory is not UTF-8".to_owned())
    })?;
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
        .map_err(|e| log_error(&e))
}

fn configure(connection: &Connection, read_only: bool) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    // Reading through a mapping would turn an error of the disk into a dead process.
    connection.pragma_update(None, "mmap_size", 0)?;
    if read_only {
        return Ok(());
    }
    // One process only, so the index of the WAL needs no shared file; its mapping on a full disk
    // would be a dead process, too. Must stand before the WAL is touched.
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    // A file system that cannot have it keeps the journal it has, which is as durable.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // An acknowledged record is synced.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)
}

fn check_schema(connection: &Connection, read_only: bool) -> Result<(), LogError> {
    let pragma = |name: &str| -> Result<i32, LogError> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|e| log_error(&e))
    };
    let found = (pragma("application_id")?, pragma("user_version")?);
    if found == (APPLICATION_ID, SCHEMA_VERSION) {
        return Ok(());
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|e| log_error(&e))?;
    if found == (0, 0) && tables == 0 && !read_only {
        let create = format!(
            "BEGIN IMMEDIATE; {TABLES}
             PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = {SCHEMA_VERSION};
             COMMIT;"
        );
        return connection.execute_batch(&create).map_err(|e| log_error(&e));
    }
    if found.0 == APPLICATION_ID && found.1 > SCHEMA_VERSION {
        return Err(LogError::Unavailable(format!(
            "{NAME} has form {}, this program knows {SCHEMA_VERSION}; use the version of the \
             program that wrote it",
            found.1
        )));
    }
    Err(LogError::Corrupt { cursor: Cursor(0), what: format!("{NAME} is no log of Ringfence") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn errors_at_commit_say_unknown_unless_they_are_sure() {
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR] {
            assert!(matches!(commit_error(&failure(code)), AppendError::Unknown(_)));
            assert!(matches!(log_error(&failure(code)), LogError::Unavailable(_)));
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_READONLY, ffi::SQLITE_BUSY] {
            let refused = AppendError::Refused(log_error(&failure(code)));
            assert_eq!(commit_error(&failure(code)), refused);
            assert!(matches!(log_error(&failure(code)), LogError::Unavailable(_)));
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_ERROR] {
            assert!(matches!(log_error(&failure(code)), LogError::Corrupt { .. }));
        }
        assert!(matches!(commit_error(&failure(ffi::SQLITE_CORRUPT)), AppendError::Unknown(_)));
    }
}
