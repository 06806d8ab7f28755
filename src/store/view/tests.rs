use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::*;
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::row::Row;
use crate::model::catalogue::{Actor, BlobId, ChangeSetId};
use crate::model::entry::ListSpec;
use crate::model::time::Timestamp;
use crate::store::forms::tests as forms_tests;

const LISTS: [&str; 3] = ["a", "b", "c"];
const KEYS: [&str; 5] = ["+1", "+12", "+2", "é", "😀"];

fn origin(revision: u64) -> Origin {
    Origin {
        revision: Revision(revision),
        change_set: ChangeSetId(revision * 7),
        actor: Actor::parse(if revision.is_multiple_of(2) { "li" } else { "wang" }).unwrap(),
        time: Timestamp(revision * 1_000),
    }
}

fn digest(revision: u64) -> Digest {
    Digest([revision as u8; 32])
}

fn apply(view: &mut SqliteView, revision: u64, edits: &[Edit]) -> Result<(), ViewError> {
    let cursor = Cursor(revision * 10);
    view.apply(&Commit { cursor, digest: digest(revision), origin: origin(revision), edits })
}

/// One version of something, as the model knows it: what, and since when.
type Since<T> = (T, u64);

/// The catalogue at one revision, told in the plainest way.
#[derive(Clone, Debug, Default)]
struct Model {
    /// In the order of creation.
    lists: Vec<Since<ListSpec>>,
    /// By key and list.
    entries: BTreeMap<(String, String), Since<Option<Row>>>,
    segments: Vec<Since<(String, SegmentUse)>>,
}

impl Model {
    fn apply(&self, revision: u64, edits: &[Edit]) -> Option<Model> {
        let key = |edit: &Edit| match edit {
            Edit::Put { list, row } => Some((row.key().to_owned(), list.to_string())),
            Edit::Remove { list, key } | Edit::Clear { list, key } => {
                Some((key.to_string(), list.to_string()))
            }
            _ => None,
        };
        let mut next = self.clone();
        for (at, edit) in edits.iter().enumerate() {
            let key = key(edit);
            if key.is_some() && edits[at + 1..].iter().any(|later| self::key_of(later) == key) {
                continue;
            }
            next.edit(revision, edit, key)?;
        }
        Some(next)
    }

    fn edit(&mut self, revision: u64, edit: &Edit, key: Option<(String, String)>) -> Option<()> {
        let list = edit.list().to_owned();
        let exists = self.lists.iter().any(|(spec, _)| *spec.id == *list);
        match edit {
            Edit::PutList(spec) => {
                match self.lists.iter_mut().find(|(other, _)| other.id == spec.id) {
                    Some(found) => *found = ((**spec).clone(), revision),
                    None => self.lists.push(((**spec).clone(), revision)),
                }
            }
            Edit::RemoveList { .. } => {
                self.lists.retain(|(spec, _)| *spec.id != *list);
                self.entries.retain(|(_, of), _| *of != list);
                self.segments.retain(|((of, _), _)| *of != list);
            }
            Edit::Put { row, .. } => {
                if !exists {
                    return None;
                }
                self.entries.insert(key?, (Some(row.clone()), revision));
            }
            Edit::Remove { .. } => {
                let key = key?;
                if self.entries.get(&key).is_some_and(|(row, _)| row.is_none()) {
                    return Some(());
                }
                self.entries.remove(&key);
                if self.segments.iter().any(|((of, _), _)| *of == list) {
                    self.entries.insert(key, (None, revision));
                }
            }
            Edit::Clear { .. } => drop(self.entries.remove(&key?)),
            Edit::PutSegment { segment, .. } => {
                if !exists {
                    return None;
                }
                let blob = segment.blob;
                self.segments.retain(|((of, other), _)| *of != list || other.blob != blob);
                self.segments.push(((list, segment.clone()), revision));
            }
            Edit::RemoveSegment { blob, .. } => {
                self.segments.retain(|((of, other), _)| *of != list || other.blob != *blob);
                if !self.segments.iter().any(|((of, _), _)| *of == list) {
                    self.entries.retain(|(_, of), (row, _)| *of != list || row.is_some());
                }
            }
        }
        Some(())
    }
}

fn key_of(edit: &Edit) -> Option<(String, String)> {
    match edit {
        Edit::Put { list, row } => Some((row.key().to_owned(), list.to_string())),
        Edit::Remove { list, key } | Edit::Clear { list, key } => {
            Some((key.to_string(), list.to_string()))
        }
        _ => None,
    }
}

/// All states, revision 0 first.
struct History(Vec<Model>);

impl History {
    fn at(&self, revision: u64) -> &Model {
        &self.0[revision as usize]
    }

