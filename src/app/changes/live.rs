//! From what the log has to what is screened against: a new overlay for a narrow change, a new
//! base for any other; bulk imports in layers of their own.
//!
//! Invariant: what is compiled here is not live before the log has the change; [`Live::take`] and
//! the publisher's swap come after.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::api::Refusal;
use super::delta::{Change, Delta, FOLD_ROWS, is_narrow};
use super::image::ImageDraft;
use super::ports::ChangeLog;
use super::texts::{ListText, apply, lists_at, packs};
use crate::app::catalogue::{self, PackText};
use crate::engine::{BULK_LAYERS_MAX, Base, BulkBuilder, Layer, Overlay, OverlayBuilder, Ruleset};
use crate::lists::Findings;
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::pack::number_pattern;
use crate::lists::row::Row;
use crate::lists::segment::{Segment, SegmentKind};
use crate::lists::view::{Changed, View};
use crate::model::catalogue::Cursor;
use crate::model::entry::{ListKind, ListSpec, NumberPattern};
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;

/// The parts of the ruleset in use, with what was changed since its base.
#[derive(Clone)]
pub(super) struct Live {
    parts: Parts,
    /// What single entries say of values of the bulk layers: made with the base, below the delta.
    under: Arc<Overlay>,
    overlay: Arc<Overlay>,
    delta: Delta,
}

/// What does not change from one narrow change to the next, and is kept in an image.
#[derive(Clone)]
pub(super) struct Parts {
    pub base: Arc<Base>,
    pub bulk: Arc<[Arc<Layer>]>,
    /// Segments of numbers that the bulk layers hold, with their lists.
    pub compiled: Vec<NamedSegment>,
    /// The packs of numbering plans, by which the bulk layers read their numbers.
    pub plans: Arc<[u8]>,
    /// Values that the bulk layers hold and that do not count.
    pub hidden: Arc<Hidden>,
}

/// By (list, key) the row that says otherwise; `None` is taken out. Hiding hides the row in the
/// base too, so it is said again over both.
pub(super) type Hidden = BTreeMap<(Box<str>, Box<str>), Option<Row>>;

/// Parts that are compiled but not in use yet.
pub(super) struct Prepared {
    live: Live,
    /// What the base was compiled from, where it is a new one.
    packs: Option<Vec<PackText>>,
}

impl Prepared {
    /// As a ruleset of this revision.
    pub fn ruleset(&self, revision: Revision, digest: Digest) -> Result<Ruleset, Refusal> {
        self.live.ruleset(revision, digest)
    }

    /// The parts, now in use, and the image of a new base.
    pub fn into_live(self, at: (Cursor, Revision, Digest)) -> (Live, Option<ImageDraft>) {
        let image = self.packs.map(|packs| ImageDraft::new(at, packs, self.live.clone()));
        (self.live, image)
    }
}

impl Live {
    /// Nothing but what is compiled in.
    pub fn empty() -> Result<Live, Refusal> {
        let ruleset = catalogue::compile(&[], Revision(0)).map_err(|f| unusable(&f))?;
        Live::from_parts(Parts {
            base: ruleset.base,
            bulk: Arc::from([]),
            compiled: Vec::new(),
            plans: Arc::from([]),
            hidden: Arc::default(),
        })
    }

    /// Parts with nothing changed since.
    ///
    /// Errors: what is to be hidden cannot be.
    pub fn from_parts(parts: Parts) -> Result<Live, Refusal> {
        let mut builder = OverlayBuilder::over(&parts.base, &parts.bulk);
        for ((list, key), row) in parts.hidden.iter() {
            let spec = parts.bulk.iter().find_map(|layer| layer.list(list));
            let Some(spec) = spec else { continue };
            hide(&mut builder, spec, &value_row(spec, key)?)?;
            if let Some(row) = row {
                builder.hide_with(list);
                builder.list(spec).map_err(refuse)?;
                add(&mut builder, spec, row)?;
            }
        }
        let under = Arc::new(builder.build().map_err(refuse)?);
        Ok(Live { overlay: Arc::clone(&under), under, parts, delta: Delta::default() })
    }

