//! Numbering plans and number classes: what a region's numbers look like and what each is.
//!
//! Owns the compiled plan and class tables and the questions asked of a canonical number: class,
//! region, domestic or not. Reading raw octets is [`super::normalise`]'s.
//! Class rows that are dialled as they are (`short`) live under their region; all others under
//! their country code, so one walk over an E.164 number meets the rows of every region that
//! shares the code. A row without a plan for its region serves only short codes.
//! Invariants: the longest prefix whose digit count fits wins, at equal length the row or region
//! that was added first; nothing here allocates after building.

use std::fmt;

use arrayvec::{ArrayString, ArrayVec};

use super::country_codes::country_code_digits;
use super::prefix::{PrefixBuilder, PrefixTable, TotalDigits};
use crate::model::entry::{ClassRow, NumberClass, PlanRow};
use crate::model::number::{E164Number, Number, Region, ShortCode};

/// The most plans: there are 676 two-letter codes.
const PLANS_MAX: usize = 26 * 26;
/// A country code and as many national digits as the longest address can hold.
const FULL_DIGITS_MAX: usize = 3 + super::scan::DIGITS_MAX;
/// Country codes are below 1000.
const CODES: usize = 1000;

/// Why a plan or class row cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// Not one to three digits, or starts with 0.
    CountryCode,
    /// A dialling prefix or class prefix holds something else than digits, or is too long.
    Prefix,
    /// Fewest digits above most, none at all, or more than 15 (short codes: 20).
    Lengths,
    /// The region has a plan already.
    DuplicateRegion,
    /// More class rows than a table takes.
    Full,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PlanError::CountryCode => "expected a country code of 1 to 3 digits",
            PlanError::Prefix => "expected a prefix of digits that fits into a number",
            PlanError::Lengths => "expected fewest and most digits in order and within bounds",
            PlanError::DuplicateRegion => "the region has a plan already",
            PlanError::Full => "too many class rows",
        })
    }
}

