//! Applying a commit: versions end, versions begin.
//!
//! Of several edits of one key in a commit only the last one counts. A version that would begin
//! and end with the same revision is not kept.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Params, params};

use super::schema::{ENTRY_CELLS, LIST_CELLS, META_CELLS, SEGMENT_CELLS};
use super::{failed, int};
use crate::app::changes::ports::Commit;
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::row::Row;
use crate::lists::view::ViewError;
use crate::model::catalogue::BlobId;
use crate::model::entry::ListSpec;
use crate::store::forms;

/// A commit on its way into the tables.
struct Apply<'c> {
    connection: &'c Connection,
    revision: i64,
    /// Rows more (or less) than before: lists, entries, segments.
    grown: [i64; 3],
}

const LISTS: usize = 0;
const ENTRIES: usize = 1;
const SEGMENTS: usize = 2;

/// Applies a commit within the caller's transaction.
pub(super) fn commit(connection: &Connection, commit: &Commit<'_>) -> Result<(), ViewError> {
    let revision = int(commit.origin.revision.0);
    let mut apply = Apply { connection, revision, grown: [0; 3] };
    let last = last_of_each_key(commit.edits);
    for (at, edit) in commit.edits.iter().enumerate() {
        let overtaken = key_of(edit).is_some_and(|key| last.get(&key) != Some(&at));
        if !overtaken && !apply.edit(edit).map_err(failed)? {
            return Err(ViewError(format!(
                "edit {at} of change-set {} puts something into a list that does not exist",
                commit.origin.change_set
            )));
        }
    }
    apply.finish(commit).map_err(failed)
}

/// List and key of an edit that speaks of one entry.
fn key_of(edit: &Edit) -> Option<(&str, &str)> {
    match edit {
        Edit::Put { list, row } => Some((list, row.key())),
        Edit::Remove { list, key } | Edit::Clear { list, key } => Some((list, key)),
        _ => None,
    }
}

fn last_of_each_key(edits: &[Edit]) -> HashMap<(&str, &str), usize> {
    let keys = edits.iter().enumerate();
    keys.filter_map(|(at, edit)| key_of(edit).map(|key| (key, at))).collect()
}

