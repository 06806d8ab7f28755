//! A row: one entry as people write it, as cells by column name, and the key that tells it apart.
//!
//! Owns the canonical form. Must not know files, change-sets or the engine.
//! Invariants: cells stand in the order of their kind's columns, none is empty, none holds a tab
//! or a line break; two rows of one list with equal keys speak of the same thing.

use std::collections::HashMap;
use std::fmt;

use super::pack::row::{Cells, all_columns, column_of, entries, entry_meta, needed_columns};
use super::pack::{COLUMNS_MAX, LINE_BYTES_MAX, pattern_text, timestamp, timestamp_text};
use crate::model::entry::{Entry, EntryMeta, ListKind, ListSpec, Value};
use crate::text::fold::fold_to_string;
use crate::text::sender::sender_exact_key;

/// Octets of all cells of a row: with tabs between them they fit in a line of a pack.
pub const ROW_BYTES_MAX: usize = LINE_BYTES_MAX - COLUMNS_MAX;

/// Cells of one row; `@NAME` of packs are already replaced by what they stand for.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    cells: Vec<(&'static str, Box<str>)>,
    key: Box<str>,
}

impl Row {
    /// Reads cells by column name, in any order; an empty cell is as good as none.
    ///
    /// Errors: in words, naming the column and what was expected there.
    pub fn read<'n, 'a>(
        spec: &ListSpec,
        cells: impl IntoIterator<Item = (&'n str, &'a str)>,
    ) -> Result<Row, String> {
        let mut given: [Option<&str>; COLUMNS_MAX] = [None; COLUMNS_MAX];
        let mut octets = 0;
        for (name, text) in cells {
            let (name, text) = (column_of(spec.kind, name)?, text.trim());
            let at = all_columns(spec.kind).position(|known| known == name).unwrap_or(0);
            if given[at].is_some() {
                return Err(format!("column \"{name}\" stands twice"));
            }
            if text.chars().any(char::is_control) {
                return Err(format!(
                    "column \"{name}\": holds a tab, line break or other control character, \
                     expected plain text"
                ));
            }
            octets += text.len();
            given[at] = Some(text).filter(|text| !text.is_empty());
        }
        if octets > ROW_BYTES_MAX {
            return Err(format!("row has {octets} bytes, at most {ROW_BYTES_MAX} are allowed"));
        }
        let given = all_columns(spec.kind).zip(given).filter_map(|(n, cell)| Some((n, cell?)));
        let (names, texts): (Vec<&'static str>, Vec<&str>) = given.unzip();
        let cells = Cells::new(&names, texts.iter().copied());
        let mut key = String::new();
        entries(spec, &cells, &HashMap::new(), &mut |entry| {
            key = key_of(&entry.value, &cells)?;
            Ok(())
        })?;
        let canonical = |(name, text): (&'static str, &str)| {
            (name, canonical_cell(spec.kind, name, text, &key).into_boxed_str())
        };
        let cells = names.iter().copied().zip(texts).map(canonical).collect();
        Ok(Row { cells, key: key.into() })
    }

    /// What tells the row apart within its list, in canonical form.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The cell of a column.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| *name == column).map(|(_, cell)| &**cell)
    }

    /// All cells with their columns.
    pub fn cells(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.cells.iter().map(|(name, cell)| (*name, &**cell))
    }

    /// Hands on the entries that the row stands for: mostly one, of a sender up to two.
    ///
    /// Errors: when the row does not fit the list, or those of `take`.
    pub fn entries(
        &self,
        spec: &ListSpec,
        take: &mut dyn FnMut(Entry<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        self.with_cells(|cells| entries(spec, cells, &HashMap::new(), take))
    }

    /// What the row says besides its value, with what its list says for all.
    ///
    /// Errors: when the row does not fit the list.
    pub fn meta(&self, spec: &ListSpec) -> Result<EntryMeta, String> {
        self.with_cells(|cells| entry_meta(spec, cells))
    }

    /// The row as a line of a pack under these columns; cells of other columns are left out.
    pub fn to_pack_line(&self, columns: &[&str]) -> String {
        let cells: Vec<&str> = columns.iter().map(|name| self.get(name).unwrap_or("")).collect();
        let line = cells.join("\t");
        let line = line.trim_end_matches('\t');
        // A space is cut off again when cells are read; it keeps the line from being a comment
        // or a directive.
        let space = if line.starts_with(['#', '%']) { " " } else { "" };
        format!("{space}{line}")
    }

    fn with_cells<T>(&self, ask: impl FnOnce(&Cells<'_, '_>) -> T) -> T {
        let mut names = [""; COLUMNS_MAX];
        names.iter_mut().zip(&self.cells).for_each(|(name, (known, _))| *name = known);
        let names = &names[..self.cells.len()];
        ask(&Cells::new(names, self.cells.iter().map(|(_, cell)| &**cell)))
    }
}

impl fmt::Debug for Row {
    /// Values are personal data: only how many cells there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({} cells)", self.cells.len())
    }
}

/// All columns that rows of a kind may have, in the order in which they keep their cells.
pub fn columns(kind: ListKind) -> impl Iterator<Item = &'static str> {
    all_columns(kind)
}

