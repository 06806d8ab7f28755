//! Recent edits over base and bulk layers: entries of their own, and which entries below no
//! longer hold.
//!
//! Owns what is hidden. Must not know how matchers work. An entry is known by its list's id and by
//! the canonical key of what it matches, never by its place in a layer: a base that is rebuilt
//! with the same entries is hidden from alike.
//! Invariants: only hits are compared with what is hidden, so an attempt that meets nothing pays
//! nothing; a level hides from the layers below it, never from itself or from levels above.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ruleset::Layer;
use super::settings::Settings;
use crate::model::entry::NumberPattern;
use crate::model::number::Number;

/// Levels of an overlay: a small one, rebuilt for every change, over a larger one.
pub const LEVELS_MAX: usize = 2;

/// Recent edits.
#[derive(Clone, Default)]
pub struct Overlay {
    /// The larger one first.
    levels: arrayvec::ArrayVec<Arc<Level>, LEVELS_MAX>,
    /// Policy, trunks and protected recipients, where they were changed since the base was built.
    pub(super) settings: Option<Settings>,
}

impl Overlay {
    pub(super) fn new(
        levels: arrayvec::ArrayVec<Arc<Level>, LEVELS_MAX>,
        settings: Option<Settings>,
    ) -> Overlay {
        Overlay { levels, settings }
    }

    #[inline]
    pub(super) fn levels(&self) -> &[Arc<Level>] {
        &self.levels
    }

    /// Entries that it holds itself, in both levels.
    pub fn entries(&self) -> u64 {
        self.levels.iter().map(|level| level.layer.entries).sum()
    }

    /// Entries below that it hides.
    pub fn hidden(&self) -> u64 {
        self.levels.iter().map(|level| level.hidden.entries()).sum()
    }
}

impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Overlay({} entries, {} hidden)", self.entries(), self.hidden())
    }
}

/// One level of an overlay.
#[derive(Default)]
pub(super) struct Level {
    pub layer: Layer,
    pub hidden: Hidden,
}

/// What a hit rests on, as far as it tells entries of one list apart.
#[derive(Clone, Copy)]
pub(super) enum What<'k> {
    /// One number, canonical.
    Number(&'k Number),
    /// A prefix or range as written.
    Pattern(&'k NumberPattern),
    /// The units of a phrase and how its ends behave.
    Phrase(&'k [u16], u8),
    /// Another entry by its key.
    Text(TextKind, &'k str),
}

/// Kinds of entries that are known by a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TextKind {
    /// Exact key of a sender id.
    Sender,
    /// Exact key of a sender id that others may look like.
    LookAlike,
    /// Folded signature.
    Signature,
    /// Host.
    Domain,
    /// Id of a conjunction.
    Conjunction,
    /// Id of a brand.
    Brand,
}

/// Entries of layers below that no longer hold.
#[derive(Default)]
pub(super) struct Hidden {
    /// By the id of its list.
    lists: HashMap<Box<str>, HiddenOfList>,
    entries: u64,
}

/// What is hidden of one list.
#[derive(Default)]
struct HiddenOfList {
    /// The list with all its entries.
    whole: bool,
    /// How many entries that are.
    count: u64,
    numbers: HashSet<Number>,
    patterns: HashSet<NumberPattern>,
    /// By the units of a phrase: one bit for each form.
    phrases: HashMap<Box<[u16]>, u8>,
    texts: HashMap<TextKind, HashSet<Box<str>>>,
}

impl Hidden {
    /// Is this hidden of this list?
    pub fn has(&self, list: &str, what: What<'_>) -> bool {
        self.lists.get(list).is_some_and(|of_list| of_list.whole || of_list.has(what))
    }

    /// Is the whole list hidden?
    pub fn has_list(&self, list: &str) -> bool {
        self.lists.get(list).is_some_and(|of_list| of_list.whole)
    }

    /// How many entries of a list are hidden.
    pub fn of_list(&self, list: &str) -> u64 {
        self.lists.get(list).map_or(0, |of_list| of_list.count)
    }

    /// Nothing at all.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// How many entries of the layers below are hidden.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Hides a list with so many entries.
    pub fn hide_list(&mut self, list: &str, entries: u64) {
        let of_list = self.list(list);
        of_list.whole = true;
        let before = std::mem::replace(&mut of_list.count, entries);
        self.entries = self.entries - before + entries;
    }

    /// Hides an entry; again is as good as once.
    pub fn hide(&mut self, list: &str, what: What<'_>) {
        let of_list = self.list(list);
        if of_list.hide(what) && !of_list.whole {
            of_list.count += 1;
            self.entries += 1;
        }
    }

    /// Counts an entry off that no layer holds.
    pub fn hide_uncompiled(&mut self, list: &str) {
        let of_list = self.list(list);
        if !of_list.whole {
            of_list.count += 1;
            self.entries += 1;
        }
    }

    fn list(&mut self, list: &str) -> &mut HiddenOfList {
        if !self.lists.contains_key(list) {
            self.lists.insert(list.into(), HiddenOfList::default());
        }
        self.lists.get_mut(list).expect("it was put in if it was not there")
    }
}

impl HiddenOfList {
    fn has(&self, what: What<'_>) -> bool {
        match what {
            What::Number(number) => self.numbers.contains(number),
            What::Pattern(pattern) => self.patterns.contains(pattern),
            What::Phrase(units, form) => {
                self.phrases.get(units).is_some_and(|forms| forms >> form & 1 == 1)
            }
            What::Text(kind, key) => self.texts.get(&kind).is_some_and(|keys| keys.contains(key)),
        }
    }

    /// True when it was not hidden before.
    fn hide(&mut self, what: What<'_>) -> bool {
        match what {
            What::Number(number) => self.numbers.insert(*number),
            What::Pattern(pattern) => self.patterns.insert(*pattern),
            What::Phrase(units, form) => {
                let forms = self.phrases.entry(units.into()).or_default();
                let before = *forms;
                *forms |= 1 << form;
                before != *forms
            }
            What::Text(kind, key) => self.texts.entry(kind).or_default().insert(key.into()),
        }
    }
}
