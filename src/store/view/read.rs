//! Questions to the view; each row is checked against its checksum when it is read.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Params, Row, ToSql, params};

use super::schema::{ENTRY_CELLS, LIST_CELLS, REVISION_CELLS, SEGMENT_CELLS};
use super::{failed, int};
use crate::lists::edit::SegmentUse;
use crate::lists::view::{Changed, EntryVersion, ListState, Origin, Scan};
use crate::lists::view::{SegmentVersion, ViewError};
use crate::model::catalogue::{Actor, BlobId, ChangeSetId, Cursor};
use crate::model::entry::ListSpec;
use crate::model::revision::Revision;
use crate::model::time::Timestamp;
use crate::store::forms::{self, FormError};

/// Which versions are in force at revision `?1`. The sign keeps SQLite from searching by revision,
/// which nearly all rows match.
const IN_FORCE: &str = "+from_rev <= ?1 AND (until_rev IS NULL OR until_rev > ?1)";
/// Which versions begin or end behind revision `?1`, up to revision `?2`.
const TOUCHED: &str = "(from_rev > ?1 AND from_rev <= ?2) OR (until_rev > ?1 AND until_rev <= ?2)";

fn damaged(what: &str) -> ViewError {
    ViewError(format!("the view is damaged: {what}"))
}

fn unreadable(error: FormError) -> ViewError {
    damaged(&error.to_string())
}

/// The commit that made a revision.
pub(super) fn commit_of(
    connection: &Connection,
    revision: Revision,
) -> Result<Option<(Cursor, Origin)>, ViewError> {
    let sql = format!(
        "SELECT cursor, change_set, author, time, sum = row_sum({REVISION_CELLS}) FROM revision
         WHERE number = ?1"
    );
    let read = |row: &Row<'_>| {
        let numbers: [i64; 3] = [row.get(0)?, row.get(1)?, row.get(3)?];
        Ok((numbers, row.get::<_, String>(2)?, row.get::<_, bool>(4)?))
    };
    let found = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([int(revision.0)], read).optional())
        .map_err(failed)?;
    let Some(([cursor, change_set, time], author, good)) = found else { return Ok(None) };
    let actor = Actor::parse(&author).filter(|_| good).ok_or_else(|| damaged("a revision"))?;
    let change_set = ChangeSetId(change_set as u64);
    let origin = Origin { revision, change_set, actor, time: Timestamp(time as u64) };
    Ok(Some((Cursor(cursor as u64), origin)))
}

/// Reads, and remembers the origins that its answers share.
pub(super) struct Reader<'c> {
    connection: &'c Connection,
    origins: RefCell<HashMap<u64, Origin>>,
}

