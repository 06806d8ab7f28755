//! A small write side for tests: everything in memory, policy of one rule (more than two edits
//! need a second person), and one refusal on demand.

mod inner;
mod sources;

use std::io::{BufRead, Write};
use std::sync::Mutex;

use crate::app::changes::Control;
use crate::app::changes::api::*;
use crate::app::changes::ports::{Head, LogError, Verified};
use crate::lists::Severity;
use crate::lists::changeset::{ChangeSet, State};
use crate::lists::edit::Edit;
use crate::lists::event::{Draft, DraftOrigin, Event};
use crate::lists::row::Row;
use crate::lists::view::{Changed, EntryVersion, ListState};
use crate::model::catalogue::{BlobId, ChangeSetId, Cursor};
use crate::model::policy::Mode;
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;
use inner::{Answer, Inner, precondition};

/// Edits that need a second person.
const ALONE_MAX: u64 = 2;

#[derive(Default)]
pub struct Fake(pub Mutex<Inner>);

fn page<T: Clone>(items: &[T], page: PageRequest<'_>) -> Page<T> {
    let from: usize = page.token.parse().unwrap_or(0);
    let size = if page.size == 0 { 100 } else { page.size as usize };
    let end = (from + size).min(items.len());
    let next = if end < items.len() { end.to_string() } else { String::new() };
    Page { items: items[from..end].to_vec(), next }
}

impl Control for Fake {
    fn draft(&self, caller: Caller, draft: Draft) -> Answer<ChangeSet> {
        let mut inner = self.0.lock().unwrap();
        let known =
            inner.ready()?.sets.iter().find(|set| {
                !draft.request_id.is_empty() && set.draft.request_id == draft.request_id
            });
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let id = ChangeSetId(inner.record(caller.actor, Event::Drafted(draft.clone())).0);
        let set = ChangeSet {
            id,
            draft,
            author: caller.actor,
            created: Timestamp(1_700_000_000_000),
            state: State::Draft,
            edits: Vec::new(),
            edit_count: 0,
            edit_records: Vec::new(),
            etag: 1,
            warnings_accepted: false,
            checked: Revision(0),
            approved_by: None,
            committed_by: None,
            break_glass: None,
            reviewed_by: None,
            ended: None,
        };
        inner.sets.push(set.clone());
        Ok(set)
    }

    fn edit(
        &self,
        caller: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        edits: Vec<Edit>,
    ) -> Answer<ChangeSet> {
        let mut inner = self.0.lock().unwrap();
        let set = inner.open(id, etag)?;
        set.edits.extend(edits.iter().cloned());
        set.edit_count = set.edits.len() as u64;
        let set = set.clone();
        inner.record(caller.actor, Event::Edited { change_set: id, edits });
        Ok(set)
    }

    fn unedit(
        &self,
        _: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        edits: Vec<u32>,
    ) -> Answer<ChangeSet> {
        let mut inner = self.0.lock().unwrap();
        let set = inner.open(id, etag)?;
        edits.iter().rev().for_each(|at| drop(set.edits.remove(*at as usize)));
        set.edit_count = set.edits.len() as u64;
        Ok(set.clone())
    }

    fn check(&self, id: ChangeSetId) -> Answer<CheckReport> {
        let mut inner = self.0.lock().unwrap();
        let set = inner.set(id)?;
        let mut report = CheckReport::default();
        for (at, edit) in set.edits.iter().enumerate() {
            if let Edit::Put { row, .. } = edit
                && row.key().ends_with('*')
            {
                report.warnings += 1;
                report.findings.push(EditFinding {
                    edit: Some(at as u32),
                    line: 0,
                    severity: Severity::Warning,
                    rule: "too-broad",
                    message: "a short prefix: write more digits".to_owned(),
                });
            }
        }
        let many = set.edit_count > ALONE_MAX;
        report.second_person = many.then(|| "more than 2 edits".to_owned());
        Ok(report)
    }

