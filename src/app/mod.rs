//! APP: use cases, ports and counters between the pure rooms and the edges.
//!
//! Owns what the edges may ask for (`screening`), what is counted (`metrics`) and whether the
//! process is fit to serve (`health`). Must not know a transport, protobuf or a store.

pub mod health;
pub mod metrics;
pub mod screening;
