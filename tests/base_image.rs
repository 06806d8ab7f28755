//! The base image: a start from it screens as the store does, catches up with the log, and stands
//! alone where the store is broken.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence::app::catalogue::{PackText, compile};
use ringfence::app::changes::api::{Caller, Format, ImportRequest};
use ringfence::app::changes::{Changes, Control, Image};
use ringfence::app::publisher::Publisher;
use ringfence::app::screener::Screener;
use ringfence::app::screening::{Clock, Screen};
use ringfence::lists::edit::Edit;
use ringfence::lists::event::Draft;
use ringfence::lists::row::Row;
use ringfence::model::attempt::Attempt;
use ringfence::model::catalogue::Actor;
use ringfence::model::entry::ListSpec;
use ringfence::model::policy::{Action, Traffic};
use ringfence::model::revision::Revision;
use ringfence::model::time::Timestamp;
use ringfence::model::verdict::Flags;
use ringfence::store::{MemoryLog, SqliteView};

const NUMBERS: &str = "%pack lists\n%list reported.numbers kind=number effect=block category=CN08\n\
                       %columns value\n+8613000000001\n\
                       %list bad.hosts kind=domain effect=block category=CN08\n\
                       %columns value\nevil.example\n";

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000)
    }
}

fn caller(name: &str) -> Caller {
    Caller { actor: Actor::parse(name).expect("a name") }
}

/// A write side with the publisher that it publishes to.
struct Side {
    log: Arc<MemoryLog>,
    publisher: Arc<Publisher>,
    changes: Changes,
}

fn publisher() -> Arc<Publisher> {
    Arc::new(Publisher::new(compile(&[], Revision(0)).expect("nothing compiles"), Timestamp(1)))
}

impl Side {
    fn new() -> Side {
        let (log, publisher) = (Arc::new(MemoryLog::new()), publisher());
        let view = Box::new(SqliteView::in_memory().expect("a view"));
        let log_port = Arc::clone(&log) as Arc<_>;
        let changes = Changes::open(log_port, view, Arc::clone(&publisher), Arc::new(Fixed));
        let changes = changes.expect("an empty log opens");
        let pack = PackText { name: "lists".into(), octets: NUMBERS.as_bytes().to_vec() };
        changes.seed(&[pack]).expect("the pack is right");
        Side { log, publisher, changes }
    }

    /// The same log, from an image.
    fn again(&self, image: &[u8]) -> Side {
        let image = Image::read(image).expect("a whole image");
        let publisher = publisher();
        publisher.publish(image.ruleset().expect("its parts fit"), Timestamp(2));
        publisher.set_stale(true);
        let view = Box::new(SqliteView::in_memory().expect("a view"));
        let log = Arc::clone(&self.log) as Arc<_>;
        let clock = Arc::new(Fixed);
        let changes = Changes::open_from(Some(image), log, view, Arc::clone(&publisher), clock);
        let changes = changes.expect("the log opens");
        Side { log: Arc::clone(&self.log), publisher, changes }
    }

    fn commit(&self, edits: Vec<Edit>) -> Revision {
        let set = self.changes.draft(caller("anna"), Draft { title: "t".into(), ..draft() });
        let set = set.expect("a draft");
        self.changes.edit(caller("anna"), set.id, None, edits).expect("edits");
        self.finish(set.id)
    }

    fn finish(&self, id: ringfence::model::catalogue::ChangeSetId) -> Revision {
        self.changes.submit(caller("anna"), id, None, true).expect("no errors");
        let _ = self.changes.approve(caller("boris"), id, "seen");
        self.changes.commit(caller("anna"), id, None).expect("it goes live").1.revision
    }

    fn import(&self, list: &str, text: &str) -> Revision {
        let request = ImportRequest {
            list: list.into(),
            change_set: None,
            draft: draft(),
            format: Format::Plain,
            columns: Vec::new(),
            region: None,
            defaults: Vec::new(),
            replaces: false,
        };
        let mut octets = text.as_bytes();
        let report = self.changes.import(caller("anna"), &request, &mut octets, &mut |_| {});
        self.finish(report.expect("an import").change_set.id)
    }

    fn put(&self, list: &str, value: &str) -> Edit {
        let spec: ListSpec = self.changes.list(list, None).expect("the list").spec;
        let row = Row::read(&spec, [("value", value)]).expect("a row");
        Edit::Put { list: list.into(), row }
    }

    fn blocks(&self, number: &str) -> bool {
        self.screen(number).0 == Action::Block
    }

