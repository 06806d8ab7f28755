//! A change-set against the catalogue that it changes: each list as it is and as it would be.
//!
//! Owns the answers that approval, checks and preview share. Must not know who asks. Reads the
//! view only for lists that edits name, and for keys that are asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::edit::{Edit, SegmentUse};
use super::row::Row;
use super::view::{EntryVersion, ListState, Scan, View, ViewError, each};
use crate::model::catalogue::BlobId;
use crate::model::entry::{ListKind, ListSpec, Setting, TrunkRow, Value};
use crate::model::policy::{Action, Mode, Policy, Thresholds};
use crate::model::revision::Revision;

/// Rows that are read of a list whose rows are looked at one by one (settings, trunks, prefixes):
/// people write those, and nobody writes more.
pub const ROWS_READ_MAX: usize = 10_000;
/// Rows of a page.
pub const PAGE: usize = 1_000;

/// The catalogue and one change-set.
pub struct Scope<'v> {
    /// The catalogue.
    pub view: &'v dyn View,
    /// The revision that it is looked at.
    pub at: Revision,
    /// What the change-set does to each list that it names.
    pub lists: BTreeMap<&'v str, ListEdits<'v>>,
    before: Vec<ListState>,
    places: HashMap<Box<str>, usize>,
}

/// What a change-set does to one list; of edits with the same key the last one counts.
#[derive(Clone, Debug, Default)]
pub struct ListEdits<'v> {
    /// What would be said of the list; `None` where the change-set does not say.
    pub spec: Option<&'v ListSpec>,
    /// It is taken out with all it has; what else stands here comes after that.
    pub removed: bool,
    /// Single entries: place of the edit, and what is put.
    pub keys: BTreeMap<&'v str, (usize, &'v Edit)>,
    /// Bulk imports that come, with the places of their edits.
    pub put: Vec<(usize, &'v SegmentUse)>,
    /// Bulk imports that go.
    pub gone: BTreeSet<BlobId>,
}

