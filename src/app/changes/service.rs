//! The write side as edges see it: one writer behind a lock, every step first in the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::api::{AuditRecord, Caller, Live as LiveCommit, Page, PageRequest, Refusal};
use super::checking::refuse_errors;
use super::delta::is_narrow;
use super::image::{Image, ImageDraft};
use super::live::{Live, Prepared};
use super::paging;
use super::ports::{CatalogueView, ChangeLog, LogError, Verified};
use super::sources::Facts;
use super::writer::Writer;
use crate::app::publisher::Publisher;
use crate::app::screening::Clock;
use crate::lists::changeset::{ChangeSet, CommitFacts, Denied, State};
use crate::lists::edit::Edit;
use crate::lists::event::{Draft, DraftOrigin, Event};
use crate::lists::view::{Changed, View};
use crate::model::catalogue::{ChangeSetId, Cursor};
use crate::model::revision::Revision;
use crate::model::time::Timestamp;

/// The write side of the catalogue.
pub struct Changes {
    pub(super) log: Arc<dyn ChangeLog>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) publisher: Arc<Publisher>,
    writer: Mutex<Writer>,
    /// The newest base that is not in an image yet.
    image: Mutex<Option<ImageDraft>>,
    pub(super) sources: Facts,
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Refusal {
        match denied {
            Denied::NotFound => {
                Refusal::NotFound { kind: "change_set", name: "it was never drafted".into() }
            }
            Denied::Stale { etag } => Refusal::Stale { etag },
            Denied::NotAuthor(_) => Refusal::Forbidden(denied.to_string()),
            denied => Refusal::Precondition { reason: denied.reason(), what: denied.to_string() },
        }
    }
}

impl Changes {
    /// Reads log and view, and compiles what they hold.
    ///
    /// Errors: the store cannot be read, or what it holds cannot be compiled.
    pub fn open(
        log: Arc<dyn ChangeLog>,
        view: Box<dyn CatalogueView>,
        publisher: Arc<Publisher>,
        clock: Arc<dyn Clock>,
    ) -> Result<Changes, Refusal> {
        Changes::open_from(None, log, view, publisher, clock)
    }

    /// The same, going on from the image that `publisher` has the ruleset of already.
    ///
    /// Errors: as [`Changes::open`]; what is published stays then.
    pub fn open_from(
        image: Option<Image>,
        log: Arc<dyn ChangeLog>,
        view: Box<dyn CatalogueView>,
        publisher: Arc<Publisher>,
        clock: Arc<dyn Clock>,
    ) -> Result<Changes, Refusal> {
        let writer = Writer::open(Arc::clone(&log), view, Live::empty()?)?;
        let (writer, newest, sources) = (Mutex::new(writer), Mutex::new(None), Facts::default());
        let changes = Changes { log, clock, publisher, writer, image: newest, sources };
        {
            let mut writer = changes.lock();
            changes.resume(&mut writer, image)?;
            if writer.book.revision() > Revision(0) {
                changes.watch_recent(&writer)?;
            }
        }
        changes.publisher.set_stale(false);
        Ok(changes)
    }

    /// From what an image has to what the log has.
    fn resume(&self, writer: &mut Writer, image: Option<Image>) -> Result<(), Refusal> {
        let (_, newest, digest) = writer.view.applied()?;
        let at = image.as_ref().map(|image| (image.revision(), image.digest()));
        if let (Some((revision, of_image)), Some(live)) = (at, image.and_then(Image::into_live)) {
            // An image of another history says nothing of this one.
            if newest >= revision && writer.view.digest(revision)? == Some(of_image) {
                writer.live = live;
                if (newest, digest) == (revision, of_image) {
                    writer.stale = false;
                    return Ok(());
                }
                let changed = writer.view.changed(revision, newest)?;
                if let Some(prepared) = writer.live.caught_up(&*writer.view, &*self.log, changed)? {
                    return self.publish(writer, prepared);
                }
            }
        }
        if newest > Revision(0) { self.recompile(writer) } else { Ok(()) }
    }

