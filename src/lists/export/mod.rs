//! Writing lists out, one row at a time: CSV that spreadsheets can open without harm, plain values,
//! hosts files. JSON formats stand in `app` behind the same trait.
//!
//! Must not know files or who asks. Invariant: what is written can be read again by `import` and
//! gives the same rows (CSV) or the same values (plain, hosts).

use std::borrow::Cow;
use std::io::{self, Write};

/// One row to write.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its cells by our columns.
    pub cells: &'a [(&'a str, &'a str)],
}

impl<'a> Row<'a> {
    /// The cell of a column.
    pub fn get(&self, column: &str) -> Option<&'a str> {
        self.cells.iter().find(|(name, _)| *name == column).map(|(_, cell)| *cell)
    }
}

/// Writes rows in their order.
pub trait Rows {
    /// Writes one row.
    fn row(&mut self, row: Row<'_>) -> io::Result<()>;
    /// Writes what comes after the last row; to be called once.
    fn finish(&mut self) -> io::Result<()>;
}

/// CSV by RFC 4180 with a header of these columns; cells that a spreadsheet would run as a formula
/// start with an apostrophe, which [`unquoted`] takes off again.
pub fn csv<'a>(out: &'a mut dyn Write, columns: &'a [&'a str]) -> io::Result<Box<dyn Rows + 'a>> {
    let mut csv = Csv { out, columns };
    csv.line(columns.iter().copied())?;
    Ok(Box::new(csv))
}

/// Keys alone, one a line.
pub fn plain<'a>(out: &'a mut dyn Write) -> Box<dyn Rows + 'a> {
    Box::new(Lines { out, before: "" })
}

/// `0.0.0.0 example.com` lines, for a list of domains.
pub fn hosts<'a>(out: &'a mut dyn Write) -> Box<dyn Rows + 'a> {
    Box::new(Lines { out, before: "0.0.0.0 " })
}

struct Lines<'a> {
    out: &'a mut dyn Write,
    before: &'static str,
}

impl Rows for Lines<'_> {
    fn row(&mut self, row: Row<'_>) -> io::Result<()> {
        writeln!(self.out, "{}{}", self.before, row.key)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

struct Csv<'a> {
    out: &'a mut dyn Write,
    columns: &'a [&'a str],
}

impl Csv<'_> {
    fn line<'c>(&mut self, cells: impl Iterator<Item = &'c str>) -> io::Result<()> {
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                self.out.write_all(b",")?;
            }
            let cell = harmless(cell);
            let dress = |b: u8| matches!(b, b',' | b'"' | b'\r' | b'\n' | b';' | b'\t' | b'\'');
            // Blanks at the ends are kept by quotes only in some programs; ours trims them anyway.
            if cell.bytes().any(dress) {
                write!(self.out, "\"{}\"", cell.replace('"', "\"\""))?;
            } else {
                self.out.write_all(cell.as_bytes())?;
            }
        }
        self.out.write_all(b"\r\n")
    }
}

impl Rows for Csv<'_> {
    fn row(&mut self, row: Row<'_>) -> io::Result<()> {
        let columns = self.columns;
        self.line(columns.iter().map(|column| row.get(column).unwrap_or("")))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Does a spreadsheet take it for a formula, apostrophes in front aside? Full-width signs count:
/// East Asian programs read them as the plain ones.
fn is_formula(cell: &str) -> bool {
    let first = cell.trim_start_matches('\'').chars().next();
    first.is_some_and(|c| {
        matches!(
            c,
            '=' | '+'
                | '-'
                | '@'
                | '\t'
                | '\r'
                | '\n'
                | '\u{ff1d}'
                | '\u{ff0b}'
                | '\u{ff0d}'
                | '\u{ff20}'
        )
    })
}

/// The cell as a spreadsheet shows it and does not run it.
fn harmless(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Takes the apostrophe off again that exports put in front of formulas, and no other.
pub fn unquoted(cell: &str) -> Cow<'_, str> {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => Cow::Borrowed(rest),
        _ => Cow::Borrowed(cell),
    }
}

#[cfg(test)]
mod tests;
