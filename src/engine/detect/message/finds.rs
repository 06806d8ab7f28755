//! The phrases of lists and brands that one message names.
//!
//! Must not know what a phrase is worth. Invariants: every phrase found is there, once, at the
//! place that was noted first, so that no number of harmless phrases hides another; noting one
//! costs constant time; which phrases stand around another is answered without comparing all.

use super::LAYERS_MAX;
use crate::engine::keywords::PhraseHit;

/// A phrase of a keyword list or brand, at its first place.
#[derive(Clone, Copy)]
pub(super) struct Find {
    /// Which of the layers that hold text.
    pub layer: u8,
    pub phrase: u32,
    pub start: u32,
    pub end: u32,
    /// The last end of this one and of all before it in order.
    reach: u32,
}

/// Finds of one text in all layers; reused, so that it allocates only where a text names more
/// phrases or a layer has more of them than any before.
#[derive(Default)]
pub(super) struct FindBuffer {
    finds: Vec<Find>,
    /// By layer, one bit for each phrase: it is in `finds`. All others are clear.
    noted: [Vec<u64>; LAYERS_MAX],
}

impl FindBuffer {
    /// Starts a text. Only the bits that the last text set are cleared.
    pub fn begin(&mut self) {
        for find in self.finds.drain(..) {
            self.noted[usize::from(find.layer)][find.phrase as usize / 64] = 0;
        }
    }

    /// Notes that a phrase of a layer was found.
    #[inline]
    pub fn note(&mut self, layer: u8, hit: PhraseHit) {
        let phrase = hit.phrase.0;
        let noted = &mut self.noted[usize::from(layer)];
        let (word, bit) = (phrase as usize / 64, 1 << (phrase % 64));
        if word >= noted.len() {
            noted.resize(word + 1, 0);
        }
        if noted[word] & bit == 0 {
            // First the find, so that every bit set has one whatever happens in between.
            self.finds.push(Find { layer, phrase, start: hit.start, end: hit.end, reach: 0 });
            noted[word] |= bit;
        }
    }

    /// Puts them in order: by start, the longer first. To be called before they are asked.
    pub fn sort(&mut self) {
        self.finds.sort_unstable_by_key(|find| (find.start, !find.end, find.layer, find.phrase));
        let mut reach = 0;
        for find in &mut self.finds {
            reach = find.end.max(reach);
            find.reach = reach;
        }
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Find] {
        &self.finds
    }

    /// The finds that cover the one at `at` and more. They stand before it; where none before
    /// reaches its end, the search ends.
    pub fn longer_around(&self, at: usize) -> impl Iterator<Item = &Find> {
        let find = self.finds[at];
        let before = self.finds[..at].iter().rev();
        before
            .take_while(move |other| other.reach >= find.end)
            .filter(move |other| other.end > find.end || other.start < find.start)
            .filter(move |other| other.end >= find.end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::keywords::PhraseId;

    proptest! {
        #[test]
        fn every_phrase_once_and_what_is_around_it(
            rows in proptest::collection::vec((0u32..300, 0u32..40, 1u32..12), 0..60),
            before in proptest::collection::vec(0u32..300, 0..5),
        ) {
            // One number for layer and phrase.
            let layer = |phrase: u32| (phrase % LAYERS_MAX as u32) as u8;
            let hit = |phrase: u32, start, length| {
                let phrase = PhraseId(phrase / LAYERS_MAX as u32);
                PhraseHit { phrase, start, end: start + length }
            };
            let mut buffer = FindBuffer::default();
            for phrase in before {
                buffer.begin();
                buffer.note(layer(phrase), hit(phrase, 0, 1));
            }
            buffer.begin();
            let mut expected: Vec<(u32, u32, u32)> = Vec::new();
            for (phrase, start, length) in rows {
                buffer.note(layer(phrase), hit(phrase, start, length));
                if expected.iter().all(|row| row.0 != phrase) {
                    expected.push((phrase, start, start + length));
                }
            }
            buffer.sort();
            let plain = |find: &Find| {
                let both = find.phrase * LAYERS_MAX as u32 + u32::from(find.layer);
                (both, find.start, find.end)
            };
            let mut found: Vec<_> = buffer.all().iter().map(plain).collect();
            prop_assert!(found.is_sorted_by_key(|row| row.1));
            for (at, &(_, start, end)) in found.iter().enumerate() {
                let mut around: Vec<_> = buffer.longer_around(at).map(plain).collect();
                let is_around = |row: &&(u32, u32, u32)| {
                    row.1 <= start && end <= row.2 && row.2 - row.1 > end - start
                };
                let mut naive: Vec<_> = expected.iter().filter(is_around).copied().collect();
                around.sort_unstable();
                naive.sort_unstable();
                prop_assert_eq!(around, naive);
            }
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
