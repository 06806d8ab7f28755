//! Compiles an overlay: edits over what is there, without building that again.

use std::sync::Arc;

use arrayvec::ArrayVec;

use super::layer::{LayerBuilder, add_phrase};
use super::{CompileError, add_to_layer};
use crate::engine::guard::Guard;
use crate::engine::keywords::KeywordSetBuilder;
use crate::engine::overlay::{LEVELS_MAX, Level, Overlay, TextKind, What};
use crate::engine::ruleset::{Base, Layer, Ruleset, View};
use crate::engine::settings::Settings;
use crate::model::entry::{Entry, ListSpec, NumberPattern, SenderMatch, Value};
use crate::text::fold::fold_to_string;
use crate::text::sender::sender_exact_key;

/// Takes edits, gives the [`Overlay`] that makes them hold over the layers below.
///
/// What a list says below of some value is hidden by [`OverlayBuilder::hide`]; a changed entry is
/// hidden and added. Numbering plans and number classes are part of the base: a change of those
/// needs a new base.
pub struct OverlayBuilder<'b> {
    base: &'b Base,
    below: Vec<View<'b>>,
    /// Levels that stay.
    kept: ArrayVec<Arc<Level>, LEVELS_MAX>,
    layer: LayerBuilder,
    level: Level,
    settings: Option<Settings>,
}

impl<'b> OverlayBuilder<'b> {
    /// A whole overlay over base and bulk layers, in one level: what `below` has for an overlay
    /// is left out, its settings too.
    pub fn new(below: &'b Ruleset) -> OverlayBuilder<'b> {
        OverlayBuilder::over(&below.base, &below.bulk)
    }

    /// The same, over parts that are no ruleset yet.
    pub fn over(base: &'b Base, bulk: &'b [Arc<Layer>]) -> OverlayBuilder<'b> {
        let layers = std::iter::once(&base.layer).chain(bulk.iter().map(|layer| &**layer));
        OverlayBuilder {
            base,
            below: layers.map(|layer| View { layer, above: &[] }).collect(),
            kept: ArrayVec::new(),
            layer: LayerBuilder::default(),
            level: Level::default(),
            settings: None,
        }
    }

