use std::io::{BufReader, Cursor};

use proptest::prelude::*;

use super::*;
use crate::lists::export::Row;
use crate::lists::import::{LINE_OCTETS_MAX, Record, Step};

const COLUMNS: &[&str] = &[
    "value",
    "points",
    "valid_from",
    "valid_until",
    "note",
    "reason",
    "source",
    "confidence",
    "labels",
];
const WITH_REVOKED: &[&str] = &["value", "revoked"];

fn same(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("no value".into()) } else { Ok(text.to_owned()) }
}

const NUMBERS: Options<'static> = Options {
    kind: ListKind::Number,
    columns: COLUMNS,
    needed: &["value"],
    mapping: &[],
    normalise: &same,
};
const DOMAINS: Options<'static> = Options { kind: ListKind::Domain, ..NUMBERS };

fn all(format: Format, text: &[u8], options: Options<'_>) -> Result<Vec<String>, String> {
    let source: Octets<'_> = Box::new(BufReader::with_capacity(5, Cursor::new(text)));
    let mut lines = open(format, source, options).map_err(|e| e.to_string())?;
    let (mut record, mut found) = (Record::default(), Vec::new());
    loop {
        match lines.read(&mut record).map_err(|e| e.to_string())? {
            Step::End => return Ok(found),
            Step::Bad(why) => found.push(format!("{}! {why}", record.line())),
            Step::Row => {
                let cell = |(name, cell): (&str, &str)| match name {
                    "value" => cell.to_owned(),
                    _ => format!("{name}={cell}"),
                };
                let cells: Vec<String> = record.cells().map(cell).collect();
                found.push(format!("{}: {}", record.line(), cells.join(" | ")));
            }
        }
    }
}

#[test]
fn a_mapping_is_refused_where_it_would_be_ignored() {
    let mapping = [("phone".to_owned(), "value".to_owned())];
    for format in [Format::Plain, Format::Hosts, Format::Stix, Format::FtcDnc, Format::FccUnwanted]
    {
        let options = Options { mapping: &mapping, ..NUMBERS };
        let refused = all(format, b"+8613800138000\n", options).unwrap_err();
        assert!(refused.contains("leave the mapping out"), "{refused}");
    }
    let options = Options { mapping: &mapping, ..NUMBERS };
    assert_eq!(all(Format::Csv, b"phone\n+1\n", options), Ok(vec!["2: +1".into()]));
}

#[test]
fn json_lines() {
    let text = "\u{feff}{\"Phone Number\": 8613800138000, \"points\": -5, \"x\": {\"y\": [1]}}\r\n\
                \n\
                {\"phone\": \"+86\\u0031\\t3\", \"note\": null, \"reason\": true}\n\
                {\"phone\": \n\
                [1]\n\
                {\"note\": \"x\"}\n\
                {\"phone\": [\"+861\"]}\n";
    assert_eq!(
        all(Format::Jsonl, text.as_bytes(), NUMBERS).unwrap(),
        [
            "1: 8613800138000 | points=-5",
            "3: +861 3 | reason=yes",
            "4! this is no JSON object: EOF while parsing a value",
            "5! expected a JSON object: {\"value\": …}",
            "6! value is empty",
            "7! value is an array or object, expected text or a number",
        ]
    );
    let mapping = [("who".to_owned(), "value".to_owned()), ("phone".to_owned(), "note".to_owned())];
    let named = Options { mapping: &mapping, ..NUMBERS };
    let text = b"{\"who\": \"+861\", \"phone\": \"+862\", \"number\": \"+863\"}\n";
    assert_eq!(all(Format::Jsonl, text, named).unwrap(), ["1: note=+862 | +861"]);
    let said = all(Format::Jsonl, b"{\"a\": 1, \"b\": 2}\n", named).unwrap_err();
    assert_eq!(said, "there is no key \"who\"; the first object has a, b");
    let said = all(Format::Jsonl, b"{\"a\": 1}\n", NUMBERS).unwrap_err();
    assert!(said.starts_with("no key is known to hold value; name it, as in KEY=value"), "{said}");
    let said = all(Format::Jsonl, b"value\n+861\n", NUMBERS).unwrap_err();
    assert!(said.starts_with("line 1: this is no JSON object"), "{said}");
    let array = b"[\n{\"value\": \"+861\"},\n{\"value\": \"+862\", \"x\": {\"value\": \"+863\"}}]";
    assert_eq!(all(Format::Jsonl, array, NUMBERS).unwrap(), ["2: +861", "3: +862"]);
    let long = format!("[{{\"value\": \"{}\"}}, {{\"value\": \"+862\"}}]", "1".repeat(5000));
    let found =
        all(Format::Jsonl, format!("[{{\"value\":\"+861\"}},{}", &long[1..]).as_bytes(), NUMBERS);
    assert_eq!(found.unwrap(), ["1: +861", "1! the object is longer than 4096 octets", "1: +862"]);
}

