//! Compiles lists and entries into a [`Ruleset`].
//!
//! Numbering plans are known first, as they say in which form a number is looked up. Then entries
//! come one by one, borrowed; bulk numbers are kept as (key, member) pairs and become a table at
//! the end.

mod bulk;
mod layer;
mod overlay;
mod settings;

use std::fmt;
use std::sync::Arc;

use super::numbers::{PatternError, Plans};
use super::overlay::Overlay;
use super::ruleset::{Base, Ruleset};
use crate::model::entry::{Effect, Entry, ListSpec, Party, Value};
use crate::model::revision::{Digest, Revision};
pub use bulk::BulkBuilder;
use layer::LayerBuilder;
pub use overlay::OverlayBuilder;
pub use settings::SettingsBuilder;
use settings::SettingsDraft;

/// Why an entry or a catalogue cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError(pub String);

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CompileError {}

impl From<PatternError> for CompileError {
    fn from(error: PatternError) -> CompileError {
        CompileError(error.to_string())
    }
}

/// Takes lists and entries, gives a ruleset.
pub struct RulesetBuilder {
    plans: Plans,
    layer: LayerBuilder,
    settings: SettingsDraft,
}

impl RulesetBuilder {
    /// Starts with the numbering plans and class rows of the whole catalogue.
    pub fn new(plans: Plans) -> RulesetBuilder {
        RulesetBuilder { plans, layer: LayerBuilder::default(), settings: SettingsDraft::default() }
    }

    /// Begins a list, or goes on with one; the entries that follow are its own.
    pub fn list(&mut self, spec: &ListSpec) -> Result<(), CompileError> {
        self.layer.begin(spec)
    }

    /// Adds an entry to the list begun last.
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), CompileError> {
        self.settings.add(&self.plans, self.layer.party(), entry)?;
        add_to_layer(&mut self.layer, &self.plans, entry)
    }

    /// Compiles what was added.
    pub fn build(self, revision: Revision, digest: Digest) -> Result<Ruleset, CompileError> {
        let base = Base {
            settings: self.settings.build()?,
            layer: self.layer.build()?,
            plans: self.plans,
        };
        let overlay = Arc::new(Overlay::default());
        Ruleset::new(Arc::new(base), Arc::new([]), overlay, revision, digest)
    }
}

/// Adds what lists hold of an entry; settings and plans, which other parts hold, only count.
fn add_to_layer(
    layer: &mut LayerBuilder,
    plans: &Plans,
    entry: &Entry<'_>,
) -> Result<(), CompileError> {
    match &entry.value {
        // Protected numbers are asked for as recipients by the guard and as originators by the
        // number lists, whichever party their list names.
        Value::Number(pattern) if entry.meta.effect == Effect::Protect => {
            layer.count()?;
            match layer.party() {
                Party::Recipient => Ok(()),
                Party::Originator | Party::Either => layer.number(plans, entry, pattern),
            }
        }
        Value::NumberPlan(_) | Value::NumberClass(_) | Value::Trunk(_) | Value::Policy(_) => {
            layer.count()
        }
        _ => layer.add(plans, entry),
    }
}
