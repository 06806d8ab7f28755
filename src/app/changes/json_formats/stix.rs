//! STIX 2.1: the indicators of a bundle, or indicators one after the other, as rows.
//!
//! STIX has no type for telephone numbers; feeds use types of their own (`x-phone-number`), which
//! are known by their names. Objects that are no indicators are passed over.

use std::collections::VecDeque;

use super::pattern::{self, Value as PatternValue};
use super::scan::Scanner;
use super::{Object, words};
use crate::lists::import::{ImportError, Lines, Octets, Options, Record, Step, look};
use crate::model::entry::ListKind;
use serde_json::Value;

/// Octets of one object: descriptions and marks make them longer than a line of other formats.
const OBJECT_OCTETS_MAX: usize = 64 * 1024;

/// Names that tell types and properties for telephone numbers.
const NUMBER_NAMES: [&str; 5] = ["phone", "tel", "msisdn", "caller", "number"];

/// Reads indicators.
///
/// # Errors
/// The source is no text, or the list needs more than values.
pub fn stix<'a>(
    source: Octets<'a>,
    options: Options<'a>,
) -> Result<Box<dyn Lines + 'a>, ImportError> {
    if options.needed != ["value"] {
        let kind = options.kind.as_str();
        let what = format!("STIX indicators cannot fill a list of kind {kind}; use csv or jsonl");
        return Err(ImportError::Header(what));
    }
    let scanner = Scanner::new(look::look(source)?, OBJECT_OCTETS_MAX);
    Ok(Box::new(Stix { scanner, options, waiting: VecDeque::new(), line: 0, object: None }))
}

struct Stix<'a> {
    scanner: Scanner<'a>,
    options: Options<'a>,
    /// Values of the object read last that are still to come.
    waiting: VecDeque<PatternValue>,
    line: u64,
    object: Option<Object>,
}

impl Lines for Stix<'_> {
    fn read(&mut self, record: &mut Record) -> Result<Step, ImportError> {
        loop {
            if let (Some(value), Some(object)) = (self.waiting.pop_front(), &self.object) {
                record.begin(self.line);
                let row = row(object, value, record, &self.options);
                return Ok(row.map_or_else(Step::Bad, |()| Step::Row));
            }
            let Some((line, octets)) = self.scanner.next_object()? else { return Ok(Step::End) };
            self.line = line;
            record.begin(line);
            let object = octets.and_then(|octets| {
                serde_json::from_slice::<Object>(octets)
                    .map_err(|e| format!("this is no JSON object: {}", words(&e)))
            });
            let object = match object {
                Ok(object) => object,
                Err(why) => return Ok(Step::Bad(why)),
            };
            match values(&object, &self.options) {
                Ok(values) => self.waiting = values.into(),
                Err(why) => return Ok(Step::Bad(why)),
            }
            self.object = Some(object);
        }
    }
}

fn text<'o>(object: &'o Object, key: &str) -> &'o str {
    object.get(key).and_then(Value::as_str).unwrap_or("")
}

/// The values of an object; none if it is no indicator.
fn values(object: &Object, options: &Options<'_>) -> Result<Vec<PatternValue>, String> {
    match text(object, "type") {
        "indicator" => {}
        "" => return Err("the object has no type: STIX objects say theirs".into()),
        _ => return Ok(Vec::new()),
    }
    let language = text(object, "pattern_type");
    if !matches!(language, "" | "stix") {
        let language: String = language.chars().take(20).collect();
        return Err(format!("the pattern is in {language}: only stix is known"));
    }
    if revoked(object) && options.known("revoked").is_none() {
        return Err("the indicator is revoked".into());
    }
    pattern::values(text(object, "pattern"))
}

fn revoked(object: &Object) -> bool {
    object.get("revoked").and_then(Value::as_bool).unwrap_or(false)
}

fn row(
    object: &Object,
    value: PatternValue,
    record: &mut Record,
    options: &Options<'_>,
) -> Result<(), String> {
    if !fits(&value.path, options.kind) {
        let path: String = value.path.chars().take(40).collect();
        let kind = options.kind.as_str();
        return Err(format!("the indicator speaks of {path}, the list is of kind {kind}"));
    }
    let wanted = match (value.prefix, options.kind) {
        (false, _) => value.text,
        (true, ListKind::Number) => value.text + "*",
        (true, _) => return Err("LIKE is known for telephone numbers only".into()),
    };
    record.take("value", &wanted, options)?;
    record.check(options)?;
    for (key, column) in [
        ("valid_from", "valid_from"),
        ("valid_until", "valid_until"),
        ("name", "reason"),
        ("description", "note"),
        ("id", "source"),
    ] {
        put(record, options, column, text(object, key))?;
    }
    if let Some(confidence) = object.get("confidence").and_then(Value::as_u64) {
        put(record, options, "confidence", &confidence.to_string())?;
    }
    let labels = ["labels", "indicator_types"].map(|key| object.get(key).and_then(Value::as_array));
    let labels: Vec<&str> =
        labels.iter().copied().flatten().flatten().filter_map(Value::as_str).collect();
    put(record, options, "labels", &labels.join(", "))?;
    if revoked(object) {
        put(record, options, "revoked", "yes")?;
    }
    Ok(())
}

fn put(record: &mut Record, options: &Options<'_>, column: &str, cell: &str) -> Result<(), String> {
    match options.known(column) {
        Some(column) => record.take(column, cell, options),
        None => Ok(()),
    }
}

/// Does a path of a pattern speak of what the list holds?
fn fits(path: &str, kind: ListKind) -> bool {
    let Some((object, property)) = path.split_once(':') else { return false };
    if object == format!("x-ringfence-{}", kind.as_str()) {
        return property == "value";
    }
    let named =
        |names: &[&str]| names.iter().any(|name| object.contains(name) || property.contains(name));
    let custom = object.starts_with("x-");
    match kind {
        ListKind::Domain => matches!(path, "domain-name:value" | "url:value"),
        ListKind::Number => {
            matches!(path, "user-account:user_id" | "user-account:account_login")
                || ((custom || object == "phone-number") && named(&NUMBER_NAMES))
        }
        ListKind::Sender => custom && named(&["sender"]),
        _ => false,
    }
}
