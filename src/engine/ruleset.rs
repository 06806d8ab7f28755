//! The compiled, immutable catalogue that attempts are screened against.

use std::collections::HashMap;
use std::sync::Arc;

use super::guard::Guard;
use super::intern::{Member, Sets};
use super::keywords::{ConjunctionSet, KeywordSet};
use super::numbers::{Normalised, NumberIndex, Plans};
use crate::model::attempt::Address;
use crate::model::entry::{Brand, EntryMeta, ListSpec};
use crate::model::number::Region;
use crate::model::policy::{Mode, Policy};
use crate::model::revision::{Digest, Revision};
use crate::text::sender::sender_exact_key;

/// Everything an attempt is screened against, at one revision. Swapped whole, never changed.
#[derive(Clone)]
pub struct Ruleset {
    /// The large compiled part.
    pub base: Arc<Base>,
    /// Recent edits beside it.
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
    /// Recipients that nothing may touch.
    pub guard: Guard,
    /// The default policy.
    pub policy: Policy,
    /// Trunks and accounts by name.
    pub trunks: HashMap<Box<str>, Trunk>,
}

/// Recent edits: the same matchers, rebuilt for each change.
#[derive(Default)]
pub struct Overlay {
    /// Lists and their matchers.
    pub layer: Layer,
}

impl Ruleset {
    /// The matchers to ask, base first.
    pub(super) fn layers(&self) -> [&Layer; 2] {
        [&self.base.layer, &self.overlay.layer]
    }

    /// A trunk or account by its name.
    pub(super) fn trunk(&self, trunk_id: &str) -> Option<&Trunk> {
        if trunk_id.is_empty() { None } else { self.base.trunks.get(trunk_id) }
    }

    /// Entries in all lists.
    pub fn entries(&self) -> u64 {
        self.base.layer.entries + self.overlay.layer.entries
    }

    /// Lists.
    pub fn lists(&self) -> usize {
        self.base.layer.lists.len() + self.overlay.layer.lists.len()
    }

    /// Memory of the exact number table, octets; the figure that grows with bulk lists.
    pub fn number_bytes(&self) -> usize {
        self.base.layer.numbers.bytes() + self.overlay.layer.numbers.bytes()
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
    pub(super) sets: Sets,
    pub(super) numbers: NumberIndex,
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
    pub conjunctions: ConjunctionSet,
    /// By conjunction id.
    pub conjunction_entries: Vec<TextEntry>,
}

/// What one phrase of the keyword set stands for.
pub(super) struct PhraseUse {
    /// As its author wrote it.
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

/// A trunk or account with what is bound to it.
#[derive(Default)]
pub struct Trunk {
    pub(super) numbers: NumberIndex,
    pub(super) senders: Vec<Box<str>>,
    pub(super) mode: Option<Mode>,
    pub(super) region: Option<Region>,
}

impl Trunk {
    /// May this originator be shown here with proven identity?
    pub(super) fn binds(&self, originator: &Normalised, address: &Address<'_>) -> bool {
        match originator {
            Normalised::Number(number) => {
                let mut bound = false;
                self.numbers.lookup(number, |_, _| bound = true);
                bound
            }
            Normalised::Lettered if !self.senders.is_empty() => {
                let key = sender_exact_key(&String::from_utf8_lossy(address.raw));
                self.senders.iter().any(|sender| **sender == *key)
            }
            _ => false,
        }
    }
}
