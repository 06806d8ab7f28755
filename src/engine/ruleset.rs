//! The compiled, immutable catalogue that attempts are screened against: a large base, bulk
//! imports beside it, and an overlay of recent edits over both.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::intern::{Member, Sets};
use super::keywords::{ConjunctionSet, KeywordSet};
use super::numbers::{Matched, NumberIndex, Plans};
use super::overlay::{Level, Overlay, What};
use super::settings::Settings;
use crate::model::entry::{Brand, EntryMeta, ListSpec, NumberPattern};
use crate::model::number::Number;
use crate::model::revision::{Digest, Revision};

/// Bulk layers of one ruleset: each costs a call two look-ups, so more of them are to be merged
/// into one first (a rebuild from their segments).
pub const BULK_LAYERS_MAX: usize = 4;

/// Everything an attempt is screened against, at one revision. Swapped whole, never changed.
#[derive(Clone)]
pub struct Ruleset {
    /// The large compiled part.
    pub base: Arc<Base>,
    /// Bulk imports: numbers only, at most [`BULK_LAYERS_MAX`] layers.
    pub bulk: Arc<[Arc<Layer>]>,
    /// Recent edits: what is added, and what of the layers below no longer holds.
    pub overlay: Arc<Overlay>,
    /// Which state of the catalogue this is.
    pub revision: Revision,
    /// Names its content.
    pub digest: Digest,
}

/// The large compiled part of a ruleset.
pub struct Base {
    /// Lists and their matchers.
    pub layer: Layer,
    /// Numbering plans and number classes.
    pub plans: Plans,
    /// Policy, trunks and protected recipients, unless the overlay has newer ones.
    pub settings: Settings,
}

/// One layer with the levels of the overlay that stand over it and may hide entries of it.
#[derive(Clone, Copy)]
pub(super) struct View<'r> {
    pub layer: &'r Layer,
    pub above: &'r [Arc<Level>],
}

impl<'r> View<'r> {
    /// Is what a list says of this hidden by a level above? Asked of hits only.
    #[inline]
    pub fn hides(&self, list: u16, what: What<'_>) -> bool {
        !self.above.is_empty() && self.is_hidden(list, what)
    }

    #[cold]
    fn is_hidden(&self, list: u16, what: What<'_>) -> bool {
        let list = &self.list(list).id;
        self.above.iter().any(|level| level.hidden.has(list, what))
    }

    /// A list of this layer.
    pub fn list(&self, list: u16) -> &'r ListSpec {
        &self.layer.lists[usize::from(list)]
    }

    /// A list of this layer by its id, unless all of it is hidden.
    pub fn shown_list(&self, id: &str) -> Option<&'r ListSpec> {
        let at = self.layer.list_index(id).filter(|_| !self.hides_list(id))?;
        self.layer.lists.get(at)
    }

    fn hides_list(&self, id: &str) -> bool {
        self.above.iter().any(|level| level.hidden.has_list(id))
    }

    /// Is what is meant by a keyword of this list hidden?
    pub fn hides_phrase(&self, list: u16, phrase: u32) -> bool {
        if self.above.is_empty() {
            return false;
        }
        let (units, form) = self.layer.texts.keywords.phrase(phrase);
        self.is_hidden(list, What::Phrase(units, form))
    }
}

impl Ruleset {
    /// From its parts.
    ///
    /// # Errors
    /// In words, when there are more than [`BULK_LAYERS_MAX`] bulk layers.
    pub fn new(
        base: Arc<Base>,
        bulk: Arc<[Arc<Layer>]>,
        overlay: Arc<Overlay>,
        revision: Revision,
        digest: Digest,
    ) -> Result<Ruleset, super::CompileError> {
        if bulk.len() > BULK_LAYERS_MAX {
            let text = format!("{} bulk layers, at most {BULK_LAYERS_MAX}", bulk.len());
            return Err(super::CompileError(text));
        }
        Ok(Ruleset { base, bulk, overlay, revision, digest })
    }

    /// The layers to ask for numbers and sender ids, base first.
    #[inline]
    pub(super) fn layers(&self) -> impl Iterator<Item = View<'_>> {
        let levels = self.overlay.levels();
        let below = std::iter::once(&self.base.layer).chain(self.bulk.iter().map(|layer| &**layer));
        below.map(move |layer| View { layer, above: levels }).chain(self.levels())
    }

    /// The layers to ask for text, base first: bulk layers hold numbers only.
    pub(super) fn text_layers(&self) -> impl Iterator<Item = View<'_>> {
        let base = View { layer: &self.base.layer, above: self.overlay.levels() };
        std::iter::once(base).chain(self.levels())
    }

    #[inline]
    fn levels(&self) -> impl Iterator<Item = View<'_>> {
        let levels = self.overlay.levels();
        levels
            .iter()
            .enumerate()
            .map(move |(at, level)| View { layer: &level.layer, above: &levels[at + 1..] })
    }

    /// The settings in force: the overlay's where it has some.
    #[inline]
    pub fn settings(&self) -> &Settings {
        self.overlay.settings.as_ref().unwrap_or(&self.base.settings)
    }

    /// Entries in all lists.
    pub fn entries(&self) -> u64 {
        let all: u64 = self.layers().map(|view| view.layer.entries).sum();
        all.saturating_sub(self.overlay.levels().iter().map(|level| level.hidden.entries()).sum())
    }

    /// Lists, each counted once in however many layers it has entries.
    pub fn lists(&self) -> usize {
        let mut ids: HashSet<&str> = HashSet::new();
        for view in self.layers() {
            let all = view.layer.lists.iter().map(|list| &*list.id);
            ids.extend(all.filter(|id| !view.hides_list(id)));
        }
        ids.len()
    }

    /// Memory of the exact number tables, octets; the figure that grows with bulk lists.
    pub fn number_bytes(&self) -> usize {
        self.layers().map(|view| view.layer.numbers.bytes()).sum()
    }
}

