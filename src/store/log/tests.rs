use std::fs;
use std::path::Path;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRng, TestRunner};

use super::*;
use crate::lists::edit::SegmentUse;
use crate::model::catalogue::{Actor, ChangeSetId};
use crate::model::time::Timestamp;
use crate::store::forms::tests as forms_tests;

mod damage;

const SECRET: &str = "+8613800138000-the-value-to-be-forgotten";

fn actor() -> Actor {
    Actor::parse("li.na").unwrap()
}

fn open(folder: &Path) -> Result<SqliteLog, LogError> {
    let dir = Arc::new(DataDir::open(folder).expect("nobody else uses the folder"));
    SqliteLog::open(&dir)
}

fn add(log: &dyn ChangeLog, event: &Event) -> Head {
    let head = log.head().unwrap();
    let record = NewRecord { time: Timestamp(1_000 + head.cursor.0), actor: actor(), event };
    log.append(&record, head.cursor).unwrap()
}

/// The same events in every run.
fn events(count: usize) -> Vec<Event> {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let strategy = forms_tests::event().prop_filter("these name blobs and records", |event| {
        let puts = |edit: &Edit| matches!(edit, Edit::PutSegment { .. });
        match event {
            Event::Edited { edits, .. } => !edits.iter().any(puts),
            other => !matches!(other, Event::Erased { .. }),
        }
    });
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn segment(blob: BlobId) -> Event {
    let segment = SegmentUse { blob, count: 3, shared: vec![("effect", "block".into())] };
    let edits = vec![Edit::PutSegment { list: "reported".into(), segment }];
    Event::Edited { change_set: ChangeSetId(1), edits }
}

/// A log with records of all kinds, a blob and an erased payload.
fn fill(folder: &Path) -> (Vec<Record>, Verified) {
    let log = open(folder).unwrap();
    for event in events(40) {
        add(&log, &event);
    }
    let large = "x".repeat(20_000);
    add(&log, &Event::Accessed { what: format!("{SECRET}{large}").into() });
    let blob = log.put_blob(&[7; 900]).unwrap();
    add(&log, &segment(blob));
    add(&log, &Event::Erased { cursors: vec![Cursor(41)], reason: "asked for".into() });
    log.erase(&[Cursor(41)]).unwrap();
    let records = log.read_from(Cursor(0), usize::MAX).unwrap();
    (records, log.verify(&mut |_| ()).unwrap())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn holds(folder: &Path, needle: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, needle);
        }
        let octets = fs::read(&path).unwrap();
        octets.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

#[test]
fn records_come_back_after_a_restart_and_the_chain_holds() {
    let folder = tempfile::tempdir().unwrap();
    let events = events(60);
    let (mut heads, before) = (Vec::new(), {
        let log = open(folder.path()).unwrap();
        assert_eq!(log.head().unwrap(), Head::default());
        assert!(log.read_from(Cursor(0), 10).unwrap().is_empty());
        assert_eq!(log.verify(&mut |_| ()).unwrap(), Verified::default());
        let heads: Vec<Head> = events.iter().map(|event| add(&log, event)).collect();
        (heads, log.read_from(Cursor(0), 1_000).unwrap())
    });
    heads.extend(&before.0);
    let log = open(folder.path()).unwrap();
    assert_eq!(log.head().unwrap(), *heads.last().unwrap());
    let records = log.read_from(Cursor(0), 1_000).unwrap();
    assert_eq!(records, before.1);
    for (at, (record, event)) in records.iter().zip(&events).enumerate() {
        assert_eq!(record.cursor, Cursor(at as u64 + 1));
        assert_eq!(record.hash, heads[at].hash);
        assert_eq!(record.content, Some((actor(), event.clone())));
    }
    let page = log.read_from(Cursor(7), 5).unwrap();
    assert_eq!(page, records[7..12]);
    assert!(log.read_from(Cursor(60), 5).unwrap().is_empty());
    assert!(log.read_from(Cursor(u64::MAX), 5).unwrap().is_empty());
    assert!(log.read_from(Cursor(0), 0).unwrap().is_empty());
    assert_eq!(log.verify(&mut |_| ()).unwrap().head, *heads.last().unwrap());
}

#[test]
fn a_second_writer_gets_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).unwrap();
    let event = Event::Withdrawn { change_set: ChangeSetId(1) };
    let head = add(&log, &event);
    let record = NewRecord { time: Timestamp(0), actor: actor(), event: &event };
    for expected in [0, 2, u64::MAX] {
        assert_eq!(log.append(&record, Cursor(expected)), Err(AppendError::Conflict(head)));
    }
    assert_eq!(log.head().unwrap(), head);
    assert!(log.append(&record, head.cursor).is_ok());
}

