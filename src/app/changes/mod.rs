//! Changing the catalogue: draft, check, preview, approve, commit, publish, and asking why.
//!
//! One writer at a time, on the control side; screening never waits for it. What edges may ask is
//! [`Control`]; where things are kept is behind [`ChangeLog`] and [`CatalogueView`].

pub mod api;
pub mod formats;
pub mod ports;
pub mod unpack;

mod json_formats;

pub use api::Control;
pub use ports::{CatalogueView, ChangeLog};
