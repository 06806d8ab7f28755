//! Public lists of real size are read as they come, written out again in every format that can say
//! them, and read again with the same values.

mod support;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use ringfence::app::changes::api::Format;
use ringfence::app::changes::formats::{self, Export};
use ringfence::app::changes::unpack::{Limits, unpack};
use ringfence::lists::export::Row;
use ringfence::lists::import::{Octets, Options, Record, Step};
use ringfence::model::entry::ListKind;
use ringfence::model::number::E164Number;
use support::corpora;

/// Values of a file that are written and read again: without optimisation more take long.
const ROUND_TRIP_MAX: usize = 5_000;

const COLUMNS: &[&str] = &["value", "valid_from", "valid_until", "note", "reason", "source"];

fn number(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('+').ok_or("no +")?;
    E164Number::from_digits(digits.as_bytes()).map(|_| text.to_owned()).ok_or("no number".into())
}

fn domain(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let named = text.bytes().any(|b| b.is_ascii_alphabetic());
    let fits = text.contains('.') && named && text.bytes().all(plain);
    if fits { Ok(text.to_lowercase()) } else { Err("no domain".into()) }
}

fn any(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn options(kind: ListKind) -> Options<'static> {
    let normalise: &dyn Fn(&str) -> Result<String, String> = match kind {
        ListKind::Number => &number,
        ListKind::Domain => &domain,
        _ => &any,
    };
    Options { kind, columns: COLUMNS, needed: &["value"], mapping: &[], normalise }
}

/// Values in order, and the lines left out.
fn read(source: Octets<'_>, format: Format, kind: ListKind) -> (Vec<String>, Vec<String>) {
    let mut lines = formats::open(format, source, options(kind)).unwrap_or_else(|e| panic!("{e}"));
    let (mut record, mut values, mut bad) = (Record::default(), Vec::new(), Vec::new());
    loop {
        match lines.read(&mut record).unwrap_or_else(|e| panic!("{e}")) {
            Step::Row => values.push(record.get("value").expect("a row has a value").to_owned()),
            Step::Bad(why) => bad.push(format!("{}: {why}", record.line())),
            Step::End => return (values, bad),
        }
    }
}

fn packed(folder: &Path, name: &str) -> Octets<'static> {
    let file = File::open(folder.join(format!("{name}.zst"))).expect(name);
    unpack(Box::new(BufReader::new(file)), Limits::default()).expect(name)
}

fn round_trip(values: &[String], kind: ListKind) {
    for (format, name) in Format::ALL {
        let export =
            Export { list: "case", kind, columns: &["value"], time: "2026-11-23T00:00:00Z" };
        let mut out = Vec::new();
        let Ok(mut writer) = formats::write(format, &mut out, export) else { continue };
        for value in values {
            let row = Row { key: value, cells: &[("value", value)] };
            writer.row(row).expect("memory takes it");
        }
        writer.finish().expect("memory takes it");
        drop(writer);
        let (found, bad) = read(Box::new(&out[..]), format, kind);
        assert_eq!(bad, Vec::<String>::new(), "{name}");
        assert!(found == values, "{name}: {} of {}", found.len(), values.len());
    }
}

#[test]
fn real_files() {
    let Some(folder) = corpora("real_files") else { return };
    use Format::{Csv, FtcDnc, Hosts, Plain};
    use ListKind::{Domain, Keyword, Number};
    for (name, format, kind, least, bad_most) in [
        ("numbers/ftc_dnc_sample.csv", FtcDnc, Number, 5, 0),
        ("numbers/spam_numbers_de.tsv", Csv, Number, 5_000, 0),
        ("numbers/spam_numbers_cl.tsv", Csv, Number, 590, 10),
        ("numbers/spam_numbers_tr.tsv", Csv, Number, 198, 0),
        ("domains/phishing_jpcert.tsv", Csv, Domain, 59_000, 1_000),
        ("domains/phishing_crypto.tsv", Csv, Domain, 14_890, 10),
        ("domains/illegal_sites_zh.txt", Plain, Domain, 7_200, 50),
        ("domains/illegal_sites_zh.txt", Hosts, Domain, 7_200, 50),
        ("domains/url_shorteners.txt", Hosts, Domain, 1_400, 0),
        ("domains/benign_top.txt", Hosts, Domain, 10_000, 0),
        ("keywords/neutral_phrases_zh.txt", Plain, Keyword, 49_000, 0),
    ] {
        let (values, bad) = read(packed(&folder, name), format, kind);
        println!("{name}: {} values, {} left out", values.len(), bad.len());
        let shown = &bad[..bad.len().min(5)];
        assert!(values.len() >= least && bad.len() <= bad_most, "{name}: {shown:?}");
        round_trip(&values[..values.len().min(ROUND_TRIP_MAX)], kind);
    }
}
