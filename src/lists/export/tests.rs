use proptest::prelude::*;

use super::*;
use crate::lists::import::{self, Options, Record, Step};
use crate::model::entry::ListKind;

const COLUMNS: &[&str] = &["value", "points", "note", "reason"];

fn same(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn written(rows: &[Vec<(&str, &str)>]) -> String {
    let mut out = Vec::new();
    let mut csv = csv(&mut out, COLUMNS).unwrap();
    for cells in rows {
        csv.row(Row { key: cells[0].1, cells }).unwrap();
    }
    csv.finish().unwrap();
    drop(csv);
    String::from_utf8(out).unwrap()
}

#[test]
fn formulas_are_harmless() {
    for (cell, shown) in [
        ("+8613800138000", "\"'+8613800138000\""),
        ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
        ("-100", "\"'-100\""),
        ("@SUM(A1)", "\"'@SUM(A1)\""),
        ("\tx", "\"'\tx\""),
        ("\rx", "\"'\rx\""),
        ("'=1", "\"''=1\""),
        ("\u{ff1d}1", "\"'\u{ff1d}1\""),
        ("it's", "\"it's\""),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("plain", "plain"),
    ] {
        let text = written(&[vec![("value", cell)]]);
        assert_eq!(text, format!("value,points,note,reason\r\n{shown},,,\r\n"), "{cell}");
        assert_eq!(unquoted(&harmless(cell)), cell);
    }
}

#[test]
fn values_alone() {
    let row = Row { key: "example.com", cells: &[("value", "example.com"), ("note", "x")] };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for mut writer in [plain(&mut one), hosts(&mut other)] {
        writer.row(row).unwrap();
        writer.finish().unwrap();
    }
    assert_eq!(one, b"example.com\n");
    assert_eq!(other, b"0.0.0.0 example.com\n");
}

/// Cells as rows hold them: no control characters, no blanks at the ends.
fn cell() -> impl Strategy<Value = String> {
    let any = "[\\PC]{1,30}".prop_map(|text| text.trim().to_owned());
    let odd = "['=+\\-@,;\"=# a1]{1,8}".prop_map(|text| text.trim().to_owned());
    prop_oneof![any, odd]
        .prop_filter("not empty", |text| !text.is_empty() && !text.chars().any(char::is_control))
}

proptest! {
    /// What is written is read again as it was, and no cell starts as a formula.
    #[test]
    fn csv_round_trip(
        rows in prop::collection::vec((cell(), cell(), prop::option::of(cell())), 1..20),
    ) {
        let cells = |(value, note, reason): &(String, String, Option<String>)| {
            let mut cells = vec![("value", value.clone()), ("note", note.clone())];
            cells.extend(reason.clone().map(|reason| ("reason", reason)));
            cells
        };
        let rows: Vec<Vec<(&str, String)>> = rows.iter().map(cells).collect();
        let borrowed: Vec<Vec<(&str, &str)>> =
            rows.iter().map(|row| row.iter().map(|(n, c)| (*n, &**c)).collect()).collect();
        let text = written(&borrowed);
        for line in text.lines() {
            let start = line.strip_prefix('"').unwrap_or(line);
            prop_assert!(!start.starts_with(['=', '+', '-', '@']), "{}", line);
        }
        let options = Options {
            kind: ListKind::Keyword,
            columns: COLUMNS,
            needed: &["value"],
            mapping: &[],
            normalise: &same,
        };
        let mut lines = import::csv(Box::new(text.as_bytes()), options).unwrap();
        let mut record = Record::default();
        for row in &borrowed {
            prop_assert_eq!(lines.read(&mut record).unwrap(), Step::Row);
            let mut found: Vec<(&str, &str)> = record.cells().collect();
            found.sort_unstable();
            let mut row = row.clone();
            row.sort_unstable();
            prop_assert_eq!(found, row);
        }
        prop_assert_eq!(lines.read(&mut record).unwrap(), Step::End);
    }
}