    fn preview(&self, id: ChangeSetId) -> Answer<Preview> {
        let mut inner = self.0.lock().unwrap();
        let set = inner.set(id)?;
        let samples = set.edits.iter().take(5).filter_map(|edit| match edit {
            Edit::Put { list, row } => Some(PreviewLine {
                kind: "new",
                list: list.clone(),
                key: row.key().into(),
                what: "block".to_owned(),
            }),
            _ => None,
        });
        let samples: Vec<PreviewLine> = samples.collect();
        Ok(Preview { new: set.edit_count, samples, ..Default::default() })
    }

    fn submit(
        &self,
        _: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        accept_warnings: bool,
    ) -> Answer<ChangeSet> {
        if self.check(id)?.warnings > 0 && !accept_warnings {
            return Err(precondition(
                "WARNINGS_NOT_ACCEPTED",
                "read the warnings, then accept them",
            ));
        }
        let mut inner = self.0.lock().unwrap();
        let set = inner.open(id, etag)?;
        set.state = State::Submitted;
        set.warnings_accepted = accept_warnings;
        Ok(set.clone())
    }

    fn approve(&self, caller: Caller, id: ChangeSetId, note: &str) -> Answer<ChangeSet> {
        let mut inner = self.0.lock().unwrap();
        let set = inner.set(id)?;
        if set.author == caller.actor {
            return Err(precondition("SAME_PERSON", "the author cannot agree: ask somebody else"));
        }
        set.state = State::Approved;
        set.approved_by = Some((caller.actor, note.into()));
        Ok(set.clone())
    }

    fn reject(&self, _: Caller, id: ChangeSetId, _: &str) -> Answer<ChangeSet> {
        let mut inner = self.0.lock().unwrap();
        let set = inner.set(id)?;
        set.state = State::Rejected;
        Ok(set.clone())
    }

    fn withdraw(&self, _: Caller, id: ChangeSetId) -> Answer<ChangeSet> {
        let mut inner = self.0.lock().unwrap();
        let set = inner.set(id)?;
        set.state = State::Withdrawn;
        Ok(set.clone())
    }

    fn commit(
        &self,
        caller: Caller,
        id: ChangeSetId,
        break_glass: Option<&str>,
    ) -> Answer<(ChangeSet, Live)> {
        let mut inner = self.0.lock().unwrap();
        let set = inner.set(id)?;
        let alone = set.state == State::Submitted && set.edit_count <= ALONE_MAX;
        if !alone && set.state != State::Approved && break_glass.is_none() {
            let what = "more than 2 edits: a second person has to approve first";
            return Err(precondition("NEEDS_APPROVAL", what));
        }
        let mut set = set.clone();
        inner.apply(&set);
        let revision = Revision(inner.revision);
        let event = Event::Committed {
            change_set: id,
            revision,
            previous: Digest::default(),
            break_glass: break_glass.map(Into::into),
        };
        inner.record(caller.actor, event);
        set.state = State::Committed(revision);
        set.break_glass = break_glass.map(Into::into);
        set.ended = Some(Timestamp(1_700_000_001_000));
        set.edits.clear();
        *inner.set(id)? = set.clone();
        Ok((set, Live { revision, digest: Digest([7; 32]), publish_us: 850 }))
    }

    fn review(&self, caller: Caller, id: ChangeSetId, note: &str) -> Answer<ChangeSet> {
        let mut inner = self.0.lock().unwrap();
        let set = inner.set(id)?;
        set.reviewed_by = Some((caller.actor, note.into()));
        Ok(set.clone())
    }

    fn change_set(&self, id: ChangeSetId) -> Answer<ChangeSet> {
        self.0.lock().unwrap().set(id).cloned()
    }

    fn edits(&self, id: ChangeSetId, asked: PageRequest<'_>) -> Answer<Page<Edit>> {
        Ok(page(&self.0.lock().unwrap().set(id)?.edits, asked))
    }

