//! Entries against other entries: repeats, contradictions, what a wider one covers already, and
//! numbers that nothing may stop.

use std::collections::HashMap;

use super::patterns::{covers, prefix_keys};
use super::protect::{Guard, Protected, stops};
use super::{CheckInput, Notes};
use crate::lists::edit::Edit;
use crate::lists::pack::number_pattern;
use crate::lists::row::{Row, shared_meta};
use crate::lists::scope::{ListEdits, PAGE, Scope};
use crate::lists::segment::Segment;
use crate::lists::view::{Scan, ViewError, each};
use crate::model::entry::{Effect, EntryMeta, ListKind, ListSpec, NumberPattern, Party, TenantId};
use crate::model::policy::{Action, Ground};

/// Rows of a list up to which it is looked through for ranges that cover an entry. Prefixes are
/// found by key in lists of any size.
const RANGE_ROWS_MAX: u64 = 2_000;
/// Answers kept for prefixes that were asked for.
const ASKED_MAX: usize = 100_000;
/// Entries with one key that are looked at: there are at most as many as lists.
const SAID_MAX: usize = 64;

pub(super) fn check(
    input: &CheckInput<'_>,
    scope: &Scope<'_>,
    protected: &Protected,
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    repeats(input, notes);
    let mut others = Others::new(scope)?;
    for (id, edits) in &scope.lists {
        standing(input, scope, protected, edits, notes)?;
        let was = scope.before(id).map(|list| &list.spec);
        if was.is_some_and(|was| protects(&was.meta) && was.kind == ListKind::Number)
            && !scope.spec(id).is_some_and(|spec| protects(&spec.meta))
        {
            let message = format!("list {id} no longer protects its numbers; {SURE}");
            let place = input.edits.iter().rposition(|edit| edit.list() == *id);
            notes.warn(place.unwrap_or_default(), "protected-number", message);
        }
        for (key, (place, edit)) in &edits.keys {
            unprotected(scope, (id, key, edit), *place, notes)?;
            let Edit::Put { row, .. } = edit else {
                missing(scope, id, key, *place, notes)?;
                continue;
            };
            same(scope, (id, key, row), *place, notes)?;
            let Some(spec) = scope.spec(id) else { continue };
            let Ok(meta) = row.meta(spec) else { continue };
            let mine = Said { list: spec.id.clone(), key: (*key).into(), meta };
            for said in others.of(spec, key)? {
                beside(scope, spec, &mine, &said, *place, notes);
            }
            against_bulk(input, scope, spec, &mine, *place, notes)?;
            if let Ok(pattern) = number_pattern(key)
                && spec.kind == ListKind::Number
                && stops(meta.effect)
                && !meta.shadow
                && let Some(guard) = protected.met_by(&pattern, key)
            {
                guarded(input, spec, &meta, key, guard, *place, notes);
            }
        }
    }
    Ok(())
}

/// What whoever takes protection away is to think of.
const SURE: &str = "calls to it can be stopped then: make sure that nobody in need dials it";

fn protects(meta: &EntryMeta) -> bool {
    meta.effect == Effect::Protect && !meta.shadow
}

/// A number that loses its protection.
fn unprotected(
    scope: &Scope<'_>,
    (list, key, edit): (&str, &str, &Edit),
    place: usize,
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    let Some(before) = scope.before(list).filter(|list| list.spec.kind == ListKind::Number) else {
        return Ok(());
    };
    let Some(was) = scope.entry(list, key)?.and_then(|entry| entry.row) else { return Ok(()) };
    let is = |row: &Row, spec: &ListSpec| row.meta(spec).is_ok_and(|meta| protects(&meta));
    let stays = match (edit, scope.spec(list)) {
        (Edit::Put { row, .. }, Some(spec)) => is(row, spec),
        _ => false,
    };
    if is(&was, &before.spec) && !stays {
        let message = format!("{key} is no longer protected by list {list}; {SURE}");
        notes.warn(place, "protected-number", message);
    }
    Ok(())
}

