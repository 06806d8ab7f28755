use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::lists::edit::SegmentUse;
use crate::lists::pack::parse_list_line;
use crate::lists::preview::preview;
use crate::lists::row::Row;
use crate::lists::segment::{encode_numbers, encode_texts};
use crate::lists::view::{MemoryView, Origin};
use crate::lists::{pack, starter};
use crate::model::catalogue::{Actor, BlobId, ChangeSetId};
use crate::model::number::E164Number;
use crate::model::revision::Revision;
use crate::model::time::Timestamp;

fn origin(view: &MemoryView) -> Origin {
    Origin {
        revision: Revision(view.revision().0 + 1),
        change_set: ChangeSetId(1),
        actor: Actor::program(),
        time: Timestamp(1),
    }
}

fn list(line: &str) -> Edit {
    Edit::PutList(Box::new(parse_list_line(line).unwrap()))
}

fn put(list: &str, kind: &str, cells: &[(&str, &str)]) -> Edit {
    let spec = parse_list_line(&format!("{list} kind={kind}")).unwrap();
    Edit::Put { list: list.into(), row: Row::read(&spec, cells.iter().copied()).unwrap() }
}

/// A number with a reason, so that nothing is said of its expiry.
fn number(list: &str, value: &str) -> Edit {
    put(list, "number", &[("value", value), ("reason", "reported")])
}

fn remove(list: &str, key: &str) -> Edit {
    Edit::Remove { list: list.into(), key: key.into() }
}

fn numbers(values: impl IntoIterator<Item = u64>) -> Vec<u8> {
    encode_numbers(values.into_iter().map(|value| E164Number::from_value(value).unwrap())).unwrap()
}

fn bulk(list: &str, blob: u8, count: u64) -> Edit {
    let shared = vec![("reason", "reported".into())];
    let segment = SegmentUse { blob: BlobId([blob; 32]), count, shared };
    Edit::PutSegment { list: list.into(), segment }
}

/// Ten mobiles from here on stand in blob 1.
const BULK: u64 = 8_613_800_001_000;

fn catalogue() -> MemoryView {
    let mut view = MemoryView::default();
    view.put_blob(BlobId([1; 32]), numbers(BULK..BULK + 10));
    let edits = [
        list("block kind=number effect=block"),
        list("allow kind=number effect=allow"),
        list("elsewhere kind=number effect=allow traffic=message tenant=2"),
        list("calls kind=number effect=block traffic=call tenant=3"),
        list("protect kind=number effect=protect party=either"),
        list("desk kind=number effect=protect party=recipient"),
        list("dno kind=number effect=block ground=invalid-number"),
        list("score kind=number points=100"),
        list("bulk kind=number effect=block"),
        list("domains kind=domain effect=block"),
        list("good kind=domain effect=allow"),
        list("words kind=keyword points=100"),
        number("block", "+8613800138000"),
        number("block", "+861390013*"),
        number("block", "+8613700130000-+8613700139999"),
        number("allow", "+8613800138001"),
        number("allow", "+861381*"),
        number("elsewhere", "+8613800138009"),
        number("protect", "CN:110"),
        number("protect", "+4930*"),
        number("protect", "+44110-+44119"),
        number("desk", "CN:12345"),
        put("good", "domain", &[("value", "example.com")]),
        bulk("bulk", 1, 10),
    ];
    view.commit(origin(&view), &edits).unwrap();
    view
}

fn report(view: &MemoryView, edits: &[Edit]) -> Report {
    let around =
        Surroundings { hold: 600, now: Some(Timestamp(1_800_000_000_000)), ..Default::default() };
    let lines: Vec<u64> = (0..edits.len() as u64).map(|place| place + 10).collect();
    check(&CheckInput { edits, lines: &lines, view, blobs: view, around: &around }).unwrap()
}

/// Findings as `ERROR rule@edit` or `warning rule@edit`.
fn found(edits: &[Edit]) -> Vec<String> {
    let report = report(&catalogue(), edits);
    assert_eq!((report.errors + report.warnings) as usize, report.findings.len());
    let name = |finding: &EditFinding| {
        assert!(RULES.contains(&finding.rule), "{finding:?}");
        assert_eq!(finding.line, finding.edit.map_or(0, |edit| u64::from(edit) + 10));
        let severity = match finding.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "warning",
        };
        format!("{severity} {}@{}", finding.rule, finding.edit.unwrap())
    };
    report.findings.iter().map(name).collect()
}

