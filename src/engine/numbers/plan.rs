//! Numbering plans and number classes: what a region's numbers look like and what each is.
//!
//! Owns the compiled plan and class tables and the questions asked of a canonical number: class,
//! region, domestic or not. Reading raw octets is [`super::normalise`]'s.
//! Class rows that are dialled as they are (`short`) live under their region; all others under
//! their country code, so one walk over an E.164 number meets the rows of every region that
//! shares the code. A row without a plan for its region serves only short codes.
//! Invariants: the longest prefix whose digit count fits wins, at equal length the row or region
//! that was added first; nothing here allocates after building.

mod build;

use std::fmt;

use arrayvec::{ArrayString, ArrayVec};

pub use build::{PlanError, PlansBuilder};

use super::country_codes::country_code_digits;
use super::prefix::{PrefixTable, TotalDigits};
use crate::model::entry::{ClassRow, NumberClass, PlanDigits};
use crate::model::number::{E164Number, Number, Region, ShortCode};

/// A country code and as many national digits as the longest address can hold.
const FULL_DIGITS_MAX: usize = 3 + super::scan::DIGITS_MAX;

/// One region's plan.
pub(super) struct Plan {
    pub(super) region: Region,
    pub(super) code: ArrayString<3>,
    /// Longest first.
    pub(super) international: Box<[ArrayString<8>]>,
    pub(super) trunk: ArrayString<4>,
    pub(super) national_min: usize,
    pub(super) national_max: usize,
    /// Bit n: a short class row of the region takes n digits.
    short_lengths: u32,
}

impl Plan {
    /// The rest after the trunk prefix, if the region has one and the digits start with it.
    pub(super) fn strip_trunk<'d>(&self, digits: &'d [u8]) -> Option<&'d [u8]> {
        let rest = digits.strip_prefix(self.trunk.as_bytes())?;
        (!self.trunk.is_empty() && !rest.is_empty()).then_some(rest)
    }

    /// Is it as long as this plan's national numbers, and built like them?
    fn has_shape(&self, national: &[u8]) -> bool {
        // Where 0 is dialled before a national number, no national number starts with 0.
        let trunk_in_front = self.trunk.starts_with('0') && national.first() == Some(&b'0');
        (self.national_min..=self.national_max).contains(&national.len())
            && !trunk_in_front
            && match self.code.as_str() {
                "1" => is_nanp(national),
                "86" => is_chinese(national),
                _ => true,
            }
    }
}

/// North American numbers: area code and exchange start with 2 to 9 (NANPA, NXX-NXX-XXXX).
fn is_nanp(national: &[u8]) -> bool {
    matches!(national, [b'2'..=b'9', _, _, b'2'..=b'9', _, _, _, _, _, _])
}

/// Chinese mobile numbers are 1[3-9] and nine digits; lines are area code 10 or 2x and eight, or
/// a three-digit area code (also 400, 800) and seven or eight.
fn is_chinese(national: &[u8]) -> bool {
    match national {
        [b'1', b'3'..=b'9', ..] => national.len() == 11,
        [b'1', b'0', ..] | [b'2', ..] => national.len() == 10,
        [b'3'..=b'9', ..] => (10..=11).contains(&national.len()),
        _ => false,
    }
}

/// An E.164 number taken apart.
#[derive(Clone, Copy)]
pub(super) struct Split<'p, 'd> {
    /// Indexes of the plans that share the code; empty for an assigned code without a plan.
    pub(super) sharing: &'p [u16],
    pub(super) code: &'d [u8],
    pub(super) national: &'d [u8],
}

/// The class row that fits best, and how long its prefix is.
type Fit<'p> = Option<(usize, &'p ClassRow)>;

/// All plans and classes, compiled.
pub struct Plans {
    plans: Box<[Plan]>,
    /// Plan index + 1 by the letters of the region; 0 is none.
    by_region: Box<[u16]>,
    /// Index + 1 into `sharing` by country code; 0 is none.
    by_code: Box<[u16]>,
    /// Plans of each country code, in the order they were added.
    sharing: Box<[Box<[u16]>]>,
    classes: Box<[ClassRow]>,
    /// Payloads are indexes into `runs`.
    class_index: PrefixTable,
    /// Indexes of class rows that share a prefix.
    runs: Box<[Box<[u32]>]>,
}

impl Default for Plans {
    fn default() -> Plans {
        PlansBuilder::default().build()
    }
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plans({} plans, {} classes)", self.plans.len(), self.classes.len())
    }
}

impl Plans {
    /// The class row of a number: the longest prefix among the rows whose digit count fits.
    pub fn classify(&self, number: &Number) -> Option<&ClassRow> {
        match number {
            Number::Short(code) => Some(self.short_fit(code.region, code.digits().as_bytes())?.1),
            Number::E164(e164) => {
                let digits = e164.digits();
                let split = self.split(digits.as_bytes())?;
                match self.long_fit(digits.as_bytes(), split.code.len(), |_| true) {
                    Some((_, row)) => Some(row),
                    None => self.classify_short_form(&split),
                }
            }
        }
    }