impl std::fmt::Debug for Ruleset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ruleset(revision {}, {} entries)", self.revision, self.entries())
    }
}

/// Lists with a matcher for each kind of value.
#[derive(Default)]
pub struct Layer {
    pub(super) lists: Vec<ListSpec>,
    pub(super) entries: u64,
    /// By list: its entries.
    pub(super) list_entries: Vec<u64>,
    pub(super) sets: Sets,
    pub(super) numbers: NumberIndex,
    /// Prefixes and ranges as written, by [`Member::pattern`].
    pub(super) patterns: Vec<NumberPattern>,
    pub(super) senders: HashMap<Box<str>, u32>,
    /// By skeleton, the sender ids that have it: those themselves are no look-alikes.
    pub(super) look_alikes: HashMap<Box<str>, Vec<Genuine>>,
    pub(super) signatures: HashMap<Box<str>, u32>,
    pub(super) domains: HashMap<Box<str>, u32>,
    /// Longest run of labels in `domains`, so that a host is not looked up deeper than needed.
    pub(super) domain_labels_max: usize,
    pub(super) texts: TextMatchers,
    pub(super) brands: Vec<BrandEntry>,
    /// By genuine domain, the brands that it belongs to.
    pub(super) brand_domains: HashMap<Box<str>, Vec<u32>>,
}

impl Layer {
    /// Entries in it.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Heap memory of its number tables, octets.
    pub fn number_bytes(&self) -> usize {
        self.numbers.bytes()
    }

    /// Does a list have this number in the exact table of this layer?
    pub fn holds_number(&self, list: &str, plans: &Plans, number: &Number) -> bool {
        let mut found = false;
        self.numbers.lookup(&plans.canonical(*number), |matched, set| {
            let listed = |member: &Member| *self.lists[usize::from(member.list)].id == *list;
            found |= matches!(matched, Matched::Exact) && self.sets.get(set).any(listed);
        });
        found
    }

    /// Is what this layer knows of a list, if it has it, just that?
    pub fn knows_as(&self, spec: &ListSpec) -> bool {
        self.list_index(&spec.id).is_none_or(|at| self.lists[at] == *spec)
    }

    /// What this layer knows of a list.
    pub fn list(&self, id: &str) -> Option<&ListSpec> {
        self.list_index(id).map(|at| &self.lists[at])
    }

    /// The place of a list.
    pub(super) fn list_index(&self, id: &str) -> Option<usize> {
        self.lists.iter().position(|list| *list.id == *id)
    }
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Layer({} lists, {} entries)", self.lists.len(), self.entries)
    }
}

/// A sender id that others may try to look like.
pub(super) struct Genuine {
    /// Its exact key.
    pub key: Box<str>,
    /// What is said of those that look like it.
    pub member: Member,
}

/// Phrases, and combinations of them, over folded text.
#[derive(Default)]
pub(super) struct TextMatchers {
    pub keywords: KeywordSet,
    /// By phrase id: what it means.
    pub phrases: Vec<PhraseUse>,
    /// By phrase id and list: how the list writes a phrase that was first met in another writing.
    pub writings: HashMap<(u32, u16), Box<str>>,
    pub conjunctions: ConjunctionSet,
    /// By conjunction id.
    pub conjunction_entries: Vec<TextEntry>,
}

impl TextMatchers {
    /// A phrase as the author of a list wrote it.
    pub fn written(&self, phrase: u32, list: u16) -> &str {
        let own = self.writings.get(&(phrase, list)).filter(|_| !self.writings.is_empty());
        own.unwrap_or(&self.phrases[phrase as usize].text)
    }
}

/// What one phrase of the keyword set stands for.
pub(super) struct PhraseUse {
    /// As its first author wrote it.
    pub text: Box<str>,
    /// Set of keyword entries; `NONE` when it only serves conjunctions or brands.
    pub set: u32,
    /// It is a term of some conjunction.
    pub in_conjunction: bool,
    /// Brands that it claims.
    pub brands: Vec<u32>,
}

/// An entry told apart by its text.
pub(super) struct TextEntry {
    pub list: u16,
    pub meta: EntryMeta,
    pub id: Box<str>,
}

/// A brand with its entry.
pub(super) struct BrandEntry {
    pub list: u16,
    pub meta: EntryMeta,
    pub brand: Brand,
}
