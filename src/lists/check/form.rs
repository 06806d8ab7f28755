//! Each list and entry for itself: form, breadth, validity, phrases of everyday speech.

use super::{CheckInput, Notes, benign};
use crate::lists::checks::ListCheck;
use crate::lists::edit::Edit;
use crate::lists::row::Row;
use crate::lists::scope::{ListEdits, Scope};
use crate::lists::view::ViewError;
use crate::model::entry::{Effect, Entry, EntryMeta, ListKind, ListSpec};
use crate::model::policy::Ground;
use crate::model::time::Timestamp;

/// Octets of a list's title and source: one line on a screen, and a reference.
const TITLE_BYTES_MAX: usize = 500;

pub(super) fn check(
    input: &CheckInput<'_>,
    scope: &Scope<'_>,
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    for (place, edit) in input.edits.iter().enumerate() {
        match edit {
            Edit::PutList(spec) => list(scope, place, spec, notes),
            Edit::RemoveList { list } if scope.before(list).is_some() => {}
            _ if scope.spec(edit.list()).is_some() || scope.before(edit.list()).is_some() => {}
            _ => notes.error(
                place,
                "unknown-list",
                format!("there is no list {}; create it in this change-set", edit.list()),
            ),
        }
    }
    for (id, edits) in &scope.lists {
        if let Some(spec) = scope.spec(id) {
            entries(input, scope, (spec, edits), notes)?;
        }
    }
    Ok(())
}

fn list(scope: &Scope<'_>, place: usize, spec: &ListSpec, notes: &mut Notes<'_>) {
    let text = |text: &str| text.len() <= TITLE_BYTES_MAX && !text.chars().any(char::is_control);
    if !text(&spec.title) || !text(&spec.source) {
        notes.error(
            place,
            "form",
            format!(
                "title and source of list {} need plain text of at most {TITLE_BYTES_MAX} bytes",
                spec.id
            ),
        );
    }
    // What cannot be written and read again cannot be stored either.
    let line = crate::lists::pack::list_line(spec);
    if let Err(message) = crate::lists::pack::parse_list_line(&line) {
        notes.error(place, "form", format!("list {}: {message}", spec.id));
    }
    let Some(before) = scope.before(&spec.id) else { return };
    let removed = scope.lists.get(&*spec.id).is_some_and(|edits| edits.removed);
    let used = before.rows > 0 || !before.segments.is_empty();
    if before.spec.kind != spec.kind && used && !removed {
        notes.error(
            place,
            "list-kind",
            format!(
                "list {} has entries of kind {}; take the list out first, or create another one",
                spec.id,
                before.spec.kind.as_str()
            ),
        );
    }
}

/// Entries of one list, as its rows would be read from a pack.
fn entries(
    input: &CheckInput<'_>,
    scope: &Scope<'_>,
    (spec, edits): (&ListSpec, &ListEdits<'_>),
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    let mut breadth = ListCheck::default();
    if spec.kind == ListKind::Number && edits.keys.keys().any(|key| is_pattern(key)) {
        // Prefixes add up: those that stay count first.
        for (key, row) in scope.rows_before(&spec.id)? {
            if is_pattern(&key) && !edits.removed && !edits.keys.contains_key(&*key) {
                drop(row.entries(spec, &mut |entry| {
                    breadth.entry(spec, &entry, input.around, &mut |_| {})
                }));
            }
        }
    }
    let mut puts: Vec<(usize, &Row)> = Vec::new();
    for (place, edit) in edits.keys.values() {
        if let Edit::Put { row, .. } = edit {
            puts.push((*place, row));
        }
    }
    puts.sort_by_key(|(place, _)| *place);
    for (place, row) in puts {
        match Row::read(spec, row.cells()) {
            Err(message) => {
                notes.error(place, "form", format!("list {}: {message}", spec.id));
                continue;
            }
            Ok(again) if again.key() != row.key() => {
                notes.error(place, "form", "its key is not that of its value".into());
                continue;
            }
            Ok(_) => {}
        }
        let mut first = true;
        let read = row.entries(spec, &mut |entry| {
            let mut odd = Vec::new();
            let fits = breadth.entry(spec, &entry, input.around, &mut |odd_one| odd.push(odd_one));
            if first {
                for message in odd {
                    notes.warn(place, rule_of_warning(&message), message);
                }
                benign_samples(spec, &entry, place, notes);
            }
            first = false;
            fits
        });
        match read {
            Err(message) => notes.error(place, rule_of_error(&message), message),
            Ok(()) => endless(spec, row.meta(spec), row.get("reason"), place, notes),
        }
    }
    Ok(())
}

/// A prefix or a range.
pub(super) fn is_pattern(key: &str) -> bool {
    key.ends_with('*') || key.contains('-')
}

fn rule_of_error(message: &str) -> &'static str {
    if message.contains("too broad") || message.contains("too short") {
        "too-broad"
    } else {
        "form"
    }
}

fn rule_of_warning(message: &str) -> &'static str {
    if message.starts_with("is over") {
        "over"
    } else if message.starts_with("never matches") {
        "dead-pattern"
    } else {
        "foreign-lines"
    }
}

/// Who is blocked for good deserves to know why. Numbers that nobody can have stay what they are.
pub(super) fn endless(
    spec: &ListSpec,
    meta: Result<EntryMeta, String>,
    reason: Option<&str>,
    place: usize,
    notes: &mut Notes<'_>,
) {
    let blocks = meta.is_ok_and(|meta| {
        meta.effect == Effect::Block && meta.validity.until == Timestamp(u64::MAX)
    });
    if blocks && reason.is_none() && spec.ground != Ground::InvalidNumber {
        notes.warn(
            place,
            "no-expiry",
            format!(
                "list {}: blocks for good; give valid_until (90 days are usual), or in reason why \
                 it shall never end",
                spec.id
            ),
        );
    }
}

fn benign_samples(spec: &ListSpec, entry: &Entry<'_>, place: usize, notes: &mut Notes<'_>) {
    let Some(sample) = benign::matched(&entry.value) else { return };
    let acts = match entry.meta.effect {
        _ if entry.meta.shadow => return,
        Effect::Block => true,
        Effect::Score(points) if points >= benign::HOLD_POINTS => true,
        Effect::Score(points) if points >= benign::LABEL_POINTS => false,
        Effect::Label(_) => false,
        _ => return,
    };
    let message = format!(
        "list {}: also stands in ordinary messages such as \"{sample}\"; make the phrase longer, \
         give it fewer points, or make it part of a conjunction",
        spec.id
    );
    if acts {
        notes.error(place, "benign-sample", message);
    } else {
        notes.warn(place, "benign-sample", message);
    }
}