#[test]
fn memory_and_disk_keep_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, memory) = (open(folder.path()).unwrap(), crate::store::MemoryLog::new());
    for event in events(30) {
        add(&disk, &event);
        add(&memory, &event);
    }
    let plain = |log: &dyn ChangeLog| -> Vec<_> {
        let records = log.read_from(Cursor(0), 100).unwrap();
        records.into_iter().map(|record| (record.cursor, record.time, record.content)).collect()
    };
    assert_eq!(plain(&disk), plain(&memory));
}

#[test]
fn erased_imports_are_gone_at_once_but_for_those_that_others_name() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).unwrap();
    let import = |octets: &[u8]| {
        let blob = log.put_blob(octets).unwrap();
        let segment = SegmentUse { blob, count: 1, shared: Vec::new() };
        let edits = vec![Edit::PutSegment { list: "l".into(), segment }];
        let record = add(&log, &Event::Edited { change_set: ChangeSetId(1), edits });
        (blob, record.cursor)
    };
    let ((own, one), (shared, two), _) = (import(b"own"), import(b"shared"), import(b"shared"));
    let cursors = vec![one, two];
    add(&log, &Event::Erased { cursors: cursors.clone(), reason: "asked".into() });
    log.erase(&cursors).unwrap();
    assert!(matches!(log.get_blob(own), Err(LogError::Missing(_))));
    assert_eq!(log.get_blob(shared).unwrap(), b"shared");
    log.erase(&cursors).unwrap();
    assert_eq!(log.verify(&mut |_| {}).unwrap().blobs, 1);
}

#[test]
fn an_erased_payload_is_gone_from_the_files_and_the_chain_holds() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).unwrap();
    for event in events(5) {
        add(&log, &event);
    }
    let small = Event::Accessed { what: SECRET.into() };
    let large = Event::Accessed { what: format!("{}{SECRET}", "y".repeat(30_000)).into() };
    add(&log, &small);
    add(&log, &large);
    let kept = add(&log, &Event::Accessed { what: "stays".into() });
    let before = log.read_from(Cursor(0), 100).unwrap();
    assert!(holds(folder.path(), SECRET));

    let cursors = vec![Cursor(6), Cursor(7)];
    assert!(matches!(log.erase(&cursors), Err(LogError::Missing(_))));
    assert!(holds(folder.path(), SECRET));
    let head = add(&log, &Event::Erased { cursors: cursors.clone(), reason: "asked".into() });
    assert!(matches!(log.erase(&[Cursor(8)]), Err(LogError::Missing(_))));
    assert!(matches!(log.erase(&[head.cursor]), Err(LogError::Missing(_))));
    log.erase(&cursors).unwrap();
    log.erase(&cursors).unwrap();
    assert!(!holds(folder.path(), SECRET), "the octets are still in a file");
    assert!(!holds(folder.path(), "the-value-to-be"));

    drop(log);
    let log = open(folder.path()).unwrap();
    let after = log.read_from(Cursor(0), 100).unwrap();
    for (record, before) in after.iter().zip(&before) {
        assert_eq!(record.hash, before.hash);
        let erased = cursors.contains(&record.cursor);
        assert_eq!(record.content, before.content.clone().filter(|_| !erased));
    }
    let verified = log.verify(&mut |_| ()).unwrap();
    assert_eq!(verified.head, head);
    assert_eq!(verified.erased, [(Cursor(6), head.cursor), (Cursor(7), head.cursor)]);
    assert!(kept.cursor < head.cursor);
}

