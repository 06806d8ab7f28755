//! Keyword sets: all phrases of a large set in a folded text, and conjunctions over what is found.
//!
//! Owns: finding phrases (by words or unit by unit) and combining finds. Must not know lists,
//! entries, points, the fold or the original text: phrases and texts come folded, and offsets are
//! in folded units. Invariants: finds are exact (hashes only propose, units are compared); a
//! scan and an evaluation allocate nothing; the same set and text give the same finds in the
//! same order. Phrases of users and texts never show in `Debug` of a find or an error.

mod conjunction;
mod hash;
mod phrases;
#[cfg(test)]
mod tests;
mod tokens;
mod units;
mod words;

pub use conjunction::{
    ATOMS_PER_GROUP_MAX, Atom, CONJUNCTIONS_MAX, ConjunctionError, ConjunctionHit, ConjunctionId,
    ConjunctionSet, ConjunctionSetBuilder, FactKind, GROUPS_MAX, OCCURRENCES_MAX, OccurrenceBuffer,
    Occurrences,
};

use std::fmt;

use phrases::PhraseTable;
use tokens::Words;
use units::{SHORT_PREFIX_PHRASES_MAX, UnitMatcher};
use words::WordMatcher;

/// Most units of a phrase: the lengths of phrases fit one 64-bit mask, and the longest phrase of
/// the lists we know of has fewer than 40.
pub const PHRASE_UNITS_MAX: usize = 64;
/// Most phrases of a set: twice the largest set that was measured.
pub const PHRASES_MAX: usize = 1 << 21;
/// Most separators between two words of a phrase in a text: `verify... your account` still reads
/// as the phrase, words further apart do not.
pub const SEPARATORS_MAX: usize = 3;

/// A phrase of one set: dense from 0 in order of adding; less than [`PHRASES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhraseId(pub u32);

/// A place where a phrase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhraseHit {
    /// Which phrase.
    pub phrase: PhraseId,
    /// First unit.
    pub start: u32,
    /// Behind the last unit.
    pub end: u32,
}

/// Why a phrase cannot be in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeywordError {
    /// There is nothing to find.
    Empty,
    /// There is nothing to find but spaces and punctuation.
    OnlySeparators,
    /// More than [`PHRASE_UNITS_MAX`] folded units.
    TooLong {
        /// How many it has.
        units: usize,
    },
    /// More than [`PHRASES_MAX`] phrases in one set.
    TooManyPhrases,
}

impl fmt::Display for KeywordError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeywordError::Empty => write!(out, "phrase is empty"),
            KeywordError::OnlySeparators => write!(out, "phrase has no letter, digit or ideograph"),
            KeywordError::TooLong { units } => {
                write!(out, "phrase has {units} units after folding, at most {PHRASE_UNITS_MAX}")
            }
            KeywordError::TooManyPhrases => {
                write!(out, "more than {PHRASES_MAX} phrases in one set")
            }
        }
    }
}

impl std::error::Error for KeywordError {}

/// Collects phrases for a [`KeywordSet`].
#[derive(Clone, Default)]
pub struct KeywordSetBuilder {
    table: PhraseTable,
}

impl KeywordSetBuilder {
    /// An empty builder.
    pub fn new() -> KeywordSetBuilder {
        KeywordSetBuilder::default()
    }

    /// Adds a folded phrase. An open end may be inside a word; openness says nothing where the
    /// phrase ends in an ideograph or a separator, as there is always a border.
    ///
    /// A phrase of letter and digit words with both ends closed matches by its words: any 0 to
    /// [`SEPARATORS_MAX`] separators may stand between two words (0 only where letters meet
    /// digits), and so `free4u` and `free, 4 u` are one phrase. All other phrases match unit by
    /// unit. A phrase that is there already gives the id that it has.
    ///
    /// # Errors
    /// See [`KeywordError`]; the builder stays as it was.
    pub fn add(
        &mut self,
        phrase: &[u16],
        open_left: bool,
        open_right: bool,
    ) -> Result<PhraseId, KeywordError> {
        self.table.add(phrase, open_left, open_right)
    }

    /// What tells a phrase of this builder apart from all others: see [`KeywordSet::phrase`].
    pub fn phrase(&self, phrase: PhraseId) -> (&[u16], u8) {
        self.table.identity(phrase)
    }

    /// How many different phrases there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Is there no phrase?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Compiles the set.
    pub fn build(self) -> KeywordSet {
        self.build_for(SHORT_PREFIX_PHRASES_MAX)
    }

    /// The same with a chosen bound, so that tests reach both forms with few phrases.
    fn build_for(mut self, short_prefix_phrases_max: usize) -> KeywordSet {
        self.table.finish();
        KeywordSet {
            words: WordMatcher::build(&self.table),
            units: UnitMatcher::build(&self.table, short_prefix_phrases_max),
            table: self.table,
        }
    }
}

impl Default for KeywordSet {
    /// A set without phrases.
    fn default() -> KeywordSet {
        KeywordSetBuilder::new().build()
    }
}

/// An immutable set of phrases, ready to be found in texts.
#[derive(Clone)]
pub struct KeywordSet {
    table: PhraseTable,
    words: WordMatcher,
    units: UnitMatcher,
}

impl KeywordSet {
    /// Reports every place of every phrase, overlaps included, each once and always in the same
    /// order, though not that of places. Ends that are not open are at word borders.
    ///
    /// Texts of 2^32 units and more cannot be: offsets would wrap.
    #[inline]
    pub fn scan(&self, units: &[u16], mut hit: impl FnMut(PhraseHit)) {
        let table = &self.table;
        let mut words = self.words.begin();
        if words.is_some() || self.units.wants_words() {
            for word in Words::new(units) {
                if let Some(words) = &mut words {
                    words.word(table, units, word, &mut hit);
                }
                self.units.word(table, units, word.0, &mut hit);
            }
        }
        self.units.scan(table, units, &mut hit);
    }

    /// The units of a phrase and a number below 8 for the way it matches: two phrases of any two
    /// sets that agree in both find the same places in every text.
    pub fn phrase(&self, phrase: u32) -> (&[u16], u8) {
        self.table.identity(PhraseId(phrase))
    }

    /// How many phrases there are; ids are less than this.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Is there no phrase?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Heap memory of the set.
    pub fn bytes(&self) -> usize {
        self.table.bytes() + self.words.bytes() + self.units.bytes()
    }
}

impl fmt::Debug for KeywordSetBuilder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KeywordSetBuilder").field("phrases", &self.len()).finish()
    }
}

impl fmt::Debug for KeywordSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("KeywordSet");
        out.field("phrases", &self.len()).field("bytes", &self.bytes()).finish()
    }
}