#[test]
fn what_is_right_has_no_findings() {
    for edits in [
        vec![number("block", "+8613800138002"), remove("block", "+8613800138000")],
        vec![
            list("new kind=domain effect=block"),
            put("new", "domain", &[("value", "bad.example"), ("reason", "r")]),
        ],
        vec![number("calls", "+8613800138009")],
        vec![remove("allow", "+8613800138001"), number("block", "+8613800138001")],
        vec![number("dno", "CN:110")],
        vec![number("score", "+8613800138000")],
        vec![put("words", "keyword", &[("value", "rent")])],
        vec![put("words", "keyword", &[("value", "安全账户"), ("points", "900")])],
        vec![put("dno", "number", &[("value", "+12345")])],
        vec![remove("bulk", "+8613800001003")],
        vec![list("block kind=number effect=block party=either")],
        vec![Edit::RemoveList { list: "score".into() }],
    ] {
        assert_eq!(found(&edits), Vec::<String>::new(), "{edits:?}");
    }
}

#[test]
fn what_is_wrong_or_odd() {
    let block = |cells| put("block", "number", cells);
    let blocked = |cells: &[(&str, &str)]| put("words", "keyword", cells);
    for (edits, wanted) in [
        (vec![number("nowhere", "+8613800138002")], &["ERROR unknown-list@0"][..]),
        (vec![list("block kind=domain")], &["ERROR list-kind@0"]),
        (vec![put("block", "domain", &[("value", "a.example")])], &["ERROR form@0"]),
        (vec![number("block", "CN:12*")], &["ERROR too-broad@0", "warning protected-number@0"]),
        (vec![block(&[("value", "+8613800138002")])], &["warning no-expiry@0"]),
        (
            vec![block(&[("value", "+8613800138002"), ("valid_until", "2026-01-01")])],
            &["warning over@0"],
        ),
        (
            vec![number("block", "+8613800138002"), number("block", "+8613800138002")],
            &["warning duplicate@1"],
        ),
        (vec![number("block", "+8613800138000")], &["warning unchanged@0"]),
        (vec![remove("block", "+8613800138009")], &["warning nothing-to-remove@0"]),
        (vec![number("block", "+8613800138001")], &["warning allow-against-block@0"]),
        (vec![number("allow", "+8613800138000")], &["warning allow-against-block@0"]),
        (vec![number("allow", "+8613700135555")], &["warning allow-against-block@0"]),
        (vec![number("block", "+8613811112222")], &["warning allow-against-block@0"]),
        (vec![number("allow", "+8613800001003")], &["warning allow-against-block@0"]),
        (vec![number("block", "+8613800138009")], &["warning allow-against-block@0"]),
        (
            vec![put("domains", "domain", &[("value", "www.example.com"), ("reason", "r")])],
            &["warning allow-against-block@0"],
        ),
        (
            vec![number("allow", "+8613800138005"), number("block", "+8613800138005")],
            &["warning allow-against-block@0", "warning allow-against-block@1"],
        ),
        (vec![number("block", "+8613900131234")], &["warning shadowed-prefix@0"]),
        (vec![number("block", "+8613700131234")], &["warning shadowed-prefix@0"]),
        (vec![number("block", "CN:110")], &["ERROR protected-number@0"]),
        (vec![number("block", "+49301234567")], &["ERROR protected-number@0"]),
        (vec![number("block", "+44112")], &["ERROR protected-number@0"]),
        (vec![number("score", "CN:110")], &["warning protected-number@0"]),
        (
            vec![put("score", "number", &[("value", "CN:110"), ("points", "600")])],
            &["ERROR protected-number@0"],
        ),
        (vec![remove("protect", "CN:110")], &["warning protected-number@0"]),
        (vec![list("desk kind=number points=1")], &["warning protected-number@0"]),
        (vec![Edit::RemoveList { list: "desk".into() }], &["warning protected-number@0"]),
        (vec![number("block", "CN:12345")], &["warning protected-number@0"]),
        (
            vec![number("protect", "+8613800138007"), number("block", "+8613800138007")],
            &["ERROR protected-number@1"],
        ),
        (vec![blocked(&[("value", "rent"), ("points", "300")])], &["warning benign-sample@0"]),
        (vec![blocked(&[("value", "快递"), ("points", "600")])], &["ERROR benign-sample@0"]),
        (vec![number("block", "+012345*")], &["warning dead-pattern@0"]),
        (vec![bulk("words", 1, 10)], &["ERROR bulk@0"]),
        (vec![bulk("block", 1, 11)], &["ERROR bulk@0"]),
        (vec![bulk("allow", 1, 10)], &["warning allow-against-block@0"]),
        (
            vec![Edit::RemoveSegment { list: "block".into(), blob: BlobId([1; 32]) }],
            &["warning nothing-to-remove@0"],
        ),
        (
            vec![Edit::RemoveSegment { list: "bulk".into(), blob: BlobId([1; 32]) }],
            &["warning shrink@0"],
        ),
    ] {
        assert_eq!(found(&edits), wanted, "{edits:?}");
    }
}

