//! The first minute of a change: what a commit brought is watched, and what decides too much goes
//! back to shadow by a change-set of its own, signed by the program.
//!
//! Legal orders are exempt, and so is what lets through or protects: it stops nothing. A person who
//! enforces again what the watch has dropped has looked at it: from then on it only alerts.
//! Neither log lines nor titles name an entry; the edits do.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use self::words::{alert, reason, title, title_of_list};
use super::api::Refusal;
use super::service::Changes;
use super::texts::each_row;
use super::writer::Writer;
use crate::app::watch::{ENTRIES_A_LIST_MAX, Finding, Target, Thing, WINDOW_MS, Watch};
use crate::engine::numbers::{Plans, names};
use crate::lists::changeset::{ChangeSet, CommitFacts, State};
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::event::{Draft, DraftOrigin};
use crate::lists::row::{Row, shared_meta};
use crate::lists::view::{ListState, View, ViewError};
use crate::model::catalogue::{Actor, ChangeSetId};
use crate::model::entry::{Effect, EntryMeta, ListKind, ListSpec, Value};
use crate::model::policy::Ground;
use crate::model::revision::Revision;
use crate::model::time::Timestamp;
use crate::model::verdict::EntryRef;

/// Revisions that are watched again after a start: so many commits a minute no team makes, and
/// reading them takes a moment.
const RECENT_MAX: usize = 1_000;

/// What a commit did to one list.
#[derive(Default)]
struct Touched {
    keys: BTreeSet<Box<str>>,
    whole: bool,
}

impl Changes {
    /// After a start: watches anew what was committed within the last minute, for a whole one.
    pub(super) fn watch_recent(&self, writer: &Writer) -> Result<(), Refusal> {
        let now = self.clock.now();
        let mut recent = Vec::new();
        let mut at = writer.view.revision();
        while at > Revision(1) && recent.len() < RECENT_MAX {
            let Some((_, origin)) = writer.view.commit_of(at)? else { break };
            if now.0.saturating_sub(origin.time.0) > WINDOW_MS {
                break;
            }
            recent.push((at, origin.change_set));
            at = Revision(at.0 - 1);
        }
        for (at, change_set) in recent.into_iter().rev() {
            let edits = self.logged_edits(&writer.header(change_set)?)?;
            self.watch_commit(writer, at, &edits);
        }
        Ok(())
    }

    /// Watches what a commit brought.
    pub(super) fn watch_commit(&self, writer: &Writer, at: Revision, edits: &[Edit]) {
        // The first revision is what the program brings with it, and was tested with it.
        if at <= Revision(1) {
            return;
        }
        let watch = self.publisher.watch();
        let ruleset = self.publisher.load();
        let arming = Arming { writer, watch, plans: &ruleset.base.plans, at };
        match arming.things(edits) {
            Ok(things) => watch.arm(things, |old| is_gone(old, edits), self.clock.now()),
            Err(error) => {
                tracing::error!(%error, revision = at.0, "what a change brought is not watched");
            }
        }
    }

    /// Takes what decides too much to shadow.
    pub(super) fn watch_over(&self, writer: &mut Writer) {
        let watch = self.publisher.watch();
        if !watch.is_active() {
            return;
        }
        let mut by_list: BTreeMap<Box<str>, Vec<Finding>> = BTreeMap::new();
        for found in watch.judge(self.clock.now()) {
            by_list.entry(found.thing.list.clone()).or_default().push(found);
        }
        for (list, found) in by_list {
            match self.drop_to_shadow(writer, &list, &found) {
                Ok(dropped) => {
                    if dropped.is_some() {
                        watch.counts().drops.add();
                    }
                    for one in &found {
                        watch.counts().alerts.add();
                        alert(one, dropped);
                        watch.settle(&one.thing);
                    }
                }
                Err(refusal) => {
                    tracing::error!(
                        %refusal, %list,
                        "what decides too much cannot be dropped to shadow; it is tried again"
                    );
                }
            }
        }
    }

