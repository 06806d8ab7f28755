//! The write side over real stores: the whole story of a change, and what stays after a restart.

mod support;

use std::io::Cursor as Octets;
use std::path::Path;
use std::sync::Arc;

use ringfence::app::changes::api::{
    Format, ImportRequest, ModeScope, PageRequest, Question, Refusal,
};
use ringfence::app::changes::{ChangeLog, Control, Seeded};
use ringfence::lists::changeset::State;
use ringfence::lists::edit::Edit;
use ringfence::lists::event::{Draft, Event};
use ringfence::lists::view::Changed;
use ringfence::model::catalogue::Cursor;
use ringfence::model::number::Region;
use ringfence::model::policy::{Action, Mode};
use ringfence::model::revision::Revision;
use ringfence::store::{DataDir, MemoryLog, SqliteLog, SqliteView};
use support::desk::{
    Desk, NUMBERS, anna, boris, clear, new_list, pack, put, remove, small_packs, spec, who,
};

fn on_disk(folder: &Path) -> Desk {
    let dir = Arc::new(DataDir::open(folder).expect("a folder"));
    let log = Arc::new(SqliteLog::open(&dir).expect("a log"));
    let view = match SqliteView::open(&dir.view_path()) {
        Ok(view) => view,
        Err(_) => SqliteView::create(&dir.view_path()).expect("a new view"),
    };
    Desk::open(log, Box::new(view)).expect("opens")
}

fn in_memory() -> Desk {
    let log: Arc<dyn ChangeLog> = Arc::new(MemoryLog::new());
    Desk::anew(&log)
}

fn reason_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Precondition { reason, .. } => reason,
        Refusal::Stale { .. } => "STALE",
        Refusal::NotFound { .. } => "NOT_FOUND",
        Refusal::Forbidden(_) => "FORBIDDEN",
        Refusal::Invalid { .. } => "INVALID",
        Refusal::Unavailable(_) => "UNAVAILABLE",
        Refusal::Unknown(_) => "UNKNOWN",
    }
}

fn refused<T>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.map_or_else(|refusal| reason_of(&refusal), |_| "DONE")
}

/// The action for a call from the first number of tests.
fn action(desk: &Desk, from: &str) -> Action {
    use support::cases::{NOW, TO};
    let mut attempt =
        ringfence::model::attempt::Attempt::empty(ringfence::model::policy::Traffic::Call);
    attempt.originator.raw = from.as_bytes();
    attempt.recipient.raw = TO.as_bytes();
    let facts = ringfence::model::attempt::StateFacts::default();
    let ruleset = desk.publisher.load();
    ringfence::engine::screen(&ruleset, &attempt, &facts, NOW).action
}

const BLOCKS: &str = "r.numbers kind=number effect=block category=CN08";

fn seeded(desk: &Desk) {
    assert_eq!(desk.changes.seed(&small_packs()).expect("packs"), Seeded::First);
    assert_eq!(desk.changes.seed(&small_packs()).expect("packs"), Seeded::Same);
    desk.commit(vec![new_list(BLOCKS)]).expect("a list");
}

