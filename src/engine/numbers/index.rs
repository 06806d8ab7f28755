//! One look-up over all number lists: exact numbers, short codes and prefixes.
//!
//! Owns the dispatch of patterns to tables. Must not know lists or effects.
//! Invariants: exact answers only; a look-up in an empty index costs a few branches.

use std::collections::HashMap;

use super::exact::ExactTable;
use super::prefix::{PatternError, PrefixBuilder, PrefixTable};
use crate::model::entry::NumberPattern;
use crate::model::number::{E164Number, Number, ShortCode};

/// What of a number a list entry agreed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matched {
    /// The whole number.
    Exact,
    /// So many leading digits; 0 to 20.
    Prefix(u8),
}

/// All number patterns of a ruleset, compiled.
#[derive(Debug, Default)]
pub struct NumberIndex {
    exact: ExactTable,
    short: HashMap<ShortCode, u32>,
    prefixes: PrefixTable,
}

impl NumberIndex {
    /// Reports each payload that applies to `number`: the exact one, then prefixes, shortest
    /// first. Patterns of one kind and place share a payload, so each place reports once.
    #[inline]
    pub fn lookup(&self, number: &Number, mut hit: impl FnMut(Matched, u32)) {
        // The exact table is read first: its cache miss overlaps with the walk over the trie.
        let exact = match number {
            Number::E164(number) => self.exact.get(*number),
            Number::Short(_) if self.short.is_empty() => None,
            Number::Short(code) => self.short.get(code).copied(),
        };
        if let Some(payload) = exact {
            hit(Matched::Exact, payload);
        }
        self.prefixes.walk(number, |digits, payload| hit(Matched::Prefix(digits as u8), payload));
    }

    /// How many exact numbers and short codes.
    pub fn exact_len(&self) -> usize {
        self.exact.len() + self.short.len()
    }

    /// How many prefixes, after ranges were compiled into prefixes.
    pub fn prefix_len(&self) -> usize {
        self.prefixes.len()
    }

    /// Nothing at all.
    pub fn is_empty(&self) -> bool {
        self.exact_len() == 0 && self.prefixes.is_empty()
    }

    /// Heap bytes held, the map of short codes by estimate.
    pub fn bytes(&self) -> usize {
        // One control byte for each slot, as the standard map keeps it.
        let short = self.short.capacity() * (size_of::<(ShortCode, u32)>() + 1);
        self.exact.bytes() + short + self.prefixes.bytes()
    }
}

/// Collects patterns of all kinds and compiles them into a [`NumberIndex`].
#[derive(Default)]
pub struct IndexBuilder {
    exact: Vec<(E164Number, u32)>,
    short: Vec<(ShortCode, u32)>,
    prefixes: PrefixBuilder,
}

impl IndexBuilder {
    /// An empty builder.
    pub fn new() -> IndexBuilder {
        IndexBuilder::default()
    }

    /// Adds a pattern under a token.
    ///
    /// Numbers must be in canonical form ([`super::Plans::canonical`]), or a normalised number
    /// will not meet them.
    ///
    /// Errors: [`PatternError`], never `Exact`.
    pub fn add(&mut self, pattern: &NumberPattern, token: u32) -> Result<(), PatternError> {
        match pattern {
            NumberPattern::Exact(Number::E164(number)) => self.exact.push((*number, token)),
            NumberPattern::Exact(Number::Short(code)) => self.short.push((*code, token)),
            _ => self.prefixes.add(pattern, token)?,
        }
        Ok(())
    }

    /// Room for so many exact numbers, for a bulk list of known size.
    pub fn reserve_exact(&mut self, numbers: usize) {
        self.exact.reserve_exact(numbers);
    }

    /// Compiles. All tokens at one place (number; short code; prefix and length), ascending, go
    /// to `resolve`, whose answer becomes the payload there. The order of calls depends on the
    /// patterns only, not on the order they were added in, except among prefixes.
    pub fn build(self, mut resolve: impl FnMut(&[u32]) -> u32) -> NumberIndex {
        let IndexBuilder { exact, mut short, prefixes } = self;
        let exact = ExactTable::build(exact, &mut resolve);
        short.sort_unstable();
        let mut tokens = Vec::new();
        let mut codes = HashMap::new();
        for group in short.chunk_by(|a, b| a.0 == b.0) {
            tokens.clear();
            tokens.extend(group.iter().map(|(_, token)| *token));
            codes.insert(group[0].0, resolve(&tokens));
        }
        codes.shrink_to_fit();
        NumberIndex { exact, short: codes, prefixes: prefixes.build(&mut resolve) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::entry::PlanDigits;
    use crate::model::number::Region;
    use arrayvec::ArrayString;

    fn prefix(region: Option<Region>, digits: &str) -> NumberPattern {
        NumberPattern::Prefix(PlanDigits { region, digits: ArrayString::from(digits).unwrap() })
    }

    fn found(index: &NumberIndex, number: &Number) -> Vec<(Matched, u32)> {
        let mut hits = Vec::new();
        index.lookup(number, |matched, payload| hits.push((matched, payload)));
        hits
    }

    #[test]
    fn exact_short_and_prefix_together() {
        let number = Number::E164(E164Number::from_digits(b"8613800138000").unwrap());
        let code = Number::Short(ShortCode::new(Region::CN, "95588").unwrap());
        let other = Number::Short(ShortCode::new(Region::CN, "95599").unwrap());
        let mut builder = IndexBuilder::new();
        for (pattern, token) in [
            (NumberPattern::Exact(number), 1),
            (NumberPattern::Exact(number), 2),
            (NumberPattern::Exact(code), 4),
            (prefix(None, "8613"), 8),
            (prefix(Some(Region::CN), "955"), 16),
        ] {
            builder.add(&pattern, token).unwrap();
        }
        let index = builder.build(|tokens| tokens.iter().sum());
        assert_eq!(found(&index, &number), [(Matched::Exact, 3), (Matched::Prefix(4), 8)]);
        assert_eq!(found(&index, &code), [(Matched::Exact, 4), (Matched::Prefix(3), 16)]);
        assert_eq!(found(&index, &other), [(Matched::Prefix(3), 16)]);
        assert_eq!((index.exact_len(), index.prefix_len(), index.is_empty()), (2, 2, false));
    }

    #[test]
    fn empty_finds_nothing() {
        let index = IndexBuilder::new().build(|_| 0);
        let number = Number::E164(E164Number::from_digits(b"8613800138000").unwrap());
        assert!(index.is_empty() && found(&index, &number).is_empty());
        assert_eq!(index.bytes(), 0);
    }
}
