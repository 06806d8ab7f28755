use std::io::{BufReader, Read, Write};

use flate2::Compression;
use flate2::bufread::GzEncoder;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

/// Ten GiB, as the bombs of the reliability goals hold.
const BOMB_OCTETS: u64 = 10 << 30;

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    GzEncoder::new(octets, Compression::default()).read_to_end(&mut packed).unwrap();
    packed
}

fn zstd(octets: &[u8]) -> Vec<u8> {
    compress_to_vec(octets, CompressionLevel::Fastest)
}

fn unpacked(octets: &[u8]) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    // Small steps: magic octets may come one by one.
    let source = Box::new(BufReader::with_capacity(3, octets));
    unpack(source, Limits::default())?.read_to_end(&mut found)?;
    Ok(found)
}

fn refused(octets: &[u8]) -> String {
    unpacked(octets).expect_err("must be refused").to_string()
}

fn list() -> Vec<u8> {
    (0..200_000_u64)
        .flat_map(|n| format!("+86138{:08}\n", n * 7919 % 99_999_989).into_bytes())
        .collect()
}

#[test]
fn what_is_packed_comes_out() {
    let list = list();
    assert_eq!(unpacked(&list).unwrap(), list);
    assert_eq!(unpacked(b"").unwrap(), b"");
    let (one, other) = list.split_at(1_000_000);
    for pack in [gzip, zstd] as [fn(&[u8]) -> Vec<u8>; 2] {
        assert_eq!(unpacked(&pack(&list)).unwrap(), list);
        assert_eq!(unpacked(&pack(b"")).unwrap(), b"");
        let parts = [pack(one), pack(b""), pack(other)].concat();
        assert_eq!(unpacked(&parts).unwrap(), list);
        // Cut off: an error, never a short list.
        let packed = pack(&list);
        assert!(refused(&packed[..packed.len() / 2]).contains("archive is broken"));
    }
    // A frame without data in front and in between.
    let skip = b"\x5a\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    let parts = [skip.clone(), zstd(one), skip, zstd(other)].concat();
    assert_eq!(unpacked(&parts).unwrap(), list);
}

#[test]
fn flipped_octets_are_found() {
    let list = list();
    for mut packed in [gzip(&list[..]), zstd(&list)] {
        let middle = packed.len() / 2;
        packed[middle] ^= 0x10;
        let found = unpacked(&packed);
        assert!(found.is_err() || found.is_ok_and(|found| found == list));
    }
}

#[test]
fn archives_that_are_not_unpacked() {
    assert!(refused(b"PK\x03\x04....").contains("ZIP"));
    assert!(refused(b"7z\xbc\xaf\x27\x1c").contains("7z"));
    let list = b"+8613800138000\n";
    for inner in [gzip(&list[..]), zstd(list)] {
        for outer in [gzip(&inner[..]), zstd(&inner)] {
            assert!(refused(&outer).contains("archive within an archive"));
        }
    }
    assert!(refused(&gzip(&b"PK\x03\x04...."[..])).contains("ZIP"));
    let mut tar = vec![b'a'; 512];
    tar[TAR_NAME].copy_from_slice(b"ustar");
    assert!(refused(&gzip(&tar[..])).contains("tar"));
}

#[test]
fn size_limits() {
    let limits = Limits { total_octets: 1000, ..Limits::default() };
    let read = |octets: &[u8]| {
        let mut found = Vec::new();
        let source: Box<dyn BufRead> = Box::new(octets);
        unpack(source, limits)?.read_to_end(&mut found).map(|_| found.len())
    };
    let exact: Vec<u8> = (0..1000_u32).map(|n| (n * 7919 % 251) as u8 | 1).collect();
    let more = [&exact[..], b"!"].concat();
    for (octets, fits) in [(&exact, true), (&more, false)] {
        for octets in [octets.clone(), gzip(&octets[..]), zstd(octets)] {
            let found = read(&octets);
            assert_eq!(found.is_ok(), fits, "{found:?}");
            if let Err(e) = found {
                assert_eq!(e.to_string(), "it holds more than 1000 octets");
            }
        }
    }
    // More memory than is given: a window of 128 MiB and one octet.
    let wide = b"\x28\xb5\x2f\xfd\x00\x89\x01\0\0";
    assert!(refused(wide).contains("pack it without --long"), "{}", refused(wide));
}