fn story(desk: &Desk) {
    seeded(desk);
    let changes = &desk.changes;
    let title = Draft { title: "reported".into(), request_id: "r1".into(), ..Draft::default() };
    let set = changes.draft(anna(), title.clone()).expect("a draft");
    assert_eq!(changes.draft(anna(), title.clone()).expect("the same").id, set.id);
    assert_ne!(changes.draft(boris(), title).expect("another").id, set.id, "another person's");
    let row = put(&spec(BLOCKS), &[("value", NUMBERS[0]), ("reason", "case 7")]);
    let edits = vec![row, remove("r.numbers", NUMBERS[1])];
    let edited = changes.edit(anna(), set.id, Some(set.etag), edits).expect("edited");
    let stale = changes.edit(anna(), set.id, Some(set.etag), vec![remove("r.numbers", "+861")]);
    assert_eq!(stale.expect_err("stale"), Refusal::Stale { etag: edited.etag });
    assert_eq!(refused(changes.unedit(anna(), set.id, None, vec![2])), "NO_SUCH_EDIT");
    assert_eq!(changes.unedit(anna(), set.id, None, vec![1]).expect("one").edit_count, 1);
    assert_eq!(changes.check(set.id).expect("checked").errors, 0);
    let preview = changes.preview(set.id).expect("a preview");
    assert_eq!((preview.new, preview.base), (1, Revision(2)));
    assert_eq!(refused(changes.commit(anna(), set.id, None)), "NOT_SUBMITTED");
    changes.submit(anna(), set.id, None, true).expect("submitted");
    assert_eq!(refused(changes.approve(anna(), set.id, "")), "SAME_PERSON");
    changes.approve(boris(), set.id, "seen").expect("approved");
    assert_eq!(action(desk, NUMBERS[0]), Action::Allow);
    let (set, live) = changes.commit(anna(), set.id, None).expect("committed");
    assert_eq!((set.state, live.revision), (State::Committed(Revision(3)), Revision(3)));
    assert_eq!(action(desk, NUMBERS[0]), Action::Block);
    assert_eq!(desk.publisher.load().digest, live.digest);

    let why = changes.why(&Question::Number(NUMBERS[0].into()), None).expect("an answer");
    let first = &why.matches[0];
    assert_eq!((&*first.list, &*first.key, first.wins), ("r.numbers", NUMBERS[0], true));
    let origin = first.origin.expect("somebody added it");
    assert_eq!((origin.actor, origin.change_set), (anna().actor, set.id));
    let before = changes.why(&Question::Number(NUMBERS[0].into()), Some(Revision(2)));
    assert_eq!(before.expect("an answer").matches, []);

    let undo = changes.rollback(anna(), Revision(2), "wrong number").expect("a rollback");
    desk.finish(&undo).expect("back");
    assert_eq!(action(desk, NUMBERS[0]), Action::Allow);
    let history = changes.history("r.numbers", NUMBERS[0]).expect("history");
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].until.map(|until| until.revision), Some(Revision(4)));
    let page = PageRequest::default();
    let diff = changes.diff(Revision(2), Revision(3), page).expect("a diff").items;
    assert!(matches!(&diff[..], [Changed::Entry { before: None, after: Some(_), .. }]));
    assert_eq!(changes.diff(Revision(2), Revision(4), page).expect("a diff").items, []);
    modes_and_glass(desk);
}

/// Softening needs one person, hardening two; break-glass opens a review.
fn modes_and_glass(desk: &Desk) {
    let changes = &desk.changes;
    let all = ModeScope::All;
    let (_, live) = changes.set_mode(anna(), &all, Mode::Observe, "noise").expect("softer");
    assert!(live.is_some());
    let (waits, live) = changes.set_mode(anna(), &all, Mode::Enforce, "over").expect("harder");
    assert!(live.is_none() && waits.state == State::Submitted);
    assert_eq!(refused(changes.commit(anna(), waits.id, None)), "NEEDS_APPROVAL");
    assert_eq!(refused(changes.commit(anna(), waits.id, Some(" "))), "NEEDS_APPROVAL");
    let (set, _) = changes.commit(anna(), waits.id, Some("attack")).expect("break-glass");
    assert_eq!(set.break_glass.as_deref(), Some("attack"));
    assert_eq!(refused(changes.review(anna(), set.id, "")), "SAME_PERSON");
    let set = changes.review(boris(), set.id, "right").expect("reviewed");
    assert_eq!(set.reviewed_by.map(|(actor, _)| actor), Some(boris().actor));
    assert_eq!(refused(changes.review(boris(), set.id, "")), "NO_REVIEW_DUE");
    for mode in [Mode::Observe, Mode::LabelOnly] {
        let trunk = ModeScope::Trunk("T1".into());
        let (set, live) = changes.set_mode(anna(), &trunk, mode, "a trunk").expect("a mode");
        if live.is_none() {
            changes.approve(boris(), set.id, "").expect("approved");
            changes.commit(anna(), set.id, None).expect("committed");
        }
    }
    let trunks = changes.entries("local.trunks", "", None, PageRequest::default());
    assert_eq!(trunks.expect("trunks").items.len(), 1, "a second mode replaces the first");
    assert!(changes.verify(&mut |_| {}).expect("whole").erased.is_empty());
}

