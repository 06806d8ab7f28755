//! Segments: the values of a bulk import, sorted and compressed, looked up without unpacking.
//!
//! Owns the octets of a segment. Must not know where they are kept nor what is said of the values.
//! Layout, little-endian: head (magic, version, kind, count, payload and block lengths), payload,
//! block index, checksum. A block holds 256 values. Numbers: the first stands in the index, the
//! others as LEB128 distances less one. Texts: the first whole, the others as what they share
//! with the one before and what follows.
//! Invariants: values ascend strictly (texts by octets); one set of values has one encoding, so
//! that its digest names it; [`Segment::parse`] has read every value once, nothing panics on
//! any octets.

mod read;
mod write;

pub use read::{Numbers, Segment, Texts};
pub use write::{SegmentWriter, encode_numbers, encode_texts};

/// First octets of every segment.
const MAGIC: [u8; 4] = *b"RFSG";
/// This layout.
const VERSION: u8 = 1;
/// Octets of the head.
const HEAD_BYTES: usize = 32;
/// Octets of the checksum.
const SUM_BYTES: usize = 8;
/// Values of a block: a look-up reads at most so many, the index stays below a tenth of an octet
/// a value.
const BLOCK_VALUES: usize = 256;
/// Values of one segment: ten times the largest import that the design speaks of.
pub const VALUES_MAX: u64 = 100_000_000;
/// Octets of one text: a line of a pack.
pub const TEXT_BYTES_MAX: usize = super::pack::LINE_BYTES_MAX;
/// Octets of one segment; offsets of the index are 32 bits wide.
pub const SEGMENT_BYTES_MAX: usize = u32::MAX as usize;

/// What the values of a segment are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// Full international numbers.
    Numbers = 0,
    /// Keys of any other value: domains, sender ids, phrases, short codes, prefixes.
    Texts = 1,
}

impl SegmentKind {
    /// Octets of one entry of the block index.
    const fn index_bytes(self) -> usize {
        match self {
            SegmentKind::Numbers => 12,
            SegmentKind::Texts => 4,
        }
    }
}

/// The checksum of octets. Any change within eight neighbouring octets changes it for certain,
/// because every step can be undone; other damage goes unseen once in 2^64.
fn checksum(octets: &[u8]) -> u64 {
    let mut words = octets.chunks_exact(8);
    let mut sum = octets.len() as u64;
    let mut step = |word: [u8; 8]| {
        // The multiplier is that of FNV-1a, 64 bits wide; it is odd, so nothing is lost.
        sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
    };
    for word in words.by_ref() {
        step(word.try_into().expect("chunks have eight octets"));
    }
    let mut rest = [0; 8];
    rest[..words.remainder().len()].copy_from_slice(words.remainder());
    step(rest);
    sum
}

#[cfg(test)]
mod tests;
