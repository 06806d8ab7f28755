//! Cuts folded text into words: maximal runs of letters or of digits.
//!
//! Owns: word borders, 64 units at a time. Must not know phrases. Invariant: the words are those
//! that `class_of` gives. Words are short, and a branch at the end of each would be mispredicted;
//! so classes become bit masks without branches, and words come from the masks.

use super::hash::class;
use crate::text::class::UnitClass;

const BLOCK: usize = 64;

/// The words of a text, as start and end, from left to right.
pub(super) struct Words<'a> {
    text: &'a [u16],
    /// Units of the blocks read.
    read: usize,
    /// First unit of the block at hand.
    base: usize,
    /// By unit of the block: a word starts here.
    starts: u64,
    /// By unit of the block: a word ends before this.
    ends: u64,
    /// The last unit of the block at hand is a letter; is a digit.
    last: Masks,
    /// Start of the word that goes on beyond the block at hand.
    open: Option<usize>,
}

/// Which units of a block are letters, which are digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Masks {
    letters: u64,
    digits: u64,
}

impl<'a> Words<'a> {
    #[inline(always)]
    pub(super) fn new(text: &'a [u16]) -> Words<'a> {
        let last = Masks::default();
        Words { text, read: 0, base: 0, starts: 0, ends: 0, last, open: None }
    }

    /// Reads the next block; false at the end of the text.
    #[inline(always)]
    fn read_block(&mut self) -> bool {
        if self.starts != 0 {
            self.open = Some(self.base + self.starts.trailing_zeros() as usize);
        }
        let rest = &self.text[self.read..];
        if rest.is_empty() {
            return false;
        }
        self.base = self.read;
        let masks = match rest.first_chunk::<BLOCK>() {
            Some(block) => {
                self.read += BLOCK;
                masks(block)
            }
            None => {
                self.read += rest.len();
                let mut block = [0; BLOCK]; // The filling is separators.
                block[..rest.len()].copy_from_slice(rest);
                masks(&block)
            }
        };
        let letters_before = masks.letters << 1 | self.last.letters;
        let digits_before = masks.digits << 1 | self.last.digits;
        self.starts = masks.letters & !letters_before | masks.digits & !digits_before;
        self.ends = !masks.letters & letters_before | !masks.digits & digits_before;
        self.last = Masks { letters: masks.letters >> 63, digits: masks.digits >> 63 };
        true
    }
}

impl Iterator for Words<'_> {
    type Item = (usize, usize);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        while self.ends == 0 {
            if !self.read_block() {
                // A whole last block may end within a word.
                self.starts = 0;
                return self.open.take().map(|start| (start, self.text.len()));
            }
        }
        let end = self.base + self.ends.trailing_zeros() as usize;
        self.ends &= self.ends - 1;
        let start = self.open.take().unwrap_or_else(|| {
            let start = self.base + self.starts.trailing_zeros() as usize;
            self.starts &= self.starts.wrapping_sub(1);
            start
        });
        Some((start, end))
    }
}

/// Whether a unit is in a range, without a branch.
#[inline(always)]
fn within(unit: u16, first: u16, last: u16) -> bool {
    unit.wrapping_sub(first) <= last - first
}

#[inline(always)]
fn masks(block: &[u16; BLOCK]) -> Masks {
    const LETTER: u8 = 1;
    const DIGIT: u8 = 2;
    let mut kinds = [0u8; BLOCK];
    let mut odd = false;
    for (kind, unit) in kinds.iter_mut().zip(block) {
        // Latin, Cyrillic and Devanagari letters.
        let letter = within(*unit, 0x61, 0x7A)
            | within(*unit, 0xC0, 0x2BF)
            | within(*unit, 0x400, 0x481)
            | within(*unit, 0x900, 0x963);
        let digit = within(*unit, 0x30, 0x39);
        // Where the ranges above do not say it all; rare in texts.
        odd |= within(*unit, 0x80, 0xBF)
            | (*unit == 0xD7)
            | (*unit == 0xF7)
            | within(*unit, 0x2C0, 0x3FF)
            | within(*unit, 0x482, 0x8FF)
            | within(*unit, 0x964, 0x1FFF)
            | within(*unit, 0x2140, 0x218F)
            | within(*unit, 0x2C00, 0x2DFF)
            | within(*unit, 0xA000, 0xABFF)
            | within(*unit, 0xE000, 0xFFFF);
        *kind = (u8::from(letter) * LETTER) | (u8::from(digit) * DIGIT);
    }
    if odd {
        for (kind, unit) in kinds.iter_mut().zip(block) {
            *kind = match class(*unit) {
                UnitClass::Letter => LETTER,
                UnitClass::Digit => DIGIT,
                UnitClass::Separator | UnitClass::Ideograph => 0,
            };
        }
    }
    let mut masks = Masks::default();
    for (at, eight) in kinds.as_chunks::<8>().0.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        masks.letters |= low_bits(eight) << (at * 8);
        masks.digits |= low_bits(eight >> 1) << (at * 8);
    }
    masks
}

/// The lowest bits of eight octets side by side: the product moves bit 8n to bit 56 + n.
#[inline(always)]
fn low_bits(eight: u64) -> u64 {
    (eight & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::class::class_of;

    fn plain(text: &[u16]) -> Vec<(usize, usize)> {
        let mut at = 0;
        let runs = text.chunk_by(|left, right| class_of(*left) == class_of(*right));
        let words = runs.map(|run| {
            at += run.len();
            (at - run.len(), at)
        });
        words
            .filter(|(start, _)| {
                matches!(class_of(text[*start]), UnitClass::Letter | UnitClass::Digit)
            })
            .collect()
    }

    #[test]
    fn masks_are_class_of() {
        for first in (0..=u16::MAX).step_by(BLOCK) {
            let block: [u16; BLOCK] = std::array::from_fn(|at| first + at as u16);
            for units in [block, std::array::from_fn(|at| block[at / 2 * 2])] {
                let mut expected = Masks::default();
                for (at, unit) in units.iter().enumerate() {
                    expected.letters |= u64::from(class_of(*unit) == UnitClass::Letter) << at;
                    expected.digits |= u64::from(class_of(*unit) == UnitClass::Digit) << at;
                }
                assert_eq!(masks(&units), expected, "{first:#06x}");
            }
        }
        for unit in 0..=u16::MAX {
            let letters = if class_of(unit) == UnitClass::Letter { u64::MAX } else { 0 };
            assert_eq!(masks(&[unit; BLOCK]).letters, letters, "{unit:#06x}");
        }
    }

    #[test]
    fn words_across_blocks() {
        for len in [0, 1, 63, 64, 65, 127, 128, 129, 192, 200] {
            for period in [1, 2, 3, 7, 31, 64, 65, 1000] {
                for units in [[0x61, 0x20], [0x61, 0x31], [0x8D37, 0x31], [0x20, 0x410]] {
                    let text: Vec<u16> = (0..len).map(|at| units[at / period % 2]).collect();
                    let words: Vec<_> = Words::new(&text).collect();
                    assert_eq!(words, plain(&text), "{len} {period} {units:x?}");
                }
            }
        }
    }
}
