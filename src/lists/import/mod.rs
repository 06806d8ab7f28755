//! Reading lists from other people's files, one record at a time.
//!
//! Owns the text formats: plain lines, CSV with header mapping, complaint files of the FTC and the
//! FCC, hosts files. JSON formats stand in `app` and share everything here. Must not know files,
//! sockets, packing, the engine or who asks; numbers become keys by a callback.
//! Invariants: memory is bounded by [`LINE_OCTETS_MAX`] and [`HEAD_OCTETS`], whatever comes in; a
//! bad line costs that line and is told by its number; a file that is no such list is refused
//! with one error and gives no record.

pub mod dates;
pub mod header;
pub mod lines;
pub mod look;
pub mod values;

mod complaints;
mod csv;
mod hosts;
mod plain;

use std::fmt;
use std::io::BufRead;
use std::ops::Range;

pub use complaints::{COMPLAINT_DAYS, Complaints, complaints};
pub use csv::csv;
pub use hosts::hosts;
pub use plain::plain;

use crate::model::entry::ListKind;

/// Octets of one line, and of one CSV record over several lines: the longest useful entry (a
/// conjunction with its groups) is well below, a file without line breaks is far above.
pub const LINE_OCTETS_MAX: usize = 4096;

/// Columns of one file: the widest published complaint file has 14.
pub const COLUMNS_MAX: usize = 64;

/// How much of a file is looked at to say that it is no text.
pub const HEAD_OCTETS: usize = 64 * 1024;

/// Where octets come from; the lifetime is that of the source.
pub type Octets<'a> = Box<dyn BufRead + 'a>;

/// What a reader needs to know of the list and of the wish.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Kind of the list that is filled.
    pub kind: ListKind,
    /// Columns that a row of this list may have.
    pub columns: &'a [&'static str],
    /// Those of them that no row can do without.
    pub needed: &'a [&'static str],
    /// Which of their columns (left) is which of ours (right); the rest goes by known names.
    pub mapping: &'a [(String, String)],
    /// Makes the canonical form of a value; `Err` says in words why it is none.
    pub normalise: &'a dyn Fn(&str) -> Result<String, String>,
}

impl Options<'_> {
    /// May a row of this list have that column?
    pub fn known(&self, column: &str) -> Option<&'static str> {
        self.columns.iter().copied().find(|known| *known == column)
    }

    /// Formats that carry values alone cannot fill a list that needs more.
    fn only_values(&self, format: &'static str) -> Result<(), ImportError> {
        if self.needed == ["value"] {
            return Ok(());
        }
        let (kind, needed) = (self.kind.as_str(), self.needed.join(", "));
        Err(ImportError::Header(format!(
            "{format} holds values alone, a list of kind {kind} needs {needed}; use csv or jsonl"
        )))
    }
}

/// Reads the records of one source, in order.
pub trait Lines {
    /// The next record goes into `record`, with its line also when it is bad.
    ///
    /// # Errors
    /// The rest of the source cannot be read.
    fn read(&mut self, record: &mut Record) -> Result<Step, ImportError>;
}

/// What a call to [`Lines::read`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The record holds a row.
    Row,
    /// The line is left out, for this reason; go on.
    Bad(String),
    /// There is no more.
    End,
}

/// Why a whole source is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// It is not text; what it looks like and what to do.
    NotText(String),
    /// Its header, or its first object, does not fit the list.
    Header(String),
    /// It is not of the format it was said to be, from this line on.
    Form {
        /// The line.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// It could not be read to its end; packing and size limits report themselves this way.
    Read(String),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImportError::NotText(what) | ImportError::Header(what) => f.write_str(what),
            ImportError::Form { line, what } => write!(f, "line {line}: {what}"),
            ImportError::Read(what) => write!(f, "the source cannot be read: {what}"),
        }
    }
}

impl std::error::Error for ImportError {}

impl From<std::io::Error> for ImportError {
    fn from(error: std::io::Error) -> ImportError {
        ImportError::Read(error.to_string())
    }
}

/// One record: cells under columns of ours. Reused from read to read.
#[derive(Clone, Default)]
pub struct Record {
    line: u64,
    text: String,
    cells: Vec<(&'static str, Range<usize>)>,
}

impl Record {
    /// The line on which it starts, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The cell of a column; never empty.
    pub fn get(&self, column: &str) -> Option<&str> {
        let (_, range) = self.cells.iter().find(|(name, _)| *name == column)?;
        Some(&self.text[range.clone()])
    }

    /// All cells in the order of the source; no column twice.
    pub fn cells(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.cells.iter().map(|(name, range)| (*name, &self.text[range.clone()]))
    }

    /// Starts over at a line.
    pub fn begin(&mut self, line: u64) {
        self.line = line;
        self.text.clear();
        self.cells.clear();
    }

    /// Adds a cell as rows may hold it: control characters become blanks, ends are trimmed, an
    /// empty one is left out, and the first of a column stays.
    pub fn push(&mut self, column: &'static str, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() || self.cells.iter().any(|(name, _)| *name == column) {
            return;
        }
        let start = self.text.len();
        if cell.chars().any(char::is_control) {
            self.text.extend(cell.chars().map(|c| if c.is_control() { ' ' } else { c }));
        } else {
            self.text.push_str(cell);
        }
        self.cells.push((column, start..self.text.len()));
    }

    /// Adds a cell of a source: values become keys, times become ours.
    pub fn take(
        &mut self,
        column: &'static str,
        cell: &str,
        options: &Options<'_>,
    ) -> Result<(), String> {
        let cell = cell.trim();
        if cell.is_empty() {
            return Ok(());
        }
        match column {
            "value" => self.push(column, &values::canonical(cell, options)?),
            "valid_from" | "valid_until" => {
                let time = dates::canonical(cell).map_err(|e| format!("{column}: {e}"))?;
                self.push(column, &time);
            }
            _ => self.push(column, cell),
        }
        Ok(())
    }

    /// Is everything there that a row needs?
    pub fn check(&self, options: &Options<'_>) -> Result<(), String> {
        match options.needed.iter().find(|needed| self.get(needed).is_none()) {
            Some(needed) => Err(format!("{needed} is empty")),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Record {
    /// Values are personal data: only where it stands and how many cells there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record(line {}, {} cells)", self.line, self.cells.len())
    }
}

#[cfg(test)]
mod tests;