    fn change_sets(&self, state: Option<State>, asked: PageRequest<'_>) -> Answer<Page<ChangeSet>> {
        use std::mem::discriminant;
        let mut inner = self.0.lock().unwrap();
        let wanted = |set: &&ChangeSet| {
            state.is_none_or(|state| discriminant(&state) == discriminant(&set.state))
        };
        let sets: Vec<_> = inner.ready()?.sets.iter().rev().filter(wanted).cloned().collect();
        Ok(page(&sets, asked))
    }

    fn rollback(&self, caller: Caller, to: Revision, reason: &str) -> Answer<ChangeSet> {
        let (title, origin) = (format!("back to {to}"), DraftOrigin::Rollback(to));
        let draft =
            Draft { title: title.into(), reason: reason.into(), origin, ..Default::default() };
        self.draft(caller, draft)
    }

    fn diff(
        &self,
        earlier: Revision,
        later: Revision,
        asked: PageRequest<'_>,
    ) -> Answer<Page<Changed>> {
        let mut inner = self.0.lock().unwrap();
        let between = |e: &&EntryVersion| e.from.revision > earlier && e.from.revision <= later;
        let changed = inner.ready()?.entries.iter().filter(between).map(|e| Changed::Entry {
            list: e.list.clone(),
            key: e.key.clone(),
            before: None,
            after: Some(e.row.clone()),
        });
        Ok(page(&changed.collect::<Vec<_>>(), asked))
    }

    fn lists(&self, _: Option<Revision>) -> Answer<Vec<ListState>> {
        Ok(self.0.lock().unwrap().ready()?.lists.clone())
    }

    fn list(&self, id: &str, _: Option<Revision>) -> Answer<ListState> {
        let mut inner = self.0.lock().unwrap();
        let found = inner.ready()?.lists.iter().find(|list| *list.spec.id == *id).cloned();
        found.ok_or(Refusal::NotFound { kind: "list", name: id.to_owned() })
    }

    fn entries(
        &self,
        list: &str,
        prefix: &str,
        at: Option<Revision>,
        asked: PageRequest<'_>,
    ) -> Answer<Page<EntryVersion>> {
        self.list(list, at)?;
        let mut inner = self.0.lock().unwrap();
        let wanted =
            |e: &&EntryVersion| *e.list == *list && e.key.starts_with(prefix) && e.until.is_none();
        let found: Vec<_> = inner.ready()?.entries.iter().filter(wanted).cloned().collect();
        Ok(page(&found, asked))
    }

    fn history(&self, list: &str, key: &str) -> Answer<Vec<EntryVersion>> {
        let mut inner = self.0.lock().unwrap();
        let wanted = |e: &&EntryVersion| *e.list == *list && *e.key == *key;
        Ok(inner.ready()?.entries.iter().filter(wanted).cloned().collect())
    }

    fn why(&self, question: &Question, _: Option<Revision>) -> Answer<Why> {
        let key = match question {
            Question::Nothing => return Ok(Why::default()),
            Question::Number(key)
            | Question::Text(key)
            | Question::Sender(key)
            | Question::Link(key)
            | Question::Entry { key, .. } => key,
        };
        let mut inner = self.0.lock().unwrap();
        let inner = inner.ready()?;
        let matches = inner.entries.iter().filter(|e| *e.key == **key).map(|e| WhyMatch {
            list: e.list.clone(),
            key: e.key.clone(),
            wins: true,
            precedence: "global block",
            says: "block, CN08".to_owned(),
            valid: (None, Some(Timestamp(1_800_000_000_000))),
            shadow: false,
            origin: Some(e.from),
            history: vec![e.clone()],
            segment: None,
        });
        let matches: Vec<WhyMatch> = matches.collect();
        let outcome = if matches.is_empty() { "ALLOW" } else { "BLOCK" };
        let revision = Revision(inner.revision);
        Ok(Why { revision, matches, outcome: outcome.to_owned() })
    }