    /// What an image keeps.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// As a ruleset of this revision.
    pub fn ruleset(&self, revision: Revision, digest: Digest) -> Result<Ruleset, Refusal> {
        let (base, bulk) = (Arc::clone(&self.parts.base), Arc::clone(&self.parts.bulk));
        Ruleset::new(base, bulk, Arc::clone(&self.overlay), revision, digest).map_err(refuse)
    }

    /// What has changed from the revision of these parts to the newest, by a new overlay; `None`
    /// where that takes a new base.
    ///
    /// Errors: those of the view, a segment that cannot be read.
    pub fn caught_up(
        &self,
        view: &dyn View,
        log: &dyn ChangeLog,
        changed: Vec<Changed>,
    ) -> Result<Option<Prepared>, Refusal> {
        let (mut delta, mut edits) = (Delta::default(), Vec::new());
        for change in changed {
            let Changed::Entry { list, key, before, after } = change else { return Ok(None) };
            let in_texts = self.in_texts(view, log, &list, &key)?;
            let place = (list, key);
            if after.is_none() && (in_texts.is_some() || self.parts.hidden.contains_key(&place)) {
                // What a bulk import has holds again.
                return Ok(None);
            }
            let now = after.flatten();
            edits.push(match &now {
                Some(row) => Edit::Put { list: place.0.clone(), row: row.clone() },
                None => Edit::Remove { list: place.0.clone(), key: place.1.clone() },
            });
            delta.insert(place, Change { below: before.unwrap_or(in_texts), now });
        }
        let at = view.revision();
        let spec = |list: &str| view.list(list, at).ok().flatten().map(|state| state.spec);
        let entry = |list: &str, key: &str| delta.get(&(list.into(), key.into()))?.below.clone();
        if !is_narrow(&edits, spec, entry) {
            return Ok(None);
        }
        self.over(view, delta).map(Some)
    }

    /// Is it time to compile a new base?
    pub fn wants_fold(&self) -> bool {
        self.delta.len() > FOLD_ROWS
    }

    /// A narrow change by a new overlay.
    ///
    /// Errors: an entry cannot be compiled; nothing is changed.
    pub fn with_overlay(
        &self,
        view: &dyn View,
        log: &dyn ChangeLog,
        edits: &[Edit],
    ) -> Result<Prepared, Refusal> {
        let at = view.revision();
        let mut delta = self.delta.clone();
        for edit in edits {
            let (list, key, now) = match edit {
                Edit::Put { list, row } => (list, row.key(), Some(row.clone())),
                Edit::Remove { list, key } => (list, &**key, None),
                _ => continue,
            };
            let place = (list.clone(), key.into());
            match delta.get_mut(&place) {
                Some(change) => change.now = now,
                None => {
                    let below = match view.entry(list, key, at)? {
                        Some(version) => version.row,
                        None => self.in_texts(view, log, list, key)?,
                    };
                    delta.insert(place, Change { below, now });
                }
            }
        }
        self.over(view, delta)
    }

    fn over(&self, view: &dyn View, delta: Delta) -> Result<Prepared, Refusal> {
        let at = view.revision();
        let mut specs: BTreeMap<&str, ListSpec> = BTreeMap::new();
        for (list, _) in delta.keys() {
            if !specs.contains_key(&**list) {
                let state = view.list(list, at)?;
                specs.insert(list, state.ok_or_else(|| no_list(list))?.spec);
            }
        }
        let overlay = self.overlay_of(&delta, &specs)?;
        let live = Live { overlay: Arc::new(overlay), delta, ..self.clone() };
        Ok(Prepared { live, packs: None })
    }

