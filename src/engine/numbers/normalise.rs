//! Reading an address: which number do these octets mean, seen from this region?
//!
//! Owns the order in which readings are tried. Must not know lists, trunks or verdicts: what is
//! wrong with an originator is evidence here, never an error.
//! Invariants: total (every octet string has an answer), never allocates, and the answer is
//! canonical: `00862012345678`, `+86 20 1234 5678` and `020 12345678` seen from China are equal.

use super::plan::{Plan, Plans, Split, full_number};
use super::scan::{Scanned, scan};
use crate::model::attempt::{Address, NatureOfAddress};
use crate::model::number::{E164Number, Number, Region, ShortCode};

/// What is wrong with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// More digits than any reading allows.
    TooLong,
    /// Fewer digits than any reading allows.
    TooShort,
    /// Nothing but zeros.
    AllZeros,
    /// Something that no number holds: `*`, `#`, control characters, a misplaced `+`.
    BadCharacter,
    /// Given as international, but no country has that code.
    BadCountryCode,
    /// The digits do not make a number of the plan they would belong to.
    NotInPlan,
    /// Given as a subscriber number without area code, which means nothing here.
    SubscriberOnly,
}

impl Malformed {
    /// A name for evidence and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Malformed::TooLong => "too-long",
            Malformed::TooShort => "too-short",
            Malformed::AllZeros => "all-zeros",
            Malformed::BadCharacter => "bad-character",
            Malformed::BadCountryCode => "bad-country-code",
            Malformed::NotInPlan => "not-in-plan",
            Malformed::SubscriberOnly => "subscriber-only",
        }
    }
}

/// What an address means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalised {
    /// Nothing there.
    Missing,
    /// Meant as a number, but not one.
    Malformed(Malformed),
    /// Holds letters: perhaps a sender id.
    Lettered,
    /// A number in canonical form.
    Number(Number),
}

/// A number whose plan is not in the catalogue has at least this many digits, country code
/// included; the shortest real ones (Saint Helena, Niue) have seven or eight.
const FOREIGN_DIGITS_MIN: usize = 7;
/// Bare digits count as a foreign number with its `+` lost only from this length on: shorter
/// ones are too likely a wrong national number.
const BARE_FOREIGN_DIGITS_MIN: usize = 11;

type Reading = Result<Number, Malformed>;

impl Plans {
    /// Reads an address as seen from `region`.
    pub fn normalise(&self, address: &Address<'_>, region: Region) -> Normalised {
        let (digits, plus) = match scan(address.raw) {
            Scanned::Digits { digits, plus } => (digits, plus),
            Scanned::Empty => return Normalised::Missing,
            Scanned::Lettered => return Normalised::Lettered,
            Scanned::Overlong => return Normalised::Malformed(Malformed::TooLong),
            Scanned::Odd => return Normalised::Malformed(Malformed::BadCharacter),
        };
        if digits.bytes().all(|d| d == b'0') {
            return Normalised::Malformed(Malformed::AllZeros);
        }
        let view = View { plans: self, region, plan: self.plan(region) };
        let digits = digits.as_bytes();
        let reading = match address.nature {
            _ if plus => view.international(digits),
            NatureOfAddress::International => view.international(digits),
            NatureOfAddress::National => view.national(digits),
            NatureOfAddress::Subscriber => view.short_row(digits).ok_or(Malformed::SubscriberOnly),
            NatureOfAddress::NetworkSpecific => {
                view.network_specific(digits).ok_or(Malformed::TooLong)
            }
            // Digits in an alphanumeric sender say nothing about how they are to be read.
            NatureOfAddress::Unknown | NatureOfAddress::Alphanumeric => view.bare(digits),
        };
        reading.map_or_else(Normalised::Malformed, Normalised::Number)
    }
}

/// The plans as seen from one region.
struct View<'p> {
    plans: &'p Plans,
    region: Region,
    plan: Option<&'p Plan>,
}

