//! How answers look: tables for people, one JSON object a line for machines.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};

use super::Failure;
use crate::cli::client::printable;
use crate::cli::output::{self, BOLD, DIM, styled};
use crate::wire::lists_v1 as pb;
use crate::wire::screening_v1 as screening;

const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
const CAREFUL: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
const BAD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));

/// Prints one JSON object on a line.
pub fn json_line(value: &Value) -> Result<(), Failure> {
    writeln!(output::stdout(), "{value}")?;
    Ok(())
}

/// Prints one line for a person.
pub fn line(text: &str) -> Result<(), Failure> {
    writeln!(output::stdout(), "{text}")?;
    Ok(())
}

/// Prints what to do next, one command a line.
pub fn next(commands: &[String]) -> Result<(), Failure> {
    let mut out = output::stdout();
    for (at, command) in commands.iter().enumerate() {
        let head = if at == 0 { "next:" } else { "     " };
        writeln!(out, "{} {command}", styled(DIM, head))?;
    }
    Ok(())
}

/// Names of wire values in lower case with dashes; one this program does not know is its number.
macro_rules! names {
    ($($function:ident $wire:ty, $prefix:literal),* $(,)?) => {$(
        #[doc = concat!("Name of a `", stringify!($wire), "`; empty for none.")]
        pub fn $function(value: i32) -> String {
            match <$wire>::try_from(value) {
                Err(_) => value.to_string(),
                Ok(_) if value == 0 => String::new(),
                Ok(known) => {
                    let name = known.as_str_name().trim_start_matches($prefix);
                    name.to_ascii_lowercase().replace('_', "-")
                }
            }
        }
    )*};
}

names!(
    kind pb::ListKind, "LIST_KIND_",
    effect pb::Effect, "EFFECT_",
    party pb::Party, "PARTY_",
    traffic pb::Traffic, "TRAFFIC_",
    state pb::ChangeSetState, "CHANGE_SET_STATE_",
    severity pb::Severity, "SEVERITY_",
    event pb::EventKind, "EVENT_KIND_",
    refresh pb::RefreshOutcome, "REFRESH_OUTCOME_",
    ground screening::Ground, "GROUND_",
    action screening::Action, "ACTION_",
    label screening::LabelKey, "LABEL_KEY_",
);

/// A point in time as people and machines both read it; empty for none.
pub fn time(time: Option<&prost_types::Timestamp>) -> String {
    let since = time.and_then(|time| u64::try_from(time.seconds).ok());
    let Some(at) = since.and_then(|s| UNIX_EPOCH.checked_add(Duration::from_secs(s))) else {
        return String::new();
    };
    // It says no to years beyond 9999 by an error of `fmt`.
    let mut text = String::new();
    match write!(text, "{}", humantime::format_rfc3339_seconds(at)) {
        Ok(()) => text,
        Err(_) => "?".to_owned(),
    }
}

/// Lower-case hexadecimal.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").expect("a String takes everything");
        text
    })
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::from(text) }
}

fn number(value: u64) -> Value {
    if value == 0 { Value::Null } else { Value::from(value) }
}

/// Who brought something about.
pub fn origin_json(origin: Option<&pb::Origin>) -> Value {
    origin.map_or(Value::Null, |origin| {
        json!({
            "revision": origin.revision, "change_set": origin.change_set_id,
            "actor": origin.actor, "time": time(origin.commit_time.as_ref()),
        })
    })
}

/// The same in words.
pub fn origin(origin: Option<&pb::Origin>) -> String {
    origin.map_or_else(String::new, |origin| {
        let (actor, at) = (printable(&origin.actor), time(origin.commit_time.as_ref()));
        let (set, revision) = (origin.change_set_id, origin.revision);
        format!("revision {revision} · change-set {set} · {actor} · {at}")
    })
}

