//! Exact set of E.164 numbers with a `u32` payload each, about 12 bytes an entry when large.
//!
//! Owns hashing, layout and building. Must not know what a payload means.
//!
//! A number is below 2^50. A bijective mix spreads it over that range; the high part of the mix
//! picks a line, the low part is the tag. Numbers that share a line differ in the mix by less
//! than the span of a line, so a tag of 30 bits identifies them as soon as there are 2^20 lines:
//! the table is exact although it keeps only four key bytes an entry (a quotient table). Smaller
//! lists keep the whole mix as tag. An entry whose line and buddy line are full goes to a small
//! whole-key table, and what even that cannot place to a sorted list.
//! Invariants: no false positives; a look-up touches two neighbouring lines at most, unless both
//! are full; crafted keys can slow a look-up to a binary search, never further.

mod image;

use std::fmt;

use super::lines::{Found, Lines, Place};
use crate::model::number::E164Number;

/// Bits of a mixed number: E.164 values are below 10^15 < 2^50.
const MIX_BITS: u32 = 50;
const MIX_MASK: u64 = (1 << MIX_BITS) - 1;
/// Hash bits of a narrow tag; the other two bits of the `u32` say "taken" and "spilled".
const NARROW_TAG_BITS: u32 = 30;
/// Fewest lines for which [`NARROW_TAG_BITS`] identify a number within its line.
const NARROW_LINES_MIN: usize = 1 << (MIX_BITS - NARROW_TAG_BITS);
/// Entries per line aimed at in the narrow layout (8 slots): load 0.72 gives 11.1 bytes an entry
/// plus about 2 % that spill to the whole-key table. Chosen by measurement between 0.70 and 0.80.
const NARROW_FILL: f64 = 5.75;
/// Entries per line aimed at in the wide layout (5 slots): load 0.7.
const WIDE_FILL: f64 = 3.5;

/// Bijection on 50 bits: odd multiplications and xor-shifts, each invertible modulo 2^50.
#[inline(always)]
fn mix(value: u64) -> u64 {
    let x = value.wrapping_mul(0x9E37_79B9_7F4A_7C15) & MIX_MASK;
    let x = (x ^ (x >> 25)).wrapping_mul(0xD6E8_FEB8_6659_FD93) & MIX_MASK;
    x ^ (x >> 25)
}

/// The line of a mixed value: its high part, by multiply and shift for any number of lines.
#[inline(always)]
fn line_of(mixed: u64, lines: usize) -> usize {
    ((u128::from(mixed) * lines as u128) >> MIX_BITS) as usize
}

/// Whole-key table: 64-byte lines of five keys and payloads, and a sorted rest.
#[derive(Default)]
struct Wide {
    lines: Option<Lines<u64, 5>>,
    rest_keys: Vec<u64>,
    rest_payloads: Vec<u32>,
}

impl Wide {
    /// From (mixed value, payload), unique, in ascending order.
    fn build(pairs: &[(u64, u32)]) -> Wide {
        if pairs.is_empty() {
            return Wide::default();
        }
        let mut lines = Lines::new((pairs.len() as f64 / WIDE_FILL) as usize + 1);
        let mut wide = Wide::default();
        for &(mixed, payload) in pairs {
            if !lines.place(Wide::place(mixed, lines.count()), payload) {
                // Pairs come in order, so the rest is sorted by construction.
                wide.rest_keys.push(mixed);
                wide.rest_payloads.push(payload);
            }
        }
        wide.rest_keys.shrink_to_fit();
        wide.rest_payloads.shrink_to_fit();
        wide.lines = Some(lines);
        wide
    }

    /// The line comes from a second multiplication: entries that overflow a narrow table share
    /// its full lines, and would crowd here too if the same high bits were used again.
    #[inline(always)]
    fn place(mixed: u64, lines: usize) -> Place<u64> {
        let again = mixed.wrapping_mul(0xA24B_AED4_963E_E407) & MIX_MASK;
        Place { line: line_of(again, lines), home: mixed | 1 << 63, spilled: mixed | 1 << 62 }
    }

    #[inline]
    fn get(&self, mixed: u64) -> Option<u32> {
        let lines = self.lines.as_ref()?;
        match lines.find(Wide::place(mixed, lines.count())) {
            Found::Here(payload) => Some(payload),
            Found::Nowhere => None,
            Found::MaybeElsewhere => {
                let at = self.rest_keys.binary_search(&mixed).ok()?;
                self.rest_payloads.get(at).copied()
            }
        }
    }

    fn bytes(&self) -> usize {
        self.lines.as_ref().map_or(0, Lines::bytes)
            + self.rest_keys.capacity() * size_of::<u64>()
            + self.rest_payloads.capacity() * size_of::<u32>()
    }
}