    /// The first revision from `since` on at which `holds` is false.
    fn end(&self, since: u64, holds: impl Fn(&Model) -> bool) -> Option<Origin> {
        let later = (since..self.0.len() as u64).find(|revision| !holds(self.at(*revision)));
        later.map(origin)
    }

    fn entry(&self, key: &(String, String), (row, since): &Since<Option<Row>>) -> EntryVersion {
        let holds = |model: &Model| model.entries.get(key).is_some_and(|(_, from)| from == since);
        EntryVersion {
            list: key.1.as_str().into(),
            key: key.0.as_str().into(),
            row: row.clone(),
            from: origin(*since),
            until: self.end(*since, holds),
        }
    }

    fn entries(&self, at: u64) -> Vec<EntryVersion> {
        self.at(at).entries.iter().map(|(key, version)| self.entry(key, version)).collect()
    }

    fn versions(&self, list: &str, key: &str) -> Vec<EntryVersion> {
        let key = (key.to_owned(), list.to_owned());
        let all = self.0.iter().filter_map(|model| model.entries.get(&key));
        let mut versions: Vec<_> = all.map(|version| self.entry(&key, version)).collect();
        versions.dedup_by_key(|version| version.from.revision);
        versions
    }

    fn segments(&self, at: u64) -> Vec<SegmentVersion> {
        let version = |((list, segment), since): &Since<(String, SegmentUse)>| {
            let same = |model: &Model| {
                model.segments.iter().any(|((of, other), from)| {
                    of == list && other.blob == segment.blob && from == since
                })
            };
            SegmentVersion {
                list: list.as_str().into(),
                segment: segment.clone(),
                from: origin(*since),
                until: self.end(*since, same),
            }
        };
        self.at(at).segments.iter().map(version).collect()
    }

    fn lists(&self, at: u64) -> Vec<ListState> {
        let model = self.at(at);
        let state = |(spec, since): &Since<ListSpec>| {
            let rows = model
                .entries
                .iter()
                .filter(|((_, list), (row, _))| **list == *spec.id && row.is_some());
            let segments = model.segments.iter().filter(|((list, _), _)| **list == *spec.id);
            ListState {
                spec: spec.clone(),
                origin: origin(*since),
                rows: rows.count() as u64,
                segments: segments.map(|((_, segment), _)| segment.clone()).collect(),
            }
        };
        model.lists.iter().map(state).collect()
    }

    /// In any order.
    fn changed(&self, earlier: u64, later: u64) -> Vec<Changed> {
        let (earlier, later) = (self.at(earlier), self.at(later));
        let mut changed = Vec::new();
        for list in LISTS {
            let spec = |model: &Model| {
                let found = model.lists.iter().find(|(spec, _)| *spec.id == *list);
                found.map(|(spec, _)| Box::new(spec.clone()))
            };
            let (before, after) = (spec(earlier), spec(later));
            if before != after {
                changed.push(Changed::List { list: list.into(), before, after });
            }
            for key in KEYS {
                let row = |model: &Model| {
                    let found = model.entries.get(&(key.to_owned(), list.to_owned()));
                    found.map(|(row, _)| row.clone())
                };
                let (before, after) = (row(earlier), row(later));
                if before != after {
                    let (list, key) = (list.into(), key.into());
                    changed.push(Changed::Entry { list, key, before, after });
                }
            }
        }
        for (one, other, added) in [(earlier, later, false), (later, earlier, true)] {
            for ((list, segment), _) in &one.segments {
                let same =
                    |((of, other), _): &Since<(String, SegmentUse)>| of == list && other == segment;
                if !other.segments.iter().any(same) {
                    let (list, segment) = (list.as_str().into(), segment.clone());
                    changed.push(Changed::Segment { list, segment, added });
                }
            }
        }
        changed
    }
}

fn sorted(changed: Vec<Changed>) -> Vec<String> {
    let tell = |change: &Changed| match change {
        Changed::Entry { before, after, .. } => {
            let cells = |row: &Option<Option<Row>>| {
                row.as_ref().map(|row| row.as_ref().map(crate::store::forms::write_cells))
            };
            format!("{change:?} {:?} {:?}", cells(before), cells(after))
        }
        _ => format!("{change:?}"),
    };
    let mut lines: Vec<String> = changed.iter().map(tell).collect();
    lines.sort();
    lines
}

