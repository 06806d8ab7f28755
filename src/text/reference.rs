//! Test only: the fold of one character as plainly as it can be said, and the writer of the table.
//!
//! NFKD, drop combining marks and invisible characters, lower case, look-alikes to Latin, digits
//! of any script to ASCII, traditional to simplified ideographs; again until nothing changes.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use super::table::{self, DROP, EXPANSION, PAIR};

/// Rounds until the fold of a character stands still; more than any character needs.
const ROUNDS_MAX: usize = 4;

/// Zeros of the decimal digits (general category Nd) of Unicode 14; nine digits follow each.
const ZEROS: &[u32] = &[
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6,
    0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
    0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650,
    0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50,
    0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

pub(super) struct Reference {
    maps: HashMap<char, String>,
}

impl Reference {
    pub(super) fn load() -> Reference {
        let mut maps = HashMap::new();
        for line in rows(include_str!("data/look_alikes.txt")) {
            let mut words = line.split(' ');
            let target = words.next().unwrap();
            for word in words {
                let source = char::from_u32(u32::from_str_radix(word, 16).unwrap()).unwrap();
                assert!(maps.insert(source, target.to_owned()).is_none(), "{source:?} twice");
            }
        }
        for zero in ZEROS {
            for digit in 0..10 {
                let source = char::from_u32(zero + digit).unwrap();
                assert!(maps.insert(source, digit.to_string()).is_none(), "{source:?} twice");
            }
        }
        for line in rows(include_str!("data/traditional.txt")) {
            for pair in line.split(' ') {
                let mut chars = pair.chars();
                let source = chars.next().unwrap();
                assert!(maps.insert(source, chars.collect()).is_none(), "{source:?} twice");
            }
        }
        Reference { maps }
    }

    pub(super) fn fold(&self, c: char) -> String {
        let mut text = String::from(c);
        for _ in 0..ROUNDS_MAX {
            let next: String = text.chars().map(|c| self.round(c)).collect();
            if next == text {
                return text;
            }
            text = next;
        }
        panic!("the fold of {c:?} does not stand still");
    }

    fn round(&self, c: char) -> String {
        if c.is_whitespace() || c.is_control() || c == '\u{2800}' {
            return " ".to_owned();
        }
        if ('\u{AC00}'..='\u{D7A3}').contains(&c) {
            return c.to_string();
        }
        std::iter::once(c)
            .nfkd()
            .flat_map(char::to_lowercase)
            .filter(|&c| !is_mark(c) && !table::is_invisible(c))
            .flat_map(|c| match self.maps.get(&c) {
                Some(target) => target.chars().collect(),
                None => vec![c],
            })
            .collect()
    }
}

fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// Combining marks, and the enclosing ones, whose class is 0.
fn is_mark(c: char) -> bool {
    canonical_combining_class(c) != 0
        || matches!(c, '\u{488}'..='\u{489}' | '\u{1ABE}' | '\u{20DD}'..='\u{20E0}'
            | '\u{20E2}'..='\u{20E4}' | '\u{A670}'..='\u{A672}')
}

/// The table file that says the same as the reference.
fn build(reference: &Reference) -> Vec<u8> {
    let (mut map, mut pages) = (Vec::new(), Vec::<Vec<u16>>::new());
    let mut expansions = Vec::<Vec<u16>>::new();
    for page in 0..0x1100u32 {
        let row: Vec<u16> = (0..256)
            .map(|low| {
                let Some(c) = char::from_u32(page << 8 | low) else { return 0 };
                let folded = reference.fold(c);
                let units: Vec<u16> = folded.encode_utf16().collect();
                match units[..] {
                    [] => DROP,
                    _ if folded == String::from(c) => [0, PAIR][units.len() - 1],
                    [unit] => unit,
                    _ => EXPANSION + position(&mut expansions, units) as u16,
                }
            })
            .collect();
        map.push(u8::try_from(position(&mut pages, row)).expect("at most 256 different pages"));
    }
    assert!(expansions.len() < 0xE000 - EXPANSION as usize);
    let mut starts = vec![0];
    starts.extend(expansions.iter().scan(0, |end, units| {
        *end += units.len() as u16;
        Some(*end)
    }));
    let counts = [pages.len() as u16, expansions.len() as u16, *starts.last().unwrap()];
    let mut out: Vec<u8> = counts.iter().flat_map(|n| n.to_le_bytes()).collect();
    out.extend(map);
    out.extend(pages.iter().flatten().flat_map(|n| n.to_le_bytes()));
    out.extend(starts.iter().flat_map(|n: &u16| n.to_le_bytes()));
    out.extend(expansions.iter().flatten().flat_map(|n| n.to_le_bytes()));
    out
}

fn position<T: PartialEq>(all: &mut Vec<T>, one: T) -> usize {
    all.iter().position(|other| *other == one).unwrap_or_else(|| {
        all.push(one);
        all.len() - 1
    })
}

fn by_table(c: char) -> String {
    match table::entry(c) {
        DROP => String::new(),
        PAIR => c.to_string(),
        code if table::is_code(code) => String::from_utf16(table::expansion(code)).unwrap(),
        unit => String::from_utf16(&[unit]).unwrap(),
    }
}

/// The table says what the reference says, for every Unicode scalar, and both stand still.
#[test]
fn table_equals_reference() {
    let reference = Reference::load();
    if std::env::var_os("RINGFENCE_REGENERATE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/text/data/fold.bin");
        std::fs::write(path, build(&reference)).unwrap();
        return;
    }
    let mut longest = 0;
    for c in '\0'..=char::MAX {
        let folded = reference.fold(c);
        assert_eq!(by_table(c), folded, "{c:?} U+{:04X}", c as u32);
        assert!(folded.chars().all(|c| reference.fold(c) == String::from(c)), "{c:?}");
        longest = longest.max(folded.encode_utf16().count());
    }
    assert_eq!(longest, super::fold::EXPANSION_UNITS_MAX);
}
