//! The fold: text in, UTF-16 units out, in which the same words look the same however they were
//! written, each unit with the place in the text that it came from.
//!
//! Per character: NFKD, combining marks and invisible characters dropped, lower case, look-alikes
//! to Latin, digits to ASCII, traditional ideographs to simplified (`table.rs`). In a row: white
//! space and controls are one U+0020, none leads or trails, and none stands between two units of
//! [`UnitClass::Ideograph`]. List entries go through the same fold, so both sides agree.
//!
//! Invariants: folding what was folded changes nothing; offsets never fall; a surrogate pair or an
//! expansion is never cut; time and memory are linear in the text and bounded by [`UNITS_MAX`].
//! Must not know what anybody looks for in the units.

use std::ops::Range;

use super::class::{UnitClass, class_of};
use super::table::{self, DROP, PAIR};

/// Most units a text folds to; the rest is cut. As many as the octets inspected of a message
/// ([`super::decode::TEXT_OCTETS_MAX`]), so that only texts full of expansions are cut.
pub const UNITS_MAX: usize = 16_384;
/// Most bytes of a text that are folded: offsets are `u16`. A decoded message has at most 49,152
/// (ill-formed octets, each replaced by a character of three bytes).
pub const FOLD_BYTES_MAX: usize = u16::MAX as usize;
/// Most units one character folds to: U+FDFA.
pub(super) const EXPANSION_UNITS_MAX: usize = 18;
/// Most units that one byte of text folds to: 18 of the three bytes of U+FDFA.
const UNITS_PER_BYTE_MAX: usize = 6;
const SPACE: u16 = 0x20;

/// A folded text. Keep one and fold into it again: once warm it allocates no more.
#[derive(Default)]
pub struct Folded {
    units: Vec<u16>,
    offsets: Vec<u16>,
    len: usize,
    end: usize,
    truncated: bool,
}

impl Folded {
    /// An empty one; buffers come with the first text.
    pub fn new() -> Folded {
        Folded::default()
    }

    /// The UTF-16 units, well-formed.
    #[inline]
    pub fn units(&self) -> &[u16] {
        &self.units[..self.len]
    }

    /// For each unit, the byte at which the character starts that it came from.
    #[inline]
    pub fn offsets(&self) -> &[u16] {
        &self.offsets[..self.len]
    }

    /// Was the text longer than is folded?
    #[inline]
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// The bytes of the text that folded to these units: on character borders, covering all of
    /// them. Characters that fold to nothing count to the one before them. Units beyond the end
    /// are taken as the end.
    pub fn span(&self, units: Range<usize>) -> Range<usize> {
        let offsets = self.offsets();
        let at = |unit: usize| offsets.get(unit).map_or(self.end, |&offset| offset as usize);
        if units.start >= units.end || units.start >= self.len {
            return at(units.start)..at(units.start);
        }
        let last = at(units.end.min(self.len) - 1);
        // The units of one expansion share an offset: the end is where the next one differs.
        let rest = offsets.iter().skip(units.end).take(EXPANSION_UNITS_MAX);
        let end = rest.map(|&offset| offset as usize).find(|&offset| offset > last);
        at(units.start)..end.unwrap_or(self.end)
    }
}

impl std::fmt::Debug for Folded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Folded({} units)", self.len)
    }
}

/// Folds `text` into `out`, replacing what was there.
pub fn fold(text: &str, out: &mut Folded) {
    let head = &text[..floor_border(text, FOLD_BYTES_MAX)];
    // One more, so that the check for a unit and a space before it holds at the end too.
    let room = (head.len() * UNITS_PER_BYTE_MAX + 1).min(UNITS_MAX);
    if out.units.len() < room {
        out.units.resize(room, 0);
        out.offsets.resize(room, 0);
    }
    let run = fold_into(head, &mut out.units, &mut out.offsets);
    out.len = run.len;
    out.end = run.end;
    out.truncated = run.truncated || head.len() < text.len();
}

/// The units of a phrase as lists hold it: the same table, the same rules.
pub fn fold_phrase(phrase: &str) -> Vec<u16> {
    let mut folded = Folded::new();
    fold(phrase, &mut folded);
    folded.units.truncate(folded.len);
    folded.units.shrink_to_fit();
    folded.units
}

/// The value of a decimal digit of any script or dress: `７`, `٧`, `७`, `⑦`; 0 to 9.
pub fn digit(c: char) -> Option<u8> {
    let unit = if c.is_numeric() { table::single(c) } else { None };
    unit.and_then(|unit| u8::try_from(unit).ok()).filter(u8::is_ascii_digit).map(|d| d - b'0')
}

/// The folded text as a string; for canonical values and for people.
pub fn fold_to_string(text: &str) -> String {
    String::from_utf16_lossy(&fold_phrase(text))
}

