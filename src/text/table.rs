//! The fold table: what one character folds to, for all of Unicode, as UTF-16 units.
//!
//! Owns the compact two-level table in `data/fold.bin` and the few rules on characters that other
//! files of the room share. Knows nothing of texts, spaces in a row, offsets or cuts.
//!
//! The table is generated: the test `table_equals_reference` compares it with the plain reference
//! in `reference.rs` for every Unicode scalar, and writes it anew when the environment variable
//! `RINGFENCE_REGENERATE` is set (then build again and run once more). It is parsed at compile
//! time, so that the start of the program costs nothing.
//!
//! File: `u16` LE counts of pages, expansions, expansion units; 0x1100 page numbers (`u8`, one for
//! each 256 code points); pages of 256 `u16`; expansion starts (one more than expansions); units.

/// Entry: the character folds to itself and is one unit.
const SAME: u16 = 0;
/// Entry: the character folds to nothing (marks, invisible characters).
pub(super) const DROP: u16 = 0xD800;
/// Entry: the character folds to itself and is a surrogate pair.
pub(super) const PAIR: u16 = 0xD801;
/// Entries from here to the end of the surrogates number an expansion; no character folds to a
/// lone surrogate, so that these values are free for use as codes.
pub(super) const EXPANSION: u16 = 0xD802;
/// One past the last code.
const CODES_END: u16 = 0xE000;

const BYTES: &[u8] = include_bytes!("data/fold.bin");
const HEADER_BYTES: usize = 6;
/// How many pages of 256 code points Unicode has.
const PAGE_MAP_LEN: usize = 0x1100;
const PAGES_AT: usize = HEADER_BYTES + PAGE_MAP_LEN;
const PAGE_COUNT: usize = read(0) as usize;
const STARTS_AT: usize = PAGES_AT + PAGE_COUNT * 512;
const STARTS_LEN: usize = read(2) as usize + 1;
const UNITS_LEN: usize = read(4) as usize;

static PAGE_OF: [u8; PAGE_MAP_LEN] = page_map();
static PAGES: [[u16; 256]; PAGE_COUNT] = pages();
static STARTS: [u16; STARTS_LEN] = words(STARTS_AT);
static UNITS: [u16; UNITS_LEN] = words(STARTS_AT + STARTS_LEN * 2);

const fn read(at: usize) -> u16 {
    u16::from_le_bytes([BYTES[at], BYTES[at + 1]])
}

const fn words<const N: usize>(at: usize) -> [u16; N] {
    let mut out = [0; N];
    let mut index = 0;
    while index < N {
        out[index] = read(at + index * 2);
        index += 1;
    }
    out
}

const fn page_map() -> [u8; PAGE_MAP_LEN] {
    let mut out = [0; PAGE_MAP_LEN];
    let mut index = 0;
    while index < PAGE_MAP_LEN {
        out[index] = BYTES[HEADER_BYTES + index];
        index += 1;
    }
    out
}

const fn pages() -> [[u16; 256]; PAGE_COUNT] {
    let mut out = [[0; 256]; PAGE_COUNT];
    let mut index = 0;
    while index < PAGE_COUNT {
        out[index] = words(PAGES_AT + index * 512);
        index += 1;
    }
    out
}

/// What `c` folds to: a unit, or one of the codes [`DROP`], [`PAIR`], [`EXPANSION`] + n.
#[inline(always)]
pub(super) fn entry(c: char) -> u16 {
    let c = c as u32;
    let entry = PAGES[PAGE_OF[(c >> 8) as usize] as usize][(c & 0xFF) as usize];
    if entry == SAME { c as u16 } else { entry }
}

/// Is an entry a code, and not a unit?
#[inline(always)]
pub(super) fn is_code(entry: u16) -> bool {
    entry.wrapping_sub(DROP) < CODES_END - DROP
}

/// The units of an expansion code.
#[inline]
pub(super) fn expansion(code: u16) -> &'static [u16] {
    let index = (code - EXPANSION) as usize;
    &UNITS[STARTS[index] as usize..STARTS[index + 1] as usize]
}

/// The one unit that `c` folds to, where it is one.
#[inline]
pub(super) fn single(c: char) -> Option<u16> {
    let entry = entry(c);
    (!is_code(entry)).then_some(entry)
}

/// Characters that nobody sees: zero width, directional controls, tags, variation selectors,
/// fillers, soft hyphen (Default_Ignorable_Code_Point and the interlinear annotation characters).
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}
