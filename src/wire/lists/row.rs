//! Rows, segments and their versions, to and from the wire.

use crate::lists::edit::SegmentUse;
use crate::lists::row::Row;
use crate::lists::view::{EntryVersion, SegmentVersion};
use crate::model::entry::{ListKind, ListSpec};

use super::{CELLS_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX, Violations, pb, spec::origin};

/// A row on the wire.
pub fn row(row: &Row) -> pb::Row {
    pb::Row { cells: cells(row.cells()), key: row.key().to_owned() }
}

/// Reads a row of a list.
///
/// Errors: what the list's kind does not take, as a violation of `cells`.
pub fn row_read(list: &ListSpec, row: &pb::Row) -> Result<Row, Violations> {
    if row.cells.is_empty() || row.cells.len() > CELLS_MAX {
        return Err(Violations::one("cells", format!("must hold 1 to {CELLS_MAX} cells")));
    }
    let cells = row.cells.iter().map(|cell| (cell.column.as_str(), cell.text.as_str()));
    Row::read(list, cells).map_err(|what| Violations::one("cells", what))
}

/// The key of a value of a list in canonical form, however the value is written; keys of kinds
/// that are not their own value, and what cannot be read, stay as they are.
pub fn key_read(list: &ListSpec, key: &str) -> Box<str> {
    let is_value = matches!(
        list.kind,
        ListKind::Number
            | ListKind::Sender
            | ListKind::Signature
            | ListKind::Keyword
            | ListKind::Domain
    );
    let row = is_value.then(|| Row::read(list, [("value", key)]).ok()).flatten();
    row.map_or_else(|| key.into(), |row| row.key().into())
}

fn cells<'a>(cells: impl Iterator<Item = (&'static str, &'a str)>) -> Vec<pb::Cell> {
    let cell = |(column, text): (&str, &str)| pb::Cell { column: column.into(), text: text.into() };
    cells.map(cell).collect()
}

/// Reads cells of which nothing but their size is known.
///
/// Errors: too many, too large.
pub fn cells_read(field: &str, cells: &[pb::Cell]) -> Result<Vec<(String, String)>, Violations> {
    if cells.len() > CELLS_MAX {
        return Err(Violations::one(field, format!("must hold at most {CELLS_MAX} cells")));
    }
    for (at, cell) in cells.iter().enumerate() {
        let limits =
            [("column", &*cell.column, NAME_BYTES_MAX), ("text", &*cell.text, TEXT_BYTES_MAX)];
        super::texts(&limits).map_err(|found| found.under(&format!("{field}[{at}]")))?;
    }
    Ok(cells.iter().map(|cell| (cell.column.clone(), cell.text.clone())).collect())
}

/// A bulk import on the wire.
pub fn segment(segment: &SegmentUse) -> pb::Segment {
    pb::Segment {
        blob: segment.blob.to_string(),
        value_count: segment.count,
        shared: cells(segment.shared.iter().map(|(column, text)| (*column, &**text))),
    }
}

/// A version of an entry on the wire.
pub fn version(version: &EntryVersion) -> pb::EntryVersion {
    pb::EntryVersion {
        list_id: version.list.to_string(),
        key: version.key.to_string(),
        row: version.row.as_ref().map(row),
        from: Some(origin(&version.from)),
        until: version.until.as_ref().map(origin),
    }
}

/// A use of a bulk import on the wire.
pub fn segment_version(version: &SegmentVersion) -> pb::SegmentVersion {
    pb::SegmentVersion {
        list_id: version.list.to_string(),
        segment: Some(segment(&version.segment)),
        from: Some(origin(&version.from)),
        until: version.until.as_ref().map(origin),
    }
}