/// Blocks of 128 KiB of zeros, four octets each, as many as are read.
struct ZstdZeros {
    waiting: Vec<u8>,
    left: u64,
}

impl Read for ZstdZeros {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.waiting.len() < out.len() && self.left > 0 {
            self.left -= 1;
            let header = (128 << 10) << 3 | 1 << 1 | u32::from(self.left == 0);
            self.waiting.extend_from_slice(&header.to_le_bytes()[..3]);
            self.waiting.push(0);
        }
        let count = out.len().min(self.waiting.len());
        out[..count].copy_from_slice(&self.waiting[..count]);
        self.waiting.drain(..count);
        Ok(count)
    }
}

/// Octets out of a bomb until it is refused, and the refusal.
fn explode(bomb: impl Read) -> (u64, String) {
    let source: Box<dyn BufRead + '_> = Box::new(BufReader::new(bomb));
    let mut octets = 0;
    let mut chunk = vec![0; 64 * 1024];
    let mut reader = match unpack(source, Limits::default()) {
        Ok(reader) => reader,
        Err(e) => return (0, e.to_string()),
    };
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => panic!("{octets} octets came out"),
            Ok(count) => octets += count as u64,
            Err(e) => return (octets, e.to_string()),
        }
    }
}

#[test]
fn ten_gigabytes_of_zeros_end_early() {
    let zeros = BufReader::new(io::repeat(0).take(BOMB_OCTETS));
    let gzip = GzEncoder::new(zeros, Compression::fast());
    // A window of 8 MiB, then zeros.
    let head = &b"\x28\xb5\x2f\xfd\x00\x68"[..];
    let zeros = ZstdZeros { waiting: Vec::new(), left: BOMB_OCTETS >> 17 };
    let bombs: [Box<dyn Read>; 2] = [Box::new(gzip), Box::new(head.chain(zeros))];
    for bomb in bombs {
        let (octets, refusal) = explode(bomb);
        assert!(refusal.contains("expands more than 100 times"), "{refusal}");
        assert!(octets <= 9 << 20, "{octets} octets came out first");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any octets behind any magic end in octets within the limit or in an error.
    #[test]
    fn nothing_panics(magic in 0..4_usize, octets in prop::collection::vec(any::<u8>(), 0..400)) {
        let gzip = &b"\x1f\x8b\x08\0\0\0\0\0\0\0"[..];
        let magic = [b"", gzip, ZSTD, b"\x50\x2a\x4d\x18"][magic];
        let source: Box<dyn BufRead> = Box::new(magic.chain(&octets[..]));
        let limits = Limits { total_octets: 10_000, ..Limits::default() };
        if let Ok(mut reader) = unpack(source, limits) {
            let mut found = Vec::new();
            let _ = reader.read_to_end(&mut found);
            prop_assert!(found.len() <= 10_000 + CHUNK_OCTETS);
        }
    }

    /// A flipped bit is found, or changes nothing.
    #[test]
    fn no_flip_goes_unseen(at in any::<prop::sample::Index>(), bit in 0..8) {
        let lines = (0..300_u32).map(|n| format!("+8613{n:09}\n").into_bytes());
        let list: Vec<u8> = lines.flatten().collect();
        let mut packed = Vec::new();
        let mut encoder = flate2::write::GzEncoder::new(&mut packed, Compression::best());
        encoder.write_all(&list).unwrap();
        encoder.finish().unwrap();
        let at = at.index(packed.len());
        packed[at] ^= 1_u8 << bit;
        if let Ok(found) = unpacked(&packed) {
            // A flip in the first two octets makes it something else, which the reader refuses.
            prop_assert!(found == list || at < 2);
        }
    }
}