/// What is said of a list.
pub fn spec_json(spec: &pb::ListSpec) -> Value {
    json!({
        "id": spec.id, "kind": kind(spec.kind), "title": text(&spec.title),
        "source": text(&spec.source), "party": text(&party(spec.party)), "tenant": spec.tenant,
        "subscriber": text(&spec.subscriber), "traffic": text(&traffic(spec.traffic)),
        "ground": text(&ground(spec.ground)), "ceiling": text(&action(spec.ceiling)),
        "caps_text": text(&action(spec.caps_text)), "effect": text(&effect(spec.effect)),
        "points": spec.points, "label": text(&label(spec.label_key)),
        "category": text(&spec.category),
        "valid_from": text(&time(spec.valid_from_time.as_ref())),
        "valid_until": text(&time(spec.valid_until_time.as_ref())), "shadow": spec.shadow,
        "authority": text(&spec.authority), "case": text(&spec.case_reference),
    })
}

/// A list.
pub fn list_json(list: &pb::List) -> Value {
    let mut object = list.spec.as_ref().map_or_else(|| json!({}), spec_json);
    object["entries"] = list.entry_count.into();
    object["segments"] = list.segments.iter().map(segment_json).collect();
    object["origin"] = origin_json(list.origin.as_ref());
    object
}

fn segment_json(segment: &pb::Segment) -> Value {
    let shared = cells_json(&segment.shared);
    json!({ "blob": segment.blob, "values": segment.value_count, "shared": shared })
}

fn cells_json(cells: &[pb::Cell]) -> Value {
    let cells = cells.iter().map(|cell| (cell.column.clone(), Value::from(cell.text.as_str())));
    Value::Object(cells.collect::<Map<_, _>>())
}

/// Cells as `column=text`, but for the one that is the key.
pub fn cells(cells: &[pb::Cell], key: &str) -> String {
    let others = cells.iter().filter(|cell| cell.text != key);
    let words = others.map(|cell| format!("{}={}", printable(&cell.column), printable(&cell.text)));
    words.collect::<Vec<_>>().join(" ")
}

/// A version of an entry.
pub fn version_json(version: &pb::EntryVersion) -> Value {
    json!({
        "list": version.list_id, "key": version.key,
        "cells": version.row.as_ref().map(|row| cells_json(&row.cells)),
        "from": origin_json(version.from.as_ref()), "until": origin_json(version.until.as_ref()),
    })
}

/// Prints versions of entries.
pub fn versions(versions: &[pb::EntryVersion], json: bool) -> Result<(), Failure> {
    if json {
        return versions.iter().try_for_each(|version| json_line(&version_json(version)));
    }
    let row = |version: &pb::EntryVersion| {
        let says = match &version.row {
            Some(row) => cells(&row.cells, &version.key),
            None => "(taken out)".to_owned(),
        };
        let from = origin(version.from.as_ref());
        let until = version.until.as_ref().map(|until| format!("{}", until.revision));
        vec![printable(&version.key), says, from, until.unwrap_or_default()]
    };
    let rows: Vec<Vec<String>> = versions.iter().map(row).collect();
    Ok(output::table(&["KEY", "SAYS", "SINCE", "UNTIL REVISION"], &rows)?)
}

/// A change-set.
pub fn set_json(set: &pb::ChangeSet) -> Value {
    let draft = set.draft.clone().unwrap_or_default();
    let signed = |signed: &Option<pb::Signature>| {
        signed.as_ref().map(|signed| json!({ "actor": signed.actor, "note": text(&signed.note) }))
    };
    json!({
        "change_set": set.id, "state": state(set.state), "title": draft.title,
        "reason": text(&draft.reason), "ticket": text(&draft.ticket), "origin": text(&set.origin),
        "author": set.author, "committer": text(&set.committer),
        "created": time(set.create_time.as_ref()),
        "revision": number(set.revision), "edits": set.edit_count, "etag": set.etag,
        "warnings_accepted": set.warnings_accepted, "approval": signed(&set.approval),
        "break_glass": text(&set.break_glass_reason), "review": signed(&set.review),
        "ended": text(&time(set.end_time.as_ref())),
    })
}

/// A state in its colour.
pub fn state_styled(value: i32) -> String {
    let name = state(value);
    match pb::ChangeSetState::try_from(value) {
        Ok(pb::ChangeSetState::Committed) => styled(GOOD, &name),
        Ok(pb::ChangeSetState::Submitted | pb::ChangeSetState::Approved) => styled(CAREFUL, &name),
        Ok(pb::ChangeSetState::Rejected | pb::ChangeSetState::Withdrawn) => styled(DIM, &name),
        _ => name,
    }
}

