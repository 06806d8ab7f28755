//! The catalogue at a revision as pack texts, one a list: the one form that is read, checked and
//! compiled, whether it comes from files, from the store or from a base image.

use std::collections::BTreeMap;

use super::delta::Delta;
use crate::app::catalogue::PackText;
use crate::lists::row::{Row, list_line};
use crate::lists::view::{Scan, View, ViewError};
use crate::model::entry::ListSpec;
use crate::model::revision::Revision;

/// Entries read from the view at a time.
const PAGE: usize = 1_000;

/// One list with its single entries.
pub(super) struct ListText {
    pub spec: ListSpec,
    pub rows: BTreeMap<Box<str>, Row>,
}

/// Lists and single entries at `at`, with `delta` over them, in the order of the view; new lists
/// last.
pub(super) fn lists_at(
    view: &dyn View,
    at: Revision,
    delta: &Delta,
) -> Result<Vec<ListText>, ViewError> {
    let mut lists = Vec::new();
    for state in view.lists(at)? {
        let spec = match delta.lists.get(&state.spec.id) {
            Some(None) => continue,
            Some(Some(spec)) => spec.clone(),
            None => state.spec,
        };
        lists.push(ListText { rows: rows_at(view, &spec.id, at)?, spec });
    }
    for spec in delta.lists.values().flatten() {
        if !lists.iter().any(|list| list.spec.id == spec.id) {
            lists.push(ListText { spec: spec.clone(), rows: BTreeMap::new() });
        }
    }
    for ((id, key), row) in &delta.rows {
        let Some(list) = lists.iter_mut().find(|list| list.spec.id == *id) else { continue };
        match row {
            Some(row) => list.rows.insert(key.clone(), row.clone()),
            None => list.rows.remove(key),
        };
    }
    Ok(lists)
}

fn rows_at(
    view: &dyn View,
    list: &str,
    at: Revision,
) -> Result<BTreeMap<Box<str>, Row>, ViewError> {
    let mut rows = BTreeMap::new();
    let mut last: Option<Box<str>> = None;
    loop {
        let after = last.as_deref().map(|key| (list, key));
        let page = view.scan(Scan { list: Some(list), after, limit: PAGE, ..Scan::default() }, at)?;
        let full = page.len() == PAGE;
        last = page.last().map(|version| version.key.clone());
        rows.extend(page.into_iter().filter_map(|version| Some((version.key, version.row?))));
        if !full {
            return Ok(rows);
        }
    }
}

/// As pack texts; the name of each is its list's.
pub(super) fn packs(lists: &[ListText]) -> Vec<PackText> {
    lists.iter().map(pack).collect()
}

fn pack(list: &ListText) -> PackText {
    let mut text = format!("%pack {}\n%list {}\n", list.spec.id, list_line(&list.spec));
    for (name, words) in [("title", &list.spec.title), ("source", &list.spec.source)] {
        if !words.is_empty() {
            text += &format!("%{name} {words}\n");
        }
    }
    // Columns in the order in which the first row has them, then those that others add.
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
