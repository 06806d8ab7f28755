//! Finds phrases of whole words in scripts with spaces: one hash a word, one chain a phrase.
//!
//! Owns: cutting text into words and chaining their hashes. Must not know conjunctions.
//! Invariant: words are maximal runs of letters or of digits, so both ends of a hit are at word
//! borders; work per word is one bitmap test, and behind it at most one look-up for each count
//! of words that occurs with the same last word.

use super::hash::{LengthKey, LengthTable, class, word_hash};
use super::phrases::{PhraseTable, chain};
use super::{PHRASE_UNITS_MAX, PhraseHit, SEPARATORS_MAX};
use crate::text::class::UnitClass;

/// Words kept while scanning: no phrase has more, as none has more units.
const RING: usize = PHRASE_UNITS_MAX;

/// The filter for phrases that are made of words.
#[derive(Clone, Debug)]
pub(super) struct WordMatcher {
    /// By the *last* word, so that one pass needs no look-ahead. Lengths are counted in words.
    last_words: Option<LengthTable>,
}

/// A word of the text.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    hash: u64,
    start: u32,
    end: u32,
}

impl WordMatcher {
    /// A filter for the phrases of the table that are words.
    pub(super) fn build(table: &PhraseTable) -> WordMatcher {
        let phrases = table.records().filter(|record| record.words > 0);
        let keys: Vec<LengthKey> = phrases
            .map(|record| {
                let units = table.units(record);
                let last = units.rsplit(|unit| class(*unit) == UnitClass::Separator).next();
                LengthKey { hash: word_hash(last.unwrap_or(&[])), lengths: 1 << (record.words - 1) }
            })
            .collect();
        WordMatcher { last_words: (!keys.is_empty()).then(|| LengthTable::build(keys)) }
    }

    /// Reports every phrase of words that stands in the text.
    #[inline]
    pub(super) fn scan(&self, table: &PhraseTable, text: &[u16], hit: &mut impl FnMut(PhraseHit)) {
        let Some(last_words) = &self.last_words else { return };
        let mut ring = [Word::default(); RING];
        let mut count = 0; // Words seen; the newest is at count - 1 in the ring.
        let mut run = 0; // How many of the newest words may be one phrase.
        let mut gap = 0; // Separators since the newest word.
        let mut at = 0;
        while let Some(unit) = text.get(at) {
            let kind = class(*unit);
            if kind == UnitClass::Separator {
                gap += 1;
                at += 1;
                continue;
            }
            if kind == UnitClass::Ideograph {
                run = 0;
                at += 1;
                continue;
            }
            let rest = &text[at..];
            let len = rest.iter().position(|unit| class(*unit) != kind).unwrap_or(rest.len());
            let start = at;
            at += len;
            if len > PHRASE_UNITS_MAX {
                run = 0; // No phrase has such a word: neither hash it nor chain over it.
                continue;
            }
            run = if gap > SEPARATORS_MAX { 1 } else { (run + 1).min(RING) };
            gap = 0;
            let hash = word_hash(&rest[..len]);
            ring[count % RING] = Word { hash, start: start as u32, end: at as u32 };
            count += 1;
            let lengths = last_words.lengths(hash) & (!0 >> (RING - run));
            if lengths != 0 {
                walk(table, text, &ring, count, lengths, hit);
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.last_words.as_ref().map_or(0, LengthTable::bytes)
    }
}

/// Tries the phrases of each count of words that end with the newest word.
#[inline]
fn walk(
    table: &PhraseTable,
    text: &[u16],
    ring: &[Word; RING],
    count: usize,
    mut lengths: u64,
    hit: &mut impl FnMut(PhraseHit),
) {
    let end = ring[(count - 1) % RING].end;
    let mut hash = 0;
    let mut taken = 0;
    while lengths != 0 {
        let words = lengths.trailing_zeros() as usize + 1;
        while taken < words {
            taken += 1;
            hash = chain(hash, ring[(count - taken) % RING].hash);
        }
        let chained = (count - words..count).map(|at| ring[at % RING]);
        let start = ring[(count - words) % RING].start;
        table.each(hash, |phrase, record| {
            if usize::from(record.words) == words
                && same_words(table.units(record), text, chained.clone())
            {
                hit(PhraseHit { phrase, start, end });
            }
        });
        lengths &= lengths - 1;
    }
}

/// Are these the words of the phrase, which has one space between any two?
#[inline]
fn same_words(mut phrase: &[u16], text: &[u16], words: impl Iterator<Item = Word>) -> bool {
    for word in words {
        let units = &text[word.start as usize..word.end as usize];
        let Some(rest) = phrase.strip_prefix(units) else { return false };
        phrase = match rest.split_first() {
            None => rest,
            Some((unit, rest)) if class(*unit) == UnitClass::Separator => rest,
            Some(_) => return false,
        };
    }
    phrase.is_empty()
}