#[test]
fn what_is_said_anew_of_a_list_holds_for_the_entries_that_stay() {
    let mut view = catalogue();
    view.put_blob(BlobId([2; 32]), numbers([4_930_123_456, 8_613_800_009_999]));
    let rows = [list("later kind=number effect=label label=marketing"), number("later", "CN:110")];
    view.commit(origin(&view), &rows).unwrap();
    view.commit(origin(&view), &[list("bulk2 kind=number effect=label label=marketing")]).unwrap();
    view.commit(origin(&view), &[bulk("bulk2", 2, 2)]).unwrap();
    for (edits, errors) in [
        (vec![list("later kind=number effect=block")], 1),
        (vec![list("later kind=number effect=block"), remove("later", "CN:110")], 0),
        (vec![list("later kind=number effect=block shadow=yes")], 0),
        (vec![list("later kind=number effect=label label=suspected-fraud")], 0),
        (vec![list("bulk2 kind=number effect=block")], 1),
    ] {
        let report = report(&view, &edits);
        assert_eq!(report.errors, errors, "{edits:?} {:?}", report.findings);
        let guarded = report.findings.iter().filter(|found| found.rule == "protected-number");
        assert_eq!(guarded.count() as u64, errors);
    }
}

#[test]
fn bulk_imports_are_read() {
    let mut view = catalogue();
    let around = |value: u64| [value - 1, value, value + 1];
    view.put_blob(BlobId([2; 32]), numbers(around(49_301_234_567)));
    view.put_blob(BlobId([3; 32]), numbers(8_613_700_000_000..8_613_700_002_000));
    let texts: BTreeSet<&str> = ["+8613800*", "CN:110", "CN:12345"].into();
    view.put_blob(BlobId([4; 32]), encode_texts(texts).unwrap());
    view.put_blob(BlobId([5; 32]), encode_texts(["a.example", "co.uk", "x.Example"]).unwrap());
    view.put_blob(BlobId([6; 32]), b"RFSG, but not really".to_vec());
    let rules = |edits: &[Edit]| -> Vec<(&str, Severity)> {
        report(&view, edits).findings.iter().map(|f| (f.rule, f.severity)).collect()
    };
    use Severity::{Error, Warning};
    assert_eq!(rules(&[bulk("block", 2, 3)]), [("protected-number", Error)]);
    assert_eq!(rules(&[bulk("block", 3, 2_000)]), [("growth", Warning)]);
    assert_eq!(rules(&[bulk("score", 3, 2_000)]), []);
    assert_eq!(
        rules(&[bulk("block", 4, 3)]),
        [("protected-number", Error), ("protected-number", Warning)]
    );
    assert_eq!(rules(&[bulk("domains", 5, 3)]), [("bulk", Error), ("bulk", Error)]);
    assert_eq!(rules(&[bulk("domains", 6, 3)]), [("bulk", Error)]);
    assert_eq!(rules(&[bulk("domains", 9, 3)]), [], "a blob that cannot be had is not judged");
}

#[test]
fn findings_are_bounded_and_errors_come_first() {
    let edits: Vec<Edit> = (0..300)
        .map(|n| put("block", "number", &[("value", &format!("+86138001{n:05}"))]))
        .chain((0..10).map(|_| number("nowhere", "+8613800138000")))
        .collect();
    let report = report(&catalogue(), &edits);
    assert_eq!((report.errors, report.findings.len()), (10, FINDINGS_MAX));
    assert!(report.warnings >= 300);
    assert!(report.findings[..10].iter().all(|finding| finding.severity == Severity::Error));
}

/// The starter packs are a change-set like any other, and free of errors.
#[test]
fn the_starter_packs_pass() {
    let mut edits = Vec::new();
    for (name, text) in starter::PACKS {
        for (spec, rows) in pack::rows(name, text.as_bytes()).unwrap() {
            let list = spec.id.clone();
            edits.push(Edit::PutList(Box::new(spec)));
            edits.extend(rows.into_iter().map(|row| Edit::Put { list: list.clone(), row }));
        }
    }
    let mut view = MemoryView::default();
    let first = report(&view, &edits);
    let told: Vec<String> = first
        .findings
        .iter()
        .map(|f| format!("{:?} {}: {}", f.severity, f.rule, f.message))
        .collect();
    assert_eq!(first.errors, 0, "{told:#?}");
    println!("{} warnings\n{}", first.warnings, told.join("\n"));
    let shown = preview(&view, &view, &edits).unwrap();
    view.commit(origin(&view), &edits).unwrap();
    let again = preview(&view, &view, &edits).unwrap();
    assert_eq!((shown.new, again.unchanged), (shown.new, shown.new));
    assert_eq!((again.new, again.changed, again.removed), (0, 0, 0));
}