/// Entries that stay, but do what the change-set says anew of their list: none of them may come to
/// stop what is protected.
fn standing(
    input: &CheckInput<'_>,
    scope: &Scope<'_>,
    protected: &Protected,
    edits: &ListEdits<'_>,
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    let Some(spec) = edits.spec.filter(|spec| spec.kind == ListKind::Number) else {
        return Ok(());
    };
    let Some(before) = scope.before(&spec.id).filter(|_| !edits.removed) else { return Ok(()) };
    let says_anew = |edit: &Edit| matches!(edit, Edit::PutList(said) if said.id == spec.id);
    let place = input.edits.iter().rposition(says_anew).unwrap_or_default();
    let scan = Scan { list: Some(&spec.id), limit: PAGE, ..Scan::default() };
    each(scope.view, scan, scope.at, &mut |entry| {
        if !edits.keys.contains_key(&*entry.key)
            && let Some(row) = &entry.row
            && let (Ok(meta), Ok(pattern)) = (row.meta(spec), number_pattern(&entry.key))
            && stops(meta.effect)
            && !meta.shadow
            && let Some(guard) = protected.met_by(&pattern, &entry.key)
        {
            guarded(input, spec, &meta, &entry.key, guard, place, notes);
        }
        true
    })?;
    for used in before.segments.iter().filter(|used| !edits.gone.contains(&used.blob)) {
        let Ok(meta) = shared_meta(spec, &used.shared) else { continue };
        if !stops(meta.effect) || meta.shadow {
            continue;
        }
        let Some(octets) = input.blobs.blob(used.blob)? else { continue };
        if let Ok(segment) = Segment::open(&octets) {
            protected.in_segment(&segment, &mut |key, guard, _| {
                guarded(input, spec, &meta, key, guard, place, notes);
            });
        }
    }
    Ok(())
}

/// The same key twice in one list of the change-set.
fn repeats(input: &CheckInput<'_>, notes: &mut Notes<'_>) {
    let mut first: HashMap<(&str, &str), usize> = HashMap::new();
    for (place, edit) in input.edits.iter().enumerate() {
        let key = match edit {
            Edit::Put { row, .. } => row.key(),
            Edit::Remove { key, .. } | Edit::Clear { key, .. } => key,
            _ => continue,
        };
        if let Some(earlier) = first.insert((edit.list(), key), place) {
            let message = format!(
                "list {}: {key} is already in edit {earlier} of this change-set; the last one \
                 counts, take the other out",
                edit.list()
            );
            notes.warn(place, "duplicate", message);
        }
    }
}

fn missing(
    scope: &Scope<'_>,
    list: &str,
    key: &str,
    place: usize,
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    let bulk = scope.before(list).is_some_and(|list| !list.segments.is_empty());
    if scope.entry(list, key)?.is_none() && !bulk {
        let message = format!("list {list} has no entry {key}; take the edit out");
        notes.warn(place, "nothing-to-remove", message);
    }
    Ok(())
}

fn same(
    scope: &Scope<'_>,
    (list, key, row): (&str, &str, &Row),
    place: usize,
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    let said = scope.entry(list, key)?.and_then(|entry| entry.row);
    if said.as_ref() == Some(row) {
        let message = format!("list {list}: {key} is there and says the same; take the edit out");
        notes.warn(place, "unchanged", message);
    }
    Ok(())
}

