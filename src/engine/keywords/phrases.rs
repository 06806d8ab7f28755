//! The phrases of a set: their units, how their ends behave, and a hash index over them.
//!
//! Owns: storage and identity of phrases. Must not know how texts are scanned. Invariant: two
//! phrases that match the same places of all texts by form are one phrase with one id.

use super::hash::{Bitmap, class, step, units_hash, word_hash};
use super::{KeywordError, PHRASE_UNITS_MAX, PHRASES_MAX, PhraseId};
use crate::text::class::UnitClass;

/// Between two words of a stored phrase, whatever its author wrote there.
const SPACE: u16 = 0x20;

/// One phrase: where its units are in the pool, and how they match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    at: u32,
    /// At most 127: 64 words of one unit with 63 spaces between them.
    len: u8,
    /// How many words, 1 to 64; 0 for a phrase that is compared unit by unit.
    pub(super) words: u8,
    /// The left end is inside a word unless there is a border. Never set for words.
    pub(super) border_left: bool,
    /// Same for the right end.
    pub(super) border_right: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    phrase: u32,
}

/// Marks an empty slot; ids end at [`PHRASES_MAX`].
const NO_PHRASE: u32 = u32::MAX;

/// All phrases and an index from the hash of their units (or words) to them.
#[derive(Clone, Default)]
pub(super) struct PhraseTable {
    pool: Vec<u16>,
    records: Vec<Record>,
    /// A power of two of slots, at most half of them full, so that probes are short.
    slots: Vec<Slot>,
    /// Keeps the top bits of a tag; the slots grow by reading tags, without hashing again.
    shift: u32,
    /// Which hashes are there: keeps most look-ups away from the slots, which are larger.
    filter: Option<Bitmap>,
}

impl PhraseTable {
    /// Adds a phrase, or finds the one that is there.
    pub(super) fn add(
        &mut self,
        phrase: &[u16],
        open_left: bool,
        open_right: bool,
    ) -> Result<PhraseId, KeywordError> {
        let (Some(first), Some(last)) = (phrase.first(), phrase.last()) else {
            return Err(KeywordError::Empty);
        };
        if phrase.len() > PHRASE_UNITS_MAX {
            return Err(KeywordError::TooLong { units: phrase.len() });
        }
        if phrase.iter().all(|unit| class(*unit) == UnitClass::Separator) {
            return Err(KeywordError::OnlySeparators);
        }
        let border_left = !open_left && in_word(*first);
        let border_right = !open_right && in_word(*last);
        let plain = !phrase.iter().any(|unit| class(*unit) == UnitClass::Ideograph);
        if plain && border_left && border_right {
            let at = self.pool.len();
            let (words, hash) = self.push_words(phrase);
            let (border_left, border_right) = (false, false);
            self.intern(hash, Record { at: at as u32, len: 0, words, border_left, border_right })
        } else {
            let at = self.pool.len() as u32;
            self.pool.extend_from_slice(phrase);
            let hash = units_hash(phrase);
            self.intern(hash, Record { at, len: 0, words: 0, border_left, border_right })
        }
    }

    /// Puts the words of a phrase at the end of the pool; gives their count and hash.
    fn push_words(&mut self, phrase: &[u16]) -> (u8, u64) {
        let start = self.pool.len();
        for word in phrase.chunk_by(|left, right| class(*left) == class(*right)) {
            if class(word[0]) != UnitClass::Separator {
                if self.pool.len() > start {
                    self.pool.push(SPACE);
                }
                self.pool.extend_from_slice(word);
            }
        }
        let mut words = 0;
        let mut hash = 0;
        for word in self.pool[start..].split(|unit| *unit == SPACE).rev() {
            hash = chain(hash, word_hash(word, 0, word.len()));
            words += 1;
        }
        (words, hash)
    }

