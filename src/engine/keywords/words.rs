//! Finds phrases of whole words in scripts with spaces: one hash a word, one chain a phrase.
//!
//! Owns: chaining the hashes of words. Must not know conjunctions.
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
                let last = last.unwrap_or(&[]);
                let hash = word_hash(last, 0, last.len());
                LengthKey { hash, length: usize::from(record.words) }
            })
            .collect();
        WordMatcher { last_words: (!keys.is_empty()).then(|| LengthTable::build(keys)) }
    }

    /// Starts a text; `None` where no phrase is made of words.
    #[inline(always)]
    pub(super) fn begin(&self) -> Option<WordScan<'_>> {
        self.last_words.as_ref().map(|last_words| WordScan {
            last_words,
            ring: [Word::default(); RING],
            count: 0,
            run: 0,
            end: 0,
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.last_words.as_ref().map_or(0, LengthTable::bytes)
    }
}

/// One pass over the words of a text.
pub(super) struct WordScan<'a> {
    last_words: &'a LengthTable,
    ring: [Word; RING],
    /// Words seen; the newest is at `count - 1` in the ring.
    count: usize,
    /// How many of the newest words may be one phrase.
    run: usize,
    /// Where the newest word ends.
    end: usize,
}

impl WordScan<'_> {
    /// Takes the next word, and reports every phrase that ends with it.
    #[inline(always)]
    pub(super) fn word(
        &mut self,
        table: &PhraseTable,
        text: &[u16],
        (start, end): (usize, usize),
        hit: &mut impl FnMut(PhraseHit),
    ) {
        if end - start > PHRASE_UNITS_MAX {
            self.run = 0; // No phrase has such a word: neither hash it nor chain over it.
            return;
        }
        let gap = &text[self.end..start];
        let near = gap.len() <= SEPARATORS_MAX
            && gap.iter().all(|unit| class(*unit) == UnitClass::Separator);
        self.run = if near { (self.run + 1).min(RING) } else { 1 };
        self.end = end;
        let hash = word_hash(text, start, end);
        self.ring[self.count % RING] = Word { hash, start: start as u32, end: end as u32 };
        self.count += 1;
        let lengths = self.last_words.lengths(hash) & (u64::MAX >> (RING - self.run));
        if lengths != 0 {
            walk(table, text, &self.ring, self.count, lengths, hit);
        }
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
