//! Plans of a few regions for tests, in the form that packs give them.

use arrayvec::ArrayString;

use super::plan::{Plans, PlansBuilder};
use crate::model::entry::{ClassRow, FromAbroad, NumberClass, Origination, PlanRow};
use crate::model::number::Region;

type PlanCells = (&'static str, &'static str, &'static str, &'static str, (u8, u8));
type ClassCells = (&'static str, &'static str, (u8, u8), NumberClass, bool);

/// Region, country code, international prefixes, trunk prefix, national digits.
const PLANS: [PlanCells; 10] = [
    ("CN", "86", "00", "0", (7, 12)),
    ("US", "1", "011", "1", (10, 10)),
    ("CA", "1", "011", "1", (10, 10)),
    ("GB", "44", "00", "0", (9, 10)),
    ("DE", "49", "00", "0", (6, 11)),
    ("FR", "33", "00", "0", (9, 9)),
    ("IN", "91", "00", "0", (10, 10)),
    ("JP", "81", "010", "0", (9, 10)),
    ("HK", "852", "00 001 0060", "", (8, 9)),
    ("IT", "39", "00", "", (6, 11)),
];

use NumberClass as C;

/// Region, prefix, digits, class, short.
const CLASSES: [ClassCells; 45] = [
    ("CN", "13", (11, 11), C::Mobile, false),
    ("CN", "15", (11, 11), C::Mobile, false),
    ("CN", "18", (11, 11), C::Mobile, false),
    ("CN", "17", (11, 11), C::Mobile, false),
    ("CN", "170", (11, 11), C::Mvno, false),
    ("CN", "1749", (11, 11), C::Satellite, false),
    ("CN", "10648", (13, 13), C::Iot, false),
    ("CN", "10", (10, 10), C::Fixed, false),
    ("CN", "2", (10, 10), C::Fixed, false),
    ("CN", "3", (10, 11), C::Fixed, false),
    ("CN", "4", (10, 11), C::Fixed, false),
    ("CN", "5", (10, 11), C::Fixed, false),
    ("CN", "7", (10, 11), C::Fixed, false),
    ("CN", "9", (10, 11), C::Fixed, false),
    ("CN", "400", (10, 10), C::SharedCost, true),
    ("CN", "800", (10, 10), C::TollFree, true),
    ("CN", "95", (5, 8), C::Service, true),
    ("CN", "96", (5, 8), C::Service, true),
    ("CN", "96110", (5, 5), C::PoliceWarning, true),
    ("CN", "12381", (5, 20), C::PoliceWarning, true),
    ("CN", "12", (5, 5), C::Service, true),
    ("CN", "106", (8, 20), C::MessageAccess, true),
    ("CN", "1065", (8, 20), C::Operator, true),
    ("CN", "100", (5, 5), C::Operator, true),
    ("CN", "10086", (5, 9), C::Operator, true),
    ("CN", "110", (3, 3), C::Emergency, true),
    ("CN", "119", (3, 3), C::Emergency, true),
    ("CN", "120", (3, 3), C::Emergency, true),
    ("CN", "122", (3, 3), C::Emergency, true),
    ("CN", "179", (5, 5), C::IpAccess, true),
    ("US", "", (10, 10), C::Fixed, false),
    ("US", "800", (10, 10), C::TollFree, false),
    ("US", "911", (3, 3), C::Emergency, true),
    ("US", "", (5, 6), C::MessageAccess, true),
    ("CA", "416", (10, 10), C::Fixed, false),
    ("CA", "604", (10, 10), C::Fixed, false),
    ("CA", "911", (3, 3), C::Emergency, true),
    ("GB", "7", (10, 10), C::Mobile, false),
    ("GB", "999", (3, 3), C::Emergency, true),
    ("GB", "2", (10, 10), C::Fixed, false),
    ("DE", "15", (10, 11), C::Mobile, false),
    ("DE", "110", (3, 3), C::Emergency, true),
    ("FR", "6", (9, 9), C::Mobile, false),
    ("IN", "112", (3, 3), C::Emergency, true),
    ("HK", "999", (3, 3), C::Emergency, true),
];

pub fn region(text: &str) -> Region {
    Region::parse(text).expect("two letters")
}

pub fn plan_row(at: usize) -> PlanRow {
    let (name, code, international, trunk, (min, max)) = PLANS[at];
    PlanRow {
        region: region(name),
        country_code: ArrayString::from(code).unwrap(),
        international_prefixes: international
            .split(' ')
            .map(|prefix| ArrayString::from(prefix).unwrap())
            .collect(),
        trunk_prefix: ArrayString::from(trunk).unwrap(),
        national_digits_min: min,
        national_digits_max: max,
    }
}

pub fn class_row(at: usize) -> ClassRow {
    let (name, prefix, (digits_min, digits_max), class, short) = CLASSES[at];
    ClassRow {
        region: region(name),
        prefix: ArrayString::from(prefix).unwrap(),
        digits_min,
        digits_max,
        class,
        short,
        origination: Origination::Yes,
        from_abroad: FromAbroad::Allow,
    }
}

/// All of the above, compiled.
pub fn plans() -> Plans {
    let mut builder = PlansBuilder::new();
    for at in 0..PLANS.len() {
        builder.add_plan(&plan_row(at)).unwrap();
    }
    for at in 0..CLASSES.len() {
        builder.add_class(&class_row(at)).unwrap();
    }
    builder.build()
}