    fn screen(&self, number: &str) -> (Action, Flags) {
        let mut attempt = Attempt::empty(Traffic::Call);
        attempt.originator.raw = number.as_bytes();
        attempt.recipient.raw = b"+8613800138000";
        let mut answer = None;
        let screener = Screener::new(Arc::clone(&self.publisher), Arc::new(Fixed));
        screener.screen(&attempt, &mut |verdict, _| {
            answer = Some((verdict.would_action, verdict.flags));
        });
        answer.expect("a verdict")
    }

    fn image(&self) -> Vec<u8> {
        let draft = self.changes.take_image().expect("a new base");
        let mut octets = Vec::new();
        draft.write(&mut |piece| octets.extend_from_slice(piece)).expect("an image");
        octets
    }

    /// The same answers as a compilation of the whole log gives.
    fn assert_as_compiled(&self) {
        let publisher = publisher();
        let view = Box::new(SqliteView::in_memory().expect("a view"));
        let log = Arc::clone(&self.log) as Arc<_>;
        let changes = Changes::open(log, view, Arc::clone(&publisher), Arc::new(Fixed));
        let other =
            Side { log: Arc::clone(&self.log), publisher, changes: changes.expect("it opens") };
        let (one, two) = (self.publisher.load(), other.publisher.load());
        assert_eq!((one.revision, one.digest), (two.revision, two.digest));
        assert_eq!((one.entries(), one.lists()), (two.entries(), two.lists()));
        for tail in 0..3_000 {
            let number = bulk(tail);
            assert_eq!(self.screen(&number), other.screen(&number), "{number}");
        }
    }
}

fn draft() -> Draft {
    Draft { title: "an import".into(), reason: "a test".into(), ..Draft::default() }
}

fn bulk(tail: usize) -> String {
    format!("+86131{:08}", tail * 7)
}

fn many() -> String {
    (0..2_000).map(|tail| bulk(tail) + "\n").collect()
}

fn remove(list: &str, key: &str) -> Edit {
    Edit::Remove { list: list.into(), key: key.into() }
}

#[test]
fn an_image_of_the_newest_revision_needs_no_compilation() {
    let side = Side::new();
    side.import("reported.numbers", &many());
    let again = side.again(&side.image());
    assert!(again.blocks(&bulk(5)) && again.blocks("+8613000000001"));
    assert!(!again.blocks("+8613000000002"));
    assert!(!again.publisher.is_stale());
    assert!(again.changes.take_image().is_none(), "nothing was compiled");
    again.assert_as_compiled();
}

#[test]
fn what_was_committed_after_the_image_is_caught_up_with() {
    let side = Side::new();
    side.import("reported.numbers", &many());
    side.commit(vec![remove("reported.numbers", &bulk(1))]);
    let image = side.image();

    side.commit(vec![remove("reported.numbers", &bulk(7)), remove("reported.numbers", &bulk(8))]);
    side.commit(vec![side.put("reported.numbers", &bulk(8))]);
    side.commit(vec![side.put("reported.numbers", "+8613000000002")]);
    let again = side.again(&image);
    assert!(again.changes.take_image().is_none(), "an overlay is enough");
    for (number, blocks) in [(bulk(1), false), (bulk(7), false), (bulk(8), true), (bulk(9), true)] {
        assert_eq!(again.blocks(&number), blocks, "{number}");
    }
    assert!(again.blocks("+8613000000002"));
    again.assert_as_compiled();

    // A prefix takes a new base; the bulk layers of the image stay.
    side.commit(vec![side.put("reported.numbers", "+86132123456*")]);
    let again = side.again(&image);
    assert!(again.blocks("+8613212345678"));
    let next = again.image();
    again.assert_as_compiled();
    assert_eq!(Image::read(&next).expect("whole").revision(), again.publisher.load().revision);
}

#[test]
fn a_value_taken_out_of_a_bulk_import_stays_out() {
    let side = Side::new();
    side.import("reported.numbers", &many());
    side.commit(vec![remove("reported.numbers", &bulk(3))]);
    // A new base hides it, and so does every overlay after.
    side.commit(vec![side.put("reported.numbers", "+86132123456*")]);
    assert!(!side.blocks(&bulk(3)) && side.blocks(&bulk(4)));
    side.commit(vec![side.put("reported.numbers", "+8613000000002")]);
    assert!(!side.blocks(&bulk(3)) && side.blocks(&bulk(4)));
    side.assert_as_compiled();
    // Put in again as an entry of its own, and taken out again.
    side.commit(vec![side.put("reported.numbers", &bulk(3))]);
    assert!(side.blocks(&bulk(3)));
    side.assert_as_compiled();
    side.commit(vec![remove("reported.numbers", &bulk(3))]);
    assert!(!side.blocks(&bulk(3)));
    side.assert_as_compiled();
}

