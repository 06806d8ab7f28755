//! Packed imports, unpacked as they stream: gzip and zstd, known by their first octets.
//!
//! Owns the limits against bombs: how far octets may expand, how many may come out, no archive in
//! an archive. Must not know formats of lists or where octets come from.
//! Invariant: memory is bounded by [`WINDOW_OCTETS_MAX`] and small buffers, whatever comes in; what
//! breaks a limit ends in an error that says which, after at most one window of output.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// What a zstd frame may ask the reader to remember: `zstd -19` needs 8 MiB, `--ultra -20` 32,
/// `--ultra -22` and `--long` 128. The decoder holds up to twice as much.
pub const WINDOW_OCTETS_MAX: u64 = 32 << 20;

/// Octets of output that are read at once, and looked at for an archive within.
const CHUNK_OCTETS: usize = 64 * 1024;

/// First octets of archives that are not unpacked, and what they are.
const REFUSED: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a ZIP archive (or an Office workbook)"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"PK\x07\x08", "a ZIP archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"BZh91AY&SY", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x04\x22\x4d\x18", "an LZ4 archive"),
];

/// Where the name of the tar format stands in the first header of an archive.
const TAR_NAME: std::ops::Range<usize> = 257..262;

/// How much tells every archive above.
const HEAD_OCTETS: u64 = 16;

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// How far an import may expand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets that may come out; 2 GiB hold more than 100 million numbers.
    pub total_octets: u64,
    /// Octets out for one octet in. Lists of numbers pack 3:1 to 30:1, zeros 1000:1 and more.
    pub ratio: u64,
    /// Below so many octets out the ratio is not looked at.
    pub ratio_from_octets: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { total_octets: 2 << 30, ratio: 100, ratio_from_octets: 1 << 20 }
    }
}

/// Unpacks a source if it is packed, and holds it to the limits in any case.
///
/// # Errors
/// The source cannot be read, or is an archive that is not unpacked. The reader itself reports
/// broken limits as [`io::ErrorKind::InvalidData`] in words.
pub fn unpack<'a>(
    mut source: Box<dyn BufRead + 'a>,
    limits: Limits,
) -> io::Result<Box<dyn BufRead + 'a>> {
    let head = head(&mut source, HEAD_OCTETS)?;
    refuse_archive(&head)?;
    let packed = Counted { inner: Cursor::new(head.clone()).chain(source), octets: 0 };
    let (unpacker, archive) = if head.starts_with(GZIP) {
        (Unpacker::Gzip(Box::new(MultiGzDecoder::new(packed))), true)
    } else if head.starts_with(ZSTD) || is_skippable(&head) {
        (Unpacker::Zstd(Box::new(Zstd::new(packed))), true)
    } else {
        (Unpacker::Plain(packed), false)
    };
    let mut bounded = Bounded { unpacker, limits, octets: 0 };
    if !archive {
        return Ok(Box::new(BufReader::with_capacity(CHUNK_OCTETS, bounded)));
    }
    let mut start = Vec::new();
    bounded.by_ref().take(TAR_NAME.end as u64).read_to_end(&mut start)?;
    let nested = [GZIP, ZSTD].iter().any(|magic| start.starts_with(magic));
    if nested || is_skippable(&start) {
        return Err(invalid("an archive within an archive is not unpacked: unpack it once"));
    }
    refuse_archive(&start)?;
    if start.get(TAR_NAME) == Some(b"ustar") {
        return Err(invalid("a tar archive is not unpacked: import its files one by one"));
    }
    let whole = Cursor::new(start).chain(bounded);
    Ok(Box::new(BufReader::with_capacity(CHUNK_OCTETS, whole)))
}

type Packed<'a> = Counted<Chain<Cursor<Vec<u8>>, Box<dyn BufRead + 'a>>>;

/// The first octets, up to `most`, taken out of the source.
fn head(source: &mut dyn BufRead, most: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(most).read_to_end(&mut head)?;
    Ok(head)
}

