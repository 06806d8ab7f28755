//! Reading segments: checked once as a whole, then looked up block by block.

use super::{
    BLOCK_VALUES, HEAD_BYTES, MAGIC, SUM_BYTES, SegmentKind, TEXT_BYTES_MAX, VALUES_MAX, VERSION,
    checksum,
};
use crate::model::number::E164Number;

/// A segment over its octets.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    kind: SegmentKind,
    count: u64,
    payload: &'a [u8],
    index: &'a [u8],
}

impl std::fmt::Debug for Segment<'_> {
    /// Values are personal data: only their count.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Segment({:?}, {} values)", self.kind, self.count)
    }
}

impl<'a> Segment<'a> {
    /// Reads and checks every octet.
    ///
    /// Errors: in words, when these are not the octets of a segment, or damaged ones.
    pub fn parse(octets: &'a [u8]) -> Result<Segment<'a>, String> {
        let segment = Segment::open(octets)?;
        let (body, sum) = octets.split_at(octets.len() - SUM_BYTES);
        if checksum(body).to_le_bytes() != sum {
            return Err("damaged segment: the checksum does not fit".into());
        }
        segment.check().map_err(|what| format!("damaged segment: {what}"))?;
        Ok(segment)
    }

    /// Reads the head alone: for octets that were parsed before, or checked against their digest.
    /// Of damaged ones it gives wrong answers, but ends and never panics.
    ///
    /// Errors: in words, when these are not the octets of a segment.
    pub fn open(octets: &'a [u8]) -> Result<Segment<'a>, String> {
        let damaged = |what: &str| format!("damaged segment: {what}");
        let body = octets.len().checked_sub(SUM_BYTES).filter(|len| *len >= HEAD_BYTES);
        let body = &octets[..body.ok_or_else(|| damaged("too short"))?];
        if body[..4] != MAGIC {
            return Err("not a segment: the first octets are others".into());
        }
        if body[4] != VERSION {
            return Err(format!("segment of version {}, this program reads {VERSION}", body[4]));
        }
        let kind = match body[5] {
            0 => SegmentKind::Numbers,
            1 => SegmentKind::Texts,
            _ => return Err(damaged("unknown kind of values")),
        };
        let word = |at: usize| {
            u64::from_le_bytes(body[at..at + 8].try_into().expect("the head has been measured"))
        };
        let (count, payload, blocks) = (word(8), word(16), word(24));
        let rest = &body[HEAD_BYTES..];
        let payload = usize::try_from(payload).ok().filter(|len| *len <= rest.len());
        let (payload, index) = rest.split_at(payload.ok_or_else(|| damaged("payload length"))?);
        let fits = count <= VALUES_MAX
            && blocks == count.div_ceil(BLOCK_VALUES as u64)
            && index.len() as u64 == blocks * kind.index_bytes() as u64
            && body[6..8] == [0, 0];
        if !fits {
            return Err(damaged("counts do not fit"));
        }
        Ok(Segment { kind, count, payload, index })
    }

    /// What its values are.
    pub fn kind(&self) -> SegmentKind {
        self.kind
    }

    /// How many values it holds.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Is the value with this key in? A plain international number is looked up as a number, any
    /// other key as a text.
    pub fn contains(&self, key: &str) -> bool {
        match (self.kind, number_of(key)) {
            (SegmentKind::Numbers, Some(number)) => self.contains_number(number),
            (SegmentKind::Numbers, None) => false,
            (SegmentKind::Texts, _) => self.contains_text(key),
        }
    }

    /// Is the number in?
    pub fn contains_number(&self, number: E164Number) -> bool {
        self.numbers_from(number.value()).next() == Some(number)
    }

    /// Its numbers in ascending order; none of a segment of texts.
    pub fn numbers(&self) -> Numbers<'a> {
        self.numbers_in_block(0)
    }

    /// Its numbers from a value on.
    pub fn numbers_from(&self, value: u64) -> impl Iterator<Item = E164Number> + use<'a> {
        let block = self.last_block(|block| self.first_number(block) <= value);
        self.numbers_in_block(block).skip_while(move |number| number.value() < value)
    }

