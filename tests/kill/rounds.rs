//! Rounds of work, SIGKILL, start, and everything that was answered looked up again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ringfence::wire::lists_v1 as pb;

use super::client::{Client, Commit, put};
use super::server::{PACK_ENTRIES, Ready, Server, pack};
use super::work::{BULK, Desk, Known, Notes, ROWS, Rng, bulk_number, holds};

/// Those who work at once.
const PEOPLE: [&str; 3] = ["anna", "carl", "dora"];
/// Rounds on one data directory: a log that grows without end would measure the log.
const ROUNDS_A_DIRECTORY: u64 = 50;
/// The longest that is worked before the kill.
const WORK_MAX_MS: u64 = 250;
/// Where the kill waits for commits, it waits for at most so many, and not longer than this.
const COMMITS_MAX: u64 = 8;
const COMMITS_WAIT: Duration = Duration::from_secs(2);
/// About as long as a commit takes.
const COMMIT_MAX_US: u64 = 12_000;
/// One start in so many is killed before it is ready.
const KILLED_STARTS: u64 = 5;
/// Numbers of the model that are asked about after each start.
const NUMBERS_ASKED: u64 = 24;

/// What many rounds came to.
#[derive(Debug, Default)]
pub struct Tally {
    pub rounds: u64,
    pub killed_starts: u64,
    pub acknowledged: u64,
    /// Commits that are there although their answer was lost.
    pub unanswered: u64,
    pub ready_ms: Vec<u64>,
}

impl Tally {
    /// A line for people.
    pub fn line(&mut self) -> String {
        self.ready_ms.sort_unstable();
        let all = &self.ready_ms;
        let at = |share: usize| all.get((all.len() * share / 100).min(all.len() - 1)).copied();
        format!(
            "{} rounds, {} of them killed while starting; {} commits acknowledged and found, {} \
             there without an answer; ready in ms: p50 {:?} p99 {:?} max {:?}",
            self.rounds,
            self.killed_starts,
            self.acknowledged,
            self.unanswered,
            at(50).unwrap_or(0),
            at(99).unwrap_or(0),
            all.last().unwrap_or(&0)
        )
    }
}

/// Runs so many rounds.
pub fn run(rounds: u64, seed: u64) -> Tally {
    let mut rng = Rng(seed);
    let mut tally = Tally::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    while tally.rounds < rounds {
        let folder = tempfile::tempdir().unwrap();
        let pack = pack(folder.path());
        let data = folder.path().join("data");
        let notes = Arc::new(Mutex::new(Notes::default()));
        let most = ROUNDS_A_DIRECTORY.min(rounds - tally.rounds);
        for _ in 0..most {
            tally.rounds += 1;
            if tally.rounds.is_multiple_of(100) {
                eprintln!("{}", tally.line());
            }
            round(&data, &pack, &notes, &mut rng, &mut tally, &runtime);
        }
        // The last kill is looked at, too.
        let mut server = Server::spawn(&data, &pack);
        let ready = server.must_be_ready();
        runtime.block_on(async {
            check(&Client::new(&ready), &ready, &notes, &mut rng, &mut tally).await;
        });
    }
    tally
}

fn round(
    data: &Path,
    pack: &Path,
    notes: &Arc<Mutex<Notes>>,
    rng: &mut Rng,
    tally: &mut Tally,
    runtime: &tokio::runtime::Runtime,
) {
    let mut server = Server::spawn(data, pack);
    if rng.below(KILLED_STARTS) == 0 {
        let usual = tally.ready_ms.last().copied().unwrap_or(100);
        std::thread::sleep(Duration::from_micros(rng.below(usual * 1000 + 1)));
        server.kill();
        tally.killed_starts += 1;
        return;
    }
    let ready = server.must_be_ready();
    tally.ready_ms.push(u64::try_from(ready.took.as_millis()).unwrap());
    runtime.block_on(async {
        let client = Client::new(&ready);
        check(&client, &ready, notes, rng, tally).await;
        let (killed, commits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let desk = Desk {
            client,
            notes: Arc::clone(notes),
            commits: Arc::clone(&commits),
            killed: Arc::clone(&killed),
        };
        let people = PEOPLE.map(|name| tokio::spawn(desk.clone().work(name, Rng(rng.next()))));
        if rng.below(3) > 0 {
            // Most kills come while a commit is on its way.
            let wanted = 1 + rng.below(COMMITS_MAX);
            let until = Instant::now() + COMMITS_WAIT;
            while commits.load(Ordering::SeqCst) < wanted && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_micros(rng.below(COMMIT_MAX_US))).await;
        } else {
            tokio::time::sleep(Duration::from_micros(rng.below(WORK_MAX_MS * 1000))).await;
        }
        killed.store(true, Ordering::SeqCst);
        server.kill();
        for person in people {
            person.await.unwrap();
        }
    });
}