#[test]
fn the_story_in_memory() {
    let desk = in_memory();
    story(&desk);
    assert_eq!(desk.answers(), Desk::anew(&desk.log).answers());
}

#[test]
fn the_story_on_disk_outlives_restarts_and_a_broken_view() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = on_disk(folder.path());
    story(&desk);
    let row = put(&spec(BLOCKS), &[("value", NUMBERS[5])]);
    desk.commit(vec![row]).expect("a row");
    let state = |desk: &Desk| {
        let ruleset = desk.publisher.load();
        let history = desk.changes.history("r.numbers", NUMBERS[0]).expect("history");
        (ruleset.revision, ruleset.digest, desk.answers(), history)
    };
    let before = state(&desk);
    drop(desk);
    let desk = on_disk(folder.path());
    assert_eq!(state(&desk), before, "a restart");
    drop(desk);
    let view = folder.path().join("view.db");
    std::fs::remove_file(&view).expect("there was a view");
    let desk = on_disk(folder.path());
    assert_eq!(state(&desk), before, "no view");
    drop(desk);
    let mut octets = std::fs::read(&view).expect("a view");
    let middle = octets.len() / 2;
    octets[middle..middle + 512].iter_mut().for_each(|octet| *octet ^= 0x5A);
    std::fs::write(&view, octets).expect("written");
    assert_eq!(state(&on_disk(folder.path())), before, "a damaged view");
    // The view of another catalogue.
    let other = tempfile::tempdir().expect("a folder");
    story(&on_disk(other.path()));
    std::fs::copy(other.path().join("view.db"), &view).expect("copied");
    for end in ["view.db-wal", "view.db-shm"] {
        drop(std::fs::remove_file(folder.path().join(end)));
    }
    assert_eq!(state(&on_disk(folder.path())), before, "another view");
}

#[test]
fn what_was_erased_is_gone_and_the_chain_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = on_disk(folder.path());
    seeded(&desk);
    let number = "+8613912345678";
    let add = desk.drafted(vec![put(&spec(BLOCKS), &[("value", number)])]).expect("a draft");
    desk.finish(&add).expect("live");
    let records = desk.records(&add);
    let changes = &desk.changes;
    assert_eq!(refused(changes.erase(anna(), &records, "GDPR")), "NOT_ERASABLE", "in force");
    let take = desk.drafted(vec![remove("r.numbers", number)]).expect("a draft");
    assert_eq!(refused(changes.erase(anna(), &desk.records(&take), "GDPR")), "NOT_ERASABLE");
    desk.finish(&take).expect("live");
    let taken = desk.records(&take);
    assert_eq!(refused(changes.erase(anna(), &taken, "GDPR")), "NOT_ERASABLE", "would come back");
    assert_eq!(refused(changes.erase(anna(), &records, " ")), "INVALID");
    let both = [records, taken].concat();
    let before = (desk.answers(), desk.publisher.load().digest);
    changes.erase(anna(), &both, "GDPR").expect("erased");
    assert_eq!(changes.history("r.numbers", number).expect("history"), []);
    let verified = changes.verify(&mut |_| {}).expect("verifiable");
    assert_eq!(verified.erased.iter().map(|(cursor, _)| *cursor).collect::<Vec<_>>(), both);
    let diff = changes.diff(Revision(2), Revision(4), PageRequest::default());
    assert_eq!(diff.expect("a diff").items, []);
    drop(desk);
    let octets = std::fs::read(folder.path().join("view.db")).expect("a view");
    let found = octets.windows(number.len()).any(|window| window == number.as_bytes());
    assert!(!found, "the view still holds it");
    let desk = on_disk(folder.path());
    assert_eq!((desk.answers(), desk.publisher.load().digest), before);
    desk.commit(vec![put(&spec(BLOCKS), &[("value", number)])]).expect("again");
    assert_eq!(desk.changes.history("r.numbers", number).expect("history").len(), 1);
}