    /// A change-set that takes one list's findings to shadow, live at once; `None` where nothing
    /// of them is left, or only an alert is due.
    fn drop_to_shadow(
        &self,
        writer: &mut Writer,
        list: &str,
        found: &[Finding],
    ) -> Result<Option<Revision>, Refusal> {
        writer.settle()?;
        let due: Vec<&Finding> = found.iter().filter(|one| !one.thing.only_alert).collect();
        let edits = softened(&*writer.view, list, &due)?;
        let Some(first) = due.first().filter(|_| !edits.is_empty()) else { return Ok(None) };
        // What cannot be compiled leaves no change-set behind.
        let prepared = self.prepare(writer, &edits)?;
        let (now, actor) = (self.clock.now(), Actor::program());
        let draft = Draft {
            title: title(first, due.len()).into(),
            reason: reason(&due).into(),
            origin: DraftOrigin::Watch,
            ..Draft::default()
        };
        let event = writer.book.draft(draft)?;
        writer.append(now, actor, event)?;
        let id = ChangeSetId(writer.head.cursor.0);
        let committed = commit(writer, id, edits, now);
        if committed.is_err()
            && let Ok(event) = writer.book.withdraw(id, actor, None)
        {
            // It is tried again with a change-set of its own; this one is in nobody's way.
            drop(writer.append(now, actor, event));
        }
        let committed = committed?;
        self.publish(writer, prepared)?;
        Ok(committed)
    }
}

/// Fills, submits and commits a draft of the program.
fn commit(
    writer: &mut Writer,
    id: ChangeSetId,
    edits: Vec<Edit>,
    now: Timestamp,
) -> Result<Option<Revision>, Refusal> {
    let actor = Actor::program();
    let event = writer.book.edit(id, actor, None, edits)?;
    writer.append(now, actor, event)?;
    let event = writer.book.submit(id, actor, None, true)?;
    writer.append(now, actor, event)?;
    let (_, _, previous) = writer.view.applied()?;
    // Shadow is softer: nobody has to agree.
    let facts = CommitFacts { previous, ..CommitFacts::default() };
    let event = writer.book.commit(id, None, facts)?;
    Ok(writer.append(now, actor, event)?.map(|committed| committed.revision))
}

/// Finds out what of a commit is to be watched.
struct Arming<'w> {
    writer: &'w Writer,
    watch: &'w Watch,
    plans: &'w Plans,
    at: Revision,
}

