//! All change-sets, folded from the log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::{ChangeSet, State};
use crate::lists::edit::Edit;
use crate::lists::event::{Draft, Event};
use crate::lists::subscription::Subscription;
use crate::model::catalogue::{Actor, ChangeSetId, Cursor};
use crate::model::revision::Revision;
use crate::model::time::Timestamp;

/// All change-sets by id.
///
/// Invariants: records come in the order of their cursors; a change-set that is over keeps no
/// edits; revisions are contiguous from 1. [`Book::check_invariants`] tells.
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub(super) sets: BTreeMap<ChangeSetId, ChangeSet>,
    requests: HashMap<(Actor, Box<str>), ChangeSetId>,
    pub(super) open: BTreeSet<ChangeSetId>,
    /// Records whose payload is erased.
    erased: BTreeSet<Cursor>,
    /// By name, each with the record that began it.
    subscriptions: BTreeMap<Box<str>, (Cursor, Subscription)>,
    revision: Revision,
    cursor: Cursor,
}

/// A record that cannot stand where it stands: the log is not one that this program wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impossible {
    /// The record.
    pub cursor: Cursor,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {} of the change log cannot be: {}", self.cursor.0, self.what)
    }
}

impl std::error::Error for Impossible {}

impl Book {
    /// One change-set.
    pub fn get(&self, id: ChangeSetId) -> Option<&ChangeSet> {
        self.sets.get(&id)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &ChangeSet> {
        self.sets.values()
    }

    /// Those that are not over, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &ChangeSet> {
        self.open.iter().filter_map(|id| self.sets.get(id))
    }

    /// Those that went live by break-glass and wait for their review, oldest first.
    pub fn reviews_due(&self) -> impl Iterator<Item = &ChangeSet> {
        self.iter().filter(|set| set.break_glass.is_some() && set.reviewed_by.is_none())
    }

    /// The change-set that a person's request drafted before, so that a repeat finds it. Requests
    /// of different people never meet, whatever they are called.
    pub fn by_request(&self, actor: Actor, request_id: &str) -> Option<&ChangeSet> {
        let id = self.requests.get(&(actor, request_id.into()))?;
        self.sets.get(id)
    }

    /// All subscriptions by name, each with the record that began it.
    pub fn subscriptions(&self) -> impl ExactSizeIterator<Item = (Cursor, &Subscription)> {
        self.subscriptions.values().map(|(cursor, subscription)| (*cursor, subscription))
    }

    /// One subscription with the record that began it.
    pub fn subscription(&self, name: &str) -> Option<(Cursor, &Subscription)> {
        self.subscriptions.get(name).map(|(cursor, subscription)| (*cursor, subscription))
    }

    /// The newest revision.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The last record that was applied.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// May the payload of a record be erased? Edits of change-sets that are over may: they hold the
    /// personal data. Who decided what, when, stays.
    pub fn may_erase(&self, cursor: Cursor) -> bool {
        let before = self.sets.range(..ChangeSetId(cursor.0)).rev();
        let mut over = before.filter(|(_, set)| set.state.is_over()).map(|(_, set)| set);
        over.any(|set| set.edit_records.binary_search(&cursor).is_ok())
    }

    /// Goes on over a record whose payload is erased.
    ///
    /// Errors: when it is not behind the last one.
    pub fn apply_erased(&mut self, cursor: Cursor) -> Result<(), Impossible> {
        self.advance(cursor)?;
        self.erased.insert(cursor);
        Ok(())
    }

    /// Takes a record of the log.
    ///
    /// Errors: when it cannot stand there; the book is as before.
    pub fn apply(
        &mut self,
        cursor: Cursor,
        time: Timestamp,
        actor: Actor,
        event: &Event,
    ) -> Result<(), Impossible> {
        let wrong = |what: String| Impossible { cursor, what };
        self.behind(cursor)?;
        match event {
            Event::Drafted(draft) => self.drafted(cursor, time, actor, draft),
            Event::Subscribed(one) => self.subscribed(cursor, one).map_err(wrong)?,
            Event::Unsubscribed { name } => {
                let known = self.subscriptions.remove(name).map(drop);
                known.ok_or_else(|| wrong(format!("there is no source {name}")))?;
            }
            _ => {
                if let Some(id) = event.change_set() {
                    self.moved(id, cursor, time, actor, event).map_err(wrong)?;
                }
            }
        }
        self.advance(cursor)
    }

    fn behind(&self, cursor: Cursor) -> Result<(), Impossible> {
        if cursor > self.cursor {
            return Ok(());
        }
        let what = format!("it comes after record {}", self.cursor.0);
        Err(Impossible { cursor, what })
    }

    fn advance(&mut self, cursor: Cursor) -> Result<(), Impossible> {
        self.behind(cursor)?;
        self.cursor = cursor;
        Ok(())
    }

    fn subscribed(&mut self, cursor: Cursor, one: &Subscription) -> Result<(), String> {
        if self.subscriptions.contains_key(&one.name) {
            return Err(format!("there is a source {} already", one.name));
        }
        self.subscriptions.insert(one.name.clone(), (cursor, one.clone()));
        Ok(())
    }

    fn drafted(&mut self, cursor: Cursor, time: Timestamp, actor: Actor, draft: &Draft) {
        let id = ChangeSetId(cursor.0);
        if !draft.request_id.is_empty() {
            self.requests.insert((actor, draft.request_id.clone()), id);
        }
        let set = ChangeSet {
            id,
            draft: draft.clone(),
            author: actor,
            created: time,
            state: State::Draft,
            edits: Vec::new(),
            edit_count: 0,
            edit_records: Vec::new(),
            etag: cursor.0,
            warnings_accepted: false,
            checked: Revision(0),
            approved_by: None,
            committed_by: None,
            break_glass: None,
            reviewed_by: None,
            ended: None,
        };
        self.sets.insert(id, set);
        self.open.insert(id);
    }

