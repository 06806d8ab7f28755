//! The image of a bulk layer: octets from which the layer is there again without building it.
//!
//! Owns the layout and a checksum over all of it. Must not know files, nor who keeps an image.
//! Invariant: what is read back is the layer that was written, or an error: any change within
//! eight octets that stand together changes the checksum for certain, any other all but for
//! certain; and whatever passes has its indexes in range.
//!
//! Layout, all little-endian: [`MAGIC`], lists, members, sets, short codes, exact table, checksum.

mod values;

use std::collections::HashMap;

use super::CompileError;
use super::intern::{Member, Sets};
use super::numbers::{ExactTable, NumberIndex};
use super::ruleset::Layer;

/// What an image starts with: name and version of the layout.
const MAGIC: [u8; 8] = *b"RFBULK01";
/// The checksum at the end.
const CHECKSUM_BYTES: usize = 8;
/// Octets gathered before they go out.
const BUFFER_BYTES: usize = 64 * 1024;

/// An image that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

impl From<Damaged> for CompileError {
    fn from(_: Damaged) -> CompileError {
        CompileError("the image of a bulk layer is damaged".into())
    }
}

impl Layer {
    /// Writes the image of a bulk layer, piece by piece, in order.
    ///
    /// # Errors
    /// The layer holds more than exact numbers: only layers of
    /// [`BulkBuilder`](super::BulkBuilder) and [`Layer::read_bulk`] have images.
    pub fn write_bulk(&self, mut sink: impl FnMut(&[u8])) -> Result<(), CompileError> {
        if !self.is_bulk() {
            return Err(CompileError("only bulk layers have images".into()));
        }
        let mut out = Writer::new(&mut sink);
        out.octets(&MAGIC);
        out.u32(self.lists.len() as u32);
        for (list, entries) in self.lists.iter().zip(&self.list_entries) {
            out.list(list);
            out.u64(*entries);
        }
        let (members, starts, flat) = self.sets.parts();
        out.u32(members.len() as u32);
        for member in members {
            out.u16(member.list);
            out.meta(&member.meta);
        }
        for indexes in [starts, flat] {
            out.u32(indexes.len() as u32);
            indexes.iter().for_each(|index| out.u32(*index));
        }
        let (exact, short) = self.numbers.exact_parts();
        // In order, so that equal layers have equal images.
        let mut codes: Vec<_> = short.iter().collect();
        codes.sort_unstable();
        out.u32(codes.len() as u32);
        for (code, set) in codes {
            out.code(code);
            out.u32(*set);
        }
        exact.write(&mut out);
        out.finish();
        Ok(())
    }

    /// Reads an image.
    ///
    /// # Errors
    /// Whatever was written is not what [`Layer::write_bulk`] gave.
    pub fn read_bulk(image: &[u8]) -> Result<Layer, CompileError> {
        Ok(read(image)?)
    }

    fn is_bulk(&self) -> bool {
        self.patterns.is_empty()
            && self.numbers.prefix_len() == 0
            && self.senders.is_empty()
            && self.look_alikes.is_empty()
            && self.signatures.is_empty()
            && self.domains.is_empty()
            && self.texts.keywords.is_empty()
            && self.texts.conjunctions.is_empty()
            && self.brands.is_empty()
    }
}

fn read(image: &[u8]) -> Result<Layer, Damaged> {
    let content = image.len().checked_sub(CHECKSUM_BYTES).ok_or(Damaged)?;
    let (content, sum) = image.split_at(content);
    let mut checksum = Checksum::default();
    checksum.add(content);
    if checksum.end().to_le_bytes() != sum {
        return Err(Damaged);
    }
    let mut image = Reader(content);
    if image.octets(MAGIC.len())? != MAGIC {
        return Err(Damaged);
    }
    let (mut lists, mut list_entries) = (Vec::new(), Vec::new());
    for _ in 0..image.short_count()? {
        lists.push(image.list()?);
        list_entries.push(image.u64()?);
    }
    let mut members = Vec::new();
    for _ in 0..image.short_count()? {
        let list = image.u16()?;
        if usize::from(list) >= lists.len() {
            return Err(Damaged);
        }
        members.push(Member::new(list, image.meta()?));
    }
    let (starts, flat) = (image.indexes()?, image.indexes()?);
    let sets = Sets::from_parts(members, starts, flat).ok_or(Damaged)?;
    let payloads = u32::try_from(sets.len()).map_err(|_| Damaged)?;
    let mut short = HashMap::new();
    for _ in 0..image.short_count()? {
        let code = image.code()?;
        let set = image.u32()?;
        if set >= payloads || short.insert(code, set).is_some() {
            return Err(Damaged);
        }
    }
    let exact = ExactTable::read(&mut image, payloads)?;
    if !image.0.is_empty() {
        return Err(Damaged);
    }
    let entries = list_entries.iter().try_fold(0u64, |sum, n| sum.checked_add(*n));
    Ok(Layer {
        lists,
        entries: entries.ok_or(Damaged)?,
        list_entries,
        sets,
        numbers: NumberIndex::from_exact(exact, short),
        ..Layer::default()
    })
}

