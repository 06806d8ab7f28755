//! Hashes, bitmaps and the length table that both matchers filter with.
//!
//! Owns: how units and words turn into 64-bit hashes. Must not know phrases or borders. Invariant:
//! a hash only proposes; whoever reports a hit has compared the units themselves, so that neither
//! the hashes nor their seeds are a matter of correctness. Phrases come from staff, so the seeds
//! are fixed: a sender cannot choose what is in the tables.

use crate::text::class::{UnitClass, class_of};

const SEED_LEFT: u64 = 0x243F_6A88_85A3_08D3; // Fraction of pi: no structure of ours in it.
const SEED_RIGHT: u64 = 0x1319_8A2E_0370_7344; // Its next 64 bits.
const ODD: u64 = 0x9E37_79B9_7F4A_7C15; // 2^64 / golden ratio, the usual odd multiplier.

/// Bits of a prefix bitmap for each key in it: one foreign key in 16 passes.
const BITS_PER_KEY: usize = 16;
/// Smallest bitmap; 512 bytes, so that tiny sets let nearly nothing through.
const BITMAP_BITS_MIN: usize = 1 << 12;

/// `class_of` with the two ranges that fill nearly all texts tried first.
#[inline(always)]
pub(super) fn class(unit: u16) -> UnitClass {
    match unit {
        0x61..=0x7A => UnitClass::Letter,
        0x4E00..=0x9FFF => UnitClass::Ideograph,
        _ => class_of(unit),
    }
}

/// Both halves of the 128-bit product: every bit of the result hangs on every bit of both.
#[inline(always)]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

/// Spreads a key of up to four units.
#[inline(always)]
pub(super) fn mix(key: u64) -> u64 {
    fold(key ^ SEED_LEFT, ODD)
}

/// Carries a hash on by a unit or by the hash of a word.
#[inline(always)]
pub(super) fn step(hash: u64, next: u64) -> u64 {
    (hash.rotate_left(23) ^ next).wrapping_mul(ODD)
}

/// The units of a short slice (at most four) side by side.
#[inline(always)]
pub(super) fn key(units: &[u16]) -> u64 {
    units.iter().fold(0, |key, unit| key << 16 | u64::from(*unit))
}

/// The hash of units as a prefix matcher meets them: up to three at once, then one by one.
#[inline]
pub(super) fn units_hash(units: &[u16]) -> u64 {
    let (head, tail) = units.split_at(units.len().min(3));
    tail.iter().fold(mix(key(head)), |hash, unit| step(hash, u64::from(*unit)))
}

/// The hash of the word that starts here: eight units at a time, so that nearly all words cost
/// one multiplication and no branch that depends on their length.
#[inline(always)]
pub(super) fn word_hash(text: &[u16], start: usize, end: usize) -> u64 {
    let mut hash = (end - start) as u64 ^ SEED_RIGHT;
    let mut at = start;
    loop {
        let (low, high) = eight(text, at, end);
        hash = fold(low ^ SEED_LEFT, high ^ hash);
        at += 8;
        if at >= end {
            return hash;
        }
    }
}

/// Up to eight units of a word, zeros behind its end.
#[inline(always)]
fn eight(text: &[u16], at: usize, end: usize) -> (u64, u64) {
    if let Some(units) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let len = end.saturating_sub(at).min(8);
        let low = u64::MAX.checked_shr(64 - 16 * len.min(4) as u32).unwrap_or(0);
        let high = u64::MAX.checked_shr(64 - 16 * len.saturating_sub(4) as u32).unwrap_or(0);
        return (four(units, 0) & low, four(units, 4) & high);
    }
    let mut units = [0; 8];
    for (unit, from) in units.iter_mut().zip(text.get(at..end).unwrap_or(&[])) {
        *unit = *from;
    }
    (four(&units, 0), four(&units, 4))
}

#[inline(always)]
fn four(units: &[u16; 8], at: usize) -> u64 {
    u64::from(units[at])
        | u64::from(units[at + 1]) << 16
        | u64::from(units[at + 2]) << 32
        | u64::from(units[at + 3]) << 48
}

/// A set of hashes that may say yes to a stranger, never no to a member.
#[derive(Clone, Debug)]
pub(super) struct Bitmap {
    words: Box<[u64]>,
    shift: u32,
}