    fn import(
        &self,
        caller: Caller,
        request: &ImportRequest,
        octets: &mut dyn BufRead,
        progress: &mut dyn FnMut(u64),
    ) -> Answer<ImportReport> {
        let list = self.list(&request.list, None)?;
        let set = match request.change_set {
            Some(id) => self.change_set(id)?,
            None => self.draft(caller, request.draft.clone())?,
        };
        let (mut lines, mut edits, mut invalid) = (0, Vec::new(), Vec::new());
        for line in octets.lines() {
            let unreadable = |e: std::io::Error| Refusal::Invalid {
                field: "chunk".to_owned(),
                what: e.to_string(),
            };
            let line = line.map_err(unreadable)?;
            lines += 1;
            progress(line.len() as u64);
            if line.starts_with("bad") {
                invalid.push((lines, "not a number".to_owned()));
                continue;
            }
            let defaults = request.defaults.iter().map(|(column, text)| (&**column, &**text));
            let cells = std::iter::once(("value", &*line)).chain(defaults);
            let row = Row::read(&list.spec, cells)
                .map_err(|what| Refusal::Invalid { field: "chunk".to_owned(), what })?;
            edits.push(Edit::Put { list: request.list.clone(), row });
        }
        let (taken, invalid_count) = (edits.len() as u64, invalid.len() as u64);
        let change_set = self.edit(caller, set.id, None, edits)?;
        let source = BlobId([9; 32]);
        Ok(ImportReport { change_set, lines, taken, repeated: 0, invalid, invalid_count, source })
    }

    fn export(
        &self,
        _: Caller,
        list: &str,
        _: Format,
        at: Option<Revision>,
        out: &mut dyn Write,
    ) -> Answer<u64> {
        let entries = self.entries(list, "", at, PageRequest { size: u32::MAX, token: "" })?.items;
        for entry in &entries {
            let gone = |e: std::io::Error| Refusal::Unavailable(e.to_string());
            writeln!(out, "{}", entry.key).map_err(gone)?;
        }
        Ok(entries.len() as u64)
    }

    fn set_mode(
        &self,
        caller: Caller,
        _: &ModeScope,
        mode: Mode,
        reason: &str,
    ) -> Answer<(ChangeSet, Option<Live>)> {
        let title = format!("mode {}", mode.as_str());
        let draft = Draft { title: title.into(), reason: reason.into(), ..Default::default() };
        let set = self.submit(caller, self.draft(caller, draft)?.id, None, false)?;
        if mode == Mode::Enforce {
            return Ok((set, None));
        }
        let (set, live) = self.commit(caller, set.id, None)?;
        Ok((set, Some(live)))
    }

    fn audit(&self, after: Cursor, max: usize) -> Answer<Vec<AuditRecord>> {
        let mut inner = self.0.lock().unwrap();
        let records = inner.ready()?.records.iter().filter(|record| record.cursor > after);
        Ok(records.take(max).cloned().collect())
    }

    fn verify(&self, progress: &mut dyn FnMut(Cursor)) -> Result<Verified, LogError> {
        let inner = self.0.lock().unwrap();
        inner.damage.clone().map_or(Ok(()), Err)?;
        inner.records.iter().for_each(|record| progress(record.cursor));
        let head = inner.records.last().map(|r| Head { cursor: r.cursor, hash: r.hash });
        let erased = inner.records.iter().filter(|r| r.content.is_none());
        let erased = erased.map(|r| (r.cursor, Cursor(99))).collect();
        Ok(Verified { head: head.unwrap_or_default(), erased, blobs: 0 })
    }

    fn erase(&self, _: Caller, cursors: &[Cursor], _: &str) -> Answer<()> {
        let mut inner = self.0.lock().unwrap();
        let erased = inner.ready()?.records.iter_mut();
        erased.filter(|r| cursors.contains(&r.cursor)).for_each(|r| r.content = None);
        Ok(())
    }
}
