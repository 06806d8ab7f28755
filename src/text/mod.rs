//! PURE: octets -> characters -> folded text with offsets -> links, numbers, handles.
//!
//! A message passes through in this order, each step with buffers that the caller keeps:
//!
//! 1. [`decode`]: octets as sent to a `str`; spans of the `str` back to octets.
//! 2. [`fold`]: the `str` to units in which the same words look the same however written; spans
//!    of units back to bytes of the `str`. Phrases of lists go through the same fold. The table
//!    behind it (`table.rs`, `data/`) is generated and checked against a plain reference
//!    (`reference.rs`, tests only).
//! 3. [`links`]: links in the `str`, with the host that the network would look up.
//! 4. [`facts`]: phone numbers, one-time codes and the signature in the folded text.
//!
//! Beside them: [`class`], what kind of unit stands where (word borders), and [`sender`], keys of
//! sender ids. Every span that leaves the room is in bytes of the decoded text;
//! [`decode::Decoded::original_span`] turns it into octets of the content for a reason.
//!
//! The room knows no lists, no rules and no verdicts, and never fails: whatever the octets are,
//! it says what it can read in them, in time linear in their number.

pub mod class;
pub mod decode;
pub mod facts;
pub mod fold;
pub mod links;
#[cfg(test)]
mod reference;
pub mod sender;
mod table;
