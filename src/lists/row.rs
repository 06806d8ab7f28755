//! A row: one entry as people write it, as cells by column name, and the key that tells it apart.
//!
//! Owns the canonical form. Must not know files, change-sets or the engine.
//! Invariants: cells stand in the order of their kind's columns, none is empty, none holds a tab
//! or a line break; two rows of one list with equal keys speak of the same thing.

use std::fmt;

use crate::model::entry::ListSpec;

/// Cells of one row; `@NAME` of packs are already replaced by what they stand for.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    cells: Vec<(&'static str, Box<str>)>,
    key: Box<str>,
}

impl Row {
    /// Reads cells by column name, in any order; an empty cell is as good as none.
    ///
    /// Errors: in words, naming the column and what was expected there.
    pub fn read<'a>(
        _spec: &ListSpec,
        cells: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Row, String> {
        // Stands in for the one that knows the columns of each kind.
        const COLUMNS: [&str; 7] =
            ["value", "id", "key", "effect", "category", "reason", "valid_until"];
        let mut read: Vec<(&'static str, Box<str>)> = Vec::new();
        for (name, text) in cells {
            let column = COLUMNS.into_iter().find(|column| *column == name);
            let column =
                column.ok_or_else(|| format!("column \"{name}\": not one of this list"))?;
            if !text.is_empty() {
                read.push((column, text.into()));
            }
        }
        let key = read.iter().find(|(name, _)| matches!(*name, "value" | "id" | "key"));
        let key = key.map(|(_, text)| text.clone()).ok_or("column \"value\": is missing")?;
        Ok(Row { cells: read, key })
    }

    /// What tells the row apart within its list, in canonical form.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The cell of a column.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| *name == column).map(|(_, cell)| &**cell)
    }

    /// All cells with their columns.
    pub fn cells(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.cells.iter().map(|(name, cell)| (*name, &**cell))
    }
}

impl fmt::Debug for Row {
    /// Values are personal data: only how many cells there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({} cells)", self.cells.len())
    }
}
