//! The first minute of a change, from commit to shadow: what is too broad goes by itself, what is
//! right stays, and the record says why.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringfence::app::catalogue::{PackText, compile, starter_packs};
use ringfence::app::changes::api::{Caller, PageRequest};
use ringfence::app::changes::{ChangeLog, Changes, Control};
use ringfence::app::publisher::Publisher;
use ringfence::app::screener::Screener;
use ringfence::app::screening::{Clock, RulesetInfo, Screen};
use ringfence::lists::changeset::{ChangeSet, State};
use ringfence::lists::edit::{Edit, SegmentUse};
use ringfence::lists::event::{Draft, DraftOrigin};
use ringfence::lists::pack::parse_list_line;
use ringfence::lists::row::Row;
use ringfence::lists::segment::encode_numbers;
use ringfence::model::attempt::{Attempt, ContentBasis, VerificationStatus};
use ringfence::model::catalogue::Actor;
use ringfence::model::entry::ListSpec;
use ringfence::model::number::E164Number;
use ringfence::model::policy::{Action, Traffic};
use ringfence::model::revision::Revision;
use ringfence::model::time::Timestamp;
use ringfence::store::memory::Fault;
use ringfence::store::{MemoryLog, SqliteView};

/// Revision 1: enforced, one list that blocks, one of a court, one of phrases.
const PACK: &str = "%pack t
%list t.policy kind=policy
%columns key value
mode\tenforce
%list t.block kind=number effect=block category=CN08
%columns value
+8613911110000
%list t.court kind=number effect=block category=CN08 ground=order authority=court case=7
%columns value valid_until
+8613911110001\t2035-01-01T00:00:00Z
%list t.words kind=keyword effect=score points=900 category=CN08
%columns value
a phrase that nobody writes
";

struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

struct World {
    changes: Changes,
    publisher: Arc<Publisher>,
    screener: Screener,
    clock: Arc<Ticking>,
    log: Arc<MemoryLog>,
}

fn who(name: &str) -> Caller {
    Caller { actor: Actor::parse(name).unwrap() }
}

impl World {
    fn new() -> World {
        let clock = Arc::new(Ticking(AtomicU64::new(1_750_000_000_000)));
        World::over(Arc::new(MemoryLog::new()), clock)
    }

    /// Starts over what there is.
    fn over(log: Arc<MemoryLog>, clock: Arc<Ticking>) -> World {
        let publisher = Arc::new(Publisher::new(compile(&[], Revision(0)).unwrap(), clock.now()));
        let view = Box::new(SqliteView::in_memory().unwrap());
        let (shared, time) = (Arc::clone(&publisher), Arc::clone(&clock) as Arc<dyn Clock>);
        let changes = Changes::open(Arc::clone(&log) as Arc<_>, view, shared, time).unwrap();
        let plans = |pack: &PackText| ["plans", "classes-cn"].iter().any(|n| pack.name.contains(n));
        let mut packs: Vec<PackText> = starter_packs().into_iter().filter(plans).collect();
        assert_eq!(packs.len(), 2);
        packs.push(PackText { name: "t".into(), octets: PACK.into() });
        changes.seed(&packs).unwrap();
        let time = Arc::clone(&clock) as Arc<dyn Clock>;
        let screener = Screener::new(Arc::clone(&publisher), time);
        World { changes, publisher, screener, clock, log }
    }

    /// A second person agrees to everything.
    fn commit(&self, edits: Vec<Edit>) -> Revision {
        let draft = Draft { title: "a change".into(), ..Draft::default() };
        let id = self.changes.draft(who("anna"), draft).unwrap().id;
        self.changes.edit(who("anna"), id, None, edits).unwrap();
        self.changes.submit(who("anna"), id, None, true).unwrap();
        self.changes.approve(who("boris"), id, "").unwrap();
        self.changes.commit(who("anna"), id, None).unwrap().1.revision
    }