/// Looks up what was answered, settles what was not, and checks that nothing else is there.
async fn check(
    client: &Client,
    ready: &Ready,
    notes: &Arc<Mutex<Notes>>,
    rng: &mut Rng,
    tally: &mut Tally,
) {
    let commits = client.commits().await.expect("the log can be read");
    settle(notes, &commits, tally);
    let last = commits.last().expect("the packs are revision 1");
    assert_eq!((ready.revision, &ready.digest), (last.revision, &last.digest), "{ready:?}");
    let model = notes.lock().unwrap().model.clone();
    for list in [ROWS, BULK] {
        let held = model.lists.get(list).cloned().unwrap_or_default();
        let rows = held.rows.iter().filter(|(_, is_row)| **is_row).map(|(key, _)| key.clone());
        let rows: BTreeSet<String> = rows.collect();
        assert_eq!(client.entries(list).await.unwrap(), rows, "entries of {list}");
        assert_eq!(client.segments(list).await.unwrap(), held.segments, "segments of {list}");
    }
    let numbers = expected(&notes.lock().unwrap(), rng);
    for (number, blocked) in numbers {
        let (found, revision) = client.is_blocked(&number).await.expect("an answer");
        assert_eq!((found, revision), (blocked, last.revision), "{number}");
    }
    let open = open_sets(&notes.lock().unwrap());
    for (id, known) in open {
        let found = client.set(id).await.expect("an answered draft is there");
        let settled = settle_open(id, &known, &found);
        notes.lock().unwrap().sets.insert(id, settled);
    }
    client.verify().await.expect("the log verifies");
}

/// Compares the commits of the log with what was answered, and takes those into the model.
fn settle(notes: &Arc<Mutex<Notes>>, commits: &[Commit], tally: &mut Tally) {
    let mut notes = notes.lock().unwrap();
    for (revision, (change_set, digest)) in &notes.acknowledged {
        let at = usize::try_from(*revision - 1).unwrap();
        let found = commits.get(at).unwrap_or_else(|| panic!("revision {revision} is lost"));
        assert_eq!((&found.change_set, &found.digest), (change_set, digest), "at {revision}");
    }
    if notes.model.revision == 0 {
        // The packs, which nobody was answered.
        let edits = PACK_ENTRIES.map(|(list, number)| put(list, number));
        notes.model.commit(&edits);
        notes.acknowledged.insert(1, (commits[0].change_set, commits[0].digest.clone()));
    }
    let known_before = usize::try_from(notes.model.revision).unwrap();
    for commit in &commits[known_before..] {
        let known = notes.sets.get_mut(&commit.change_set);
        let known = known.unwrap_or_else(|| panic!("nobody asked for {commit:?}"));
        assert_eq!(known.ending, Some(false), "{commit:?} was never to be committed");
        match known.revision {
            Some(_) => tally.acknowledged += 1,
            None => tally.unanswered += 1,
        }
        known.revision = Some(commit.revision);
        let edits = known.edits.clone();
        notes.model.commit(&edits);
        let answer = (commit.change_set, commit.digest.clone());
        notes.acknowledged.insert(commit.revision, answer);
    }
}

/// Numbers with what they must get: some of the model, some that were never committed.
fn expected(notes: &Notes, rng: &mut Rng) -> Vec<(String, bool)> {
    let model = &notes.model;
    let mut numbers: Vec<String> = Vec::new();
    for held in model.lists.values() {
        let count = held.rows.len() as u64;
        let at: Vec<u64> = (0..NUMBERS_ASKED / 2).map(|_| rng.below(count)).collect();
        let keys: Vec<&String> = held.rows.keys().collect();
        numbers.extend(at.iter().filter_map(|at| keys.get(*at as usize).map(|k| (*k).clone())));
    }
    // All of those that were in the air, and of bulk imports first, last and one beside.
    let recent = notes.sets.values().rev().take(6).flat_map(|known| &known.edits);
    numbers.extend(recent.map(super::client::key_of).filter(|key| !key.is_empty()));
    for first in notes.blobs.values().take(8) {
        numbers.extend([0, 1, 999, 1000].map(|at| bulk_number(*first, at)));
    }
    let in_blob =
        |blob: &str, number: &str| notes.blobs.get(blob).is_some_and(|f| holds(*f, number));
    let answer = |number: String| {
        let blocked = model.blocks(&number, |blob| in_blob(blob, &number));
        (number, blocked)
    };
    numbers.into_iter().map(answer).collect()
}

fn open_sets(notes: &Notes) -> Vec<(u64, Known)> {
    let open = notes.sets.iter().filter(|(_, k)| k.revision.is_none() && !k.withdrawn);
    open.map(|(id, known)| (*id, known.clone())).collect()
}

/// An open change-set: what was answered is there, what was not is there whole or not at all.
fn settle_open(id: u64, known: &Known, found: &pb::ChangeSet) -> Known {
    let mut known = known.clone();
    let answered = known.edits.len() as u64;
    let with_sent = answered + known.sent as u64;
    let is_over = found.state() == pb::ChangeSetState::Withdrawn;
    assert!(
        found.edit_count == answered || found.edit_count == with_sent,
        "change-set {id} has {} edits, {answered} or {with_sent} were sent",
        found.edit_count
    );
    assert!(!is_over || known.ending == Some(true), "change-set {id} was not withdrawn by anybody");
    assert_ne!(found.state(), pb::ChangeSetState::Committed, "change-set {id} without a revision");
    known.withdrawn = is_over;
    if known.sent > 0 {
        // What was added cannot be told by now; nobody commits it.
        known.ending = Some(true);
    } else if !is_over {
        known.ending = None;
    }
    known
}
