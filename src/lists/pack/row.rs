//! Rows: tab-separated cells under named columns, turned into entries.

use std::collections::HashMap;

use super::attributes::{action, effect};
use super::values::{
    category, digit_counts, flag, label_key, number_pattern, points, region, short_digits,
    timestamp,
};
use super::{CHOICES_MAX, COLUMNS_MAX};
use crate::lists::checks;
use crate::model::entry::{
    Brand, ClassRow, Conjunction, Effect, Entry, EntryMeta, FromAbroad, ListKind, ListSpec,
    NumberClass, Origination, PlanRow, SenderMatch, Setting, Term, TrunkRow, Value,
};
use crate::model::policy::{Action, Mode};

/// Names that are built in and cannot be defined.
pub(super) const RESERVED: [&str; 3] = ["link", "phone", "code"];

/// Columns that every kind takes.
const COMMON: [&str; 11] = [
    "effect",
    "points",
    "label",
    "category",
    "shadow",
    "valid_from",
    "valid_until",
    "reason",
    "source",
    "ticket",
    "note",
];

/// All columns of a kind, in the order in which rows keep their cells.
pub(in crate::lists) fn all_columns(kind: ListKind) -> impl Iterator<Item = &'static str> {
    let (needed, optional) = columns_of(kind);
    needed.iter().chain(optional).chain(&COMMON).copied()
}

/// Finds a column of a kind by its name.
pub(in crate::lists) fn column_of(kind: ListKind, name: &str) -> Result<&'static str, String> {
    all_columns(kind).find(|known| *known == name).ok_or_else(|| {
        let all: Vec<&str> = all_columns(kind).collect();
        format!("unknown column \"{name}\" for kind {}; expected {}", kind.as_str(), all.join(", "))
    })
}

/// Columns of a kind: those it needs, those it may have besides.
fn columns_of(kind: ListKind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        ListKind::Number | ListKind::Signature | ListKind::Keyword | ListKind::Domain => {
            (&["value"], &[])
        }
        ListKind::Sender => (&["value"], &["match"]),
        ListKind::Conjunction => (&["id", "all"], &["none", "within"]),
        ListKind::Brand => (&["id", "names", "domains"], &[]),
        ListKind::NumberPlan => (
            &[
                "region",
                "country_code",
                "international_prefixes",
                "trunk_prefix",
                "national_digits",
            ],
            &[],
        ),
        ListKind::NumberClass => {
            (&["region", "prefix", "digits", "class", "short", "origination", "abroad"], &[])
        }
        ListKind::Trunk => (&["trunk"], &["number", "sender", "mode", "region"]),
        ListKind::Policy => (&["key", "value"], &[]),
    }
}

/// The `%columns` of a list.
pub(super) struct Columns {
    names: Vec<&'static str>,
}

impl Columns {
    pub(super) fn parse(kind: ListKind, rest: &str) -> Result<Columns, String> {
        let (needed, _) = columns_of(kind);
        let mut names: Vec<&'static str> = Vec::new();
        for word in rest.split_ascii_whitespace() {
            let name = column_of(kind, word)?;
            if names.contains(&name) {
                return Err(format!("column \"{name}\" stands twice"));
            }
            names.push(name);
        }
        match needed.iter().find(|name| !names.contains(*name)) {
            Some(name) => Err(format!("column \"{name}\" is missing for kind {}", kind.as_str())),
            None if names.len() > COLUMNS_MAX => Err(format!("more than {COLUMNS_MAX} columns")),
            None => Ok(Columns { names }),
        }
    }

    /// Parts a row; missing cells at the end are empty.
    pub(super) fn cells<'l>(&self, line: &'l str) -> Result<Cells<'l, '_>, String> {
        let mut cells = [""; COLUMNS_MAX];
        for (at, cell) in line.split('\t').enumerate() {
            if at == self.names.len() {
                return Err(format!(
                    "row has {} columns, expected at most {} ({})",
                    line.split('\t').count(),
                    self.names.len(),
                    self.names.join(", ")
                ));
            }
            cells[at] = cell.trim();
        }
        Ok(Cells { names: &self.names, cells, numbered: true })
    }
}

/// The cells of one row by column name; an empty cell is as good as none.
pub(in crate::lists) struct Cells<'l, 'c> {
    names: &'c [&'static str],
    cells: [&'l str; COLUMNS_MAX],
    /// They stand in a file: mistakes name the place of their column, too.
    numbered: bool,
}

