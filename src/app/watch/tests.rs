use arrayvec::ArrayString;

use super::judge::{ENTRY_PERCENT, LIST_PERCENT, TRUNK_ATTEMPTS_MIN, VERDICTS_MIN};
use super::*;
use crate::model::policy::Mode;
use crate::model::verdict::{Flags, OnTimeout, Reason};

fn thing(list: &str, target: Target, places: Vec<u64>) -> Thing {
    let (list, revision) = (list.into(), Revision(7));
    Thing { list, target, revision, fixed: true, only_alert: false, places }
}

fn reason<'r>(list: &'r str, entry: &'r str, points: i16) -> Reason<'r> {
    Reason {
        code: ReasonCode::Keyword,
        points,
        category: None,
        list,
        entry: EntryRef::Text(entry),
        span: None,
        evidence: ArrayString::new(),
        shadow: false,
    }
}

fn verdict<'r>(would_action: Action, reasons: Vec<Reason<'r>>) -> Verdict<'r> {
    Verdict {
        action: Action::Allow,
        would_action,
        risk: 0,
        category: None,
        ground: None,
        label: None,
        hold_max_s: 0,
        on_timeout: OnTimeout::Deliver,
        reasons,
        mode: Mode::Observe,
        flags: Flags::default(),
    }
}

fn entry(watch: &Watch, list: &str, key: &str) -> Thing {
    let places = vec![watch.place(list, &EntryRef::Text(key))];
    thing(list, Target::Entry(key.into()), places)
}

fn found(watch: &Watch, now: u64) -> Vec<(String, u64, u64)> {
    let findings = watch.judge(Timestamp(now));
    findings
        .into_iter()
        .map(|found| {
            let key = found.thing.keys().first().map(|key| key.to_string());
            (key.unwrap_or(found.thing.list.into()), found.over.decided, found.over.of)
        })
        .collect()
}

#[test]
fn the_table_of_decisions() {
    use Scale::{Entry, List};
    assert_eq!((VERDICTS_MIN, ENTRY_PERCENT, LIST_PERCENT, TRUNK_ATTEMPTS_MIN), (50, 1, 5, 100));
    let all = |limit| Some((limit, false));
    let trunk = |limit| Some((limit, true));
    for (scale, verdicts, decided, trunks, expected) in [
        // Nothing, and everything of little.
        (Entry, 0, 0, vec![], None),
        (Entry, 50, 50, vec![], None),
        (Entry, 51, 51, vec![], all(50)),
        // One percent of 5,000 is 50; from there on the share decides.
        (Entry, 5_000, 50, vec![], None),
        (Entry, 5_000, 51, vec![], all(50)),
        (Entry, 100_000, 1_000, vec![], None),
        (Entry, 100_000, 1_001, vec![], all(1_000)),
        (List, 100_000, 1_001, vec![], None),
        (List, 100_000, 5_000, vec![], None),
        (List, 100_000, 5_001, vec![], all(5_000)),
        (List, 51, 51, vec![], all(50)),
        // A trunk of its own: a fifth of at least a hundred.
        (Entry, 100_000, 40, vec![(99, 40)], None),
        (Entry, 100_000, 20, vec![(100, 20)], None),
        (Entry, 100_000, 21, vec![(100, 21)], trunk(20)),
        (List, 100_000, 500, vec![(90_000, 290), (1_000, 210)], trunk(200)),
        (List, 100_000, 500, vec![(90_000, 300), (1_000, 200)], None),
        (Entry, u64::MAX, u64::MAX, vec![], all(u64::MAX / 100)),
    ] {
        let window = Window { scale, verdicts, decided, trunks };
        let got = judge(&window).map(|over| (over.limit, over.of_trunk));
        assert_eq!(got, expected, "{window:?}");
    }
}

#[test]
fn only_what_decides_is_counted() {
    let watch = Watch::default();
    watch.count(&verdict(Action::Block, vec![reason("l", "a", 0)]), "t");
    let scored = Thing { fixed: false, ..entry(&watch, "l", "points") };
    let others = ["other-list", "allow", "shadow"].map(|key| entry(&watch, "l", key));
    let things = others.into_iter().chain([entry(&watch, "l", "a"), scored]).collect();
    watch.arm(things, |_| false, Timestamp(1_000));
    for _ in 0..60 {
        // Blocks of its own, behind points; points behind other points; not at all.
        let behind = vec![reason("x", "first", 300), reason("l", "a", 0), reason("l", "points", 5)];
        watch.count(&verdict(Action::Block, behind), "");
        watch.count(&verdict(Action::Allow, vec![reason("l", "points", 5)]), "");
        watch.count(&verdict(Action::Block, vec![reason("m", "other-list", 0)]), "");
        let allow = Reason { code: ReasonCode::AllowNotApplied, ..reason("l", "allow", 0) };
        let shadow = Reason { shadow: true, ..reason("l", "shadow", 0) };
        watch.count(&verdict(Action::Label, vec![allow, shadow]), "");
    }
    assert_eq!(found(&watch, 2_000), [("a".to_owned(), 60, 240)]);
    for _ in 0..51 {
        let weak = Reason { code: ReasonCode::BenignProfile, ..reason("x", "benign", -400) };
        watch.count(&verdict(Action::Label, vec![weak, reason("l", "points", 300)]), "");
    }
    assert_eq!(found(&watch, 3_000).len(), 2, "what takes points off decides nothing");
}

