//! Stored forms: how a record's actor and event are written as JSON, and read back.
//!
//! Owns the version of the form. Must not know where the octets are kept. Invariants: what was
//! written is read back equal; a form of another version or with an unknown field is refused with
//! words, never guessed at; no message holds a value, because values are personal data.

mod edit;
mod event;
mod source;
mod spec;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lists::edit::SegmentUse;
use crate::lists::event::Event;
use crate::lists::row::Row;
use crate::model::catalogue::Actor;
use crate::model::entry::ListSpec;

/// The version of the form that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// Why a stored form cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormError {
    /// Written by another version of the program.
    Version(u32),
    /// Not what this version writes.
    Wrong(String),
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormError::Version(found) => write!(
                f,
                "stored form {found}, this program knows form {VERSION}; use the version of the \
                 program that wrote it"
            ),
            FormError::Wrong(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for FormError {}

impl From<serde_json::Error> for FormError {
    /// Only where, not what: the message of the parser may quote a value.
    fn from(error: serde_json::Error) -> Self {
        let kind = match error.classify() {
            serde_json::error::Category::Eof => "ends early",
            serde_json::error::Category::Syntax => "is no JSON",
            _ => "has a field that does not fit",
        };
        FormError::Wrong(format!("stored form {kind} near octet {}", error.column()))
    }
}

/// What every form starts with.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    v: u32,
    #[serde(borrow)]
    actor: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    event: event::EventForm<'a>,
}

/// The body of a record.
pub fn write_body(actor: Actor, event: &Event) -> Vec<u8> {
    let body = Body { v: VERSION, actor: actor.as_str().into(), event: event.into() };
    serde_json::to_vec(&body).expect("text, numbers and lists of them can be written as JSON")
}

/// Reads what [`write_body`] wrote.
pub fn read_body(octets: &[u8]) -> Result<(Actor, Event), FormError> {
    let version: Versioned = serde_json::from_slice(octets)?;
    if version.v != VERSION {
        return Err(FormError::Version(version.v));
    }
    let body: Body<'_> = serde_json::from_slice(octets)?;
    Ok((need(Actor::parse(&body.actor), "actor")?, body.event.read()?))
}

/// A row's cells, as the view stores them; its key stands beside them.
pub fn write_cells(row: &Row) -> String {
    let cells = edit::Cells(row.cells().map(|(column, cell)| (column, cell.into())).collect());
    serde_json::to_string(&cells).expect("cells are text")
}

/// Reads what [`write_cells`] wrote.
pub fn read_cells(key: &str, text: &str) -> Result<Row, FormError> {
    let cells: edit::Cells<'_> = serde_json::from_str(text)?;
    Ok(Row::stored(cells.read(), key.into()))
}

/// The cells that values of a segment share, as the view stores them.
pub fn write_shared(segment: &SegmentUse) -> String {
    let cells = segment.shared.iter().map(|(column, cell)| (*column, (&**cell).into()));
    serde_json::to_string(&edit::Cells(cells.collect())).expect("cells are text")
}

/// Reads what [`write_shared`] wrote.
pub fn read_shared(text: &str) -> Result<Vec<(&'static str, Box<str>)>, FormError> {
    let cells: edit::Cells<'_> = serde_json::from_str(text)?;
    Ok(cells.read())
}

/// What is said of a list, as the view stores it.
pub fn write_spec(list: &ListSpec) -> String {
    serde_json::to_string(&spec::SpecForm::from(list)).expect("a list is text and numbers")
}

/// Reads what [`write_spec`] wrote.
pub fn read_spec(text: &str) -> Result<ListSpec, FormError> {
    serde_json::from_str::<spec::SpecForm<'_>>(text)?.read()
}

/// A value that must be there and readable, else the field is named.
fn need<T>(value: Option<T>, field: &str) -> Result<T, FormError> {
    value.ok_or_else(|| FormError::Wrong(format!("stored field `{field}` cannot be read")))
}

#[cfg(test)]
pub(crate) mod tests;