impl<'l, 'c> Cells<'l, 'c> {
    /// Cells of no file. `texts` stand in the order of `names`.
    pub(in crate::lists) fn new(
        names: &'c [&'static str],
        texts: impl Iterator<Item = &'l str>,
    ) -> Self {
        let mut cells = [""; COLUMNS_MAX];
        cells.iter_mut().zip(texts).for_each(|(cell, text)| *cell = text);
        Cells { names, cells, numbered: false }
    }

    /// All cells that are not empty.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &'l str)> {
        let cells = self.names.iter().copied().zip(self.cells);
        cells.filter(|(_, cell)| !cell.is_empty())
    }

    pub(in crate::lists) fn get(&self, name: &str) -> Option<&'l str> {
        let index = self.names.iter().position(|n| *n == name)?;
        Some(self.cells[index]).filter(|cell| !cell.is_empty())
    }

    /// Reads a cell with `read`, naming the column where that fails.
    fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'l str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        self.get(name).map(read).transpose().map_err(|e| self.at(name, &e))
    }

    fn need<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'l str) -> Result<T, String>,
    ) -> Result<T, String> {
        self.read(name, read)?.ok_or_else(|| self.at(name, "is empty, expected a value"))
    }

    fn at(&self, name: &str, what: &str) -> String {
        match self.names.iter().position(|n| *n == name) {
            Some(index) if self.numbered => format!("column {} \"{name}\": {what}", index + 1),
            _ => format!("column \"{name}\": {what}"),
        }
    }
}

