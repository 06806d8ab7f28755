//! What the catalogue's history is told apart by: cursors, change-sets, blobs, actors.

use std::fmt;

use arrayvec::ArrayString;

/// A place in the log: contiguous, from 1; 0 is before the first record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(pub u64);

/// A change-set: the cursor of the record that drafted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeSetId(pub u64);

impl fmt::Display for ChangeSetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// SHA-256 that names the octets of a blob.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 32]);

impl BlobId {
    /// From 64 hexadecimal characters.
    pub fn parse(text: &str) -> Option<BlobId> {
        let text = text.as_bytes();
        let mut id = [0; 32];
        // `from_str_radix` would take a sign.
        if text.len() != 64 || !text.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        for (octet, pair) in id.iter_mut().zip(text.chunks_exact(2)) {
            *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(BlobId(id))
    }
}

impl fmt::Display for BlobId {
    /// Lower-case hexadecimal, 64 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who acts: a person or a part of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor(ArrayString<64>);

impl Actor {
    /// Letters, digits, `.`, `_`, `@` and `-`, at most 64; `None` for anything else.
    pub fn parse(name: &str) -> Option<Actor> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'@' | b'-');
        let ok = !name.is_empty() && name.bytes().all(fits);
        if ok { ArrayString::from(name).ok().map(Actor) } else { None }
    }

    /// The program itself: starter packs, the first-minute watch.
    pub fn program() -> Actor {
        Actor(ArrayString::from("ringfence").expect("nine characters fit in 64"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