impl Bitmap {
    pub(super) fn build(hashes: impl ExactSizeIterator<Item = u64>) -> Bitmap {
        let bits = (hashes.len() * BITS_PER_KEY).next_power_of_two().max(BITMAP_BITS_MIN);
        let mut words = vec![0; bits / 64].into_boxed_slice();
        let shift = 64 - bits.trailing_zeros();
        for hash in hashes {
            let bit = hash >> shift;
            words[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        Bitmap { words, shift }
    }

    #[inline(always)]
    pub(super) fn may_have(&self, hash: u64) -> bool {
        let bit = hash >> self.shift;
        self.words[(bit / 64) as usize] >> (bit % 64) & 1 == 1
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.words)
    }
}

/// How a phrase begins (or, for words, ends), and which lengths such phrases have.
#[derive(Clone, Copy, Debug)]
pub(super) struct LengthKey {
    /// Spread by the caller: [`mix`] of units, or a word's hash.
    pub(super) hash: u64,
    /// 1 to 64.
    pub(super) length: usize,
}

/// From the key of a phrase to the lengths to try, behind a bitmap.
#[derive(Clone, Debug)]
pub(super) struct LengthTable {
    bitmap: Bitmap,
    slots: Box<[LengthSlot]>,
}

/// Eight octets, so that a large table stays in the cache as long as it may.
#[derive(Clone, Copy, Debug)]
struct LengthSlot {
    /// The low half of the hash; keys that share it share their lengths.
    tag: u32,
    /// See [`packed`]; 0 marks an empty slot.
    lengths: u32,
}

/// Lengths up to this have a bit of their own.
const LENGTHS_APART: usize = 24;
/// Longer ones, rare, share one of the other eight bits by fives.
const LENGTHS_TOGETHER: usize = 5;

fn packed(length: usize) -> u32 {
    let length = length.clamp(1, 64);
    if length <= LENGTHS_APART {
        1 << (length - 1)
    } else {
        1 << (LENGTHS_APART + (length - LENGTHS_APART - 1) / LENGTHS_TOGETHER)
    }
}

/// Bit n: length n + 1.
#[inline(always)]
fn unpacked(packed: u32) -> u64 {
    let mut lengths = u64::from(packed) & ((1 << LENGTHS_APART) - 1);
    let mut together = packed >> LENGTHS_APART;
    while together != 0 {
        let bit = together.trailing_zeros() as usize;
        lengths |= 0x1F << (LENGTHS_APART + bit * LENGTHS_TOGETHER);
        together &= together - 1;
    }
    lengths
}

impl LengthTable {
    /// Keys may repeat; their lengths are joined.
    pub(super) fn build(mut keys: Vec<LengthKey>) -> LengthTable {
        keys.sort_unstable_by_key(|key| key.hash as u32);
        let distinct = keys.chunk_by(|left, right| left.hash as u32 == right.hash as u32);
        let slots = (distinct.clone().count() * 2).next_power_of_two().max(2);
        let mut slots = vec![LengthSlot { tag: 0, lengths: 0 }; slots].into_boxed_slice();
        let mask = slots.len() - 1;
        for same in distinct {
            let tag = same[0].hash as u32;
            let mut at = tag as usize & mask;
            while slots[at].lengths != 0 {
                at = (at + 1) & mask;
            }
            let lengths = same.iter().fold(0, |all, key| all | packed(key.length));
            slots[at] = LengthSlot { tag, lengths };
        }
        LengthTable { bitmap: Bitmap::build(keys.iter().map(|key| key.hash)), slots }
    }

    /// The lengths of phrases with this key, bit n for n + 1, and maybe others; mostly 0 where
    /// there is no such phrase.
    #[inline(always)]
    pub(super) fn lengths(&self, hash: u64) -> u64 {
        if self.bitmap.may_have(hash) { self.probe(hash) } else { 0 }
    }

    #[inline]
    fn probe(&self, hash: u64) -> u64 {
        let mask = self.slots.len() - 1;
        let tag = hash as u32;
        let mut at = tag as usize;
        loop {
            let slot = self.slots[at & mask];
            if slot.tag == tag || slot.lengths == 0 {
                return unpacked(slot.lengths);
            }
            at += 1;
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bitmap.bytes() + size_of_val(&*self.slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_is_class_of() {
        for unit in 0..=u16::MAX {
            assert_eq!(class(unit), class_of(unit), "{unit:#06x}");
        }
    }

    #[test]
    fn words_of_every_length_hash_by_every_unit_and_by_nothing_else() {
        let word: Vec<u16> = (0..80).map(|at| 0x61 + at % 26).collect();
        for len in 1..=64 {
            let hash = word_hash(&word[..len], 0, len);
            for at in 0..len {
                let mut other = word[..len].to_vec();
                other[at] ^= 0x40;
                assert_ne!(word_hash(&other, 0, len), hash, "length {len}, unit {at}");
            }
            for (before, behind) in [(0, 1), (3, 0), (1, 7), (0, 8), (5, 16)] {
                let mut text = vec![0x31; before];
                text.extend_from_slice(&word[..len]);
                text.extend(vec![0x32; behind]);
                assert_eq!(word_hash(&text, before, before + len), hash);
            }
            assert_ne!(word_hash(&word, 0, len + 1), hash);
        }
    }

    #[test]
    fn packed_lengths_have_their_own_bit_and_few_others() {
        for length in 1..=64 {
            let lengths = unpacked(packed(length));
            assert!(lengths >> (length - 1) & 1 == 1, "{length}");
            assert!(lengths.count_ones() <= 5 && (length > 24 || lengths.count_ones() == 1));
        }
    }

    #[test]
    fn lengths_of_equal_keys_join() {
        let keys =
            (0..1000u64).map(|at| LengthKey { hash: mix(at % 100), length: 1 + at as usize % 7 });
        let table = LengthTable::build(keys.collect());
        assert!((0..100).all(|at| table.lengths(mix(at)) == 0x7F));
        assert!((100..10_000).all(|at| table.lengths(mix(at)) == 0));
        assert_eq!(LengthTable::build(Vec::new()).lengths(0), 0);
    }
}