    fn row(&self, list: &str, value: &str, more: &[(&str, &str)]) -> Edit {
        let spec = self.spec(list);
        let cells = [("value", value)].into_iter().chain(more.iter().copied());
        Edit::Put { list: list.into(), row: Row::read(&spec, cells).unwrap() }
    }

    fn spec(&self, list: &str) -> ListSpec {
        self.changes.list(list, None).unwrap().spec
    }

    fn screen(&self, attempt: &Attempt<'_>) -> (Action, Vec<(String, bool)>) {
        let mut answer = None;
        self.screener.screen(attempt, &mut |verdict, _| {
            let listed = verdict.reasons.iter().filter(|reason| !reason.list.is_empty());
            let reasons = listed.map(|reason| (reason.list.to_owned(), reason.shadow)).collect();
            answer = Some((verdict.action, reasons));
        });
        answer.unwrap()
    }

    fn call(&self, from: &str, trunk: &str) -> (Action, Vec<(String, bool)>) {
        let mut attempt = Attempt::empty(Traffic::Call);
        attempt.originator.raw = from.as_bytes();
        attempt.recipient.raw = b"+8613800138000";
        attempt.ingress.trunk_id = trunk;
        attempt.verification = VerificationStatus::NotPerformed;
        self.screen(&attempt)
    }

    fn message(&self, text: &str) -> (Action, Vec<(String, bool)>) {
        let mut attempt = Attempt::empty(Traffic::Message);
        attempt.originator.raw = b"+8613512345678";
        attempt.recipient.raw = b"+8613800138000";
        attempt.content.basis = ContentBasis::Contract;
        attempt.content.octets = text.as_bytes();
        self.screen(&attempt)
    }

    /// Calls that meet nothing.
    fn others(&self, calls: u64) {
        for at in 0..calls {
            assert_eq!(self.call(&format!("+8615{:09}", at * 7_919), "t").0, Action::Allow);
        }
    }

    fn second(&self) {
        self.clock.0.fetch_add(1_000, Ordering::Relaxed);
        self.changes.tend().unwrap();
    }

    fn drops(&self) -> Vec<ChangeSet> {
        let page = PageRequest { size: 100, token: "" };
        let sets = self.changes.change_sets(None, page).unwrap().items;
        sets.into_iter().filter(|set| set.draft.origin == DraftOrigin::Watch).collect()
    }

    fn shadow(&self, list: &str, key: &str) -> bool {
        let page = PageRequest { size: 10, token: "" };
        let found = self.changes.entries(list, key, None, page).unwrap().items;
        let row = found.iter().find(|entry| *entry.key == *key).unwrap().row.clone().unwrap();
        row.meta(&self.spec(list)).unwrap().shadow
    }
}

#[test]
fn a_prefix_that_is_too_broad_goes_and_the_entry_beside_it_stays() {
    let world = World::new();
    let broad = world.row("t.block", "+86130*", &[]);
    let fine = world.row("t.block", "+8615012345678", &[]);
    let revision = world.commit(vec![broad, fine]);
    for at in 0..60 {
        assert_eq!(world.call(&format!("+8613{:09}", at), "t").0, Action::Block);
    }
    world.others(40);
    assert_eq!(world.call("+8615012345678", "t").0, Action::Block);
    world.second();
    assert_eq!(world.changes.revision(), Revision(revision.0 + 1));
    let (action, reasons) = world.call("+8613000000001", "t");
    assert_eq!((action, reasons), (Action::Allow, vec![("t.block".to_owned(), true)]));
    assert_eq!(world.call("+8615012345678", "t").0, Action::Block, "the fine one");
    assert_eq!(world.call("+8613911110000", "t").0, Action::Block, "the old one");
    let drops = world.drops();
    let [drop] = &drops[..] else { panic!("{} change-sets of the watch", drops.len()) };
    assert_eq!(drop.author, Actor::program());
    assert!(matches!(drop.state, State::Committed(_)) && drop.edit_count == 1);
    assert_eq!(
        &*drop.draft.title,
        "watch: an entry of t.block decided 60 of 101 verdicts; to shadow"
    );
    assert!(drop.draft.reason.contains("the limit there is 50"), "{}", drop.draft.reason);
    assert!(!drop.draft.reason.contains("8613"), "no entry is named");
    let counts = world.publisher.watched().unwrap();
    assert_eq!((counts.alerts.get(), counts.drops.get()), (1, 1));
    for _ in 0..70 {
        world.second();
    }
    assert!(!world.publisher.watch().is_active(), "the minute is over");
    assert_eq!(world.drops().len(), 1);
    assert_eq!(world.changes.verify(&mut |_| ()).unwrap().head, world.log.head().unwrap());
}