#[test]
fn an_erasure_that_a_crash_interrupts_is_finished_by_the_next_open() {
    let desk = in_memory();
    seeded(&desk);
    let number = NUMBERS[0];
    let edits = vec![put(&spec(BLOCKS), &[("value", number)])];
    let set = desk.drafted(edits).expect("a draft");
    desk.changes.withdraw(anna(), set.id).expect("withdrawn");
    let records = desk.records(&set);
    // The record is there, the process died before the erasing.
    let event = Event::Erased { cursors: records.clone(), reason: "GDPR".into() };
    let head = desk.log.head().expect("a head").cursor;
    let time = support::cases::NOW;
    let record =
        ringfence::app::changes::ports::NewRecord { time, actor: anna().actor, event: &event };
    desk.log.append(&record, head).expect("appended");
    let anew = Desk::anew(&desk.log);
    let verified = anew.changes.verify(&mut |_| {}).expect("verifiable");
    assert_eq!(verified.erased, [(records[0], Cursor(head.0 + 1))]);
    assert_eq!(anew.answers(), desk.answers());
    // The first one finds out, too: its next step is refused once, then it knows.
    assert_eq!(refused(desk.changes.draft(anna(), Draft::default())), "UNAVAILABLE");
    desk.changes.draft(anna(), Draft::default()).expect("a draft");
}

#[test]
fn edits_taken_out_by_their_places_are_erased_all_together() {
    let desk = in_memory();
    seeded(&desk);
    let row = |at: usize| put(&spec(BLOCKS), &[("value", NUMBERS[at])]);
    let set = desk.drafted(vec![row(0)]).expect("a draft");
    desk.changes.edit(anna(), set.id, None, vec![row(1), row(2)]).expect("more");
    desk.changes.unedit(anna(), set.id, None, vec![0]).expect("less");
    desk.finish(&set).expect("live");
    let records = desk.records(&set);
    assert_eq!(refused(desk.changes.erase(anna(), &records[..1], "GDPR")), "NOT_ERASABLE");
    let both = vec![remove("r.numbers", NUMBERS[1]), remove("r.numbers", NUMBERS[2])];
    desk.commit(both).expect("removed");
    assert_eq!(refused(desk.changes.erase(anna(), &records[..1], "GDPR")), "NOT_ERASABLE");
    // Their removals do nothing without them.
    desk.changes.erase(anna(), &records, "GDPR").expect("erased");
    assert_eq!(desk.answers(), Desk::anew(&desk.log).answers());
    assert_eq!(desk.changes.history("r.numbers", NUMBERS[1]).expect("history"), []);
}

#[test]
fn a_change_set_that_lost_its_list_is_refused_not_committed() {
    let desk = in_memory();
    seeded(&desk);
    let set = desk.drafted(vec![put(&spec(BLOCKS), &[("value", NUMBERS[0])])]).expect("a draft");
    desk.changes.submit(anna(), set.id, None, true).expect("submitted");
    desk.commit(vec![Edit::RemoveList { list: "r.numbers".into() }]).expect("removed");
    assert_eq!(refused(desk.changes.commit(anna(), set.id, Some("now"))), "HAS_ERRORS");
    assert_eq!(Desk::anew(&desk.log).revision(), 3);
    desk.changes.withdraw(anna(), set.id).expect("withdrawn");
}

#[test]
fn what_others_commit_after_a_submit_cannot_slip_past_the_guard() {
    let desk = in_memory();
    seeded(&desk);
    desk.commit(vec![new_list("r.late kind=number effect=label label=marketing")]).expect("a list");
    let set = desk.drafted(vec![desk.put("r.late", &[("value", "CN:110")])]).expect("a draft");
    desk.changes.submit(anna(), set.id, None, true).expect("a label stops nobody");
    desk.commit(vec![new_list("r.late kind=number effect=block")]).expect("it is empty still");
    for glass in [None, Some("now")] {
        assert_eq!(refused(desk.changes.commit(anna(), set.id, glass)), "HAS_ERRORS");
    }
    let fine = desk.drafted(vec![desk.put("r.late", &[("value", NUMBERS[4])])]).expect("a draft");
    desk.changes.submit(anna(), fine.id, None, true).expect("no errors");
    desk.commit(vec![desk.put("r.late", &[("value", NUMBERS[3])])]).expect("another one");
    desk.changes.commit(anna(), fine.id, None).expect("still without errors");
}