/// The last character border of `text` at or before `at`.
pub(super) fn floor_border(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// What became of a text.
struct Run {
    len: usize,
    end: usize,
    truncated: bool,
}

fn fold_into(text: &str, units: &mut [u16], offsets: &mut [u16]) -> Run {
    if text.is_ascii() && text.len() <= units.len() {
        return match is_plain_ascii(text.as_bytes()) {
            true => fold_plain_ascii(text.as_bytes(), units, offsets),
            false => fold_ascii(text.as_bytes(), units, offsets),
        };
    }
    let room = units.len().min(offsets.len());
    let mut sink =
        Sink { units: &mut units[..room], offsets: &mut offsets[..room], len: 0, pending: None };
    let mut stop = None;
    for (at, c) in text.char_indices() {
        let entry = table::entry(c);
        // The two usual cases stand here, so that they stay in registers.
        if entry == SPACE {
            sink.pending.get_or_insert(at);
            continue;
        }
        if !table::is_code(entry) && sink.pending.is_none() && sink.len < room {
            sink.push(entry, at);
            continue;
        }
        if !sink.put_entry(entry, c, at) {
            stop = Some(at);
            break;
        }
    }
    let end = sink.pending.or(stop).unwrap_or(text.len());
    Run { len: sink.len, end, truncated: stop.is_some() }
}

/// Where units go, at most as many as there is room.
struct Sink<'a> {
    units: &'a mut [u16],
    offsets: &'a mut [u16],
    len: usize,
    /// Where the spaces start that wait for something to follow them.
    pending: Option<usize>,
}

impl Sink<'_> {
    /// Puts what a character folds to, whole; `false` and nothing put where there is no room.
    #[inline(never)]
    fn put_entry(&mut self, entry: u16, c: char, at: usize) -> bool {
        let (single, mut pair) = ([entry], [0; 2]);
        let run: &[u16] = match entry {
            DROP => &[],
            PAIR => c.encode_utf16(&mut pair),
            code if table::is_code(code) => table::expansion(code),
            _ => &single,
        };
        let space = self.pending.is_some() && run.first().is_some_and(|&unit| self.parts(unit));
        if self.len + run.len() + usize::from(space) > self.units.len() {
            return false;
        }
        for &unit in run {
            if unit == SPACE {
                self.pending.get_or_insert(at);
                continue;
            }
            if let Some(space_at) = self.pending.take()
                && self.parts(unit)
            {
                self.push(SPACE, space_at);
            }
            self.push(unit, at);
        }
        true
    }

    /// Does a space between what is there and this unit mean anything?
    fn parts(&self, unit: u16) -> bool {
        let is_ideograph = |unit| class_of(unit) == UnitClass::Ideograph;
        match self.units[..self.len].last() {
            None => false,
            Some(&last) => !(is_ideograph(last) && is_ideograph(unit)),
        }
    }

    #[inline(always)]
    fn push(&mut self, unit: u16, at: usize) {
        if self.len < self.units.len() && self.len < self.offsets.len() {
            self.units[self.len] = unit;
            // Texts are cut to FOLD_BYTES_MAX.
            self.offsets[self.len] = at as u16;
            self.len += 1;
        }
    }
}

/// ASCII without controls, leading, trailing or double spaces: one unit per byte.
fn is_plain_ascii(bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    // Folds without early exits, on bytes, so that they compile to vector instructions.
    let is_odd = |b: u8| u8::from(b.wrapping_sub(b' ') >= 0x7F - b' ');
    let odd = bytes.iter().fold(0, |odd, &b| odd | is_odd(b));
    let pairs = bytes.iter().zip(&bytes[1..]);
    let double = pairs.fold(0, |double, (&a, &b)| double | u8::from((a | b) == b' '));
    odd == 0 && double == 0 && *first != b' ' && *last != b' '
}

fn fold_plain_ascii(bytes: &[u8], units: &mut [u16], offsets: &mut [u16]) -> Run {
    for (unit, byte) in units.iter_mut().zip(bytes) {
        *unit = u16::from(byte.to_ascii_lowercase());
    }
    for (at, offset) in offsets[..bytes.len()].iter_mut().enumerate() {
        *offset = at as u16;
    }
    Run { len: bytes.len(), end: bytes.len(), truncated: false }
}

/// Any ASCII. Every unit is written and the spaces too many are overwritten, which spares the
/// branch that a predictor would miss at every word.
fn fold_ascii(bytes: &[u8], units: &mut [u16], offsets: &mut [u16]) -> Run {
    let (mut len, mut after_space) = (0, true);
    for (at, byte) in bytes.iter().enumerate() {
        let is_space = byte.wrapping_sub(b' ' + 1) >= 0x7F - (b' ' + 1);
        units[len] = if is_space { SPACE } else { u16::from(byte.to_ascii_lowercase()) };
        offsets[len] = at as u16;
        len += usize::from(!(is_space && after_space));
        after_space = is_space;
    }
    let mut end = bytes.len();
    if after_space {
        // The space that waits last; none was counted in a text of nothing but spaces.
        end = if len > 0 { offsets[len - 1] as usize } else { 0 };
        len = len.saturating_sub(1);
    }
    Run { len, end, truncated: false }
}

#[cfg(test)]
mod tests;
