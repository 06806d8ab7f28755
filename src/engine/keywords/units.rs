//! Finds phrases unit by unit: Han and its like, mixed scripts, and phrases with an open end.
//!
//! Owns: the prefix filter. Must not know words or conjunctions. Invariant: work per position is
//! one or two bitmap tests, and behind them at most one look-up for each phrase length that
//! occurs with the prefix that stands there.

use super::hash::{Bitmap, LengthKey, LengthTable, class, key, mix, step, units_hash};
use super::phrases::{PhraseTable, Record};
use super::{PHRASE_UNITS_MAX, PhraseHit, PhraseId};
use crate::text::class::is_border;

/// Up to so many phrases, two units are prefix enough and one table is quicker than two. Measured
/// on texts of 70 Han units: 240 to 390 ns at 10k phrases, equal at 40k, 1100 to 910 at 100k.
pub(super) const SHORT_PREFIX_PHRASES_MAX: usize = 40_000;

/// The filters for phrases that are compared unit by unit.
#[derive(Clone, Debug)]
pub(super) struct UnitMatcher {
    /// Phrases that begin like a word and need a border there: tried at the starts of words.
    heads: Option<Heads>,
    /// Which units are a phrase by themselves, by the unit's [`mix`].
    ones: Option<Bitmap>,
    rest: Tiers,
}

/// Filters for the starts of words: a few places of a text, so a long prefix can be afforded.
#[derive(Clone, Debug)]
struct Heads {
    /// Phrases of less than [`HEAD`] units, by their first.
    short: LengthTable,
    /// Longer ones, by their first [`HEAD`].
    long: LengthTable,
}

const HEAD: usize = 4;

/// Filters for all other places.
#[derive(Clone, Debug)]
enum Tiers {
    None,
    /// All phrases from two units up, by their first two.
    One(LengthTable),
    /// Phrases of two units in a filter of their own, longer ones by their first three: with
    /// many phrases nearly any two units begin one.
    Two {
        pairs: Bitmap,
        longer: LengthTable,
    },
}

impl UnitMatcher {
    /// Filters for the phrases of the table that are not words.
    pub(super) fn build(table: &PhraseTable, short_prefix_phrases_max: usize) -> UnitMatcher {
        let of = |heads: bool, lengths: std::ops::RangeInclusive<usize>| -> Vec<&[u16]> {
            let records = table.records().filter(|record| record.words == 0);
            let records = records.filter(|record| record.border_left == heads);
            let units = records.map(|record| table.units(record));
            units.filter(|units| lengths.contains(&units.len())).collect()
        };
        let keyed = |phrases: &[&[u16]], prefix: usize| -> LengthTable {
            let hash = |units: &[u16]| mix(key(&units[..prefix]));
            let keys = phrases.iter();
            let keys = keys.map(|units| LengthKey { hash: hash(units), length: units.len() });
            LengthTable::build(keys.collect())
        };
        let bitmap =
            |phrases: &[&[u16]]| Bitmap::build(phrases.iter().map(|units| mix(key(units))));
        let (short, long) = (of(true, 1..=HEAD - 1), of(true, HEAD..=PHRASE_UNITS_MAX));
        let heads = (!short.is_empty() || !long.is_empty())
            .then(|| Heads { short: keyed(&short, 1), long: keyed(&long, HEAD) });
        let ones = of(false, 1..=1);
        let longer = of(false, 2..=PHRASE_UNITS_MAX);
        let rest = if longer.is_empty() {
            Tiers::None
        } else if longer.len() <= short_prefix_phrases_max {
            Tiers::One(keyed(&longer, 2))
        } else {
            let longer = keyed(&of(false, 3..=PHRASE_UNITS_MAX), 3);
            Tiers::Two { pairs: bitmap(&of(false, 2..=2)), longer }
        };
        UnitMatcher { heads, ones: (!ones.is_empty()).then(|| bitmap(&ones)), rest }
    }

    /// Are there phrases that are tried at the starts of words?
    #[inline(always)]
    pub(super) fn wants_words(&self) -> bool {
        self.heads.is_some()
    }

