//! Recipients that nothing may touch: emergency and never-block numbers.
//!
//! Asked before anything else. Wide on purpose: that somebody reaches the police by a number that
//! only looks like theirs does no harm; that somebody does not reach them may kill.

use std::collections::HashSet;

use arrayvec::ArrayString;

use super::numbers::{Normalised, NumberIndex, Plans, dialled_digits};
use crate::model::attempt::Address;
use crate::model::entry::NumberPattern;
use crate::model::number::{Number, Region, ShortCode};

/// Emergency numbers that every mobile network must route, whatever the region
/// (3GPP TS 22.101 clause 10.1.1). Compiled in: no pack can take them out.
pub const EVERYWHERE: [&str; 2] = ["112", "911"];

/// Emergency service URN of RFC 5031; any sub-service counts.
const SOS_URN: &[u8] = b"urn:service:sos";

/// The longest protected code (EU 116123, CN 95119 and the like); longer digits are subscribers.
const EMERGENCY_DIGITS_MAX: usize = 8;

/// Protected recipients, compiled.
pub struct Guard {
    numbers: NumberIndex,
    /// Short emergency codes of any region, by their digits.
    anywhere: HashSet<ArrayString<20>>,
}

impl Guard {
    /// From all protect entries that speak of recipients: the number index, and the patterns
    /// whose digits count in every region (emergency ones).
    pub(super) fn new(numbers: NumberIndex, emergency: &[NumberPattern]) -> Guard {
        let mut anywhere: HashSet<ArrayString<20>> = HashSet::new();
        for digits in EVERYWHERE {
            anywhere.insert(ArrayString::from(digits).expect("three digits fit in twenty"));
        }
        for pattern in emergency {
            if let NumberPattern::Exact(Number::Short(code)) = pattern {
                anywhere.insert(ArrayString::from(code.digits()).expect("a code has 20 digits"));
            }
        }
        Guard { numbers, anywhere }
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
        if address.raw.len() >= SOS_URN.len()
            && address.raw[..SOS_URN.len()].eq_ignore_ascii_case(SOS_URN)
        {
            return true;
        }
        let mut digits = ArrayString::<32>::new();
        dialled_digits(address, &mut digits);
        self.dialled(&digits, region)
            || plans
                .country_code(region)
                .and_then(|code| digits.strip_prefix(code))
                .is_some_and(|rest| self.dialled(rest, region))
    }

    /// Digits as they were dialled, whatever their nature of address says.
    fn dialled(&self, digits: &str, region: Region) -> bool {
        if digits.len() > EMERGENCY_DIGITS_MAX {
            return false;
        }
        let own = ShortCode::new(region, digits).is_some_and(|code| {
            let mut found = false;
            self.numbers.lookup(&Number::Short(code), |_, _| found = true);
            found
        });
        own || self.anywhere.contains(digits)
    }

    /// How many emergency codes are protected in every region.
    pub fn emergency_codes(&self) -> usize {
        self.anywhere.len()
    }
}