/// What the cells that all values of a segment share say.
///
/// Errors: when they do not fit the list.
pub fn shared_meta(
    spec: &ListSpec,
    shared: &[(&'static str, Box<str>)],
) -> Result<EntryMeta, String> {
    let mut names = Vec::new();
    for (name, _) in shared {
        names.push(column_of(spec.kind, name)?);
    }
    if names.len() > COLUMNS_MAX {
        return Err(format!("more than {COLUMNS_MAX} shared columns"));
    }
    entry_meta(spec, &Cells::new(&names, shared.iter().map(|(_, cell)| &**cell)))
}

/// Those of them that no row can do without.
pub fn needed(kind: ListKind) -> &'static [&'static str] {
    needed_columns(kind)
}

/// The key of a value.
fn key_of(value: &Value<'_>, cells: &Cells<'_, '_>) -> Result<String, String> {
    let cell = |name: &str| cells.get(name).unwrap_or("");
    let key = match value {
        Value::Number(pattern) => pattern_text(pattern),
        Value::Sender(sender, _) => sender_exact_key(sender),
        Value::Signature(signature) => folded("value", signature)?,
        Value::Keyword(phrase) => keyword_key(phrase)?,
        Value::Conjunction(conjunction) => conjunction.id.to_string(),
        Value::Domain(host) => (*host).to_owned(),
        Value::Brand(brand) => brand.id.to_string(),
        Value::NumberPlan(plan) => plan.region.to_string(),
        Value::NumberClass(class) => {
            let digits = match (class.digits_min, class.digits_max) {
                (min, max) if min == max => min.to_string(),
                (min, max) => format!("{min}-{max}"),
            };
            format!("{}/{}/{digits}", class.region, class.prefix)
        }
        Value::Trunk(trunk) => {
            let mut key = trunk.trunk_id.to_owned();
            if let Some(pattern) = &trunk.number {
                key.extend([" number=", &pattern_text(pattern)]);
            }
            if let Some(sender) = trunk.sender {
                key.extend([" sender=", &sender_exact_key(sender)]);
            }
            key
        }
        Value::Policy(_) => cell("key").to_owned(),
    };
    Ok(key)
}

/// A keyword's key: folded, with the `*` that open its ends.
pub fn keyword_key(phrase: &str) -> Result<String, String> {
    let core = phrase.trim_matches('*');
    let (left, right) = (phrase.starts_with('*'), phrase.ends_with('*'));
    let mut key = String::new();
    key.push_str(if left { "*" } else { "" });
    key.push_str(&folded("value", core)?);
    key.push_str(if right { "*" } else { "" });
    Ok(key)
}

fn folded(column: &str, text: &str) -> Result<String, String> {
    let key = fold_to_string(text);
    if key.trim().is_empty() {
        return Err(format!("column \"{column}\": is empty after folding, expected a text"));
    }
    Ok(key)
}

/// One way to write each cell, so that rows that say the same are the same. The cells have been
/// read before: what cannot be read here stands in a column where that is right.
fn canonical_cell(kind: ListKind, column: &str, text: &str, key: &str) -> String {
    let or_as_is = |text: &str, canonical: Option<String>| canonical.unwrap_or(text.to_owned());
    match (kind, column) {
        (ListKind::Number | ListKind::Domain, "value") => key.to_owned(),
        (ListKind::Trunk, "number") => {
            or_as_is(text, super::pack::number_pattern(text).ok().map(|p| pattern_text(&p)))
        }
        (_, "points") => or_as_is(text, text.parse::<i16>().ok().map(|p| p.to_string())),
        (_, "valid_from" | "valid_until") => {
            or_as_is(text, timestamp(text).ok().map(timestamp_text))
        }
        (_, "region") => text.to_ascii_uppercase(),
        (ListKind::Conjunction, "all") => {
            let groups: Vec<String> = text.split(';').map(choices).collect();
            groups.join(" ; ")
        }
        (ListKind::Conjunction, "none")
        | (ListKind::Brand, "names" | "domains")
        | (ListKind::NumberPlan, "international_prefixes") => choices(text),
        _ => text.to_owned(),
    }
}

/// Terms parted by ` | `, in the order in which they were written.
fn choices(text: &str) -> String {
    let terms: Vec<&str> = text.split('|').map(str::trim).collect();
    terms.join(" | ")
}

impl Row {
    /// A row as it was stored: neither cells nor key are read again, because what was accepted
    /// once must come back even where today's rules would refuse it.
    pub fn stored(cells: Vec<(&'static str, Box<str>)>, key: Box<str>) -> Row {
        Row { cells, key }
    }
}

/// Every column that a row of some kind may have, with the columns of provenance at the end.
const COLUMNS: [&str; 39] = [
    "value",
    "match",
    "id",
    "all",
    "none",
    "within",
    "names",
    "domains",
    "region",
    "country_code",
    "international_prefixes",
    "trunk_prefix",
    "national_digits",
    "prefix",
    "digits",
    "class",
    "short",
    "origination",
    "abroad",
    "trunk",
    "number",
    "sender",
    "signature",
    "mode",
    "key",
    "effect",
    "points",
    "label",
    "category",
    "shadow",
    "valid_from",
    "valid_until",
    "note",
    "authority",
    "case",
    "reason",
    "source",
    "ticket",
    "author",
];

/// The column of this name; `None` for a name that no kind has.
pub fn column(name: &str) -> Option<&'static str> {
    COLUMNS.into_iter().find(|known| *known == name)
}

#[cfg(test)]
mod tests;
