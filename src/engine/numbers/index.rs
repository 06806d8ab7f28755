//! One look-up over all number lists: exact numbers, short codes and prefixes.
//!
//! Owns the dispatch of patterns to tables. Must not know lists or effects.
//! Invariants: exact answers only; a look-up in an empty index costs a few branches.

use std::collections::HashMap;

use arrayvec::ArrayString;

use super::exact::ExactTable;
use super::plan::Plans;
use super::prefix::{PatternError, PrefixBuilder, PrefixTable};
use super::ranges;
use crate::model::entry::{NumberPattern, PlanDigits};
use crate::model::number::{E164Number, Number, ShortCode};
use crate::model::verdict::EntryRef;

/// What of a number a list entry agreed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matched {
    /// The whole number.
    Exact,
    /// So many leading digits; 0 to 20.
    Prefix(u8),
}

/// How reasons name a pattern: the number itself, or each prefix that it is compiled into.
pub fn names(plans: &Plans, pattern: &NumberPattern, name: &mut dyn FnMut(EntryRef<'static>)) {
    let mut prefix = |region, digits: &[u8]| {
        let digits = str::from_utf8(digits).ok().and_then(|text| ArrayString::from(text).ok());
        let Some(digits) = digits else { return };
        let prefix = PlanDigits { region, digits };
        name(EntryRef::Prefix(prefix));
        if let Some((full, _)) = plans.line_form(&prefix)
            && let Ok(digits) = ArrayString::from(&full)
        {
            name(EntryRef::Prefix(PlanDigits { region: None, digits }));
        }
    };
    match pattern {
        NumberPattern::Exact(number) => name(EntryRef::Number(plans.canonical(*number))),
        NumberPattern::Prefix(digits) => prefix(digits.region, digits.digits.as_bytes()),
        NumberPattern::Range { first, last, .. } => {
            ranges::cover(first.digits.as_bytes(), last.digits.as_bytes(), |digits| {
                prefix(first.region, digits);
            });
        }
    }
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

    /// The exact numbers and short codes, for an index without prefixes.
    pub(in crate::engine) fn exact_parts(&self) -> (&ExactTable, &HashMap<ShortCode, u32>) {
        (&self.exact, &self.short)
    }

    /// From what [`NumberIndex::exact_parts`] gave.
    pub(in crate::engine) fn from_exact(
        exact: ExactTable,
        short: HashMap<ShortCode, u32>,
    ) -> NumberIndex {
        NumberIndex { exact, short, prefixes: PrefixTable::default() }
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

    /// Adds a pattern under a token, in the form that normalised numbers have.
    ///
    /// Exact numbers become canonical ([`Plans::canonical`]). Prefixes and open ranges of a
    /// region's own plan (`CN:400*`) that the class rows know as lines also meet those lines in
    /// their international form, which is the only form that normalising gives them.
    ///
    /// Errors: [`PatternError`], never `Exact`.
    pub fn add(
        &mut self,
        plans: &Plans,
        pattern: &NumberPattern,
        token: u32,
    ) -> Result<(), PatternError> {
        match pattern {
            NumberPattern::Exact(number) => match plans.canonical(*number) {
                Number::E164(number) => self.exact.push((number, token)),
                Number::Short(code) => self.short.push((code, token)),
            },
            NumberPattern::Prefix(prefix) => {
                self.prefixes.add(pattern, token)?;
                self.add_line_form(plans, prefix, token)?;
            }
            NumberPattern::Range { first, last, open } => {
                self.prefixes.add(pattern, token)?;
                if *open && first.region.is_some() {
                    self.add_line_forms(plans, first, last, token)?;
                }
            }
        }
        Ok(())
    }

    fn add_line_forms(
        &mut self,
        plans: &Plans,
        first: &PlanDigits,
        last: &PlanDigits,
        token: u32,
    ) -> Result<(), PatternError> {
        let mut result = Ok(());
        ranges::cover(first.digits.as_bytes(), last.digits.as_bytes(), |digits| {
            let digits = str::from_utf8(digits).ok().and_then(|text| ArrayString::from(text).ok());
            if let (Ok(()), Some(digits)) = (result, digits) {
                let prefix = PlanDigits { region: first.region, digits };
                result = self.add_line_form(plans, &prefix, token);
            }
        });
        result
    }

    fn add_line_form(
        &mut self,
        plans: &Plans,
        prefix: &PlanDigits,
        token: u32,
    ) -> Result<(), PatternError> {
        match plans.line_form(prefix) {
            Some((full, total)) if full.len() <= E164Number::DIGITS_MAX => {
                self.prefixes.mark(None, full.as_bytes(), total, token)
            }
            _ => Ok(()),
        }
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
    use crate::engine::numbers::testing::plans;
    use crate::model::number::Region;

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
            builder.add(&plans(), &pattern, token).unwrap();
        }
        let index = builder.build(|tokens| tokens.iter().sum());
        assert_eq!(found(&index, &number), [(Matched::Exact, 3), (Matched::Prefix(4), 8)]);
        assert_eq!(found(&index, &code), [(Matched::Exact, 4), (Matched::Prefix(3), 16)]);
        assert_eq!(found(&index, &other), [(Matched::Prefix(3), 16)]);
        assert_eq!((index.exact_len(), index.prefix_len(), index.is_empty()), (2, 2, false));
    }

    /// Rows as the packs have them: 400 and 950 are lines, 95 and 106 short codes.
    #[test]
    fn regional_prefixes_meet_lines_but_never_other_peoples() {
        use crate::engine::numbers::plan::PlansBuilder;
        use crate::engine::numbers::testing::{class_row, plan_row};
        let mut builder = PlansBuilder::new();
        builder.add_plan(&plan_row(0)).unwrap();
        for (prefix, digits, short) in [
            ("10", 10..=10, false),
            ("4", 10..=11, false),
            ("400", 10..=10, false),
            ("9", 10..=11, false),
            ("950", 10..=12, false),
            ("1064", 13..=13, false),
            ("95", 5..=8, true),
            ("106", 8..=20, true),
        ] {
            let mut row = class_row(0);
            row.prefix = ArrayString::from(prefix).unwrap();
            (row.digits_min, row.digits_max, row.short) = (*digits.start(), *digits.end(), short);
            builder.add_class(&row).unwrap();
        }
        let plans = builder.build();
        let mut builder = IndexBuilder::new();
        let digits = |text| PlanDigits {
            region: Some(Region::CN),
            digits: ArrayString::from(text).unwrap(),
        };
        for (token, text) in [(1, "400"), (2, "950"), (4, "106"), (8, "1064")] {
            builder.add(&plans, &prefix(Some(Region::CN), text), token).unwrap();
        }
        let range =
            NumberPattern::Range { first: digits("4005"), last: digits("4006"), open: true };
        builder.add(&plans, &range, 16).unwrap();
        let exact =
            NumberPattern::Exact(Number::Short(ShortCode::new(Region::CN, "4001234567").unwrap()));
        builder.add(&plans, &exact, 32).unwrap();
        let index = builder.build(|tokens| tokens.iter().sum());
        let e164 = |text: &str| Number::E164(E164Number::from_digits(text.as_bytes()).unwrap());
        let short = |text| Number::Short(ShortCode::new(Region::CN, text).unwrap());
        let table = [
            (e164("864001234567"), 1 + 32),
            (e164("864005234567"), 1 + 16),
            (e164("8695013123456"), 2),
            (short("95013"), 2),
            (short("10690001"), 4),
            (e164("861069912345"), 0), // A line in Beijing.
            (e164("861064123456"), 0), // Another.
            (e164("861064812345678"), 8),
            (e164("8613800138000"), 0),
        ];
        for (number, expected) in table {
            let sum: u32 = found(&index, &number).iter().map(|(_, payload)| payload).sum();
            assert_eq!(sum, expected, "{number}");
        }
    }

    #[test]
    fn empty_finds_nothing() {
        let index = IndexBuilder::new().build(|_| 0);
        let number = Number::E164(E164Number::from_digits(b"8613800138000").unwrap());
        assert!(index.is_empty() && found(&index, &number).is_empty());
        assert_eq!(index.bytes(), 0);
    }
}
