//! Every path by which a ruleset changes: overlay, rebuild, fold, rollback, upgrade. They all lead
//! to the same verdicts, and none of them past the guard.

mod support;

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use ringfence::app::changes::api::{ModeScope, Refusal};
use ringfence::app::changes::{ChangeLog, Control};
use ringfence::engine::screen;
use ringfence::lists::edit::Edit;
use ringfence::model::attempt::{Attempt, Content, ContentBasis, StateFacts, TextEncoding};
use ringfence::model::number::Region;
use ringfence::model::policy::{Action, Mode, Traffic};
use ringfence::model::revision::Revision;
use ringfence::model::verdict::ReasonCode;
use ringfence::store::MemoryLog;
use support::cases::NOW;
use support::desk::{
    DOMAINS, Desk, NUMBERS, SENDERS, anna, boris, clear, new_list, pack, put, remove, small_packs,
    spec, tiny_packs,
};

/// Lists of the property, each with a way to change it.
const LISTS: [(&str, &str); 8] = [
    ("p.0 kind=number effect=block category=CN08", "ceiling=label"),
    ("p.1 kind=number points=400 party=either ground=policy", "points=250"),
    ("p.2 kind=sender points=500 ceiling=block", "shadow=yes"),
    ("p.3 kind=signature points=300 ceiling=block", "category=CN08"),
    ("p.4 kind=domain points=350 ceiling=block", "ground=policy"),
    ("p.5 kind=keyword points=200 ceiling=block", "ceiling=label"),
    ("p.6 kind=policy", ""),
    ("p.7 kind=trunk", ""),
];

/// What the people of the property do.
#[derive(Clone, Debug)]
enum Step {
    /// List, which value, what is said.
    Put(usize, usize, usize),
    Remove(usize, usize),
    Clear(usize, usize),
    Bulk(usize, usize, usize),
    NoBulk(usize, usize),
    Change(usize, bool),
    Gone(usize),
    Rollback(prop::sample::Index),
    /// Many edits, so that the next tending folds.
    Many,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..8usize, 0..8usize, 0..4usize).prop_map(|(l, v, m)| Step::Put(l, v, m)),
        10 => (0..8usize, 0..8usize).prop_map(|(l, v)| Step::Remove(l, v)),
        4 => (0..8usize, 0..8usize).prop_map(|(l, v)| Step::Clear(l, v)),
        8 => (0..3usize, 0..4usize, 0..4usize).prop_map(|(l, v, m)| Step::Bulk(l, v, m)),
        3 => (0..3usize, 0..4usize).prop_map(|(l, v)| Step::NoBulk(l, v)),
        2 => (0..8usize, any::<bool>()).prop_map(|(l, back)| Step::Change(l, back)),
        1 => (0..6usize).prop_map(Step::Gone),
        2 => any::<prop::sample::Index>().prop_map(Step::Rollback),
    ]
}

fn cells(list: usize, value: usize, says: usize) -> Vec<(&'static str, &'static str)> {
    let mut cells = match list {
        0 | 1 => vec![("value", NUMBERS[value])],
        2 => vec![("value", SENDERS[value % 3]), ("match", ["exact", "both"][value % 2])],
        3 => vec![("value", ["MyBank", "招商银行"][value % 2])],
        4 => vec![("value", DOMAINS[value % 4])],
        5 => vec![("value", ["safe account", "transfer", "*ccount"][value % 3])],
        6 => {
            let key = ["call.hold", "message.hold", "call.block"][value % 3];
            return vec![("key", key), ("value", ["650", "700", "800", "640"][says])];
        }
        _ => {
            let mode = ["observe", "label-only", "enforce", "observe"][says];
            return vec![("trunk", "T1"), ("mode", mode)];
        }
    };
    match says {
        0 => cells.extend([("effect", "score"), ("points", "700")]),
        1 => cells.extend([("effect", "score"), ("points", "120"), ("category", "GL01")]),
        2 => cells.extend([("valid_until", "2025-01-01"), ("reason", "over")]),
        _ => {}
    }
    cells
}

fn key(list: usize, value: usize) -> String {
    let row = put(&spec(LISTS[list].0), &cells(list, value, 3));
    let Edit::Put { row, .. } = row else { unreachable!("a put") };
    row.key().to_owned()
}

