//! A view in memory: the naive model of what a view answers, for tests and simulation.
//!
//! Owns one whole state per revision. Must not be used for anything large.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Blobs, Changed, EntryVersion, ListState, Origin, Scan, SegmentVersion, View, ViewError,
};
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::row::Row;
use crate::model::catalogue::BlobId;
use crate::model::entry::ListSpec;
use crate::model::revision::Revision;

/// The catalogue at every revision, each kept whole.
#[derive(Clone, Debug)]
pub struct MemoryView {
    /// By revision; the first is the empty revision 0.
    states: Vec<State>,
    blobs: BTreeMap<BlobId, Arc<Vec<u8>>>,
}

/// Key and list of a single entry.
type Place = (Box<str>, Box<str>);

#[derive(Clone, Debug, Default)]
struct State {
    /// The commit that made it; `None` of revision 0.
    origin: Option<Origin>,
    lists: Vec<(ListSpec, Origin)>,
    /// By key, then list.
    rows: BTreeMap<Place, (Option<Row>, Origin)>,
    segments: Vec<(Box<str>, SegmentUse, Origin)>,
}

impl Default for MemoryView {
    fn default() -> Self {
        MemoryView { states: vec![State::default()], blobs: BTreeMap::new() }
    }
}

impl MemoryView {
    /// Keeps the octets of a blob under a name of the caller's choice.
    pub fn put_blob(&mut self, blob: BlobId, octets: Vec<u8>) {
        self.blobs.insert(blob, Arc::new(octets));
    }

    /// Applies a commit as the next revision.
    ///
    /// Errors: an edit names a list that is not there; nothing is changed.
    pub fn commit(&mut self, origin: Origin, edits: &[Edit]) -> Result<(), ViewError> {
        let mut state = self.states.last().cloned().unwrap_or_default();
        for edit in edits {
            state.apply(edit, origin)?;
        }
        state.origin = Some(origin);
        self.states.push(state);
        Ok(())
    }

    fn state(&self, at: Revision) -> Result<&State, ViewError> {
        let state = usize::try_from(at.0).ok().and_then(|at| self.states.get(at));
        state.ok_or_else(|| ViewError(format!("there is no revision {at}")))
    }
}

impl State {
    fn apply(&mut self, edit: &Edit, origin: Origin) -> Result<(), ViewError> {
        let id = edit.list();
        let known = self.lists.iter().position(|(spec, _)| *spec.id == *id);
        if let Edit::PutList(spec) = edit {
            match known {
                Some(at) => self.lists[at] = ((**spec).clone(), origin),
                None => self.lists.push(((**spec).clone(), origin)),
            }
            return Ok(());
        }
        let at = known.ok_or_else(|| ViewError(format!("there is no list {id}")))?;
        let place = |key: &str| (Box::from(key), Box::from(id));
        match edit {
            Edit::PutList(_) => {}
            Edit::RemoveList { list } => {
                self.lists.remove(at);
                self.rows.retain(|(_, of), _| of != list);
                self.segments.retain(|(of, ..)| of != list);
            }
            Edit::Put { row, .. } => {
                self.rows.insert(place(row.key()), (Some(row.clone()), origin));
            }
            Edit::Remove { key, .. } => {
                if self.segments.iter().any(|(of, ..)| **of == *id) {
                    self.rows.insert(place(key), (None, origin));
                } else {
                    self.rows.remove(&place(key));
                }
            }
            Edit::Clear { key, .. } => {
                self.rows.remove(&place(key));
            }
            Edit::PutSegment { segment, .. } => {
                self.segments.retain(|(of, used, _)| **of != *id || used.blob != segment.blob);
                self.segments.push((id.into(), segment.clone(), origin));
            }
            Edit::RemoveSegment { blob, .. } => {
                self.segments.retain(|(of, used, _)| **of != *id || used.blob != *blob);
                if !self.segments.iter().any(|(of, ..)| **of == *id) {
                    self.rows.retain(|(_, of), (row, _)| **of != *id || row.is_some());
                }
            }
        }
        Ok(())
    }

    fn list_state(&self, spec: &ListSpec, origin: Origin) -> ListState {
        let rows = self.rows.iter().filter(|((_, of), (row, _))| *of == spec.id && row.is_some());
        let uses = self.segments.iter().filter(|(of, ..)| *of == spec.id);
        ListState {
            spec: spec.clone(),
            origin,
            rows: rows.count() as u64,
            segments: uses.map(|(_, used, _)| used.clone()).collect(),
        }
    }
}

