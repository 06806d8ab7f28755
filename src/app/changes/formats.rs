//! All formats of lists by their names: readers for imports, writers for exports.
//!
//! Owns which format goes where. Text formats are read and written by `lists`, JSON formats here,
//! because only `app` and the edges may know JSON.

use std::io::{self, Write};

use super::api::Format;
use super::json_formats;
use crate::lists::export::{self, Rows};
use crate::lists::import::{self, Complaints, ImportError, Lines, Octets, Options};
use crate::model::entry::ListKind;

/// Opens a source that is already unpacked ([`super::unpack`]).
///
/// # Errors
/// The source is no text, not of this format, or does not fit the list; or columns are mapped of a
/// format that has none, or has its own.
pub fn open<'a>(
    format: Format,
    source: Octets<'a>,
    options: Options<'a>,
) -> Result<Box<dyn Lines + 'a>, ImportError> {
    if !options.mapping.is_empty() && !matches!(format, Format::Csv | Format::Jsonl) {
        return Err(ImportError::Header(format!(
            "columns are mapped in csv and jsonl alone; leave the mapping out for {}",
            format.as_str()
        )));
    }
    match format {
        Format::Csv => import::csv(source, options),
        Format::Plain => import::plain(source, options),
        Format::Hosts => import::hosts(source, options),
        Format::FtcDnc => import::complaints(source, Complaints::FtcDnc, options),
        Format::FccUnwanted => import::complaints(source, Complaints::FccUnwanted, options),
        Format::Jsonl => json_formats::jsonl(source, options),
        Format::Stix => json_formats::stix(source, options),
    }
}

/// What an export says of the list as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// The list's id.
    pub list: &'a str,
    /// Its kind.
    pub kind: ListKind,
    /// Columns to write, in this order (CSV).
    pub columns: &'a [&'a str],
    /// When it is written, as RFC 3339 in UTC (STIX asks for a time where a row has none).
    pub time: &'a str,
}

/// Opens an export; rows are written through what it gives.
///
/// # Errors
/// The list cannot be said in this format ([`io::ErrorKind::Unsupported`]), or `out` fails.
pub fn write<'a>(
    format: Format,
    out: &'a mut dyn Write,
    export: Export<'a>,
) -> io::Result<Box<dyn Rows + 'a>> {
    let kind = export.kind;
    match format {
        Format::Csv => export::csv(out, export.columns),
        Format::Jsonl => Ok(json_formats::write_jsonl(out)),
        Format::Stix if says_value(kind) => json_formats::write_stix(out, export),
        Format::Plain if says_value(kind) => Ok(export::plain(out)),
        Format::Hosts if kind == ListKind::Domain => Ok(export::hosts(out)),
        Format::FtcDnc | Format::FccUnwanted => {
            Err(unsupported("complaint files are imported only; export csv or jsonl"))
        }
        Format::Stix | Format::Plain | Format::Hosts => Err(unsupported(&format!(
            "a list of kind {} cannot be written as {}; export csv or jsonl",
            kind.as_str(),
            format.as_str()
        ))),
    }
}

/// Is an entry of this kind one value?
fn says_value(kind: ListKind) -> bool {
    use ListKind::{Domain, Keyword, Number, Sender, Signature};
    matches!(kind, Number | Sender | Signature | Keyword | Domain)
}

fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what)
}

#[cfg(test)]
mod tests;
