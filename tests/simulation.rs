//! Seeded simulation of the write side: people, a log that refuses, loses answers and crashes, a
//! view and a publisher. After each step the book is what the log says, what was acknowledged is
//! there and live, what was refused is nowhere, and there is always a ruleset to screen with.
//!
//! `RINGFENCE_SEEDS=N` runs that many seeds, `RINGFENCE_SEED=S` that one alone.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence::app::changes::api::Refusal;
use ringfence::app::changes::{ChangeLog, Control};
use ringfence::lists::changeset::{Book, ChangeSet, State};
use ringfence::lists::edit::Edit;
use ringfence::lists::event::{Draft, Event};
use ringfence::model::catalogue::{ChangeSetId, Cursor};
use ringfence::model::revision::{Digest, Revision};
use ringfence::store::memory::Fault;
use ringfence::store::{MemoryLog, SqliteView};
use support::desk::{Desk, NUMBERS, anna, boris, clear, new_list, remove, spec, tiny_packs, who};

/// Seeds of an ordinary run.
const SEEDS: u64 = 12;
/// Steps of one seed.
const STEPS: usize = 60;

/// xorshift64*.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }
}

/// What the people know.
struct World {
    seed: u64,
    draw: Draw,
    log: Arc<MemoryLog>,
    desk: Desk,
    /// Commits that were acknowledged: revision and digest by change-set.
    acknowledged: BTreeMap<ChangeSetId, (Revision, Digest)>,
    /// Commits whose answer was that it is not known.
    unknown: Vec<ChangeSetId>,
    /// Titles of drafts that were refused.
    refused: Vec<String>,
    drafts: u64,
    crashes: u64,
    commits: u64,
}

