use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::lists::pack::{self, Reader, list_line, parse_list_line};
use crate::lists::{Sink, starter};
use crate::model::policy::{Action, Ground};
use crate::model::time::{Timestamp, Validity};

fn spec(kind: &str) -> ListSpec {
    parse_list_line(&format!("%list t kind={kind}")).unwrap()
}

fn read(kind: &str, cells: &[(&str, &str)]) -> Result<Row, String> {
    Row::read(&spec(kind), cells.iter().copied())
}

#[test]
fn keys_are_canonical() {
    for (kind, cells, key) in [
        ("number", &[("value", "+8613800138000")][..], "+8613800138000"),
        ("number", &[("value", " +8610* ")], "+8610*"),
        ("number", &[("value", "cn:110")], "CN:110"),
        ("number", &[("value", "+4930*-+4935*")], "+4930*-+4935*"),
        ("number", &[("value", "cn:100-cn:109")], "CN:100-CN:109"),
        ("sender", &[("value", "MyBank"), ("match", "exact")], "mybank"),
        ("signature", &[("value", "招商銀行")], "招商银行"),
        ("keyword", &[("value", "ＫＲＥＤＩ*")], "kredi*"),
        ("keyword", &[("value", "*Bank")], "*bank"),
        ("conjunction", &[("id", "a-1"), ("all", "公安|警方;转账")], "a-1"),
        ("domain", &[("value", "BÜCHER.example.")], "xn--bcher-kva.example"),
        ("brand", &[("id", "x"), ("names", "xx | yy"), ("domains", "x.com")], "x"),
        (
            "number-plan",
            &[("region", "cn"), ("country_code", "86"), ("national_digits", "7-11")],
            "CN",
        ),
        (
            "number-class",
            &[
                ("region", "CN"),
                ("prefix", "13"),
                ("digits", "11"),
                ("class", "mobile"),
                ("origination", "yes"),
                ("abroad", "roaming"),
            ],
            "CN/13/11",
        ),
        ("trunk", &[("trunk", "T1"), ("mode", "observe")], "T1"),
        ("trunk", &[("trunk", "T1"), ("number", "+8610*")], "T1 number=+8610*"),
        ("policy", &[("key", "call.block"), ("value", "900")], "call.block"),
    ] {
        let row = read(kind, cells).unwrap_or_else(|e| panic!("{cells:?}: {e}"));
        assert_eq!(row.key(), key, "{cells:?}");
        let again = Row::read(&spec(kind), row.cells()).unwrap();
        assert_eq!(again, row, "reading its own cells changes nothing");
    }
}

#[test]
fn cells_say_the_same_in_one_way() {
    let row = read(
        "number",
        &[
            ("ticket", "T-7"),
            ("valid_until", "2026-11-23T00:00:00Z"),
            ("value", "+8613800138000"),
            ("points", "+050"),
            ("note", "  "),
            ("reason", "reported"),
        ],
    )
    .unwrap();
    let cells: Vec<_> = row.cells().collect();
    assert_eq!(
        cells,
        [
            ("value", "+8613800138000"),
            ("points", "50"),
            ("valid_until", "2026-11-23"),
            ("reason", "reported"),
            ("ticket", "T-7"),
        ]
    );
    let all = read("conjunction", &[("id", "a"), ("all", "a b|c;d"), ("none", "e|f")]).unwrap();
    assert_eq!((all.get("all"), all.get("none")), (Some("a b | c ; d"), Some("e | f")));
}

#[test]
fn mistakes_name_the_column() {
    for (kind, cells, wanted) in [
        (
            "number",
            &[("val", "+8613")][..],
            "unknown column \"val\" for kind number; expected value",
        ),
        ("number", &[("points", "5")], "column \"value\": is empty, expected a value"),
        ("number", &[("value", "12")], "column \"value\": \"12\": expected +"),
        (
            "number",
            &[("value", "+8613800138000"), ("points", "x")],
            "column \"points\": expected a",
        ),
        ("number", &[("value", "+86138"), ("value", "+86138")], "column \"value\" stands twice"),
        ("number", &[("value", "+86138"), ("note", "a\tb")], "column \"note\": holds a tab"),
        ("keyword", &[("value", "\u{200b}*")], "column \"value\": is empty after folding"),
        ("policy", &[("key", "call.block"), ("value", "1")], "column \"value\": threshold for"),
        ("conjunction", &[("id", "a"), ("all", "@x")], "column \"all\": @x is not defined"),
    ] {
        let got = read(kind, cells).expect_err("is wrong");
        assert!(got.starts_with(wanted), "{cells:?}\n got {got}\nwant {wanted}");
    }
    let long = "x".repeat(ROW_BYTES_MAX + 1);
    assert!(read("number", &[("value", "+86138"), ("note", &long)]).unwrap_err().contains("bytes"));
}

/// What an entry says, whole (the `Debug` of numbers is redacted).
fn whole(entry: &Entry<'_>) -> String {
    let value = match &entry.value {
        Value::Number(pattern) => pattern_text(pattern),
        other => format!("{other:?}"),
    };
    format!("{value} {:?}", entry.meta)
}

/// Compares the entries of each row with those that came from its line.
#[derive(Default)]
struct Compare {
    spec: Option<ListSpec>,
    entries: Vec<String>,
    rows: usize,
    keys: BTreeSet<(Box<str>, Box<str>)>,
    longest: usize,
}

