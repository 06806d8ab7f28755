//! PURE: compiles the catalogue into an immutable ruleset and screens attempts against it.
//!
//! Owns matching, precedence and the verdict. Must not know clocks, I/O, logging or wire forms.
//! Invariants: [`screen`] is a pure function; a [`Ruleset`] never changes after it is built; a call
//! that meets nothing allocates nothing.
//!
//! Read it in this order: [`compile`] (entries in, ruleset out), [`ruleset`] (what is held),
//! `screen` (the straight line), `detect` (what finds), `decide` (what follows).

pub mod compile;
mod context;
mod decide;
mod detect;
mod guard;
mod hit;
mod image;
mod intern;
pub mod keywords;
pub mod numbers;
pub mod overlay;
pub mod ruleset;
mod screen;
pub mod settings;

pub use compile::{BulkBuilder, CompileError, OverlayBuilder, RulesetBuilder, SettingsBuilder};
pub use guard::EVERYWHERE;
pub use overlay::Overlay;
pub use ruleset::{BULK_LAYERS_MAX, Base, Layer, Ruleset};
pub use screen::screen;
pub use settings::{Settings, Trunk};