#[test]
fn previews_count_and_show() {
    let mut view = catalogue();
    view.put_blob(BlobId([2; 32]), numbers(BULK + 5..BULK + 15));
    let edits = [
        number("block", "+8613800138000"),
        put("block", "number", &[("value", "+861390013*"), ("reason", "more of them")]),
        number("block", "+8613800138002"),
        remove("allow", "+8613800138001"),
        number("block", "CN:110"),
        Edit::RemoveSegment { list: "bulk".into(), blob: BlobId([1; 32]) },
        bulk("bulk", 2, 10),
        number("bulk", "+8613800001003"),
    ];
    let preview = preview(&view, &view, &edits).unwrap();
    assert_eq!(preview.base, Revision(1));
    // Of the bulk import five stay, five are new, five go (one of which a row takes over).
    assert_eq!((preview.new, preview.unchanged), (2 + 5, 1 + 5));
    assert_eq!((preview.changed, preview.removed), (1 + 1, 1 + 5));
    assert_eq!(preview.protected, 1);
    let sample = |kind: &str, key: &str| {
        let found = preview.samples.iter().find(|s| s.kind == kind && *s.key == *key);
        found.map(|sample| sample.what.clone())
    };
    assert_eq!(sample("changed", "+861390013*").unwrap(), "reason=more of them");
    assert_eq!(sample("protected", "CN:110").unwrap(), "list protect protects CN:110");
    assert!(sample("new", "+8613800001010").is_some());
    assert!(sample("removed", "+8613800001000").is_some());
    assert!(sample("removed", "+8613800138001").is_some());
}

proptest! {
    /// Counts of bulk imports against plain sets.
    #[test]
    fn bulk_counts_are_those_of_sets(
        sets in vec(btree_set(10_000u64..10_040, 0..30), 4),
        keep in any::<bool>(),
        rows in btree_set(10_000u64..10_040, 0..6),
    ) {
        let mut view = MemoryView::default();
        for (set, name) in sets.iter().zip(0..) {
            view.put_blob(BlobId([name; 32]), numbers(set.iter().copied()));
        }
        let count = |at: usize| sets[at].len() as u64;
        let mut edits = vec![list("l kind=number"), bulk("l", 0, count(0)), bulk("l", 1, count(1))];
        edits.extend(rows.iter().map(|row| number("l", &format!("+{row}"))));
        view.commit(origin(&view), &edits).unwrap();
        let mut edits = vec![bulk("l", 2, count(2)), bulk("l", 3, count(3))];
        if !keep {
            edits.push(Edit::RemoveSegment { list: "l".into(), blob: BlobId([0; 32]) });
        }
        let preview = preview(&view, &view, &edits).unwrap();
        let union = |one: usize, other: usize| -> BTreeSet<u64> {
            sets[one].union(&sets[other]).copied().collect()
        };
        let (were, come) = (union(0, 1), union(2, 3));
        let there: BTreeSet<u64> = were.union(&rows).copied().collect();
        prop_assert_eq!(preview.new, come.difference(&there).count() as u64);
        prop_assert_eq!(preview.unchanged, come.intersection(&there).count() as u64);
        let stay: BTreeSet<u64> = come.union(&sets[1]).copied().collect();
        let gone = if keep { 0 } else { sets[0].difference(&stay).count() as u64 };
        prop_assert_eq!((preview.changed, preview.removed), (0, gone));
    }

    /// Any edits are checked and previewed without a panic.
    #[test]
    fn any_edits(steps in vec((0..9u8, 0..14usize, 0..6usize), 0..30)) {
        let view = catalogue();
        let ids = ["block", "allow", "protect", "bulk", "domains", "words", "score", "new"];
        let values = ["+8613800138000", "+861390013*", "+44110-+44119", "CN:110", "+8*", "+86138*"];
        let edits: Vec<Edit> = steps.into_iter().map(|(what, id, value)| {
            let (id, value) = (ids[id % ids.len()], values[value]);
            match what {
                0 => list(&format!("{id} kind=number effect=block")),
                1 => list(&format!("{id} kind=domain")),
                2 => Edit::RemoveList { list: id.into() },
                3..=4 => number(id, value),
                5 => remove(id, value),
                6 => Edit::Clear { list: id.into(), key: value.into() },
                7 => bulk(id, 1, 10),
                _ => Edit::RemoveSegment { list: id.into(), blob: BlobId([1; 32]) },
            }
        }).collect();
        let one = report(&view, &edits);
        prop_assert_eq!(one, report(&view, &edits));
        preview(&view, &view, &edits).unwrap();
    }
}