    /// The region of a number: a short code's own; else, of the regions that share the country
    /// code, the one whose class rows know the number best, else the first. `None` when no
    /// plan has the country code.
    pub fn region_of(&self, number: &Number) -> Option<Region> {
        let e164 = match number {
            Number::Short(code) => return Some(code.region),
            Number::E164(e164) => e164,
        };
        let digits = e164.digits();
        let split = self.split(digits.as_bytes())?;
        let first = self.plans[usize::from(*split.sharing.first()?)].region;
        if split.sharing.len() == 1 {
            return Some(first);
        }
        let fit = self.long_fit(digits.as_bytes(), split.code.len(), |_| true);
        Some(fit.map_or(first, |(_, row)| row.region))
    }

    /// Does the number belong to the region? Where regions share a country code and the class
    /// rows do not tell them apart, it belongs to all of them.
    pub fn is_domestic(&self, number: &Number, region: Region) -> bool {
        let e164 = match number {
            Number::Short(code) => return code.region == region,
            Number::E164(e164) => e164,
        };
        let digits = e164.digits();
        let Some(split) = self.split(digits.as_bytes()) else { return false };
        let shares = |at: &u16| self.plans[usize::from(*at)].region == region;
        if !split.sharing.iter().any(shares) {
            return false;
        }
        if split.sharing.len() == 1 {
            return true;
        }
        let prefix = |fit: Fit<'_>| fit.map(|(length, _)| length);
        let code = split.code.len();
        let best = self.long_fit(digits.as_bytes(), code, |_| true);
        let own = self.long_fit(digits.as_bytes(), code, |row| row.region == region);
        prefix(own) >= prefix(best)
    }

    /// The one form that lists and look-ups agree on. A full number whose national part is a
    /// short code of its region (+86 95588) is that short code; digits of a region that no short
    /// class row knows, but that are a national number there (CN:4001234567 where 400 is no
    /// short row), are that full number. All others stay as they are.
    pub fn canonical(&self, number: Number) -> Number {
        match number {
            Number::Short(code) => {
                let digits = code.digits().as_bytes();
                let line = || full_number(self.plan(code.region)?, digits);
                if self.reads_as_line(code.region, digits) {
                    line().map_or(number, Number::E164)
                } else {
                    number
                }
            }
            Number::E164(e164) => {
                let digits = e164.digits();
                let split = self.split(digits.as_bytes());
                split.and_then(|split| self.short_form(&split, None)).map_or(number, Number::Short)
            }
        }
    }

    /// Are digits dialled in a region a national number rather than a short code?
    pub(super) fn reads_as_line(&self, region: Region, digits: &[u8]) -> bool {
        let Some(plan) = self.plan(region) else { return false };
        match self.short_fit(region, digits) {
            Some((length, _)) => self.line_prefix(plan, digits).is_some_and(|line| line > length),
            None => self.accepts(plan, digits),
        }
    }

    /// For leading digits of a region's own plan that a class row knows as lines (400, 950): the
    /// same prefix with country code, and how many digits in all such numbers have. `None` where
    /// a short row knows the digits as well or better (106, which lines in Beijing start with).
    pub(super) fn line_form(&self, prefix: &PlanDigits) -> Option<(ArrayString<23>, TotalDigits)> {
        let plan = self.plan(prefix.region?)?;
        let covering = |short: bool| {
            let rows = self.classes.iter().filter(move |row| {
                row.region == plan.region
                    && row.short == short
                    && row.class != NumberClass::Unassignable
                    && !row.prefix.is_empty()
                    && prefix.digits.starts_with(row.prefix.as_str())
            });
            rows.max_by_key(|row| row.prefix.len())
        };
        let line = covering(false)?;
        let short = covering(true).map_or(0, |row| row.prefix.len());
        if line.prefix.len() <= short {
            return None;
        }
        let mut full = ArrayString::from(&plan.code).ok()?;
        full.try_push_str(&prefix.digits).ok()?;
        let code = plan.code.len() as u8;
        Some((full, TotalDigits { min: code + line.digits_min, max: code + line.digits_max }))
    }

    /// The country code of a region, digits only; `None` where no plan is loaded for it.
    pub fn country_code(&self, region: Region) -> Option<&str> {
        self.plan(region).map(|plan| plan.code.as_str())
    }

    /// The plan of a region.
    pub(super) fn plan(&self, region: Region) -> Option<&Plan> {
        let at = self.by_region[region_index(region)].checked_sub(1)?;
        self.plans.get(usize::from(at))
    }

    /// The plan at an index of [`Split::sharing`].
    pub(super) fn plan_at(&self, at: u16) -> &Plan {
        &self.plans[usize::from(at)]
    }

    /// Takes ASCII digits apart at the country code. `None` when no such code is assigned.
    pub(super) fn split<'p, 'd>(&'p self, digits: &'d [u8]) -> Option<Split<'p, 'd>> {
        if digits.first() == Some(&b'0') {
            return None;
        }
        let mut value = 0usize;
        for length in 1..=digits.len().min(3) {
            value = value * 10 + usize::from(digits[length - 1].wrapping_sub(b'0'));
            let known = self.by_code.get(value).and_then(|at| at.checked_sub(1));
            if let Some(at) = known {
                let (code, national) = digits.split_at(length);
                return Some(Split { sharing: &self.sharing[usize::from(at)], code, national });
            }
        }
        let (code, national) = digits.split_at(country_code_digits(digits)?);
        Some(Split { sharing: &[], code, national })
    }