impl Sink for Compare {
    fn list(&mut self, spec: &ListSpec) {
        self.spec = Some(spec.clone());
        let mut plain = spec.clone();
        (plain.title, plain.source) = ("".into(), "".into());
        assert_eq!(parse_list_line(&list_line(spec)).as_ref(), Ok(&plain));
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<(), String> {
        self.entries.push(whole(&entry));
        Ok(())
    }

    fn wants_rows(&self) -> bool {
        true
    }

    fn row(&mut self, row: Row) -> Result<(), String> {
        let spec = self.spec.as_ref().unwrap();
        let mut entries = Vec::new();
        row.entries(spec, &mut |entry| {
            assert_eq!(row.meta(spec).as_ref(), Ok(&entry.meta));
            entries.push(whole(&entry));
            Ok(())
        })?;
        assert_eq!(entries, std::mem::take(&mut self.entries), "{}", row.key());
        let fresh = self.keys.insert((spec.id.clone(), row.key().into()));
        assert!(fresh, "{}: key {} stands twice", spec.id, row.key());
        self.longest = self.longest.max(row.cells().map(|(_, cell)| cell.len()).sum());
        self.rows += 1;
        Ok(())
    }
}

#[test]
fn rows_of_the_starter_packs_give_the_entries_of_the_packs() {
    let (mut reader, mut sink) = (Reader::default(), Compare::default());
    for (name, text) in starter::PACKS {
        reader.read(name, text.as_bytes(), &mut sink);
    }
    assert!(!reader.findings().has_errors(), "{:?}", reader.findings().kept.first());
    assert!(sink.rows > 1000, "{} rows, the longest with {} bytes", sink.rows, sink.longest);
    // A row is far from the limit: 2,545 bytes on 2026-11-23.
    assert!(sink.longest < ROW_BYTES_MAX / 4, "{} bytes", sink.longest);
}

#[test]
fn a_row_survives_as_a_line_of_a_pack() {
    let columns = ["value", "points", "reason", "note"];
    for value in ["#prize", "%off", "plain words", "*kredi*"] {
        let row = read("keyword", &[("value", value), ("reason", "r"), ("points", "9")]).unwrap();
        let text = format!(
            "%pack p\n{}\n%columns {}\n{}",
            list_line(&spec("keyword")),
            columns.join(" "),
            row.to_pack_line(&columns)
        );
        let lists = pack::rows("p", text.as_bytes()).unwrap();
        assert_eq!(lists.len(), 1);
        assert_eq!(lists[0].1, [row]);
    }
    let errors = pack::rows("p", b"%pack p\n%list a kind=number\n%columns value\nx").unwrap_err();
    assert_eq!(errors.errors, 1);
}

#[test]
fn a_list_line_says_everything() {
    for line in [
        "%list a.b-1 kind=number",
        "%list a kind=keyword points=-40 category=CN08 ceiling=block caps-text=label",
        "%list a kind=sender effect=label label=marketing ground=policy traffic=message shadow=yes",
        "%list a kind=number effect=block ground=order party=either valid-from=2026-01-02 \
         valid-until=2027-01-02T03:04:05.678Z authority=court-x case=7/2026 tenant=7 \
         subscriber=+8613800138000",
        "%list a kind=number effect=allow ground=invalid-number ceiling=label",
    ] {
        let spec = parse_list_line(line).unwrap();
        assert_eq!(list_line(&spec), line);
    }
    for (line, wanted) in [
        ("a kind=number ground=order authority= case=x", "ground=order needs"),
        ("a kind=number tenant=x", "attribute \"tenant\": expected a tenant"),
        ("a kind=number subscriber=+86*", "attribute \"subscriber\": expected one full"),
    ] {
        let got = parse_list_line(line).unwrap_err();
        assert!(got.starts_with(wanted), "{got}");
    }
}

proptest! {
    #[test]
    fn times_survive(ms in 0u64..253_402_300_800_000) {
        prop_assert_eq!(timestamp(&timestamp_text(Timestamp(ms))), Ok(Timestamp(ms)));
    }

    #[test]
    fn list_lines_survive(
        (kind, effect, ground, ceiling) in (0..11usize, -3i16..3, 0..5usize, 0..4usize),
        (from, until, shadow, tenant) in (0..9u64, 9..99u64, any::<bool>(), 0..3u16),
    ) {
        let mut spec = spec(ListKind::ALL[kind].1);
        spec.meta.effect = crate::model::entry::Effect::Score(effect);
        spec.ground = Ground::ALL[ground];
        (spec.authority, spec.case) = ("a".into(), "b".into());
        spec.ceiling = Action::ALL[ceiling];
        let until = Timestamp(until * 86_400_000);
        spec.meta.validity = Validity { from: Timestamp(from), until };
        spec.meta.shadow = shadow;
        spec.tenant = crate::model::entry::TenantId(tenant);
        prop_assert_eq!(parse_list_line(&list_line(&spec)), Ok(spec));
    }

    #[test]
    fn any_cells_are_read_or_refused(value in ".{0,40}", kind in 0..11usize) {
        let spec = spec(ListKind::ALL[kind].1);
        for name in columns(spec.kind) {
            drop(Row::read(&spec, [(name, value.as_str())]));
        }
        if let Ok(row) = Row::read(&spec, [("value", value.as_str())]) {
            prop_assert!(!row.key().is_empty());
            let again = Row::read(&spec, row.cells());
            prop_assert_eq!(again, Ok(row));
        }
    }
}
