//! The stored form of what is said of a list: explicit fields by the names that packs use.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{FormError, need};
use crate::model::category::Category;
use crate::model::entry::{Effect, EntryMeta, ListKind, ListSpec, Party, TenantId};
use crate::model::number::Number;
use crate::model::policy::{Action, Ground, Traffic};
use crate::model::time::{Timestamp, Validity};
use crate::model::verdict::LabelKey;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpecForm<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    party: Cow<'a, str>,
    tenant: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subscriber: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traffic: Option<Cow<'a, str>>,
    ground: String,
    ceiling: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caps_text: Option<String>,
    #[serde(borrow)]
    effect: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    points: Option<i16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<Cow<'a, str>>,
    shadow: bool,
    /// Milliseconds since 1970; left out where there is no border.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_from: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_until: Option<u64>,
}

/// `INVALID_NUMBER` as packs write it: `invalid-number`.
fn pack_name(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

impl<'a> From<&'a ListSpec> for SpecForm<'a> {
    fn from(list: &'a ListSpec) -> Self {
        let (effect, points, label) = match list.meta.effect {
            Effect::Block => ("block", None, None),
            Effect::Allow => ("allow", None, None),
            Effect::Label(key) => ("label", None, Some(key.as_str().into())),
            Effect::Score(points) => ("score", Some(points), None),
            Effect::Watch => ("watch", None, None),
            Effect::Protect => ("protect", None, None),
        };
        let Validity { from, until } = list.meta.validity;
        SpecForm {
            id: (&*list.id).into(),
            kind: list.kind.as_str().into(),
            title: (&*list.title).into(),
            source: (&*list.source).into(),
            party: list.party.as_str().into(),
            tenant: list.tenant.0,
            subscriber: list.subscriber.map(|number| number.to_string()),
            traffic: list.traffic.map(|traffic| traffic.as_str().into()),
            ground: pack_name(list.ground.as_str()),
            ceiling: pack_name(list.ceiling.as_str()),
            caps_text: list.caps_text.map(|action| pack_name(action.as_str())),
            effect: effect.into(),
            points,
            label,
            category: list.meta.category.map(|category| category.code().into()),
            shadow: list.meta.shadow,
            valid_from: (from != Validity::ALWAYS.from).then_some(from.0),
            valid_until: (until != Validity::ALWAYS.until).then_some(until.0),
        }
    }
}

/// Reads an optional name.
fn maybe<T>(
    name: Option<&str>,
    parse: impl FnOnce(&str) -> Option<T>,
    field: &str,
) -> Result<Option<T>, FormError> {
    name.map(|name| need(parse(name), field)).transpose()
}

impl SpecForm<'_> {
    pub(super) fn read(self) -> Result<ListSpec, FormError> {
        let label = maybe(self.label.as_deref(), LabelKey::parse, "label")?;
        let effect = match (&*self.effect, self.points, label) {
            ("block", None, None) => Some(Effect::Block),
            ("allow", None, None) => Some(Effect::Allow),
            ("label", None, Some(key)) => Some(Effect::Label(key)),
            ("score", Some(points), None) => Some(Effect::Score(points)),
            ("watch", None, None) => Some(Effect::Watch),
            ("protect", None, None) => Some(Effect::Protect),
            _ => None,
        };
        let always = Validity::ALWAYS;
        Ok(ListSpec {
            id: self.id.into(),
            kind: need(ListKind::parse(&self.kind), "kind")?,
            title: self.title.into(),
            source: self.source.into(),
            party: need(Party::parse(&self.party), "party")?,
            tenant: TenantId(self.tenant),
            subscriber: maybe(self.subscriber.as_deref(), Number::parse, "subscriber")?,
            traffic: maybe(self.traffic.as_deref(), Traffic::parse, "traffic")?,
            ground: need(Ground::parse(&self.ground), "ground")?,
            ceiling: need(Action::parse(&self.ceiling), "ceiling")?,
            caps_text: maybe(self.caps_text.as_deref(), Action::parse, "caps_text")?,
            meta: EntryMeta {
                effect: need(effect, "effect")?,
                category: maybe(self.category.as_deref(), Category::parse, "category")?,
                validity: Validity {
                    from: self.valid_from.map_or(always.from, Timestamp),
                    until: self.valid_until.map_or(always.until, Timestamp),
                },
                shadow: self.shadow,
            },
        })
    }
}
