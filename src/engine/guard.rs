//! Recipients that nothing may touch: emergency and never-block numbers.
//!
//! Asked before anything else. Wide on purpose: that somebody reaches the police by a number that
//! only looks like theirs does no harm; that somebody does not reach them may kill.

use std::collections::HashSet;

use arrayvec::ArrayString;

use super::numbers::dialled::{Dialled, DialledFrom, names_help_service};
use super::numbers::{IndexBuilder, Normalised, NumberIndex, PatternError, Plans};
use crate::model::attempt::{Address, NatureOfAddress};
use crate::model::entry::NumberPattern;
use crate::model::number::{Number, Region, ShortCode};

/// Emergency numbers that every mobile network must route, whatever the region
/// (3GPP TS 22.101 clause 10.1.1). Compiled in: no pack can take them out.
pub const EVERYWHERE: [&str; 2] = ["112", "911"];

/// The longest protected code (EU 116123, CN 95119 and the like); longer digits are subscribers.
const EMERGENCY_DIGITS_MAX: usize = 8;

/// The longest prefix that may stand before a code: an area code of four digits and one spare.
const PREFIX_DIGITS_MAX: usize = 5;

/// From ten digits on, country code included, a number that a plan accepts is a subscriber's.
/// Shorter ones may be a code behind an area code in plans of open length (DE 030 110); codes that
/// are longer themselves are short rows of their plan and read as such.
const CERTAIN_LINE: u64 = 1_000_000_000;

/// Protected recipients, compiled.
pub struct Guard {
    numbers: NumberIndex,
    /// Short emergency codes of any region, by their digits.
    anywhere: HashSet<ArrayString<20>>,
    /// What it was made from, so that guards can be joined.
    protected: HashSet<NumberPattern>,
}

/// Protect entries that speak of recipients, on their way to a [`Guard`].
#[derive(Default)]
pub(super) struct GuardBuilder {
    numbers: IndexBuilder,
    anywhere: HashSet<ArrayString<20>>,
    protected: HashSet<NumberPattern>,
}

impl GuardBuilder {
    /// Adds a protected number; the digits of an emergency code count in every region.
    pub fn add(
        &mut self,
        plans: &Plans,
        pattern: &NumberPattern,
        emergency: bool,
    ) -> Result<(), PatternError> {
        self.numbers.add(plans, pattern, 0)?;
        self.protected.insert(*pattern);
        if let NumberPattern::Exact(Number::Short(code)) = pattern
            && emergency
        {
            self.anywhere.insert(ArrayString::from(code.digits()).expect("a code has 20 digits"));
        }
        Ok(())
    }

    /// Compiles. [`EVERYWHERE`] is always in.
    pub fn build(mut self) -> Guard {
        for digits in EVERYWHERE {
            self.anywhere.insert(ArrayString::from(digits).expect("three digits fit in twenty"));
        }
        let GuardBuilder { numbers, anywhere, protected } = self;
        Guard { numbers: numbers.build(|_| 0), anywhere, protected }
    }
}

impl Guard {
    /// Does it protect all that another does?
    pub(super) fn covers(&self, other: &Guard) -> bool {
        other.protected.is_subset(&self.protected) && other.anywhere.is_subset(&self.anywhere)
    }

    /// What either of two protects.
    pub(super) fn union(plans: &Plans, one: &Guard, other: &Guard) -> Result<Guard, PatternError> {
        let mut builder = GuardBuilder::default();
        for guard in [one, other] {
            for pattern in &guard.protected {
                builder.add(plans, pattern, false)?;
            }
            builder.anywhere.extend(guard.anywhere.iter().copied());
        }
        Ok(builder.build())
    }

    /// Is the recipient protected? `region` is that of the attempt.
    pub(super) fn protects(
        &self,
        plans: &Plans,
        recipient: &Normalised,
        address: &Address<'_>,
        region: Region,
    ) -> bool {
        if let Normalised::Number(number) = recipient {
            let mut found = false;
            self.numbers.lookup(number, |_, _| found = true);
            if found {
                return true;
            }
        }
        if names_help_service(address.raw) {
            return true;
        }
        let dialled = Dialled::read(address.raw);
        let international = address.nature == NatureOfAddress::International;
        // A number that a plan knows is a subscriber's, whatever its last digits are; but bare
        // digits may only look like a number of another country.
        if let Normalised::Number(number @ Number::E164(e164)) = recipient
            && e164.value() >= CERTAIN_LINE
            && (international
                || dialled.plus
                || dialled.digits.starts_with('0')
                || plans.is_domestic(number, region))
        {
            return false;
        }
        let view = DialledFrom { plans, region, international };
        dialled.any_reading(view, |reading| {
            let (digits, region) = (reading.digits, reading.region);
            self.is_own_code(digits, region)
                || EVERYWHERE.contains(&digits)
                || (reading.whole && self.anywhere.contains(digits))
                || (reading.prefixed && self.ends_with_code(digits, region))
        })
    }

    /// A code behind at most [`PREFIX_DIGITS_MAX`] other digits. Only the codes of the region and
    /// those of all networks: the short codes of the whole world end one number in ten.
    fn ends_with_code(&self, digits: &str, region: Region) -> bool {
        (0..=PREFIX_DIGITS_MAX.min(digits.len()))
            .filter_map(|at| digits.get(at..))
            .any(|code| EVERYWHERE.contains(&code) || self.is_own_code(code, region))
    }

    fn is_own_code(&self, digits: &str, region: Region) -> bool {
        if digits.len() > EMERGENCY_DIGITS_MAX {
            return false;
        }
        ShortCode::new(region, digits).is_some_and(|code| {
            let mut found = false;
            self.numbers.lookup(&Number::Short(code), |_, _| found = true);
            found
        })
    }

    /// How many emergency codes are protected in every region.
    pub fn emergency_codes(&self) -> usize {
        self.anywhere.len()
    }
}
