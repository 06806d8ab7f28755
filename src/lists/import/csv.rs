//! CSV with a header: RFC 4180, and what spreadsheets make of it (`;`, tabs, `sep=;`, a leading
//! apostrophe in front of what looks like a formula).
//!
//! Invariants: a record and what is held back of it stay within two lines; a quote that is never
//! closed costs its own line, not the rest of the file.

use std::collections::VecDeque;

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};

use super::lines::LineReader;
use super::{
    COLUMNS_MAX, ImportError, LINE_OCTETS_MAX, Lines, Octets, Options, Record, Step, header, look,
};
use crate::lists::export::unquoted;

/// Records whose quotes are not closed; each is read twice, so a file of nothing else is refused.
const OPEN_QUOTES_MAX: u32 = 100;

/// Reads CSV whose header is mapped to our columns.
///
/// # Errors
/// The source is no text, or its header does not fit the list.
pub fn csv<'a>(
    source: Octets<'a>,
    options: Options<'a>,
) -> Result<Box<dyn Lines + 'a>, ImportError> {
    let table = Table::open(source)?;
    let columns = header::resolve(&table.cells(), &options)?;
    Ok(Box::new(Csv { table, columns, options }))
}

struct Csv<'a> {
    table: Table<'a>,
    columns: Vec<Option<&'static str>>,
    options: Options<'a>,
}

impl Lines for Csv<'_> {
    fn read(&mut self, record: &mut Record) -> Result<Step, ImportError> {
        let step = self.table.next()?;
        record.begin(self.table.line);
        if step != Step::Row {
            return Ok(step);
        }
        for (at, cell) in self.table.iter().enumerate() {
            let column = match self.columns.get(at) {
                Some(Some(column)) => column,
                // Spreadsheets end lines with empty cells.
                None if !cell.trim().is_empty() => return Ok(Step::Bad(self.too_many())),
                _ => continue,
            };
            if let Err(why) = record.take(column, &unquoted(cell), &self.options) {
                return Ok(Step::Bad(why));
            }
        }
        Ok(record.check(&self.options).map_or_else(Step::Bad, |()| Step::Row))
    }
}

impl Csv<'_> {
    fn too_many(&self) -> String {
        let (cells, columns) = (self.table.count, self.columns.len());
        format!("the line has {cells} cells, the header has {columns}")
    }
}

/// A line with its number, or why it is no text.
type Line = (u64, Result<String, String>);

/// A table of text cells, its header read.
pub(super) struct Table<'a> {
    lines: LineReader<'a>,
    /// Lines to be read again, with their numbers.
    again: VecDeque<Line>,
    core: csv_core::Reader,
    text: Vec<u8>,
    ends: [usize; COLUMNS_MAX],
    /// Cells of the header.
    width: usize,
    /// Cells of the record read last.
    pub count: usize,
    /// The line on which it starts.
    pub line: u64,
    open_quotes: u32,
}

/// What feeding one line to the parser came to.
enum Fed {
    Record(usize),
    Open,
    TooMany,
}

impl<'a> Table<'a> {
    /// Finds the delimiter and reads the header.
    pub fn open(source: Octets<'a>) -> Result<Table<'a>, ImportError> {
        let mut table = Table {
            lines: LineReader::new(look::look(source)?),
            again: VecDeque::new(),
            core: csv_core::Reader::new(),
            text: vec![0; 2 * LINE_OCTETS_MAX],
            ends: [0; COLUMNS_MAX],
            width: 0,
            count: 0,
            line: 0,
            open_quotes: 0,
        };
        let mut named = None;
        loop {
            let Some((number, line)) = table.next_line()? else {
                return Err(ImportError::Header("the file is empty".into()));
            };
            let line = line.map_err(|why| ImportError::Form { line: number, what: why })?;
            // Spreadsheets name their delimiter in a line of its own.
            if let Some([sep @ (b',' | b';' | b'\t' | b'|')]) =
                line.strip_prefix("sep=").map(str::as_bytes)
            {
                named = Some(*sep);
                continue;
            }
            if line.trim().is_empty() {
                continue;
            }
            let delimiter = named.unwrap_or_else(|| delimiter(&line));
            let terminator = Terminator::Any(b'\n');
            table.core = ReaderBuilder::new().delimiter(delimiter).terminator(terminator).build();
            table.again.push_front((number, Ok(line)));
            break;
        }
        match table.next()? {
            Step::Row => {
                table.width = table.count;
                Ok(table)
            }
            Step::End => Err(ImportError::Header("the file is empty".into())),
            Step::Bad(what) => Err(ImportError::Form { line: table.line, what }),
        }
    }

    /// Cells of the record read last.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let start = |at: usize| if at == 0 { 0 } else { self.ends[at - 1] };
        // Lines are UTF-8 and delimiters ASCII, so every cell is UTF-8.
        let cell = move |at| std::str::from_utf8(&self.text[start(at)..self.ends[at]]);
        (0..self.count).map(move |at| cell(at).unwrap_or(""))
    }

