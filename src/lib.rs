//! Ringfence (map comes at the end).
pub mod engine;
pub mod model;
pub mod text;
pub mod wire;
