//! Compiles settings: policy rows, trunk rows, protected recipients.

use std::collections::HashMap;
use std::sync::Arc;

use super::CompileError;
use crate::engine::guard::GuardBuilder;
use crate::engine::numbers::{IndexBuilder, Plans};
use crate::engine::settings::{Settings, Trunk};
use crate::model::category::Category;
use crate::model::entry::{Effect, Entry, ListSpec, Party, Setting, TrunkRow, Value};
use crate::model::policy::{Action, Policy, Thresholds};
use crate::text::sender::sender_exact_key;

/// Takes the entries of a whole catalogue that are settings, gives [`Settings`].
pub struct SettingsBuilder<'p> {
    plans: &'p Plans,
    draft: SettingsDraft,
    party: Party,
}

impl<'p> SettingsBuilder<'p> {
    /// Starts with the numbering plans of the catalogue.
    pub fn new(plans: &'p Plans) -> SettingsBuilder<'p> {
        SettingsBuilder { plans, draft: SettingsDraft::default(), party: Party::default() }
    }

    /// Begins a list; the entries that follow are its own.
    pub fn list(&mut self, spec: &ListSpec) {
        self.party = spec.party;
    }

    /// Adds an entry: policy, trunk and protect entries count, all others are none of it.
    ///
    /// # Errors
    /// A number pattern that cannot be.
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), CompileError> {
        self.draft.add(self.plans, self.party, entry)
    }

    /// Compiles what was added; what no entry says is as in [`Policy::default`].
    ///
    /// # Errors
    /// Thresholds out of order.
    pub fn build(self) -> Result<Settings, CompileError> {
        self.draft.build()
    }
}

#[derive(Default)]
pub(super) struct SettingsDraft {
    guard: GuardBuilder,
    policy: Policy,
    trunks: HashMap<Box<str>, TrunkDraft>,
}

#[derive(Default)]
struct TrunkDraft {
    trunk: Trunk,
    numbers: IndexBuilder,
}

impl SettingsDraft {
    pub fn add(
        &mut self,
        plans: &Plans,
        party: Party,
        entry: &Entry<'_>,
    ) -> Result<(), CompileError> {
        match &entry.value {
            // On trial it protects nobody, as a shadow entry changes nothing.
            Value::Number(pattern)
                if entry.meta.effect == Effect::Protect
                    && party != Party::Originator
                    && !entry.meta.shadow =>
            {
                let emergency = entry.meta.category == Some(Category::OK03);
                self.guard.add(plans, pattern, emergency)?;
            }
            Value::Trunk(row) => self.trunk(plans, row)?,
            Value::Policy(setting) => self.setting(*setting),
            _ => {}
        }
        Ok(())
    }

    pub fn build(self) -> Result<Settings, CompileError> {
        ordered(self.policy.call, "call")?;
        ordered(self.policy.message, "message")?;
        let mut trunks = HashMap::with_capacity(self.trunks.len());
        for (name, mut draft) in self.trunks {
            draft.trunk.numbers = draft.numbers.build(|_| 0);
            trunks.insert(name, draft.trunk);
        }
        let guard = Arc::new(self.guard.build());
        Ok(Settings { policy: self.policy, trunks: Arc::new(trunks), guard })
    }

    fn trunk(&mut self, plans: &Plans, row: &TrunkRow<'_>) -> Result<(), CompileError> {
        let draft = self.trunks.entry(row.trunk_id.into()).or_default();
        if let Some(pattern) = &row.number {
            draft.numbers.add(plans, pattern, 0)?;
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
