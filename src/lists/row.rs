//! A row: one entry as people write it, as cells by column name, and the key that tells it apart.
//!
//! Owns the canonical form. Must not know files, change-sets or the engine.
//! Invariants: cells stand in the order of their kind's columns, none is empty, none holds a tab
//! or a line break; two rows of one list with equal keys speak of the same thing.

use std::fmt;

/// Cells of one row; `@NAME` of packs are already replaced by what they stand for.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    cells: Vec<(&'static str, Box<str>)>,
    key: Box<str>,
}

impl Row {
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

impl Row {
    /// A row as it was stored: neither cells nor key are read again, because what was accepted
    /// once must come back even where today's rules would refuse it.
    pub fn stored(cells: Vec<(&'static str, Box<str>)>, key: Box<str>) -> Row {
        Row { cells, key }
    }
}

/// Every column that a row of some kind may have, with the columns of provenance at the end.
const COLUMNS: [&str; 39] = [
    "value",
    "match",
    "id",
    "all",
    "none",
    "within",
    "names",
    "domains",
    "region",
    "country_code",
    "international_prefixes",
    "trunk_prefix",
    "national_digits",
    "prefix",
    "digits",
    "class",
    "short",
    "origination",
    "abroad",
    "trunk",
    "number",
    "sender",
    "signature",
    "mode",
    "key",
    "effect",
    "points",
    "label",
    "category",
    "shadow",
    "valid_from",
    "valid_until",
    "note",
    "authority",
    "case",
    "reason",
    "source",
    "ticket",
    "author",
];

/// The column of this name; `None` for a name that no kind has.
pub fn column(name: &str) -> Option<&'static str> {
    COLUMNS.into_iter().find(|known| *known == name)
}
