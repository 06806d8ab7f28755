//! Reading the log: every record is checked against the chain before anybody sees it.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::database::log_error;
use super::{READ_BYTES_MAX, anchor, announces};
use crate::app::changes::ports::{Head, LogError, Record};
use crate::lists::event::Event;
use crate::model::catalogue::{Actor, Cursor};
use crate::model::revision::Digest;
use crate::model::time::Timestamp;
use crate::store::chain::{self, SALT_BYTES};
use crate::store::forms::{self, FormError};

const RECORDS: &str = "
    SELECT r.cursor, r.time, r.commitment, r.hash, p.salt, p.body, e.announced
    FROM record r LEFT JOIN payload p USING (cursor) LEFT JOIN erasure e USING (cursor)
    WHERE r.cursor > ?1 ORDER BY r.cursor LIMIT ?2";

fn corrupt(cursor: Cursor, what: &str) -> LogError {
    LogError::Corrupt { cursor, what: what.to_owned() }
}

/// A row of `record` as it stands there, not checked yet.
struct Stored {
    head: Head,
    time: Timestamp,
    commitment: Digest,
    salt: Option<Vec<u8>>,
    body: Option<Vec<u8>>,
    announced: Option<Cursor>,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let octets = |at: usize| -> rusqlite::Result<Option<Vec<u8>>> {
        Ok(match row.get_ref(at)? {
            ValueRef::Null => None,
            value => Some(value.as_blob()?.to_vec()),
        })
    };
    Ok(Stored {
        head: Head {
            cursor: Cursor(row.get::<_, i64>(0)? as u64),
            hash: Digest(row.get::<_, [u8; 32]>(3)?),
        },
        time: Timestamp(row.get::<_, i64>(1)? as u64),
        commitment: Digest(row.get::<_, [u8; 32]>(2)?),
        salt: octets(4)?,
        body: octets(5)?,
        announced: row.get::<_, Option<i64>>(6)?.map(|cursor| Cursor(cursor as u64)),
    })
}

/// The end of the log as it stands there.
pub(super) fn head(connection: &Connection) -> Result<Head, LogError> {
    let read = |row: &Row<'_>| {
        let hash = Digest(row.get::<_, [u8; 32]>(1)?);
        Ok(Head { cursor: Cursor(row.get::<_, i64>(0)? as u64), hash })
    };
    let head = connection
        .prepare_cached("SELECT cursor, hash FROM record ORDER BY cursor DESC LIMIT 1")
        .and_then(|mut statement| statement.query_row([], read).optional())
        .map_err(|e| log_error(&e))?;
    Ok(head.unwrap_or_default())
}

/// The end of the log, with its last record checked.
pub(super) fn checked_head(connection: &Connection) -> Result<Head, LogError> {
    let head = head(connection)?;
    if head.cursor.0 > 0 {
        record(connection, head.cursor, head)?;
    }
    Ok(head)
}

/// The hash of a record as it stands there; zeros before the first.
fn hash_at(connection: &Connection, cursor: Cursor) -> Result<Head, LogError> {
    if cursor.0 == 0 {
        return Ok(Head::default());
    }
    let hash = connection
        .prepare_cached("SELECT hash FROM record WHERE cursor = ?1")
        .and_then(|mut statement| {
            statement.query_row([cursor.0 as i64], |row| row.get::<_, [u8; 32]>(0)).optional()
        })
        .map_err(|e| log_error(&e))?;
    let hash = hash.ok_or_else(|| corrupt(cursor, "the record is gone"))?;
    Ok(Head { cursor, hash: Digest(hash) })
}

/// No record that the anchor knows is gone or another one.
pub(super) fn check_anchor(
    connection: &Connection,
    anchor: Option<Head>,
    head: Head,
) -> Result<(), LogError> {
    let Some(anchor) = anchor else { return Ok(()) };
    if anchor.cursor > head.cursor {
        return Err(anchor::lost(anchor, head));
    }
    if hash_at(connection, anchor.cursor)? == anchor {
        Ok(())
    } else {
        Err(anchor::replaced(anchor))
    }
}

/// SQLite's own check of pages and indexes.
pub(super) fn check_pages(connection: &Connection) -> Result<(), LogError> {
    let answer: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|e| log_error(&e))?;
    if answer == "ok" { Ok(()) } else { Err(corrupt(Cursor(0), &answer)) }
}

/// One record, checked.
fn record(connection: &Connection, cursor: Cursor, head: Head) -> Result<Record, LogError> {
    let records = records(connection, Cursor(cursor.0.saturating_sub(1)), 1, head)?;
    records.into_iter().next().ok_or_else(|| corrupt(cursor, "the record is gone"))
}

