//! Bulk imports, and how much a change-set adds to a list or takes out of it.

use super::form::endless;
use super::overlap::{guarded, same_scope};
use super::protect::{Protected, stops};
use super::{CheckInput, Notes};
use crate::lists::checks::ListCheck;
use crate::lists::delta::deltas;
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::row::{Row, shared_meta};
use crate::lists::scope::Scope;
use crate::lists::segment::{Segment, SegmentKind};
use crate::lists::view::ViewError;
use crate::model::entry::{Effect, EntryMeta, ListKind, ListSpec};

/// A list that grows by this factor, and by so many values, is mostly a wrong file.
pub const GROWTH_FACTOR: u64 = 10;
/// See [`GROWTH_FACTOR`].
pub const GROWTH_VALUES: u64 = 1_000;
/// A list that loses more than one in so many values is mostly an unfinished download.
pub const SHRINK_ONE_IN: u64 = 5;
/// Fewer values than these may always go.
pub const SHRINK_VALUES: u64 = 10;
/// Wrong values of one bulk import that are told one by one.
const WRONG_MAX: usize = 20;

pub(super) fn check(
    input: &CheckInput<'_>,
    scope: &Scope<'_>,
    protected: &Protected,
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    for (id, edits) in &scope.lists {
        let Some(spec) = scope.spec(id) else { continue };
        for (place, used) in &edits.put {
            segment(input, scope, protected, (spec, used, *place), notes)?;
        }
    }
    for (place, edit) in input.edits.iter().enumerate() {
        if let Edit::RemoveSegment { list, blob } = edit
            && let Some(before) = scope.before(list)
            && !before.segments.iter().any(|used| used.blob == *blob)
        {
            let message = format!("list {list} has no bulk import {blob}; take the edit out");
            notes.warn(place, "nothing-to-remove", message);
        }
    }
    Ok(())
}

fn segment(
    input: &CheckInput<'_>,
    scope: &Scope<'_>,
    protected: &Protected,
    (spec, used, place): (&ListSpec, &SegmentUse, usize),
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    let list = &spec.id;
    let meta = match shared_meta(spec, &used.shared) {
        Ok(meta) => meta,
        Err(message) => {
            notes.error(place, "form", format!("list {list}: {message}"));
            return Ok(());
        }
    };
    let reason = used.shared.iter().find(|(name, _)| *name == "reason").map(|(_, cell)| &**cell);
    endless(spec, Ok(meta), reason, place, notes);
    if input.around.now.is_some_and(|now| meta.validity.until <= now) {
        notes.warn(
            place,
            "over",
            format!(
                "list {list}: the bulk import is over: valid_until has \
                                           passed; give a later one"
            ),
        );
    }
    let Some(octets) = input.blobs.blob(used.blob)? else { return Ok(()) };
    let segment = match Segment::parse(&octets) {
        Ok(segment) => segment,
        Err(message) => {
            notes.error(place, "bulk", format!("list {list}: {message}; import the file again"));
            return Ok(());
        }
    };
    let holds = match spec.kind {
        ListKind::Number => true,
        ListKind::Sender | ListKind::Signature | ListKind::Keyword | ListKind::Domain => {
            segment.kind() == SegmentKind::Texts
        }
        _ => false,
    };
    if !holds || segment.count() != used.count {
        let message = format!(
            "list {list}: the bulk import does not fit: a list of kind {} with {} values was \
             expected; import the file again",
            spec.kind.as_str(),
            used.count
        );
        notes.error(place, "bulk", message);
        return Ok(());
    }
    texts(input, (spec, used, place), &segment, notes);
    if spec.kind == ListKind::Number && stops(meta.effect) && !meta.shadow {
        protected.in_segment(&segment, &mut |key, guard, _| {
            guarded(input, spec, &meta, key, guard, place, notes);
        });
    }
    contradictions(input, scope, (spec, &meta, place), &segment, notes)
}

