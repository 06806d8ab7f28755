//! Finds phrases unit by unit: Han and its like, mixed scripts, and phrases with an open end.
//!
//! Owns: the prefix filter. Must not know words or conjunctions. Invariant: work per position is
//! one or two bitmap tests, and behind them at most one look-up for each phrase length that
//! occurs with the prefix that stands there.

use super::hash::{Bitmap, LengthKey, LengthTable, class, key, mix, step};
use super::phrases::{PhraseTable, Record};
use super::{PhraseHit, PhraseId};
use crate::text::class::is_border;

/// Up to so many phrases, two units are prefix enough and one table is quicker than two; measured.
pub(super) const SHORT_PREFIX_PHRASES_MAX: usize = 20_000;

/// The filters for phrases that are compared unit by unit.
#[derive(Clone, Debug)]
pub(super) struct UnitMatcher {
    /// Which units are a phrase by themselves, by the unit's [`mix`].
    ones: Option<Bitmap>,
    rest: Tiers,
}

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
        let phrases = || table.records().filter(|record| record.words == 0);
        let of_len = |len: usize| -> Vec<u64> {
            let units = phrases().map(|record| table.units(record));
            units.filter(|units| units.len() == len).map(|units| mix(key(units))).collect()
        };
        let by_prefix = |prefix: usize| -> LengthTable {
            let units = phrases().map(|record| table.units(record));
            let keys = units.filter(|units| units.len() >= prefix).map(|units| LengthKey {
                hash: mix(key(&units[..prefix])),
                lengths: 1 << (units.len() - 1),
            });
            LengthTable::build(keys.collect())
        };
        let ones = of_len(1);
        let longer = phrases().count() - ones.len();
        let rest = match longer {
            0 => Tiers::None,
            _ if longer <= short_prefix_phrases_max => Tiers::One(by_prefix(2)),
            _ => Tiers::Two { pairs: Bitmap::build(of_len(2).into_iter()), longer: by_prefix(3) },
        };
        let ones = (!ones.is_empty()).then(|| Bitmap::build(ones.into_iter()));
        UnitMatcher { ones, rest }
    }

    /// Reports every phrase of the table that stands in the text and is not made of words.
    #[inline]
    pub(super) fn scan(&self, table: &PhraseTable, text: &[u16], hit: &mut impl FnMut(PhraseHit)) {
        if let Some(ones) = &self.ones {
            for (start, unit) in text.iter().enumerate() {
                let hash = mix(key(&[*unit]));
                if ones.may_have(hash) {
                    report(table, text, hash, start..start + 1, hit);
                }
            }
        }
        match &self.rest {
            Tiers::None => {}
            Tiers::One(prefixes) => {
                for (start, pair) in text.windows(2).enumerate() {
                    let hash = mix(key(pair));
                    let lengths = prefixes.lengths(hash);
                    if lengths & PAIR != 0 {
                        report(table, text, hash, start..start + 2, hit);
                    }
                    if lengths & LONGER != 0 {
                        walk(table, text, start, lengths & LONGER, hit);
                    }
                }
            }
            Tiers::Two { pairs, longer } => {
                for (start, pair) in text.windows(2).enumerate() {
                    let hash = mix(key(pair));
                    if pairs.may_have(hash) {
                        report(table, text, hash, start..start + 2, hit);
                    }
                }
                for (start, three) in text.windows(3).enumerate() {
                    let lengths = longer.lengths(mix(key(three)));
                    if lengths != 0 {
                        walk(table, text, start, lengths, hit);
                    }
                }
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let rest = match &self.rest {
            Tiers::None => 0,
            Tiers::One(table) => table.bytes(),
            Tiers::Two { pairs, longer } => pairs.bytes() + longer.bytes(),
        };
        self.ones.as_ref().map_or(0, Bitmap::bytes) + rest
    }
}

/// The length 2 and the lengths from 3 up in a mask of lengths.
const PAIR: u64 = 1 << 1;
const LONGER: u64 = !0 << 2;

/// Tries the phrases of each length, all 3 or more; one hash is carried along for all of them.
#[inline]
fn walk(
    table: &PhraseTable,
    text: &[u16],
    start: usize,
    mut lengths: u64,
    hit: &mut impl FnMut(PhraseHit),
) {
    let mut at = start + 3;
    let Some(head) = text.get(start..at) else { return };
    let mut hash = mix(key(head));
    while lengths != 0 {
        let end = start + lengths.trailing_zeros() as usize + 1;
        let Some(more) = text.get(at..end) else { return };
        hash = more.iter().fold(hash, |hash, unit| step(hash, u64::from(*unit)));
        at = end;
        report(table, text, hash, start..end, hit);
        lengths &= lengths - 1;
    }
}

#[inline]
fn report(
    table: &PhraseTable,
    text: &[u16],
    hash: u64,
    span: std::ops::Range<usize>,
    hit: &mut impl FnMut(PhraseHit),
) {
    table.each(hash, |phrase: PhraseId, record: Record| {
        if record.words != 0 || table.units(record) != &text[span.clone()] {
            return;
        }
        if record.border_left && !border_at(text, span.start)
            || record.border_right && !border_at(text, span.end)
        {
            return;
        }
        hit(PhraseHit { phrase, start: span.start as u32, end: span.end as u32 });
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
