//! PURE: compiles the catalogue into an immutable ruleset and screens attempts against it.

pub mod keywords;
pub mod numbers;
