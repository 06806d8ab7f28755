//! What the small write side holds, and its log.

use crate::app::changes::api::*;
use crate::app::changes::ports::LogError;
use crate::lists::changeset::{ChangeSet, State};
use crate::lists::edit::Edit;
use crate::lists::event::Event;
use crate::lists::view::{EntryVersion, ListState, Origin};
use crate::model::catalogue::{Actor, ChangeSetId, Cursor};
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;

#[derive(Default)]
pub struct Inner {
    pub sets: Vec<ChangeSet>,
    pub lists: Vec<ListState>,
    pub entries: Vec<EntryVersion>,
    pub sources: Vec<SourceState>,
    pub revision: u64,
    pub records: Vec<AuditRecord>,
    /// What the next call says.
    pub refuse: Option<Refusal>,
    /// What a verification says.
    pub damage: Option<LogError>,
    /// The next call panics.
    pub panic: bool,
}

pub type Answer<T> = Result<T, Refusal>;

pub fn precondition(reason: &'static str, what: &str) -> Refusal {
    Refusal::Precondition { reason, what: what.to_owned() }
}

impl Inner {
    pub fn ready(&mut self) -> Answer<&mut Inner> {
        assert!(!self.panic, "asked to");
        self.refuse.take().map_or(Ok(self), Err)
    }

    pub fn set(&mut self, id: ChangeSetId) -> Answer<&mut ChangeSet> {
        let name = id.to_string();
        let found = self.ready()?.sets.iter_mut().find(|set| set.id == id);
        found.ok_or(Refusal::NotFound { kind: "change_set", name })
    }

    pub fn open(&mut self, id: ChangeSetId, etag: Option<u64>) -> Answer<&mut ChangeSet> {
        let set = self.set(id)?;
        if set.state != State::Draft {
            return Err(precondition("NOT_DRAFT", "it is submitted: begin another change-set"));
        }
        if etag.is_some_and(|etag| etag != set.etag) {
            return Err(Refusal::Stale { etag: set.etag });
        }
        set.etag += 1;
        Ok(set)
    }

    pub fn record(&mut self, actor: Actor, event: Event) -> Cursor {
        let cursor = Cursor(self.records.len() as u64 + 1);
        let (time, hash) = (Timestamp(1_700_000_000_000 + cursor.0), Digest([cursor.0 as u8; 32]));
        self.records.push(AuditRecord { cursor, time, hash, content: Some((actor, event)) });
        cursor
    }

    pub fn apply(&mut self, set: &ChangeSet) {
        self.revision += 1;
        let origin = Origin {
            revision: Revision(self.revision),
            change_set: set.id,
            actor: set.author,
            time: Timestamp(1_700_000_000_000),
        };
        for edit in &set.edits {
            match edit {
                Edit::PutList(spec) => self.lists.push(ListState {
                    spec: (**spec).clone(),
                    origin,
                    rows: 0,
                    segments: Vec::new(),
                }),
                Edit::Put { list, row } => self.entries.push(EntryVersion {
                    list: list.clone(),
                    key: row.key().into(),
                    row: Some(row.clone()),
                    from: origin,
                    until: None,
                }),
                Edit::Remove { list, key } => {
                    let same = |e: &&mut EntryVersion| e.list == *list && e.key == *key;
                    self.entries.iter_mut().filter(same).for_each(|e| e.until = Some(origin));
                }
                _ => {}
            }
        }
    }
}
