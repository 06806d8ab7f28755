//! A look at the first octets of a source: is it text at all, and if not, what is it?
//!
//! Owns the known beginnings. Must not know a format. Invariant: at most [`HEAD_OCTETS`] are held.

use std::io::{BufRead as _, Cursor, Read as _};

use super::{HEAD_OCTETS, ImportError, Octets};

/// Ill-formed octets that are let pass, at least: a stray name in another encoding is the business
/// of its line.
const ILL_FORMED_MIN: usize = 4;

/// The share of ill-formed octets, one in so many, from which a source is no UTF-8 text.
const ILL_FORMED_SHARE: usize = 100;

/// First octets, what they are, what to do.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "a gzip archive within the packed file: unpack it once and import that"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive within the packed file: unpack it once and import that"),
    (b"PK\x03\x04", "a ZIP archive or an XLSX workbook: save the sheet as CSV (UTF-8)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (XLS): save the sheet as CSV (UTF-8)"),
    (b"\xfd7zXZ\0", "an xz archive: unpack it, or pack it with gzip or zstd"),
    (b"BZh91AY&SY", "a bzip2 archive: unpack it, or pack it with gzip or zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it, or pack it with gzip or zstd"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it, or pack it with gzip or zstd"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF89a", "a GIF picture"),
    (b"%PDF-", "a PDF document: export its table as CSV (UTF-8)"),
    (b"SQLite format 3\0", "a SQLite database: export its table as CSV"),
    (b"PAR1\x15", "a Parquet file: export it as CSV or JSON lines"),
    (b"\x7fELF", "a program"),
    (b"{\\rtf", "a rich text document: save it as plain text (UTF-8)"),
    (b"\xff\xfe", "text in UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16: save it as UTF-8"),
];

/// Refuses a source that is no text; gives it back whole.
pub fn look(mut source: Octets<'_>) -> Result<Octets<'_>, ImportError> {
    let mut head = Vec::new();
    source.by_ref().take(HEAD_OCTETS as u64).read_to_end(&mut head)?;
    // It ended before the limit.
    let whole = head.len() < HEAD_OCTETS;
    match what(&head, whole) {
        Some(what) => Err(ImportError::NotText(format!("this is not a list but {what}"))),
        None => Ok(Box::new(Cursor::new(head).chain(source))),
    }
}

/// What the octets are, if they are no text; `whole` says that nothing follows them.
pub fn what(head: &[u8], whole: bool) -> Option<String> {
    let known = BEGINNINGS.iter().find(|(beginning, _)| head.starts_with(beginning));
    if let Some((_, what)) = known {
        return Some((*what).to_owned());
    }
    if let Some(page) = page(head) {
        return Some(page);
    }
    if let Some(at) = memchr::memchr(0, head) {
        return Some(format!("a binary file (NUL at octet {at})"));
    }
    if whole && memchr::memchr(b'\n', head).is_none() {
        let ends = memchr::memchr_iter(b'\r', head).count();
        if ends > 1 {
            return Some("text whose lines end in CR alone: save it with LF line ends".into());
        }
    }
    let ill = ill_formed(head, whole);
    if ill >= ILL_FORMED_MIN && ill * ILL_FORMED_SHARE > head.len() {
        return Some(
            "text in another encoding than UTF-8 (perhaps GBK or Latin-1), or no text: save it as \
             UTF-8"
                .into(),
        );
    }
    None
}

/// A web page: a log-in or error page that came instead of the list.
fn page(head: &[u8]) -> Option<String> {
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let start = start[..start.len().min(64)].to_ascii_lowercase();
    let is = |text: &[u8]| start.starts_with(text);
    if is(b"<!doctype html") || is(b"<html") {
        return Some("a web page (HTML): the address may ask for a log-in".into());
    }
    is(b"<?xml").then(|| "an XML document".into())
}

/// Octets that are no part of a well-formed character; a cut one at the end does not count unless
/// the source ends there.
fn ill_formed(mut octets: &[u8], whole: bool) -> usize {
    let mut count = 0;
    while let Err(e) = std::str::from_utf8(octets) {
        let (at, length) = (e.valid_up_to(), e.error_len());
        let Some(length) = length else {
            return count + if whole { octets.len() - at } else { 0 };
        };
        count += length;
        octets = &octets[at + length..];
    }
    count
}