    fn moved(
        &mut self,
        id: ChangeSetId,
        cursor: Cursor,
        time: Timestamp,
        actor: Actor,
        event: &Event,
    ) -> Result<(), String> {
        let newest = self.revision;
        let erased = self.erased.range(Cursor(id.0)..cursor).next().is_some();
        let set = self.sets.get_mut(&id).ok_or(format!("change-set {id} was never drafted"))?;
        let state = set.state;
        let needs = |fits: bool| {
            let what = || format!("change-set {id} is {}", state.as_str());
            if fits { Ok(()) } else { Err(what()) }
        };
        let waits = matches!(state, State::Submitted | State::Approved);
        match event {
            Event::Edited { edits, .. } => {
                needs(state == State::Draft)?;
                set.edits.extend_from_slice(edits);
                set.edit_records.push(cursor);
            }
            Event::Unedited { edits: places, .. } => {
                needs(state == State::Draft)?;
                take_out(&mut set.edits, places, erased)?;
            }
            Event::Submitted { warnings_accepted, .. } => {
                needs(state == State::Draft)?;
                set.state = State::Submitted;
                set.warnings_accepted = *warnings_accepted;
                set.checked = newest;
            }
            Event::Approved { note, .. } => {
                needs(state == State::Submitted && actor != set.author)?;
                set.state = State::Approved;
                set.approved_by = Some((actor, note.clone()));
            }
            Event::Rejected { .. } => {
                needs(waits && actor != set.author)?;
                set.state = State::Rejected;
            }
            Event::Withdrawn { .. } => {
                needs(!state.is_over() && actor == set.author)?;
                set.state = State::Withdrawn;
            }
            Event::Committed { revision, break_glass, .. } => {
                needs(waits)?;
                self.revision = follow(newest, *revision)?;
                set.state = State::Committed(*revision);
                set.committed_by = Some(actor);
                set.break_glass.clone_from(break_glass);
            }
            Event::Reviewed { note, .. } => {
                let due = set.break_glass.is_some() && set.reviewed_by.is_none();
                let other = actor != set.author && Some(actor) != set.committed_by;
                needs(due && other)?;
                set.reviewed_by = Some((actor, note.clone()));
            }
            // The others speak of no change-set that is there.
            _ => {}
        }
        set.etag = cursor.0;
        if !state.is_over() {
            self.settle(id, time);
        }
        Ok(())
    }

    /// Counts the edits of a change-set, and lets go of them where it is over.
    fn settle(&mut self, id: ChangeSetId, time: Timestamp) {
        let Some(set) = self.sets.get_mut(&id) else { return };
        set.edit_count = set.edits.len() as u64;
        if set.state.is_over() {
            set.edits = Vec::new();
            set.ended = Some(time);
            self.open.remove(&id);
        }
    }

    /// Is everything as it must be?
    ///
    /// Errors: in words, what is not.
    pub fn check_invariants(&self) -> Result<(), String> {
        let mut revisions = BTreeSet::new();
        for (id, set) in &self.sets {
            let wrong =
                |what: &str| Err(format!("change-set {id} ({}): {what}", set.state.as_str()));
            let over = set.state.is_over();
            if over != set.ended.is_some() || over == self.open.contains(id) {
                return wrong("the state and the end contradict each other");
            }
            if (over && !set.edits.is_empty())
                || (!over && set.edit_count != set.edits.len() as u64)
            {
                return wrong("the edits are not those that are counted");
            }
            if set.approved_by.as_ref().is_some_and(|(actor, _)| *actor == set.author) {
                return wrong("its author approved it");
            }
            if set.state == State::Approved && set.approved_by.is_none() {
                return wrong("nobody approved it");
            }
            if set.etag < id.0 || set.etag > self.cursor.0 || set.id != *id {
                return wrong("its etag is no record");
            }
            if !set.edit_records.is_sorted_by(|one, next| one < next) {
                return wrong("its records are not in order");
            }
            if let State::Committed(revision) = set.state
                && !revisions.insert(revision)
            {
                return wrong("another one made its revision");
            }
        }
        let contiguous = revisions.iter().zip(1..).all(|(revision, nth)| revision.0 == nth);
        let newest = revisions.last().copied().unwrap_or_default();
        if !contiguous || newest != self.revision {
            return Err("revisions are not contiguous".into());
        }
        if self.requests.values().any(|id| !self.sets.contains_key(id)) {
            return Err("a request names no change-set".into());
        }
        Ok(())
    }
}

/// The revision, if it is the next one.
fn follow(newest: Revision, revision: Revision) -> Result<Revision, String> {
    let fits = revision == Revision(newest.0 + 1);
    if fits { Ok(revision) } else { Err(format!("revision {revision} follows {newest}")) }
}

/// Takes edits out by their places, ascending.
fn take_out(edits: &mut Vec<Edit>, places: &[u32], erased: bool) -> Result<(), String> {
    if !places.is_sorted_by(|one, next| one < next) {
        return Err("its places do not ascend".into());
    }
    // Behind an erased record edits are missing, and places may lie beyond those that are known.
    if places.last().is_some_and(|last| *last as usize >= edits.len()) && !erased {
        return Err("it takes out an edit that is not there".into());
    }
    let mut place = 0;
    edits.retain(|_| {
        place += 1;
        places.binary_search(&(place - 1)).is_err()
    });
    Ok(())
}
