//! Reads a pack: lines in, lists and entries out, every mistake with its line.
//!
//! The format stands in `packs/README.md`. One straight pass; a row borrows from its line.

mod attributes;
pub(super) mod row;
mod settings;
mod values;

use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::collections::{HashMap, HashSet};

use super::checks::{ListCheck, Surroundings};
use super::row::Row;
use super::{Finding, Findings, Severity, Sink};
use crate::model::entry::{Entry, ListSpec};
use settings::Settings;

pub use attributes::{effect_name, list_line};
pub use values::{number_pattern, pattern_text, timestamp, timestamp_text};

/// A row longer than this is no row a person wrote.
pub const LINE_BYTES_MAX: usize = 16 * 1024;
/// More columns than any kind has.
pub const COLUMNS_MAX: usize = 32;
/// Choices in one `%define`.
pub const CHOICES_MAX: usize = 256;
/// Lists in one reading; list indexes are 16 bits wide.
pub const LISTS_MAX: usize = 4096;

/// Reads packs one after the other; list ids must be unique over all of them.
#[derive(Debug, Default)]
pub struct Reader {
    places: HashMap<String, Place>,
    findings: Findings,
    around: Surroundings,
}

/// Where a list begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// File as named by the caller.
    pub file: String,
    /// Line of its `%list`, from 1.
    pub line: usize,
}

impl Reader {
    /// A reader that knows more than the packs it is given.
    pub fn new(around: Surroundings) -> Reader {
        Reader { around, ..Reader::default() }
    }

    /// Reads one pack. What is wrong is added to the findings; reading goes on to find more.
    pub fn read(&mut self, file: &str, octets: &[u8], sink: &mut dyn Sink) {
        let before = self.findings.errors;
        let mut state = PackState::new(file, self);
        for (index, line) in octets.split(|&b| b == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = if index == 0 { line.strip_prefix(BOM).unwrap_or(line) } else { line };
            state.at = index + 1;
            if let Err(message) = state.line(line, sink) {
                state.error(message);
            }
        }
        if !state.named && self.findings.errors == before {
            let message = "expected a first directive `%pack NAME`".to_owned();
            self.findings.push(finding(file, 1, Severity::Error, message));
        }
    }

    /// What the reader was told about everything else.
    pub fn surroundings(&self) -> &Surroundings {
        &self.around
    }

    /// Where a list begins.
    pub fn place(&self, list: &str) -> Option<&Place> {
        self.places.get(list)
    }

    /// What was found so far.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }
}

const BOM: &[u8] = "\u{feff}".as_bytes();

fn finding(file: &str, line: usize, severity: Severity, message: String) -> Finding {
    Finding { file: file.to_owned(), line, severity, message }
}

/// Where reading stands within one pack.
struct PackState<'p> {
    file: &'p str,
    reader: &'p mut Reader,
    /// The line being read, from 1.
    at: usize,
    named: bool,
    defines: HashMap<String, String>,
    list: Option<ListState>,
    settings: Settings,
}

/// The list whose rows are being read.
struct ListState {
    spec: ListSpec,
    /// The sink has been told; from then on titles are fixed.
    begun: bool,
    columns: Option<row::Columns>,
    row_ids: HashSet<String>,
    check: ListCheck,
}

impl<'p> PackState<'p> {
    fn new(file: &'p str, reader: &'p mut Reader) -> Self {
        PackState {
            file,
            reader,
            at: 0,
            named: false,
            defines: HashMap::new(),
            list: None,
            settings: Settings::default(),
        }
    }

    fn error(&mut self, message: String) {
        self.reader.findings.push(finding(self.file, self.at, Severity::Error, message));
    }

    fn line(&mut self, octets: &[u8], sink: &mut dyn Sink) -> Result<(), String> {
        if octets.len() > LINE_BYTES_MAX {
            return Err(format!(
                "line has {} bytes, at most {LINE_BYTES_MAX} are allowed",
                octets.len()
            ));
        }
        let line = std::str::from_utf8(octets).map_err(|e| {
            format!("not UTF-8 at byte {}; save the file as UTF-8", e.valid_up_to())
        })?;
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        match line.strip_prefix('%') {
            Some(directive) => self.directive(directive),
            None => self.row(line, sink),
        }
    }

    fn directive(&mut self, directive: &str) -> Result<(), String> {
        let (name, rest) = directive.split_once([' ', '\t']).unwrap_or((directive, ""));
        let rest = rest.trim();
        if name != "pack" && !self.named {
            return Err("expected a first directive `%pack NAME`".into());
        }
        match name {
            "pack" if self.named => Err("`%pack` stands once, at the top".into()),
            "pack" => self.pack(rest),
            "define" => self.define(rest),
            "list" => self.begin_list(rest),
            "columns" => self.columns(rest),
            "title" | "source" => self.describe(name, rest),
            _ => Err(format!(
                "unknown directive `%{name}`; expected %pack, %define, %list, %title, %source or \
                 %columns"
            )),
        }
    }

    fn pack(&mut self, rest: &str) -> Result<(), String> {
        if !is_name(rest) {
            return Err(format!("pack name \"{rest}\": expected a-z, 0-9, `-` and `.`"));
        }
        self.named = true;
        Ok(())
    }