#[test]
fn blobs_that_records_name_are_verified_and_others_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).unwrap();
    let (kept, orphan) = (log.put_blob(b"kept").unwrap(), log.put_blob(b"orphan").unwrap());
    add(&log, &segment(kept));
    assert_eq!(log.verify(&mut |_| ()).unwrap().blobs, 1);
    let named = log.named_blobs().unwrap();
    assert_eq!(named, HashSet::from([kept]));
    assert_eq!(log.sweep(&named).unwrap(), 1);
    assert!(matches!(log.get_blob(orphan), Err(LogError::Missing(_))));
    assert_eq!(log.get_blob(kept).unwrap(), b"kept");
    log.sweep(&HashSet::new()).unwrap();
    let error = log.verify(&mut |_| ()).unwrap_err();
    assert!(matches!(error, LogError::Corrupt { cursor: Cursor(1), .. }), "{error}");
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).unwrap();
    let event = Event::Accessed { what: "z".repeat(9_000).into() };
    let head = add(&log, &event);
    let limit = |pages: i64| {
        let state = log.ready().unwrap();
        let connection = state.connection().unwrap();
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    };
    limit(1);
    let record = NewRecord { time: Timestamp(0), actor: actor(), event: &event };
    let error = log.append(&record, head.cursor).unwrap_err();
    assert!(matches!(error, AppendError::Refused(LogError::Unavailable(_))), "{error:?}");
    assert_eq!(log.head().unwrap(), head);
    assert_eq!(log.read_from(Cursor(0), 10).unwrap().len(), 1);
    limit(1_000_000);
    let head = add(&log, &event);
    assert_eq!(log.verify(&mut |_| ()).unwrap().head, head);
}

/// `RINGFENCE_SMALL_DISK` names an empty folder on a disk of a few megabytes.
#[test]
fn a_really_full_disk_refuses_and_loses_nothing() {
    let Some(disk) = std::env::var_os("RINGFENCE_SMALL_DISK") else { return };
    let folder = Path::new(&disk).join("data");
    let log = open(&folder).unwrap();
    let event = Event::Accessed { what: "w".repeat(50_000).into() };
    let mut head = add(&log, &event);
    let error = loop {
        let record = NewRecord { time: Timestamp(0), actor: actor(), event: &event };
        match log.append(&record, head.cursor) {
            Ok(next) => head = next,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AppendError::Refused(LogError::Unavailable(_))), "{error:?}");
    assert!(log.put_blob(&vec![1; 8 << 20]).is_err());
    assert_eq!(log.head().unwrap(), head);
    let records = log.read_from(Cursor(0), usize::MAX).unwrap();
    assert_eq!(records.len() as u64, head.cursor.0);
    drop(log);
    let log = open(&folder).unwrap();
    assert_eq!(log.head().unwrap(), head);
    assert_eq!(log.verify(&mut |_| ()).unwrap().head, head);
}

#[test]
fn after_an_unknown_outcome_the_log_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).unwrap();
    let event = Event::Withdrawn { change_set: ChangeSetId(1) };
    let head = add(&log, &event);
    let unknown = || {
        let mut state = log.state.lock().unwrap();
        state.connection = None;
        state.unknown = true;
    };
    unknown();
    assert_eq!(log.head().unwrap(), head);
    unknown();
    let head = add(&log, &event);
    assert_eq!(log.read_from(Cursor(0), 10).unwrap().len(), 2);
    log.checkpoint().unwrap();
    assert_eq!(log.verify(&mut |_| ()).unwrap().head, head);
}

#[test]
fn a_read_only_directory_is_read_and_refuses_to_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let (records, verified) = fill(folder.path());
    let dir = Arc::new(DataDir::read_only(folder.path()));
    let log = SqliteLog::open(&dir).unwrap();
    assert_eq!(log.read_from(Cursor(0), usize::MAX).unwrap(), records);
    assert_eq!(log.verify(&mut |_| ()).unwrap(), verified);
    let event = Event::Withdrawn { change_set: ChangeSetId(1) };
    let record = NewRecord { time: Timestamp(0), actor: actor(), event: &event };
    let refused = log.append(&record, verified.head.cursor);
    assert!(matches!(refused, Err(AppendError::Refused(LogError::Unavailable(_)))));
    assert!(matches!(log.put_blob(b"x"), Err(LogError::Unavailable(_))));
    assert!(matches!(log.erase(&[Cursor(1)]), Err(LogError::Unavailable(_))));
    drop(log);
    fs::write(folder.path().join("log.db-wal"), [1; 100]).unwrap();
    assert!(matches!(SqliteLog::open(&dir), Err(LogError::Unavailable(_))));
}

#[test]
fn another_file_in_its_place_is_an_error_in_words() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log.db"), vec![b'x'; 5_000]).unwrap();
    assert!(matches!(open(folder.path()), Err(LogError::Corrupt { .. })));
    fs::remove_file(folder.path().join("log.db")).unwrap();
    let other = Connection::open(folder.path().join("log.db")).unwrap();
    other.execute_batch("CREATE TABLE record (x)").unwrap();
    drop(other);
    let error = open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("no log of Ringfence"), "{error}");
}
