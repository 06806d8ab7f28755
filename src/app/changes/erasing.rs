//! What may be erased: only what nothing in force rests on.
//!
//! Asks by reading the log as it would stand behind the erasing, and comparing what is then in
//! force with what is in force now.

use std::collections::BTreeSet;

use super::api::Refusal;
use super::texts::{ListText, apply, lists_at};
use super::writer::Writer;
use crate::lists::changeset::{Book, ChangeSet, State};
use crate::lists::event::Event;
use crate::model::catalogue::{ChangeSetId, Cursor};

/// Records read from the log at a time.
const PAGE: usize = 256;

/// May these records be erased?
///
/// Errors: without them the view could not be made anew, or something else would be in force.
pub(super) fn check(writer: &Writer, cursors: &[Cursor]) -> Result<(), Refusal> {
    let wanted: BTreeSet<Cursor> = cursors.iter().copied().collect();
    let (mut book, mut lists) = (Book::default(), Vec::new());
    let mut unedited: BTreeSet<ChangeSetId> = BTreeSet::new();
    loop {
        let records = writer.log.read_from(book.cursor(), PAGE)?;
        if records.is_empty() {
            break;
        }
        for record in records {
            let kept = record.content.filter(|_| !wanted.contains(&record.cursor));
            let Some((actor, event)) = kept else {
                book.apply_erased(record.cursor).map_err(|e| no(e.to_string()))?;
                continue;
            };
            if let Event::Unedited { change_set, .. } = &event {
                unedited.insert(*change_set);
            }
            if let Event::Committed { change_set, revision, .. } = &event
                && let Some(set) = book.get(*change_set)
            {
                let fits = set.edits.iter().all(|edit| apply(&mut lists, edit));
                if !fits {
                    return Err(no(format!(
                        "revision {revision} puts entries into a list that they create"
                    )));
                }
            }
            book.apply(record.cursor, record.time, actor, &event).map_err(|e| no(e.to_string()))?;
        }
    }
    places(writer, &wanted, &unedited)?;
    let now = lists_at(&*writer.view, writer.view.revision())?;
    match differs(&now, &lists) {
        None => Ok(()),
        Some(list) => Err(no(format!(
            "what they say of list {list} is in force; remove it there first, by a change-set"
        ))),
    }
}

/// Edits are taken out of a draft by their places: without some of its records others would be
/// taken for them.
fn places(
    writer: &Writer,
    wanted: &BTreeSet<Cursor>,
    unedited: &BTreeSet<ChangeSetId>,
) -> Result<(), Refusal> {
    let parted = |set: &&ChangeSet| {
        let some = set.edit_records.iter().any(|cursor| wanted.contains(cursor));
        let all = set.edit_records.iter().all(|cursor| wanted.contains(cursor));
        matches!(set.state, State::Committed(_)) && unedited.contains(&set.id) && some && !all
    };
    match writer.book.iter().find(parted) {
        None => Ok(()),
        Some(set) => Err(no(format!(
            "edits were taken out of change-set {} again, by their places; its records that hold \
             edits can only be erased all together",
            set.id
        ))),
    }
}

/// The first list that is not the same.
fn differs(now: &[ListText], then: &[ListText]) -> Option<Box<str>> {
    let pairs = now.iter().zip(then).find(|(one, other)| one != other);
    let longer = || now.get(then.len()).or_else(|| then.get(now.len()));
    pairs.map(|(one, _)| one).or_else(longer).map(|list| list.spec.id.clone())
}

fn no(why: String) -> Refusal {
    Refusal::Precondition {
        reason: "NOT_ERASABLE",
        what: format!("these records cannot be erased: {why}"),
    }
}