    /// The id of the phrase whose units are the pool's tail; a known phrase gives them back.
    fn intern(&mut self, hash: u64, mut record: Record) -> Result<PhraseId, KeywordError> {
        let at = record.at as usize;
        record.len = (self.pool.len() - at) as u8;
        if (self.records.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let tag = tag(hash);
        let mut slot = self.home(tag);
        while self.slots[slot].phrase != NO_PHRASE {
            let Slot { tag: known_tag, phrase } = self.slots[slot];
            let known = self.records[phrase as usize];
            let same_form = (known.words, known.border_left, known.border_right)
                == (record.words, record.border_left, record.border_right);
            if known_tag == tag && same_form && self.units(known) == &self.pool[at..] {
                self.pool.truncate(at);
                return Ok(PhraseId(phrase));
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        if self.records.len() >= PHRASES_MAX {
            self.pool.truncate(at);
            return Err(KeywordError::TooManyPhrases);
        }
        let phrase = self.records.len() as u32;
        self.slots[slot] = Slot { tag, phrase };
        self.records.push(record);
        Ok(PhraseId(phrase))
    }

    fn grow(&mut self) {
        let len = (self.slots.len() * 2).max(16);
        let empty = Slot { tag: 0, phrase: NO_PHRASE };
        let old = std::mem::replace(&mut self.slots, vec![empty; len]);
        self.shift = 32 - len.trailing_zeros();
        for known in old.into_iter().filter(|slot| slot.phrase != NO_PHRASE) {
            let mut slot = self.home(known.tag);
            while self.slots[slot].phrase != NO_PHRASE {
                slot = (slot + 1) & (len - 1);
            }
            self.slots[slot] = known;
        }
    }

    #[inline(always)]
    fn home(&self, tag: u32) -> usize {
        (tag >> self.shift) as usize
    }

    /// Gives every phrase that may have this hash: the caller compares the units.
    #[inline(always)]
    pub(super) fn each(&self, hash: u64, mut candidate: impl FnMut(PhraseId, Record)) {
        if self.filter.as_ref().is_some_and(|filter| !filter.may_have(hash)) {
            return;
        }
        let tag = tag(hash);
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = self.home(tag);
        // An empty table has no slots and ends at once; any other has an empty slot.
        while let Some(slot) = self.slots.get(at & mask) {
            if slot.phrase == NO_PHRASE {
                return;
            }
            if slot.tag == tag {
                candidate(PhraseId(slot.phrase), self.records[slot.phrase as usize]);
            }
            at += 1;
        }
    }

    /// The units of a phrase; for words, with one space between any two.
    #[inline(always)]
    pub(super) fn units(&self, record: Record) -> &[u16] {
        &self.pool[record.at as usize..][..usize::from(record.len)]
    }

    /// What tells a phrase apart: its units, and how it matches as a number below 8.
    pub(super) fn identity(&self, phrase: PhraseId) -> (&[u16], u8) {
        let record = self.records[phrase.0 as usize];
        let form = u8::from(record.words > 0)
            | u8::from(record.border_left) << 1
            | u8::from(record.border_right) << 2;
        (self.units(record), form)
    }

    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        self.records.iter().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Ends the adding.
    pub(super) fn finish(&mut self) {
        let taken = self.slots.iter().filter(|slot| slot.phrase != NO_PHRASE);
        let hashes: Vec<u64> = taken.map(|slot| u64::from(slot.tag) << 32).collect();
        self.filter = Some(Bitmap::build(hashes.into_iter()));
        self.pool.shrink_to_fit();
        self.records.shrink_to_fit();
    }

    pub(super) fn bytes(&self) -> usize {
        self.pool.capacity() * size_of::<u16>()
            + self.filter.as_ref().map_or(0, Bitmap::bytes)
            + self.records.capacity() * size_of::<Record>()
            + self.slots.capacity() * size_of::<Slot>()
    }
}

/// Carries the hash of a chain of words on by the word before them; 0 is the empty chain.
#[inline(always)]
pub(super) fn chain(hash: u64, word: u64) -> u64 {
    step(hash, word)
}

/// The top half: multiplication leaves its best bits there.
#[inline(always)]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// May this unit be inside a word, so that an end there can be without a border?
fn in_word(unit: u16) -> bool {
    matches!(class(unit), UnitClass::Letter | UnitClass::Digit)
}
