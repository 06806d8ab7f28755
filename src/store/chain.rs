//! The hash chain: what a record's hash covers, and how a body is committed to.
//!
//! Owns the two formulas. Must not know where records are kept. Invariants: every part is hashed
//! behind its length, so that no two different records give the same octets; the chain covers the
//! commitment and not the body, so that salt and body can be erased and the chain still holds.

use sha2::{Digest as _, Sha256};

use crate::app::changes::ports::Head;
use crate::model::catalogue::Cursor;
use crate::model::revision::Digest;
use crate::model::time::Timestamp;

/// Octets of a salt: without it nobody can try bodies out against a commitment (2^256).
pub const SALT_BYTES: usize = 32;

/// Names the formula of the chain.
const CHAIN: &[u8] = b"ringfence.log.v1";
/// Names the formula of the commitment.
const PAYLOAD: &[u8] = b"ringfence.payload.v1";

/// What the chain says of a body: salted, so that it tells nothing of an erased one.
pub fn commitment(salt: &[u8], body: &[u8]) -> Digest {
    sha256(&[PAYLOAD, salt, body])
}

/// The end of the chain after one more record.
pub fn next(head: Head, time: Timestamp, commitment: Digest) -> Head {
    let cursor = Cursor(head.cursor.0 + 1);
    let octets = (cursor.0.to_be_bytes(), time.0.to_be_bytes());
    let hash = sha256(&[CHAIN, &head.hash.0, &octets.0, &octets.1, &commitment.0]);
    Head { cursor, hash }
}

/// SHA-256 over parts, each behind its length.
pub(super) fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    Digest(hasher.finalize().into())
}