/// Two entries that speak of the same value, one of them perhaps of more.
fn beside(
    scope: &Scope<'_>,
    spec: &ListSpec,
    mine: &Said,
    said: &Said,
    place: usize,
    notes: &mut Notes<'_>,
) {
    let Some(other) = scope.spec(&said.list) else { return };
    let wider = said.key != mine.key;
    if wider && said.list == mine.list && said.meta == mine.meta {
        let message = format!(
            "list {}: {} is already covered by {}, which says the same; take it out",
            mine.list, mine.key, said.key
        );
        notes.warn(place, "shadowed-prefix", message);
    }
    if mine.meta.shadow || said.meta.shadow || !same_scope(spec, other) {
        return;
    }
    let advice = match (mine.meta.effect, said.meta.effect) {
        (Effect::Block, Effect::Allow) => "the allow wins where the originator is proven",
        (Effect::Allow, Effect::Block) => {
            "this allow wins where the originator is proven, elsewhere the block stays"
        }
        _ => return,
    };
    let message = format!(
        "{} in list {} meets {} in list {}, which says the opposite: {advice}; keep one of them",
        mine.key, mine.list, said.key, said.list
    );
    notes.warn(place, "allow-against-block", message);
}

/// Can both entries speak of one attempt?
pub(super) fn same_scope(one: &ListSpec, other: &ListSpec) -> bool {
    let tenants = one.tenant == other.tenant
        || one.tenant == TenantId::GLOBAL
        || other.tenant == TenantId::GLOBAL;
    let traffic = one.traffic.is_none() || other.traffic.is_none() || one.traffic == other.traffic;
    let subscriber = one.subscriber.is_none()
        || other.subscriber.is_none()
        || one.subscriber == other.subscriber;
    tenants && traffic && subscriber && parties_meet(one.party, other.party)
}

fn parties_meet(one: Party, other: Party) -> bool {
    one == other || one == Party::Either || other == Party::Either
}

/// An allow against a block among bulk values of other lists, or the other way round.
fn against_bulk(
    input: &CheckInput<'_>,
    scope: &Scope<'_>,
    spec: &ListSpec,
    mine: &Said,
    place: usize,
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    if !matches!(mine.meta.effect, Effect::Allow | Effect::Block) || mine.meta.shadow {
        return Ok(());
    }
    for other in scope.lists_before() {
        if other.spec.kind != spec.kind || other.spec.id == spec.id {
            continue;
        }
        for used in &other.segments {
            let Ok(meta) = crate::lists::row::shared_meta(&other.spec, &used.shared) else {
                continue;
            };
            let said = Said { list: other.spec.id.clone(), key: mine.key.clone(), meta };
            let opposite = matches!(
                (mine.meta.effect, meta.effect),
                (Effect::Allow, Effect::Block) | (Effect::Block, Effect::Allow)
            );
            if !opposite {
                continue;
            }
            let Some(octets) = input.blobs.blob(used.blob)? else { continue };
            if Segment::open(&octets).is_ok_and(|segment| segment.contains(&mine.key)) {
                beside(scope, spec, mine, &said, place, notes);
            }
        }
    }
    Ok(())
}

/// An entry that stops a protected number.
pub(super) fn guarded(
    input: &CheckInput<'_>,
    spec: &ListSpec,
    meta: &EntryMeta,
    key: &str,
    guard: &Guard,
    place: usize,
    notes: &mut Notes<'_>,
) {
    // Who shows such a number without being able to have it is a spoof, and may be stopped.
    if spec.ground == Ground::InvalidNumber && spec.party == Party::Originator {
        return;
    }
    let both = parties_meet(spec.party, guard.party);
    let message = format!(
        "list {}: {key} stops {}, which list {} protects; {}",
        spec.id,
        guard.key,
        guard.list,
        if both {
            "take it out, or narrow it"
        } else {
            "as the other party only: make sure that its calls back may fail"
        }
    );
    let strong = match meta.effect {
        Effect::Block => true,
        Effect::Score(points) => {
            let hold = i16::try_from(input.around.hold).unwrap_or(i16::MAX);
            hold > 0 && points >= hold && spec.ceiling >= Action::Hold
        }
        _ => false,
    };
    if both && strong {
        notes.error(place, "protected-number", message);
    } else {
        notes.warn(place, "protected-number", message);
    }
}

/// What an entry says of a value.
#[derive(Clone, Debug)]
struct Said {
    list: Box<str>,
    key: Box<str>,
    meta: EntryMeta,
}

