//! The catalogue at a revision as pack texts, one a list: the one form that is read, checked and
//! compiled, whether it comes from files, from the store or from a base image.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::catalogue::PackText;
use crate::lists::edit::Edit;
use crate::lists::pack::list_line;
use crate::lists::row::Row;
use crate::lists::view::{EntryVersion, Scan, View, ViewError};
use crate::model::entry::ListSpec;
use crate::model::revision::Revision;

/// Entries read from the view at a time.
const PAGE: usize = 1_000;

/// One list with its single entries.
pub(super) struct ListText {
    pub spec: ListSpec,
    pub rows: BTreeMap<Box<str>, Row>,
    /// Keys that are taken out of its bulk imports.
    pub taken_out: BTreeSet<Box<str>>,
}

impl ListText {
    fn new(spec: ListSpec) -> ListText {
        ListText { spec, rows: BTreeMap::new(), taken_out: BTreeSet::new() }
    }
}

/// Lists and single entries at a revision, with edits over them, in the order in which the lists
/// were created.
pub(super) fn lists_at(
    view: &dyn View,
    at: Revision,
    edits: &[Edit],
) -> Result<Vec<ListText>, ViewError> {
    let mut lists = Vec::new();
    for state in view.lists(at)? {
        let mut list = ListText::new(state.spec);
        each_row(view, &list.spec.id, at, |version| {
            match version.row {
                Some(row) => drop(list.rows.insert(version.key, row)),
                None => drop(list.taken_out.insert(version.key)),
            };
        })?;
        lists.push(list);
    }
    for edit in edits {
        if let Edit::RemoveList { list } = edit {
            lists.retain(|known| known.spec.id != *list);
            continue;
        }
        let place = lists.iter_mut().position(|known| *known.spec.id == *edit.list());
        match (edit, place) {
            (Edit::PutList(spec), None) => lists.push(ListText::new((**spec).clone())),
            (Edit::PutList(spec), Some(at)) => lists[at].spec = (**spec).clone(),
            (Edit::Put { row, .. }, Some(at)) => {
                lists[at].taken_out.remove(row.key());
                lists[at].rows.insert(row.key().into(), row.clone());
            }
            (Edit::Remove { key, .. }, Some(at)) => {
                lists[at].rows.remove(key);
                lists[at].taken_out.insert(key.clone());
            }
            (Edit::Clear { key, .. }, Some(at)) => {
                lists[at].rows.remove(key);
                lists[at].taken_out.remove(key);
            }
            _ => {}
        }
    }
    Ok(lists)
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
