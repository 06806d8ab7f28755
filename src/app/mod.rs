//! APP: use cases, ports and counters between the pure rooms and the edges.
//!
//! Owns what the edges may ask for ([`screening`]), how packs become a ruleset ([`catalogue`]), who
//! holds it ([`publisher`]), what its changes decide in their first minute ([`watch`]), what is
//! counted ([`metrics`]) and whether the process is fit to serve ([`health`]). Must not know a
//! transport, protobuf or a store.

pub mod catalogue;
pub mod changes;
pub mod clock;
pub mod eval;
pub mod health;
pub mod metrics;
mod probe;
pub mod publisher;
pub mod screener;
pub mod screening;
pub mod watch;
