//! Ringfence (map comes at the end).
pub mod app;
pub mod cli;
pub mod engine;
pub mod lists;
pub mod model;
pub mod text;
pub mod wire;
