//! What a change-set would do to each list, counted value by value.
//!
//! Owns the counts that preview shows and that growth and shrink guards look at. Bulk imports are
//! compared as sorted sets, without unpacking them. Where a blob cannot be had its count stands
//! for its values, all taken as new or removed.

use std::collections::HashSet;
use std::iter::Peekable;
use std::sync::Arc;

use super::edit::{Edit, SegmentUse};
use super::row::Row;
use super::scope::{ListEdits, Scope};
use super::segment::{Numbers, Segment, Texts};
use super::view::{Blobs, ListState, ViewError};

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was not there.
    New,
    /// It is there and says the same.
    Unchanged,
    /// It is there and says something else.
    Changed,
    /// It goes.
    Removed,
}

/// What becomes of the values of one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// The list.
    pub list: Box<str>,
    /// Values before; those that stand in several segments count several times.
    pub before: u64,
    /// Not there yet.
    pub new: u64,
    /// There, saying the same.
    pub unchanged: u64,
    /// There, saying something else.
    pub changed: u64,
    /// Going.
    pub removed: u64,
}

/// Gets the fate of values: list, key, and the row that would stand; of bulk values only some.
pub type Tell<'t> = &'t mut dyn FnMut(Fate, &str, &str, Option<&Row>);

/// Values of a bulk import that are told one by one; the others are only counted.
const TOLD_MAX: usize = 20;

/// Counts what a change-set does, list by list.
///
/// Errors: those of the view and of the blobs.
pub fn deltas(
    scope: &Scope<'_>,
    blobs: &dyn Blobs,
    tell: Tell<'_>,
) -> Result<Vec<Delta>, ViewError> {
    let mut deltas = Vec::new();
    for (id, edits) in &scope.lists {
        let before = scope.before(id);
        let mut delta = Delta { list: (*id).into(), ..Delta::default() };
        delta.before = before.map_or(0, size);
        if edits.removed {
            delta.removed = delta.before;
        }
        let before = before.filter(|_| !edits.removed);
        singles(scope, blobs, (id, edits, before), &mut delta, tell)?;
        bulk(scope, blobs, (id, edits, before), &mut delta, tell)?;
        deltas.push(delta);
    }
    Ok(deltas)
}

/// Values of a list.
pub fn size(list: &ListState) -> u64 {
    list.rows + list.segments.iter().map(|used| used.count).sum::<u64>()
}

type Of<'s, 'v> = (&'s str, &'s ListEdits<'v>, Option<&'s ListState>);

fn singles(
    scope: &Scope<'_>,
    blobs: &dyn Blobs,
    (id, edits, before): Of<'_, '_>,
    delta: &mut Delta,
    tell: Tell<'_>,
) -> Result<(), ViewError> {
    let mut bulk: HashSet<&str> = HashSet::new();
    for used in before.into_iter().flat_map(|list| &list.segments) {
        let Some(octets) = blobs.blob(used.blob)? else { continue };
        let Ok(segment) = Segment::open(&octets) else { continue };
        bulk.extend(edits.keys.keys().filter(|key| segment.contains(key)).copied());
    }
    for (key, (_, edit)) in &edits.keys {
        let said = scope.entry(id, key)?.map(|entry| entry.row);
        let in_bulk = bulk.contains(key);
        let fate = match (edit, &said) {
            (Edit::Put { row, .. }, Some(Some(was))) if was == row => Fate::Unchanged,
            (Edit::Put { .. }, Some(Some(_))) => Fate::Changed,
            (Edit::Put { .. }, None) if in_bulk => Fate::Changed,
            (Edit::Put { .. }, _) => Fate::New,
            (Edit::Clear { .. }, Some(None)) if in_bulk => Fate::New,
            (Edit::Clear { .. }, Some(Some(_))) if in_bulk => Fate::Changed,
            (Edit::Remove { .. }, None) if in_bulk => Fate::Removed,
            (Edit::Remove { .. } | Edit::Clear { .. }, Some(Some(_))) => Fate::Removed,
            _ => continue,
        };
        delta.count(fate, 1);
        let row = match edit {
            Edit::Put { row, .. } => Some(row),
            _ => None,
        };
        tell(fate, id, key, row);
    }
    Ok(())
}

/// Blobs in hand.
type Held = Vec<Arc<Vec<u8>>>;

/// Segments of a list by what becomes of them.
#[derive(Default)]
struct Sorted {
    /// All that were there.
    were: Held,
    /// Of them those that stay as they are.
    stay: Held,
    /// Of them those that go.
    go: Held,
    /// Those that come.
    come: Held,
}