impl Arming<'_> {
    fn things(&self, edits: &[Edit]) -> Result<Vec<Thing>, ViewError> {
        let mut lists: BTreeMap<&str, Touched> = BTreeMap::new();
        for edit in edits {
            let touched = lists.entry(edit.list()).or_default();
            match edit {
                Edit::Put { row, .. } => drop(touched.keys.insert(row.key().into())),
                Edit::PutList(spec) => touched.whole |= self.is_other(spec)?,
                Edit::PutSegment { .. } => touched.whole = true,
                // A value that a segment has besides was live before; the rest takes away.
                Edit::Clear { .. }
                | Edit::RemoveList { .. }
                | Edit::Remove { .. }
                | Edit::RemoveSegment { .. } => {}
            }
        }
        let mut things = Vec::new();
        for (list, touched) in lists {
            if let Some(state) = self.writer.view.list(list, self.at)?
                && is_watched(&state.spec)
            {
                self.of_list(&state, touched, &mut things)?;
            }
        }
        Ok(things)
    }

    /// Does a list do something that it did not do before?
    fn is_other(&self, spec: &ListSpec) -> Result<bool, ViewError> {
        let before = self.writer.view.list(&spec.id, Revision(self.at.0 - 1))?;
        Ok(before.is_none_or(|before| {
            let ListSpec { title, source, .. } = before.spec.clone();
            before.spec != ListSpec { title, source, ..spec.clone() }
        }))
    }

    fn of_list(
        &self,
        state: &ListState,
        touched: Touched,
        things: &mut Vec<Thing>,
    ) -> Result<(), ViewError> {
        let spec = &state.spec;
        let is_many = touched.keys.len() > ENTRIES_A_LIST_MAX;
        if (touched.whole || is_many) && self.list_acts(state) {
            things.push(Thing {
                list: spec.id.clone(),
                target: Target::List,
                revision: self.at,
                fixed: is_fixed(&spec.meta),
                only_alert: !acts(&spec.meta) || self.is_overruled(&spec.id),
                places: Vec::new(),
            });
        }
        if is_many {
            return Ok(());
        }
        let mut entries = Vec::new();
        for key in touched.keys {
            entries.extend(self.entry(spec, &key)?);
        }
        // What a person has overruled must not go with the others.
        let together: Vec<&Thing> = entries.iter().filter(|entry| !entry.only_alert).collect();
        if together.len() > 1 && !touched.whole {
            let keys = together.iter().flat_map(|entry| entry.keys()).cloned().collect();
            things.push(Thing {
                list: spec.id.clone(),
                target: Target::Entries(keys),
                revision: self.at,
                fixed: together.iter().all(|entry| entry.fixed),
                only_alert: false,
                places: together.iter().flat_map(|entry| entry.places.clone()).collect(),
            });
        }
        things.append(&mut entries);
        Ok(())
    }

    fn entry(&self, spec: &ListSpec, key: &str) -> Result<Option<Thing>, ViewError> {
        let view = &self.writer.view;
        let Some(row) = view.entry(&spec.id, key, self.at)?.and_then(|version| version.row) else {
            return Ok(None);
        };
        let Some(meta) = row.meta(spec).ok().filter(acts) else { return Ok(None) };
        let versions = view.versions(&spec.id, key)?;
        let by_watch = |change_set| {
            let set = self.writer.book.get(change_set);
            set.is_some_and(|set| set.draft.origin == DraftOrigin::Watch)
        };
        Ok(Some(Thing {
            list: spec.id.clone(),
            target: Target::Entry(key.into()),
            revision: self.at,
            fixed: is_fixed(&meta),
            only_alert: versions.iter().any(|version| by_watch(version.from.change_set)),
            places: self.places(spec, &row),
        }))
    }

    /// How verdicts name a row.
    fn places(&self, spec: &ListSpec, row: &Row) -> Vec<u64> {
        let mut places = Vec::new();
        // A row that does not fit its list is not in the ruleset either.
        drop(row.entries(spec, &mut |entry| {
            let mut name = |name: EntryRef<'_>| places.push(self.watch.place(&spec.id, &name));
            match &entry.value {
                Value::Number(pattern) => names(self.plans, pattern, &mut name),
                Value::Keyword(phrase) => name(EntryRef::Text(phrase)),
                Value::Conjunction(conjunction) => name(EntryRef::Text(&conjunction.id)),
                Value::Brand(brand) => name(EntryRef::Text(&brand.id)),
                // Sender ids, signatures and domains are named by their canonical form.
                _ => name(EntryRef::Text(row.key())),
            }
            Ok(())
        }));
        places.sort_unstable();
        places.dedup();
        places
    }

    fn list_acts(&self, state: &ListState) -> bool {
        let of_segment = |used: &SegmentUse| shared_meta(&state.spec, &used.shared).ok();
        acts(&state.spec.meta)
            || state.rows > 0
            || state.segments.iter().filter_map(of_segment).any(|meta| acts(&meta))
    }

    /// Has the watch dropped the list as a whole before?
    fn is_overruled(&self, list: &str) -> bool {
        let head = title_of_list(list);
        let dropped = |set: &ChangeSet| {
            set.draft.origin == DraftOrigin::Watch
                && matches!(set.state, State::Committed(_))
                && set.draft.title.starts_with(&head)
        };
        self.writer.book.iter().any(dropped)
    }
}

/// Was what is watched changed by these edits, so that its counts no longer speak of it?
fn is_gone(thing: &Thing, edits: &[Edit]) -> bool {
    edits.iter().any(|edit| match edit {
        Edit::RemoveList { list } => *list == thing.list,
        Edit::Put { list, row } => *list == thing.list && is_entry(thing, row.key()),
        Edit::Remove { list, key } | Edit::Clear { list, key } => {
            *list == thing.list && is_entry(thing, key)
        }
        Edit::PutList(_) | Edit::PutSegment { .. } | Edit::RemoveSegment { .. } => false,
    })
}