    /// The same, gathered.
    pub fn cells(&self) -> Vec<&str> {
        self.iter().collect()
    }

    /// The next record that is not blank.
    pub fn next(&mut self) -> Result<Step, ImportError> {
        loop {
            let Some((number, line)) = self.next_line()? else { return Ok(Step::End) };
            self.line = number;
            let line = match line {
                Ok(line) if line.trim().is_empty() => continue,
                Ok(line) => line,
                Err(why) => return Ok(Step::Bad(why)),
            };
            let step = self.record(line)?;
            if step != Step::Row || self.iter().any(|cell| !cell.trim().is_empty()) {
                return Ok(step);
            }
        }
    }

    fn next_line(&mut self) -> Result<Option<Line>, ImportError> {
        if let Some(line) = self.again.pop_front() {
            return Ok(Some(line));
        }
        let line = self.lines.next_line()?.map(|line| line.map(str::to_owned));
        Ok(line.map(|line| (self.lines.number(), line)))
    }

    /// Reads the record that starts with `first`, over further lines while a quote is open.
    fn record(&mut self, first: String) -> Result<Step, ImportError> {
        let (mut octets, mut cells, mut total) = (0, 0, first.len());
        let mut held: VecDeque<Line> = VecDeque::new();
        let mut line = first;
        loop {
            line.push('\n');
            match self.feed(line.as_bytes(), &mut octets, &mut cells) {
                // Over several lines, a wrong count of cells tells of a quote that is not closed.
                Fed::Record(count) if held.is_empty() || count == self.width => {
                    self.count = count;
                    return Ok(Step::Row);
                }
                Fed::TooMany if held.is_empty() => {
                    self.core.reset();
                    return Ok(Step::Bad(format!("the line has more than {COLUMNS_MAX} columns")));
                }
                Fed::Record(_) | Fed::TooMany => return self.open_quote(held),
                Fed::Open => {}
            }
            let next = self.next_line()?;
            match &next {
                Some((_, Ok(text))) if total + text.len() < LINE_OCTETS_MAX => {
                    line.clone_from(text);
                    total += text.len() + 1;
                    held.extend(next);
                }
                _ => {
                    held.extend(next);
                    return self.open_quote(held);
                }
            }
        }
    }

    fn feed(&mut self, mut line: &[u8], octets: &mut usize, cells: &mut usize) -> Fed {
        loop {
            let (text, ends) = (&mut self.text[*octets..], &mut self.ends[*cells..]);
            let (result, used, written, ended) = self.core.read_record(line, text, ends);
            line = &line[used..];
            *octets += written;
            *cells += ended;
            match result {
                ReadRecordResult::Record => return Fed::Record(*cells),
                ReadRecordResult::InputEmpty if line.is_empty() => return Fed::Open,
                ReadRecordResult::InputEmpty => {}
                // Cells are never longer than the lines they stand in, which fit.
                ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull
                | ReadRecordResult::End => return Fed::TooMany,
            }
        }
    }

    /// A quote is not closed where it should be: the line is bad, those after it are read again.
    fn open_quote(&mut self, held: VecDeque<Line>) -> Result<Step, ImportError> {
        self.core.reset();
        self.open_quotes += 1;
        if self.open_quotes > OPEN_QUOTES_MAX {
            return Err(ImportError::Form {
                line: self.line,
                what: format!("more than {OPEN_QUOTES_MAX} quotes are never closed: no CSV"),
            });
        }
        for line in held.into_iter().rev() {
            self.again.push_front(line);
        }
        Ok(Step::Bad("a quote opens here and is not closed where the cell ends".into()))
    }
}

/// The delimiter that stands most often in the header, outside quotes; a comma if none does.
fn delimiter(header: &str) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for octet in header.bytes() {
        quoted ^= octet == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!quoted && octet == *delimiter);
        }
    }
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    best.map_or(b',', |(delimiter, _)| *delimiter)
}