#[test]
fn a_minute_ends_and_a_clock_that_jumps_ends_none() {
    let watch = Watch::default();
    assert!(!watch.is_active());
    watch.arm(vec![], |_| false, Timestamp(1));
    assert!(!watch.is_active(), "nothing to watch");
    watch.arm(vec![entry(&watch, "l", "a")], |_| false, Timestamp(1));
    assert!(watch.is_active());
    let mut now = 1 << 40;
    assert!(watch.judge(Timestamp(now)).is_empty() && watch.is_active(), "a jump ahead");
    assert!(watch.judge(Timestamp(5)).is_empty() && watch.is_active(), "a jump back");
    now = 5;
    for _ in 0..54 {
        now += 1_000;
        assert!(watch.judge(Timestamp(now)).is_empty() && watch.is_active());
    }
    watch.judge(Timestamp(now + 1_000));
    assert!(!watch.is_active(), "sixty seconds have passed");
}

#[test]
fn an_entry_goes_before_its_group_and_the_rest_is_counted_anew() {
    let watch = Watch::default();
    let (bad, fine) = (entry(&watch, "l", "bad"), entry(&watch, "l", "fine"));
    let keys = vec!["bad".into(), "fine".into()];
    let places = [&bad, &fine].iter().flat_map(|thing| thing.places.clone()).collect();
    let group = thing("l", Target::Entries(keys), places);
    let list = thing("l", Target::List, vec![]);
    watch.arm(vec![list, group, bad.clone(), fine], |_| false, Timestamp(1));
    for _ in 0..100 {
        watch.count(&verdict(Action::Block, vec![reason("l", "bad", 0)]), "t");
    }
    watch.count(&verdict(Action::Block, vec![reason("l", "fine", 0)]), "t");
    assert_eq!(found(&watch, 2), [("bad".to_owned(), 100, 101)]);
    assert_eq!(found(&watch, 3).len(), 1, "until it is dealt with");
    watch.settle(&bad);
    assert!(found(&watch, 4).is_empty());
    for _ in 0..51 {
        watch.count(&verdict(Action::Block, vec![reason("l", "old", 0)]), "t");
    }
    assert_eq!(found(&watch, 5), [("l".to_owned(), 51, 51)], "others of the list as a whole");
}

#[test]
fn what_is_armed_again_or_gone_begins_anew() {
    let watch = Watch::default();
    let watched = entry(&watch, "l", "a");
    watch.arm(vec![watched.clone()], |_| false, Timestamp(1));
    let block = verdict(Action::Block, vec![reason("l", "a", 0)]);
    (0..51).for_each(|_| watch.count(&block, "t"));
    watch.arm(vec![watched], |_| false, Timestamp(2));
    assert!(found(&watch, 3).is_empty(), "counted anew");
    (0..51).for_each(|_| watch.count(&block, "t"));
    assert_eq!(found(&watch, 4), [("a".to_owned(), 51, 51)]);
    watch.arm(vec![], |thing| *thing.list == *"l", Timestamp(5));
    assert!(found(&watch, 6).is_empty() && !watch.is_active());
}

#[test]
fn trunks_have_shares_of_their_own_as_far_as_there_is_room() {
    let watch = Watch::default();
    watch.arm(vec![entry(&watch, "l", "a")], |_| false, Timestamp(1));
    let (block, allow) =
        (verdict(Action::Block, vec![reason("l", "a", 0)]), verdict(Action::Allow, vec![]));
    for trunk in 0..1_000 {
        watch.count(&allow, &format!("trunk {trunk}"));
    }
    assert!(found(&watch, 2).is_empty());
    let watch = Watch::default();
    watch.arm(vec![entry(&watch, "l", "a")], |_| false, Timestamp(1));
    for at in 0..100 {
        watch.count(if at < 21 { &block } else { &allow }, "small");
        (0..99).for_each(|_| watch.count(&allow, "large"));
    }
    assert_eq!(found(&watch, 2), [("a".to_owned(), 21, 100)]);
}

#[test]
fn threads_count_together() {
    let watch = Watch::default();
    watch.arm(vec![entry(&watch, "l", "a")], |_| false, Timestamp(1));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let block = verdict(Action::Block, vec![reason("l", "a", 0)]);
                (0..1_000).for_each(|_| watch.count(&block, "t"));
            });
        }
    });
    assert_eq!(found(&watch, 2), [("a".to_owned(), 4_000, 4_000)]);
}