    /// A new small level over base, bulk layers and the larger level of the overlay that `below`
    /// has; its small level is left out. The overlay's settings stay, unless others are given.
    pub fn small(below: &'b Ruleset) -> OverlayBuilder<'b> {
        let mut builder = OverlayBuilder::new(below);
        if let [large, ..] = below.overlay.levels() {
            let above = std::slice::from_ref(large);
            builder.below.iter_mut().for_each(|view| view.above = above);
            builder.below.push(View { layer: &large.layer, above: &[] });
            builder.kept.push(Arc::clone(large));
        }
        builder.settings.clone_from(&below.overlay.settings);
        builder
    }

    /// Hides a list with all its entries below; the list may then be added again.
    pub fn hide_list(&mut self, list: &str) {
        let of_layer = |layer: &Layer| {
            layer.list_index(list).map_or(0, |at| layer.list_entries.get(at).copied().unwrap_or(0))
        };
        let all: u64 = self.below.iter().map(|view| of_layer(view.layer)).sum();
        let hidden: u64 = self.kept.iter().map(|level| level.hidden.of_list(list)).sum();
        self.level.hidden.hide_list(list, all.saturating_sub(hidden));
    }

    /// Hides what a list says below of the value of an entry, as it stood there: all of it,
    /// whatever its effect and however it was written. Two entries of a list that the engine
    /// cannot tell apart (`+8695588` and `CN:95588`, `free4u` and `free 4u`) are hidden together.
    /// Only entries that stand below may be hidden, or [`Ruleset::entries`] counts too few.
    ///
    /// # Errors
    /// A phrase that cannot be; a numbering plan or class, which the base alone has.
    pub fn hide(&mut self, list: &str, entry: &Entry<'_>) -> Result<(), CompileError> {
        let hidden = &mut self.level.hidden;
        let mut text = |kind, key: &str| hidden.hide(list, What::Text(kind, key));
        match &entry.value {
            Value::Number(NumberPattern::Exact(number)) => {
                let number = self.base.plans.canonical(*number);
                hidden.hide(list, What::Number(&number));
            }
            Value::Number(pattern) => hidden.hide(list, What::Pattern(pattern)),
            Value::Sender(sender, SenderMatch::Exact) => {
                text(TextKind::Sender, &sender_exact_key(sender));
            }
            Value::Sender(sender, SenderMatch::LookAlike) => {
                text(TextKind::LookAlike, &sender_exact_key(sender));
            }
            Value::Signature(signature) => text(TextKind::Signature, &fold_to_string(signature)),
            Value::Keyword(phrase) => {
                let mut keywords = KeywordSetBuilder::new();
                let id = add_phrase(&mut keywords, phrase)?;
                let (units, form) = keywords.phrase(id);
                hidden.hide(list, What::Phrase(units, form));
            }
            Value::Conjunction(conjunction) => text(TextKind::Conjunction, &conjunction.id),
            Value::Domain(host) => text(TextKind::Domain, host),
            Value::Brand(brand) => text(TextKind::Brand, &brand.id),
            // What holds of them is in the settings.
            Value::Trunk(_) | Value::Policy(_) => hidden.hide_uncompiled(list),
            Value::NumberPlan(_) | Value::NumberClass(_) => return Err(of_the_base()),
        }
        Ok(())
    }

    /// Counts one more entry of a list off: one that is hidden together with another.
    pub fn hide_with(&mut self, list: &str) {
        self.level.hidden.hide_uncompiled(list);
    }

    /// Begins a list, or goes on with one; the entries that follow are its own.
    ///
    /// # Errors
    /// The list stands below and other things are said of it there: what is said of a list holds
    /// for its entries below, too, so the list has to be hidden first.
    pub fn list(&mut self, spec: &ListSpec) -> Result<(), CompileError> {
        if !self.level.hidden.has_list(&spec.id) {
            let known = self.below.iter().rev().find_map(|view| view.shown_list(&spec.id));
            if known.is_some_and(|known| !same_meaning(known, spec)) {
                let text = format!("list {} has other attributes below; hide it first", spec.id);
                return Err(CompileError(text));
            }
        }
        self.layer.begin(spec)
    }

    /// Adds an entry to the list begun last. Policy, trunk and protect entries hold by
    /// [`OverlayBuilder::settings`]; here they count.
    ///
    /// # Errors
    /// As [`super::RulesetBuilder::add`]; a numbering plan or class, which the base alone has.
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), CompileError> {
        if matches!(entry.value, Value::NumberPlan(_) | Value::NumberClass(_)) {
            return Err(of_the_base());
        }
        add_to_layer(&mut self.layer, &self.base.plans, entry)
    }

    /// Replaces the settings, made from all entries of the catalogue that are settings. Whom the
    /// base protects stays protected, whatever these say, until there is a new base.
    pub fn settings(&mut self, settings: Settings) {
        self.settings = Some(settings);
    }

    /// Compiles what was added.
    ///
    /// # Errors
    /// A matcher that cannot be built.
    pub fn build(self) -> Result<Overlay, CompileError> {
        let OverlayBuilder { base, mut kept, layer, mut level, mut settings, .. } = self;
        if let Some(settings) = &mut settings
            && !settings.guard.covers(&base.settings.guard)
        {
            let union = Guard::union(&base.plans, &settings.guard, &base.settings.guard)?;
            settings.guard = Arc::new(union);
        }
        level.layer = layer.build()?;
        if level.layer.entries > 0 || !level.hidden.is_empty() || !level.layer.lists.is_empty() {
            kept.push(Arc::new(level));
        }
        Ok(Overlay::new(kept, settings))
    }
}

fn of_the_base() -> CompileError {
    CompileError("numbering plans and number classes need a new base".into())
}

/// Do two descriptions of a list mean the same to its entries? Title, source and what entries say
/// by default are for people and readers.
fn same_meaning(one: &ListSpec, other: &ListSpec) -> bool {
    one.kind == other.kind
        && one.party == other.party
        && one.tenant == other.tenant
        && one.subscriber == other.subscriber
        && one.traffic == other.traffic
        && one.ground == other.ground
        && one.ceiling == other.ceiling
        && one.caps_text == other.caps_text
}
