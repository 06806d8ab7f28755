//! The write side under load: how soon a committed entry decides, beside what the disk takes to
//! sync, and what the swap of a large base does to screening. Answers are checked first.
//!
//! `cargo bench --bench changes` (some minutes after the build); `-- --quick` uses 1M numbers and
//! fewer rounds; `-- --dir FOLDER` works in that folder's disk instead of the current one's.

mod support;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ringfence::app::catalogue::compile;
use ringfence::app::changes::api::{Caller, Format, ImportRequest};
use ringfence::app::changes::ports::{
    AppendError, ChangeLog, Head, LogError, NewRecord, Record, Verified,
};
use ringfence::app::changes::{Changes, Control};
use ringfence::app::clock::SteadyClock;
use ringfence::app::publisher::Publisher;
use ringfence::app::screener::Screener;
use ringfence::app::screening::{Clock, Screen};
use ringfence::lists::edit::Edit;
use ringfence::lists::event::{Draft, Event};
use ringfence::lists::pack;
use ringfence::lists::row::Row;
use ringfence::model::attempt::Attempt;
use ringfence::model::catalogue::{Actor, BlobId, Cursor};
use ringfence::model::policy::{Action, Traffic};
use ringfence::model::revision::Revision;
use ringfence::store::{DataDir, SqliteLog, SqliteView};
use support::Draw;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LIST: &str = "reported.numbers";
/// Share of a core that the load takes.
const LOAD: f64 = 0.7;
/// Windows of the swap measurement, each of these two kinds.
const WINDOWS: usize = 20;
const WINDOW: Duration = Duration::from_millis(500);

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let quick = args.iter().any(|arg| arg == "--quick");
    let folder = args.iter().position(|arg| arg == "--dir").and_then(|at| args.get(at + 1));
    let folder = PathBuf::from(folder.map_or(".", |folder| folder));
    let folder = tempfile::tempdir_in(folder).expect("the folder can be written");
    let bench = Bench::open(folder.path());
    bench.check();
    let rounds = if quick { 200 } else { 1_000 };
    bench.one_entry(rounds, folder.path());
    bench.large_base(if quick { 1_000_000 } else { 10_000_000 });
}

/// The log on disk, which tells when an append had become durable.
struct Timed {
    log: SqliteLog,
    durable: Mutex<Instant>,
}

impl ChangeLog for Timed {
    fn head(&self) -> Result<Head, LogError> {
        self.log.head()
    }
    fn append(&self, record: &NewRecord<'_>, expected: Cursor) -> Result<Head, AppendError> {
        let head = self.log.append(record, expected);
        if matches!(record.event, Event::Committed { .. }) {
            *self.durable.lock().expect("nobody panics") = Instant::now();
        }
        head
    }
    fn read_from(&self, after: Cursor, max: usize) -> Result<Vec<Record>, LogError> {
        self.log.read_from(after, max)
    }
    fn put_blob(&self, octets: &[u8]) -> Result<BlobId, LogError> {
        self.log.put_blob(octets)
    }
    fn get_blob(&self, blob: BlobId) -> Result<Vec<u8>, LogError> {
        self.log.get_blob(blob)
    }
    fn erase(&self, cursors: &[Cursor]) -> Result<(), LogError> {
        self.log.erase(cursors)
    }
    fn verify(&self, progress: &mut dyn FnMut(Cursor)) -> Result<Verified, LogError> {
        self.log.verify(progress)
    }
}

struct Bench {
    log: Arc<Timed>,
    publisher: Arc<Publisher>,
    changes: Arc<Changes>,
    _dir: Arc<DataDir>,
}

fn caller(name: &str) -> Caller {
    Caller { actor: Actor::parse(name).expect("a name") }
}

fn draft() -> Draft {
    Draft { title: "bench".into(), reason: "bench".into(), ..Draft::default() }
}

impl Bench {
    fn open(folder: &Path) -> Bench {
        let dir = Arc::new(DataDir::open(folder).expect("a data directory"));
        let log = SqliteLog::open(&dir).expect("a log");
        let log = Arc::new(Timed { log, durable: Mutex::new(Instant::now()) });
        let view = SqliteView::open(&dir.view_path()).expect("a view");
        let first = compile(&[], Revision(0)).expect("nothing compiles");
        let publisher = Arc::new(Publisher::new(first, SteadyClock::new().now()));
        let port = Arc::clone(&log) as Arc<_>;
        let clock = Arc::new(SteadyClock::new());
        let changes = Changes::open(port, Box::new(view), Arc::clone(&publisher), clock);
        let changes = Arc::new(changes.expect("an empty log opens"));
        changes.seed_starter().expect("the starter packs are right");
        let bench = Bench { log, publisher, changes, _dir: dir };
        let text = format!(
            "%pack b\n%list {LIST} kind=number effect=block category=CN08\n\
             %columns value\n+8613000000009\n"
        );
        let (spec, _) = pack::rows("b", text.as_bytes()).expect("a list").remove(0);
        bench.commit(vec![Edit::PutList(Box::new(spec))]);
        bench
    }

