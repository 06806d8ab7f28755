//! A hit: what a detector found, before precedence and policy have their say.

use arrayvec::ArrayString;

use crate::model::category::Category;
use crate::model::entry::{Effect, EntryMeta, ListSpec, TenantId};
use crate::model::policy::{Action, Ground};
use crate::model::verdict::{EVIDENCE_BYTES_MAX, EntryRef, ReasonCode, Span};

/// Which kind of evidence a hit rests on; ceilings differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// Metadata: numbers, trunks, verification.
    Metadata,
    /// What the message says.
    Text,
}

/// One thing a detector found.
#[derive(Clone)]
pub struct Hit<'r> {
    /// What kind of thing.
    pub code: ReasonCode,
    /// The list behind it; `None` for a check of the engine itself.
    pub list: Option<&'r ListSpec>,
    /// What it wants.
    pub effect: Effect,
    /// What it is about.
    pub category: Option<Category>,
    /// Reported only.
    pub shadow: bool,
    /// The entry.
    pub entry: EntryRef<'r>,
    /// Where in the content.
    pub span: Option<Span>,
    /// What stood there.
    pub evidence: ArrayString<EVIDENCE_BYTES_MAX>,
    /// Which kind of evidence.
    pub basis: Basis,
    /// Why it may act.
    pub ground: Ground,
    /// The most it may bring about.
    pub ceiling: Action,
    /// It speaks of the originator: an allow then needs proof of who that is.
    pub of_originator: bool,
}

impl std::fmt::Debug for Hit<'_> {
    /// Without the evidence: that is text of a message or an address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hit")
            .field("code", &self.code)
            .field("list", &self.list_id())
            .field("effect", &self.effect)
            .field("entry", &self.entry)
            .field("span", &self.span)
            .field("evidence_bytes", &self.evidence.len())
            .finish_non_exhaustive()
    }
}

impl<'r> Hit<'r> {
    /// A hit on an entry of a list.
    pub fn listed(
        code: ReasonCode,
        list: &'r ListSpec,
        meta: &EntryMeta,
        entry: EntryRef<'r>,
        basis: Basis,
    ) -> Hit<'r> {
        // Whose call it is to be disturbed, and what a court says, no category softens.
        let by_category = match list.ground {
            Ground::Subscriber | Ground::Order => Action::Block,
            _ => meta.category.map_or(Action::Block, Category::ceiling),
        };
        let takes_off = matches!(meta.effect, Effect::Score(points) if points < 0);
        Hit {
            code: if takes_off { ReasonCode::BenignProfile } else { code },
            list: Some(list),
            effect: meta.effect,
            category: meta.category,
            shadow: meta.shadow,
            entry,
            span: None,
            evidence: ArrayString::new(),
            basis,
            ground: list.ground,
            ceiling: list.ceiling.min(by_category),
            of_originator: true,
        }
    }

    /// A finding of the engine itself, on metadata.
    pub fn found(code: ReasonCode, category: Category, effect: Effect, ground: Ground) -> Hit<'r> {
        Hit {
            code,
            list: None,
            effect,
            category: Some(category),
            shadow: false,
            entry: EntryRef::None,
            span: None,
            evidence: ArrayString::new(),
            basis: Basis::Metadata,
            ground,
            ceiling: Action::Block,
            of_originator: true,
        }
    }

    /// Adds where and what; evidence longer than its limit is cut at a character border.
    pub fn at(mut self, span: Option<Span>, evidence: &str) -> Hit<'r> {
        self.span = span;
        let mut end = evidence.len().min(EVIDENCE_BYTES_MAX);
        while !evidence.is_char_boundary(end) {
            end -= 1;
        }
        self.evidence.clear();
        self.evidence.push_str(&evidence[..end]);
        self
    }

    /// With a lower ceiling.
    pub fn capped(mut self, ceiling: Action) -> Hit<'r> {
        self.ceiling = self.ceiling.min(ceiling);
        self
    }

    /// The points it adds or takes off.
    pub fn points(&self) -> i32 {
        match self.effect {
            Effect::Score(points) => i32::from(points),
            _ => 0,
        }
    }

    /// The id of its list; empty for a check of the engine itself.
    pub fn list_id(&self) -> &'r str {
        self.list.map_or("", |list| &list.id)
    }

    /// Its level of precedence; lower goes first.
    pub fn level(&self) -> Level {
        let tenant = self.list.is_some_and(|list| list.tenant != TenantId::GLOBAL);
        match (self.ground, self.effect) {
            (Ground::Order, Effect::Block | Effect::Allow) => Level::LegalOrder,
            (Ground::Subscriber, Effect::Block | Effect::Allow) => Level::Subscriber,
            (_, Effect::Allow) if tenant => Level::TenantAllow,
            (_, Effect::Allow) => Level::GlobalAllow,
            (_, Effect::Block) if tenant => Level::TenantBlock,
            (_, Effect::Block) => Level::GlobalBlock,
            _ => Level::Score,
        }
    }
}

/// Precedence, strongest first (design: guard stands before all of them).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A court's or regulator's order.
    LegalOrder,
    /// The subscriber's own choice.
    Subscriber,
    /// The tenant lets it through.
    TenantAllow,
    /// Everybody lets it through.
    GlobalAllow,
    /// The tenant blocks it.
    TenantBlock,
    /// Everybody blocks it.
    GlobalBlock,
    /// Points.
    Score,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_evidence() {
        let found =
            Hit::found(ReasonCode::Keyword, Category::OK03, Effect::Score(1), Ground::Policy);
        let shown = format!("{:?}", found.at(None, "secret words"));
        assert!(shown.contains("evidence_bytes: 12") && !shown.contains("secret"), "{shown}");
    }
}
