//! Rollback: edits that take the catalogue from a later state back to an earlier one.

use std::collections::BTreeSet;

use super::edit::Edit;
use super::view::Changed;

/// The edits that undo what changed between two revisions. History is never rewritten: they go
/// through a change-set of their own.
///
/// Lists come first, so that entries find theirs; segments come back before others go, so that
/// a list that has removals never stands without any; lists that were not there go last.
pub fn rollback_edits(changed: &[Changed]) -> Vec<Edit> {
    let mut gone = BTreeSet::new();
    let mut back = BTreeSet::new();
    for change in changed {
        match change {
            Changed::List { list, before: None, .. } => drop(gone.insert(list)),
            Changed::Segment { list, segment, added: false } => {
                back.insert((list, segment.blob));
            }
            _ => {}
        }
    }
    let step = |change: &Changed| {
        let edit = match change {
            Changed::List { list, before: None, .. } => {
                (4, Edit::RemoveList { list: list.clone() })
            }
            Changed::List { before: Some(spec), .. } => (0, Edit::PutList(spec.clone())),
            Changed::Segment { list, segment, added: false } => {
                (1, Edit::PutSegment { list: list.clone(), segment: segment.clone() })
            }
            Changed::Segment { list, .. } | Changed::Entry { list, .. } if gone.contains(list) => {
                return None;
            }
            Changed::Segment { list, segment, .. } => {
                // The same values, of which something else is said: putting them back replaces.
                if back.contains(&(list, segment.blob)) {
                    return None;
                }
                (2, Edit::RemoveSegment { list: list.clone(), blob: segment.blob })
            }
            Changed::Entry { list, key, before, .. } => {
                let (list, key) = (list.clone(), key.clone());
                let edit = match before {
                    Some(Some(row)) => Edit::Put { list, row: row.clone() },
                    Some(None) => Edit::Remove { list, key },
                    None => Edit::Clear { list, key },
                };
                (3, edit)
            }
        };
        Some(edit)
    };
    let mut edits: Vec<(u8, Edit)> = changed.iter().filter_map(step).collect();
    edits.sort_by_key(|(order, _)| *order);
    edits.into_iter().map(|(_, edit)| edit).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::lists::edit::SegmentUse;
    use crate::lists::pack::parse_list_line;
    use crate::lists::row::Row;
    use crate::lists::view::{MemoryView, Origin, View};
    use crate::model::catalogue::{Actor, BlobId, ChangeSetId};
    use crate::model::revision::Revision;
    use crate::model::time::Timestamp;

    fn origin(revision: u64) -> Origin {
        Origin {
            revision: Revision(revision),
            change_set: ChangeSetId(revision),
            actor: Actor::program(),
            time: Timestamp(revision),
        }
    }

    fn edit(what: u8, list: u8, value: u8) -> Edit {
        let id: Box<str> = format!("l{list}").into();
        let spec = parse_list_line(&format!("{id} kind=number points={value}")).unwrap();
        let number = format!("+8613{value}");
        let key = number.as_str().into();
        match what {
            0 => Edit::PutList(Box::new(spec)),
            1 => Edit::RemoveList { list: id },
            2..=5 => {
                let points = format!("{what}");
                let cells = [("value", number.as_str()), ("points", points.as_str())];
                Edit::Put { list: id, row: Row::read(&spec, cells).unwrap() }
            }
            6..=7 => Edit::Remove { list: id, key },
            8 => Edit::Clear { list: id, key },
            9..=10 => {
                let shared = vec![("points", what.to_string().into())];
                let blob = BlobId([value % 3; 32]);
                Edit::PutSegment { list: id, segment: SegmentUse { blob, count: 5, shared } }
            }
            _ => Edit::RemoveSegment { list: id, blob: BlobId([value % 3; 32]) },
        }
    }

    proptest! {
        /// Whatever happened, one change-set takes it back.
        #[test]
        fn a_rollback_leads_back(
            steps in vec(vec((0..12u8, 0..3u8, 10..14u8), 1..6), 1..12),
            to in any::<prop::sample::Index>(),
        ) {
            let mut view = MemoryView::default();
            for step in steps {
                let edits: Vec<Edit> = step.iter().map(|(w, l, v)| edit(*w, *l, *v)).collect();
                // A step that names a list that is not there is none.
                let next = view.revision().0 + 1;
                drop(view.commit(origin(next), &edits));
            }
            let newest = view.revision();
            let earlier = Revision(to.index(newest.0 as usize + 1) as u64);
            let edits = rollback_edits(&view.changed(earlier, newest).unwrap());
            view.commit(origin(newest.0 + 1), &edits).unwrap();
            prop_assert_eq!(view.changed(earlier, view.revision()).unwrap(), vec![]);
            prop_assert_eq!(view.changed(newest, newest).unwrap(), vec![]);
            if earlier == newest {
                prop_assert!(edits.is_empty());
            }
        }
    }

    #[test]
    fn versions_have_no_gaps() {
        let mut view = MemoryView::default();
        view.commit(origin(1), &[edit(0, 0, 10), edit(2, 0, 10)]).unwrap();
        view.commit(origin(2), &[edit(3, 0, 10)]).unwrap();
        view.commit(origin(3), &[edit(2, 0, 11)]).unwrap();
        view.commit(origin(4), &[edit(8, 0, 10)]).unwrap();
        view.commit(origin(5), &[edit(2, 0, 10)]).unwrap();
        let versions = view.versions("l0", "+861310").unwrap();
        let spans: Vec<_> = versions
            .iter()
            .map(|v| (v.from.revision.0, v.until.map(|until| until.revision.0)))
            .collect();
        assert_eq!(spans, [(1, Some(2)), (2, Some(4)), (5, None)]);
        let at = |at| view.entry("l0", "+861310", Revision(at)).unwrap().map(|v| v.from.revision.0);
        assert_eq!([0, 1, 2, 3, 4, 5].map(at), [None, Some(1), Some(2), Some(2), None, Some(5)]);
    }
}