/// A checksum that takes eight octets with one multiplication. Each step is a bijection of the
/// sum for given octets and of the octets for a given sum, so that a change of one word is never
/// lost; it is against decay, not against forgers.
#[derive(Default)]
struct Checksum {
    sum: u64,
    length: u64,
    /// Octets that do not fill a word yet.
    rest: ([u8; 8], usize),
}

impl Checksum {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15; // 2^64 / golden ratio, the usual odd multiplier.

    fn add(&mut self, mut octets: &[u8]) {
        self.length = self.length.wrapping_add(octets.len() as u64);
        let (rest, filled) = &mut self.rest;
        if *filled > 0 {
            let more = (8 - *filled).min(octets.len());
            rest[*filled..*filled + more].copy_from_slice(&octets[..more]);
            *filled += more;
            octets = &octets[more..];
            if *filled < 8 {
                return;
            }
            self.sum = Checksum::step(self.sum, u64::from_le_bytes(*rest));
            *filled = 0;
        }
        let (words, tail) = octets.as_chunks::<8>();
        let fold = |sum, word: &[u8; 8]| Checksum::step(sum, u64::from_le_bytes(*word));
        self.sum = words.iter().fold(self.sum, fold);
        rest[..tail.len()].copy_from_slice(tail);
        *filled = tail.len();
    }

    #[inline(always)]
    fn step(sum: u64, word: u64) -> u64 {
        (sum.rotate_left(29) ^ word).wrapping_mul(Checksum::ODD)
    }

    fn end(mut self) -> u64 {
        let (rest, filled) = &mut self.rest;
        rest[*filled..].fill(0);
        let sum = Checksum::step(self.sum, u64::from_le_bytes(*rest));
        Checksum::step(sum, self.length)
    }
}

/// Where an image goes; [`Writer::finish`] sends what is left, and the checksum.
pub(super) struct Writer<'s> {
    sink: &'s mut dyn FnMut(&[u8]),
    buffer: Vec<u8>,
    checksum: Checksum,
}

impl<'s> Writer<'s> {
    fn new(sink: &'s mut dyn FnMut(&[u8])) -> Writer<'s> {
        let buffer = Vec::with_capacity(BUFFER_BYTES);
        Writer { sink, buffer, checksum: Checksum::default() }
    }

    pub fn octets(&mut self, octets: &[u8]) {
        if self.buffer.len() + octets.len() > BUFFER_BYTES {
            self.flush();
        }
        if octets.len() > BUFFER_BYTES {
            self.checksum.add(octets);
            (self.sink)(octets);
        } else {
            self.buffer.extend_from_slice(octets);
        }
    }

    pub fn u8(&mut self, value: u8) {
        self.octets(&[value]);
    }

    pub fn u16(&mut self, value: u16) {
        self.octets(&value.to_le_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.octets(&value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.octets(&value.to_le_bytes());
    }

    fn flush(&mut self) {
        self.checksum.add(&self.buffer);
        (self.sink)(&self.buffer);
        self.buffer.clear();
    }

    fn finish(mut self) {
        self.flush();
        (self.sink)(&self.checksum.end().to_le_bytes());
    }
}

/// What is left of an image.
pub(super) struct Reader<'i>(&'i [u8]);

impl<'i> Reader<'i> {
    /// The next octets.
    pub fn octets(&mut self, count: usize) -> Result<&'i [u8], Damaged> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Damaged)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Damaged)?;
        self.0 = rest;
        Ok(*head)
    }

    pub fn u8(&mut self) -> Result<u8, Damaged> {
        self.array::<1>().map(|[value]| value)
    }

    pub fn u16(&mut self) -> Result<u16, Damaged> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Damaged> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Damaged> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length of anything.
    pub fn length(&mut self) -> Result<usize, Damaged> {
        self.u64().and_then(|length| usize::try_from(length).map_err(|_| Damaged))
    }

    /// A count of things of so many octets, all of which are still to come.
    pub fn count(&mut self, octets: usize) -> Result<usize, Damaged> {
        let count = self.length()?;
        let fits = count.checked_mul(octets).is_some_and(|octets| octets <= self.0.len());
        if fits { Ok(count) } else { Err(Damaged) }
    }

    /// A count in four octets of things that take at least one octet each.
    fn short_count(&mut self) -> Result<usize, Damaged> {
        let count = self.u32()? as usize;
        if count <= self.0.len() { Ok(count) } else { Err(Damaged) }
    }

    fn indexes(&mut self) -> Result<Vec<u32>, Damaged> {
        let count = self.short_count()?;
        let octets = self.octets(count.checked_mul(4).ok_or(Damaged)?)?;
        Ok(octets.as_chunks::<4>().0.iter().map(|index| u32::from_le_bytes(*index)).collect())
    }
}

#[cfg(test)]
mod tests;