    fn overlay_of(
        &self,
        delta: &Delta,
        specs: &BTreeMap<&str, ListSpec>,
    ) -> Result<Overlay, Refusal> {
        let under = Live { overlay: Arc::clone(&self.under), ..self.clone() };
        let below = under.ruleset(Revision(0), Digest::default())?;
        let mut builder = OverlayBuilder::small(&below);
        for (place @ (list, key), change) in delta {
            let spec = &specs[&**list];
            let hidden = match &change.below {
                Some(row) => Some(row.clone()),
                None if self.parts.hidden.contains_key(place) => None,
                None if self.in_bulk(spec, key) => Some(value_row(spec, key)?),
                None => None,
            };
            if let Some(row) = hidden {
                hide(&mut builder, spec, &row)?;
            }
        }
        for (list, spec) in specs {
            let mut rows = delta.iter().filter(|((of, _), _)| **of == **list).peekable();
            if rows.peek().is_some() {
                builder.list(spec).map_err(refuse)?;
            }
            for row in rows.filter_map(|(_, change)| change.now.as_ref()) {
                add(&mut builder, spec, row)?;
            }
        }
        builder.build().map_err(refuse)
    }

    /// Does a bulk layer have an entry for a key?
    fn in_bulk(&self, spec: &ListSpec, key: &str) -> bool {
        let Ok(NumberPattern::Exact(number)) = number_pattern(key) else { return false };
        let Parts { base, bulk, .. } = &self.parts;
        bulk.iter().any(|layer| layer.holds_number(&spec.id, &base.plans, &number))
    }

    /// The entry that the base has for a key from a bulk import of texts, the newest one.
    fn in_texts(
        &self,
        view: &dyn View,
        log: &dyn ChangeLog,
        list: &str,
        key: &str,
    ) -> Result<Option<Row>, Refusal> {
        let at = view.revision();
        let Some(state) = view.list(list, at)? else { return Ok(None) };
        for segment in state.segments.iter().rev() {
            let numbers = |(of, known): &NamedSegment| **of == *list && known.blob == segment.blob;
            if self.parts.compiled.iter().any(numbers) {
                continue;
            }
            let octets = log.get_blob(segment.blob)?;
            if Segment::parse(&octets).map_err(refuse)?.contains(key) {
                return shared_row(&state.spec, segment, key).map(Some);
            }
        }
        Ok(None)
    }

    /// Everything compiled anew, checked and probed as a whole, with `edits` over the newest
    /// revision. Bulk layers are kept where their segments are.
    ///
    /// Errors: findings that refuse the catalogue, a segment that cannot be read, an edit of a
    /// list that is not there.
    pub fn rebuilt(
        &self,
        view: &dyn View,
        log: &dyn ChangeLog,
        edits: &[Edit],
        now: Timestamp,
    ) -> Result<Prepared, Refusal> {
        let mut lists = lists_at(view, view.revision())?;
        for edit in edits {
            if !apply(&mut lists, edit) {
                return Err(no_list(edit.list()));
            }
        }
        self.compiled(log, lists, &|packs| {
            catalogue::check(packs, Revision(0), Some(now)).map(|(ruleset, _)| ruleset)
        })
    }

    /// What is in force at a revision. It was probed when it came; what has changed since (the
    /// time, small changes that went by without a probe) must not keep it from coming back.
    ///
    /// Errors: it cannot be compiled, a segment that cannot be read.
    pub fn at(
        &self,
        view: &dyn View,
        log: &dyn ChangeLog,
        at: Revision,
    ) -> Result<Prepared, Refusal> {
        self.compiled(log, lists_at(view, at)?, &|packs| {
            catalogue::compile_unprobed(packs, Revision(0))
        })
    }

