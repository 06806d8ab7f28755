//! Changing the catalogue: draft, check, preview, approve, commit, publish, and asking why.
//!
//! One writer at a time, on the control side; screening never waits for it. What edges may ask is
//! [`Control`]; where things are kept is behind [`ChangeLog`] and [`CatalogueView`].

pub mod api;
mod checking;
mod control;
mod delta;
mod door;
mod erasing;
pub mod formats;
mod image;
mod incoming;
mod json_formats;
mod live;
mod mode;
mod moving;
mod paging;
pub mod ports;
mod reading;
mod service;
mod sources;
mod starter;
mod texts;
pub mod unpack;
mod watching;
mod why;
mod writer;

pub use api::{Control, Sources};
pub use door::Door;
pub use image::{Image, ImageDraft};
pub use ports::{CatalogueView, ChangeLog, Fetch};
pub use service::Changes;
pub use starter::Seeded;