impl<'c> Reader<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Reader { connection, origins: RefCell::default() }
    }

    fn origin(&self, revision: i64) -> Result<Origin, ViewError> {
        let number = revision as u64;
        if let Some(origin) = self.origins.borrow().get(&number) {
            return Ok(*origin);
        }
        let commit = commit_of(self.connection, Revision(number))?;
        let (_, origin) = commit.ok_or_else(|| damaged("a revision is missing"))?;
        self.origins.borrow_mut().insert(number, origin);
        Ok(origin)
    }

    fn span(&self, row: &Row<'_>, at: usize) -> Result<(Origin, Option<Origin>), ViewError> {
        let from: i64 = row.get(at).map_err(failed)?;
        let until: Option<i64> = row.get(at + 1).map_err(failed)?;
        Ok((self.origin(from)?, until.map(|until| self.origin(until)).transpose()?))
    }

    fn query<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, ViewError>,
    ) -> Result<Vec<T>, ViewError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(params).map_err(failed)?;
        let mut answers = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            answers.push(read(row)?);
        }
        Ok(answers)
    }

    /// Versions of entries; `which` is what follows FROM.
    pub(super) fn entries(
        &self,
        which: &str,
        params: impl Params,
    ) -> Result<Vec<EntryVersion>, ViewError> {
        let sql = format!(
            "SELECT list, key, row, from_rev, until_rev, sum = row_sum({ENTRY_CELLS})
             FROM entry_version {which}"
        );
        self.query(&sql, params, |row| {
            if !row.get::<_, bool>(5).map_err(failed)? {
                return Err(damaged("an entry"));
            }
            let key: Box<str> = row.get(1).map_err(failed)?;
            let cells: Option<String> = row.get(2).map_err(failed)?;
            let cells = cells.map(|cells| forms::read_cells(&key, &cells)).transpose();
            let (from, until) = self.span(row, 3)?;
            let list = row.get(0).map_err(failed)?;
            Ok(EntryVersion { list, key, row: cells.map_err(unreadable)?, from, until })
        })
    }

    pub(super) fn scan(
        &self,
        scan: &Scan<'_>,
        at: Revision,
    ) -> Result<Vec<EntryVersion>, ViewError> {
        let (at, limit) = (int(at.0), i64::try_from(scan.limit).unwrap_or(i64::MAX));
        // A page goes on from the last key, so that nothing before it is read again.
        let from = scan.after.map_or(scan.from, |(_, key)| key.max(scan.from));
        let mut which = format!("WHERE {IN_FORCE} AND key >= ?2");
        let mut params: Vec<&dyn ToSql> = vec![&at, &from];
        if let Some(list) = &scan.list {
            params.push(list);
            which += &format!(" AND list = ?{}", params.len());
        }
        if let Some(to) = &scan.to {
            params.push(to);
            which += &format!(" AND key < ?{}", params.len());
        }
        if let Some((list, key)) = &scan.after {
            params.push(key);
            params.push(list);
            let last = params.len();
            which += &format!(" AND (key, list) > (?{}, ?{last})", last - 1);
        }
        params.push(&limit);
        which += &format!(" ORDER BY key, list LIMIT ?{}", params.len());
        self.entries(&which, params.as_slice())
    }

    pub(super) fn lists(
        &self,
        id: Option<&str>,
        at: Revision,
    ) -> Result<Vec<ListState>, ViewError> {
        let sql = format!(
            "SELECT spec, from_rev, until_rev, sum = row_sum({LIST_CELLS}), (
                 SELECT count(*) FROM entry_version e WHERE e.list = id AND e.row IS NOT NULL
                     AND e.from_rev <= ?1 AND (e.until_rev IS NULL OR e.until_rev > ?1))
             FROM list_version WHERE {IN_FORCE} AND (?2 IS NULL OR id = ?2) ORDER BY created"
        );
        let mut lists = self.query(&sql, params![int(at.0), id], |row| {
            let rows: i64 = row.get(4).map_err(failed)?;
            let (origin, _) = self.span(row, 1)?;
            let spec = self.spec(row, 0, 3)?;
            Ok(ListState { spec, origin, rows: rows as u64, segments: Vec::new() })
        })?;
        for SegmentVersion { list, segment, .. } in self.segments(id, at)? {
            if let Some(state) = lists.iter_mut().find(|state| state.spec.id == list) {
                state.segments.push(segment);
            }
        }
        Ok(lists)
    }

    fn spec(&self, row: &Row<'_>, spec: usize, good: usize) -> Result<ListSpec, ViewError> {
        if !row.get::<_, bool>(good).map_err(failed)? {
            return Err(damaged("a list"));
        }
        let text: String = row.get(spec).map_err(failed)?;
        forms::read_spec(&text).map_err(unreadable)
    }

    pub(super) fn segments(
        &self,
        list: Option<&str>,
        at: Revision,
    ) -> Result<Vec<SegmentVersion>, ViewError> {
        let which = format!("{IN_FORCE} AND (?2 IS NULL OR list = ?2) ORDER BY place");
        self.segment_versions(&which, params![int(at.0), list])
    }

    fn segment_versions(
        &self,
        which: &str,
        params: impl Params,
    ) -> Result<Vec<SegmentVersion>, ViewError> {
        let sql = format!(
            "SELECT list, blob, count, shared, from_rev, until_rev, sum = row_sum({SEGMENT_CELLS})
             FROM segment_version WHERE {which}"
        );
        self.query(&sql, params, |row| {
            if !row.get::<_, bool>(6).map_err(failed)? {
                return Err(damaged("a segment"));
            }
            let (blob, count) = (row.get(1).map_err(failed)?, row.get(2).map_err(failed)?);
            let (count, shared): (i64, String) = (count, row.get(3).map_err(failed)?);
            let shared = forms::read_shared(&shared).map_err(unreadable)?;
            let segment = SegmentUse { blob: BlobId(blob), count: count as u64, shared };
            let (from, until) = self.span(row, 4)?;
            Ok(SegmentVersion { list: row.get(0).map_err(failed)?, segment, from, until })
        })
    }

    /// Compares the two states, not the way between them.
    pub(super) fn changed(
        &self,
        earlier: Revision,
        later: Revision,
    ) -> Result<Vec<Changed>, ViewError> {
        if later < earlier {
            return Err(ViewError(format!("revision {later} comes before revision {earlier}")));
        }
        let mut changed = self.changed_lists(earlier, later)?;
        changed.extend(self.changed_entries(earlier, later)?);
        changed.extend(self.changed_segments(earlier, later)?);
        Ok(changed)
    }

    fn changed_lists(&self, earlier: Revision, later: Revision) -> Result<Vec<Changed>, ViewError> {
        let sql = format!(
            "SELECT id FROM list_version WHERE {TOUCHED} GROUP BY id ORDER BY min(created)"
        );
        let ids: Vec<Box<str>> =
            self.query(&sql, params![int(earlier.0), int(later.0)], |row| {
                row.get(0).map_err(failed)
            })?;
        let sql = format!(
            "SELECT spec, sum = row_sum({LIST_CELLS}) FROM list_version
             WHERE {IN_FORCE} AND id = ?2"
        );
        let spec = |id: &str, at: Revision| -> Result<Option<Box<ListSpec>>, ViewError> {
            let mut specs = self.query(&sql, params![int(at.0), id], |row| self.spec(row, 0, 1))?;
            Ok(specs.pop().map(Box::new))
        };
        let mut changed = Vec::new();
        for list in ids {
            let (before, after) = (spec(&list, earlier)?, spec(&list, later)?);
            if before != after {
                changed.push(Changed::List { list, before, after });
            }
        }
        Ok(changed)
    }

    fn changed_entries(
        &self,
        earlier: Revision,
        later: Revision,
    ) -> Result<Vec<Changed>, ViewError> {
        // Of versions that neither begin nor end in between, there is one alone for its key, and it
        // is the same at both ends. In key order, so that all versions of a key come together.
        let touched = self.entries(
            &format!("WHERE {TOUCHED} ORDER BY key, list, from_rev"),
            params![int(earlier.0), int(later.0)],
        )?;
        let holds = |version: &EntryVersion, at: Revision| {
            version.from.revision <= at && version.until.is_none_or(|until| until.revision > at)
        };
        let mut changed = Vec::new();
        for versions in touched.chunk_by(|a, b| a.key == b.key && a.list == b.list) {
            let state = |at| {
                let version = versions.iter().find(|version| holds(version, at));
                version.map(|version| version.row.clone())
            };
            let (before, after) = (state(earlier), state(later));
            if before != after {
                let EntryVersion { list, key, .. } = versions[0].clone();
                changed.push(Changed::Entry { list, key, before, after });
            }
        }
        Ok(changed)
    }

    fn changed_segments(
        &self,
        earlier: Revision,
        later: Revision,
    ) -> Result<Vec<Changed>, ViewError> {
        let touched = self.segment_versions(
            &format!("{TOUCHED} ORDER BY place"),
            params![int(earlier.0), int(later.0)],
        )?;
        let (mut gone, mut added) = (Vec::new(), Vec::new());
        for version in touched {
            let before = version.from.revision <= earlier;
            let after = version.until.is_none_or(|until| until.revision > later);
            let change = (version.list, version.segment);
            match (before, after) {
                (true, false) => gone.push(change),
                (false, true) => added.push(change),
                // Came and went in between.
                _ => {}
            }
        }
        // Taken out and put back alike is no change.
        gone.retain(|change| {
            let back = added.iter().position(|other| other == change);
            back.map(|at| added.remove(at)).is_none()
        });
        let tell = |added: bool| {
            move |(list, segment): (Box<str>, SegmentUse)| Changed::Segment { list, segment, added }
        };
        Ok(gone.into_iter().map(tell(false)).chain(added.into_iter().map(tell(true))).collect())
    }
}
