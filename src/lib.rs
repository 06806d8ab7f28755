//! Ringfence (map comes at the end).
pub mod engine;
pub mod lists;
pub mod model;
pub mod text;
pub mod wire;

// Temporary, until `cli/mod.rs` joins the tree.
#[allow(missing_docs)]
pub mod cli {
    pub mod bench;
    pub mod client;
    pub mod output;
    pub mod screen;
    pub type Failure = Box<dyn std::error::Error>;
}