    fn define(&mut self, rest: &str) -> Result<(), String> {
        let (name, choices) =
            rest.split_once(' ').ok_or("expected `%define NAME choice | choice …`")?;
        if !is_name(&name.to_ascii_lowercase()) {
            return Err(format!("define name \"{name}\": expected letters, digits, `-` and `.`"));
        }
        if row::RESERVED.contains(&name) {
            return Err(format!("@{name} is built in and cannot be defined"));
        }
        let expanded = row::expand(choices, &self.defines)?;
        if self.defines.insert(name.to_owned(), expanded).is_some() {
            return Err(format!("@{name} is already defined above"));
        }
        Ok(())
    }

    fn begin_list(&mut self, rest: &str) -> Result<(), String> {
        self.list = None;
        let spec = attributes::list_spec(rest)?;
        if self.reader.places.len() >= LISTS_MAX {
            return Err(format!("more than {LISTS_MAX} lists"));
        }
        let place = Place { file: self.file.to_owned(), line: self.at };
        match self.reader.places.entry(spec.id.to_string()) {
            Occupied(_) => return Err(format!("list id \"{}\" is already in use", spec.id)),
            Vacant(free) => drop(free.insert(place)),
        };
        self.list = Some(ListState {
            spec,
            begun: false,
            columns: None,
            row_ids: HashSet::new(),
            check: ListCheck::default(),
        });
        Ok(())
    }

    fn columns(&mut self, rest: &str) -> Result<(), String> {
        let list = self.list.as_mut().ok_or("`%columns` needs a correct `%list` above it")?;
        if list.begun {
            return Err("`%columns` must stand before the first row of its list; begin another \
                        list for rows with other columns"
                .into());
        }
        list.columns = Some(row::Columns::parse(list.spec.kind, rest)?);
        Ok(())
    }

    fn describe(&mut self, name: &str, text: &str) -> Result<(), String> {
        let Some(list) = self.list.as_mut() else { return Ok(()) };
        if list.begun {
            return Err(format!("`%{name}` must stand before the first row of its list"));
        }
        match name {
            "title" => list.spec.title = text.into(),
            _ => list.spec.source = text.into(),
        }
        Ok(())
    }

    fn row(&mut self, line: &str, sink: &mut dyn Sink) -> Result<(), String> {
        if !self.named {
            return Err("expected a first directive `%pack NAME`".into());
        }
        let list = self.list.as_mut().ok_or("row outside a correct `%list`")?;
        let columns = list.columns.as_ref().ok_or("row before `%columns`")?;
        if !list.begun {
            sink.list(&list.spec);
            list.begun = true;
        }
        let cells = columns.cells(line)?;
        if let Some(id) = cells.get("id")
            && !list.row_ids.insert(id.to_owned())
        {
            return Err(format!("id \"{id}\" is already used in this list"));
        }
        let (spec, check) = (&list.spec, &mut list.check);
        let (settings, reader) = (&mut self.settings, &mut *self.reader);
        let (around, findings) = (&reader.around, &mut reader.findings);
        let mut warn = |message: String| {
            findings.push(finding(self.file, self.at, Severity::Warning, message));
        };
        row::entries(spec, &cells, &self.defines, &mut |entry| {
            check.entry(spec, &entry, around, &mut warn)?;
            settings.entry(&entry.value, self.at, &mut warn)?;
            sink.entry(entry)
        })?;
        if !sink.wants_rows() {
            return Ok(());
        }
        let cells = row::expanded(&cells, &self.defines)?;
        sink.row(Row::read(spec, cells.iter().map(|(name, cell)| (*name, &**cell)))?)
    }
}

/// Reads a pack into lists and rows; every `@NAME` is replaced by what it stands for.
///
/// Errors: the findings, when any line is wrong.
pub fn rows(file: &str, octets: &[u8]) -> Result<Vec<(ListSpec, Vec<Row>)>, Findings> {
    let (mut reader, mut sink) = (Reader::default(), RowSink::default());
    reader.read(file, octets, &mut sink);
    if reader.findings().has_errors() { Err(reader.findings().clone()) } else { Ok(sink.0) }
}

/// Reads what [`list_line`] writes, with or without `%list` in front.
///
/// Errors: in words, naming the attribute.
pub fn parse_list_line(line: &str) -> Result<ListSpec, String> {
    attributes::list_spec(line.trim().strip_prefix("%list ").unwrap_or(line))
}

/// Keeps rows by list.
#[derive(Default)]
struct RowSink(Vec<(ListSpec, Vec<Row>)>);

impl Sink for RowSink {
    fn list(&mut self, spec: &ListSpec) {
        self.0.push((spec.clone(), Vec::new()));
    }

    fn entry(&mut self, _entry: Entry<'_>) -> Result<(), String> {
        Ok(())
    }

    fn wants_rows(&self) -> bool {
        true
    }

    fn row(&mut self, row: Row) -> Result<(), String> {
        self.0.last_mut().ok_or("row outside a list")?.1.push(row);
        Ok(())
    }
}

/// Names of packs, lists and defines: short, lower case, safe in every place they are shown.
fn is_name(text: &str) -> bool {
    let fits = (1..=64).contains(&text.len());
    fits && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}

#[cfg(test)]
mod tests;