#[test]
fn why_takes_a_number_as_lists_write_it() {
    let desk = in_memory();
    seeded(&desk);
    desk.commit(vec![desk.put("r.numbers", &[("value", "CN:95588")])]).expect("a short code");
    let why =
        |asked: &str| desk.changes.why(&Question::Number(asked.into()), None).expect("an answer");
    let found = why("CN:95588");
    assert!(found.matches.iter().any(|one| one.wins && &*one.key == "CN:95588"), "{found:?}");
    assert!(why("US:95588").matches.iter().all(|one| &*one.key != "CN:95588"));
}

fn upgrade_packs(rows: &str, more: &str) -> Vec<ringfence::app::catalogue::PackText> {
    let mut packs = small_packs();
    packs.push(pack(
        "z.own",
        &format!("%list z.own kind=number effect=block\n%columns value note\n{rows}\n{more}"),
    ));
    packs.push(pack("a.own", "%list a.own kind=policy\n%columns key value\ncall.hold\t620\n"));
    packs
}

#[test]
fn an_upgrade_of_the_packs_keeps_local_edits() {
    let desk = in_memory();
    let first = upgrade_packs("+8613900000001\tone\n+8613900000002\ttwo\n+12025550123\tus", "");
    desk.changes.seed(&first).expect("packs");
    let lists: Vec<_> = desk.changes.lists(None).expect("lists");
    let order: Vec<&str> = lists.iter().map(|list| &*list.spec.id).collect();
    assert!(order.ends_with(&["z.own", "a.own"]), "as the packs bring them: {order:?}");
    desk.commit(vec![desk.put("z.own", &[("value", NUMBERS[0]), ("note", "mine")])]).expect("a");
    desk.commit(vec![remove("z.own", NUMBERS[1])]).expect("b");
    let more = "%list z.more kind=number effect=block\n%columns value\n+8613911110000\n";
    let second = upgrade_packs("+8613900000001\t1\n+8613900000002\t2\n+8613900000011\tnew", more);
    let Seeded::Upgrade(id) = desk.changes.seed(&second).expect("packs") else {
        panic!("the packs differ");
    };
    assert_eq!(desk.changes.seed(&second).expect("packs"), Seeded::Same);
    let set = desk.changes.change_set(id).expect("it waits");
    assert_eq!(set.state, State::Submitted, "people can approve it");
    let set = desk.changes.approve(boris(), set.id, "").expect("approved");
    desk.changes.commit(anna(), set.id, None).expect("committed");
    let keys = |list: &str| -> Vec<(String, String)> {
        let page = desk.changes.entries(list, "", None, PageRequest::default());
        let items = page.expect("entries").items.into_iter();
        let note = |row: &ringfence::lists::row::Row| row.get("note").unwrap_or("").to_owned();
        items.map(|v| (v.key.to_string(), v.row.as_ref().map_or("-".into(), note))).collect()
    };
    let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter().map(|(key, note)| ((*key).to_owned(), (*note).to_owned())).collect()
    };
    assert_eq!(keys("z.own"), pairs(&[(NUMBERS[0], "mine"), (NUMBERS[2], "new")]));
    assert_eq!(keys("z.more"), pairs(&[(NUMBERS[7], "")]));
    assert_eq!(desk.answers(), Desk::anew(&desk.log).answers());
}

fn import(desk: &Desk, list: &str, format: Format, text: &str, replaces: bool) -> u64 {
    let request = ImportRequest {
        list: list.into(),
        change_set: None,
        draft: Draft { title: "a file".into(), ..Draft::default() },
        format,
        columns: Vec::new(),
        region: Some(Region::CN),
        defaults: Vec::new(),
        replaces,
    };
    let mut octets = Octets::new(text.as_bytes());
    let report = desk.changes.import(anna(), &request, &mut octets, &mut |_| {}).expect("a file");
    assert_eq!(report.invalid, []);
    desk.finish(&report.change_set).expect("live");
    report.taken
}

fn export(desk: &Desk, list: &str, format: Format) -> String {
    let mut out = Vec::new();
    desk.changes.export(who("eve"), list, format, None, &mut out).expect("a file");
    String::from_utf8(out).expect("text")
}

