//! What has changed since the base was compiled: small, kept in memory, compiled into the overlay
//! at each commit.

use std::collections::BTreeMap;

use crate::lists::edit::Edit;
use crate::lists::row::Row;
use crate::model::entry::{Effect, ListKind, ListSpec};

/// Rows in a delta from which on a new base is compiled: an overlay of so many is built in well
/// under a millisecond, a base in a tenth of a second.
pub(super) const FOLD_ROWS: usize = 2_000;

/// One entry that has changed.
#[derive(Clone)]
pub(super) struct Change {
    /// As it stands in the layers below.
    pub below: Option<Row>,
    /// As it stands now; `None` is gone.
    pub now: Option<Row>,
}

/// Entries that have changed since the base, by list and key.
pub(super) type Delta = BTreeMap<(Box<str>, Box<str>), Change>;

/// May these edits go live by a new overlay? So it is with single numbers, sender ids, signatures
/// and domains, which speak for themselves; whatever may stop much traffic, or is read by others
/// (plans, policy, trunks, protected numbers, whole lists), is compiled and probed as a whole.
///
/// Lists and entries are asked for as they are before the edits.
pub(super) fn is_narrow(
    edits: &[Edit],
    spec: impl Fn(&str) -> Option<ListSpec>,
    entry: impl Fn(&str, &str) -> Option<Row>,
) -> bool {
    edits.len() <= FOLD_ROWS
        && edits.iter().all(|edit| {
            let (list, row, key) = match edit {
                Edit::Put { list, row } => (list, Some(row), row.key()),
                Edit::Remove { list, key } => (list, None, &**key),
                _ => return false,
            };
            let Some(spec) = spec(list) else { return false };
            let one_value = match spec.kind {
                ListKind::Number => !key.contains(['*', '-']),
                ListKind::Sender | ListKind::Signature | ListKind::Domain => true,
                _ => false,
            };
            let protects =
                |row: &Row| row.meta(&spec).is_ok_and(|meta| meta.effect == Effect::Protect);
            one_value
                && spec.meta.effect != Effect::Protect
                && !row.is_some_and(protects)
                && !entry(list, key).is_some_and(|was| protects(&was))
        })
}
