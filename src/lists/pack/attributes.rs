//! The attributes of a `%list` line.

use super::is_name;
use super::values::{category, flag, label_key, number_pattern, points, timestamp, timestamp_text};
use crate::model::entry::{Effect, EntryMeta, ListKind, ListSpec, NumberPattern, Party, TenantId};
use crate::model::number::Number;
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
    authority: String,
    case: String,
    tenant: TenantId,
    subscriber: Option<Number>,
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
            "authority" => self.authority = value.to_owned(),
            "case" => self.case = value.to_owned(),
            "tenant" => self.tenant = tenant(value)?,
            "subscriber" => self.subscriber = Some(subscriber(value)?),
            _ => return Err("unknown; see packs/README.md for the list of attributes".into()),
        }
        Ok(())
    }

    fn finish(self, id: &str) -> Result<ListSpec, String> {
        let kind = self.kind.ok_or("attribute \"kind\" is missing")?;
        let ground = self.ground.unwrap_or(Ground::Analytics);
        if ground == Ground::Order && (self.authority.is_empty() || self.case.is_empty()) {
            return Err("ground=order needs authority=… and case=…".into());
        }
        let effect = effect(self.effect.as_deref().unwrap_or("score"), self.points, self.label)?;
        Ok(ListSpec {
            id: id.into(),
            kind,
            title: "".into(),
            source: "".into(),
            party: self.party,
            tenant: self.tenant,
            subscriber: self.subscriber,
            traffic: self.traffic,
            ground,
            authority: self.authority.into(),
            case: self.case.into(),
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

/// Writes the `%list` line of a list as a pack has it, without its title and source.
///
/// What is as it would be without saying so is left out.
pub fn list_line(spec: &ListSpec) -> String {
    let mut line = format!("%list {} kind={}", spec.id, spec.kind.as_str());
    let mut say = |key: &str, value: &str| {
        line.extend([" ", key, "=", value]);
    };
    match spec.meta.effect {
        Effect::Score(0) => {}
        Effect::Score(points) => say("points", &points.to_string()),
        Effect::Label(key) => {
            say("effect", "label");
            say("label", key.as_str());
        }
        other => say("effect", effect_name(other)),
    }
    if let Some(category) = spec.meta.category {
        say("category", category.code());
    }
    if spec.ground != Ground::Analytics {
        say("ground", &spec.ground.as_str().to_ascii_lowercase().replace('_', "-"));
    }
    if spec.ceiling != default_ceiling(spec.kind) {
        say("ceiling", &spec.ceiling.as_str().to_ascii_lowercase());
    }
    if let Some(action) = spec.caps_text {
        say("caps-text", &action.as_str().to_ascii_lowercase());
    }
    if spec.party != Party::Originator {
        say("party", party_name(spec.party));
    }
    if let Some(traffic) = spec.traffic {
        say("traffic", traffic.as_str());
    }
    if spec.meta.shadow {
        say("shadow", "yes");
    }
    if spec.meta.validity.from != Validity::ALWAYS.from {
        say("valid-from", &timestamp_text(spec.meta.validity.from));
    }
    if spec.meta.validity.until != Validity::ALWAYS.until {
        say("valid-until", &timestamp_text(spec.meta.validity.until));
    }
    for (key, value) in [("authority", &spec.authority), ("case", &spec.case)] {
        if !value.is_empty() {
            say(key, value);
        }
    }
    if spec.tenant != TenantId::GLOBAL {
        say("tenant", &spec.tenant.0.to_string());
    }
    if let Some(number) = spec.subscriber {
        say("subscriber", &number.to_string());
    }
    line
}

/// The name of an effect, as packs write it.
pub fn effect_name(effect: Effect) -> &'static str {
    match effect {
        Effect::Score(_) => "score",
        Effect::Label(_) => "label",
        Effect::Block => "block",
        Effect::Allow => "allow",
        Effect::Protect => "protect",
        Effect::Watch => "watch",
    }
}

fn party_name(party: Party) -> &'static str {
    match party {
        Party::Originator => "originator",
        Party::Recipient => "recipient",
        Party::Either => "either",
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

fn tenant(value: &str) -> Result<TenantId, String> {
    let index = value.parse::<u16>().map(TenantId);
    index.map_err(|_| format!("expected a tenant from 0 (all) to 65535, found \"{value}\""))
}

fn subscriber(value: &str) -> Result<Number, String> {
    match number_pattern(value)? {
        NumberPattern::Exact(number) => Ok(number),
        _ => Err(format!("expected one full number, found \"{value}\"")),
    }
}
