//! The attributes of a `%list` line.

use super::is_name;
use super::values::{category, flag, label_key, points, timestamp};
use crate::model::entry::{Effect, EntryMeta, ListKind, ListSpec, Party, TenantId};
use crate::model::policy::{Action, Ground, Traffic};
use crate::model::time::Validity;

/// Reads `ID key=value …`.
pub(super) fn list_spec(rest: &str) -> Result<ListSpec, String> {
    let mut words = rest.split_ascii_whitespace();
    let id = words.next().unwrap_or("");
    if !is_name(id) {
        return Err(format!("list id \"{id}\": expected a-z, 0-9, `-` and `.`"));
    }
    let mut draft = Draft::default();
    for word in words {
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| format!("attribute \"{word}\": expected key=value"))?;
        draft.set(key, value).map_err(|e| format!("attribute \"{key}\": {e}"))?;
    }
    draft.finish(id)
}

#[derive(Default)]
struct Draft {
    kind: Option<ListKind>,
    effect: Option<String>,
    points: i16,
    label: Option<crate::model::verdict::LabelKey>,
    category: Option<crate::model::category::Category>,
    ground: Option<Ground>,
    ceiling: Option<Action>,
    caps_text: Option<Action>,
    party: Party,
    traffic: Option<Traffic>,
    shadow: bool,
    validity: Validity,
    authority: bool,
    case: bool,
}

impl Draft {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "kind" => self.kind = Some(ListKind::parse(value).ok_or_else(|| kinds(value))?),
            "effect" => self.effect = Some(value.to_owned()),
            "points" => self.points = points(value)?,
            "label" => self.label = Some(label_key(value)?),
            "category" => self.category = Some(category(value)?),
            "ground" => self.ground = Some(Ground::parse(value).ok_or_else(|| grounds(value))?),
            "ceiling" => self.ceiling = Some(action(value)?),
            "caps-text" => self.caps_text = Some(action(value)?),
            "party" => self.party = party(value)?,
            "traffic" => self.traffic = Some(traffic(value)?),
            "shadow" => self.shadow = flag(value)?,
            "valid-from" => self.validity.from = timestamp(value)?,
            "valid-until" => self.validity.until = timestamp(value)?,
            "authority" => self.authority = true,
            "case" => self.case = true,
            _ => return Err("unknown; see packs/README.md for the list of attributes".into()),
        }
        Ok(())
    }

    fn finish(self, id: &str) -> Result<ListSpec, String> {
        let kind = self.kind.ok_or("attribute \"kind\" is missing")?;
        let ground = self.ground.unwrap_or(Ground::Analytics);
        if ground == Ground::Order && !(self.authority && self.case) {
            return Err("ground=order needs authority=… and case=…".into());
        }
        let effect = effect(self.effect.as_deref().unwrap_or("score"), self.points, self.label)?;
        Ok(ListSpec {
            id: id.into(),
            kind,
            title: "".into(),
            source: "".into(),
            party: self.party,
            tenant: TenantId::GLOBAL,
            subscriber: None,
            traffic: self.traffic,
            ground,
            ceiling: self.ceiling.unwrap_or(default_ceiling(kind)),
            caps_text: self.caps_text,
            meta: EntryMeta {
                effect,
                category: self.category,
                validity: self.validity,
                shadow: self.shadow,
            },
        })
    }
}

/// Text alone holds at most; everything else may block.
fn default_ceiling(kind: ListKind) -> Action {
    match kind {
        ListKind::Keyword | ListKind::Conjunction | ListKind::Brand => Action::Hold,
        _ => Action::Block,
    }
}

/// Reads an effect by its name, with the points or label that go with it.
pub(super) fn effect(
    name: &str,
    points: i16,
    label: Option<crate::model::verdict::LabelKey>,
) -> Result<Effect, String> {
    match name {
        "score" => Ok(Effect::Score(points)),
        "block" => Ok(Effect::Block),
        "allow" => Ok(Effect::Allow),
        "protect" => Ok(Effect::Protect),
        "watch" => Ok(Effect::Watch),
        "label" => label.map(Effect::Label).ok_or_else(|| "effect=label needs label=…".to_owned()),
        _ => {
            Err(format!("effect \"{name}\": expected score, label, block, allow, protect or watch"))
        }
    }
}

fn kinds(found: &str) -> String {
    let names: Vec<&str> = ListKind::ALL.iter().map(|(_, name)| *name).collect();
    format!("expected one of {}, found \"{found}\"", names.join(", "))
}

fn grounds(found: &str) -> String {
    format!("expected analytics, invalid-number, subscriber, order or policy, found \"{found}\"")
}

pub(super) fn action(value: &str) -> Result<Action, String> {
    Action::parse(value)
        .ok_or_else(|| format!("expected allow, label, hold or block, found \"{value}\""))
}

fn party(value: &str) -> Result<Party, String> {
    match value {
        "originator" => Ok(Party::Originator),
        "recipient" => Ok(Party::Recipient),
        "either" => Ok(Party::Either),
        _ => Err(format!("expected originator, recipient or either, found \"{value}\"")),
    }
}

fn traffic(value: &str) -> Result<Traffic, String> {
    match value {
        "call" => Ok(Traffic::Call),
        "message" => Ok(Traffic::Message),
        _ => Err(format!("expected call or message, found \"{value}\"")),
    }
}
