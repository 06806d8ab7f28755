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
        0x3400..=0x9FFF => UnitClass::Ideograph,
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

/// The hash of one word: two overlapping groups of four units cover most words, so that a word
/// costs one multiplication instead of one for each letter.
#[inline(always)]
pub(super) fn word_hash(word: &[u16]) -> u64 {
    let len = word.len();
    if len < 4 {
        let Some(first) = word.first() else { return 0 };
        let all = [*first, word[len / 2], word[len - 1]];
        return fold(key(&all) ^ SEED_LEFT, len as u64 ^ SEED_RIGHT);
    }
    let mut hash = len as u64 ^ SEED_RIGHT;
    let mut at = 0;
    while at + 8 < len {
        hash = fold(four(word, at) ^ SEED_LEFT, four(word, at + 4) ^ hash);
        at += 8;
    }
    let first = if at + 4 < len { four(word, at) } else { 0 };
    fold(first ^ SEED_LEFT, four(word, len - 4) ^ hash)
}

#[inline(always)]
fn four(word: &[u16], at: usize) -> u64 {
    let four = &word[at..at + 4];
    u64::from(four[0])
        | u64::from(four[1]) << 16
        | u64::from(four[2]) << 32
        | u64::from(four[3]) << 48
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LengthKey {
    /// Spread by the caller: [`mix`] of units, or a word's hash.
    pub(super) hash: u64,
    /// Bit n: there are phrases of length n + 1. Never 0: that marks an empty slot.
    pub(super) lengths: u64,
}

/// From the key of a phrase to the lengths to try, behind a bitmap.
#[derive(Clone, Debug)]
pub(super) struct LengthTable {
    bitmap: Bitmap,
    slots: Box<[LengthKey]>,
}

impl LengthTable {
    /// Keys may repeat; their lengths are joined.
    pub(super) fn build(mut keys: Vec<LengthKey>) -> LengthTable {
        keys.sort_unstable();
        keys.dedup_by(|next, kept| {
            let same = next.hash == kept.hash;
            kept.lengths |= if same { next.lengths } else { 0 };
            same
        });
        let empty = LengthKey { hash: 0, lengths: 0 };
        let mut slots = vec![empty; (keys.len() * 2).next_power_of_two().max(2)].into_boxed_slice();
        let mask = slots.len() - 1;
        for key in &keys {
            let mut at = Self::home(key.hash, mask);
            while slots[at].lengths != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = *key;
        }
        LengthTable { bitmap: Bitmap::build(keys.iter().map(|key| key.hash)), slots }
    }

    /// The lengths of the phrases with this key; 0 where there are none.
    #[inline(always)]
    pub(super) fn lengths(&self, hash: u64) -> u64 {
        if self.bitmap.may_have(hash) { self.probe(hash) } else { 0 }
    }

    #[inline]
    fn probe(&self, hash: u64) -> u64 {
        let mask = self.slots.len() - 1;
        let mut at = Self::home(hash, mask);
        loop {
            let slot = self.slots[at & mask];
            if slot.hash == hash || slot.lengths == 0 {
                return slot.lengths;
            }
            at += 1;
        }
    }

    /// Bits that the bitmap does not look at, else its false positives would share their slots.
    #[inline(always)]
    fn home(hash: u64, mask: usize) -> usize {
        (hash >> 4) as usize & mask
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
    fn words_of_every_length_hash_by_every_unit() {
        let word: Vec<u16> = (0..64).map(|at| 0x61 + at % 26).collect();
        for len in 1..=word.len() {
            let hash = word_hash(&word[..len]);
            for at in 0..len {
                let mut other = word[..len].to_vec();
                other[at] ^= 0x40;
                assert_ne!(word_hash(&other), hash, "length {len}, unit {at}");
            }
            assert_ne!(word_hash(&word[..len - 1]), hash);
        }
    }

    #[test]
    fn lengths_of_equal_keys_join() {
        let keys = (0..1000u64).map(|at| LengthKey { hash: mix(at % 100), lengths: 1 << (at % 7) });
        let table = LengthTable::build(keys.collect());
        assert!((0..100).all(|at| table.lengths(mix(at)) == 0x7F));
        assert!((100..10_000).all(|at| table.lengths(mix(at)) == 0));
        assert_eq!(LengthTable::build(Vec::new()).lengths(0), 0);
    }
}
