//! What may be said once in a pack: settings of the policy, mode and region of a trunk.
//!
//! Owns the memory of what was said, and where. A later pack may say it anew: that is how a carrier
//! changes what the starter packs set.

use std::collections::HashMap;

use crate::model::entry::{NumberPattern, Setting, TrunkRow, Value};
use crate::model::number::Region;
use crate::model::policy::{Action, Mode};

/// What the rows of a pack have said so far.
#[derive(Default)]
pub(super) struct Settings {
    policy: HashMap<String, (Setting, usize)>,
    trunks: HashMap<String, TrunkSaid>,
}

/// What a row binds to its trunk and sets.
type Bound = (Option<NumberPattern>, Option<String>, Option<Mode>, Option<Region>);

/// Each with its line.
#[derive(Default)]
struct TrunkSaid {
    mode: Option<(Mode, usize)>,
    region: Option<(Region, usize)>,
    /// Whole rows but for the name.
    rows: HashMap<Bound, usize>,
}

impl Settings {
    /// Looks at one row. `Err` where it contradicts an earlier one, a warning where it repeats it.
    pub(super) fn entry(
        &mut self,
        value: &Value<'_>,
        line: usize,
        warn: &mut dyn FnMut(String),
    ) -> Result<(), String> {
        match value {
            Value::Policy(setting) => {
                let key = key(setting);
                let said = self.policy.entry(key.clone()).or_insert((*setting, line));
                once(&format!("key \"{key}\""), *said, (*setting, line))?;
                if said.1 != line {
                    warn(repeated(said.1));
                }
                Ok(())
            }
            Value::Trunk(row) => self.trunk(row, line, warn),
            _ => Ok(()),
        }
    }

    /// A trunk has a row for each number and sender bound to it, but one mode and one region.
    fn trunk(
        &mut self,
        row: &TrunkRow<'_>,
        line: usize,
        warn: &mut dyn FnMut(String),
    ) -> Result<(), String> {
        let said = self.trunks.entry(row.trunk_id.to_owned()).or_default();
        if let Some(mode) = row.mode {
            let first = *said.mode.get_or_insert((mode, line));
            once(&format!("mode of trunk \"{}\"", row.trunk_id), first, (mode, line))?;
        }
        if let Some(region) = row.region {
            let first = *said.region.get_or_insert((region, line));
            once(&format!("region of trunk \"{}\"", row.trunk_id), first, (region, line))?;
        }
        let bound = (row.number, row.sender.map(str::to_owned), row.mode, row.region);
        let first = *said.rows.entry(bound).or_insert(line);
        if first != line {
            warn(repeated(first));
        }
        Ok(())
    }
}

fn once<T: PartialEq>(what: &str, first: (T, usize), again: (T, usize)) -> Result<(), String> {
    if first.0 == again.0 {
        return Ok(());
    }
    Err(format!("{what} has another value in line {}; keep one of them", first.1))
}

fn repeated(line: usize) -> String {
    format!("repeats line {line}; take one out")
}

/// The key of a setting as packs write it.
fn key(setting: &Setting) -> String {
    let threshold = |traffic: &str, action: &Action| {
        format!("{traffic}.{}", action.as_str().to_ascii_lowercase())
    };
    match setting {
        Setting::CallThreshold(action, _) => threshold("call", action),
        Setting::MessageThreshold(action, _) => threshold("message", action),
        Setting::Mode(_) => "mode".into(),
        Setting::DefaultRegion(_) => "default-region".into(),
        Setting::TextCeiling(_) => "text-ceiling".into(),
        Setting::HoldMax(_) => "hold-max".into(),
    }
}
