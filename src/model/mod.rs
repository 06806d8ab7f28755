//! BASE: the values everything else speaks in.
//!
//! Owns numbers, sender ids, attempts, verdicts, catalogue entries, policy and revisions.
//! Must not know any other room: no I/O, clock, logging, serde or protobuf.
//! Invariant: a value that exists is valid; a constructor refuses what is not.
//! Numbers, sender ids and texts print redacted in `Debug` (they are personal data).

pub mod attempt;
pub mod catalogue;
pub mod category;
pub mod entry;
pub mod number;
pub mod policy;
pub mod revision;
pub mod time;
pub mod verdict;
