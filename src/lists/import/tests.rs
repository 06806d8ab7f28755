use std::io::{BufReader, Cursor};

use proptest::prelude::*;

use super::*;

const COLUMNS: &[&str] = &[
    "value",
    "effect",
    "points",
    "category",
    "valid_from",
    "valid_until",
    "note",
    "reason",
    "source",
    "ticket",
];

/// Full numbers, prefixes, domains; as strict as a real callback.
fn key(text: &str) -> Result<String, String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let dressed = text.chars().all(|c| c.is_ascii_digit() || "+- ()*".contains(c));
    if dressed && text.starts_with('+') && (digits.len() >= 5 || text.ends_with('*')) {
        let star = if text.ends_with('*') { "*" } else { "" };
        return Ok(format!("+{digits}{star}"));
    }
    let host = |c: char| c.is_alphanumeric() || "-._".contains(c);
    if text.contains('.') && text.chars().all(host) {
        return Ok(text.to_lowercase());
    }
    Err("no value".into())
}

fn options(kind: ListKind, mapping: &[(String, String)]) -> Options<'_> {
    Options { kind, columns: COLUMNS, needed: &["value"], mapping, normalise: &key }
}

const NUMBERS: Options<'static> = Options {
    kind: ListKind::Number,
    columns: COLUMNS,
    needed: &["value"],
    mapping: &[],
    normalise: &key,
};
const DOMAINS: Options<'static> = Options { kind: ListKind::Domain, ..NUMBERS };

fn source(octets: &[u8]) -> Octets<'_> {
    // Small steps find what depends on where a chunk ends.
    Box::new(BufReader::with_capacity(7, Cursor::new(octets)))
}

/// All records in one text: `line: cell | cell` or `line! why`.
fn all(lines: Result<Box<dyn Lines + '_>, ImportError>) -> Result<Vec<String>, ImportError> {
    let (mut lines, mut record, mut found) = (lines?, Record::default(), Vec::new());
    loop {
        match lines.read(&mut record)? {
            Step::End => return Ok(found),
            Step::Bad(why) => found.push(format!("{}! {why}", record.line())),
            Step::Row => {
                let cell = |(name, cell)| match name {
                    "value" => String::from(cell),
                    _ => format!("{name}={cell}"),
                };
                let cells: Vec<String> = record.cells().map(cell).collect();
                found.push(format!("{}: {}", record.line(), cells.join(" | ")));
            }
        }
    }
}

fn refused(lines: Result<Box<dyn Lines + '_>, ImportError>) -> String {
    all(lines).expect_err("must be refused").to_string()
}

