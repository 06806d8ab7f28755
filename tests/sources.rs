//! Subscriptions over the whole write side, with sources that answer what a test says.

mod support;

use std::collections::VecDeque;
use std::io::Cursor as Octets;
use std::sync::{Arc, Mutex};

use ringfence::app::changes::api::{PageRequest, Refresh, Refreshed, Refusal};
use ringfence::app::changes::ports::{FetchFailed, Fetched};
use ringfence::app::changes::{ChangeLog, Control, Fetch, Sources};
use ringfence::lists::changeset::{ChangeSet, State};
use ringfence::lists::event::Event;
use ringfence::lists::subscription::Subscription;
use ringfence::model::catalogue::{Actor, BlobId, Cursor};
use ringfence::store::MemoryLog;
use sha2::{Digest as _, Sha256};
use support::desk::{Desk, anna, boris, new_list, tiny_packs, who};

/// What a source answers next.
enum Answer {
    File(String),
    Same,
    Error(bool),
}

/// Answers in order, and remembers what it was asked with.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    etags: Mutex<Vec<Option<String>>>,
}

impl Fetch for Script {
    fn fetch(
        &self,
        _: &str,
        etag: Option<&str>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Fetched, FetchFailed> {
        self.etags.lock().expect("no panic").push(etag.map(str::to_owned));
        match self.answers.lock().expect("no panic").pop_front().expect("an answer") {
            Answer::Same => Ok(Fetched::NotModified),
            Answer::Error(transient) => {
                Err(FetchFailed { what: "the source answers with status 503".into(), transient })
            }
            Answer::File(text) => {
                progress(text.len() as u64, None);
                let sha256 = sha256(&text);
                let etag = Some(format!("\"{}\"", &sha256.to_string()[..8]));
                let octets = text.len() as u64;
                Ok(Fetched::New { etag, sha256, octets, file: Box::new(Octets::new(text)) })
            }
        }
    }
}

fn sha256(text: &str) -> BlobId {
    BlobId(Sha256::digest(text.as_bytes()).into())
}

struct Feed {
    desk: Desk,
    script: Arc<Script>,
    log: Arc<dyn ChangeLog>,
}

const LIST: &str = "r.numbers kind=number effect=block category=CN08 valid-until=2090-01-01";

fn source(auto_commit: bool) -> Subscription {
    Subscription {
        name: "reported".into(),
        url: "https://lists.example.org/numbers.txt".into(),
        list: "r.numbers".into(),
        format: "plain".into(),
        columns: Vec::new(),
        region: None,
        defaults: vec![("reason".into(), "reported by many".into())],
        replaces: true,
        interval_s: 300,
        sha256: None,
        auto_commit,
        owner: Actor::program(),
    }
}

/// `count` numbers from one on, one a line.
fn numbers(first: u64, count: u64) -> String {
    (first..first + count).map(|n| format!("+86139{n:08}\n")).collect()
}

impl Feed {
    fn new(auto_commit: bool) -> Feed {
        Feed::of(&source(auto_commit))
    }

    fn of(source: &Subscription) -> Feed {
        let log: Arc<dyn ChangeLog> = Arc::new(MemoryLog::new());
        let desk = Desk::anew(&log);
        desk.changes.seed(&tiny_packs()).expect("done");
        desk.commit(vec![new_list(LIST)]).expect("done");
        let feed = Feed { desk, script: Arc::default(), log };
        feed.desk.changes.fetch_with(Arc::clone(&feed.script) as Arc<dyn Fetch>);
        let state = feed.desk.changes.subscribe(anna(), source.clone()).expect("done");
        assert_eq!(state.subscription.owner, anna().actor, "who asks owns it");
        feed
    }

    /// The same after a restart.
    fn again(self) -> Feed {
        let desk = Desk::anew(&self.log);
        desk.changes.fetch_with(Arc::clone(&self.script) as Arc<dyn Fetch>);
        Feed { desk, ..self }
    }

    fn ask(&self, answer: Answer) -> Result<Refresh, Refusal> {
        self.script.answers.lock().expect("no panic").push_back(answer);
        self.desk.changes.refresh_due("reported")
    }

    fn file(&self, text: &str) -> Refresh {
        self.ask(Answer::File(text.into())).expect("done")
    }

    fn state(&self, set: &ChangeSet) -> State {
        self.desk.changes.change_set(set.id).expect("done").state
    }

    fn open(&self) -> usize {
        let all = self.desk.changes.change_sets(None, PageRequest::default()).expect("done");
        all.items.iter().filter(|set| !set.state.is_over()).count()
    }

