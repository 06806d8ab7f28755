use super::*;
use crate::lists::pack::number_pattern;
use arrayvec::ArrayString;
use proptest::prelude::*;

fn region(text: &str) -> Region {
    Region::parse(text).expect("two letters")
}

fn plan(name: &str, code: &str, trunk: &str) -> PlanRow {
    PlanRow {
        region: region(name),
        country_code: ArrayString::from(code).expect("short"),
        international_prefixes: Vec::new(),
        trunk_prefix: ArrayString::from(trunk).expect("short"),
        national_digits_min: 8,
        national_digits_max: 10,
    }
}

fn class(name: &str, prefix: &str, digits: u8, class: NumberClass, short: bool) -> ClassRow {
    ClassRow {
        region: region(name),
        prefix: ArrayString::from(prefix).expect("short"),
        digits_min: digits,
        digits_max: digits,
        class,
        short,
        origination: crate::model::entry::Origination::Yes,
        from_abroad: crate::model::entry::FromAbroad::Allow,
    }
}

/// AA is 99: mobile 1 without the premium 13, but with 131; fixed 2 (numbers with 21 that are not
/// fixed have other lengths) and 3 without 32. AB shares its code, BB has no class rows.
fn space() -> Space {
    let plans = [plan("AA", "99", "0"), plan("AB", "99", ""), plan("BB", "88", "0")];
    let rows = [
        class("AA", "1", 8, NumberClass::Mobile, false),
        class("AA", "13", 8, NumberClass::Premium, false),
        class("AA", "131", 8, NumberClass::Mvno, false),
        class("AA", "2", 8, NumberClass::Fixed, false),
        class("AA", "2", 8, NumberClass::Fixed, false),
        class("AA", "21", 10, NumberClass::Iot, false),
        class("AA", "3", 8, NumberClass::Fixed, false),
        class("AA", "32", 8, NumberClass::Unassignable, false),
        class("AA", "11", 5, NumberClass::Service, true),
    ];
    Space::new(&plans, &rows)
}

/// Shares of each kind of lines covered by patterns, in the order of first lines.
fn shares(space: &Space, patterns: &[String]) -> Vec<(String, f64)> {
    let mut shares = BTreeMap::new();
    let mut coverage = Coverage::default();
    for pattern in patterns {
        let pattern = number_pattern(pattern).expect("a pattern");
        coverage.add(space, &pattern, &mut |lines, before, now| {
            let key = format!("{} {}", lines.region, lines.kind);
            assert_eq!(shares.insert(key, now).unwrap_or(0.0), before);
            assert!(now > before && now <= 1.0);
        });
    }
    shares.into_iter().collect()
}

#[test]
fn shares_of_lines() {
    let space = space();
    let of = |patterns: &[&str]| {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        let told = shares(&space, &patterns).into_iter();
        told.map(|(kind, share)| format!("{kind} {share:.4}")).collect::<Vec<_>>().join(", ")
    };
    // 0.9 of a tenth and a hundredth of it.
    assert_eq!(of(&["+991*"]), "AA mobile 1.0000, AB mobile 1.0000");
    assert_eq!(of(&["+99131*"]), "AA mobile 0.0110, AB mobile 0.0110");
    assert_eq!(of(&["+99132*", "+9932*", "+9940*"]), "");
    assert_eq!(of(&["+9921*"]), "AA fixed 0.0526, AB fixed 0.0526");
    // Behind a region: as class rows say, and only where they have plain lines.
    assert_eq!(of(&["AA:21*"]), "AA fixed 0.0526, AB fixed 0.0526");
    assert_eq!(of(&["AA:112*", "AB:21*", "BB:2*"]), "");
    // Ranges of whole numbers count where numbers are that long.
    assert_eq!(of(&["+9920000000-+9929999999"]), "AA fixed 0.5263, AB fixed 0.5263");
    assert_eq!(of(&["+99200000000-+99299999999"]), "");
    // Where 0 is dialled in front, no number starts with it.
    assert_eq!(of(&["+881*", "+880*"]), "BB all 0.1111");
    assert_eq!(of(&["+12345678901234567*", "+8812345678", "+7*"]), "");
}

#[test]
fn samples_are_spread_over_the_lines() {
    let space = space();
    for (name, count) in [("AA", 2), ("AB", 2), ("BB", 1), ("CC", 0)] {
        assert_eq!(space.lines_of(region(name)).count(), count, "{name}");
    }
    let samples = space.lines_of(region("AA")).next().expect("mobile lines").samples(91);
    assert_eq!(samples.len(), 91);
    for number in &samples {
        assert_eq!(number.len(), 1 + 2 + 8, "{number}");
        let premium = number.starts_with("+9913") && !number.starts_with("+99131");
        assert!(number.starts_with("+991") && !premium, "{number}");
    }
    assert_eq!(samples.iter().filter(|n| n.starts_with("+99131")).count(), 1);
    assert_eq!(samples.iter().filter(|n| n.starts_with("+9914")).count(), 10);
}

proptest! {
    /// Against a count of all numbers with five digits more than a country code.
    #[test]
    fn coverage_equals_a_count(
        prefixes in prop::collection::vec("[0-3]{1,3}", 1..12),
        ranges in prop::collection::vec(("[0-3]{3}", "[0-3]{3}"), 0..4),
    ) {
        let space = space();
        let mut patterns: Vec<String> = prefixes.iter().map(|p| format!("+99{p}*")).collect();
        for (a, b) in &ranges {
            patterns.push(format!("+99{}*-+99{}*", a.min(b), a.max(b)));
        }
        let hit = |number: &str| {
            prefixes.iter().any(|p| number.starts_with(p.as_str()))
                || ranges.iter().any(|(a, b)| {
                    let (first, last) = (a.min(b).as_str(), a.max(b).as_str());
                    (first..=last).contains(&&number[..3])
                })
        };
        let numbers: Vec<String> = (0..10_000).map(|n| format!("{n:04}")).collect();
        let premium = |n: &str| n.starts_with("13") && !n.starts_with("131");
        let mobile = |n: &&String| n.starts_with('1') && !premium(n);
        let fixed =
            |n: &&String| n.starts_with('2') || (n.starts_with('3') && !n.starts_with("32"));
        let share = |lines: &[&String]| {
            lines.iter().filter(|n| hit(n)).count() as f64 / lines.len() as f64
        };
        let mobile = share(&numbers.iter().filter(mobile).collect::<Vec<_>>());
        let fixed = share(&numbers.iter().filter(fixed).collect::<Vec<_>>());
        let told: BTreeMap<String, f64> = shares(&space, &patterns).into_iter().collect();
        for (kind, want) in [("AA mobile", mobile), ("AA fixed", fixed)] {
            let got = told.get(kind).copied().unwrap_or(0.0);
            prop_assert!((got - want).abs() < 1e-9, "{kind}: {got} for {want} of {patterns:?}");
        }
    }
}
