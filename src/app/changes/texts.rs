//! The catalogue at a revision as pack texts, one a list: the one form that is read, checked and
//! compiled, whether it comes from files, from the store or from a base image.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::catalogue::PackText;
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::pack::list_line;
use crate::lists::row::Row;
use crate::lists::view::{EntryVersion, Scan, View, ViewError};
use crate::model::entry::ListSpec;
use crate::model::revision::Revision;

/// Entries read from the view at a time.
const PAGE: usize = 1_000;

/// One list with all it has.
#[derive(PartialEq, Eq)]
pub(super) struct ListText {
    pub spec: ListSpec,
    pub rows: BTreeMap<Box<str>, Row>,
    /// Keys that are taken out of its bulk imports.
    pub taken_out: BTreeSet<Box<str>>,
    /// Bulk imports, oldest first.
    pub segments: Vec<SegmentUse>,
}

impl ListText {
    fn new(spec: ListSpec) -> ListText {
        ListText { spec, rows: BTreeMap::new(), taken_out: BTreeSet::new(), segments: Vec::new() }
    }
}

/// Lists with all they have at a revision, in the order in which they were created.
pub(super) fn lists_at(view: &dyn View, at: Revision) -> Result<Vec<ListText>, ViewError> {
    let mut lists = Vec::new();
    for state in view.lists(at)? {
        let mut list = ListText { segments: state.segments, ..ListText::new(state.spec) };
        each_row(view, &list.spec.id, at, |version| {
            match version.row {
                Some(row) => drop(list.rows.insert(version.key, row)),
                None => drop(list.taken_out.insert(version.key)),
            };
        })?;
        lists.push(list);
    }
    Ok(lists)
}

/// Puts an edit over lists as a view does that gets it in a commit: what is compiled before the
/// commit is what is in force behind it. False when it puts something into a list that is not
/// there, which no view takes.
pub(super) fn apply(lists: &mut Vec<ListText>, edit: &Edit) -> bool {
    let place = lists.iter().position(|known| *known.spec.id == *edit.list());
    let Some(at) = place else {
        if let Edit::PutList(spec) = edit {
            lists.push(ListText::new((**spec).clone()));
            return true;
        }
        return !matches!(edit, Edit::Put { .. } | Edit::PutSegment { .. });
    };
    let list = &mut lists[at];
    match edit {
        Edit::PutList(spec) => list.spec = (**spec).clone(),
        Edit::RemoveList { .. } => drop(lists.remove(at)),
        Edit::Put { row, .. } => {
            list.taken_out.remove(row.key());
            list.rows.insert(row.key().into(), row.clone());
        }
        Edit::Remove { key, .. } => {
            list.rows.remove(key);
            if !list.segments.is_empty() {
                list.taken_out.insert(key.clone());
            }
        }
        Edit::Clear { key, .. } => {
            list.rows.remove(key);
            list.taken_out.remove(key);
        }
        Edit::PutSegment { segment, .. } => {
            list.segments.retain(|known| known.blob != segment.blob);
            list.segments.push(segment.clone());
        }
        Edit::RemoveSegment { blob, .. } => {
            list.segments.retain(|known| known.blob != *blob);
            if list.segments.is_empty() {
                list.taken_out.clear();
            }
        }
    }
    true
}

/// Each single entry of a list, page by page.
pub(super) fn each_row(
    view: &dyn View,
    list: &str,
    at: Revision,
    mut take: impl FnMut(EntryVersion),
) -> Result<(), ViewError> {
    let mut last: Option<Box<str>> = None;
    loop {
        let after = last.as_deref().map(|key| (list, key));
        let page =
            view.scan(Scan { list: Some(list), after, limit: PAGE, ..Scan::default() }, at)?;
        let full = page.len() == PAGE;
        last = page.last().map(|version| version.key.clone());
        page.into_iter().for_each(&mut take);
        if !full {
            return Ok(());
        }
    }
}

/// As pack texts; the name of each is its list's.
pub(super) fn packs(lists: &[ListText]) -> Vec<PackText> {
    lists.iter().map(pack).collect()
}

fn pack(list: &ListText) -> PackText {
    let mut text = format!("%pack {}\n{}\n", list.spec.id, list_line(&list.spec));
    for (name, words) in [("title", &list.spec.title), ("source", &list.spec.source)] {
        if !words.is_empty() {
            text += &format!("%{name} {words}\n");
        }
    }
    // Columns in the order in which rows bring them up.
    let mut columns: Vec<&'static str> = Vec::new();
    for (column, _) in list.rows.values().flat_map(Row::cells) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    if !columns.is_empty() {
        text += &format!("%columns {}\n", columns.join(" "));
    }
    for row in list.rows.values() {
        text += &row.to_pack_line(&columns);
        text.push('\n');
    }
    PackText { name: list.spec.id.to_string(), octets: text.into_bytes() }
}