#[test]
fn stix_bundles() {
    let text = include_bytes!("../../../../tests/data/indicators.stix.json");
    let domains = all(Format::Stix, text, DOMAINS).unwrap();
    assert_eq!(
        domains,
        [
            "13: bad.example.com | valid_from=2026-01-02T03:04:05Z | \
             valid_until=2026-12-31T00:00:00Z | reason=Phishing host | \
             source=indicator--00000000-0000-4000-8000-000000000001 | confidence=85 | \
             labels=phishing, malicious-activity",
            "31: it's.example.net | valid_from=2026-01-02T03:04:05Z | \
             source=indicator--00000000-0000-4000-8000-000000000002",
            "31: host.example.org | valid_from=2026-01-02T03:04:05Z | \
             source=indicator--00000000-0000-4000-8000-000000000002",
            "40! the indicator speaks of x-phone-number:value, the list is of kind domain",
            "40! the indicator speaks of x-phone-number:value, the list is of kind domain",
            "40! the indicator speaks of x-phone-number:value, the list is of kind domain",
            "49! the indicator is revoked",
            "59! the pattern holds AND, which no list entry can say: only =, IN, LIKE and OR are",
            "68! the pattern is in yara: only stix is known",
        ]
    );
    let numbers = all(Format::Stix, text, NUMBERS).unwrap();
    let found: Vec<&str> = numbers.iter().filter_map(|l| l.strip_prefix("40: ")).collect();
    let ends = found.iter().map(|line| line.split(" | ").next().unwrap());
    assert_eq!(ends.collect::<Vec<_>>(), ["+8613800138000", "+8613800138001", "+8610*"]);
    let revoked = Options { columns: WITH_REVOKED, ..DOMAINS };
    let found = all(Format::Stix, text, revoked).unwrap();
    assert!(found.contains(&"49: gone.example.com | revoked=yes".to_owned()), "{found:?}");
    // One indicator a line.
    let lines = b"{\"type\":\"indicator\",\"pattern\":\"[url:value='https://a.example/x']\"}\n\
                  {\"type\":\"malware\"}\n{\"pattern\":\"\"}\n{\"type\":\"indicator\"}\n";
    assert_eq!(
        all(Format::Stix, lines, DOMAINS).unwrap(),
        [
            "1: a.example",
            "3! the object has no type: STIX objects say theirs",
            "4! the pattern is no STIX pattern such as [domain-name:value = 'example.com']",
        ]
    );
    for (text, said) in [
        (&b"{\"objects\": [{}"[..], "ends in the middle"),
        (b"{\"a\": \"", "ends in the middle"),
        (b"value", "this is no JSON"),
        (b"]", "never opened"),
    ] {
        let refusal = all(Format::Stix, text, DOMAINS).unwrap_err();
        assert!(refusal.contains(said), "{refusal}");
    }
    // Each value keeps its path, so a long one with many values is refused.
    let (path, many) = ("p".repeat(30_000), "'a',".repeat(7_000));
    let text = format!("{{\"type\":\"indicator\",\"pattern\":\"[x:{path} IN ({many}'b')]\"}}");
    let found = all(Format::Stix, text.as_bytes(), DOMAINS).unwrap();
    assert_eq!(found.len(), 1);
    let deep = "[".repeat(1000);
    assert!(all(Format::Stix, deep.as_bytes(), DOMAINS).unwrap_err().contains("too deep"));
}

#[test]
fn a_long_bundle_is_read_object_by_object() {
    let object = |n: usize| {
        let pattern = format!("[domain-name:value = 'd{n}.example']");
        format!("{{\"type\":\"indicator\",\"pattern\":\"{pattern}\",\"objects\":[{{}}]}}")
    };
    let header = format!("{{\"description\":\"{}\",\"objects\" : [", "x".repeat(100_000));
    let objects: Vec<String> = (0..2000).map(object).collect();
    let tail = "],\"more\":[{\"type\":\"indicator\"}],\"x\":{\"type\":\"indicator\"}}";
    let text = header + &objects.join(",") + tail;
    let found = all(Format::Stix, text.as_bytes(), DOMAINS).unwrap();
    assert_eq!(found.len(), 2000, "{:?}", &found[2000..]);
    assert_eq!(found[1999], "1: d1999.example");
}

fn written(format: Format, export: Export<'_>, rows: &[Vec<(&str, &str)>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = write(format, &mut out, export).unwrap();
    for cells in rows {
        writer.row(Row { key: cells[0].1, cells }).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    out
}

fn export(kind: ListKind) -> Export<'static> {
    Export { list: "reported", kind, columns: COLUMNS, time: "2026-11-23T00:00:00Z" }
}