impl Apply<'_> {
    fn run(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    fn exists(&self, sql: &str, params: impl Params) -> rusqlite::Result<bool> {
        self.connection.prepare_cached(sql)?.exists(params)
    }

    /// False when the edit needs a list that does not exist.
    fn edit(&mut self, edit: &Edit) -> rusqlite::Result<bool> {
        match edit {
            Edit::PutList(spec) => self.put_list(spec)?,
            Edit::RemoveList { list } => self.remove_list(list)?,
            Edit::Put { list, row } => {
                if !self.has_list(list)? {
                    return Ok(false);
                }
                self.end_entry(list, row.key())?;
                self.insert_entry(list, row.key(), Some(row))?;
            }
            Edit::Remove { list, key } => self.remove(list, key)?,
            Edit::Clear { list, key } => self.end_entry(list, key)?,
            Edit::PutSegment { list, segment } => {
                if !self.has_list(list)? {
                    return Ok(false);
                }
                self.end_segment(list, segment.blob)?;
                self.insert_segment(list, segment)?;
            }
            Edit::RemoveSegment { list, blob } => {
                self.end_segment(list, *blob)?;
                if !self.has_segments(list)? {
                    self.end_removals(list)?;
                }
            }
        }
        Ok(true)
    }

    fn has_list(&self, list: &str) -> rusqlite::Result<bool> {
        self.exists("SELECT 1 FROM list_version WHERE id = ?1 AND until_rev IS NULL", [list])
    }

    /// Ends versions in force that `which` (with `?2` on) selects: those of this very revision
    /// leave no trace.
    fn end<P: Params + Clone>(
        &mut self,
        (table, cells, counter): (&str, &str, usize),
        which: &str,
        params: P,
    ) -> rusqlite::Result<()> {
        let sql =
            format!("DELETE FROM {table} WHERE {which} AND until_rev IS NULL AND from_rev = ?1");
        self.grown[counter] -= self.run(&sql, params.clone())? as i64;
        let sum = cells.replace("until_rev", "?1");
        let sql = format!(
            "UPDATE {table} SET until_rev = ?1, sum = row_sum({sum})
             WHERE {which} AND until_rev IS NULL"
        );
        self.run(&sql, params)?;
        Ok(())
    }

    fn end_entry(&mut self, list: &str, key: &str) -> rusqlite::Result<()> {
        let table = ("entry_version", ENTRY_CELLS, ENTRIES);
        let revision = self.revision;
        self.end(table, "list = ?2 AND key = ?3", &[&revision as &dyn rusqlite::ToSql, &list, &key])
    }

    fn end_segment(&mut self, list: &str, blob: BlobId) -> rusqlite::Result<()> {
        let table = ("segment_version", SEGMENT_CELLS, SEGMENTS);
        let revision = self.revision;
        let params = &[&revision as &dyn rusqlite::ToSql, &list, &blob.0];
        self.end(table, "list = ?2 AND blob = ?3", params)
    }

    fn put_list(&mut self, spec: &ListSpec) -> rusqlite::Result<()> {
        let created: Option<i64> = self
            .connection
            .prepare_cached("SELECT created FROM list_version WHERE id = ?1 AND until_rev IS NULL")?
            .query_row([&spec.id], |row| row.get(0))
            .optional()?;
        let created = match created {
            Some(created) => created,
            None => self.next("SELECT ifnull(max(created), 0) + 1 FROM list_version")?,
        };
        let revision = self.revision;
        let params = &[&revision as &dyn rusqlite::ToSql, &spec.id];
        self.end(("list_version", LIST_CELLS, LISTS), "id = ?2", params)?;
        self.grown[LISTS] += 1;
        self.run(
            "INSERT INTO list_version (id, from_rev, until_rev, created, spec, sum)
             VALUES (?1, ?2, NULL, ?3, ?4, row_sum(?1, ?2, NULL, ?3, ?4))",
            params![spec.id, revision, created, forms::write_spec(spec)],
        )?;
        Ok(())
    }

    fn has_segments(&self, list: &str) -> rusqlite::Result<bool> {
        self.exists("SELECT 1 FROM segment_version WHERE list = ?1 AND until_rev IS NULL", [list])
    }

    /// Without segments there is nothing that a key could be taken out of.
    fn end_removals(&mut self, list: &str) -> rusqlite::Result<()> {
        let table = ("entry_version", ENTRY_CELLS, ENTRIES);
        let revision = self.revision;
        let params = &[&revision as &dyn rusqlite::ToSql, &list];
        self.end(table, "list = ?2 AND row IS NULL", params)
    }

    fn next(&self, sql: &str) -> rusqlite::Result<i64> {
        self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
    }

    fn remove_list(&mut self, list: &str) -> rusqlite::Result<()> {
        let revision = self.revision;
        let params = &[&revision as &dyn rusqlite::ToSql, &list];
        self.end(("list_version", LIST_CELLS, LISTS), "id = ?2", params)?;
        self.end(("entry_version", ENTRY_CELLS, ENTRIES), "list = ?2", params)?;
        self.end(("segment_version", SEGMENT_CELLS, SEGMENTS), "list = ?2", params)
    }

    /// A row ends. Where there is none and the list has segments, the key is taken out of them.
    fn remove(&mut self, list: &str, key: &str) -> rusqlite::Result<()> {
        let hidden: Option<bool> = self
            .connection
            .prepare_cached(
                "SELECT row IS NULL FROM entry_version
                 WHERE list = ?1 AND key = ?2 AND until_rev IS NULL",
            )?
            .query_row([list, key], |row| row.get(0))
            .optional()?;
        match hidden {
            Some(true) => Ok(()),
            known => {
                if known.is_some() {
                    self.end_entry(list, key)?;
                }
                if self.has_segments(list)? {
                    self.insert_entry(list, key, None)?;
                }
                Ok(())
            }
        }
    }

    fn insert_entry(&mut self, list: &str, key: &str, row: Option<&Row>) -> rusqlite::Result<()> {
        self.grown[ENTRIES] += 1;
        self.run(
            "INSERT INTO entry_version (list, key, from_rev, until_rev, row, sum)
             VALUES (?1, ?2, ?3, NULL, ?4, row_sum(?1, ?2, ?3, NULL, ?4))",
            params![list, key, self.revision, row.map(forms::write_cells)],
        )?;
        Ok(())
    }

    fn insert_segment(&mut self, list: &str, segment: &SegmentUse) -> rusqlite::Result<()> {
        let place = self.next("SELECT ifnull(max(place), 0) + 1 FROM segment_version")?;
        self.grown[SEGMENTS] += 1;
        self.run(
            "INSERT INTO segment_version
                 (place, list, blob, count, shared, from_rev, until_rev, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, row_sum(?1, ?2, ?3, ?4, ?5, ?6, NULL))",
            params![
                place,
                list,
                segment.blob.0,
                int(segment.count),
                forms::write_shared(segment),
                self.revision
            ],
        )?;
        Ok(())
    }

    fn finish(&self, commit: &Commit<'_>) -> rusqlite::Result<()> {
        let cursor = int(commit.cursor.0);
        self.run(
            "INSERT INTO revision (number, digest, cursor, change_set, author, time, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, row_sum(?1, ?2, ?3, ?4, ?5, ?6))",
            params![
                self.revision,
                commit.digest.0,
                cursor,
                int(commit.origin.change_set.0),
                commit.origin.actor.as_str(),
                int(commit.origin.time.0)
            ],
        )?;
        self.run(
            "UPDATE meta SET cursor = ?1, revision = ?2, digest = ?3, lists = lists + ?4,
                 entries = entries + ?5, segments = segments + ?6, revisions = revisions + 1",
            params![
                cursor,
                self.revision,
                commit.digest.0,
                self.grown[LISTS],
                self.grown[ENTRIES],
                self.grown[SEGMENTS]
            ],
        )?;
        self.run(&format!("UPDATE meta SET sum = row_sum({META_CELLS})"), [])?;
        Ok(())
    }
}