/// Every text must be the key of a row that the list would take.
fn texts(
    input: &CheckInput<'_>,
    (spec, used, place): (&ListSpec, &SegmentUse, usize),
    segment: &Segment<'_>,
    notes: &mut Notes<'_>,
) {
    let mut breadth = ListCheck::default();
    let mut wrong = 0;
    for key in segment.texts() {
        let shared = used.shared.iter().map(|(name, cell)| (*name, &**cell));
        let cells = std::iter::once(("value", key.as_str())).chain(shared);
        let fits = Row::read(spec, cells).and_then(|row| {
            if row.key() != key {
                return Err(format!("\"{key}\" is not written as keys are: {}", row.key()));
            }
            row.entries(spec, &mut |entry| breadth.entry(spec, &entry, input.around, &mut |_| {}))
        });
        if let Err(message) = fits {
            wrong += 1;
            if wrong <= WRONG_MAX {
                notes.error(place, "bulk", format!("list {}: {message}", spec.id));
            }
        }
    }
}

/// Values that another list says the opposite of: counted, one finding for each list.
fn contradictions(
    input: &CheckInput<'_>,
    scope: &Scope<'_>,
    (spec, meta, place): (&ListSpec, &EntryMeta, usize),
    segment: &Segment<'_>,
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    let opposite = match meta.effect {
        Effect::Block => Effect::Allow,
        Effect::Allow => Effect::Block,
        _ => return Ok(()),
    };
    for other in scope.specs().filter(|other| other.kind == spec.kind && other.id != spec.id) {
        if !same_scope(spec, other) || meta.shadow {
            continue;
        }
        let (mut count, mut example) = (0u64, String::new());
        let mut hit = |key: &str| {
            count += 1;
            if count == 1 {
                key.clone_into(&mut example);
            }
        };
        for (key, row) in scope.rows_after(&other.id)? {
            let opposed = row.meta(other).is_ok_and(|m| m.effect == opposite && !m.shadow);
            if opposed && segment.contains(&key) {
                hit(&key);
            }
        }
        for used in scope.before(&other.id).into_iter().flat_map(|list| &list.segments) {
            let opposed =
                shared_meta(other, &used.shared).is_ok_and(|m| m.effect == opposite && !m.shadow);
            if !opposed {
                continue;
            }
            let Some(octets) = input.blobs.blob(used.blob)? else { continue };
            let Ok(theirs) = Segment::open(&octets) else { continue };
            crate::lists::delta::shared_keys(segment, &theirs, &mut hit);
        }
        if count > 0 {
            let message = format!(
                "list {}: {count} values of the bulk import ({example} first) meet entries of \
                 list {}, which says the opposite: the allow wins where the originator is proven",
                spec.id, other.id
            );
            notes.warn(place, "allow-against-block", message);
        }
    }
    Ok(())
}

/// Growth and shrink guards.
pub(super) fn volume(
    input: &CheckInput<'_>,
    scope: &Scope<'_>,
    notes: &mut Notes<'_>,
) -> Result<(), ViewError> {
    for delta in deltas(scope, input.blobs, &mut |_, _, _, _| {})? {
        let place = input.edits.iter().position(|edit| *edit.list() == *delta.list).unwrap_or(0);
        let after = (delta.before + delta.new).saturating_sub(delta.removed);
        if delta.before > 0
            && after > delta.before.saturating_mul(GROWTH_FACTOR)
            && after - delta.before > GROWTH_VALUES
        {
            let message = format!(
                "list {} would grow from {} to {after} values; make sure that the file is the \
                 right one",
                delta.list, delta.before
            );
            notes.warn(place, "growth", message);
        }
        if delta.removed >= SHRINK_VALUES
            && delta.removed.saturating_mul(SHRINK_ONE_IN) > delta.before
        {
            let message = format!(
                "list {} would lose {} of {} values; make sure that nothing is missing",
                delta.list, delta.removed, delta.before
            );
            notes.warn(place, "shrink", message);
        }
    }
    Ok(())
}