impl World {
    fn new(seed: u64) -> World {
        let log = Arc::new(MemoryLog::new());
        let port: Arc<dyn ChangeLog> = log.clone();
        let desk = Desk::anew(&port);
        desk.changes.seed(&tiny_packs()).expect("packs");
        let lists = ["l.a kind=number effect=block", "l.b kind=number points=400"];
        desk.commit(lists.iter().map(|line| new_list(line)).collect()).expect("lists");
        let draw = Draw(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        World {
            seed,
            draw,
            log,
            desk,
            acknowledged: BTreeMap::new(),
            unknown: Vec::new(),
            refused: Vec::new(),
            drafts: 0,
            crashes: 0,
            commits: 0,
        }
    }

    fn faults(&mut self) {
        let fault = match self.draw.below(24) {
            0 => Fault::Refused,
            1 => Fault::UnknownWritten,
            2 => Fault::UnknownLost,
            3 => Fault::CrashWritten,
            4 => Fault::CrashLost,
            _ => Fault::None,
        };
        let before = self.draw.below(3);
        if fault != Fault::None {
            self.log.script(std::iter::repeat_n(Fault::None, before).chain([fault]));
        }
    }

    fn edits(&mut self) -> Vec<Edit> {
        let count = 1 + self.draw.below(3);
        (0..count).map(|_| self.edit()).collect()
    }

    fn edit(&mut self) -> Edit {
        let list = ["l.a", "l.b"][self.draw.below(2)];
        let number = NUMBERS[self.draw.below(NUMBERS.len())];
        let of = |line: &str, cells: &[(&str, &str)]| support::desk::put(&spec(line), cells);
        match self.draw.below(14) {
            0..=5 => {
                let points = ["200", "500", "900"][self.draw.below(3)];
                let row = [("value", number), ("points", points), ("effect", "score")];
                of(&format!("{list} kind=number"), &row)
            }
            6..=8 => remove(list, number),
            9 => clear(list, number),
            10 => {
                let ceiling = ["block", "hold", "label"][self.draw.below(3)];
                new_list(&format!("l.b kind=number points=400 ceiling={ceiling}"))
            }
            11 => {
                let values = [8_613_900_000_011, 8_613_900_000_012 + self.draw.next() % 2];
                let mut octets = self.log_segment(&values);
                if let Edit::PutSegment { list: of, .. } = &mut octets {
                    *of = list.into();
                }
                octets
            }
            12 => of("t.policy kind=policy", &[("key", "call.hold"), ("value", "650")]),
            _ => Edit::RemoveList { list: list.into() },
        }
    }

    fn log_segment(&self, values: &[u64]) -> Edit {
        if self.log.is_crashed() {
            return remove("l.a", NUMBERS[2]);
        }
        self.desk.numbers("l.a", values, &[("points", "700"), ("effect", "score")])
    }

    /// A change-set that is not over.
    fn open_set(&mut self) -> Option<ChangeSet> {
        let page = Default::default();
        let sets = self.desk.changes.change_sets(None, page).ok()?.items;
        let open: Vec<_> = sets.into_iter().filter(|set| !set.state.is_over()).collect();
        if open.is_empty() { None } else { Some(open[self.draw.below(open.len())].clone()) }
    }

    fn step(&mut self) {
        let set = self.open_set();
        let what = self.draw.below(13);
        let outcome = match (what, set) {
            (0..=2, _) | (_, None) => self.draft(),
            (3, Some(_)) => {
                let to = Revision(1 + self.draw.next() % self.desk.revision().max(1));
                self.desk.changes.rollback(anna(), to, "as before").map(drop)
            }
            (4, Some(set)) => self.desk.changes.withdraw(anna(), set.id).map(drop),
            (5, Some(set)) => {
                let edits = self.edits();
                self.desk.changes.edit(anna(), set.id, Some(set.etag), edits).map(drop)
            }
            (6..=7, Some(set)) => self.desk.changes.submit(anna(), set.id, None, true).map(drop),
            (8..=9, Some(set)) => self.desk.changes.approve(boris(), set.id, "").map(drop),
            (_, Some(set)) => {
                let reason = ["", "now"][self.draw.below(2)];
                self.commit(&set, Some(reason))
            }
        };
        if let Err(refusal) = outcome {
            assert!(!refusal.to_string().is_empty(), "{}", self.seed);
        }
    }

    fn draft(&mut self) -> Result<(), Refusal> {
        self.drafts += 1;
        let title = format!("draft {}", self.drafts);
        let request_id = format!("request {}", self.drafts);
        let draft = Draft {
            title: title.clone().into(),
            request_id: request_id.into(),
            ..Draft::default()
        };
        let set = match self.desk.changes.draft(anna(), draft.clone()) {
            Ok(set) => set,
            Err(Refusal::Unknown(_)) if !self.log.is_crashed() => {
                // A repeat finds the first one, or is the first one.
                let set = self.desk.changes.draft(anna(), draft)?;
                let page = self.desk.changes.change_sets(None, Default::default())?;
                let same = page.items.iter().filter(|set| *set.draft.title == *title);
                assert_eq!(same.count(), 1, "seed {}", self.seed);
                set
            }
            Err(Refusal::Unknown(what)) => return Err(Refusal::Unknown(what)),
            Err(refusal) => {
                self.refused.push(title);
                return Err(refusal);
            }
        };
        let edits = self.edits();
        let set = self.desk.changes.edit(anna(), set.id, Some(set.etag), edits)?;
        if self.draw.below(2) == 0 {
            return Ok(());
        }
        self.desk.changes.submit(anna(), set.id, None, true)?;
        self.desk.changes.approve(boris(), set.id, "")?;
        self.commit(&set, None)
    }

    fn commit(&mut self, set: &ChangeSet, reason: Option<&str>) -> Result<(), Refusal> {
        let known = self.desk.changes.change_set(set.id)?;
        match self.desk.changes.commit(who("carl"), set.id, reason) {
            Ok((after, live)) => {
                assert_eq!(after.state, State::Committed(live.revision), "seed {}", self.seed);
                assert_eq!(self.desk.revision(), live.revision.0, "seed {}", self.seed);
                self.acknowledged.insert(set.id, (live.revision, live.digest));
                self.commits += 1;
                Ok(())
            }
            Err(Refusal::Unknown(what)) => {
                self.unknown.push(set.id);
                Err(Refusal::Unknown(what))
            }
            Err(refusal) => {
                if !self.log.is_crashed() {
                    let now = self.desk.changes.change_set(set.id)?;
                    assert_eq!(now.state, known.state, "refused is not done: {}", self.seed);
                }
                Err(refusal)
            }
        }
    }

    /// Starts again after a crash, with the old view's content or a new one: both come out alike.
    fn recover(&mut self) {
        self.crashes += 1;
        self.log.restart();
        let port: Arc<dyn ChangeLog> = self.log.clone();
        self.desk = Desk::anew(&port);
        self.invariants(true);
    }

    /// `whole`: nothing is in doubt, so that what is live is all that the log has.
    fn invariants(&self, whole: bool) {
        let seed = self.seed;
        let live = self.desk.publisher.load();
        let mut book = Book::default();
        let mut digests = BTreeMap::from([(Revision(0), Digest::default())]);
        let mut committed = BTreeMap::new();
        let mut previous = live.digest;
        for record in self.log.read_from(Cursor(0), usize::MAX).expect("the log") {
            let (actor, event) = record.content.expect("nothing is erased");
            if let Event::Committed { change_set, revision, previous: before, .. } = &event {
                assert_eq!(digests.get(&Revision(revision.0 - 1)), Some(before), "seed {seed}");
                digests.insert(*revision, record.hash);
                committed.insert(*change_set, (*revision, record.hash));
                previous = record.hash;
            }
            if let Event::Drafted(draft) = &event {
                let nowhere = !self.refused.iter().any(|title| **title == *draft.title);
                assert!(nowhere, "seed {seed}: {} was refused", draft.title);
            }
            book.apply(record.cursor, record.time, actor, &event).expect("a book");
        }
        book.check_invariants().unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        assert_eq!(digests.get(&live.revision), Some(&live.digest), "seed {seed}");
        for (set, known) in &self.acknowledged {
            assert_eq!(committed.get(set), Some(known), "seed {seed}: change-set {set}");
            assert!(live.revision >= known.0, "seed {seed}: change-set {set} is not live");
        }
        if whole {
            assert_eq!(live.revision, book.revision(), "seed {seed}");
            assert_eq!(live.digest, previous, "seed {seed}");
            for set in &self.unknown {
                let state = self.desk.changes.change_set(*set).expect("it was drafted").state;
                let here = committed.get(set).map(|(revision, _)| State::Committed(*revision));
                assert_eq!(here.is_some(), matches!(state, State::Committed(_)), "seed {seed}");
            }
        }
        assert_eq!(self.desk.answers().len(), 2 * NUMBERS.len() + 3 * 2 + 4, "seed {seed}");
    }

    /// What is live answers as everything compiled anew.
    fn same_as_anew(&self) {
        let port: Arc<dyn ChangeLog> = self.log.clone();
        let anew = Desk::anew(&port);
        assert_eq!(self.desk.answers(), anew.answers(), "seed {}", self.seed);
        assert_eq!(self.desk.publisher.load().digest, anew.publisher.load().digest);
    }
}

fn run(seed: u64) -> (u64, u64) {
    let mut world = World::new(seed);
    for step in 0..STEPS {
        world.faults();
        world.step();
        if world.log.is_crashed() {
            world.recover();
        } else {
            world.invariants(false);
            if step % 4 == 3 {
                // Faults that were not met yet are none of this call.
                world.log.restart();
                world.desk.changes.tend().expect("a control thread");
                world.invariants(true);
            }
        }
        if step % 16 == 15 {
            world.log.restart();
            world.desk.changes.tend().expect("a control thread");
            world.same_as_anew();
        }
    }
    (world.commits, world.crashes)
}

#[test]
fn people_and_faults() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("RINGFENCE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("RINGFENCE_SEEDS").unwrap_or(SEEDS) + 1,
    };
    let (mut commits, mut crashes, mut ran) = (0, 0, 0);
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| run(seed));
        let Ok((some, more)) = outcome else {
            panic!("seed {seed} fails; RINGFENCE_SEED={seed} runs it alone");
        };
        (commits, crashes, ran) = (commits + some, crashes + more, ran + 1);
    }
    eprintln!("{ran} seeds, {commits} commits, {crashes} crashes");
    assert!(commits > 2 * ran, "the simulation commits something");
}