#[test]
fn a_text_taken_out_of_a_bulk_import_is_gone_at_once() {
    let side = Side::new();
    let hosts: String = (0..1_500).map(|n| format!("h{n}.example\n")).collect();
    side.import("bad.hosts", &hosts);
    let before = side.publisher.load().entries();
    side.commit(vec![remove("bad.hosts", "h7.example")]);
    assert_eq!(side.publisher.load().entries(), before - 1);
    side.assert_as_compiled();
    let image = side.image();
    side.commit(vec![remove("bad.hosts", "h8.example")]);
    side.again(&image).assert_as_compiled();
}

#[test]
fn an_image_of_another_history_is_not_gone_on_from() {
    let side = Side::new();
    side.import("reported.numbers", &many());
    let image = side.image();
    let other = Side::new();
    other.commit(vec![other.put("reported.numbers", "+8613000000005")]);
    let again = other.again(&image);
    assert!(!again.blocks(&bulk(5)) && again.blocks("+8613000000005"));
    again.assert_as_compiled();
}

#[test]
fn a_damaged_image_is_an_error_in_words() {
    let side = Side::new();
    side.import("reported.numbers", &many());
    let image = side.image();
    assert!(Image::read(&image).is_ok());
    for cut in [0, 1, 31, 32, 100, image.len() / 2, image.len() - 1] {
        assert!(Image::read(&image[..cut]).is_err(), "cut at {cut}");
    }
    let mut damaged = image.clone();
    for at in (0..image.len()).step_by(image.len() / 150) {
        damaged[at] ^= 1 << (at % 8);
        assert!(Image::read(&damaged).is_err(), "octet {at}");
        damaged[at] = image[at];
    }
    damaged.push(0);
    assert!(Image::read(&damaged).is_err());
}

/// A server in a process of its own.
struct Server {
    child: Child,
    ready: String,
    control: String,
}

impl Server {
    fn start(dir: &Path) -> Option<Server> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(["serve", "--listen", "127.0.0.1:0", "--control-listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let ready = out.lines().map_while(Result::ok).find(|line| line.starts_with("ready"));
        let Some(ready) = ready else {
            let ended = child.wait().expect("it ends");
            assert!(!ended.success());
            return None;
        };
        let control = word(&ready, "control").to_owned();
        Some(Server { child, ready, control })
    }

    fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }

    fn ask(&self, args: &[&str]) -> (bool, String) {
        let server = format!("http://{}", self.control);
        let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(args)
            .args(["--control-server", &server])
            .output()
            .expect("the program runs");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), words)
    }
}

fn word<'l>(line: &'l str, name: &str) -> &'l str {
    let found = line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {name} in {line}"))
}

#[test]
fn a_server_with_a_damaged_log_serves_its_image_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Server::start(folder.path()).expect("an empty folder will do");
    assert_eq!((word(&first.ready, "store"), word(&first.ready, "stale")), ("ok", "no"));
    let image = folder.path().join("image");
    let began = Instant::now();
    while !image.exists() {
        assert!(began.elapsed() < Duration::from_secs(30), "no image was written");
        std::thread::sleep(Duration::from_millis(50));
    }
    let ready = first.ready.clone();
    first.kill();
    let log = folder.path().join("log.db");
    let whole = std::fs::read(&log).expect("a log");
    std::fs::write(&log, vec![0x5A; whole.len()]).expect("it is damaged");

    let broken = Server::start(folder.path()).expect("the image is there");
    assert_eq!((word(&broken.ready, "store"), word(&broken.ready, "stale")), ("broken", "yes"));
    for name in ["revision", "digest", "entries", "lists"] {
        assert_eq!(word(&ready, name), word(&broken.ready, name));
    }
    let (done, words) = broken.ask(&["list", "ls"]);
    assert!(!done, "{words}");
    assert!(words.contains("store cannot be used"), "{words}");
    broken.kill();

    // Without the image there is nothing to screen with.
    let octets = std::fs::read(&image).expect("an image");
    std::fs::write(&image, &octets[..octets.len() / 2]).expect("it is cut");
    assert!(Server::start(folder.path()).is_none());
}