fn edit() -> impl Strategy<Value = Edit> {
    let list = || prop::sample::select(LISTS.to_vec()).prop_map(Box::<str>::from);
    let key = || prop::sample::select(KEYS.to_vec()).prop_map(Box::<str>::from);
    let blob = || (0u8..3).prop_map(|octet| BlobId([octet; 32]));
    let points = || (0u8..3).prop_map(|n| vec![("points", n.to_string().into())]);
    prop_oneof![
        2 => forms_tests::spec(list()).prop_map(|spec| Edit::PutList(Box::new(spec))),
        1 => list().prop_map(|list| Edit::RemoveList { list }),
        8 => (list(), key(), points())
            .prop_map(|(list, key, cells)| Edit::Put { list, row: Row::stored(cells, key) }),
        6 => (list(), key()).prop_map(|(list, key)| Edit::Remove { list, key }),
        2 => (list(), blob(), points()).prop_map(|(list, blob, shared)| {
            Edit::PutSegment { list, segment: SegmentUse { blob, count: 4, shared } }
        }),
        1 => (list(), blob()).prop_map(|(list, blob)| Edit::RemoveSegment { list, blob }),
    ]
}

fn check_scans(view: &SqliteView, history: &History, at: u64) {
    let all = history.entries(at);
    for list in [None, Some("a"), Some("c"), Some("none")] {
        for (from, to) in [("", None), ("+12", None), ("", Some("+2")), ("+1", Some("+2"))] {
            let wanted = all.iter().filter(|entry| {
                list.is_none_or(|list| *entry.list == *list)
                    && *entry.key >= *from
                    && to.is_none_or(|to| *entry.key < *to)
            });
            let wanted: Vec<EntryVersion> = wanted.cloned().collect();
            for limit in [1, 2, 100] {
                let mut found: Vec<EntryVersion> = Vec::new();
                loop {
                    let last = found.last().map(|e| (e.list.clone(), e.key.clone()));
                    let after = last.as_ref().map(|(list, key)| (&**list, &**key));
                    let scan = Scan { list, from, to, after, limit };
                    let page = view.scan(scan, Revision(at)).unwrap();
                    assert!(page.len() <= limit);
                    if page.is_empty() {
                        break;
                    }
                    found.extend(page);
                }
                assert_eq!(found, wanted);
            }
        }
    }
}