    fn put(&self, number: &str) -> Edit {
        let spec = self.changes.list(LIST, None).expect("the list").spec;
        let cells = [("value", number), ("reason", "bench")];
        Edit::Put { list: LIST.into(), row: Row::read(&spec, cells).expect("a row") }
    }

    fn commit(&self, edits: Vec<Edit>) -> Revision {
        let set = self.changes.draft(caller("anna"), draft()).expect("a draft");
        self.changes.edit(caller("anna"), set.id, None, edits).expect("edits");
        self.live(set.id)
    }

    fn live(&self, id: ringfence::model::catalogue::ChangeSetId) -> Revision {
        self.changes.submit(caller("anna"), id, None, true).expect("no errors");
        let _ = self.changes.approve(caller("boris"), id, "seen");
        self.changes.commit(caller("anna"), id, None).expect("it goes live").1.revision
    }

    fn screener(&self) -> Screener {
        Screener::new(Arc::clone(&self.publisher), Arc::new(SteadyClock::new()))
    }

    /// Added, an entry blocks; removed, it does not; each from its own revision on.
    fn check(&self) {
        let number = "+8613000000001";
        let screener = self.screener();
        assert_ne!(ask(&screener, number), (Action::Block, self.publisher.load().revision));
        let revision = self.commit(vec![self.put(number)]);
        assert_eq!(ask(&screener, number), (Action::Block, revision));
        let removed = Edit::Remove { list: LIST.into(), key: number.into() };
        let revision = self.commit(vec![removed]);
        let (action, at) = ask(&screener, number);
        assert!(action != Action::Block && at == revision);
    }

    /// From the durable commit of one entry to the first verdict under its revision.
    fn one_entry(&self, rounds: usize, folder: &Path) {
        let syncs = fsyncs(folder, rounds);
        let load = Load::start(self.screener(), LOAD);
        let (mut visible, mut commits, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let number = format!("+86131{round:08}");
            let seen = Arc::new(Mutex::new(None));
            let (screener, first, watched) = (self.screener(), Arc::clone(&seen), number.clone());
            let stop = Arc::new(AtomicBool::new(false));
            let ended = Arc::clone(&stop);
            let watch = thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    if ask(&screener, &watched).0 == Action::Block {
                        *first.lock().expect("nobody panics") = Some(Instant::now());
                        return;
                    }
                    // Another core's client, not a spinning one: the machine may be small.
                    thread::sleep(Duration::from_micros(50));
                }
            });
            let began = Instant::now();
            let set = self.changes.draft(caller("anna"), draft()).expect("a draft");
            let edits = vec![self.put(&number)];
            self.changes.edit(caller("anna"), set.id, None, edits).expect("edits");
            self.changes.submit(caller("anna"), set.id, None, true).expect("no errors");
            let asked = Instant::now();
            self.changes.commit(caller("anna"), set.id, None).expect("it goes live");
            commits.push(asked.elapsed());
            watch.join().expect("the watcher sees it");
            stop.store(true, Ordering::Relaxed);
            let durable = *self.log.durable.lock().expect("nobody panics");
            let first = seen.lock().expect("nobody panics").expect("it was seen");
            visible.push(first.saturating_duration_since(durable));
            whole.push(first.duration_since(began));
            self.publisher.collect();
        }
        let verdicts = load.stop();
        println!("one entry, {rounds} rounds under load ({} verdicts beside):", verdicts.count);
        show("  bare fdatasync of 4 KiB", &syncs);
        show("  durable commit to first verdict under it", &visible);
        show("  commit asked to answered", &commits);
        show("  draft to first verdict (4 records)", &whole);
        assert_eq!(verdicts.failed, 0, "every attempt has a verdict");
    }

    /// Import and publish of a large base, and the swaps of one.
    fn large_base(&self, numbers: usize) {
        let mut draw = Draw(42);
        let mut text = Vec::with_capacity(numbers * 15);
        for _ in 0..numbers {
            let number = 8_613_200_000_000 + draw.next() % 6_000_000_000;
            writeln!(text, "+{number}").expect("memory can be written");
        }
        let began = Instant::now();
        let request = ImportRequest {
            list: LIST.into(),
            change_set: None,
            draft: draft(),
            format: Format::Plain,
            columns: Vec::new(),
            region: None,
            defaults: vec![("reason".into(), "bench".into())],
            replaces: false,
        };
        let report = self.changes.import(caller("anna"), &request, &mut &text[..], &mut |_| {});
        let report = report.expect("an import");
        let read = began.elapsed();
        self.live(report.change_set.id);
        println!(
            "import of {numbers} numbers: read in {:.1} s, checked, committed and live in {:.1} s",
            read.as_secs_f64(),
            began.elapsed().as_secs_f64()
        );
        let first = std::str::from_utf8(&text[..14]).expect("digits").to_owned();
        drop(text);
        assert_eq!(ask(&self.screener(), &first).0, Action::Block, "{first}");
        self.swaps();
    }

    /// Latency of verdicts in windows with a swap of the base, and in quiet ones between them.
    fn swaps(&self) {
        let (mut quiet, mut busy) = (Vec::new(), Vec::new());
        let mut failed = 0;
        for round in 0..WINDOWS {
            let load = Load::start(self.screener(), LOAD);
            thread::sleep(WINDOW);
            let window = load.stop();
            failed += window.failed;
            quiet.push(window.p99());
            // A prefix takes a new base, compiled, published and retired within the window.
            let prefix = self.put(&format!("+8619{:07}*", 1_000_000 + round));
            let set = self.changes.draft(caller("anna"), draft()).expect("a draft");
            self.changes.edit(caller("anna"), set.id, None, vec![prefix]).expect("edits");
            self.changes.submit(caller("anna"), set.id, None, true).expect("no errors");
            let load = Load::start(self.screener(), LOAD);
            let began = Instant::now();
            self.changes.commit(caller("anna"), set.id, None).expect("it goes live");
            let took = began.elapsed();
            thread::sleep(WINDOW.saturating_sub(took));
            self.publisher.collect();
            let window = load.stop();
            failed += window.failed;
            busy.push(window.p99());
        }
        quiet.sort();
        busy.sort();
        let (quiet, busy) = (quiet[WINDOWS / 2], busy[WINDOWS / 2]);
        println!(
            "publish of a new base under {:.0} % load, {WINDOWS} windows each: median p99 {:.1} us \
             with a swap, {:.1} us quiet, ratio {:.2}, failed {failed}",
            LOAD * 100.0,
            busy.as_secs_f64() * 1e6,
            quiet.as_secs_f64() * 1e6,
            busy.as_secs_f64() / quiet.as_secs_f64()
        );
        assert_eq!(failed, 0, "every attempt has a verdict");
    }
}

