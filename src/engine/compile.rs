//! Compiles lists and entries into a [`Ruleset`].
//!
//! Numbering plans are known first, as they say in which form a number is looked up. Then entries
//! come one by one, borrowed; bulk numbers are kept as (key, member) pairs and become a table at
//! the end.

mod layer;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::guard::Guard;
use super::numbers::{IndexBuilder, Plans};
use super::ruleset::{Base, Overlay, Ruleset, Trunk};
use crate::model::category::Category;
use crate::model::entry::{
    Effect, Entry, ListSpec, NumberPattern, Party, Setting, TrunkRow, Value,
};
use crate::model::policy::{Action, Policy, Thresholds};
use crate::model::revision::{Digest, Revision};
use crate::text::sender::sender_exact_key;
use layer::LayerBuilder;

/// Why an entry or a catalogue cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError(pub String);

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CompileError {}

/// Takes lists and entries, gives a ruleset.
pub struct RulesetBuilder {
    plans: Plans,
    layer: LayerBuilder,
    protected: IndexBuilder,
    emergency: Vec<NumberPattern>,
    policy: Policy,
    trunks: HashMap<Box<str>, TrunkDraft>,
}

#[derive(Default)]
struct TrunkDraft {
    trunk: Trunk,
    numbers: IndexBuilder,
}

impl RulesetBuilder {
    /// Starts with the numbering plans and class rows of the whole catalogue.
    pub fn new(plans: Plans) -> RulesetBuilder {
        RulesetBuilder {
            plans,
            layer: LayerBuilder::default(),
            protected: IndexBuilder::default(),
            emergency: Vec::new(),
            policy: Policy::default(),
            trunks: HashMap::new(),
        }
    }

    /// Begins a list; the entries that follow are its own.
    pub fn list(&mut self, spec: &ListSpec) -> Result<(), CompileError> {
        self.layer.begin(spec)
    }

    /// Adds an entry to the list begun last.
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), CompileError> {
        match &entry.value {
            Value::Number(pattern) if entry.meta.effect == Effect::Protect => {
                self.layer.count();
                self.protect(entry, pattern)
            }
            // Known since the start.
            Value::NumberPlan(_) | Value::NumberClass(_) => {
                self.layer.count();
                Ok(())
            }
            Value::Trunk(row) => {
                self.layer.count();
                self.trunk(row)
            }
            Value::Policy(setting) => {
                self.layer.count();
                self.setting(*setting);
                Ok(())
            }
            _ => self.layer.add(&self.plans, entry),
        }
    }

    /// Compiles what was added.
    pub fn build(self, revision: Revision, digest: Digest) -> Result<Ruleset, CompileError> {
        ordered(self.policy.call, "call")?;
        ordered(self.policy.message, "message")?;
        let mut trunks = HashMap::with_capacity(self.trunks.len());
        for (name, mut draft) in self.trunks {
            draft.trunk.numbers = draft.numbers.build(|_| 0);
            trunks.insert(name, draft.trunk);
        }
        let base = Base {
            layer: self.layer.build()?,
            plans: self.plans,
            guard: Guard::new(self.protected.build(|_| 0), &self.emergency),
            policy: self.policy,
            trunks,
        };
        Ok(Ruleset {
            base: Arc::new(base),
            overlay: Arc::new(Overlay::default()),
            revision,
            digest,
        })
    }

    /// Protected numbers are asked for as recipients by the guard and as originators by the
    /// number lists, whichever party their list names.
    fn protect(&mut self, entry: &Entry<'_>, pattern: &NumberPattern) -> Result<(), CompileError> {
        let party = self.layer.party();
        // On trial it protects nobody, as a shadow entry changes nothing.
        if party != Party::Originator && !entry.meta.shadow {
            self.protected.add(&self.plans, pattern, 0).map_err(|e| CompileError(e.to_string()))?;
            if entry.meta.category == Some(Category::OK03) {
                self.emergency.push(*pattern);
            }
        }
        if party != Party::Recipient {
            self.layer.number(&self.plans, entry, pattern)?;
        }
        Ok(())
    }

    fn trunk(&mut self, row: &TrunkRow<'_>) -> Result<(), CompileError> {
        let draft = self.trunks.entry(row.trunk_id.into()).or_default();
        if let Some(pattern) = &row.number {
            let added = draft.numbers.add(&self.plans, pattern, 0);
            added.map_err(|e| CompileError(e.to_string()))?;
        }
        if let Some(sender) = row.sender {
            draft.trunk.senders.push(sender_exact_key(sender).into());
        }
        draft.trunk.mode = row.mode.or(draft.trunk.mode);
        draft.trunk.region = row.region.or(draft.trunk.region);
        Ok(())
    }

    fn setting(&mut self, setting: Setting) {
        let place = |thresholds: &mut Thresholds, action: Action, risk: u16| match action {
            Action::Allow => {}
            Action::Label => thresholds.label = risk,
            Action::Hold => thresholds.hold = risk,
            Action::Block => thresholds.block = risk,
        };
        match setting {
            Setting::CallThreshold(action, risk) => place(&mut self.policy.call, action, risk),
            Setting::MessageThreshold(action, risk) => {
                place(&mut self.policy.message, action, risk);
            }
            Setting::Mode(mode) => self.policy.mode = mode,
            Setting::DefaultRegion(region) => self.policy.default_region = region,
            Setting::TextCeiling(action) => self.policy.text_ceiling = action,
            Setting::HoldMax(seconds) => self.policy.hold_max_s = seconds,
        }
    }
}

fn ordered(thresholds: Thresholds, traffic: &str) -> Result<(), CompileError> {
    if thresholds.label <= thresholds.hold && thresholds.hold <= thresholds.block {
        return Ok(());
    }
    Err(CompileError(format!(
        "thresholds for {traffic}: label {} <= hold {} <= block {} must hold",
        thresholds.label, thresholds.hold, thresholds.block
    )))
}
