//! Writing segments: values come in ascending order, octets go out.

use super::{
    BLOCK_VALUES, HEAD_BYTES, MAGIC, SEGMENT_BYTES_MAX, SegmentKind, TEXT_BYTES_MAX, VALUES_MAX,
    VERSION, checksum,
};
use crate::model::number::E164Number;

/// Takes values in ascending order and gives the octets of a segment.
#[derive(Debug)]
pub struct SegmentWriter {
    kind: SegmentKind,
    octets: Vec<u8>,
    index: Vec<u8>,
    count: u64,
    last_number: u64,
    last_text: Vec<u8>,
}

impl SegmentWriter {
    /// For values of one kind.
    pub fn new(kind: SegmentKind) -> SegmentWriter {
        SegmentWriter {
            kind,
            octets: vec![0; HEAD_BYTES],
            index: Vec::new(),
            count: 0,
            last_number: 0,
            last_text: Vec::new(),
        }
    }

    /// Values so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds a number.
    ///
    /// Errors: when it is not above the one before, or the segment holds texts or is full.
    pub fn number(&mut self, number: E164Number) -> Result<(), String> {
        let value = number.value();
        self.admit(SegmentKind::Numbers, value > self.last_number)?;
        if self.at_block() {
            self.index.extend_from_slice(&value.to_le_bytes());
            self.begin_block();
        } else {
            varint(&mut self.octets, value - self.last_number - 1);
        }
        self.last_number = value;
        self.count += 1;
        Ok(())
    }

    /// Adds a text.
    ///
    /// Errors: when it is empty or too long, not above the one before (by octets), or the segment
    /// holds numbers or is full.
    pub fn text(&mut self, text: &str) -> Result<(), String> {
        let text = text.as_bytes();
        self.admit(SegmentKind::Texts, text > self.last_text.as_slice())?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!(
                "value has {} bytes, at most {TEXT_BYTES_MAX} are allowed",
                text.len()
            ));
        }
        let mut shared = 0;
        if self.at_block() {
            self.begin_block();
        } else {
            let pairs = text.iter().zip(&self.last_text);
            shared = pairs.take_while(|(one, other)| one == other).count();
            varint(&mut self.octets, shared as u64);
        }
        varint(&mut self.octets, (text.len() - shared) as u64);
        self.octets.extend_from_slice(&text[shared..]);
        self.last_text.truncate(shared);
        self.last_text.extend_from_slice(&text[shared..]);
        self.count += 1;
        Ok(())
    }

    /// The octets.
    pub fn finish(mut self) -> Vec<u8> {
        let payload = (self.octets.len() - HEAD_BYTES) as u64;
        let blocks = (self.index.len() / self.kind.index_bytes()) as u64;
        self.octets[..4].copy_from_slice(&MAGIC);
        self.octets[4] = VERSION;
        self.octets[5] = self.kind as u8;
        self.octets[8..16].copy_from_slice(&self.count.to_le_bytes());
        self.octets[16..24].copy_from_slice(&payload.to_le_bytes());
        self.octets[24..32].copy_from_slice(&blocks.to_le_bytes());
        self.octets.append(&mut self.index);
        let sum = checksum(&self.octets);
        self.octets.extend_from_slice(&sum.to_le_bytes());
        self.octets
    }

    fn at_block(&self) -> bool {
        self.count.is_multiple_of(BLOCK_VALUES as u64)
    }

    fn begin_block(&mut self) {
        let at = u32::try_from(self.octets.len() - HEAD_BYTES).unwrap_or(u32::MAX);
        self.index.extend_from_slice(&at.to_le_bytes());
    }

    fn admit(&self, kind: SegmentKind, ascends: bool) -> Result<(), String> {
        if kind != self.kind {
            return Err("a segment holds either numbers or texts".into());
        }
        if !ascends {
            return Err("values of a segment must ascend without repeats".into());
        }
        let room = self.octets.len() + self.index.len() + 2 * TEXT_BYTES_MAX < SEGMENT_BYTES_MAX;
        if self.count >= VALUES_MAX || !room {
            return Err(format!(
                "more than {VALUES_MAX} values or {SEGMENT_BYTES_MAX} bytes in one segment; part \
                 the import"
            ));
        }
        Ok(())
    }
}

/// A segment of numbers in ascending order.
///
/// Errors: as [`SegmentWriter::number`].
pub fn encode_numbers(sorted: impl IntoIterator<Item = E164Number>) -> Result<Vec<u8>, String> {
    let mut writer = SegmentWriter::new(SegmentKind::Numbers);
    sorted.into_iter().try_for_each(|number| writer.number(number))?;
    Ok(writer.finish())
}

/// A segment of texts in ascending order.
///
/// Errors: as [`SegmentWriter::text`].
pub fn encode_texts<'a>(sorted: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, String> {
    let mut writer = SegmentWriter::new(SegmentKind::Texts);
    sorted.into_iter().try_for_each(|text| writer.text(text))?;
    Ok(writer.finish())
}

/// LEB128.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}