impl Blobs for MemoryView {
    fn blob(&self, blob: BlobId) -> Result<Option<Arc<Vec<u8>>>, ViewError> {
        Ok(self.blobs.get(&blob).cloned())
    }
}

impl View for MemoryView {
    fn revision(&self) -> Revision {
        Revision(self.states.len() as u64 - 1)
    }

    fn lists(&self, at: Revision) -> Result<Vec<ListState>, ViewError> {
        let state = self.state(at)?;
        Ok(state.lists.iter().map(|(spec, origin)| state.list_state(spec, *origin)).collect())
    }

    fn list(&self, id: &str, at: Revision) -> Result<Option<ListState>, ViewError> {
        Ok(self.lists(at)?.into_iter().find(|list| *list.spec.id == *id))
    }

    fn entry(
        &self,
        list: &str,
        key: &str,
        at: Revision,
    ) -> Result<Option<EntryVersion>, ViewError> {
        self.state(at)?;
        let versions = self.versions(list, key)?;
        Ok(versions.into_iter().find(|version| {
            version.from.revision <= at && version.until.is_none_or(|until| at < until.revision)
        }))
    }

    fn versions(&self, list: &str, key: &str) -> Result<Vec<EntryVersion>, ViewError> {
        let place = (Box::from(key), Box::from(list));
        let mut versions: Vec<EntryVersion> = Vec::new();
        for state in &self.states {
            let open = versions.last_mut().filter(|version| version.until.is_none());
            let now = state.rows.get(&place);
            if let (Some(open), Some((_, from))) = (&open, now)
                && open.from == *from
            {
                continue;
            }
            if let Some(open) = open {
                open.until = state.origin;
            }
            if let Some((row, from)) = now {
                versions.push(EntryVersion {
                    list: list.into(),
                    key: key.into(),
                    row: row.clone(),
                    from: *from,
                    until: None,
                });
            }
        }
        Ok(versions)
    }

    fn scan(&self, scan: Scan<'_>, at: Revision) -> Result<Vec<EntryVersion>, ViewError> {
        let mut found = Vec::new();
        for ((key, list), (row, from)) in &self.state(at)?.rows {
            let wanted = scan.list.is_none_or(|of| of == &**list)
                && scan.from <= &**key
                && scan.to.is_none_or(|to| &**key < to)
                && scan.after.is_none_or(|(of, last)| (last, of) < (&**key, &**list));
            if wanted && found.len() < scan.limit {
                found.push(EntryVersion {
                    list: list.clone(),
                    key: key.clone(),
                    row: row.clone(),
                    from: *from,
                    until: None,
                });
            }
        }
        Ok(found)
    }

    fn segments(&self, list: Option<&str>, at: Revision) -> Result<Vec<SegmentVersion>, ViewError> {
        let of = self.state(at)?.segments.iter();
        let of = of.filter(|(of, ..)| list.is_none_or(|list| *list == **of));
        Ok(of
            .map(|(list, segment, from)| SegmentVersion {
                list: list.clone(),
                segment: segment.clone(),
                from: *from,
                until: None,
            })
            .collect())
    }

    fn changed(&self, earlier: Revision, later: Revision) -> Result<Vec<Changed>, ViewError> {
        let (before, after) = (self.state(earlier)?, self.state(later)?);
        let mut changed = Vec::new();
        let spec = |state: &State, id: &str| {
            let found = state.lists.iter().find(|(spec, _)| *spec.id == *id);
            found.map(|(spec, _)| Box::new(spec.clone()))
        };
        let lists = before.lists.iter().chain(&after.lists).map(|(spec, _)| spec.id.clone());
        for list in lists.collect::<BTreeSet<_>>() {
            let (before, after) = (spec(before, &list), spec(after, &list));
            if before != after {
                changed.push(Changed::List { list, before, after });
            }
        }
        let row = |state: &State, place| state.rows.get(place).map(|(row, _)| row.clone());
        let places: BTreeSet<_> = before.rows.keys().chain(after.rows.keys()).collect();
        for place in places {
            let (before, after) = (row(before, place), row(after, place));
            if before != after {
                let (key, list) = place.clone();
                changed.push(Changed::Entry { list, key, before, after });
            }
        }
        for (one, other, added) in [(before, after, false), (after, before, true)] {
            for (list, segment, _) in &one.segments {
                if !other.segments.iter().any(|(of, used, _)| of == list && used == segment) {
                    let (list, segment) = (list.clone(), segment.clone());
                    changed.push(Changed::Segment { list, segment, added });
                }
            }
        }
        Ok(changed)
    }
}