impl std::error::Error for PlanError {}

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

    /// The one form that lists and look-ups agree on: a full number whose national part is a
    /// short code of its region (+86 95588) is that short code; all others stay as they are.
    pub fn canonical(&self, number: Number) -> Number {
        let Number::E164(e164) = number else { return number };
        let digits = e164.digits();
        let split = self.split(digits.as_bytes());
        split.and_then(|split| self.short_form(&split, None)).map_or(number, Number::Short)
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

/// 0 to 675 by the two letters.
fn region_index(region: Region) -> usize {
    match region.as_str().as_bytes() {
        [a, b] => usize::from(a - b'A') * 26 + usize::from(b - b'A'),
        _ => unreachable!("a region is two upper-case letters"),
    }
}

/// Collects plan and class rows and compiles them into [`Plans`].
#[derive(Default)]
pub struct PlansBuilder {
    plans: Vec<Plan>,
    classes: Vec<ClassRow>,
}

impl PlansBuilder {
    /// An empty builder.
    pub fn new() -> PlansBuilder {
        PlansBuilder::default()
    }

    /// Adds a region's plan. Of regions that share a country code, the first added is the one
    /// taken where nothing tells them apart.
    ///
    /// Errors: `CountryCode`, `Prefix`, `Lengths`, `DuplicateRegion`.
    pub fn add_plan(&mut self, row: &PlanRow) -> Result<(), PlanError> {
        let digits = |text: &str| text.bytes().all(|d| d.is_ascii_digit());
        let code = row.country_code;
        if code.is_empty() || code.starts_with('0') || !digits(&code) {
            return Err(PlanError::CountryCode);
        }
        if !digits(&row.trunk_prefix)
            || row.international_prefixes.iter().any(|p| p.is_empty() || !digits(p))
        {
            return Err(PlanError::Prefix);
        }
        let (national_min, national_max) =
            (usize::from(row.national_digits_min), usize::from(row.national_digits_max));
        if national_min == 0 || national_min > national_max || national_max > E164Number::DIGITS_MAX
        {
            return Err(PlanError::Lengths);
        }
        if self.plans.len() >= PLANS_MAX || self.plans.iter().any(|p| p.region == row.region) {
            return Err(PlanError::DuplicateRegion);
        }
        let mut international = row.international_prefixes.clone();
        international.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
        self.plans.push(Plan {
            region: row.region,
            code,
            international: international.into_boxed_slice(),
            trunk: row.trunk_prefix,
            national_min,
            national_max,
            short_lengths: 0,
        });
        Ok(())
    }

    /// Adds a class row.
    ///
    /// Errors: `Prefix`, `Lengths`, `Full`.
    pub fn add_class(&mut self, row: &ClassRow) -> Result<(), PlanError> {
        let most = if row.short { ShortCode::DIGITS_MAX } else { E164Number::DIGITS_MAX };
        if row.digits_min == 0
            || row.digits_min > row.digits_max
            || usize::from(row.digits_max) > most
        {
            return Err(PlanError::Lengths);
        }
        let fits = row.prefix.len() <= usize::from(row.digits_max);
        if !fits || !row.prefix.bytes().all(|d| d.is_ascii_digit()) {
            return Err(PlanError::Prefix);
        }
        if self.classes.len() >= CLASSES_MAX {
            return Err(PlanError::Full);
        }
        self.classes.push(*row);
        Ok(())
    }

    /// Compiles.
    pub fn build(self) -> Plans {
        let PlansBuilder { mut plans, classes } = self;
        let mut by_region = vec![0u16; PLANS_MAX].into_boxed_slice();
        let mut by_code = vec![0u16; CODES].into_boxed_slice();
        let mut sharing: Vec<Vec<u16>> = Vec::new();
        for (at, plan) in (0u16..).zip(&plans) {
            by_region[region_index(plan.region)] = at + 1;
            let code = plan.code.bytes().fold(0, |v, d| v * 10 + usize::from(d - b'0'));
            if by_code[code] == 0 {
                sharing.push(Vec::new());
                by_code[code] = sharing.len() as u16;
            }
            sharing[usize::from(by_code[code] - 1)].push(at);
        }
        let mut index = PrefixBuilder::new();
        for (token, row) in (0u32..).zip(&classes) {
            let plan = by_region[region_index(row.region)].checked_sub(1).map(usize::from);
            let plan = plan.map(|at| &mut plans[at]);
            index_class(&mut index, token, row, plan);
        }
        let mut runs: Vec<Box<[u32]>> = Vec::new();
        let class_index = index.build(|rows| {
            runs.push(rows.into());
            runs.len() as u32 - 1
        });
        Plans {
            plans: plans.into_boxed_slice(),
            by_region,
            by_code,
            sharing: sharing.into_iter().map(Vec::into_boxed_slice).collect(),
            classes: classes.into_boxed_slice(),
            class_index,
            runs: runs.into_boxed_slice(),
        }
    }
}

/// The most class rows: real tables have some thousands, and 20 digits each stay within what the
/// index takes.
const CLASSES_MAX: usize = 1 << 20;

fn index_class(index: &mut PrefixBuilder, token: u32, row: &ClassRow, plan: Option<&mut Plan>) {
    let added = if row.short {
        if let Some(plan) = plan {
            for digits in row.digits_min..=row.digits_max {
                plan.short_lengths |= 1 << digits;
            }
        }
        index.mark(Some(row.region), row.prefix.as_bytes(), TotalDigits::ANY, token)
    } else if let Some(plan) = plan {
        let mut prefix = ArrayString::<23>::new();
        prefix.push_str(&plan.code);
        prefix.push_str(&row.prefix);
        index.mark(None, prefix.as_bytes(), TotalDigits::ANY, token)
    } else {
        Ok(())
    };
    // `add_class` bounded digits and rows, so the index cannot refuse.
    debug_assert_eq!(added, Ok(()));
}

#[cfg(test)]
mod tests;