#[test]
fn every_export_is_read_again() {
    let numbers: &[Vec<(&str, &str)>] = &[
        vec![("value", "+8613800138000"), ("points", "-5"), ("note", "say \"hi\", =x")],
        vec![("value", "+8610*"), ("valid_until", "2026-12-01")],
        vec![("value", "+861380000*-+861380999*"), ("reason", "it's \\ so")],
        vec![("value", "CN:110")],
    ];
    let domains: &[Vec<(&str, &str)>] = &[vec![("value", "a.example"), ("reason", "x")]];
    for (options, rows) in [(NUMBERS, numbers), (DOMAINS, domains)] {
        let values: Vec<&str> = rows.iter().map(|row| row[0].1).collect();
        for (format, _) in Format::ALL {
            if let Err(e) = write(format, &mut Vec::new(), export(options.kind)) {
                assert_eq!(e.kind(), io::ErrorKind::Unsupported);
                continue;
            }
            let text = written(format, export(options.kind), rows);
            let found = all(format, &text, options).unwrap();
            let found_values: Vec<&str> = found
                .iter()
                .map(|l| l.split(": ").nth(1).unwrap().split(" | ").next().unwrap())
                .collect();
            assert_eq!(found_values.len(), values.len(), "{found:?}");
            if matches!(format, Format::Csv | Format::Jsonl) {
                for (row, line) in rows.iter().zip(&found) {
                    for (name, cell) in &row[1..] {
                        assert!(line.contains(&format!("{name}={cell}")), "{line}");
                    }
                }
            }
            if format == Format::Jsonl {
                // Keys come in alphabetical order.
                assert!(values.iter().zip(&found).all(|(value, line)| line.contains(value)));
            } else {
                assert_eq!(found_values, values, "{format:?}");
            }
        }
    }
    let stix = String::from_utf8(written(Format::Stix, export(ListKind::Number), numbers)).unwrap();
    assert_eq!(
        stix,
        String::from_utf8(written(Format::Stix, export(ListKind::Number), numbers)).unwrap()
    );
    let bundle: serde_json::Value = serde_json::from_str(&stix).unwrap();
    assert_eq!(bundle["objects"].as_array().unwrap().len(), 4);
    assert_eq!(bundle["objects"][1]["pattern"], "[x-phone-number:value LIKE '+8610%']");
    assert_eq!(bundle["objects"][1]["valid_until"], "2026-12-01T00:00:00Z");
    let empty = written(Format::Stix, export(ListKind::Number), &[]);
    assert!(serde_json::from_slice::<serde_json::Value>(&empty).is_ok());
}

#[test]
fn what_a_format_cannot_say_is_refused() {
    for (format, kind, fits) in [
        (Format::FtcDnc, ListKind::Number, false),
        (Format::FccUnwanted, ListKind::Number, false),
        (Format::Hosts, ListKind::Number, false),
        (Format::Plain, ListKind::Brand, false),
        (Format::Stix, ListKind::Conjunction, false),
        (Format::Csv, ListKind::Conjunction, true),
        (Format::Jsonl, ListKind::Brand, true),
    ] {
        assert_eq!(write(format, &mut Vec::new(), export(kind)).is_ok(), fits, "{format:?}");
    }
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    let words = vec![
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        ":",
        ",",
        "\n",
        "\"objects\"",
        "\"type\":\"indicator\"",
        "\"pattern\":\"[domain-name:value = 'a.b']\"",
        "\"value\":\"+861\"",
        "null",
        "1e9",
        " ",
        "{\"type\":\"indicator\",\"pattern\":\"[domain-name:value IN ('a.b','c')]\"}",
        "\u{1e}",
    ];
    let part = prop_oneof![
        prop::sample::select(words).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(part, 0..80).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Any octets end in records or in one error.
    #[test]
    fn nothing_panics(start in 0..3_usize, octets in octets()) {
        let start: &[u8] = [&b""[..], b"{\"objects\":[", b"{\"value\":\"+861\"}\n"][start];
        let text = [start, &octets].concat();
        for format in [Format::Jsonl, Format::Stix] {
            if let Ok(found) = all(format, &text, DOMAINS) {
                prop_assert!(found.iter().all(|line| line.len() <= 2 * LINE_OCTETS_MAX));
            }
        }
    }

    /// A pattern is what its values say, or an error.
    #[test]
    fn patterns_never_panic(text in "[\\[\\]()'=a-z:, %\\\\ORINLKE-]{0,60}") {
        let object = serde_json::json!({"type": "indicator", "pattern": text});
        let _ = all(Format::Stix, object.to_string().as_bytes(), DOMAINS).unwrap();
    }
}
