//! EDGE: where the catalogue's history is kept: the log (the truth) and the view (derived).
//!
//! A data directory holds `lock`, `log.db`, `head`, `blobs/`, `view.db` and `image`. Owns their
//! stored forms, what makes them durable and how damage is found. Must not know what a change-set
//! may do or who may do it. Nothing here panics on what stands in a file: it may be damaged.

pub mod blobs;
pub mod chain;
pub mod dir;
pub mod forms;
pub mod image;
pub mod log;
pub mod memory;
pub mod view;

pub use dir::DataDir;
pub use image::ImageFile;
pub use log::SqliteLog;
pub use memory::MemoryLog;
pub use view::SqliteView;