fn mapping(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn plain_lines() {
    let text = "\u{feff}# reported\r\n+86 138-0013-8000\r\n\r\n  +8610*  \nnonsense\n\
                tel:+491234567\n8.6138E+12\n+13800138000.0\n";
    let found = all(plain(source(text.as_bytes()), NUMBERS)).unwrap();
    assert_eq!(
        found,
        [
            "2: +8613800138000",
            "4: +8610*",
            "5! no value",
            "6: +491234567",
            "7! a spreadsheet cut this number (8.6E+12): format the column as text and save it \
             again",
            "8! no value",
        ]
    );
    let conjunctions = Options { kind: ListKind::Conjunction, needed: &["id", "all"], ..NUMBERS };
    assert!(refused(plain(source(b"a"), conjunctions)).contains("use csv or jsonl"));
}

#[test]
fn long_lines_cost_themselves() {
    let long = "1".repeat(LINE_OCTETS_MAX + 1);
    let fits = format!("+{}", "1".repeat(LINE_OCTETS_MAX - 1));
    assert_eq!(all(plain(source(fits.as_bytes()), NUMBERS)).unwrap(), [format!("1: {fits}")]);
    let found = all(plain(source(format!("{fits}1").as_bytes()), NUMBERS)).unwrap();
    assert_eq!(found, ["1! the line is longer than 4096 octets"]);
    for end in ["\n", "\r\n"] {
        let text = ["+8613800138000", &long, &fits, &"x".repeat(70_000), "+8613800138001"];
        let found = all(plain(source(text.join(end).as_bytes()), NUMBERS)).unwrap();
        assert_eq!(found.len(), 5);
        assert_eq!(found[1], "2! the line is longer than 4096 octets");
        assert_eq!(found[2], format!("3: {fits}"));
        assert_eq!(found[3], "4! the line is longer than 4096 octets");
        assert_eq!(found[4], "5: +8613800138001");
    }
}

#[test]
fn csv_with_known_and_named_columns() {
    let text = "Phone Number;Comment;Expires;junk\n\
                +8613800138000;\"two; \"\"words\"\"\";2026-12-01;x\n\
                '+8613800138001;'=1+1;2026-12-01 08:00:00+08:00;\n\
                ;;;\n\
                ;nobody;;\n\
                +8613800138002;ok;soon;\n\
                +8613800138003;;;;;\n\
                +8613800138003;;;;y;\n";
    let found = all(csv(source(text.as_bytes()), NUMBERS)).unwrap();
    assert_eq!(
        found,
        [
            "2: +8613800138000 | note=two; \"words\" | valid_until=2026-12-01",
            "3: +8613800138001 | note==1+1 | valid_until=2026-12-01T00:00:00Z",
            "5! value is empty",
            "6! valid_until: expected a time such as 2026-11-23 or 2026-11-23T12:00:00Z, found \
             \"soon\"",
            "7: +8613800138003",
            "8! the line has 6 cells, the header has 4",
        ]
    );
    let named = mapping(&[("who", "value"), ("why", "reason")]);
    let text = b"sep=,\r\nnumber,who,why\r\n+8613800138000,+8613800138001,fraud\r\n";
    let found = all(csv(source(text), options(ListKind::Number, &named))).unwrap();
    assert_eq!(found, ["3: +8613800138001 | reason=fraud"]);
}

#[test]
fn csv_tells_which_columns_there_are() {
    let text = b"a,b,c\n1,2,3\n";
    let wrong = mapping(&[("phone", "value")]);
    let said = refused(csv(source(text), options(ListKind::Number, &wrong)));
    assert_eq!(said, "there is no column \"phone\"; the file has a, b, c");
    let wrong = mapping(&[("a", "worth")]);
    let said = refused(csv(source(text), options(ListKind::Number, &wrong)));
    assert!(said.starts_with("a list of kind number has no column \"worth\"; it has value,"));
    let twice = mapping(&[("a", "value"), ("b", "value")]);
    assert!(refused(csv(source(text), options(ListKind::Number, &twice))).contains("twice"));
    let said = refused(csv(source(text), NUMBERS));
    assert!(said.ends_with("name it, as in COLUMN=value; the file has a, b, c"), "{said}");
    let said = refused(csv(source(b"+8613800138000\n+8613800138001\n"), NUMBERS));
    assert!(said.contains("looks like data"), "{said}");
    assert_eq!(refused(csv(source(b"\n\n"), NUMBERS)), "the file is empty");
    let wide = vec!["c"; COLUMNS_MAX + 1].join(",");
    let said = refused(csv(source(wide.as_bytes()), NUMBERS));
    assert_eq!(said, "line 1: the line has more than 64 columns");
}

#[test]
fn csv_over_several_lines_and_open_quotes() {
    let text = "value,note\n+8613800138000,\"one\ntwo\"\n+8613800138001,\"open\n";
    let rest: String = (0..900).map(|n| format!("+86138{n:08},x\n")).collect();
    let found = all(csv(source((text.to_owned() + &rest).as_bytes()), NUMBERS)).unwrap();
    assert_eq!(found[0], "2: +8613800138000 | note=one two");
    assert_eq!(found[1], "4! a quote opens here and is not closed where the cell ends");
    assert_eq!(found[2], "5: +8613800000000 | note=x");
    assert_eq!(found.len(), 902);
    let never = "value,note\n".to_owned() + &"+8613800138000,a\"b,\"\n".repeat(400);
    let said = refused(csv(source(never.as_bytes()), NUMBERS));
    assert!(said.ends_with("more than 100 quotes are never closed: no CSV"), "{said}");
}

#[test]
fn complaint_files() {
    let text = include_bytes!("../../../tests/data/ftc-dnc.csv");
    let found = all(complaints(source(text), Complaints::FtcDnc, NUMBERS)).unwrap();
    assert_eq!(
        found,
        [
            "2: +12025550101 | valid_from=2026-03-05T00:03:04Z | \
             valid_until=2026-09-01T00:03:04Z | reason=Vacation & timeshares",
            "3: +12025550102 | valid_from=2026-03-05T00:05:41Z | \
             valid_until=2026-09-01T00:05:41Z | reason=Reducing your debt (credit cards, \
             mortgage, student loans)",
            "4! the complaint names no number",
            "5! expected a number of ten digits, found 7",
            "6: +12025550101 | valid_from=2026-03-06T00:10:00Z | \
             valid_until=2026-09-02T00:10:00Z",
        ]
    );
    let api = include_bytes!("../../../tests/data/fcc-unwanted-api.csv");
    let found = all(complaints(source(api), Complaints::FccUnwanted, NUMBERS)).unwrap();
    assert_eq!(
        found,
        [
            "2: +12025550143 | valid_from=2026-02-14T00:00:00Z | \
             valid_until=2026-08-13T00:00:00Z | reason=Prerecorded Voice",
            "3! expected a number of ten digits",
            "4! the complaint names no number",
        ]
    );
    let download = include_bytes!("../../../tests/data/fcc-unwanted-download.csv");
    let found = all(complaints(source(download), Complaints::FccUnwanted, NUMBERS)).unwrap();
    assert_eq!(
        found,
        [
            "2: +12025550144 | valid_from=2026-02-14 | valid_until=2026-08-13T00:00:00Z | \
             reason=Live Voice",
            "4! day of the complaint: expected a time such as 2026-11-23 or \
             2026-11-23T12:00:00Z, found \"14/02/2026\"",
        ]
    );
    let said = refused(complaints(source(text), Complaints::FccUnwanted, NUMBERS));
    let start = "there is no column \"caller_id_number\"; the file has Company_Phone_Number,";
    assert!(said.starts_with(start), "{said}");
    assert!(refused(complaints(source(text), Complaints::FtcDnc, DOMAINS)).contains("numbers"));
}

#[test]
fn hosts_files() {
    let text = include_bytes!("../../../tests/data/hosts.txt");
    let found = all(hosts(source(text), DOMAINS)).unwrap();
    assert_eq!(
        found,
        [
            "6: bad.example.com",
            "7: one.example.net",
            "7: two.example.net",
            "8: three.example.org",
            "9: four.example.org",
            "10: five.example.org",
            "11! a rule with options or a path: only ||example.com^ can be a domain",
            "12! an exception (@@): import it into an allowlist",
            "13! expected a domain, or an address and the domains it stands for",
            "14! expected a domain, or an address and the domains it stands for",
            "15! no value",
        ]
    );
    assert!(refused(hosts(source(text), NUMBERS)).contains("list of domains"));
}

#[test]
fn domains_out_of_links() {
    for (text, host) in [
        ("https://user:pw@Example.com:8443/path?x#y", "Example.com"),
        ("hxxps://evil[.]example[.]com/a", "evil.example.com"),
        ("*.example.com", "example.com"),
        ("example.com.", "example.com"),
        ("[2001:db8::1]:443", "[2001:db8::1]"),
        ("://", ""),
    ] {
        assert_eq!(values::host(text), host, "{text}");
    }
}

#[test]
fn times() {
    for (text, time) in [
        ("2026-11-23", Some("2026-11-23")),
        ("2026-11-23T12:00:00Z", Some("2026-11-23T12:00:00Z")),
        ("2026-11-23T12:00:00.987Z", Some("2026-11-23T12:00:00Z")),
        ("2026-11-23 12:00:00", Some("2026-11-23T12:00:00Z")),
        ("2026-11-23T12:00:00+08:00", Some("2026-11-23T04:00:00Z")),
        ("2026-11-23T12:00:00-0500", None),
        ("2026-11-23T12:00:00-05:30", Some("2026-11-23T17:30:00Z")),
        ("2026-13-01", None),
        ("23.11.2026", None),
        ("11/23/2026", None),
        ("1969-12-31T23:00:00Z", None),
        ("1970-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("明天", None),
        ("", None),
    ] {
        assert_eq!(dates::canonical(text).ok().as_deref(), time, "{text}");
    }
    assert_eq!(dates::american("2/3/2026 01:02:03 PM").unwrap(), "2026-02-03");
    assert!(dates::days_later("9999-12-01", 180).is_err());
}

#[test]
fn other_files_are_named() {
    for (octets, what) in [
        (&b"\x89PNG\r\n\x1a\n...."[..], "a PNG picture"),
        (b"PK\x03\x04\x14\0\x06\0", "XLSX"),
        (b"BZh91AY&SY", "bzip2"),
        (b"%PDF-1.7", "PDF"),
        (b"SQLite format 3\0\x10\0", "SQLite"),
        (b"\x1f\x8b\x08\0", "gzip archive within"),
        (b"\xff\xfen\0u\0m\0", "UTF-16"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS"),
        (b"value\n+8613800138000\n\0\0\0", "NUL at octet 21"),
        (b"\xba\xc5\xc2\xeb,\xb1\xb8\xd7\xa2\n+8613800138000,\xc6\xad\xd7\xd3\n", "GBK"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html><html>", "web page"),
        (b"value\r+8613800138000\r", "CR alone"),
    ] {
        for open in [csv, plain] {
            let said = refused(open(source(octets), NUMBERS));
            assert!(said.starts_with("this is not a list but "), "{said}");
            assert!(said.contains(what), "{said}");
        }
    }
    // One name in another encoding costs its line.
    let mut text = b"value,note\n+8613800138000,\xba\xc5\n".to_vec();
    text.extend("+8613800138001,号\n".repeat(20).bytes());
    let found = all(csv(source(&text), NUMBERS)).unwrap();
    assert_eq!((found.len(), &*found[0]), (21, "2! the line is not UTF-8"));
}

/// A source without end, to see that nothing is read ahead without need.
struct Endless(u64);

impl std::io::Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        assert!(self.0 < 200 << 20, "reads on and on");
        self.0 += out.len() as u64;
        out.fill(b'7');
        Ok(out.len())
    }
}

#[test]
fn memory_stays_within_a_line() {
    let endless = BufReader::new(std::io::Read::take(Endless(0), 100 << 20));
    let mut lines = lines::LineReader::new(Box::new(endless));
    let line = lines.next_line().unwrap().map(|line| line.map(str::len));
    assert_eq!(line, Some(Err("the line is longer than 4096 octets".into())));
    assert!(lines.held() <= 2 * LINE_OCTETS_MAX);
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        prop::sample::select(vec![
            "\"",
            "\n",
            "\r\n",
            ",",
            ";",
            "\t",
            "value",
            "number",
            "+8613800138000",
            "'",
            "||",
            "0.0.0.0 ",
            "example.com",
            "#",
            "\u{feff}",
            "2026-11-23",
            "号码",
            "sep=;\n",
            "\0",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        (1..3000_usize).prop_map(|count| vec![b'a'; count]),
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Any octets end in records within the limits or in one error, and lines go up.
    #[test]
    fn nothing_panics(head in any::<bool>(), octets in octets()) {
        let mut text = if head { b"value,note\n".to_vec() } else { Vec::new() };
        text.extend(octets);
        let count = text.iter().filter(|b| **b == b'\n').count() as u64 + 1;
        let readers = [
            csv(source(&text), NUMBERS),
            plain(source(&text), DOMAINS),
            hosts(source(&text), DOMAINS),
            complaints(source(&text), Complaints::FtcDnc, NUMBERS),
        ];
        for reader in readers {
            let Ok(mut reader) = reader else { continue };
            let (mut record, mut last) = (Record::default(), 0);
            loop {
                match reader.read(&mut record) {
                    Ok(Step::End) | Err(_) => break,
                    Ok(Step::Bad(why)) => prop_assert!(why.len() < 200),
                    Ok(Step::Row) => for (name, cell) in record.cells() {
                        prop_assert!(COLUMNS.contains(&name) && !cell.is_empty());
                        prop_assert!(cell.len() <= 2 * LINE_OCTETS_MAX);
                        prop_assert!(!cell.contains(char::is_control));
                    }
                }
                prop_assert!((last..=count).contains(&record.line()));
                last = record.line();
            }
        }
    }
}