/// What a view has taken before a crash does not count: the log does.
#[test]
fn a_view_in_a_file_is_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("view.db");
    let log = Arc::new(MemoryLog::new());
    let port: Arc<dyn ChangeLog> = log.clone();
    let open = || {
        let view = SqliteView::open(&path).expect("a view");
        Desk::open(port.clone(), Box::new(view)).expect("opens")
    };
    let desk = open();
    desk.changes.seed(&tiny_packs()).expect("packs");
    desk.commit(vec![new_list("l.a kind=number effect=block")]).expect("a list");
    let set = desk.drafted(vec![desk.put("l.a", &[("value", NUMBERS[0])])]).expect("a draft");
    desk.changes.submit(anna(), set.id, None, true).expect("submitted");
    drop(desk);
    for (fault, there) in [(Fault::CrashLost, false), (Fault::CrashWritten, true)] {
        let desk = open();
        log.script([fault]);
        let refusal = desk.changes.commit(anna(), set.id, None).expect_err("a crash");
        assert!(matches!(refusal, Refusal::Unknown(_)), "{refusal:?}");
        drop(desk);
        log.restart();
        let desk = open();
        assert_eq!(desk.revision(), if there { 3 } else { 2 });
        let state = desk.changes.change_set(set.id).expect("it is there").state;
        assert_eq!(matches!(state, State::Committed(_)), there);
        assert_eq!(desk.answers(), Desk::anew(&port).answers());
    }
}
