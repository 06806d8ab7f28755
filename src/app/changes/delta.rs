//! What has changed since the base was compiled: small, kept in memory, compiled into the overlay
//! at each commit.

use std::collections::BTreeMap;

use crate::lists::edit::Edit;
use crate::lists::row::Row;
use crate::model::entry::{ListKind, ListSpec};

/// Rows in a delta from which on the base is folded anew in the background.
pub(super) const FOLD_ROWS: usize = 2_000;

/// Edits since the base, the last one of each key.
#[derive(Clone, Default)]
pub(super) struct Delta {
    /// Lists that were created, changed (`Some`) or removed (`None`).
    pub lists: BTreeMap<Box<str>, Option<ListSpec>>,
    /// By list and key: the entry now; `None` is gone.
    pub rows: BTreeMap<(Box<str>, Box<str>), Option<Row>>,
}

impl Delta {
    /// Nothing has changed?
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty() && self.rows.is_empty()
    }

    /// Takes edits of rows and lists in; segments are not its business.
    pub fn apply(&mut self, edits: &[Edit]) {
        for edit in edits {
            match edit {
                Edit::PutList(spec) => {
                    self.lists.insert(spec.id.clone(), Some((**spec).clone()));
                }
                Edit::RemoveList { list } => {
                    self.lists.insert(list.clone(), None);
                    self.rows.retain(|(of, _), _| of != list);
                }
                Edit::Put { list, row } => {
                    self.rows.insert((list.clone(), row.key().into()), Some(row.clone()));
                }
                Edit::Remove { list, key } => {
                    self.rows.insert((list.clone(), key.clone()), None);
                }
                Edit::PutSegment { .. } | Edit::RemoveSegment { .. } => {}
            }
        }
    }
}

/// How an accepted change-set goes live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// By a new overlay over the same base.
    Overlay,
    /// By compiling everything: what all numbers are read by has changed, or whole lists.
    Rebuild,
}

/// The way for these edits; `kind` tells the kind of a list, `rows` how many entries it has.
pub(super) fn way(
    edits: &[Edit],
    kind: impl Fn(&str) -> Option<ListKind>,
    rows: impl Fn(&str) -> u64,
) -> Way {
    let of_plans = |list: &str| {
        matches!(kind(list), Some(ListKind::NumberPlan | ListKind::NumberClass))
    };
    let whole = |edit: &Edit| match edit {
        // What is said of a list is compiled into each of its entries.
        Edit::PutList(spec) => rows(&spec.id) > 0,
        Edit::RemoveList { .. } | Edit::PutSegment { .. } | Edit::RemoveSegment { .. } => true,
        Edit::Put { .. } | Edit::Remove { .. } => false,
    };
    let rebuild = edits.iter().any(|edit| whole(edit) || of_plans(edit.list()));
    if rebuild || edits.len() > FOLD_ROWS { Way::Rebuild } else { Way::Overlay }
}
