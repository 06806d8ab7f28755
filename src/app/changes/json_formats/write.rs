//! Writes lists as JSON lines and as STIX 2.1 bundles.
//!
//! JSON lines hold the cells raw. A STIX indicator holds what its readers understand: value, times,
//! name; ids are made of list and key, so that the same entry has the same id in every export.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::app::changes::formats::Export;
use crate::lists::export::{Row, Rows};
use crate::model::entry::ListKind;

/// Writes one object a line.
pub fn write_jsonl<'a>(out: &'a mut dyn Write) -> Box<dyn Rows + 'a> {
    Box::new(Jsonl { out })
}

struct Jsonl<'a> {
    out: &'a mut dyn Write,
}

impl Rows for Jsonl<'_> {
    fn row(&mut self, row: Row<'_>) -> io::Result<()> {
        let cells = row.cells.iter().map(|(name, cell)| ((*name).to_owned(), json!(cell)));
        serde_json::to_writer(&mut self.out, &cells.collect::<Map<String, Value>>())?;
        self.out.write_all(b"\n")
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a bundle of indicators.
pub fn write_stix<'a>(
    out: &'a mut dyn Write,
    export: Export<'a>,
) -> io::Result<Box<dyn Rows + 'a>> {
    let id = uuid(&["bundle", export.list, export.time]);
    write!(out, "{{\"type\":\"bundle\",\"id\":\"bundle--{id}\",\"objects\":[")?;
    Ok(Box::new(Stix { out, export, any: false }))
}

struct Stix<'a> {
    out: &'a mut dyn Write,
    export: Export<'a>,
    any: bool,
}

impl Rows for Stix<'_> {
    fn row(&mut self, row: Row<'_>) -> io::Result<()> {
        let Export { list, kind, time, .. } = self.export;
        let mut object = json!({
            "type": "indicator",
            "spec_version": "2.1",
            "id": format!("indicator--{}", uuid(&["indicator", list, row.key])),
            "created": time,
            "modified": time,
            "pattern": pattern(kind, row.key, row.get("value").unwrap_or(row.key)),
            "pattern_type": "stix",
            "valid_from": instant(row.get("valid_from").unwrap_or(time)),
        });
        for (column, key) in
            [("valid_until", "valid_until"), ("reason", "name"), ("note", "description")]
        {
            if let Some(cell) = row.get(column) {
                let until = column == "valid_until";
                object[key] = if until { json!(instant(cell)) } else { json!(cell) };
            }
        }
        self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        serde_json::to_writer(&mut self.out, &object)?;
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }
}

/// STIX times always have a time of day.
fn instant(time: &str) -> String {
    if time.len() == 10 { format!("{time}T00:00:00Z") } else { time.to_owned() }
}

/// The pattern of an entry.
fn pattern(kind: ListKind, key: &str, value: &str) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let number = key.strip_prefix('+').filter(|_| kind == ListKind::Number);
    match (kind, number) {
        (ListKind::Domain, _) => format!("[domain-name:value = '{}']", quoted(key)),
        (ListKind::Sender, _) => format!("[x-sender-id:value = '{}']", quoted(value)),
        (_, Some(number)) if digits(number) => format!("[x-phone-number:value = '{key}']"),
        (_, Some(number)) if number.strip_suffix('*').is_some_and(digits) => {
            format!("[x-phone-number:value LIKE '{}%']", key.trim_end_matches('*'))
        }
        _ => format!("[x-ringfence-{}:value = '{}']", kind.as_str(), quoted(value)),
    }
}

/// A UUID of version 8 (RFC 9562: a maker's own) out of SHA-256 over the parts.
fn uuid(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // Lengths keep parts apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut octets = [0_u8; 16];
    octets.copy_from_slice(&digest[..16]);
    octets[6] = (octets[6] & 0x0f) | 0x80;
    octets[8] = (octets[8] & 0x3f) | 0x80;
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let [a, b, c, d, e] = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &hex[range]);
    format!("{a}-{b}-{c}-{d}-{e}")
}
