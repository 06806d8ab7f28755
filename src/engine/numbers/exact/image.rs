//! The image of an exact table: its lines as they stand in memory, little-endian.
//!
//! Must not know files. Invariant: what is read back has the shape that building gives (every
//! index in range, every filled slot counted once), so that a look-up in it can neither panic nor
//! run away; that no octet changed is for the caller's checksum to say.

use super::{ExactTable, Layout, NARROW_LINES_MIN, Narrow, Wide};
use crate::engine::image::{Damaged, Reader, Writer};
use crate::engine::numbers::lines::{Lines, Tag};

impl ExactTable {
    /// Writes the table.
    pub(in crate::engine) fn write(&self, out: &mut Writer<'_>) {
        out.u64(self.len as u64);
        match &self.layout {
            Layout::Wide(wide) => {
                out.u8(0);
                wide.write(out);
            }
            Layout::Narrow(narrow) => {
                out.u8(1);
                narrow.lines.write(out);
                narrow.overflow.write(out);
            }
        }
    }

    /// Reads a table whose payloads are below `payloads`.
    pub(in crate::engine) fn read(
        image: &mut Reader<'_>,
        payloads: u32,
    ) -> Result<ExactTable, Damaged> {
        let len = image.length()?;
        let (layout, found) = match image.u8()? {
            0 => {
                let (wide, found) = Wide::read(image, payloads)?;
                (Layout::Wide(wide), found)
            }
            1 => {
                let (lines, found) = Lines::read(image, payloads)?;
                // Fewer lines, and tags would not tell numbers apart.
                if lines.count() < NARROW_LINES_MIN {
                    return Err(Damaged);
                }
                let (overflow, more) = Wide::read(image, payloads)?;
                (Layout::Narrow(Narrow { lines, overflow }), found + more)
            }
            _ => return Err(Damaged),
        };
        if found == len { Ok(ExactTable { layout, len }) } else { Err(Damaged) }
    }
}

impl Wide {
    fn write(&self, out: &mut Writer<'_>) {
        match &self.lines {
            None => out.u8(0),
            Some(lines) => {
                out.u8(1);
                lines.write(out);
            }
        }
        out.u64(self.rest_keys.len() as u64);
        self.rest_keys.iter().for_each(|key| out.u64(*key));
        self.rest_payloads.iter().for_each(|payload| out.u32(*payload));
    }

    fn read(image: &mut Reader<'_>, payloads: u32) -> Result<(Wide, usize), Damaged> {
        let (lines, found) = match image.u8()? {
            0 => (None, 0),
            1 => {
                let (lines, found) = Lines::read(image, payloads)?;
                (Some(lines), found)
            }
            _ => return Err(Damaged),
        };
        let rest = image.count(size_of::<u64>() + size_of::<u32>())?;
        let rest_keys = (0..rest).map(|_| image.u64()).collect::<Result<Vec<u64>, _>>()?;
        let rest_payloads = (0..rest).map(|_| image.u32()).collect::<Result<Vec<u32>, _>>()?;
        let in_order = rest_keys.is_sorted_by(|one, next| one < next);
        if !in_order || rest_payloads.iter().any(|payload| *payload >= payloads) {
            return Err(Damaged);
        }
        Ok((Wide { lines, rest_keys, rest_payloads }, found + rest))
    }
}

/// A tag as octets.
pub(in crate::engine::numbers) trait Octets: Tag {
    const BYTES: usize;
    fn put(self, out: &mut [u8]);
    fn take(octets: &[u8]) -> Self;
}

impl Octets for u32 {
    const BYTES: usize = 4;

    fn put(self, out: &mut [u8]) {
        out.copy_from_slice(&self.to_le_bytes());
    }

    #[inline(always)]
    fn take(octets: &[u8]) -> u32 {
        octets.first_chunk().map_or(0, |octets| u32::from_le_bytes(*octets))
    }
}

impl Octets for u64 {
    const BYTES: usize = 8;

    fn put(self, out: &mut [u8]) {
        out.copy_from_slice(&self.to_le_bytes());
    }

    #[inline(always)]
    fn take(octets: &[u8]) -> u64 {
        octets.first_chunk().map_or(0, |octets| u64::from_le_bytes(*octets))
    }
}

/// Lines are written in runs of this many.
const RUN: usize = 1024;
/// Octets of a line in an image; a line in memory is as large.
const LINE_BYTES: usize = 64;

impl<T: Octets, const N: usize> Lines<T, N> {
    fn write(&self, out: &mut Writer<'_>) {
        out.u64(self.count() as u64);
        let mut buffer = Vec::with_capacity(RUN * LINE_BYTES);
        for at in 0..self.count() {
            let (tags, payloads) = self.line(at);
            let start = buffer.len();
            buffer.resize(start + LINE_BYTES, 0);
            let (head, tail) = buffer[start..].split_at_mut(N * T::BYTES);
            for (slot, tag) in head.chunks_exact_mut(T::BYTES).zip(tags) {
                tag.put(slot);
            }
            for (slot, payload) in tail.chunks_exact_mut(4).zip(payloads) {
                payload.put(slot);
            }
            if buffer.len() == RUN * LINE_BYTES {
                out.octets(&buffer);
                buffer.clear();
            }
        }
        out.octets(&buffer);
    }

    /// The lines and how many slots are taken.
    fn read(image: &mut Reader<'_>, payloads: u32) -> Result<(Lines<T, N>, usize), Damaged> {
        let count = image.count(LINE_BYTES)?;
        if count == 0 || count % 2 != 0 {
            return Err(Damaged);
        }
        let octets = image.octets(count * LINE_BYTES)?;
        let mut lines = Lines::new(count);
        let mut taken = 0;
        let mut whole = true;
        for (at, line) in octets.chunks_exact(LINE_BYTES).enumerate() {
            let (head, tail) = line.split_at(N * T::BYTES);
            let tags: [T; N] = std::array::from_fn(|slot| T::take(&head[slot * T::BYTES..]));
            let values: [u32; N] = std::array::from_fn(|slot| u32::take(&tail[slot * 4..]));
            let filled = tags.iter().take_while(|tag| **tag != T::EMPTY).count();
            let is_empty = |slot: usize| tags[slot] == T::EMPTY && values[slot] == 0;
            whole &= (filled..N).all(is_empty) && values[..filled].iter().all(|v| *v < payloads);
            taken += filled;
            lines.set(at, tags, values);
        }
        if whole { Ok((lines, taken)) } else { Err(Damaged) }
    }
}