/// Prints a change-set, in few lines.
pub fn set(set: &pb::ChangeSet, json: bool) -> Result<(), Failure> {
    if json {
        return json_line(&set_json(set));
    }
    let draft = set.draft.clone().unwrap_or_default();
    let mut out = output::stdout();
    let head = format!("change-set {}", set.id);
    let title = printable(&draft.title);
    writeln!(out, "{}  {}  {title}", styled(BOLD, &head), state_styled(set.state))?;
    let mut facts = vec![format!("{} edits", set.edit_count)];
    facts.push(format!("by {}", printable(&set.author)));
    facts.push(time(set.create_time.as_ref()));
    for (name, fact) in [("", &set.origin), ("ticket ", &draft.ticket), ("", &draft.reason)] {
        if !fact.is_empty() {
            facts.push(format!("{name}{}", printable(fact)));
        }
    }
    if set.revision > 0 {
        let by = printable(&set.committer);
        let by = if by.is_empty() { by } else { format!(" committed by {by}") };
        facts.push(format!("revision {}{by}", set.revision));
    }
    for (name, signed) in [("approved", &set.approval), ("reviewed", &set.review)] {
        if let Some(signed) = signed {
            facts.push(format!(
                "{name} by {} {}",
                printable(&signed.actor),
                printable(&signed.note)
            ));
        }
    }
    writeln!(out, "{}", styled(DIM, &facts.join(" · ")))?;
    if !set.break_glass_reason.is_empty() {
        let reason = printable(&set.break_glass_reason);
        writeln!(out, "{}", styled(CAREFUL, &format!("went live by break-glass: {reason}")))?;
    }
    Ok(())
}

/// Prints what a check says.
pub fn report(report: &pb::CheckReport, json: bool) -> Result<(), Failure> {
    if json {
        let findings = report.findings.iter().map(|finding| {
            json!({
                "edit": finding.place, "line": number(finding.line),
                "severity": severity(finding.severity), "rule": finding.rule,
                "message": finding.message,
            })
        });
        return json_line(&json!({
            "errors": report.error_count, "warnings": report.warning_count,
            "second_person": text(&report.second_person_reason),
            "findings": findings.collect::<Vec<_>>(),
        }));
    }
    let mut out = output::stdout();
    for finding in &report.findings {
        let name = severity(finding.severity);
        let style = if name == "warning" { CAREFUL } else { BAD };
        let place = finding.place.map_or_else(String::new, |place| format!(" edit {place}"));
        let at = if finding.line > 0 { format!(" line {}", finding.line) } else { String::new() };
        let (rule, message) = (printable(&finding.rule), printable(&finding.message));
        writeln!(out, "{}{place}{at} {rule}: {message}", styled(style, &name))?;
    }
    let (errors, warnings) = (report.error_count, report.warning_count);
    writeln!(out, "{errors} errors, {warnings} warnings")?;
    if !report.second_person_reason.is_empty() {
        let reason = printable(&report.second_person_reason);
        writeln!(out, "a second person has to agree: {reason}")?;
    }
    Ok(())
}

/// Prints what a change-set would do.
pub fn preview(preview: &pb::Preview, json: bool) -> Result<(), Failure> {
    let counts = [
        ("new", preview.new_count),
        ("changed", preview.changed_count),
        ("removed", preview.removed_count),
        ("unchanged", preview.unchanged_count),
        ("protected", preview.protected_count),
        ("invalid", preview.invalid_count),
    ];
    if json {
        let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into()));
        let mut object = Value::Object(counts.collect());
        object["base_revision"] = preview.base_revision.into();
        let sample = |line: &pb::PreviewLine| {
            let pb::PreviewLine { kind, list_id, key, what } = line;
            json!({ "kind": kind, "list": list_id, "key": key, "what": what })
        };
        object["samples"] = preview.samples.iter().map(sample).collect();
        return json_line(&object);
    }
    let row = |line: &pb::PreviewLine| {
        [&line.kind, &line.list_id, &line.key, &line.what].map(|cell| printable(cell)).to_vec()
    };
    let rows: Vec<Vec<String>> = preview.samples.iter().map(row).collect();
    if !rows.is_empty() {
        output::table(&["PREVIEW", "LIST", "KEY", "SAYS"], &rows)?;
    }
    let words = counts.map(|(name, count)| format!("{count} {name}")).join(" · ");
    line(&format!(
        "{words} {}",
        styled(DIM, &format!("against revision {}", preview.base_revision))
    ))
}