fn check(view: &SqliteView, history: &History) {
    let last = history.0.len() as u64 - 1;
    assert_eq!(view.revision(), Revision(last));
    for list in LISTS {
        for key in KEYS {
            assert_eq!(view.versions(list, key).unwrap(), history.versions(list, key));
        }
    }
    for at in 0..=last {
        let revision = Revision(at);
        assert_eq!(view.lists(revision).unwrap(), history.lists(at));
        let known = if at == 0 { None } else { Some((Cursor(at * 10), origin(at))) };
        assert_eq!(view.commit_of(revision).unwrap(), known);
        assert_eq!(view.digest(revision).unwrap(), known.map(|_| digest(at)));
        for list in LISTS {
            let of = history.lists(at).into_iter().find(|state| *state.spec.id == *list);
            assert_eq!(view.list(list, revision).unwrap(), of);
            let mut segments = history.segments(at);
            assert_eq!(view.segments(None, revision).unwrap(), segments);
            segments.retain(|version| *version.list == *list);
            assert_eq!(view.segments(Some(list), revision).unwrap(), segments);
            for key in KEYS {
                let of = |entry: &EntryVersion| *entry.list == *list && *entry.key == *key;
                let entry = history.entries(at).into_iter().find(of);
                assert_eq!(view.entry(list, key, revision).unwrap(), entry);
            }
        }
        check_scans(view, history, at);
        for later in at..=last {
            let changed = view.changed(revision, Revision(later)).unwrap();
            assert_eq!(sorted(changed), sorted(history.changed(at, later)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn it_answers_like_a_naive_model(commits in vec(vec(edit(), 0..8), 1..9)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.db");
        let mut view = SqliteView::open(&path).unwrap();
        let mut history = History(vec![Model::default()]);
        for edits in &commits {
            let revision = history.0.len() as u64;
            let next = history.at(revision - 1).apply(revision, edits);
            let applied = apply(&mut view, revision, edits);
            prop_assert_eq!(applied.is_ok(), next.is_some());
            history.0.extend(next);
        }
        check(&view, &history);
        let applied = view.applied().unwrap();
        drop(view);
        // Counts and checksums hold, and so does what was answered.
        let view = SqliteView::open(&path).unwrap();
        prop_assert_eq!(view.applied().unwrap(), applied);
        check(&view, &history);
    }
}

fn put(list: &str, key: &str) -> Edit {
    let cells = vec![("value", format!("{key} with a value").into())];
    Edit::Put { list: list.into(), row: Row::stored(cells, key.into()) }
}

fn create(list: &str) -> Edit {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let spec = forms_tests::spec(Just(list.into())).new_tree(&mut runner).unwrap();
    Edit::PutList(Box::new(spec.current()))
}

fn fill(view: &mut SqliteView) {
    apply(view, 1, &[create("a"), create("b")]).unwrap();
    let rows: Vec<Edit> = (0..60).map(|n| put("a", &format!("+{n}"))).collect();
    apply(view, 2, &rows).unwrap();
    let segment = SegmentUse { blob: BlobId([3; 32]), count: 9, shared: Vec::new() };
    let edits = [
        Edit::PutSegment { list: "b".into(), segment },
        Edit::Remove { list: "b".into(), key: "+5".into() },
        Edit::Remove { list: "a".into(), key: "+7".into() },
        put("a", "+8"),
    ];
    apply(view, 3, &edits).unwrap();
}

/// Everything that can be read, at every revision.
fn all(view: &SqliteView) -> Result<String, ViewError> {
    let mut seen = format!("{:?}", view.applied()?);
    for at in (0..=3).map(Revision) {
        let scan = Scan { limit: 1_000, ..Scan::default() };
        for version in view.scan(scan, at)? {
            let cells = version.row.as_ref().map(crate::store::forms::write_cells);
            seen += &format!("{version:?}{cells:?}");
        }
        seen +=
            &format!("{:?}{:?}{:?}", view.lists(at)?, view.segments(None, at)?, view.digest(at)?);
        seen += &format!("{:?}", sorted(view.changed(at, Revision(3))?));
    }
    for key in 0..60 {
        seen += &format!("{:?}", view.versions("a", &format!("+{key}"))?);
    }
    Ok(seen)
}

#[test]
fn a_commit_is_applied_once_and_in_order() {
    let mut view = SqliteView::in_memory().unwrap();
    assert_eq!(view.applied().unwrap(), Default::default());
    assert_eq!(view.lists(Revision(0)).unwrap(), []);
    fill(&mut view);
    let before = all(&view).unwrap();
    apply(&mut view, 2, &[]).unwrap();
    assert!(apply(&mut view, 5, &[]).is_err(), "a revision is left out");
    assert!(apply(&mut view, 0, &[]).is_err());
    assert!(apply(&mut view, 4, &[put("a", "+9"), put("nowhere", "+9")]).is_err());
    let other = Commit { cursor: Cursor(20), digest: digest(9), origin: origin(2), edits: &[] };
    assert!(view.apply(&other).is_err(), "another history");
    assert!(view.changed(Revision(2), Revision(1)).is_err());
    assert_eq!(all(&view).unwrap(), before);
    view.reset().unwrap();
    assert_eq!(view.applied().unwrap(), Default::default());
    fill(&mut view);
    assert_eq!(all(&view).unwrap(), before);
}

#[test]
fn a_reset_leaves_nothing_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.db");
    let mut view = SqliteView::open(&path).unwrap();
    fill(&mut view);
    let held = |needle: &[u8]| {
        let mut files = fs::read_dir(folder.path()).unwrap();
        files.any(|file| {
            let octets = fs::read(file.unwrap().path()).unwrap();
            octets.windows(needle.len()).any(|window| window == needle)
        })
    };
    assert!(held(b"with a value"));
    view.reset().unwrap();
    assert!(!held(b"with a value"));
}

#[test]
fn every_flipped_bit_and_every_cut_is_found_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.db");
    let mut view = SqliteView::open(&path).unwrap();
    fill(&mut view);
    let expected = all(&view).unwrap();
    drop(view);
    let original = fs::read(&path).unwrap();
    let rounds = std::env::var("RINGFENCE_FLIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(150);
    let look = |octets: &[u8]| {
        fs::write(&path, octets).unwrap();
        all(&SqliteView::open(&path)?)
    };
    let (mut dice, mut found) = (0x9e37_79b9_7f4a_7c15_u64, 0);
    let mut below = |end: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % end
    };
    for _ in 0..rounds {
        let mut octets = original.clone();
        let (at, bit) = (below(octets.len()), below(8));
        octets[at] ^= 1 << bit;
        match look(&octets) {
            Err(_) => found += 1,
            Ok(seen) => assert!(seen == expected, "bit {bit} of octet {at} is not found"),
        }
    }
    assert!(found > rounds / 4, "only {found} of {rounds}: the test does not bite");
    for _ in 0..rounds / 5 {
        let end = below(original.len());
        // An empty file is an empty view, which is filled again.
        assert!(end == 0 || look(&original[..end]).is_err(), "cut at {end}");
    }
    let view = SqliteView::create(&path).unwrap();
    assert_eq!(view.applied().unwrap(), Default::default());
}

#[test]
fn another_form_is_refused_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.db");
    fill(&mut SqliteView::open(&path).unwrap());
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 9).unwrap();
    drop(other);
    let error = SqliteView::open(&path).unwrap_err();
    assert!(error.to_string().contains("form 9"), "{error}");
    assert_eq!(SqliteView::create(&path).unwrap().revision(), Revision(0));
    fs::write(&path, b"not a database at all, but some text").unwrap();
    assert!(SqliteView::open(&path).is_err());
}