#[test]
fn a_file_goes_in_and_comes_out_again() {
    let desk = in_memory();
    seeded(&desk);
    let file =
        |from: u64, to: u64| -> String { (from..to).map(|n| format!("+86139{n:08}\n")).collect() };
    assert_eq!(import(&desk, "r.numbers", Format::Plain, &file(0, 1500), false), 1500);
    let first = "+8613900000000";
    desk.commit(vec![remove("r.numbers", first)]).expect("one goes");
    assert_eq!((action(&desk, first), action(&desk, NUMBERS[0])), (Action::Allow, Action::Block));
    for format in [Format::Csv, Format::Jsonl, Format::Plain] {
        let text = export(&desk, "r.numbers", format);
        let line = format!("r.copy-{} kind=number effect=block", format.as_str());
        let id = line.split(' ').next().expect("an id");
        desk.commit(vec![new_list(&line)]).expect("a list");
        assert_eq!(import(&desk, id, format, &text, false), 1499);
        desk.commit(vec![Edit::RemoveList { list: id.into() }]).expect("gone");
    }
    // The whole list anew: what was taken out comes back when the file names it.
    desk.commit(vec![desk.put("r.numbers", &[("value", NUMBERS[0]), ("effect", "allow")])])
        .expect("an exception");
    assert_eq!(import(&desk, "r.numbers", Format::Plain, &file(0, 1200), true), 1200);
    assert_eq!(action(&desk, first), Action::Block);
    assert_eq!(action(&desk, NUMBERS[0]), Action::Block);
    assert_eq!(action(&desk, "+8613900001499"), Action::Allow);
    assert_eq!(export(&desk, "r.numbers", Format::Plain).lines().count(), 1200);
    assert_eq!(desk.answers(), Desk::anew(&desk.log).answers());
    let accessed = desk.changes.audit(Cursor(0), 1_000).expect("records").into_iter();
    let accessed = accessed.filter_map(|record| record.content);
    let by_eve = accessed.filter(|(who, _)| who.as_str() == "eve");
    assert_eq!(by_eve.count(), 4);
}

#[test]
fn a_value_of_a_bulk_import_is_an_entry_like_others() {
    let desk = in_memory();
    seeded(&desk);
    let domains = "r.domains kind=domain points=900 ceiling=block category=CN08";
    desk.commit(vec![new_list(domains)]).expect("a list");
    let texts = ["bad.example.com", "evil.test", "worse.example.net"];
    let values = [8_613_900_000_011, 8_613_900_000_012];
    let bulk = vec![desk.texts("r.domains", &texts, &[]), desk.numbers("r.numbers", &values, &[])];
    desk.commit(bulk).expect("bulk");
    let shown = |desk: &Desk, word: &str| {
        desk.answers().iter().filter(|answer| answer.contains(word)).count()
    };
    assert!(shown(&desk, "r.domains") == 3 && shown(&desk, "r.numbers") == 4);
    for edit in [
        remove("r.domains", "evil.test"),
        remove("r.numbers", NUMBERS[2]),
        desk.put("r.domains", &[("value", "bad.example.com"), ("points", "100")]),
        desk.put("r.numbers", &[("value", NUMBERS[3]), ("effect", "score"), ("points", "400")]),
        desk.put("r.numbers", &[("value", NUMBERS[0])]),
        clear("r.domains", "bad.example.com"),
        desk.put("r.numbers", &[("value", NUMBERS[2]), ("effect", "score"), ("points", "500")]),
        remove("r.numbers", NUMBERS[2]),
        new_list("r.numbers kind=number effect=block category=CN08 ceiling=label"),
        desk.put("r.numbers", &[("value", NUMBERS[1])]),
        clear("r.numbers", NUMBERS[2]),
        desk.numbers("r.numbers", &values, &[("effect", "score"), ("points", "700")]),
        desk.put("r.numbers", &[("value", NUMBERS[5])]),
    ] {
        desk.commit(vec![edit.clone()]).expect("live");
        assert_eq!(desk.answers(), Desk::anew(&desk.log).answers(), "{edit:?}");
    }
    assert!(desk.answers().iter().any(|answer| answer.contains("700")), "new shared cells hold");
}