    /// Is it a national number of this plan: by length and shape, or by a class row that names
    /// its first digits (machine lines are longer than the plan's other numbers)?
    pub(super) fn accepts(&self, plan: &Plan, national: &[u8]) -> bool {
        // The North American shape has no exception; a row must not lift it.
        plan.has_shape(national)
            || (plan.code.as_str() != "1"
                && self.line_prefix(plan, national).is_some_and(|digits| digits > 0))
    }

    /// How long a prefix the best class row of this plan has for a national number that is not
    /// dialled as it is; rows of numbers that nobody can have do not count.
    pub(super) fn line_prefix(&self, plan: &Plan, national: &[u8]) -> Option<usize> {
        let mut digits: ArrayVec<u8, FULL_DIGITS_MAX> = ArrayVec::new();
        digits.try_extend_from_slice(plan.code.as_bytes()).ok()?;
        digits.try_extend_from_slice(national).ok()?;
        let own =
            |row: &ClassRow| row.region == plan.region && row.class != NumberClass::Unassignable;
        let (length, _) = self.long_fit(&digits, plan.code.len(), own)?;
        Some(length.saturating_sub(plan.code.len()))
    }

    /// The short code that a full number stands for, if any; `prefer` is tried first.
    pub(super) fn short_form(
        &self,
        split: &Split<'_, '_>,
        prefer: Option<Region>,
    ) -> Option<ShortCode> {
        let (national, digits) = (split.national, str::from_utf8(split.national).ok()?);
        let preferred = prefer.and_then(|region| self.plan(region));
        let sharing = || split.sharing.iter().map(|at| &self.plans[usize::from(*at)]);
        let preferred = preferred.filter(|plan| plan.code.as_bytes() == split.code);
        for plan in preferred.into_iter().chain(sharing()) {
            let taken = 1u32.checked_shl(national.len() as u32).unwrap_or(0);
            if plan.short_lengths & taken == 0 {
                continue;
            }
            let Some((length, row)) = self.short_fit(plan.region, national) else { continue };
            // Message access codes share their digits with lines (106 and seven digits are also
            // a line in Beijing, 10 6xxxxxxx): with a country code or trunk prefix the line is
            // meant. Any other short row wins by the longer prefix (400 over area codes 4xx).
            let is_line = match self.line_prefix(plan, national) {
                None => row.class == NumberClass::MessageAccess && plan.has_shape(national),
                Some(line) => row.class == NumberClass::MessageAccess || line >= length,
            };
            if !is_line {
                return ShortCode::new(plan.region, digits);
            }
        }
        None
    }

    /// The best short class row of a region for digits dialled as they are.
    pub(super) fn short_fit(&self, region: Region, digits: &[u8]) -> Fit<'_> {
        self.fit(Some(region), digits, digits.len(), |_| true)
    }

    /// The best class row for a full number, among the rows that `wanted` takes.
    fn long_fit(&self, digits: &[u8], code: usize, wanted: impl Fn(&ClassRow) -> bool) -> Fit<'_> {
        self.fit(None, digits, digits.len() - code.min(digits.len()), wanted)
    }

    fn fit(
        &self,
        root: Option<Region>,
        digits: &[u8],
        national_digits: usize,
        wanted: impl Fn(&ClassRow) -> bool,
    ) -> Fit<'_> {
        let mut best: Fit<'_> = None;
        self.class_index.walk_digits(root, digits, |length, run| {
            for at in &self.runs[run as usize] {
                let row = &self.classes[*at as usize];
                let fits = (usize::from(row.digits_min)..=usize::from(row.digits_max))
                    .contains(&national_digits);
                if fits && wanted(row) && best.is_none_or(|(longest, _)| length > longest) {
                    best = Some((length, row));
                }
            }
        });
        best
    }

    fn classify_short_form(&self, split: &Split<'_, '_>) -> Option<&ClassRow> {
        let code = self.short_form(split, None)?;
        Some(self.short_fit(code.region, code.digits().as_bytes())?.1)
    }
}

/// A national number with its country code in front.
pub(super) fn full_number(plan: &Plan, national: &[u8]) -> Option<E164Number> {
    let mut digits = ArrayVec::<u8, { E164Number::DIGITS_MAX }>::new();
    digits.try_extend_from_slice(plan.code.as_bytes()).ok()?;
    digits.try_extend_from_slice(national).ok()?;
    E164Number::from_digits(&digits)
}

/// 0 to 675 by the two letters.
fn region_index(region: Region) -> usize {
    match region.as_str().as_bytes() {
        [a, b] => usize::from(a - b'A') * 26 + usize::from(b - b'A'),
        _ => unreachable!("a region is two upper-case letters"),
    }
}

#[cfg(test)]
mod tests;