fn is_entry(thing: &Thing, key: &str) -> bool {
    matches!(&thing.target, Target::Entry(known) if **known == *key)
}

/// Lists whose entries stand in verdicts and may be taken back.
fn is_watched(spec: &ListSpec) -> bool {
    let has_entries = !matches!(
        spec.kind,
        ListKind::NumberPlan | ListKind::NumberClass | ListKind::Trunk | ListKind::Policy
    );
    has_entries && spec.ground != Ground::Order
}

/// Does an entry act against attempts?
fn acts(meta: &EntryMeta) -> bool {
    !meta.shadow && stops(meta)
}

fn stops(meta: &EntryMeta) -> bool {
    match meta.effect {
        Effect::Block | Effect::Label(_) => true,
        Effect::Score(points) => points > 0,
        Effect::Allow | Effect::Watch | Effect::Protect => false,
    }
}

fn is_fixed(meta: &EntryMeta) -> bool {
    matches!(meta.effect, Effect::Block | Effect::Label(_))
}

/// The edits that take findings of one list to shadow. What was changed since is left alone.
fn softened(view: &dyn View, list: &str, due: &[&Finding]) -> Result<Vec<Edit>, Refusal> {
    let at = view.revision();
    let Some(state) = view.list(list, at)? else { return Ok(Vec::new()) };
    let spec = &state.spec;
    if due.iter().any(|found| found.thing.target == Target::List) {
        return list_softened(view, &state, at);
    }
    let mut edits = BTreeMap::new();
    for thing in due.iter().map(|found| &found.thing) {
        for key in thing.keys() {
            let version = view.entry(list, key, at)?.filter(|v| v.from.revision <= thing.revision);
            if let Some(row) = version.and_then(|version| version.row)
                && row.meta(spec).is_ok_and(|meta| acts(&meta))
            {
                let row = with_shadow(spec, &row, true)?;
                edits.insert(key, Edit::Put { list: list.into(), row });
            }
        }
    }
    Ok(edits.into_values().collect())
}

/// A whole list to shadow: what says otherwise of itself is changed too, and what lets through or
/// protects stays in force.
fn list_softened(view: &dyn View, state: &ListState, at: Revision) -> Result<Vec<Edit>, Refusal> {
    let spec = &state.spec;
    let mut soft = spec.clone();
    soft.meta.shadow = true;
    let mut edits = vec![Edit::PutList(Box::new(soft.clone()))];
    let mut rows = Vec::new();
    each_row(view, &spec.id, at, |version| rows.extend(version.row))?;
    for row in rows {
        let (Ok(is), Ok(would)) = (row.meta(spec), row.meta(&soft)) else { continue };
        let shadow = is.shadow || stops(&is);
        if would.shadow != shadow {
            let row = with_shadow(&soft, &row, shadow)?;
            edits.push(Edit::Put { list: spec.id.clone(), row });
        }
    }
    for used in &state.segments {
        let metas = (shared_meta(spec, &used.shared), shared_meta(&soft, &used.shared));
        let (Ok(is), Ok(would)) = metas else { continue };
        let shadow = is.shadow || stops(&is);
        if would.shadow != shadow {
            let mut segment = used.clone();
            segment.shared.retain(|(column, _)| *column != "shadow");
            segment.shared.push(("shadow", flag(shadow).into()));
            segment.shared.sort_unstable();
            edits.push(Edit::PutSegment { list: spec.id.clone(), segment });
        }
    }
    Ok(edits)
}

fn flag(shadow: bool) -> &'static str {
    if shadow { "yes" } else { "no" }
}

fn with_shadow(spec: &ListSpec, row: &Row, shadow: bool) -> Result<Row, Refusal> {
    let cells = row.cells().filter(|(column, _)| *column != "shadow");
    Row::read(spec, cells.chain([("shadow", flag(shadow))]))
        .map_err(|what| Refusal::Precondition { reason: "CANNOT_SHADOW", what })
}
