//! From what the log has to what is screened against: a new overlay for a narrow change, a new
//! base for any other; bulk imports in layers of their own.
//!
//! Invariant: what is compiled here is not live before the log has the change; [`Live::take`] and
//! the publisher's swap come after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::api::Refusal;
use super::delta::{Change, Delta, FOLD_ROWS};
use super::ports::ChangeLog;
use super::texts::{ListText, apply, lists_at, packs};
use crate::app::catalogue::{self, PackText};
use crate::engine::{BULK_LAYERS_MAX, Base, BulkBuilder, Layer, Overlay, OverlayBuilder, Ruleset};
use crate::lists::Findings;
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::pack::number_pattern;
use crate::lists::row::Row;
use crate::lists::segment::{Segment, SegmentKind};
use crate::lists::view::View;
use crate::model::entry::{ListKind, ListSpec, NumberPattern};
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;

/// The parts of the ruleset in use, with what was changed since its base.
#[derive(Clone)]
pub(super) struct Live {
    base: Arc<Base>,
    bulk: Layers,
    /// Segments of numbers that the bulk layers hold, with their lists.
    compiled: Vec<NamedSegment>,
    /// The packs of numbering plans, by which the bulk layers read their numbers.
    plans: Arc<[u8]>,
    /// What single entries say of values of the bulk layers: made with the base, below the delta.
    under: Arc<Overlay>,
    /// Entries, by list and key, that `under` takes out of the bulk layers.
    taken_out: Arc<BTreeSet<(Box<str>, Box<str>)>>,
    overlay: Arc<Overlay>,
    delta: Delta,
}

/// Parts that are compiled but not in use yet.
pub(super) struct Prepared {
    live: Live,
}

impl Prepared {
    /// As a ruleset of this revision.
    pub fn ruleset(&self, revision: Revision, digest: Digest) -> Result<Ruleset, Refusal> {
        let live = &self.live;
        let parts = (Arc::clone(&live.base), Arc::clone(&live.bulk), Arc::clone(&live.overlay));
        Ruleset::new(parts.0, parts.1, parts.2, revision, digest).map_err(refuse)
    }

    /// The parts, now in use.
    pub fn into_live(self) -> Live {
        self.live
    }
}

impl Live {
    /// Nothing but what is compiled in.
    pub fn empty() -> Result<Live, Refusal> {
        let ruleset = catalogue::compile(&[], Revision(0)).map_err(|f| unusable(&f))?;
        Ok(Live {
            base: ruleset.base,
            bulk: Arc::from([]),
            compiled: Vec::new(),
            plans: Arc::from([]),
            under: Arc::default(),
            taken_out: Arc::default(),
            overlay: Arc::default(),
            delta: Delta::default(),
        })
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
        let mut specs: BTreeMap<&str, ListSpec> = BTreeMap::new();
        for (list, _) in delta.keys() {
            if !specs.contains_key(&**list) {
                let state = view.list(list, at)?;
                specs.insert(list, state.ok_or_else(|| no_list(list))?.spec);
            }
        }
        let overlay = self.overlay_of(&delta, &specs)?;
        let live = Live { overlay: Arc::new(overlay), delta, ..self.clone() };
        Ok(Prepared { live })
    }

