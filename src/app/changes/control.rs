//! [`Control`] by the write side: each question goes where it is answered.

use std::io::{BufRead, Write};

use super::api::{
    AuditRecord, Caller, CheckReport, Control, Format, ImportReport, ImportRequest, Live,
    ModeScope, Page, PageRequest, Preview, Question, Refusal, Why,
};
use super::paging;
use super::ports::{LogError, Verified};
use super::service::Changes;
use crate::lists::changeset::{ChangeSet, State};
use crate::lists::edit::Edit;
use crate::lists::event::Draft;
use crate::lists::view::{Changed, EntryVersion, ListState};
use crate::model::catalogue::{ChangeSetId, Cursor};
use crate::model::policy::Mode;
use crate::model::revision::Revision;

impl Control for Changes {
    fn draft(&self, caller: Caller, draft: Draft) -> Result<ChangeSet, Refusal> {
        self.begin(caller, draft)
    }

    fn edit(
        &self,
        caller: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        edits: Vec<Edit>,
    ) -> Result<ChangeSet, Refusal> {
        self.add(caller, id, etag, edits)
    }

    fn unedit(
        &self,
        caller: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        edits: Vec<u32>,
    ) -> Result<ChangeSet, Refusal> {
        self.take_out(caller, id, etag, edits)
    }

    fn check(&self, id: ChangeSetId) -> Result<CheckReport, Refusal> {
        self.report(id)
    }

    fn preview(&self, id: ChangeSetId) -> Result<Preview, Refusal> {
        self.preview_of(id)
    }

    fn submit(
        &self,
        caller: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        accept_warnings: bool,
    ) -> Result<ChangeSet, Refusal> {
        self.close(caller, id, etag, accept_warnings)
    }

    fn approve(&self, caller: Caller, id: ChangeSetId, note: &str) -> Result<ChangeSet, Refusal> {
        self.agree(caller, id, note)
    }

    fn reject(&self, caller: Caller, id: ChangeSetId, note: &str) -> Result<ChangeSet, Refusal> {
        self.refuse(caller, id, note)
    }

    fn withdraw(&self, caller: Caller, id: ChangeSetId) -> Result<ChangeSet, Refusal> {
        self.give_up(caller, id)
    }

    fn commit(
        &self,
        caller: Caller,
        id: ChangeSetId,
        break_glass: Option<&str>,
    ) -> Result<(ChangeSet, Live), Refusal> {
        self.make_live(caller, id, break_glass)
    }

    fn review(&self, caller: Caller, id: ChangeSetId, note: &str) -> Result<ChangeSet, Refusal> {
        self.end_review(caller, id, note)
    }

    fn change_set(&self, id: ChangeSetId) -> Result<ChangeSet, Refusal> {
        self.find(id)
    }

    fn edits(&self, id: ChangeSetId, page: PageRequest<'_>) -> Result<Page<Edit>, Refusal> {
        paging::of_all(self.edits_of(id)?, page)
    }

    fn change_sets(
        &self,
        state: Option<State>,
        page: PageRequest<'_>,
    ) -> Result<Page<ChangeSet>, Refusal> {
        self.sets(state, page)
    }

    fn rollback(&self, caller: Caller, to: Revision, reason: &str) -> Result<ChangeSet, Refusal> {
        self.back_to(caller, to, reason)
    }

    fn diff(
        &self,
        earlier: Revision,
        later: Revision,
        page: PageRequest<'_>,
    ) -> Result<Page<Changed>, Refusal> {
        self.between(earlier, later, page)
    }

    fn lists(&self, at: Option<Revision>) -> Result<Vec<ListState>, Refusal> {
        self.lists_at(at)
    }

    fn list(&self, id: &str, at: Option<Revision>) -> Result<ListState, Refusal> {
        self.list_at(id, at)
    }

    fn entries(
        &self,
        list: &str,
        prefix: &str,
        at: Option<Revision>,
        page: PageRequest<'_>,
    ) -> Result<Page<EntryVersion>, Refusal> {
        self.entries_at(list, prefix, at, page)
    }

    fn history(&self, list: &str, key: &str) -> Result<Vec<EntryVersion>, Refusal> {
        self.versions_of(list, key)
    }

    fn why(&self, question: &Question, at: Option<Revision>) -> Result<Why, Refusal> {
        self.answer_why(question, at)
    }

    fn import(
        &self,
        caller: Caller,
        request: &ImportRequest,
        octets: &mut dyn BufRead,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImportReport, Refusal> {
        self.take_import(caller, request, octets, progress)
    }

    fn export(
        &self,
        caller: Caller,
        list: &str,
        format: Format,
        at: Option<Revision>,
        out: &mut dyn Write,
    ) -> Result<u64, Refusal> {
        self.write_export(caller, list, format, at, out)
    }

    fn set_mode(
        &self,
        caller: Caller,
        scope: &ModeScope,
        mode: Mode,
        reason: &str,
    ) -> Result<(ChangeSet, Option<Live>), Refusal> {
        self.change_mode(caller, scope, mode, reason)
    }

    fn audit(&self, after: Cursor, max: usize) -> Result<Vec<AuditRecord>, Refusal> {
        self.records(after, max)
    }

    fn verify(&self, progress: &mut dyn FnMut(Cursor)) -> Result<Verified, LogError> {
        self.check_chain(progress)
    }

    fn erase(&self, caller: Caller, cursors: &[Cursor], reason: &str) -> Result<(), Refusal> {
        self.erase_records(caller, cursors, reason)
    }
}
