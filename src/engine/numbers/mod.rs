//! Number lists, numbering plans, and the reading of numbers as the network carried them.
//!
//! Owns the exact table, the prefix trie, the index over both, and the dialling plans that turn
//! octets into one canonical [`Number`](crate::model::number::Number). Must not know lists, ids
//! or effects: a payload is a `u32` whose meaning the caller interns.
//! Invariants: every answer is exact (no false positives), and a look-up never allocates.

pub mod country_codes;
pub mod dialled;
pub mod exact;
pub mod index;
mod lines;
pub mod normalise;
pub mod plan;
pub mod prefix;
mod ranges;
pub mod scan;
#[cfg(test)]
pub(super) mod testing;

pub use dialled::Dialled;
pub use exact::ExactTable;
pub use index::{IndexBuilder, Matched, NumberIndex, names};
pub use normalise::{Malformed, Normalised};
pub use plan::{PlanError, Plans, PlansBuilder};
pub use prefix::{PatternError, PrefixBuilder, PrefixTable};