    fn rows(&self) -> u64 {
        let list = self.desk.changes.list("r.numbers", None).expect("done");
        list.rows + list.segments.iter().map(|segment| segment.count).sum::<u64>()
    }

    fn records(&self) -> u64 {
        self.log.head().expect("done").cursor.0
    }

    fn etag(&self) -> Option<String> {
        self.script.etags.lock().expect("no panic").last().expect("done").clone()
    }

    fn approve_and_commit(&self, set: &ChangeSet) {
        self.desk.changes.approve(boris(), set.id, "looked at it").expect("done");
        self.desk.changes.commit(anna(), set.id, None).expect("done");
    }
}

fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Precondition { reason, .. } => reason,
        Refusal::Invalid { .. } => "INVALID",
        Refusal::NotFound { .. } => "NOT_FOUND",
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_new_waits_and_what_is_not_is_left_alone() {
    let feed = Feed::new(false);
    let first = feed.file(&numbers(1, 20));
    let set = first.change_set.expect("done");
    assert_eq!((first.outcome, feed.state(&set)), (Refreshed::Waits, State::Submitted));
    assert_eq!((set.author, set.edit_count), (Actor::program(), 20));
    assert_eq!(*set.draft.ticket, format!("sha256:{}", sha256(&numbers(1, 20))));
    assert_eq!(feed.etag(), None);
    // The same octets, and the same by ETag: no record is written.
    let before = feed.records();
    for answer in [Answer::File(numbers(1, 20)), Answer::Same] {
        let same = feed.ask(answer).expect("done");
        assert_eq!(same.outcome, Refreshed::Waits);
        assert!(same.what.contains("the same as last time"), "{}", same.what);
        assert!(feed.etag().is_some());
    }
    assert_eq!(feed.records(), before);
    // Who subscribed chose what comes; another person is needed.
    let own = feed.desk.changes.approve(anna(), set.id, "mine").unwrap_err();
    assert_eq!(reason(&own), "SAME_PERSON");
    feed.approve_and_commit(&set);
    assert_eq!(feed.rows(), 20);
    let same = feed.ask(Answer::Same).expect("done");
    assert_eq!((same.outcome, same.change_set), (Refreshed::Unchanged, None));
    // One goes, one comes: two edits and not twenty.
    let next = feed.file(&numbers(2, 20)).change_set.expect("done");
    assert_eq!(next.edit_count, 2);
    feed.approve_and_commit(&next);
    assert_eq!(feed.rows(), 20);
    // Other octets that say the same.
    let same = feed.file(&format!("{}\n\n", numbers(2, 20)));
    assert_eq!((same.outcome, same.change_set), (Refreshed::Unchanged, None));
    assert!(same.what.contains("20 values already"), "{}", same.what);
}

#[test]
fn a_newer_file_takes_the_place_of_one_that_waits() {
    let feed = Feed::new(false);
    let first = feed.file(&numbers(1, 20)).change_set.expect("done");
    // Errors in a newer one: what waits is not hurt by it.
    let done = feed.file(&format!("{}+86*\n", numbers(1, 20)));
    assert_eq!((done.outcome, feed.state(&first)), (Refreshed::Withdrawn, State::Submitted));
    let second = feed.file(&numbers(1, 30)).change_set.expect("done");
    assert_eq!((feed.state(&first), feed.state(&second)), (State::Withdrawn, State::Submitted));
    assert_eq!(feed.open(), 1);
    // Back to what is live: nothing waits any more.
    feed.approve_and_commit(&second);
    feed.file(&numbers(1, 35));
    assert_eq!(feed.open(), 1);
    assert_eq!(feed.file(&numbers(1, 30)).outcome, Refreshed::Unchanged);
    assert_eq!(feed.open(), 0);
    // What a person has rejected is not offered again.
    let third = feed.file(&numbers(1, 40)).change_set.expect("done");
    feed.desk.changes.reject(boris(), third.id, "no").expect("done");
    for answer in [Answer::Same, Answer::File(numbers(1, 40))] {
        let done = feed.ask(answer).expect("done");
        assert!(done.what.contains("was rejected"), "{}", done.what);
        assert_eq!((done.outcome, feed.open()), (Refreshed::Unchanged, 0));
    }
}

#[test]
fn errors_are_said_and_leave_nothing_behind() {
    let feed = Feed::new(true);
    for (answer, wanted) in [
        (Answer::Error(true), "SOURCE_FAILED"),
        (Answer::Error(false), "SOURCE_REFUSED"),
        (Answer::File("<html>not found</html>\n".into()), "INVALID"),
        (Answer::File(format!("{}<p>\n<p>\n", numbers(1, 3))), "INVALID"),
        (Answer::File(String::new()), "INVALID"),
    ] {
        let before = feed.records();
        assert_eq!(reason(&feed.ask(answer).unwrap_err()), wanted);
        assert_eq!((feed.records(), feed.rows(), feed.open()), (before, 0, 0));
        let state = &feed.desk.changes.sources().expect("done")[0];
        assert!(state.failed && !state.outcome.is_empty());
        let pause = state.due.expect("done").0 - state.asked.expect("done").0;
        assert!((60_000..=330_000).contains(&pause), "{pause}");
    }
    assert_eq!(feed.file(&numbers(1, 3)).outcome, Refreshed::Committed);
    assert!(!feed.desk.changes.sources().expect("done")[0].failed);
    let unknown = feed.desk.changes.refresh_due("other").unwrap_err();
    assert_eq!(reason(&unknown), "NOT_FOUND");
}

#[test]
fn what_the_checks_refuse_is_withdrawn_and_tried_again_only_by_a_person() {
    let feed = Feed::new(true);
    // Prefixes that would stop a whole country.
    let broad = "+8\n".replace("+8", "+86*");
    let done = feed.file(&broad);
    assert_eq!(done.outcome, Refreshed::Withdrawn, "{}", done.what);
    assert!(done.what.contains("errors") && done.what.contains("withdrawn"), "{}", done.what);
    assert_eq!((feed.rows(), feed.open()), (0, 0));
    let before = feed.records();
    for answer in [Answer::Same, Answer::File(broad.clone())] {
        let done = feed.ask(answer).expect("done");
        assert!(done.what.contains("was withdrawn"), "{}", done.what);
    }
    assert_eq!(feed.records(), before);
    feed.script.answers.lock().expect("no panic").push_back(Answer::File(broad));
    let done = feed.desk.changes.refresh(anna(), "reported", &mut |_, _| {}).expect("done");
    assert_eq!((done.outcome, feed.etag()), (Refreshed::Withdrawn, None));
}

#[test]
fn alone_it_commits_what_is_small_and_nothing_that_takes_most_away() {
    let feed = Feed::new(true);
    assert_eq!(feed.file(&numbers(1, 100)).outcome, Refreshed::Committed);
    assert_eq!(feed.rows(), 100);
    assert_eq!(feed.file(&numbers(2, 100)).outcome, Refreshed::Committed);
    // A tenth of it: the check warns, and a person has to look.
    let shrunk = feed.file(&numbers(2, 10));
    assert_eq!(shrunk.outcome, Refreshed::Draft);
    assert!(shrunk.what.contains("would lose 90 of 100"), "{}", shrunk.what);
    assert_eq!(feed.rows(), 100);
    // Asked again, it is no less a draft.
    assert_eq!(feed.ask(Answer::Same).expect("done").outcome, Refreshed::Draft);
    // A person looks, and closes it with its warnings: it was a source's, so anybody may.
    let set = shrunk.change_set.expect("done");
    feed.desk.changes.submit(boris(), set.id, None, true).expect("done");
    let waits = feed.ask(Answer::Same).expect("done");
    assert_eq!(waits.outcome, Refreshed::Waits);
    assert!(waits.what.contains("would lose 90"), "{}", waits.what);
    feed.desk.changes.approve(boris(), set.id, "it is so").expect("done");
    // Approved: the next look takes it live.
    assert_eq!(feed.ask(Answer::Same).expect("done").outcome, Refreshed::Committed);
    assert_eq!(feed.rows(), 10);
    // Too few for the check's own guard, and still most of the list.
    let few = feed.file(&numbers(2, 1));
    assert_eq!((few.outcome, feed.rows()), (Refreshed::Waits, 10));
    assert!(few.what.contains("would lose 9 of its 10"), "{}", few.what);
}

#[test]
fn bulk_takes_a_second_person_however_it_is_subscribed() {
    let feed = Feed::new(true);
    let done = feed.file(&numbers(1, 5_000));
    let set = done.change_set.expect("done");
    assert_eq!((done.outcome, feed.state(&set)), (Refreshed::Waits, State::Submitted));
    assert!(done.what.contains("second person"), "{}", done.what);
    assert_eq!(feed.rows(), 0);
    feed.approve_and_commit(&set);
    assert_eq!(feed.rows(), 5_000);
    // A tenth of a bulk import: warned of, too.
    let shrunk = feed.file(&numbers(1, 500));
    assert_eq!((shrunk.outcome, feed.rows()), (Refreshed::Draft, 5_000));
    assert!(shrunk.what.contains("of 5000 values"), "{}", shrunk.what);
}

#[test]
fn a_pinned_source_takes_nothing_else() {
    let pinned = Subscription { sha256: Some(sha256(&numbers(1, 5))), ..source(true) };
    let feed = Feed::of(&pinned);
    let other = feed.ask(Answer::File(numbers(1, 6))).unwrap_err();
    assert_eq!((reason(&other), feed.rows()), ("PINNED", 0));
    assert!(other.to_string().contains(&sha256(&numbers(1, 6)).to_string()), "{other}");
    assert_eq!(feed.file(&numbers(1, 5)).outcome, Refreshed::Committed);
}

#[test]
fn a_restart_keeps_subscriptions_and_offers_nothing_twice() {
    let feed = Feed::new(false);
    let set = feed.file(&numbers(1, 20)).change_set.expect("done");
    feed.desk.changes.approve(boris(), set.id, "fine").expect("done");
    let feed = feed.again();
    let state = feed.desk.changes.sources().expect("done").remove(0);
    assert_eq!(state.subscription, Subscription { owner: anna().actor, ..source(false) });
    assert_eq!((state.asked, state.failed, state.sha256), (None, false, None));
    assert_eq!(state.change_set.map(|set| set.id), Some(set.id));
    let before = feed.records();
    let same = feed.file(&numbers(1, 20));
    assert_eq!((feed.etag(), feed.records()), (None, before), "one more download, no record");
    assert!(same.what.contains("waits to be committed"), "{}", same.what);
    feed.desk.changes.commit(who("chen"), set.id, None).expect("done");
    let feed = feed.again();
    assert_eq!(feed.file(&numbers(1, 20)).outcome, Refreshed::Unchanged);
    assert_eq!(feed.file(&numbers(1, 21)).change_set.expect("done").edit_count, 1);
    // Gone with all that waits; what is live stays.
    feed.desk.changes.unsubscribe(boris(), "reported").expect("done");
    assert_eq!((feed.open(), feed.rows()), (0, 20));
    let feed = feed.again();
    assert!(feed.desk.changes.sources().expect("done").is_empty());
    assert_eq!(
        reason(&feed.desk.changes.unsubscribe(boris(), "reported").unwrap_err()),
        "NOT_FOUND"
    );
    // Both ends stand in the log, with who did it.
    let all = feed.log.read_from(Cursor(0), 1_000).expect("done");
    let said: Vec<(String, bool)> = all
        .into_iter()
        .filter_map(|record| match record.content? {
            (who, Event::Subscribed(_)) => Some((who.to_string(), true)),
            (who, Event::Unsubscribed { .. }) => Some((who.to_string(), false)),
            _ => None,
        })
        .collect();
    assert_eq!(said, [("anna".to_owned(), true), ("boris".to_owned(), false)]);
    feed.desk.changes.verify(&mut |_| {}).expect("done");
}

#[test]
fn a_subscription_has_to_fit_and_to_be_possible() {
    let feed = Feed::new(false);
    let subscribe = |one: Subscription| {
        let refused = feed.desk.changes.subscribe(anna(), one).unwrap_err();
        match refused {
            Refusal::Invalid { field, .. } => field,
            other => reason(&other).to_owned(),
        }
    };
    let other = || Subscription { name: "other".into(), ..source(false) };
    assert_eq!(subscribe(source(false)), "name");
    assert_eq!(subscribe(Subscription { url: "http://a/".into(), ..other() }), "url");
    assert_eq!(subscribe(Subscription { list: "no.such".into(), ..other() }), "NOT_FOUND");
    assert_eq!(subscribe(Subscription { format: "xls".into(), ..other() }), "format");
    let columns = || vec![("phone".into(), "value".into())];
    assert_eq!(subscribe(Subscription { columns: columns(), ..other() }), "columns");
    let odd = vec![("phone".into(), "nothing".into())];
    let odd = Subscription { format: "csv".into(), columns: odd, ..other() };
    assert_eq!(subscribe(odd), "columns");
    let cells = vec![("colour".into(), "red".into())];
    assert_eq!(subscribe(Subscription { defaults: cells, ..other() }), "defaults");
    assert_eq!(subscribe(Subscription { interval_s: 299, ..other() }), "interval");
    let csv = Subscription { format: "csv".into(), columns: columns(), ..other() };
    feed.desk.changes.subscribe(boris(), csv).expect("done");
    assert_eq!(feed.desk.changes.sources().expect("done").len(), 2);
    // A server that cannot fetch says so, and is never due.
    let deaf = Desk::anew(&feed.log);
    let refused = deaf.changes.subscribe(anna(), other()).unwrap_err();
    assert_eq!(reason(&refused), "NO_FETCH");
    assert!(refused.to_string().contains("feature `fetch`"));
    assert!(deaf.changes.due_sources().is_empty());
    assert_eq!(deaf.changes.sources().expect("done").len(), 2);
}
