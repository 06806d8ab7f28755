//! Checks plan and class rows and compiles them into [`Plans`].
//!
//! Owns what a usable row is. Must not know how numbers are read.
//! Invariant: whatever was accepted compiles.

use std::fmt;

use arrayvec::ArrayString;

use super::{Plan, Plans, region_index};
use crate::engine::numbers::prefix::{PrefixBuilder, TotalDigits};
use crate::model::entry::{ClassRow, PlanRow};
use crate::model::number::{E164Number, ShortCode};

/// The most plans: there are 676 two-letter codes.
const PLANS_MAX: usize = 26 * 26;
/// Country codes are below 1000.
const CODES: usize = 1000;
/// The most class rows: real tables have some thousands, and 20 digits each stay within what the
/// index takes.
const CLASSES_MAX: usize = 1 << 20;

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