fn sort(
    blobs: &dyn Blobs,
    edits: &ListEdits<'_>,
    uses: &[SegmentUse],
    delta: &mut Delta,
) -> Result<Sorted, ViewError> {
    let mut sorted = Sorted::default();
    for used in uses {
        let gone = edits.gone.contains(&used.blob);
        let Some(octets) = blobs.blob(used.blob)? else {
            delta.removed += if gone { used.count } else { 0 };
            continue;
        };
        let replaced = edits.put.iter().any(|(_, put)| put.blob == used.blob);
        if gone {
            sorted.go.push(Arc::clone(&octets));
        } else if !replaced {
            sorted.stay.push(Arc::clone(&octets));
        }
        sorted.were.push(octets);
    }
    for (_, put) in &edits.put {
        let known = uses.iter().any(|used| used == *put);
        let octets = blobs.blob(put.blob)?;
        if known {
            delta.unchanged += put.count;
            sorted.stay.extend(octets);
        } else if let Some(octets) = octets {
            sorted.come.push(octets);
        } else {
            delta.new += put.count;
        }
    }
    Ok(sorted)
}

fn bulk(
    scope: &Scope<'_>,
    blobs: &dyn Blobs,
    (id, edits, before): Of<'_, '_>,
    delta: &mut Delta,
    tell: Tell<'_>,
) -> Result<(), ViewError> {
    let uses = before.map_or(&[][..], |list| &list.segments);
    let Sorted { were, mut stay, go, mut come } = sort(blobs, edits, uses, delta)?;
    let mut told: Vec<(Fate, String)> = Vec::new();
    if !come.is_empty() {
        let alike = |put: &SegmentUse| uses.iter().any(|used| used.shared == put.shared);
        let alike = edits.put.iter().all(|(_, put)| alike(put));
        let kept = if alike { Fate::Unchanged } else { Fate::Changed };
        compare(&come, &were, &mut |key, there| {
            let fate = if there { kept } else { Fate::New };
            delta.count(fate, 1);
            if !there && told.len() < TOLD_MAX {
                told.push((fate, key()));
            }
        });
        // Single entries win over bulk values: those that stand there stay as they are.
        let rows = before.filter(|list| list.rows > 0 && delta.new > 0);
        let rows = rows.map(|_| scope.rows_before(id)).transpose()?.unwrap_or_default();
        let (come, were) = (open(&come), open(&were));
        for key in rows.keys() {
            let has = |all: &[Segment<'_>]| all.iter().any(|segment| segment.contains(key));
            if has(&come) && !has(&were) {
                (delta.new, delta.unchanged) = (delta.new - 1, delta.unchanged + 1);
                told.retain(|(_, new)| **new != **key);
            }
        }
    }
    if !go.is_empty() {
        stay.append(&mut come);
        let mut gone = 0;
        compare(&go, &stay, &mut |key, there| {
            if !there {
                delta.removed += 1;
                gone += 1;
                if gone <= TOLD_MAX {
                    told.push((Fate::Removed, key()));
                }
            }
        });
    }
    told.iter().for_each(|(fate, key)| tell(*fate, id, key, None));
    Ok(())
}

impl Delta {
    fn count(&mut self, fate: Fate, values: u64) {
        match fate {
            Fate::New => self.new += values,
            Fate::Unchanged => self.unchanged += values,
            Fate::Changed => self.changed += values,
            Fate::Removed => self.removed += values,
        }
    }
}

fn open(held: &Held) -> Vec<Segment<'_>> {
    held.iter().filter_map(|octets| Segment::open(octets).ok()).collect()
}

/// Each value of some segments once: is it in the others, too?
fn compare(these: &Held, others: &Held, take: &mut dyn FnMut(&dyn Fn() -> String, bool)) {
    let (these, others) = (open(these), open(others));
    beside(numbers(&these), numbers(&others), |number, there| {
        take(&|| number.to_string(), there);
    });
    beside(texts(&these), texts(&others), |text, there| take(&|| text.clone(), there));
}

fn numbers<'a>(all: &[Segment<'a>]) -> Union<Numbers<'a>> {
    Union(all.iter().map(|segment| segment.numbers().peekable()).collect())
}

fn texts<'a>(all: &[Segment<'a>]) -> Union<Texts<'a>> {
    Union(all.iter().map(|segment| segment.texts().peekable()).collect())
}

/// Tells the keys that two segments share.
pub fn shared_keys(one: &Segment<'_>, other: &Segment<'_>, take: &mut dyn FnMut(&str)) {
    beside(one.numbers(), other.numbers(), |number, there| {
        if there {
            take(&number.to_string());
        }
    });
    beside(one.texts(), other.texts(), |text, there| {
        if there {
            take(text);
        }
    });
}

/// Ascending values of several sources, each value once.
struct Union<I: Iterator>(Vec<Peekable<I>>);

impl<T: Ord + Clone, I: Iterator<Item = T>> Iterator for Union<I> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let least = self.0.iter_mut().filter_map(|source| source.peek().cloned()).min()?;
        for source in &mut self.0 {
            source.next_if(|value| *value == least);
        }
        Some(least)
    }
}

/// Walks two ascending sequences side by side.
fn beside<T: Ord>(
    these: impl Iterator<Item = T>,
    others: impl Iterator<Item = T>,
    mut take: impl FnMut(&T, bool),
) {
    let mut others = others.peekable();
    for value in these {
        while others.next_if(|other| *other < value).is_some() {}
        take(&value, others.peek() == Some(&value));
    }
}
