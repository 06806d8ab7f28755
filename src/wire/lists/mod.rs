//! The control port's messages and what they mean: lists, entries, change-sets, events.
//!
//! Owns the conversions to and from `lists` and `model`, limits of fields, and page tokens. Must
//! not know who asks, nor what the write side does with it.
//! Invariant: what is read here is well formed; whether it is allowed is the write side's to say.

pub mod change_set;
pub mod codec;
pub mod event;
pub mod row;
pub mod source;
pub mod spec;

#[cfg(test)]
mod tests;

use crate::model::revision::Revision;
use crate::model::time::Timestamp;

use super::checks::Checks;
use super::lists_v1 as pb;
use super::violations::Violations;

/// Largest message of any call: an entry has at most 64 KiB, so a few hundred of the largest ones
/// or ten thousand usual ones fit.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Largest chunk of an import; its message has a few octets more.
pub const CHUNK_BYTES_MAX: usize = 1024 * 1024;
/// Largest message of an import.
pub const CHUNK_MESSAGE_BYTES_MAX: usize = CHUNK_BYTES_MAX + 64;
/// Chunks of an export, and what our own client sends: few enough calls, little memory.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// All octets of an import: a file of a billion compressed numbers is no import but a mistake.
pub const IMPORT_BYTES_MAX: u64 = 8 << 30;
/// Edits, places or cursors in one request.
pub const ITEMS_MAX: usize = 10_000;
/// Cells of one row: more than any kind has columns.
pub const CELLS_MAX: usize = 64;
/// Names: lists, tickets, trunks, request ids, columns.
pub const NAME_BYTES_MAX: usize = 128;
/// Titles and sources.
pub const TITLE_BYTES_MAX: usize = 256;
/// Reasons and notes.
pub const NOTE_BYTES_MAX: usize = 4096;
/// A cell, a key, a question.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// The revision asked for; 0 is now.
pub fn revision(value: u64) -> Option<Revision> {
    (value != 0).then_some(Revision(value))
}

/// A point in time on the wire.
pub fn time(time: Timestamp) -> prost_types::Timestamp {
    super::verdict::time(time)
}

/// From a point in time on the wire, to the millisecond; `None` for years before 1970.
pub fn timestamp(time: prost_types::Timestamp) -> Option<Timestamp> {
    let millis = u64::try_from(time.nanos).ok()? / 1_000_000;
    Some(Timestamp(u64::try_from(time.seconds).ok()?.checked_mul(1000)? + millis))
}

/// An etag on the wire.
pub fn etag_text(etag: u64) -> String {
    format!("{etag:x}")
}

/// From an etag on the wire; empty is none.
///
/// Errors: it is none that we gave.
pub fn etag(text: &str) -> Result<Option<u64>, Violations> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || Violations::one("etag", "must be an etag as an answer had it");
    u64::from_str_radix(text, 16).map(Some).map_err(|_| wrong())
}

/// Checks texts of a request: field, value, octets at most.
///
/// Errors: those that are too long.
pub fn texts(fields: &[(&str, &str, usize)]) -> Result<(), Violations> {
    let mut checks = Checks::default();
    for (field, value, max) in fields {
        checks.octets(format_args!("{field}"), value, *max);
    }
    checks.finish().map(drop)
}

/// Checks a count of items: at least one, at most [`ITEMS_MAX`].
///
/// Errors: none or too many.
pub fn items<T>(field: &str, items: &[T]) -> Result<(), Violations> {
    if items.is_empty() || items.len() > ITEMS_MAX {
        return Err(Violations::one(field, format!("must hold 1 to {ITEMS_MAX} items")));
    }
    Ok(())
}

/// Reads a text that must be there.
///
/// Errors: it is empty or too long.
pub fn required<'a>(field: &str, value: &'a str, max: usize) -> Result<&'a str, Violations> {
    if value.is_empty() {
        return Err(Violations::one(field, "must not be empty"));
    }
    texts(&[(field, value, max)]).map(|()| value)
}
