//! JSON formats of lists: one object a line (or an array of objects), and STIX 2.1.
//!
//! Owns what JSON keys mean. Must not know files or change-sets.
//! Invariant: at most one object is held, within the limit of its format; objects of a bundle of
//! any size are read one by one.

mod pattern;
mod scan;
mod stix;
mod write;

pub(super) use stix::stix;
pub(super) use write::{write_jsonl, write_stix};

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::lists::import::lines::LineReader;
use crate::lists::import::{
    ImportError, LINE_OCTETS_MAX, Lines, Octets, Options, Record, Step, header, look,
};
use scan::{Found, Scanner};

/// Reads an object a line, or an array of objects.
///
/// # Errors
/// The source is no text, or a mapping names what is no column of the list.
pub(super) fn jsonl<'a>(
    source: Octets<'a>,
    options: Options<'a>,
) -> Result<Box<dyn Lines + 'a>, ImportError> {
    let mut named = Vec::new();
    for (theirs, ours) in options.mapping {
        named.push((theirs.as_str(), header::ours_of(ours, &options)?));
    }
    let mut source = look::look(source)?;
    let start = source.fill_buf()?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let objects = if start.first() == Some(&b'[') {
        Objects::Array(Scanner::new(source, LINE_OCTETS_MAX))
    } else {
        Objects::Lines(LineReader::new(source))
    };
    Ok(Box::new(Jsonl { objects, named, options, keys: HashMap::new(), any: false }))
}

/// Where objects stand.
enum Objects<'a> {
    Lines(LineReader<'a>),
    Array(Scanner<'a>),
}

type Object = Map<String, Value>;

impl Objects<'_> {
    /// The next object with its line.
    fn next(&mut self) -> Result<Option<Found<Object>>, ImportError> {
        let parsed = |octets: &[u8]| match serde_json::from_slice::<Value>(octets) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err("expected a JSON object: {\"value\": …}".to_owned()),
            Err(e) => Err(format!("this is no JSON object: {}", words(&e))),
        };
        match self {
            Objects::Array(scanner) => {
                let object = scanner.next_object()?;
                Ok(object.map(|(line, octets)| (line, octets.and_then(parsed))))
            }
            Objects::Lines(lines) => loop {
                let object = match lines.next_line()? {
                    None => return Ok(None),
                    Some(Ok(line)) if line.trim().is_empty() => continue,
                    Some(line) => line.and_then(|line| parsed(line.as_bytes())),
                };
                return Ok(Some((lines.number(), object)));
            },
        }
    }
}

/// What serde says without its line, which is always 1 here.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or("").to_owned()
}

struct Jsonl<'a> {
    objects: Objects<'a>,
    /// Their keys with our columns, as the request maps them.
    named: Vec<(&'a str, &'static str)>,
    options: Options<'a>,
    /// What keys met so far mean, at most [`KEYS_MAX`] of them.
    keys: HashMap<String, Option<Meaning>>,
    /// An object was read: the first one shows whether the keys are the right ones.
    any: bool,
}

/// Keys whose meaning is kept; others are looked up each time.
const KEYS_MAX: usize = 256;

/// The column that a key stands for; of several keys for one column the smallest rank wins.
#[derive(Clone, Copy)]
struct Meaning {
    column: &'static str,
    rank: usize,
}

impl Lines for Jsonl<'_> {
    fn read(&mut self, record: &mut Record) -> Result<Step, ImportError> {
        let Some((line, object)) = self.objects.next()? else { return Ok(Step::End) };
        record.begin(line);
        let object = match object {
            Ok(object) => object,
            Err(what) if !self.any => return Err(ImportError::Form { line, what }),
            Err(why) => return Ok(Step::Bad(why)),
        };
        let cells = self.cells(&object);
        if !std::mem::replace(&mut self.any, true) {
            self.first(&object, &cells)?;
        }
        Ok(self.row(&cells, record).map_or_else(Step::Bad, |()| Step::Row))
    }
}

impl Jsonl<'_> {
    /// Refuses a source whose first object has nothing for what every row needs.
    fn first(&self, object: &Object, cells: &[(Meaning, &Value)]) -> Result<(), ImportError> {
        let lacking = |needed: &&&str| !cells.iter().any(|(m, _)| m.column == **needed);
        let Some(needed) = self.options.needed.iter().find(lacking) else { return Ok(()) };
        let keys: Vec<&str> = object.keys().map(String::as_str).collect();
        let keys = keys.join(", ");
        let named = self.named.iter().find(|(_, ours)| ours == needed);
        Err(ImportError::Header(match named {
            Some((theirs, _)) => {
                format!("there is no key \"{theirs}\"; the first object has {keys}")
            }
            None => format!(
                "no key is known to hold {needed}; name it, as in KEY={needed}; the first object \
                 has {keys}"
            ),
        }))
    }

    /// Values under keys that mean something, one for a column.
    fn cells<'o>(&mut self, object: &'o Object) -> Vec<(Meaning, &'o Value)> {
        let mut cells: Vec<(Meaning, &Value)> = Vec::new();
        for (key, value) in object {
            let Some(meaning) = self.meaning(key) else { continue };
            match cells.iter_mut().find(|(known, _)| known.column == meaning.column) {
                Some(known) if meaning.rank < known.0.rank => *known = (meaning, value),
                Some(_) => {}
                None => cells.push((meaning, value)),
            }
        }
        cells
    }

    fn meaning(&mut self, key: &str) -> Option<Meaning> {
        if let Some(meaning) = self.keys.get(key) {
            return *meaning;
        }
        let named = |column: &str| self.named.iter().any(|(_, ours)| *ours == column);
        let meaning = match self.named.iter().find(|(theirs, _)| *theirs == key) {
            Some((_, column)) => Some(Meaning { column, rank: 0 }),
            None => {
                let folded = header::folded(key);
                let free = self.options.columns.iter().copied().filter(|column| !named(column));
                let rank = |column| {
                    let mut names = header::known_names(column, self.options.kind);
                    let rank = names.position(|name| name == folded)?;
                    Some(Meaning { column, rank })
                };
                free.filter_map(rank).next()
            }
        };
        if self.keys.len() < KEYS_MAX {
            self.keys.insert(key.to_owned(), meaning);
        }
        meaning
    }

    fn row(&self, cells: &[(Meaning, &Value)], record: &mut Record) -> Result<(), String> {
        for (Meaning { column, .. }, value) in cells {
            record.take(column, &text(column, value)?, &self.options)?;
        }
        record.check(&self.options)
    }
}

/// A JSON value as a cell.
fn text(column: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(flag) => Ok(if *flag { "yes" } else { "no" }.to_owned()),
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("{column} is an array or object, expected text or a number"))
        }
    }
}