/// Finds entries of a value, as they would be after the change-set.
struct Others<'s, 'v> {
    scope: &'s Scope<'v>,
    /// What the change-set puts, by key.
    own: HashMap<&'v str, Vec<(&'v str, &'v Row)>>,
    ranges: Vec<(ListKind, NumberPattern, Said)>,
    asked: HashMap<(ListKind, String), Vec<Said>>,
}

impl<'s, 'v> Others<'s, 'v> {
    fn new(scope: &'s Scope<'v>) -> Result<Self, ViewError> {
        let mut own: HashMap<&str, Vec<(&str, &Row)>> = HashMap::new();
        for (id, edits) in &scope.lists {
            for (key, (_, edit)) in &edits.keys {
                if let Edit::Put { row, .. } = edit {
                    own.entry(key).or_default().push((id, row));
                }
            }
        }
        let mut ranges = Vec::new();
        for spec in scope.specs().filter(|spec| spec.kind == ListKind::Number) {
            let touched = scope.touches(ListKind::Number);
            if !touched || scope.before(&spec.id).is_some_and(|list| list.rows > RANGE_ROWS_MAX) {
                continue;
            }
            for (key, row) in scope.rows_after(&spec.id)? {
                if !key.contains('-') {
                    continue;
                }
                if let (Ok(pattern), Ok(meta)) = (number_pattern(&key), row.meta(spec)) {
                    let said = Said { list: spec.id.clone(), key, meta };
                    ranges.push((spec.kind, pattern, said));
                }
            }
        }
        Ok(Others { scope, own, ranges, asked: HashMap::new() })
    }

    /// Entries of other lists with this key, and of all lists with keys that cover it.
    fn of(&mut self, spec: &ListSpec, key: &str) -> Result<Vec<Said>, ViewError> {
        let mut found = self.with_key(spec.kind, key)?;
        found.retain(|said| said.list != spec.id);
        let wider = match spec.kind {
            ListKind::Number => match number_pattern(key) {
                Ok(pattern) => {
                    let ranges = self
                        .ranges
                        .iter()
                        .filter(|(_, range, said)| *said.key != *key && covers(range, &pattern));
                    found.extend(ranges.map(|(.., said)| said.clone()));
                    prefix_keys(&pattern)
                }
                Err(_) => Vec::new(),
            },
            ListKind::Domain => {
                key.match_indices('.').map(|(dot, _)| key[dot + 1..].to_owned()).collect()
            }
            _ => Vec::new(),
        };
        for wider in wider {
            let asked = (spec.kind, wider);
            if let Some(known) = self.asked.get(&asked) {
                found.extend_from_slice(known);
                continue;
            }
            let said = self.with_key(spec.kind, &asked.1)?;
            found.extend_from_slice(&said);
            if self.asked.len() < ASKED_MAX {
                self.asked.insert(asked, said);
            }
        }
        Ok(found)
    }

    fn with_key(&self, kind: ListKind, key: &str) -> Result<Vec<Said>, ViewError> {
        let mut found = Vec::new();
        let mut add = |spec: &ListSpec, row: &Row| {
            if spec.kind == kind
                && let Ok(meta) = row.meta(spec)
            {
                found.push(Said { list: spec.id.clone(), key: key.into(), meta });
            }
        };
        for (id, row) in self.own.get(key).into_iter().flatten() {
            if let Some(spec) = self.scope.spec(id) {
                add(spec, row);
            }
        }
        let behind = format!("{key}\0");
        let scan =
            Scan { from: key, to: Some(&behind), limit: SAID_MAX.min(PAGE), ..Scan::default() };
        each(self.scope.view, scan, self.scope.at, &mut |entry| {
            let edits = self.scope.lists.get(&*entry.list);
            let said_anew = edits.is_some_and(|e| e.removed || e.keys.contains_key(key));
            if let (false, Some(spec), Some(row)) =
                (said_anew, self.scope.spec(&entry.list), &entry.row)
            {
                add(spec, row);
            }
            true
        })?;
        Ok(found)
    }
}