/// Records after a cursor up to the end, each checked against the chain.
pub(super) fn records(
    connection: &Connection,
    after: Cursor,
    max: usize,
    end: Head,
) -> Result<Vec<Record>, LogError> {
    let wanted = end.cursor.0.saturating_sub(after.0).min(max as u64);
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let sql = |e: rusqlite::Error| log_error(&e);
    let mut before = hash_at(connection, after)?;
    let mut statement = connection.prepare_cached(RECORDS).map_err(sql)?;
    let mut rows = statement.query(params![after.0 as i64, wanted as i64]).map_err(sql)?;
    let mut records = Vec::with_capacity(wanted as usize);
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(sql)? {
        let next = Cursor(before.cursor.0 + 1);
        let stored = stored(row).map_err(|e| corrupt(next, &e.to_string()))?;
        bytes += stored.body.as_ref().map_or(0, Vec::len);
        if bytes > READ_BYTES_MAX && !records.is_empty() {
            return Ok(records);
        }
        if chain::next(before, stored.time, stored.commitment) != stored.head {
            return Err(corrupt(next, "its hash does not follow from the record before"));
        }
        before = stored.head;
        records.push(Record {
            cursor: before.cursor,
            time: stored.time,
            hash: before.hash,
            content: content(connection, &stored, end)?,
        });
    }
    if (records.len() as u64) < wanted {
        return Err(corrupt(Cursor(before.cursor.0 + 1), "the record is gone"));
    }
    if before.cursor == end.cursor && before != end {
        return Err(corrupt(end.cursor, "the end of the log is not where it was"));
    }
    Ok(records)
}

/// Who and what; `None` once erased, which must have been announced.
fn content(
    connection: &Connection,
    stored: &Stored,
    end: Head,
) -> Result<Option<(Actor, Event)>, LogError> {
    let cursor = stored.head.cursor;
    let (Some(salt), Some(body)) = (&stored.salt, &stored.body) else {
        return Err(corrupt(cursor, "its payload is gone"));
    };
    if let Some(by) = stored.announced {
        if salt.iter().chain(body).any(|octet| *octet != 0) {
            return Err(corrupt(cursor, "it is said to be erased, but is not"));
        }
        // The announcement cannot itself be erased, so this ends after one step.
        if by > cursor && by <= end.cursor && announces(&record(connection, by, end)?, cursor) {
            return Ok(None);
        }
        return Err(corrupt(cursor, "it is erased, and no record announces that"));
    }
    if salt.len() != SALT_BYTES || chain::commitment(salt, body) != stored.commitment {
        return Err(corrupt(cursor, "its payload is not the one that was committed to"));
    }
    match forms::read_body(body) {
        Ok(content) => Ok(Some(content)),
        Err(error @ FormError::Version(_)) => {
            Err(LogError::Unavailable(format!("record {}: {error}", cursor.0)))
        }
        Err(FormError::Wrong(what)) => Err(corrupt(cursor, &what)),
    }
}

/// The record that announces the erasure of an erased one.
pub(super) fn announced(connection: &Connection, cursor: Cursor) -> Result<Cursor, LogError> {
    connection
        .query_row("SELECT announced FROM erasure WHERE cursor = ?1", [cursor.0 as i64], |row| {
            row.get::<_, i64>(0).map(|by| Cursor(by as u64))
        })
        .map_err(|e| log_error(&e))
}

/// Finds who announces the erasure of each of these, looking back from the end: the announcement
/// is mostly the last record.
pub(super) fn announcements(
    connection: &Connection,
    cursors: &[Cursor],
    end: Head,
) -> Result<Vec<(Cursor, Cursor)>, LogError> {
    let mut missing: Vec<Cursor> = cursors.to_vec();
    let mut found = Vec::with_capacity(cursors.len());
    let mut at = end.cursor.0;
    while !missing.is_empty() && at > 0 {
        let record = record(connection, Cursor(at), end)?;
        missing.retain(|cursor| {
            let here = announces(&record, *cursor);
            if here {
                found.push((*cursor, record.cursor));
            }
            !here
        });
        at -= 1;
    }
    if let Some(cursor) = missing.first() {
        return Err(LogError::Missing(format!(
            "a record that announces the erasure of record {}",
            cursor.0
        )));
    }
    for (cursor, _) in &found {
        if let Some((_, Event::Erased { .. })) = record(connection, *cursor, end)?.content {
            return Err(LogError::Missing(format!(
                "a payload that can be erased in record {}: it announces an erasure itself",
                cursor.0
            )));
        }
    }
    Ok(found)
}
