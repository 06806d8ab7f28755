use super::*;
use crate::lists::pack::parse_list_line;
use crate::lists::view::{MemoryView, Origin, View};
use crate::model::catalogue::{Actor, BlobId, ChangeSetId};
use crate::model::revision::Revision;
use crate::model::time::Timestamp;

fn list(line: &str) -> Edit {
    Edit::PutList(Box::new(parse_list_line(line).unwrap()))
}

fn put(list: &str, kind: &str, cells: &[(&str, &str)]) -> Edit {
    let spec = parse_list_line(&format!("{list} kind={kind}")).unwrap();
    Edit::Put { list: list.into(), row: Row::read(&spec, cells.iter().copied()).unwrap() }
}

fn number(list: &str, value: &str) -> Edit {
    put(list, "number", &[("value", value)])
}

fn remove(list: &str, key: &str) -> Edit {
    Edit::Remove { list: list.into(), key: key.into() }
}

fn segment(count: u64, shared: &[(&'static str, &str)]) -> SegmentUse {
    let shared = shared.iter().map(|(name, cell)| (*name, Box::from(*cell))).collect();
    SegmentUse { blob: BlobId([7; 32]), count, shared }
}

fn catalogue() -> MemoryView {
    let mut view = MemoryView::default();
    let origin = Origin {
        revision: Revision(1),
        change_set: ChangeSetId(1),
        actor: Actor::program(),
        time: Timestamp(1),
    };
    let edits = [
        list("block kind=number effect=block"),
        list("low kind=number effect=block ceiling=label"),
        list("score kind=number points=50"),
        list("allow kind=number effect=allow"),
        list("order kind=number effect=block ground=order authority=a case=b"),
        list("class kind=number-class"),
        list("trunks kind=trunk"),
        list("policy kind=policy"),
        list("empty kind=number"),
        number("block", "+8613800138000"),
        number("allow", "+8613800138001"),
        number("score", "+8613800138000"),
        put("policy", "policy", &[("key", "mode"), ("value", "label-only")]),
        put("policy", "policy", &[("key", "call.block"), ("value", "800")]),
        put("trunks", "trunk", &[("trunk", "T1"), ("mode", "observe")]),
        put("trunks", "trunk", &[("trunk", "T3"), ("mode", "enforce")]),
        Edit::PutSegment { list: "block".into(), segment: segment(101, &[]) },
    ];
    view.commit(origin, &edits).unwrap();
    view
}

fn ask(edits: &[Edit]) -> Option<String> {
    let view = catalogue();
    assert_eq!(view.revision(), Revision(1));
    let scope = Scope::new(&view, edits).unwrap();
    second_person(edits, &scope, &ApprovalLimits::default()).unwrap()
}

#[test]
fn one_person_is_enough() {
    let policy = |key, value| put("policy", "policy", &[("key", key), ("value", value)]);
    let trunk = |trunk, mode| put("trunks", "trunk", &[("trunk", trunk), ("mode", mode)]);
    for edits in [
        vec![number("block", "+8613800138009")],
        vec![remove("block", "+8613800138000")],
        (0..100).map(|n| remove("block", &format!("+86138001381{n:02}"))).collect(),
        vec![number("block", "+861380013*")],
        vec![number("block", "CN:95588*")],
        vec![number("block", "+8613800130000-+8613800139999")],
        vec![number("block", "+8613800130*-+8613800139*")],
        vec![number("low", "+86138*")],
        vec![number("score", "+86138*")],
        vec![policy("mode", "observe")],
        vec![policy("call.block", "900"), policy("text-ceiling", "label")],
        vec![trunk("T2", "observe"), trunk("T3", "label-only")],
        vec![remove("trunks", "T3")],
        vec![list("new kind=number effect=allow"), list("empty kind=number effect=allow")],
        vec![list("score kind=number points=40 ceiling=label shadow=yes")],
        vec![Edit::PutSegment { list: "block".into(), segment: segment(100, &[]) }],
    ] {
        assert_eq!(ask(&edits), None, "{edits:?}");
    }
}

#[test]
fn a_second_person_is_asked() {
    let policy = |key, value| put("policy", "policy", &[("key", key), ("value", value)]);
    let trunk = |cells| put("trunks", "trunk", cells);
    let class = [
        ("region", "CN"),
        ("prefix", "13"),
        ("digits", "11"),
        ("class", "mobile"),
        ("origination", "never"),
        ("abroad", "block"),
    ];
    let own_effect =
        |effect| put("score", "number", &[("value", "+8613800138000"), ("effect", effect)]);
    for (edits, wanted) in [
        ((0..101).map(|n| remove("block", &format!("+861{n:05}"))).collect(), "101 entries"),
        (vec![number("block", "+86138001*")], "stops more numbers"),
        (vec![number("block", "CN:9558*")], "stops more numbers"),
        (vec![number("block", "+8613800130000-+8613800140000")], "stops more numbers"),
        (vec![number("block", "+86138001*-+86138002*")], "stops more numbers"),
        (vec![number("block", "+8613800130*-+8613800140*")], "stops more numbers"),
        (vec![put("score", "number", &[("value", "+86138*"), ("points", "600")])], "stops more"),
        (vec![number("allow", "+8613800138000")], "effect=allow"),
        (vec![remove("allow", "+8613800138001")], "effect=allow"),
        (vec![own_effect("protect")], "effect=protect"),
        (vec![own_effect("watch")], "effect=watch"),
        (vec![number("order", "+8613800138000")], "legal orders"),
        (vec![put("class", "number-class", &class)], "which numbers there can be"),
        (vec![policy("mode", "enforce")], "hardens the mode to enforce"),
        (vec![policy("call.block", "700")], "threshold for calls"),
        (vec![policy("message.label", "200")], "threshold for messages"),
        (vec![policy("text-ceiling", "block")], "text alone"),
        (vec![policy("hold-max", "7200")], "longer"),
        (vec![policy("default-region", "GB")], "another region"),
        (vec![remove("policy", "call.block"), policy("hold-max", "7200")], "longer"),
        (vec![trunk(&[("trunk", "T1"), ("mode", "label-only")])], "of trunk T1 to label-only"),
        (vec![remove("trunks", "T1")], "of trunk T1 to label-only"),
        (vec![trunk(&[("trunk", "T2"), ("mode", "enforce")])], "of trunk T2 to enforce"),
        (vec![trunk(&[("trunk", "T2"), ("number", "+8610*")])], "binds numbers"),
        (vec![Edit::RemoveList { list: "score".into() }], "takes list score out"),
        (vec![list("score kind=number points=60")], "what list score does"),
        (vec![list("block kind=number effect=block party=either")], "what list block does"),
        (
            vec![Edit::PutSegment { list: "block".into(), segment: segment(101, &[]) }],
            "has 101 values",
        ),
        (
            vec![Edit::RemoveSegment { list: "block".into(), blob: BlobId([7; 32]) }],
            "has 101 values",
        ),
        (
            vec![Edit::PutSegment {
                list: "score".into(),
                segment: segment(1, &[("effect", "allow")]),
            }],
            "effect=allow",
        ),
    ] {
        let why = ask(&edits).unwrap_or_else(|| panic!("{wanted}: {edits:?}"));
        assert!(why.contains(wanted), "{why}\nwanted {wanted}");
    }
}