    /// Its texts in ascending order; none of a segment of numbers.
    pub fn texts(&self) -> Texts<'a> {
        self.texts_in_block(0)
    }

    /// Its texts from a key on.
    pub fn texts_from<'k>(&self, key: &'k str) -> impl Iterator<Item = String> + use<'a, 'k> {
        let block = self.last_block(|block| {
            self.texts_in_block(block).next().is_some_and(|first| first.as_str() <= key)
        });
        self.texts_in_block(block).skip_while(move |text| text.as_str() < key)
    }

    /// Keys of all values, as rows have them, in the order of the segment.
    pub fn keys(&self) -> impl Iterator<Item = String> + use<'a> {
        self.numbers().map(|number| number.to_string()).chain(self.texts())
    }

    fn contains_text(&self, key: &str) -> bool {
        self.texts_from(key).next().is_some_and(|text| text == key)
    }

    fn numbers_in_block(&self, block: usize) -> Numbers<'a> {
        let count = if self.kind == SegmentKind::Numbers { self.left(block) } else { 0 };
        Numbers { segment: *self, next: block * BLOCK_VALUES, left: count, at: 0, last: 0 }
    }

    fn texts_in_block(&self, block: usize) -> Texts<'a> {
        let count = if self.kind == SegmentKind::Texts { self.left(block) } else { 0 };
        let at = if count == 0 { 0 } else { self.offset(block) };
        Texts { segment: *self, next: block * BLOCK_VALUES, left: count, at, last: Vec::new() }
    }

    /// Values from a block on.
    fn left(&self, block: usize) -> usize {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        count.saturating_sub(block * BLOCK_VALUES)
    }

    fn blocks(&self) -> usize {
        self.index.len() / self.kind.index_bytes()
    }

    /// The last block for which `below` holds; it holds for those before, too. 0 where for none.
    fn last_block(&self, below: impl Fn(usize) -> bool) -> usize {
        let (mut from, mut to) = (0, self.blocks());
        while from < to {
            let middle = usize::midpoint(from, to);
            if below(middle) { from = middle + 1 } else { to = middle }
        }
        from.saturating_sub(1)
    }

    fn first_number(&self, block: usize) -> u64 {
        let entry = self.entry(block);
        entry.first_chunk().map_or(0, |octets| u64::from_le_bytes(*octets))
    }

    /// Where the payload of a block begins.
    fn offset(&self, block: usize) -> usize {
        let entry = self.entry(block);
        entry.last_chunk().map_or(usize::MAX, |octets| u32::from_le_bytes(*octets) as usize)
    }

    fn entry(&self, block: usize) -> &'a [u8] {
        let size = self.kind.index_bytes();
        self.index.get(block * size..(block + 1) * size).unwrap_or(&[])
    }

    /// Reads every value.
    fn check(&self) -> Result<(), &'static str> {
        let (mut read, end) = match self.kind {
            SegmentKind::Numbers => {
                let mut values = self.numbers();
                (values.by_ref().count(), values.at)
            }
            SegmentKind::Texts => {
                let mut values = self.texts();
                let mut read = 0;
                while values.advance() {
                    read += 1;
                }
                (read, values.at)
            }
        };
        if end != self.payload.len() {
            read = usize::MAX;
        }
        if read == self.left(0) { Ok(()) } else { Err("values do not ascend or end early") }
    }
}

/// The number that a key stands for, if it is a plain international one.
fn number_of(key: &str) -> Option<E164Number> {
    E164Number::from_digits(key.strip_prefix('+')?.as_bytes())
}

/// Numbers of a segment, ascending. Ends where something is wrong, which [`Segment::parse`] has
/// made sure is the true end.
#[derive(Clone, Debug)]
pub struct Numbers<'a> {
    segment: Segment<'a>,
    /// Place of the next value.
    next: usize,
    left: usize,
    /// Place in the payload.
    at: usize,
    last: u64,
}

impl Iterator for Numbers<'_> {
    type Item = E164Number;

    fn next(&mut self) -> Option<E164Number> {
        self.left = self.left.checked_sub(1)?;
        let value = if self.next.is_multiple_of(BLOCK_VALUES) {
            let block = self.next / BLOCK_VALUES;
            let at = self.segment.offset(block);
            // A block begins where the one before ends: no octet is left out, none read twice.
            let joined = self.at == 0 || self.at == at;
            self.at = at;
            Some(self.segment.first_number(block)).filter(|_| joined)
        } else {
            let distance = varint(self.segment.payload, &mut self.at);
            distance.and_then(|less_one| self.last.checked_add(less_one)?.checked_add(1))
        };
        let number = value.filter(|value| *value > self.last).and_then(E164Number::from_value);
        let Some(number) = number else {
            self.left = 0;
            return None;
        };
        self.last = number.value();
        self.next += 1;
        Some(number)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

/// Texts of a segment, ascending by octets.
#[derive(Clone)]
pub struct Texts<'a> {
    segment: Segment<'a>,
    next: usize,
    left: usize,
    at: usize,
    last: Vec<u8>,
}

impl Texts<'_> {
    /// Goes on to the next text; `false` at the end, or where something is wrong.
    fn advance(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        let read = self.read().is_some();
        self.left = if read { left } else { 0 };
        self.next += 1;
        read
    }

    fn read(&mut self) -> Option<()> {
        let payload = self.segment.payload;
        let mut shared = 0;
        if self.next.is_multiple_of(BLOCK_VALUES) {
            (self.at == self.segment.offset(self.next / BLOCK_VALUES)).then_some(())?;
        } else {
            shared = usize::try_from(varint(payload, &mut self.at)?).ok()?;
        }
        let length = usize::try_from(varint(payload, &mut self.at)?).ok()?;
        let suffix = payload.get(self.at..self.at.checked_add(length)?)?;
        // Strictly above the one before, and sharing all that can be shared: one encoding only.
        let rest = self.last.get(shared..).filter(|_| shared + length <= TEXT_BYTES_MAX)?;
        let whole = self.next.is_multiple_of(BLOCK_VALUES);
        let ascends = if whole {
            suffix > rest
        } else {
            suffix.first()? > rest.first().unwrap_or(&0) || rest.is_empty()
        };
        ascends.then_some(())?;
        self.at += length;
        self.last.truncate(shared);
        self.last.extend_from_slice(suffix);
        std::str::from_utf8(&self.last).ok()?;
        Some(())
    }
}

impl Iterator for Texts<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if !self.advance() {
            return None;
        }
        String::from_utf8(self.last.clone()).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

/// LEB128, at most ten octets; `None` where it is cut, too large or longer than need be.
fn varint(octets: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let octet = *octets.get(*at)?;
        *at += 1;
        let bits = u64::from(octet & 0x7F);
        if bits.checked_shl(shift)? >> shift != bits || (octet == 0 && shift > 0) {
            return None;
        }
        value |= bits << shift;
        if octet < 0x80 {
            return Some(value);
        }
    }
    None
}