    fn compiled(
        &self,
        log: &dyn ChangeLog,
        mut lists: Vec<ListText>,
        compile: &dyn Fn(&[PackText]) -> Result<Ruleset, Findings>,
    ) -> Result<Prepared, Refusal> {
        let of_list = |list: &ListText| {
            let id = list.spec.id.clone();
            let segments = list.segments.clone().into_iter();
            segments.map(move |segment| (id.clone(), segment)).collect::<Vec<_>>()
        };
        let segments = lists.iter().flat_map(of_list).collect();
        let (numbers, texts) = self.read_segments(log, segments)?;
        // The newest one has its say first.
        for (list, segment) in texts.iter().rev() {
            spread(&mut lists, list, segment, log)?;
        }
        let packs = packs(&lists);
        let ruleset = compile(&packs).map_err(|f| unusable(&f))?;
        let says_numbers = |(list, _): &(&ListText, &PackText)| {
            matches!(list.spec.kind, ListKind::NumberPlan | ListKind::NumberClass)
        };
        let plans = lists.iter().zip(&packs).filter(says_numbers);
        let plans: Arc<[u8]> = plans.flat_map(|(_, pack)| pack.octets.clone()).collect();
        let same_plans = plans == self.parts.plans;
        let (bulk, compiled) = self.bulk_of(&ruleset.base, log, &lists, (&numbers, same_plans))?;
        let (base, hidden) = (ruleset.base, Arc::default());
        let mut live = Live::from_parts(Parts { base, bulk, compiled, plans, hidden })?;
        let hidden = live.over_bulk(&lists);
        if !hidden.is_empty() {
            live = Live::from_parts(Parts { hidden: Arc::new(hidden), ..live.parts })?;
        }
        Ok(Prepared { live, packs: Some(packs) })
    }

    /// Rows and taken-out values hide the same values of bulk imports.
    fn over_bulk(&self, lists: &[ListText]) -> Hidden {
        let mut hidden = Hidden::new();
        for list in lists {
            if !self.parts.compiled.iter().any(|(of, _)| *of == list.spec.id) {
                continue;
            }
            let rows = list.rows.iter().map(|(key, row)| (key, Some(row)));
            let all = rows.chain(list.taken_out.iter().map(|key| (key, None)));
            let found = all.filter(|(key, _)| self.in_bulk(&list.spec, key));
            let place = |key: &str| (list.spec.id.clone(), Box::from(key));
            hidden.extend(found.map(|(key, row)| (place(key), row.cloned())));
        }
        hidden
    }

    /// Sorts segments by what their values are, looking at the first octets of their blobs only
    /// where they are not compiled yet.
    fn read_segments(
        &self,
        log: &dyn ChangeLog,
        segments: Vec<NamedSegment>,
    ) -> Result<(Vec<NamedSegment>, Vec<NamedSegment>), Refusal> {
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for (list, segment) in segments {
            let compiled = self.parts.compiled.iter().any(|(_, known)| known.blob == segment.blob);
            let is_numbers = compiled || {
                let octets = log.get_blob(segment.blob)?;
                Segment::parse(&octets).map_err(refuse)?.kind() == SegmentKind::Numbers
            };
            let place = if is_numbers { &mut numbers } else { &mut texts };
            place.push((list, segment));
        }
        Ok((numbers, texts))
    }

    /// Bulk layers for these segments: what is there is kept, what is new goes into one layer,
    /// and all go into one where a segment has gone or layers are too many.
    fn bulk_of(
        &self,
        base: &Base,
        log: &dyn ChangeLog,
        lists: &[ListText],
        (wanted, same_plans): (&[NamedSegment], bool),
    ) -> Result<Bulk, Refusal> {
        let gone = !same_plans || self.parts.compiled.iter().any(|known| !wanted.contains(known));
        let fresh: Vec<&NamedSegment> =
            wanted.iter().filter(|one| !self.parts.compiled.contains(one)).collect();
        // What is said of a list is compiled into its bulk layers too.
        let same = lists.iter().all(|list| {
            !self.parts.compiled.iter().any(|(of, _)| *of == list.spec.id)
                || self.parts.bulk.iter().all(|layer| layer.knows_as(&list.spec))
        });
        let keep = !gone
            && same
            && self.parts.bulk.len() + usize::from(!fresh.is_empty()) <= BULK_LAYERS_MAX;
        if keep && fresh.is_empty() {
            return Ok((Arc::clone(&self.parts.bulk), wanted.to_vec()));
        }
        let build: Vec<&NamedSegment> = if keep { fresh } else { wanted.iter().collect() };
        let mut layers: Vec<Arc<Layer>> = if keep { self.parts.bulk.to_vec() } else { Vec::new() };
        if !build.is_empty() {
            layers.push(Arc::new(bulk_layer(base, log, lists, &build)?));
        }
        Ok((layers.into(), wanted.to_vec()))
    }
}