/// One verdict: its action and revision.
fn ask(screener: &Screener, number: &str) -> (Action, Revision) {
    let mut attempt = Attempt::empty(Traffic::Call);
    attempt.originator.raw = number.as_bytes();
    attempt.recipient.raw = b"+8613800138000";
    let mut answer = None;
    screener.screen(&attempt, &mut |verdict, stamp| {
        answer = Some((verdict.would_action, stamp.revision));
    });
    answer.expect("a verdict")
}

/// Screens on a thread of its own, busy for a share of the time.
struct Load {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Verdicts>,
}

#[derive(Default)]
struct Verdicts {
    count: u64,
    failed: u64,
    times: Vec<Duration>,
}

impl Verdicts {
    fn p99(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort();
        times[times.len() * 99 / 100]
    }
}

impl Load {
    fn start(screener: Screener, share: f64) -> Load {
        /// Verdicts between two pauses.
        const BURST: usize = 64;
        static SEED: AtomicU64 = AtomicU64::new(1);
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let mut draw = Draw(SEED.fetch_add(1, Ordering::Relaxed) * 77_777 + 1);
        let thread = thread::spawn(move || {
            let mut verdicts = Verdicts::default();
            while !ended.load(Ordering::Relaxed) {
                let burst = Instant::now();
                for _ in 0..BURST {
                    let number = format!("+{}", 8_613_200_000_000 + draw.next() % 6_000_000_000);
                    let mut attempt = Attempt::empty(Traffic::Call);
                    attempt.originator.raw = number.as_bytes();
                    attempt.recipient.raw = b"+8613800138000";
                    let mut answered = false;
                    let began = Instant::now();
                    screener.screen(&attempt, &mut |_, _| answered = true);
                    verdicts.times.push(began.elapsed());
                    verdicts.count += 1;
                    verdicts.failed += u64::from(!answered);
                }
                thread::sleep(burst.elapsed().mul_f64((1.0 - share) / share));
            }
            verdicts
        });
        Load { stop, thread }
    }

    fn stop(self) -> Verdicts {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("nobody panics")
    }
}

/// What the disk takes to make four kilobytes durable.
fn fsyncs(folder: &Path, rounds: usize) -> Vec<Duration> {
    let mut file = File::create(folder.join("sync")).expect("a file");
    let page = [7u8; 4096];
    let mut times = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        file.write_all(&page).and_then(|()| file.sync_data()).expect("the disk takes it");
        times.push(began.elapsed());
    }
    times
}

fn show(what: &str, times: &[Duration]) {
    let mut times = times.to_vec();
    times.sort();
    let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e3;
    println!("{what}: p50 {:.3} ms, p99 {:.3} ms", at(50), at(99));
}