    /// The base that is to be kept as an image, if there is a newer one than was taken last.
    pub fn take_image(&self) -> Option<ImageDraft> {
        self.image.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Gives an image back that could not be kept, unless there is a newer one.
    pub fn return_image(&self, draft: ImageDraft) {
        self.image.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(draft);
    }

    /// The newest revision in the log.
    pub fn revision(&self) -> Revision {
        self.lock().book.revision()
    }

    /// When the newest record of the log was written.
    pub fn last_time(&self) -> Option<Timestamp> {
        let head = self.lock().head.cursor;
        let before = Cursor(head.0.checked_sub(1)?);
        self.records(before, 1).ok()?.first().map(|record| record.time)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Writer> {
        // A panic under the lock leaves memory behind the log at worst, which the next append
        // finds out by its expected cursor.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer, knowing all that the log has. Commits of unknown fate that turn out to be in
    /// the log are made live; where that fails, the last ruleset stays and [`Changes::tend`] tries
    /// again.
    pub(super) fn ready(&self) -> Result<MutexGuard<'_, Writer>, Refusal> {
        let mut writer = self.lock();
        writer.settle()?;
        if writer.stale {
            drop(self.recompile(&mut writer));
        }
        Ok(writer)
    }

    /// Compiles the newest revision anew and publishes it.
    fn recompile(&self, writer: &mut Writer) -> Result<(), Refusal> {
        let at = writer.view.revision();
        let prepared = writer.live.at(&*writer.view, &*self.log, at)?;
        self.publish(writer, prepared)
    }

    pub(super) fn publish(&self, writer: &mut Writer, prepared: Prepared) -> Result<(), Refusal> {
        let at @ (_, revision, digest) = writer.view.applied()?;
        let ruleset = prepared.ruleset(revision, digest)?;
        self.publisher.publish(ruleset, self.clock.now());
        let (live, image) = prepared.into_live(at);
        writer.live = live;
        if image.is_some() {
            writer.image_outdated = false;
            *self.image.lock().unwrap_or_else(PoisonError::into_inner) = image;
        }
        writer.stale = false;
        Ok(())
    }

    /// Judges what the changes of the last minute decide, compiles a new base where the overlay has
    /// grown, and makes live what is not yet; called every second by the control thread.
    pub fn tend(&self) -> Result<(), Refusal> {
        let mut writer = self.lock();
        writer.settle()?;
        let due = writer.stale || writer.image_outdated || writer.live.wants_fold();
        let tended = if due { self.recompile(&mut writer) } else { Ok(()) };
        self.watch_over(&mut writer);
        tended
    }

    /// One step of a change-set: decided on the book, written to the log.
    fn step(
        &self,
        caller: Caller,
        id: ChangeSetId,
        decide: impl FnOnce(&Writer) -> Result<Event, Denied>,
    ) -> Result<ChangeSet, Refusal> {
        let mut writer = self.ready()?;
        let event = decide(&writer)?;
        writer.append(self.clock.now(), caller.actor, event)?;
        writer.header(id)
    }

    pub(super) fn begin(&self, caller: Caller, draft: Draft) -> Result<ChangeSet, Refusal> {
        let mut writer = self.ready()?;
        if !draft.request_id.is_empty()
            && let Some(known) = writer.book.by_request(caller.actor, &draft.request_id)
        {
            return Ok(known.clone());
        }
        let event = writer.book.draft(draft)?;
        writer.append(self.clock.now(), caller.actor, event)?;
        let id = ChangeSetId(writer.head.cursor.0);
        writer.header(id)
    }

    pub(super) fn add(
        &self,
        caller: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        edits: Vec<Edit>,
    ) -> Result<ChangeSet, Refusal> {
        self.step(caller, id, |writer| writer.book.edit(id, caller.actor, etag, edits))
    }

    pub(super) fn take_out(
        &self,
        caller: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        edits: Vec<u32>,
    ) -> Result<ChangeSet, Refusal> {
        self.step(caller, id, |writer| writer.book.unedit(id, caller.actor, etag, edits))
    }

    pub(super) fn close(
        &self,
        caller: Caller,
        id: ChangeSetId,
        etag: Option<u64>,
        accept_warnings: bool,
    ) -> Result<ChangeSet, Refusal> {
        // Checked and closed under one lock: nothing comes in between.
        let mut writer = self.ready()?;
        let report = self.report_of(&writer, &writer.header(id)?)?;
        refuse_errors(&report, "")?;
        if report.warnings > 0 && !accept_warnings {
            return Err(Refusal::Precondition {
                reason: "WARNINGS_NOT_ACCEPTED",
                what: format!("warnings: {}; look at them and accept them", report.warnings),
            });
        }
        let event = writer.book.submit(id, caller.actor, etag, accept_warnings)?;
        writer.append(self.clock.now(), caller.actor, event)?;
        writer.header(id)
    }

    pub(super) fn agree(
        &self,
        caller: Caller,
        id: ChangeSetId,
        note: &str,
    ) -> Result<ChangeSet, Refusal> {
        self.step(caller, id, |writer| writer.book.approve(id, caller.actor, None, note))
    }

    pub(super) fn refuse(
        &self,
        caller: Caller,
        id: ChangeSetId,
        note: &str,
    ) -> Result<ChangeSet, Refusal> {
        self.step(caller, id, |writer| writer.book.reject(id, caller.actor, None, note))
    }

    pub(super) fn give_up(&self, caller: Caller, id: ChangeSetId) -> Result<ChangeSet, Refusal> {
        self.step(caller, id, |writer| writer.book.withdraw(id, caller.actor, None))
    }

    pub(super) fn end_review(
        &self,
        caller: Caller,
        id: ChangeSetId,
        note: &str,
    ) -> Result<ChangeSet, Refusal> {
        self.step(caller, id, |writer| writer.book.review(id, caller.actor, None, note))
    }

    /// Compiles, appends, publishes: in this order, so that what cannot be compiled is never
    /// committed, and what is committed is live.
    pub(super) fn make_live(
        &self,
        caller: Caller,
        id: ChangeSetId,
        break_glass: Option<&str>,
    ) -> Result<(ChangeSet, LiveCommit), Refusal> {
        let mut writer = self.ready()?;
        if writer.stale {
            // A narrow change goes over what is live: that has to be all that is committed.
            self.recompile(&mut writer)?;
        }
        let set = writer.header(id)?;
        let (_, _, previous) = writer.view.applied()?;
        if set.state != State::Draft && set.checked != writer.book.revision() {
            // What others committed since may make of harmless entries ones that must not be.
            let report = self.report_of(&writer, &set)?;
            refuse_errors(&report, ", since others changed the catalogue after it was submitted")?;
        }
        // The first revision is what the program brings with it: there is nobody to ask yet.
        let second_person = match writer.book.revision() {
            Revision(0) => None,
            _ => super::checking::second_person(&*writer.view, &set)?,
        };
        let facts = CommitFacts { previous, second_person, break_glass };
        let event = writer.book.commit(id, None, facts)?;
        let prepared = self.prepare(&writer, &set.edits)?;
        // What cannot be a ruleset must not be committed.
        prepared.ruleset(Revision(writer.book.revision().0 + 1), previous)?;
        let time = self.clock.now();
        let committed = writer.append(time, caller.actor, event)?;
        let began = std::time::Instant::now();
        let committed =
            committed.ok_or_else(|| Refusal::Unknown("the log has another record there".into()))?;
        self.publish(&mut writer, prepared).map_err(|refusal| {
            let revision = committed.revision;
            Refusal::Unknown(format!("revision {revision} is committed, but not live: {refusal}"))
        })?;
        self.watch_commit(&writer, committed.revision, &set.edits);
        let live = LiveCommit {
            revision: committed.revision,
            digest: committed.digest,
            publish_us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        Ok((writer.header(id)?, live))
    }

    pub(super) fn prepare(&self, writer: &Writer, edits: &[Edit]) -> Result<Prepared, Refusal> {
        let view: &dyn View = &*writer.view;
        let at = view.revision();
        let spec = |list: &str| view.list(list, at).ok().flatten().map(|state| state.spec);
        let entry = |list: &str, key: &str| view.entry(list, key, at).ok().flatten()?.row;
        if is_narrow(edits, spec, entry) {
            writer.live.with_overlay(view, &*self.log, edits)
        } else {
            writer.live.rebuilt(view, &*self.log, edits, self.clock.now())
        }
    }

    pub(super) fn find(&self, id: ChangeSetId) -> Result<ChangeSet, Refusal> {
        self.lock().header(id)
    }

    /// The edits of a change-set; of one that is over the log has them.
    pub(super) fn edits_of(&self, id: ChangeSetId) -> Result<Vec<Edit>, Refusal> {
        let set = self.find(id)?;
        if !set.state.is_over() {
            return Ok(set.edits);
        }
        self.logged_edits(&set)
    }

    /// The edits of a change-set as the log has them.
    pub(super) fn logged_edits(&self, set: &ChangeSet) -> Result<Vec<Edit>, Refusal> {
        let mut edits = Vec::new();
        for cursor in &set.edit_records {
            let records = self.log.read_from(Cursor(cursor.0 - 1), 1)?;
            if let Some((_, Event::Edited { edits: more, .. })) =
                records.into_iter().next().and_then(|record| record.content)
            {
                edits.extend(more);
            }
        }
        Ok(edits)
    }

    pub(super) fn sets(
        &self,
        state: Option<State>,
        page: PageRequest<'_>,
    ) -> Result<Page<ChangeSet>, Refusal> {
        let writer = self.lock();
        let same = |set: &&ChangeSet| {
            state.is_none_or(|state| {
                std::mem::discriminant(&set.state) == std::mem::discriminant(&state)
            })
        };
        let below = paging::number(page)?.unwrap_or(u64::MAX);
        let size = paging::size(page);
        let found = writer.book.iter().rev().filter(|set| set.id.0 < below).filter(same);
        let items: Vec<ChangeSet> =
            found.take(size).map(|set| ChangeSet { edits: Vec::new(), ..set.clone() }).collect();
        let next =
            if items.len() == size { items.last().map(|set| set.id.to_string()) } else { None };
        Ok(Page { items, next: next.unwrap_or_default() })
    }

    pub(super) fn back_to(
        &self,
        caller: Caller,
        to: Revision,
        reason: &str,
    ) -> Result<ChangeSet, Refusal> {
        let edits = {
            let writer = self.lock();
            let now = writer.view.revision();
            if to >= now {
                return Err(Refusal::NotFound { kind: "revision", name: to.to_string() });
            }
            crate::lists::rollback::rollback_edits(&writer.view.changed(to, now)?)
        };
        let draft = Draft {
            title: format!("back to revision {to}").into(),
            reason: reason.into(),
            origin: DraftOrigin::Rollback(to),
            ..Draft::default()
        };
        let set = self.begin(caller, draft)?;
        if edits.is_empty() { Ok(set) } else { self.add(caller, set.id, None, edits) }
    }

    pub(super) fn between(
        &self,
        earlier: Revision,
        later: Revision,
        page: PageRequest<'_>,
    ) -> Result<Page<Changed>, Refusal> {
        let writer = self.lock();
        for revision in [earlier, later] {
            if revision > writer.view.revision() {
                return Err(Refusal::NotFound { kind: "revision", name: revision.to_string() });
            }
        }
        if earlier > later {
            return Err(Refusal::Invalid {
                field: "earlier".into(),
                what: format!("revision {earlier} is after {later}; give the earlier one first"),
            });
        }
        paging::of_all(writer.view.changed(earlier, later)?, page)
    }

    pub(super) fn records(&self, after: Cursor, max: usize) -> Result<Vec<AuditRecord>, Refusal> {
        let records = self.log.read_from(after, max.clamp(1, 1_000))?;
        Ok(records
            .into_iter()
            .map(|record| AuditRecord {
                cursor: record.cursor,
                time: record.time,
                hash: record.hash,
                content: record.content,
            })
            .collect())
    }

    pub(super) fn check_chain(
        &self,
        progress: &mut dyn FnMut(Cursor),
    ) -> Result<Verified, LogError> {
        self.log.verify(progress)
    }

    pub(super) fn erase_records(
        &self,
        caller: Caller,
        cursors: &[Cursor],
        reason: &str,
    ) -> Result<(), Refusal> {
        let mut writer = self.ready()?;
        for cursor in cursors {
            if !writer.book.may_erase(*cursor) {
                return Err(Refusal::Precondition {
                    reason: "NOT_ERASABLE",
                    what: format!(
                        "record {} does not hold edits of a change-set that is over",
                        cursor.0
                    ),
                });
            }
        }
        super::erasing::check(&writer, cursors)?;
        if reason.trim().is_empty() {
            let what = "say why: a request of the person, a court".into();
            return Err(Refusal::Invalid { field: "reason".into(), what });
        }
        let event = Event::Erased { cursors: cursors.to_vec(), reason: reason.into() };
        writer.append(self.clock.now(), caller.actor, event)?;
        writer.finish_erasing()
    }
}