/// Turns a row into its entries (a sender row may give two) and hands them on.
pub(in crate::lists) fn entries(
    spec: &ListSpec,
    cells: &Cells<'_, '_>,
    defines: &HashMap<String, String>,
    take: &mut dyn FnMut(Entry<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let meta = entry_meta(spec, cells)?;
    let mut give = |value| take(Entry { value, meta });
    match spec.kind {
        ListKind::Number => give(Value::Number(cells.need("value", number_pattern)?)),
        ListKind::Sender => {
            let value = cells.need("value", plain)?;
            let how = cells.get("match").unwrap_or("both");
            if !["exact", "look-alike", "both"].contains(&how) {
                return Err(cells.at("match", "expected exact, look-alike or both"));
            }
            if how != "look-alike" {
                give(Value::Sender(value, SenderMatch::Exact))?;
            }
            if how != "exact" {
                give(Value::Sender(value, SenderMatch::LookAlike))?;
            }
            Ok(())
        }
        ListKind::Signature => give(Value::Signature(cells.need("value", plain)?)),
        ListKind::Keyword => give(Value::Keyword(cells.need("value", plain)?)),
        ListKind::Conjunction => give(Value::Conjunction(conjunction(cells, defines)?)),
        ListKind::Domain => {
            let host = cells.need("value", listed_domain)?;
            give(Value::Domain(&host))
        }
        ListKind::Brand => give(Value::Brand(brand(cells)?)),
        ListKind::NumberPlan => give(Value::NumberPlan(plan_row(cells)?)),
        ListKind::NumberClass => give(Value::NumberClass(class_row(cells)?)),
        ListKind::Trunk => give(Value::Trunk(trunk_row(cells)?)),
        ListKind::Policy => {
            let key = cells.need("key", plain)?;
            give(Value::Policy(cells.need("value", |value| setting(key, value))?))
        }
    }
}

fn plain(text: &str) -> Result<&str, String> {
    Ok(text)
}

/// Cells with every `@NAME` replaced by what it stands for, and choices in one form.
pub(super) fn expanded(
    cells: &Cells<'_, '_>,
    defines: &HashMap<String, String>,
) -> Result<Vec<(&'static str, String)>, String> {
    let one = |(name, cell): (&'static str, &str)| {
        let text = match name {
            "all" => {
                let groups = cell.split(';').map(|group| expand(group, defines));
                groups.collect::<Result<Vec<_>, _>>()?.join(" ; ")
            }
            "none" => expand(cell, defines)?,
            _ => cell.to_owned(),
        };
        Ok((name, text))
    };
    cells.iter().map(one).collect()
}

/// What a row says besides its value.
pub(in crate::lists) fn entry_meta(
    spec: &ListSpec,
    cells: &Cells<'_, '_>,
) -> Result<EntryMeta, String> {
    let mut meta = spec.meta;
    let own_points = cells.read("points", points)?;
    let own_label = cells.read("label", label_key)?;
    if let Some(name) = cells.get("effect") {
        meta.effect =
            effect(name, own_points.unwrap_or(0), own_label).map_err(|e| cells.at("effect", &e))?;
    } else {
        match (meta.effect, own_points, own_label) {
            (Effect::Score(_), Some(points), _) => meta.effect = Effect::Score(points),
            (Effect::Label(_), _, Some(key)) => meta.effect = Effect::Label(key),
            (_, Some(_), _) => return Err(cells.at("points", "only goes with effect=score")),
            (_, _, Some(_)) => return Err(cells.at("label", "only goes with effect=label")),
            _ => {}
        }
    }
    meta.category = cells.read("category", category)?.or(meta.category);
    meta.shadow = cells.read("shadow", flag)?.unwrap_or(meta.shadow);
    meta.validity.from = cells.read("valid_from", timestamp)?.unwrap_or(meta.validity.from);
    meta.validity.until = cells.read("valid_until", timestamp)?.unwrap_or(meta.validity.until);
    if meta.validity.from >= meta.validity.until {
        return Err("valid_from is not before valid_until".into());
    }
    Ok(meta)
}

/// Replaces each `@NAME` of a choice by what it stands for; built-in names stay.
pub(super) fn expand(choice: &str, defines: &HashMap<String, String>) -> Result<String, String> {
    let mut out: Vec<&str> = Vec::new();
    for term in choice.split('|').map(str::trim) {
        match term.strip_prefix('@') {
            _ if term.is_empty() => return Err("empty term between two `|`".into()),
            Some(name) if !RESERVED.contains(&name) => {
                let defined = defines.get(name);
                let unknown = || format!("@{name} is not defined above (%define {name} …)");
                out.extend(defined.ok_or_else(unknown)?.split(" | "));
            }
            _ => out.push(term),
        }
    }
    if out.len() > CHOICES_MAX {
        return Err(format!("{} choices, at most {CHOICES_MAX} are allowed", out.len()));
    }
    Ok(out.join(" | "))
}

fn terms(choice: &str, defines: &HashMap<String, String>) -> Result<Vec<Term>, String> {
    let expanded = expand(choice, defines)?;
    let term = |text: &str| match text {
        "@link" => Term::Link,
        "@phone" => Term::Phone,
        "@code" => Term::Code,
        phrase => Term::Phrase(phrase.into()),
    };
    let mut terms: Vec<Term> = expanded.split(" | ").map(term).collect();
    terms.sort();
    terms.dedup();
    Ok(terms)
}

fn conjunction(
    cells: &Cells<'_, '_>,
    defines: &HashMap<String, String>,
) -> Result<Conjunction, String> {
    let groups = cells.need("all", |all| {
        all.split(';').map(|group| terms(group, defines)).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(Conjunction {
        id: cells.need("id", plain)?.into(),
        groups,
        none: cells.read("none", |none| terms(none, defines))?.unwrap_or_default(),
        within: cells.read("within", |text| {
            let count = text.parse::<u16>().ok().filter(|n| *n > 0);
            count.ok_or_else(|| format!("expected a count of characters, found \"{text}\""))
        })?,
    })
}

/// A host to list; refuses what would match half the net.
fn listed_domain(text: &str) -> Result<String, String> {
    let host = domain(text)?;
    if !host.contains('.') || psl::suffix_str(&host) == Some(host.as_str()) {
        return Err(format!(
            "\"{text}\" is a public suffix: it would match every domain below it; name a domain"
        ));
    }
    Ok(host)
}

/// A host in lower-case ASCII. A brand's own may be a public suffix that only it gives out: gov.uk.
fn domain(text: &str) -> Result<String, String> {
    let host = idna::domain_to_ascii(text.trim_end_matches('.'))
        .map_err(|_| format!("\"{text}\" is no domain name"))?;
    let ok = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    if !ok || host.split('.').any(str::is_empty) {
        return Err(format!("\"{text}\" is no domain name (no scheme, path or port)"));
    }
    Ok(host)
}

fn brand(cells: &Cells<'_, '_>) -> Result<Brand, String> {
    let domains: Result<Vec<Box<str>>, String> = cells.need("domains", |text| {
        Ok(text.split('|').map(|d| domain(d.trim()).map(Into::into)).collect())
    })?;
    Ok(Brand {
        id: cells.need("id", plain)?.into(),
        names: cells.need("names", |text| {
            let names: Vec<Box<str>> = text.split('|').map(|n| n.trim().into()).collect();
            if text.split('|').any(|name| name.trim().chars().count() < 2) {
                return Err("a name needs at least 2 characters".into());
            }
            Ok(names)
        })?,
        domains: domains.map_err(|e| cells.at("domains", &e))?,
    })
}

fn plan_row(cells: &Cells<'_, '_>) -> Result<PlanRow, String> {
    let prefixes = match cells.get("international_prefixes") {
        None => Vec::new(),
        Some(text) => text
            .split('|')
            .map(|prefix| short_digits::<8>(prefix.trim()))
            .collect::<Result<_, _>>()
            .map_err(|e| cells.at("international_prefixes", &e))?,
    };
    let (min, max) = cells.need("national_digits", digit_counts)?;
    Ok(PlanRow {
        region: cells.need("region", region)?,
        country_code: cells.need("country_code", short_digits::<3>)?,
        international_prefixes: prefixes,
        trunk_prefix: cells.read("trunk_prefix", short_digits::<4>)?.unwrap_or_default(),
        national_digits_min: min,
        national_digits_max: max,
    })
}

fn class_row(cells: &Cells<'_, '_>) -> Result<ClassRow, String> {
    let (digits_min, digits_max) = cells.need("digits", digit_counts)?;
    Ok(ClassRow {
        region: cells.need("region", region)?,
        prefix: cells.read("prefix", short_digits::<20>)?.unwrap_or_default(),
        digits_min,
        digits_max,
        class: cells.need("class", |text| {
            let names = NumberClass::ALL.map(|(class, name)| (name, class));
            one_of(&names, text)
        })?,
        short: cells.read("short", flag)?.unwrap_or(false),
        origination: cells.need("origination", |text| {
            let names = [
                ("yes", Origination::Yes),
                ("bound", Origination::Bound),
                ("never", Origination::Never),
            ];
            one_of(&names, text)
        })?,
        from_abroad: cells.need("abroad", |text| {
            let names = [
                ("allow", FromAbroad::Allow),
                ("roaming", FromAbroad::Roaming),
                ("block", FromAbroad::Block),
            ];
            one_of(&names, text)
        })?,
    })
}

/// Reads one of some names.
fn one_of<T: Copy>(names: &[(&str, T)], text: &str) -> Result<T, String> {
    let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        format!("expected one of {}, found \"{text}\"", names.join(", "))
    })
}

fn trunk_row<'l>(cells: &Cells<'l, '_>) -> Result<TrunkRow<'l>, String> {
    Ok(TrunkRow {
        trunk_id: cells.need("trunk", Ok)?,
        number: cells.read("number", number_pattern)?,
        sender: cells.get("sender"),
        mode: cells.read("mode", mode)?,
        region: cells.read("region", region)?,
    })
}

fn mode(text: &str) -> Result<Mode, String> {
    Mode::parse(text)
        .ok_or_else(|| format!("expected observe, label-only or enforce, found \"{text}\""))
}

fn setting(key: &str, value: &str) -> Result<Setting, String> {
    let risk = |wanted: Action| {
        let risk =
            value.parse::<u16>().map_err(|_| format!("expected a risk, found \"{value}\""))?;
        checks::threshold(wanted, risk).map(|()| risk)
    };
    match key.split_once('.') {
        Some(("call", name)) => {
            let wanted = action(name)?;
            Ok(Setting::CallThreshold(wanted, risk(wanted)?))
        }
        Some(("message", name)) => {
            let wanted = action(name)?;
            Ok(Setting::MessageThreshold(wanted, risk(wanted)?))
        }
        _ => match key {
            "mode" => mode(value).map(Setting::Mode),
            "default-region" => region(value).map(Setting::DefaultRegion),
            "text-ceiling" => action(value).map(Setting::TextCeiling),
            "hold-max" => {
                let seconds = value.parse::<u32>().ok().filter(|s| *s <= 86_400);
                let expected = || format!("expected seconds from 0 to 86400, found \"{value}\"");
                seconds.map(Setting::HoldMax).ok_or_else(expected)
            }
            _ => Err(format!(
                "unknown key \"{key}\"; expected call.label, call.hold, call.block, message.label, \
                 message.hold, message.block, mode, default-region, text-ceiling or hold-max"
            )),
        },
    }
}