/// Bulk layers, and what they hold.
type Bulk = (Arc<[Arc<Layer>]>, Vec<NamedSegment>);

/// A segment with the id of its list.
pub(super) type NamedSegment = (Box<str>, SegmentUse);

fn bulk_layer(
    base: &Base,
    log: &dyn ChangeLog,
    lists: &[ListText],
    segments: &[&NamedSegment],
) -> Result<Layer, Refusal> {
    let mut builder = BulkBuilder::new(&base.plans);
    let count: u64 = segments.iter().map(|(_, segment)| segment.count).sum();
    builder.reserve(usize::try_from(count).unwrap_or(usize::MAX));
    for (list, segment) in segments {
        let Some(list) = lists.iter().find(|known| known.spec.id == *list) else { continue };
        let octets = log.get_blob(segment.blob)?;
        let values = Segment::parse(&octets).map_err(refuse)?;
        let numbers = values.numbers();
        let meta = shared_row(&list.spec, segment, "+10000")?.meta(&list.spec).map_err(refuse)?;
        let numbers = numbers.map(|number| number.value());
        builder.segment(&list.spec, meta, numbers).map_err(refuse)?;
    }
    Ok(builder.build())
}

/// Values of a segment of texts as rows of their list; a row that is there wins.
fn spread(
    lists: &mut [ListText],
    list: &str,
    segment: &SegmentUse,
    log: &dyn ChangeLog,
) -> Result<(), Refusal> {
    let Some(list) = lists.iter_mut().find(|known| *known.spec.id == *list) else { return Ok(()) };
    let octets = log.get_blob(segment.blob)?;
    for key in Segment::parse(&octets).map_err(refuse)?.texts() {
        if !list.rows.contains_key(&*key) && !list.taken_out.contains(&*key) {
            let row = shared_row(&list.spec, segment, &key)?;
            list.rows.insert(key.into(), row);
        }
    }
    Ok(())
}

/// One value of a segment as a row.
pub(super) fn shared_row(
    spec: &ListSpec,
    segment: &SegmentUse,
    value: &str,
) -> Result<Row, Refusal> {
    let shared = segment.shared.iter().map(|(column, cell)| (*column, &**cell));
    Row::read(spec, [("value", value)].into_iter().chain(shared)).map_err(refuse)
}

fn hide(builder: &mut OverlayBuilder<'_>, spec: &ListSpec, row: &Row) -> Result<(), Refusal> {
    row.entries(spec, &mut |entry| builder.hide(&spec.id, &entry).map_err(|e| e.to_string()))
        .map_err(refuse)
}

fn add(builder: &mut OverlayBuilder<'_>, spec: &ListSpec, row: &Row) -> Result<(), Refusal> {
    row.entries(spec, &mut |entry| builder.add(&entry).map_err(|e| e.to_string())).map_err(refuse)
}

/// A value with nothing said of it, to hide it by.
fn value_row(spec: &ListSpec, key: &str) -> Result<Row, Refusal> {
    Row::read(spec, [("value", key)]).map_err(refuse)
}

fn no_list(list: &str) -> Refusal {
    Refusal::NotFound { kind: "list", name: list.to_owned() }
}

/// What cannot be compiled although it was checked.
fn refuse(error: impl std::fmt::Display) -> Refusal {
    Refusal::Precondition { reason: "CANNOT_COMPILE", what: error.to_string() }
}

/// The first findings that refuse a catalogue, in words.
fn unusable(findings: &Findings) -> Refusal {
    Refusal::Precondition { reason: "CATALOGUE_REFUSED", what: words(findings) }
}

/// See [`unusable`].
pub(super) fn words(findings: &Findings) -> String {
    let errors = findings.kept.iter().filter(|f| f.severity == crate::lists::Severity::Error);
    let words: Vec<String> =
        errors.take(3).map(|f| format!("list {}: {}", f.file, f.message)).collect();
    words.join("; ")
}
