//! Compiles lists and entries into a [`Ruleset`].
//!
//! Entries come one by one, borrowed; bulk numbers are kept as (key, member) pairs and become a
//! table at the end. Anything that an entry refers to must have been added before `build`.

mod layer;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::guard::Guard;
use super::numbers::{IndexBuilder, PlansBuilder};
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
#[derive(Default)]
pub struct RulesetBuilder {
    layer: LayerBuilder,
    plans: PlansBuilder,
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
            Value::NumberPlan(row) => {
                self.layer.count();
                self.plans.add_plan(row).map_err(|e| CompileError(e.to_string()))
            }
            Value::NumberClass(row) => {
                self.layer.count();
                self.plans.add_class(row).map_err(|e| CompileError(e.to_string()))
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
            _ => self.layer.add(entry),
        }
    }

    /// Compiles what was added.
    pub fn build(self, revision: Revision, digest: Digest) -> Result<Ruleset, CompileError> {
        ordered(self.policy.call, "call")?;
        ordered(self.policy.message, "message")?;
        let plans = self.plans.build();
        let mut trunks = HashMap::with_capacity(self.trunks.len());
        for (name, mut draft) in self.trunks {
            draft.trunk.numbers = draft.numbers.build(|_| 0);
            trunks.insert(name, draft.trunk);
        }
        let base = Base {
            layer: self.layer.build()?,
            plans,
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
        if party != Party::Originator {
            self.protected.add(pattern, 0).map_err(|e| CompileError(e.to_string()))?;
            if entry.meta.category == Some(Category::OK03) {
                self.emergency.push(*pattern);
            }
        }
        if party != Party::Recipient {
            self.layer.number(entry, pattern)?;
        }
        Ok(())
    }

    fn trunk(&mut self, row: &TrunkRow<'_>) -> Result<(), CompileError> {
        let draft = self.trunks.entry(row.trunk_id.into()).or_default();
        if let Some(pattern) = &row.number {
            draft.numbers.add(pattern, 0).map_err(|e| CompileError(e.to_string()))?;
        }
        if let Some(sender) = row.sender {
            draft.trunk.senders.push(sender_exact_key(sender).into());
        }
        if let Some(signature) = row.signature {
            draft.trunk.signatures.push(signature.into());
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