#[test]
fn a_phrase_that_is_in_every_message_goes() {
    let world = World::new();
    world.commit(vec![world.row("t.words", "Hello", &[])]);
    let before = world.message("hello, are you there?");
    assert!(before.0 >= Action::Label, "{before:?}");
    for _ in 0..60 {
        world.message("Hello again");
    }
    world.second();
    let after = world.message("hello, are you there?");
    assert_eq!(after, (Action::Allow, vec![("t.words".to_owned(), true)]));
    assert!(world.message("a phrase that nobody writes").0 >= Action::Label);
}

#[test]
fn an_order_stays_and_so_does_what_decides_little() {
    let world = World::new();
    let order = world.row("t.court", "+86130*", &[("valid_until", "2035-01-01T00:00:00Z")]);
    let little = world.row("t.block", "+8615912345678", &[]);
    world.commit(vec![order, little]);
    for at in 0..400 {
        assert_eq!(world.call(&format!("+8613{:09}", at), "t").0, Action::Block);
    }
    assert_eq!(world.call("+8615912345678", "t").0, Action::Block);
    world.others(600);
    world.second();
    assert!(world.drops().is_empty());
    assert_eq!(world.call("+8613000000001", "t").0, Action::Block);
    assert_eq!(world.call("+8615912345678", "t").0, Action::Block);
}

#[test]
fn an_import_goes_as_a_whole_and_what_lets_through_stays() {
    let world = World::new();
    let spec = parse_list_line("t.bulk kind=number effect=block category=CN08").unwrap();
    let numbers: Vec<E164Number> = (0..1_000)
        .map(|at| E164Number::from_digits(format!("8615{at:09}").as_bytes()).unwrap())
        .collect();
    let blob = world.log.put_blob(&encode_numbers(numbers.iter().copied()).unwrap()).unwrap();
    let shared = vec![("category", "CN09".into()), ("shadow", "no".into())];
    let segment = SegmentUse { blob, count: 1_000, shared };
    let cells = [("value", "+8615000000999"), ("effect", "allow")];
    let allow = Edit::Put { list: "t.bulk".into(), row: Row::read(&spec, cells).unwrap() };
    world.commit(vec![
        Edit::PutList(Box::new(spec)),
        Edit::PutSegment { list: "t.bulk".into(), segment },
        allow,
    ]);
    for at in 0..51 {
        assert_eq!(world.call(&format!("+8615{at:09}"), "t").0, Action::Block);
    }
    world.second();
    let (action, reasons) = world.call("+8615000000001", "t");
    assert_eq!((action, reasons), (Action::Allow, vec![("t.bulk".to_owned(), true)]));
    assert!(world.spec("t.bulk").meta.shadow && !world.shadow("t.bulk", "+8615000000999"));
    assert!(world.drops()[0].draft.title.starts_with("watch: list t.bulk decided 51 of 51"));
}

#[test]
fn one_trunk_is_enough() {
    let world = World::new();
    world.commit(vec![world.row("t.block", "+86130*", &[])]);
    for at in 0..30 {
        world.call(&format!("+8613{:09}", at), "small");
    }
    for at in 0..70 {
        world.call(&format!("+8615{:09}", at), "small");
    }
    world.others(1_000);
    world.second();
    assert_eq!(world.call("+8613000000001", "small").0, Action::Allow);
    assert!(world.drops()[0].draft.title.contains("30 of 100 verdicts of a trunk"));
}