    fn overlay_of(
        &self,
        delta: &Delta,
        specs: &BTreeMap<&str, ListSpec>,
    ) -> Result<Overlay, Refusal> {
        let (base, bulk, under) = (&self.base, &self.bulk, &self.under);
        let parts = (Arc::clone(base), Arc::clone(bulk), Arc::clone(under));
        let below = Ruleset::new(parts.0, parts.1, parts.2, Revision(0), Digest::default());
        let below = below.map_err(refuse)?;
        let mut builder = OverlayBuilder::small(&below);
        for ((list, key), change) in delta {
            let spec = &specs[&**list];
            let hidden = match &change.below {
                Some(row) => Some(row.clone()),
                None if self.taken_out.contains(&(list.clone(), key.clone())) => None,
                None => self.in_bulk(spec, key),
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

    /// The entry that a bulk layer has for a key, as far as hiding it needs it.
    fn in_bulk(&self, spec: &ListSpec, key: &str) -> Option<Row> {
        let Ok(NumberPattern::Exact(number)) = number_pattern(key) else { return None };
        let plans = &self.base.plans;
        let found = self.bulk.iter().any(|layer| layer.holds_number(&spec.id, plans, &number));
        if found { Row::read(spec, [("value", key)]).ok() } else { None }
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
            if self.compiled.iter().any(numbers) {
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
        let same_plans = plans == self.plans;
        let (bulk, compiled) = self.bulk_of(&ruleset.base, log, &lists, (&numbers, same_plans))?;
        let mut live = Live {
            base: ruleset.base,
            bulk,
            compiled,
            plans,
            under: Arc::default(),
            taken_out: Arc::default(),
            overlay: Arc::default(),
            delta: Delta::default(),
        };
        live.over_bulk(&lists)?;
        Ok(Prepared { live })
    }

    /// Rows and taken-out values hide the same values of bulk imports. What is hidden is hidden in
    /// the base too, so that a row stands here again.
    fn over_bulk(&mut self, lists: &[ListText]) -> Result<(), Refusal> {
        let mut builder = OverlayBuilder::over(&self.base, &self.bulk);
        let mut taken_out = BTreeSet::new();
        for list in lists {
            let spec = &list.spec;
            if !self.compiled.iter().any(|(of, _)| *of == spec.id) {
                continue;
            }
            for key in &list.taken_out {
                if let Some(row) = self.in_bulk(spec, key) {
                    hide(&mut builder, spec, &row)?;
                    taken_out.insert((spec.id.clone(), key.clone()));
                }
            }
            let over = list.rows.iter().filter(|(key, _)| self.in_bulk(spec, key).is_some());
            let over: Vec<&Row> = over.map(|(_, row)| row).collect();
            if !over.is_empty() {
                builder.list(spec).map_err(refuse)?;
            }
            for row in over {
                hide(&mut builder, spec, row)?;
                add(&mut builder, spec, row)?;
            }
        }
        let under = builder.build().map_err(refuse)?;
        self.under = Arc::new(under);
        self.overlay = Arc::clone(&self.under);
        self.taken_out = Arc::new(taken_out);
        Ok(())
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
            let compiled = self.compiled.iter().any(|(_, known)| known.blob == segment.blob);
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
    ) -> Result<(Layers, Vec<NamedSegment>), Refusal> {
        let gone = !same_plans || self.compiled.iter().any(|known| !wanted.contains(known));
        let fresh: Vec<&NamedSegment> =
            wanted.iter().filter(|one| !self.compiled.contains(one)).collect();
        // What is said of a list is compiled into its bulk layers too.
        let same = lists.iter().all(|list| {
            !self.compiled.iter().any(|(of, _)| *of == list.spec.id)
                || self.bulk.iter().all(|layer| layer.knows_as(&list.spec))
        });
        let keep =
            !gone && same && self.bulk.len() + usize::from(!fresh.is_empty()) <= BULK_LAYERS_MAX;
        if keep && fresh.is_empty() {
            return Ok((Arc::clone(&self.bulk), wanted.to_vec()));
        }
        let build: Vec<&NamedSegment> = if keep { fresh } else { wanted.iter().collect() };
        let mut layers: Vec<Arc<Layer>> = if keep { self.bulk.to_vec() } else { Vec::new() };
        if !build.is_empty() {
            layers.push(Arc::new(bulk_layer(base, log, lists, &build)?));
        }
        Ok((layers.into(), wanted.to_vec()))
    }
}

/// Bulk layers of a ruleset.
type Layers = Arc<[Arc<Layer>]>;

/// A segment with the id of its list.
type NamedSegment = (Box<str>, SegmentUse);

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

fn no_list(list: &str) -> Refusal {
    Refusal::NotFound { kind: "list", name: list.to_owned() }
}

/// What cannot be compiled although it was checked.
fn refuse(error: impl std::fmt::Display) -> Refusal {
    Refusal::Precondition { reason: "CANNOT_COMPILE", what: error.to_string() }
}

/// The first findings that refuse a catalogue, in words.
fn unusable(findings: &Findings) -> Refusal {
    let errors = findings.kept.iter().filter(|f| f.severity == crate::lists::Severity::Error);
    let words: Vec<String> =
        errors.take(3).map(|f| format!("list {}: {}", f.file, f.message)).collect();
    Refusal::Precondition { reason: "CATALOGUE_REFUSED", what: words.join("; ") }
}
