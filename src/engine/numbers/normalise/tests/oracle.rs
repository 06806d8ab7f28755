//! Valid numbers as libphonenumber writes them must read back as the number they are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rlibphonenumber::{
    PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region as LibRegion,
};

use super::*;

const REGIONS: [&str; 10] = ["CN", "US", "CA", "GB", "DE", "FR", "IN", "JP", "HK", "IT"];
const TYPES: [PhoneNumberType; 7] = [
    PhoneNumberType::FixedLine,
    PhoneNumberType::Mobile,
    PhoneNumberType::TollFree,
    PhoneNumberType::PremiumRate,
    PhoneNumberType::SharedCost,
    PhoneNumberType::VoIP,
    PhoneNumberType::UAN,
];

fn lib_regions() -> BTreeMap<String, LibRegion> {
    PHONE_NUMBER_UTIL.get_supported_regions().map(|r| (r.to_string(), r)).collect()
}

/// Valid numbers of a region: the examples, and those with their last four digits changed that
/// the library still holds to be valid.
fn valid_numbers(name: &str, lib: LibRegion) -> Vec<PhoneNumber> {
    let mut numbers = Vec::new();
    for kind in TYPES {
        let example = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(lib, kind);
        let Ok(example) = example else { continue };
        for step in 0..40u64 {
            let mut digits = example.format_as(PhoneNumberFormat::E164).into_owned();
            let tail = digits.split_off(digits.len() - 4);
            let changed = (tail.parse::<u64>().unwrap() + step * 257) % 10_000;
            let text = format!("{digits}{changed:04}");
            let number = PHONE_NUMBER_UTIL.parse(&text, None).unwrap();
            if number.is_valid_for_region(lib) && in_test_plan(name, &number) {
                numbers.push(number);
            }
        }
    }
    numbers
}

/// The test plans leave out some odd corners that the library knows: seven-digit numbers in
/// Britain, long German and Italian numbers, and Chinese numbers shorter than 10 digits.
fn in_test_plan(name: &str, number: &PhoneNumber) -> bool {
    let national = number.get_national_significant_number();
    match name {
        "GB" => national.len() >= 9,
        "DE" | "IT" => (6..=11).contains(&national.len()),
        "CN" => (10..=11).contains(&national.len()),
        "IN" | "US" | "CA" => national.len() == 10,
        "JP" => (9..=10).contains(&national.len()),
        "HK" => (8..=9).contains(&national.len()),
        _ => true,
    }
}

#[test]
fn valid_numbers_read_back_in_every_form() {
    let plans = plans();
    let lib_regions = lib_regions();
    let mut forms_read = 0;
    for name in REGIONS {
        let lib = lib_regions[name];
        let numbers = valid_numbers(name, lib);
        assert!(numbers.len() > 60, "{name}: only {} numbers", numbers.len());
        for number in &numbers {
            let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
            let expected = E164Number::from_digits(&e164.as_bytes()[1..]).unwrap();
            let expected = plans.canonical(Number::E164(expected)).to_string();
            let national = number.get_national_significant_number();
            let forms = [
                (NatureOfAddress::Unknown, e164.clone()),
                (NatureOfAddress::International, e164[1..].to_owned()),
                (NatureOfAddress::National, national),
                (NatureOfAddress::Unknown, format_as(number, PhoneNumberFormat::National)),
                (NatureOfAddress::Unknown, format_as(number, PhoneNumberFormat::International)),
                (NatureOfAddress::Unknown, format_as(number, PhoneNumberFormat::RFC3966)),
            ];
            for (nature, form) in &forms {
                assert_eq!(read(&plans, *nature, form.as_bytes(), name), expected, "{form}");
                forms_read += 1;
            }
            for (other, lib_other) in REGIONS.iter().map(|o| (*o, lib_regions[*o])) {
                if (name, other) == ("US", "HK") || (name, other) == ("CA", "HK") {
                    continue; // 001 is itself a prefix there: 00 1 20… means Egypt.
                }
                // As dialled from there: international prefix, or national within one code.
                let form = number.format_out_of_country_calling_number(lib_other);
                let found = read(&plans, NatureOfAddress::Unknown, form.as_bytes(), other);
                assert_eq!(found, expected, "{form} from {other}");
                forms_read += 1;
            }
        }
    }
    assert!(forms_read > 20_000);
}

fn format_as(number: &PhoneNumber, format: PhoneNumberFormat) -> String {
    number.format_as(format).into_owned()
}

/// A number the library finds impossible by its length must not read as one of ours.
#[test]
fn wrong_lengths_do_not_read() {
    let plans = plans();
    for name in ["CN", "US", "FR", "IN"] {
        for number in valid_numbers(name, lib_regions()[name]) {
            let e164 = format_as(&number, PhoneNumberFormat::E164);
            for wrong in [format!("{e164}00000"), e164[..e164.len() - 4].to_owned()] {
                let found = read(&plans, NatureOfAddress::Unknown, wrong.as_bytes(), name);
                let short = found.starts_with("CN:");
                assert!(!found.starts_with('+'), "{wrong} read as {found}");
                assert!(!short || wrong.starts_with("+86"), "{wrong} read as {found}");
            }
        }
    }
}

/// The examples of all regions of the corpus, most of whose plans are not loaded here: the
/// international form of every example must read as itself.
#[test]
fn corpus_examples_read_in_international_form() {
    let Some(table) = corpus("numbers/numbering_plan.tsv.zst") else { return };
    let plans = plans();
    let (mut read_back, mut refused) = (0, 0);
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [_, code, _, _, example, ..] = cells[..] else { continue };
        if example.is_empty() || !example.bytes().all(|d| d.is_ascii_digit()) {
            continue;
        }
        let form = format!("+{code}{example}");
        let found = read(&plans, NatureOfAddress::Unknown, form.as_bytes(), "CN");
        if found == form || found.starts_with("CN:") { read_back += 1 } else { refused += 1 }
    }
    // What is refused is shorter than we take for a full number, or left out of the test plans.
    assert!(read_back > 1_000, "{read_back} read, {refused} refused");
    assert!(refused * 20 < read_back, "{read_back} read, {refused} refused");
}

fn corpus(name: &str) -> Option<String> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let root = std::env::var_os("RINGFENCE_CORPORA").map_or_else(beside, PathBuf::from);
    let Ok(packed) = std::fs::read(root.join(name)) else {
        eprintln!("SKIPPED: no corpus {name}; set RINGFENCE_CORPORA");
        return None;
    };
    let mut text = String::new();
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(&packed[..]).unwrap();
    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    Some(text)
}