impl View<'_> {
    /// Country code first; a leading international prefix is tolerated.
    fn international(&self, digits: &[u8]) -> Reading {
        if digits[0] != b'0' {
            return self.with_country_code(digits);
        }
        // No country code starts with 0, so these can only be a prefix dialled before one.
        let own = self.plan.map_or(&[][..], |plan| &plan.international);
        let own = own.iter().map(|prefix| prefix.as_bytes());
        own.chain([b"00".as_slice()])
            .filter_map(|prefix| digits.strip_prefix(prefix))
            .find_map(|rest| self.with_country_code(rest).ok())
            .ok_or(Malformed::BadCountryCode)
    }

    /// Area code first; a trunk prefix is tolerated, and so is a country code of the region's own,
    /// with or without international prefix, where the national reading fails.
    fn national(&self, digits: &[u8]) -> Reading {
        let Some(plan) = self.plan else { return Err(Malformed::NotInPlan) };
        self.in_plan(plan, digits).or_else(|wrong| {
            let own_code = |digits: &[u8]| {
                let national = digits.strip_prefix(plan.code.as_bytes())?;
                self.in_plan(plan, national).ok()
            };
            let prefixed = |prefix: &[u8]| own_code(digits.strip_prefix(prefix)?);
            own_code(digits)
                .or_else(|| plan.international.iter().find_map(|p| prefixed(p.as_bytes())))
                .ok_or(wrong)
        })
    }

    /// Nothing said: readings from the most to the least certain.
    fn bare(&self, digits: &[u8]) -> Reading {
        let Some(plan) = self.plan else {
            let dialled = digits.strip_prefix(b"00").map(|rest| self.with_country_code(rest));
            return match dialled {
                Some(reading) => reading,
                None => self.bare_foreign(digits).ok_or(Malformed::NotInPlan),
            };
        };
        let dialled = |prefix: &[u8]| self.with_country_code(digits.strip_prefix(prefix)?).ok();
        plan.international
            .iter()
            .find_map(|prefix| dialled(prefix.as_bytes()))
            .or_else(|| self.short_row(digits))
            .or_else(|| {
                let national = plan.strip_trunk(digits)?;
                self.plans.accepts(plan, national).then(|| self.join(plan, national))?
            })
            .or_else(|| self.plans.accepts(plan, digits).then(|| self.join(plan, digits))?)
            .or_else(|| {
                let national = digits.strip_prefix(plan.code.as_bytes())?;
                let long_enough = digits.len() >= E164Number::DIGITS_MIN;
                if long_enough { self.in_plan(plan, national).ok() } else { None }
            })
            .or_else(|| self.bare_foreign(digits))
            .ok_or_else(|| wrong_length(digits.len(), plan.national_min, E164Number::DIGITS_MAX))
    }

    /// Bare digits of another country, its `+` lost on the way.
    fn bare_foreign(&self, digits: &[u8]) -> Option<Number> {
        if digits.len() < BARE_FOREIGN_DIGITS_MIN {
            return None;
        }
        self.with_country_code(digits).ok()
    }

    /// A country code and what follows it.
    fn with_country_code(&self, digits: &[u8]) -> Reading {
        let split = self.plans.split(digits).ok_or(Malformed::BadCountryCode)?;
        if split.sharing.is_empty() {
            return match E164Number::from_digits(digits) {
                Some(number) if digits.len() >= FOREIGN_DIGITS_MIN => Ok(Number::E164(number)),
                _ => Err(wrong_length(digits.len(), FOREIGN_DIGITS_MIN, E164Number::DIGITS_MAX)),
            };
        }
        self.of_split(&split).map_or_else(|| self.without_trunk(&split), Ok)
    }

    /// Reads what follows the country code as a number of a sharing plan, in canonical form. What
    /// is no such number may still be a short code of the region itself; those of other regions
    /// cannot be reached from here, so 00 1 96852 seen from China is just wrong.
    fn of_split(&self, split: &Split<'_, '_>) -> Option<Number> {
        let own_code = self.plan.is_some_and(|plan| plan.code.as_bytes() == split.code);
        let plan = self.sharing(split).find(|plan| self.plans.accepts(plan, split.national));
        if (own_code || plan.is_some())
            && let Some(code) = self.plans.short_form(split, Some(self.region))
        {
            return Some(Number::Short(code));
        }
        full(plan?, split.national)
    }

    /// `+44 (0)20 …`: the trunk prefix is often written behind the country code.
    fn without_trunk(&self, split: &Split<'_, '_>) -> Reading {
        let stripped = self.sharing(split).find_map(|plan| {
            let national = plan.strip_trunk(split.national)?;
            self.of_split(&Split { national, ..*split })
        });
        stripped.ok_or_else(|| {
            let min = self.sharing(split).map(|plan| plan.national_min).min().unwrap_or(0);
            let max = self.sharing(split).map(|plan| plan.national_max).max().unwrap_or(0);
            wrong_length(split.national.len(), min, max)
        })
    }

    /// A national number or short code of one plan, with or without trunk prefix.
    fn in_plan(&self, plan: &Plan, digits: &[u8]) -> Reading {
        self.join_if_known(plan, digits)
            .or_else(|| self.join_if_known(plan, plan.strip_trunk(digits)?))
            .ok_or_else(|| wrong_length(digits.len(), plan.national_min, plan.national_max))
    }

    fn join_if_known(&self, plan: &Plan, national: &[u8]) -> Option<Number> {
        let split = self.split_of(plan, national);
        if let Some(code) = self.plans.short_form(&split, Some(plan.region)) {
            return Some(Number::Short(code));
        }
        if self.plans.accepts(plan, national) { full(plan, national) } else { None }
    }

    /// An accepted national number in canonical form.
    fn join(&self, plan: &Plan, national: &[u8]) -> Option<Number> {
        let split = self.split_of(plan, national);
        match self.plans.short_form(&split, Some(plan.region)) {
            Some(code) => Some(Number::Short(code)),
            None => full(plan, national),
        }
    }

    fn split_of<'a>(&self, plan: &'a Plan, national: &'a [u8]) -> Split<'a, 'a> {
        // The plan itself is tried through `prefer`; those that share its code are not asked.
        Split { sharing: &[], code: plan.code.as_bytes(), national }
    }

    fn sharing(&self, split: &Split<'_, '_>) -> impl Iterator<Item = &Plan> {
        split.sharing.iter().map(|at| self.plans.plan_at(*at))
    }

    /// Digits that a short class row of the region knows, and no other row knows better (machine
    /// lines 10648 within the message access codes 106).
    fn short_row(&self, digits: &[u8]) -> Option<Number> {
        self.plans.short_fit(self.region, digits)?;
        if self.plans.reads_as_line(self.region, digits) { None } else { self.short(digits) }
    }

    /// A short code by declaration, unless the digits are a national number: a wrong nature of
    /// address must not lead a listed number past its list.
    fn network_specific(&self, digits: &[u8]) -> Option<Number> {
        Some(self.plans.canonical(self.short(digits)?))
    }

    fn short(&self, digits: &[u8]) -> Option<Number> {
        let code = ShortCode::new(self.region, str::from_utf8(digits).ok()?)?;
        Some(Number::Short(code))
    }
}

fn full(plan: &Plan, national: &[u8]) -> Option<Number> {
    full_number(plan, national).map(Number::E164)
}

fn wrong_length(digits: usize, min: usize, max: usize) -> Malformed {
    if digits < min {
        Malformed::TooShort
    } else if digits > max {
        Malformed::TooLong
    } else {
        Malformed::NotInPlan
    }
}

#[cfg(test)]
mod tests;