/// Quotient table: 64-byte lines of eight 30-bit tags and payloads, and an overflow.
struct Narrow {
    lines: Lines<u32, 8>,
    overflow: Wide,
}

impl Narrow {
    /// From (mixed value, payload), unique, in ascending order, and at least
    /// [`NARROW_LINES_MIN`] lines; entries that overflow are gathered in the space of `pairs`.
    fn build(mut pairs: Vec<(u64, u32)>, lines: usize) -> Narrow {
        debug_assert!(lines >= NARROW_LINES_MIN, "tags would not identify numbers");
        let mut lines = Lines::new(lines);
        pairs
            .retain(|&(mixed, payload)| !lines.place(Narrow::place(mixed, lines.count()), payload));
        Narrow { lines, overflow: Wide::build(&pairs) }
    }

    fn lines_for(entries: usize) -> usize {
        (entries as f64 / NARROW_FILL) as usize + 1
    }

    #[inline(always)]
    fn place(mixed: u64, lines: usize) -> Place<u32> {
        let tag = mixed as u32 & ((1 << NARROW_TAG_BITS) - 1);
        Place { line: line_of(mixed, lines), home: tag | 1 << 31, spilled: tag | 1 << 30 }
    }

    #[inline(always)]
    fn get(&self, mixed: u64) -> Option<u32> {
        match self.lines.find(Narrow::place(mixed, self.lines.count())) {
            Found::Here(payload) => Some(payload),
            Found::Nowhere => None,
            Found::MaybeElsewhere => self.overflow.get(mixed),
        }
    }
}

enum Layout {
    Wide(Wide),
    Narrow(Narrow),
}

/// An immutable exact map from E.164 numbers to payloads.
pub struct ExactTable {
    layout: Layout,
    len: usize,
}

impl Default for ExactTable {
    fn default() -> ExactTable {
        ExactTable { layout: Layout::Wide(Wide::default()), len: 0 }
    }
}

impl fmt::Debug for ExactTable {
    /// The size only: the numbers are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExactTable({} entries)", self.len)
    }
}

impl ExactTable {
    /// From (number, token) pairs in any order. All tokens of one number, ascending, go to
    /// `resolve`, whose answer is the number's payload; numbers come in an order that depends
    /// on the set of numbers only.
    ///
    /// Sorts in place: at the peak it holds the pairs (16 bytes each) and the finished table.
    pub fn build(
        pairs: Vec<(E164Number, u32)>,
        mut resolve: impl FnMut(&[u32]) -> u32,
    ) -> ExactTable {
        // The collect reuses the allocation: both pairs have the same layout. Sorting by the
        // mix and not by the number makes the filling of the lines run through memory in order.
        let mut pairs: Vec<(u64, u32)> =
            pairs.into_iter().map(|(number, token)| (mix(number.value()), token)).collect();
        pairs.sort_unstable();
        let mut tokens = Vec::new();
        let (mut read, mut write) = (0, 0);
        while read < pairs.len() {
            let mixed = pairs[read].0;
            tokens.clear();
            while read < pairs.len() && pairs[read].0 == mixed {
                tokens.push(pairs[read].1);
                read += 1;
            }
            pairs[write] = (mixed, resolve(&tokens));
            write += 1;
        }
        pairs.truncate(write);
        ExactTable::from_mixed(pairs)
    }

    /// From (number, payload) pairs with unique numbers, in any order; where a number comes
    /// twice the highest payload stays.
    pub fn from_unique(pairs: impl IntoIterator<Item = (E164Number, u32)>) -> ExactTable {
        let highest = |payloads: &[u32]| payloads.last().copied().unwrap_or_default();
        ExactTable::build(pairs.into_iter().collect(), highest)
    }

    fn from_mixed(pairs: Vec<(u64, u32)>) -> ExactTable {
        let len = pairs.len();
        let lines = Narrow::lines_for(len);
        let layout = if lines < NARROW_LINES_MIN {
            Layout::Wide(Wide::build(&pairs))
        } else {
            Layout::Narrow(Narrow::build(pairs, lines))
        };
        ExactTable { layout, len }
    }

    /// The payload of a number, if it is in the set.
    #[inline]
    pub fn get(&self, number: E164Number) -> Option<u32> {
        let mixed = mix(number.value());
        match &self.layout {
            Layout::Narrow(narrow) => narrow.get(mixed),
            Layout::Wide(wide) => wide.get(mixed),
        }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.len
    }

    /// No number at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Heap bytes held.
    pub fn bytes(&self) -> usize {
        match &self.layout {
            Layout::Wide(wide) => wide.bytes(),
            Layout::Narrow(narrow) => narrow.lines.bytes() + narrow.overflow.bytes(),
        }
    }
}

#[cfg(test)]
mod tests;
