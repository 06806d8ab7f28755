//! Ringfence (map comes at the end).
pub mod app;
pub mod engine;
pub mod grpc;
pub mod http;
pub mod model;
pub mod telemetry;
pub mod text;
pub mod wire;