    /// Reports the phrases that stand at the start of a word and need a border there.
    #[inline(always)]
    pub(super) fn word(
        &self,
        table: &PhraseTable,
        text: &[u16],
        start: usize,
        hit: &mut impl FnMut(PhraseHit),
    ) {
        let Some(heads) = &self.heads else { return };
        let rest = &text[start..];
        let mut lengths = heads.short.lengths(mix(key(&rest[..1])));
        if let Some(head) = rest.first_chunk::<HEAD>() {
            lengths |= heads.long.lengths(mix(key(head)));
        }
        if lengths != 0 {
            walk(table, text, Place { start, head: true }, lengths, hit);
        }
    }

    /// Reports all other phrases that stand anywhere in the text.
    #[inline]
    pub(super) fn scan(&self, table: &PhraseTable, text: &[u16], hit: &mut impl FnMut(PhraseHit)) {
        if let Some(ones) = &self.ones {
            for (start, unit) in text.iter().enumerate() {
                if ones.may_have(mix(key(&[*unit]))) {
                    walk(table, text, Place { start, head: false }, 1, hit);
                }
            }
        }
        match &self.rest {
            Tiers::None => {}
            Tiers::One(prefixes) => {
                for (start, pair) in text.windows(2).enumerate() {
                    let lengths = prefixes.lengths(mix(key(pair)));
                    if lengths != 0 {
                        walk(table, text, Place { start, head: false }, lengths, hit);
                    }
                }
            }
            Tiers::Two { pairs, longer } => {
                for (start, pair) in text.windows(2).enumerate() {
                    if pairs.may_have(mix(key(pair))) {
                        walk(table, text, Place { start, head: false }, 1 << 1, hit);
                    }
                }
                for (start, three) in text.windows(3).enumerate() {
                    let lengths = longer.lengths(mix(key(three)));
                    if lengths != 0 {
                        walk(table, text, Place { start, head: false }, lengths, hit);
                    }
                }
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let heads = self.heads.as_ref().map_or(0, |heads| heads.short.bytes() + heads.long.bytes());
        let rest = match &self.rest {
            Tiers::None => 0,
            Tiers::One(table) => table.bytes(),
            Tiers::Two { pairs, longer } => pairs.bytes() + longer.bytes(),
        };
        heads + self.ones.as_ref().map_or(0, Bitmap::bytes) + rest
    }
}

/// Where a phrase may start.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    /// At a word, for phrases that need a border there; else for those that do not.
    head: bool,
}

/// Tries the phrases of each length; one hash is carried along for those of 3 units and more.
#[inline]
fn walk(
    table: &PhraseTable,
    text: &[u16],
    place: Place,
    mut lengths: u64,
    hit: &mut impl FnMut(PhraseHit),
) {
    let start = place.start;
    let mut at = start;
    let mut hash = 0;
    while lengths != 0 {
        let end = start + lengths.trailing_zeros() as usize + 1;
        let Some(more) = text.get(at..end) else { return };
        let carried = at - start;
        hash = if end - start <= 3 {
            mix(key(&text[start..end]))
        } else if carried < 3 {
            units_hash(&text[start..end])
        } else {
            more.iter().fold(hash, |hash, unit| step(hash, u64::from(*unit)))
        };
        at = end;
        report(table, text, hash, place, end, hit);
        lengths &= lengths - 1;
    }
}

#[inline]
fn report(
    table: &PhraseTable,
    text: &[u16],
    hash: u64,
    Place { start, head }: Place,
    end: usize,
    hit: &mut impl FnMut(PhraseHit),
) {
    table.each(hash, |phrase: PhraseId, record: Record| {
        // The place is a border where the phrase needs one: a word starts there.
        if record.words == 0
            && record.border_left == head
            && table.units(record) == &text[start..end]
            && (!record.border_right || border_at(text, end))
        {
            hit(PhraseHit { phrase, start: start as u32, end: end as u32 });
        }
    });
}

/// Is there a border before the unit at this place? The edges of the text are borders.
#[inline]
fn border_at(text: &[u16], at: usize) -> bool {
    match (at.checked_sub(1).and_then(|left| text.get(left)), text.get(at)) {
        (Some(left), Some(right)) => is_border(class(*left), class(*right)),
        _ => true,
    }
}
