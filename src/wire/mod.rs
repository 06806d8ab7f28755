//! WIRE: the protocol's generated types and their conversions to and from `model`.
//!
//! Owns what the octets on the wire mean: limits, defaults, unknown enum values, field names in
//! refusals. Shared by the edges. Knows `model` only; must not know who asks, how an attempt is
//! screened, or a transport.
//! Invariant: what the network carried never leads to a refusal; only what the integration got
//! wrong does, and then every violation names its field.

pub mod call;
mod checks;
pub mod codec;
mod fields;
pub mod limits;
pub mod lists;
pub mod message;
mod redact;
pub mod report;
pub mod verdict;
pub mod violations;

#[cfg(test)]
mod tests;

/// Generated from `proto/ringfence/screening/v1`.
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
pub mod screening_v1 {
    include!(concat!(env!("OUT_DIR"), "/ringfence.screening.v1.rs"));
}

/// Generated from `proto/ringfence/lists/v1`.
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
pub mod lists_v1 {
    use prost::Message as _;

    include!(concat!(env!("OUT_DIR"), "/lists/ringfence.lists.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/lists/debug.rs"));
}

/// The encoded descriptor set of the data port with everything it imports, for reflection.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));

/// The same of the control port.
pub const CONTROL_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/control-descriptor.bin"));