fn refuse_archive(head: &[u8]) -> io::Result<()> {
    match REFUSED.iter().find(|(magic, _)| head.starts_with(magic)) {
        None => Ok(()),
        Some((_, what)) => Err(invalid(&format!(
            "this is {what}, which is not unpacked: unpack it, or pack the list with gzip or zstd"
        ))),
    }
}

/// A zstd frame that holds no data: 184D2A50 to 184D2A5F, lowest octet first.
fn is_skippable(head: &[u8]) -> bool {
    head.len() >= 4 && head[0] & 0xf0 == 0x50 && head[1..4] == *b"\x2a\x4d\x18"
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

enum Unpacker<'a> {
    Plain(Packed<'a>),
    Gzip(Box<MultiGzDecoder<Packed<'a>>>),
    Zstd(Box<Zstd<'a>>),
}

impl Unpacker<'_> {
    /// Packed octets taken so far.
    fn taken(&self) -> u64 {
        match self {
            Unpacker::Plain(packed) => packed.octets,
            Unpacker::Gzip(gzip) => gzip.get_ref().octets,
            Unpacker::Zstd(zstd) => zstd.packed.octets,
        }
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let broken = |name: &str, e: io::Error| match e.kind() {
            io::ErrorKind::Interrupted => e,
            _ => invalid(&format!("the {name} archive is broken: {e}")),
        };
        match self {
            Unpacker::Plain(packed) => packed.read(out),
            Unpacker::Gzip(gzip) => gzip.read(out).map_err(|e| broken("gzip", e)),
            Unpacker::Zstd(zstd) => zstd.read(out).map_err(|e| broken("zstd", e)),
        }
    }
}

/// An unpacker held to its limits.
struct Bounded<'a> {
    unpacker: Unpacker<'a>,
    limits: Limits,
    octets: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.unpacker.read(out)?;
        self.octets += count as u64;
        let Limits { total_octets, ratio, ratio_from_octets } = self.limits;
        if self.octets > total_octets {
            return Err(invalid(&format!("it holds more than {total_octets} octets")));
        }
        let packed = !matches!(self.unpacker, Unpacker::Plain(_));
        let most = self.unpacker.taken().saturating_mul(ratio);
        if packed && self.octets > ratio_from_octets && self.octets > most {
            return Err(invalid(&format!(
                "it expands more than {ratio} times, as no list does: unpack it and import that"
            )));
        }
        Ok(count)
    }
}

/// Counts what is taken out of a source.
struct Counted<R> {
    inner: R,
    octets: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.octets += count as u64;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.octets += count as u64;
        self.inner.consume(count);
    }
}

/// All frames of a zstd stream, one after the other.
struct Zstd<'a> {
    packed: Packed<'a>,
    decoder: FrameDecoder,
    within: bool,
}

impl<'a> Zstd<'a> {
    fn new(packed: Packed<'a>) -> Zstd<'a> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_OCTETS_MAX);
        Zstd { packed, decoder, within: false }
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.within {
                if self.packed.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.within = self.next_frame()?;
                continue;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.packed, one).map_err(io::Error::other)?;
            }
            let count = self.decoder.read(out)?;
            if count > 0 {
                return Ok(count);
            }
            let (said, found) =
                (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if said.is_some() && said != found {
                return Err(invalid("its checksum does not fit"));
            }
            self.within = false;
        }
    }

    /// Opens the next frame; one that holds no data is passed over.
    fn next_frame(&mut self) -> io::Result<bool> {
        use FrameDecoderError::{ReadFrameHeaderError as Header, WindowSizeTooBig};
        match self.decoder.init(&mut self.packed) {
            Ok(()) => Ok(true),
            Err(Header(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                let length = u64::from(length);
                let mut rest = self.packed.by_ref().take(length);
                if io::copy(&mut rest, &mut io::sink())? < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(false)
            }
            Err(WindowSizeTooBig { requested, max }) => Err(invalid(&format!(
                "it asks for {requested} octets of memory, at most {max} are given: pack it \
                 without --long"
            ))),
            Err(e) => Err(io::Error::other(e)),
        }
    }
}

#[cfg(test)]
mod tests;