impl<'v> Scope<'v> {
    /// Puts a change-set beside the newest revision.
    ///
    /// Errors: those of the view.
    pub fn new(view: &'v dyn View, edits: &'v [Edit]) -> Result<Scope<'v>, ViewError> {
        let at = view.revision();
        let before = view.lists(at)?;
        let places = before.iter().map(|list| list.spec.id.clone()).zip(0..).collect();
        let mut lists: BTreeMap<&str, ListEdits<'_>> = BTreeMap::new();
        for (place, edit) in edits.iter().enumerate() {
            let list = lists.entry(edit.list()).or_default();
            match edit {
                Edit::PutList(spec) => list.spec = Some(spec),
                Edit::RemoveList { .. } => {
                    *list = ListEdits { removed: true, ..ListEdits::default() };
                }
                Edit::Put { row, .. } => drop(list.keys.insert(row.key(), (place, edit))),
                Edit::Remove { key, .. } | Edit::Clear { key, .. } => {
                    list.keys.insert(key, (place, edit));
                }
                Edit::PutSegment { segment, .. } => {
                    list.gone.remove(&segment.blob);
                    list.put.retain(|(_, used)| used.blob != segment.blob);
                    list.put.push((place, segment));
                }
                Edit::RemoveSegment { blob, .. } => {
                    list.put.retain(|(_, used)| used.blob != *blob);
                    list.gone.insert(*blob);
                }
            }
        }
        Ok(Scope { view, at, lists, before, places })
    }

    /// A list as it is.
    pub fn before(&self, list: &str) -> Option<&ListState> {
        self.places.get(list).and_then(|at| self.before.get(*at))
    }

    /// A list as it would be.
    pub fn spec<'s>(&'s self, list: &str) -> Option<&'s ListSpec> {
        match self.lists.get(list) {
            Some(ListEdits { spec: Some(spec), .. }) => Some(spec),
            Some(ListEdits { removed: true, .. }) => None,
            _ => self.before(list).map(|list| &list.spec),
        }
    }

    /// All lists as they are.
    pub fn lists_before(&self) -> &[ListState] {
        &self.before
    }

    /// All lists as they would be: those that stay in their order, then new ones by id.
    pub fn specs(&self) -> impl Iterator<Item = &ListSpec> {
        let stay = self.before.iter().filter_map(|list| self.spec(&list.spec.id));
        let new = self.lists.iter().filter(|(id, _)| !self.places.contains_key(**id));
        stay.chain(new.filter_map(|(_, edits)| edits.spec))
    }

    /// A single entry as it is; not of a list that the change-set takes out.
    ///
    /// Errors: those of the view.
    pub fn entry(&self, list: &str, key: &str) -> Result<Option<EntryVersion>, ViewError> {
        if self.before(list).is_none() || self.lists.get(list).is_some_and(|edits| edits.removed) {
            return Ok(None);
        }
        self.view.entry(list, key, self.at)
    }

    /// Single entries of a list as they are, at most [`ROWS_READ_MAX`] of them.
    ///
    /// Errors: those of the view.
    pub fn rows_before(&self, list: &str) -> Result<BTreeMap<Box<str>, Row>, ViewError> {
        let mut rows = BTreeMap::new();
        let scan = Scan { list: Some(list), limit: PAGE, ..Scan::default() };
        each(self.view, scan, self.at, &mut |entry| {
            if let Some(row) = entry.row {
                rows.insert(entry.key, row);
            }
            rows.len() < ROWS_READ_MAX
        })?;
        Ok(rows)
    }

    /// Single entries of a list as they would be.
    ///
    /// Errors: those of the view.
    pub fn rows_after(&self, list: &str) -> Result<BTreeMap<Box<str>, Row>, ViewError> {
        let edits = self.lists.get(list);
        let mut rows = match edits {
            Some(edits) if edits.removed => BTreeMap::new(),
            _ => self.rows_before(list)?,
        };
        for (key, (_, edit)) in edits.into_iter().flat_map(|edits| &edits.keys) {
            match edit {
                Edit::Put { row, .. } => drop(rows.insert((*key).into(), row.clone())),
                _ => drop(rows.remove(*key)),
            }
        }
        Ok(rows)
    }

    /// Does the change-set touch lists of a kind?
    pub fn touches(&self, kind: ListKind) -> bool {
        self.lists.keys().any(|id| {
            let is = |spec: &ListSpec| spec.kind == kind;
            self.spec(id).is_some_and(is) || self.before(id).is_some_and(|list| is(&list.spec))
        })
    }

    /// The settings as they are and as they would be; later lists win.
    ///
    /// Errors: those of the view.
    pub fn settings(&self) -> Result<(Settings, Settings), ViewError> {
        let (mut before, mut after) = (Settings::default(), Settings::default());
        let sets = |spec: &&ListSpec| matches!(spec.kind, ListKind::Policy | ListKind::Trunk);
        for spec in self.before.iter().map(|list| &list.spec).filter(sets) {
            self.rows_before(&spec.id)?.values().for_each(|row| before.take(spec, row));
        }
        for spec in self.specs().filter(sets) {
            self.rows_after(&spec.id)?.values().for_each(|row| after.take(spec, row));
        }
        Ok((before, after))
    }
}

/// What policy and trunk lists set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Of all.
    pub policy: Policy,
    /// Modes and regions of trunks, where they have their own.
    pub trunks: BTreeMap<String, (Option<Mode>, Option<crate::model::number::Region>)>,
}

impl Settings {
    /// The mode that holds for a trunk.
    pub fn mode_of(&self, trunk: &str) -> Mode {
        self.trunks.get(trunk).and_then(|(mode, _)| *mode).unwrap_or(self.policy.mode)
    }

    fn take(&mut self, spec: &ListSpec, row: &Row) {
        // A row that does not fit its list sets nothing; the checks say so.
        drop(row.entries(spec, &mut |entry| {
            match &entry.value {
                Value::Policy(setting) => self.set(*setting),
                Value::Trunk(TrunkRow { trunk_id, mode, region, .. }) => {
                    let said = self.trunks.entry((*trunk_id).to_owned()).or_default();
                    *said = (mode.or(said.0), region.or(said.1));
                }
                _ => {}
            }
            Ok(())
        }));
    }

    fn set(&mut self, setting: Setting) {
        let threshold = |of: &mut Thresholds, action: Action, risk: u16| match action {
            Action::Allow => {}
            Action::Label => of.label = risk,
            Action::Hold => of.hold = risk,
            Action::Block => of.block = risk,
        };
        let policy = &mut self.policy;
        match setting {
            Setting::CallThreshold(action, risk) => threshold(&mut policy.call, action, risk),
            Setting::MessageThreshold(action, risk) => threshold(&mut policy.message, action, risk),
            Setting::Mode(mode) => policy.mode = mode,
            Setting::DefaultRegion(region) => policy.default_region = region,
            Setting::TextCeiling(action) => policy.text_ceiling = action,
            Setting::HoldMax(seconds) => policy.hold_max_s = seconds,
        }
    }
}
