//! Lists, metas and codes in an image. Names, not places in tables, so that a table that grows in
//! its middle does not change what an old image says.

use super::{Damaged, Reader, Writer};
use crate::model::category::Category;
use crate::model::entry::{Effect, EntryMeta, ListKind, ListSpec, Party, TenantId};
use crate::model::number::{E164Number, Number, Region, ShortCode};
use crate::model::policy::{Action, Ground, Traffic};
use crate::model::time::{Timestamp, Validity};
use crate::model::verdict::LabelKey;

/// Longest text of an image: no id, title or source of a list is as long.
const TEXT_BYTES_MAX: usize = u16::MAX as usize;

const EFFECT_BLOCK: u8 = 0;
const EFFECT_ALLOW: u8 = 1;
const EFFECT_LABEL: u8 = 2;
const EFFECT_SCORE: u8 = 3;
const EFFECT_WATCH: u8 = 4;
const EFFECT_PROTECT: u8 = 5;

impl Writer<'_> {
    fn text(&mut self, text: &str) {
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.u16(end as u16);
        self.octets(&text.as_bytes()[..end]);
    }

    /// An empty text stands for none.
    fn name(&mut self, name: Option<&str>) {
        self.text(name.unwrap_or(""));
    }

    pub(super) fn list(&mut self, list: &ListSpec) {
        self.text(&list.id);
        self.text(list.kind.as_str());
        self.text(&list.title);
        self.text(&list.source);
        self.u8(match list.party {
            Party::Originator => 0,
            Party::Recipient => 1,
            Party::Either => 2,
        });
        self.u16(list.tenant.0);
        match &list.subscriber {
            None => self.u8(0),
            Some(Number::E164(number)) => {
                self.u8(1);
                self.u64(number.value());
            }
            Some(Number::Short(code)) => {
                self.u8(2);
                self.code(code);
            }
        }
        self.name(list.traffic.map(Traffic::as_str));
        self.text(list.ground.as_str());
        self.text(&list.authority);
        self.text(&list.case);
        self.text(list.ceiling.as_str());
        self.name(list.caps_text.map(Action::as_str));
        self.meta(&list.meta);
    }

    pub(super) fn meta(&mut self, meta: &EntryMeta) {
        match meta.effect {
            Effect::Block => self.u8(EFFECT_BLOCK),
            Effect::Allow => self.u8(EFFECT_ALLOW),
            Effect::Label(key) => {
                self.u8(EFFECT_LABEL);
                let name = LabelKey::ALL.into_iter().find(|(known, _)| *known == key);
                self.name(name.map(|(_, name)| name));
            }
            Effect::Score(points) => {
                self.u8(EFFECT_SCORE);
                self.u16(points as u16);
            }
            Effect::Watch => self.u8(EFFECT_WATCH),
            Effect::Protect => self.u8(EFFECT_PROTECT),
        }
        self.name(meta.category.map(Category::code));
        self.u64(meta.validity.from.0);
        self.u64(meta.validity.until.0);
        self.u8(u8::from(meta.shadow));
    }

    pub(super) fn code(&mut self, code: &ShortCode) {
        self.text(code.region.as_str());
        self.text(code.digits());
    }
}

impl<'i> Reader<'i> {
    fn text(&mut self) -> Result<&'i str, Damaged> {
        let length = self.u16()?;
        str::from_utf8(self.octets(usize::from(length))?).map_err(|_| Damaged)
    }

    /// A text that stands for a value.
    fn named<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Damaged> {
        parse(self.text()?).ok_or(Damaged)
    }

    /// The same; an empty text stands for none.
    fn maybe<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Damaged> {
        match self.text()? {
            "" => Ok(None),
            name => parse(name).ok_or(Damaged).map(Some),
        }
    }

    pub(super) fn list(&mut self) -> Result<ListSpec, Damaged> {
        Ok(ListSpec {
            id: self.text()?.into(),
            kind: self.named(ListKind::parse)?,
            title: self.text()?.into(),
            source: self.text()?.into(),
            party: match self.u8()? {
                0 => Party::Originator,
                1 => Party::Recipient,
                2 => Party::Either,
                _ => return Err(Damaged),
            },
            tenant: TenantId(self.u16()?),
            subscriber: match self.u8()? {
                0 => None,
                1 => Some(Number::E164(E164Number::from_value(self.u64()?).ok_or(Damaged)?)),
                2 => Some(Number::Short(self.code()?)),
                _ => return Err(Damaged),
            },
            traffic: self.maybe(|name| {
                [Traffic::Call, Traffic::Message].into_iter().find(|t| t.as_str() == name)
            })?,
            ground: self.named(Ground::parse)?,
            authority: self.text()?.into(),
            case: self.text()?.into(),
            ceiling: self.named(Action::parse)?,
            caps_text: self.maybe(Action::parse)?,
            meta: self.meta()?,
        })
    }

    pub(super) fn meta(&mut self) -> Result<EntryMeta, Damaged> {
        Ok(EntryMeta {
            effect: match self.u8()? {
                EFFECT_BLOCK => Effect::Block,
                EFFECT_ALLOW => Effect::Allow,
                EFFECT_LABEL => Effect::Label(self.named(LabelKey::parse)?),
                EFFECT_SCORE => Effect::Score(self.u16()? as i16),
                EFFECT_WATCH => Effect::Watch,
                EFFECT_PROTECT => Effect::Protect,
                _ => return Err(Damaged),
            },
            category: self.maybe(Category::parse)?,
            validity: Validity { from: Timestamp(self.u64()?), until: Timestamp(self.u64()?) },
            shadow: match self.u8()? {
                0 => false,
                1 => true,
                _ => return Err(Damaged),
            },
        })
    }

    pub(super) fn code(&mut self) -> Result<ShortCode, Damaged> {
        let region = self.named(Region::parse)?;
        self.named(|digits| ShortCode::new(region, digits))
    }
}