#[test]
fn who_enforces_again_overrules_the_watch() {
    let world = World::new();
    world.commit(vec![world.row("t.block", "+86130*", &[])]);
    let flood = || {
        for at in 0..60 {
            world.call(&format!("+8613{:09}", at), "t");
        }
        world.second();
    };
    flood();
    assert!(world.shadow("t.block", "+86130*"));
    world.commit(vec![world.row("t.block", "+86130*", &[])]);
    flood();
    assert!(!world.shadow("t.block", "+86130*"), "a person has looked at it");
    let counts = world.publisher.watched().unwrap();
    assert_eq!((counts.alerts.get(), counts.drops.get()), (2, 1));
}

#[test]
fn a_range_is_watched_under_all_its_prefixes() {
    let world = World::new();
    world.commit(vec![world.row("t.block", "+8613000000000-+8613059999999", &[])]);
    for at in 0..60 {
        assert_eq!(world.call(&format!("+86130{at:02}123456"), "t").0, Action::Block, "{at}");
    }
    world.second();
    assert_eq!(world.call("+8613012345678", "t").0, Action::Allow);
}

#[test]
fn numbers_of_a_regions_own_plan_are_found_in_every_form() {
    let world = World::new();
    world.commit(vec![world.row("t.block", "CN:40012*", &[])]);
    for at in 0..60 {
        assert_eq!(world.call(&format!("+8640012{at:05}"), "t").0, Action::Block, "{at}");
    }
    world.second();
    assert_eq!(world.call("+864001200001", "t").0, Action::Allow);
    world.commit(vec![world.row("t.block", "+8695581", &[])]);
    for _ in 0..60 {
        assert_eq!(world.call("+8695581", "t").0, Action::Block);
    }
    world.second();
    assert_eq!(world.call("+8695581", "t").1, [("t.block".to_owned(), true)]);
    assert_eq!(world.drops().len(), 2);
}

#[test]
fn a_full_disk_delays_it_and_it_is_tried_again() {
    let world = World::new();
    world.commit(vec![world.row("t.block", "+86130*", &[])]);
    for at in 0..60 {
        world.call(&format!("+8613{:09}", at), "t");
    }
    world.log.script([Fault::Refused]);
    world.second();
    assert_eq!(world.call("+8613000000001", "t").0, Action::Block, "it cannot be recorded");
    // The draft is there, the commit is not: it is given up, and made anew.
    world.log.script([Fault::None, Fault::None, Fault::None, Fault::Refused]);
    world.second();
    assert_eq!(world.call("+8613000000001", "t").0, Action::Block);
    world.second();
    assert_eq!(world.call("+8613000000001", "t").0, Action::Allow);
    let states: Vec<State> = world.drops().iter().map(|set| set.state).collect();
    assert!(matches!(states[..], [State::Committed(_), State::Withdrawn]), "{states:?}");
}

#[test]
fn a_start_watches_again_what_is_not_a_minute_old() {
    let world = World::new();
    world.commit(vec![world.row("t.block", "+86130*", &[])]);
    let World { log, clock, changes, .. } = world;
    drop(changes);
    clock.0.fetch_add(30_000, Ordering::Relaxed);
    let again = World::over(Arc::clone(&log), Arc::clone(&clock));
    assert!(again.publisher.watch().is_active());
    for at in 0..60 {
        assert_eq!(again.call(&format!("+8613{at:09}"), "t").0, Action::Block);
    }
    again.second();
    assert_eq!(again.call("+8613000000001", "t").0, Action::Allow);
    clock.0.fetch_add(120_000, Ordering::Relaxed);
    assert!(!World::over(log, clock).publisher.watch().is_active());
}