/// Prints a commit that is live.
pub fn live(set: Option<&pb::ChangeSet>, live: &pb::Live, json: bool) -> Result<(), Failure> {
    let digest = hex(&live.digest);
    if json {
        let mut object = set.map_or_else(|| json!({}), set_json);
        object["revision"] = live.revision.into();
        object["digest"] = digest.into();
        object["publish_us"] = live.publish_us.into();
        return json_line(&object);
    }
    let short = digest.get(..12).unwrap_or(&digest);
    let took = live.publish_us as f64 / 1000.0;
    let facts = format!("digest {short} · live {took:.1} ms after it was durable");
    let head = format!("revision {} is live", live.revision);
    line(&format!("{}  {}", styled(GOOD.bold(), &head), styled(DIM, &facts)))
}

/// What an edit does, in words.
pub fn edit(edit: &pb::Edit) -> (&'static str, String, String) {
    use pb::edit::Edit as Of;
    match &edit.edit {
        None => ("?", String::new(), String::new()),
        Some(Of::PutList(spec)) => {
            let says = format!("{} {} {}", kind(spec.kind), effect(spec.effect), spec.category);
            ("put list", spec.id.clone(), says)
        }
        Some(Of::RemoveList(list)) => ("remove list", list.clone(), String::new()),
        Some(Of::PutEntry(put)) => {
            let row = put.row.clone().unwrap_or_default();
            ("put", put.list_id.clone(), format!("{}  {}", row.key, cells(&row.cells, &row.key)))
        }
        Some(Of::RemoveEntry(entry)) => ("remove", entry.list_id.clone(), entry.key.clone()),
        Some(Of::ClearEntry(entry)) => ("clear", entry.list_id.clone(), entry.key.clone()),
        Some(Of::PutSegment(used)) => {
            let segment = used.segment.clone().unwrap_or_default();
            let says = format!("{} values {}", segment.value_count, cells(&segment.shared, ""));
            ("put import", used.list_id.clone(), says)
        }
        Some(Of::RemoveSegment(used)) => {
            let segment = used.segment.clone().unwrap_or_default();
            ("remove import", used.list_id.clone(), segment.blob)
        }
    }
}

/// What differs, in words: kind, list, key, before, after.
pub fn change(change: &pb::Change) -> [String; 5] {
    use pb::change::Change as Of;
    let none = || "-".to_owned();
    match &change.change {
        None => std::array::from_fn(|_| String::new()),
        Some(Of::List(list)) => {
            let says = |spec: &Option<pb::ListSpec>| {
                spec.as_ref().map_or_else(none, |spec| {
                    format!("{} {}", kind(spec.kind), effect(spec.effect))
                })
            };
            let (before, after) = (says(&list.before), says(&list.after));
            ["list".into(), list.list_id.clone(), String::new(), before, after]
        }
        Some(Of::Entry(entry)) => {
            let says = |state: &Option<pb::EntryState>| match state {
                None => none(),
                Some(pb::EntryState { row: None }) => "(taken out)".to_owned(),
                Some(pb::EntryState { row: Some(row) }) => {
                    let words = cells(&row.cells, &entry.key);
                    if words.is_empty() { "(as its list)".to_owned() } else { words }
                }
            };
            let (before, after) = (says(&entry.before), says(&entry.after));
            ["entry".into(), entry.list_id.clone(), printable(&entry.key), before, after]
        }
        Some(Of::Segment(used)) => {
            let segment = used.segment.clone().unwrap_or_default();
            let count = format!("{} values", segment.value_count);
            let (before, after) = if used.added { (none(), count) } else { (count, none()) };
            ["import".into(), used.list_id.clone(), segment.blob, before, after]
        }
    }
}