/// Segments that overlap; the last one of numbers holds a short code in its long form.
fn bulk(desk: &Desk, list: usize, which: usize, says: usize) -> Edit {
    let all = [8_613_900_000_011_u64, 8_613_900_000_012, 8_613_900_000_013, 8_695_588];
    let of = if list == 2 { 4 } else { list };
    let shared: Vec<(&'static str, &str)> =
        cells(of, 0, says).into_iter().filter(|(name, _)| *name != "value").collect();
    match list {
        2 => desk.texts("p.4", &[&DOMAINS[which..], &DOMAINS[..1]].concat(), &shared),
        _ => desk.numbers(&format!("p.{list}"), &all[which..], &shared),
    }
}

fn edits(desk: &Desk, step: &Step) -> Vec<Edit> {
    let id = |list: usize| format!("p.{list}");
    match *step {
        Step::Put(list, value, says) => {
            vec![put(&spec(LISTS[list].0), &cells(list, value, says))]
        }
        Step::Remove(list, value) => vec![remove(&id(list), &key(list, value))],
        Step::Clear(list, value) => vec![clear(&id(list), &key(list, value))],
        Step::Bulk(list, which, says) => vec![bulk(desk, list, which, says)],
        Step::NoBulk(list, which) => match bulk(desk, list, which, 3) {
            Edit::PutSegment { list, segment } => {
                vec![Edit::RemoveSegment { list, blob: segment.blob }]
            }
            _ => Vec::new(),
        },
        Step::Change(list, back) => {
            let (line, other) = LISTS[list];
            let line = if back { line.to_owned() } else { change(line, other) };
            vec![new_list(&line)]
        }
        Step::Gone(list) => {
            vec![Edit::RemoveList { list: id(list).into() }, new_list(LISTS[list].0)]
        }
        Step::Rollback(_) => Vec::new(),
        Step::Many => (0..1_999)
            .map(|n| put(&spec(LISTS[0].0), &[("value", &format!("+8613977{n:06}"))]))
            .collect(),
    }
}

/// The line with one attribute set anew.
fn change(line: &str, other: &str) -> String {
    let name = other.split('=').next().unwrap_or("");
    let kept = line.split(' ').filter(|word| name.is_empty() || !word.starts_with(name));
    let mut line = kept.collect::<Vec<_>>().join(" ");
    line += " ";
    line + other
}

fn desk() -> Desk {
    let log: Arc<dyn ChangeLog> = Arc::new(MemoryLog::new());
    Desk::anew(&log)
}

fn done(desk: &Desk, step: &Step) -> Result<(), Refusal> {
    let set = match step {
        Step::Rollback(to) => {
            let to = Revision(2 + to.index(desk.revision() as usize - 1) as u64);
            desk.changes.rollback(anna(), to, "back")?
        }
        _ => desk.drafted(edits(desk, step))?,
    };
    desk.finish(&set).map(drop)
}

/// Cases of the property: each compiles the catalogue some forty times.
fn cases() -> u32 {
    std::env::var("RINGFENCE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// What went live step by step answers as everything compiled anew, also behind a fold.
    #[test]
    fn all_paths_lead_to_the_same_verdicts(steps in vec(step(), 1..30), fold in prop::bool::weighted(0.2)) {
        let desk = desk();
        desk.changes.seed(&tiny_packs()).unwrap();
        desk.commit(LISTS.iter().map(|(line, _)| new_list(line)).collect()).unwrap();
        for (at, step) in steps.iter().enumerate() {
            let before = desk.answers();
            if let Err(refusal) = done(&desk, step) {
                prop_assert_eq!(desk.answers(), before, "{} {:?} {}", at, step, refusal);
                continue;
            }
            let anew = Desk::anew(&desk.log);
            prop_assert_eq!(desk.answers(), anew.answers(), "{} {:?}", at, step);
            let (one, other) = (desk.publisher.load(), anew.publisher.load());
            prop_assert_eq!((one.revision, one.digest), (other.revision, other.digest));
        }
        if fold && done(&desk, &Step::Many).is_ok() {
            for value in 0..3 {
                drop(done(&desk, &Step::Put(0, value, value)));
            }
            let before = desk.answers();
            desk.changes.tend().unwrap();
            prop_assert_eq!(desk.answers(), before, "folded");
            let anew = Desk::anew(&desk.log);
            prop_assert_eq!(desk.answers(), anew.answers(), "folded");
        }
    }
}

#[test]
fn steps_are_taken_and_many_of_them_fold() {
    let desk = desk();
    desk.changes.seed(&tiny_packs()).unwrap();
    desk.commit(LISTS.iter().map(|(line, _)| new_list(line)).collect()).unwrap();
    let mut steps = vec![Step::Bulk(0, 0, 3), Step::Bulk(1, 1, 0), Step::Bulk(2, 1, 1)];
    steps.extend((0..8).map(|list| Step::Put(list, if list == 3 { 0 } else { 3 }, 0)));
    steps.extend([
        Step::Remove(0, 2),
        Step::Clear(0, 2),
        Step::NoBulk(1, 1),
        Step::Change(1, false),
    ]);
    for step in &steps {
        done(&desk, step).unwrap_or_else(|refusal| panic!("{step:?}: {refusal}"));
    }
    done(&desk, &Step::Many).unwrap();
    for number in &NUMBERS[..3] {
        desk.commit(vec![put(&spec(LISTS[1].0), &[("value", number)])]).unwrap();
    }
    let base = |desk: &Desk| Arc::clone(&desk.publisher.load().base);
    let (before, answers) = (base(&desk), desk.answers());
    desk.changes.tend().unwrap();
    assert!(!Arc::ptr_eq(&before, &base(&desk)), "a fold makes a new base");
    assert_eq!(desk.answers(), answers);
    desk.changes.tend().unwrap();
    let hits = |word: &str| desk.answers().iter().filter(|answer| answer.contains(word)).count();
    for list in 0..6 {
        assert!(hits(&format!("\"p.{list}\"")) > 0, "no attempt meets list p.{list}");
    }
}

/// (region, country code, digits).
const PROTECTED: &[(&str, &str, &str)] = &[
    ("CN", "86", "110"),
    ("CN", "86", "120"),
    ("CN", "86", "96110"),
    ("CN", "86", "12381"),
    ("US", "1", "911"),
    ("US", "1", "988"),
    ("GB", "44", "999"),
    ("DE", "49", "112"),
    ("FR", "33", "15"),
];

/// Whoever calls or writes to these gets through, by whatever trunk.
fn nobody_is_kept_from_help(desk: &Desk, wanted: &[(&str, &str, &str)], when: &str) {
    let ruleset = desk.publisher.load();
    for (region, code, digits) in wanted {
        for (at, to) in [
            (*digits).to_owned(),
            format!("+{code}{digits}"),
            format!("tel:{digits}"),
            format!("<sip:{digits}@10.0.0.1;user=phone>"),
        ]
        .iter()
        .enumerate()
        {
            let mut attempt = Attempt::empty([Traffic::Call, Traffic::Message][at % 2]);
            attempt.region = Region::parse(region);
            attempt.recipient.raw = to.as_bytes();
            attempt.originator.raw = [NUMBERS[0], digits, "PayPal", ""][at].as_bytes();
            attempt.ingress.trunk_id = "T1";
            attempt.content = Content {
                octets: "请转账 transfer to the bank".as_bytes(),
                encoding: TextEncoding::Utf8,
                basis: ContentBasis::Consent,
            };
            let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
            assert_eq!(
                (verdict.action, verdict.would_action, verdict.reasons[0].code),
                (Action::Allow, Action::Allow, ReasonCode::ProtectedRecipient),
                "{when}: {to} ({region})"
            );
        }
    }
}

/// Change-sets that try to get between people and help. What the checks refuse is not live; what
/// they let through does no harm.
fn hostile(desk: &Desk) -> Vec<(&'static str, Vec<Edit>)> {
    let block = "h.all kind=number effect=block party=either ground=order authority=x case=1 \
                 valid-until=2099-01-01";
    let row = |value: &str| put(&spec(block), &[("value", value)]);
    let score = "h.score kind=number points=1000 party=recipient";
    let own = |value: &str| put(&spec(score), &[("value", value)]);
    let values = [86_110, 8_696_110, 8_612_381, 44_999, 49_112, 1_911_911];
    let policy = |key: &str, value: &str| {
        put(&spec("local.policy kind=policy"), &[("key", key), ("value", value)])
    };
    let trunk = [("trunk", "T1"), ("number", "CN:110")];
    vec![
        ("lists", vec![new_list(block), new_list(score), new_list("local.policy kind=policy")]),
        ("one number", vec![row("CN:110")]),
        ("another form", vec![row("+86110")]),
        ("short", vec![row("US:911"), row("DE:112")]),
        ("prefix", vec![row("CN:961*")]),
        ("score", vec![own("CN:120")]),
        ("bulk", vec![desk.numbers("h.score", &values, &[])]),
        ("bulk by order", vec![desk.numbers("h.all", &values, &[])]),
        (
            "thresholds",
            vec![
                policy("call.label", "50"),
                policy("call.hold", "100"),
                policy("call.block", "200"),
            ],
        ),
        ("text", vec![policy("text-ceiling", "block"), policy("message.hold", "100")]),
        ("region", vec![policy("default-region", "US")]),
        ("trunk", vec![new_list("h.trunks kind=trunk"), put(&spec("h.trunks kind=trunk"), &trunk)]),
        (
            "keywords",
            vec![
                new_list("h.words kind=keyword points=1000 ceiling=block"),
                put(&spec("h.words kind=keyword"), &[("value", "transfer to the bank")]),
            ],
        ),
    ]
}

#[test]
fn no_change_set_gets_past_the_guard() {
    let desk = desk();
    desk.changes.seed(&small_packs()).unwrap();
    nobody_is_kept_from_help(&desk, PROTECTED, "at first");
    let (mut live, mut refused) = (0, Vec::new());
    for (name, edits) in hostile(&desk) {
        match desk.commit(edits) {
            Ok(_) => live += 1,
            Err(refusal) => refused.push(format!("{name}: {refusal}")),
        }
        nobody_is_kept_from_help(&desk, PROTECTED, name);
        nobody_is_kept_from_help(&Desk::anew(&desk.log), PROTECTED, name);
    }
    assert!(live >= 5, "{refused:#?}");
    for mode in [Mode::Observe, Mode::Enforce] {
        let (set, live) = desk.changes.set_mode(anna(), &ModeScope::All, mode, "").unwrap();
        if live.is_none() {
            desk.changes.approve(boris(), set.id, "").unwrap();
            desk.changes.commit(anna(), set.id, None).unwrap();
        }
        nobody_is_kept_from_help(&desk, PROTECTED, mode.as_str());
    }
    let newest = desk.revision();
    for to in 1..newest {
        let undo = desk.changes.rollback(anna(), Revision(to), "back").unwrap();
        if desk.finish(&undo).is_ok() {
            nobody_is_kept_from_help(&desk, PROTECTED, &format!("back to {to}"));
        }
    }
    let mut packs = small_packs();
    packs.push(pack(
        "more",
        "%list h.more kind=number points=900 party=recipient\n%columns value\nCN:12381\n",
    ));
    desk.changes.seed(&packs).unwrap();
    let sets = desk.changes.change_sets(None, Default::default()).unwrap().items;
    for set in sets.iter().filter(|set| !set.state.is_over()) {
        drop(desk.changes.commit(anna(), set.id, Some("upgrade")));
    }
    nobody_is_kept_from_help(&desk, PROTECTED, "upgrade");
}

#[test]
fn protection_ends_by_two_people_only_and_never_everywhere() {
    let desk = desk();
    desk.changes.seed(&small_packs()).unwrap();
    let lists = desk.changes.lists(None).unwrap();
    let protects = |id: &str| id.contains("emergency") || id.contains("never-block");
    let lists: Vec<_> =
        lists.into_iter().map(|list| list.spec.id).filter(|id| protects(id)).collect();
    assert!(lists.len() > 2);
    let everywhere: Vec<_> =
        PROTECTED.iter().flat_map(|(r, c, _)| [(*r, *c, "112"), (*r, *c, "911")]).collect();
    for list in &lists {
        let page = desk.changes.entries(list, "", None, Default::default()).unwrap();
        let key = page.items[0].key.clone();
        let one = vec![remove(list, &key)];
        let whole = vec![Edit::RemoveList { list: list.clone() }];
        for edits in [one, whole] {
            let set = desk.drafted(edits).unwrap();
            match desk.changes.submit(anna(), set.id, None, true) {
                Err(Refusal::Precondition { reason: "HAS_ERRORS", .. }) => {
                    desk.changes.withdraw(anna(), set.id).unwrap();
                    continue;
                }
                submitted => drop(submitted.unwrap()),
            }
            let alone = desk.changes.commit(anna(), set.id, None).unwrap_err();
            assert!(
                matches!(alone, Refusal::Precondition { reason: "NEEDS_APPROVAL", .. }),
                "{list}: {alone}"
            );
            desk.changes.approve(boris(), set.id, "").unwrap();
            desk.changes.commit(anna(), set.id, None).unwrap();
        }
        nobody_is_kept_from_help(&desk, &everywhere, list);
    }
    nobody_is_kept_from_help(&Desk::anew(&desk.log), &everywhere, "at the end");
}
