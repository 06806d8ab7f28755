//! Which state of the catalogue answered: revision, digest, engine version.

use std::fmt;

/// A point in the catalogue's history: contiguous, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// SHA-256 that names the content of a revision.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// From 64 hexadecimal characters.
    pub fn parse(text: &str) -> Option<Digest> {
        super::catalogue::BlobId::parse(text).map(|id| Digest(id.0))
    }
}

impl fmt::Display for Digest {
    /// Lower-case hexadecimal, 64 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Version of the engine that answered; part of what makes a verdict reproducible.
pub const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");
