//! The starter packs, built into the program so that it answers with nothing but itself.

/// Name and text of each starter pack, in reading order.
pub const PACKS: &[(&str, &str)] = &[];
