use super::*;
use crate::model::number::E164Number;
use arrayvec::ArrayString;
use proptest::prelude::*;

fn digits(region: Option<Region>, text: &str) -> PlanDigits {
    PlanDigits { region, digits: ArrayString::from(text).unwrap() }
}

fn prefix(text: &str) -> NumberPattern {
    NumberPattern::Prefix(digits(None, text))
}

fn range(first: &str, last: &str, open: bool) -> NumberPattern {
    NumberPattern::Range { first: digits(None, first), last: digits(None, last), open }
}

fn e164(text: &str) -> Number {
    Number::E164(E164Number::from_digits(text.as_bytes()).unwrap())
}

fn hits(table: &PrefixTable, number: &Number) -> Vec<(usize, u32)> {
    let mut found = Vec::new();
    table.walk(number, |length, payload| found.push((length, payload)));
    found
}

fn first_token(tokens: &[u32]) -> u32 {
    tokens[0]
}

#[test]
fn every_prefix_on_the_path_shortest_first() {
    let mut builder = PrefixBuilder::new();
    for (token, text) in ["86", "8613", "861380013", "44", "8613800138000"].iter().enumerate() {
        builder.add(&prefix(text), token as u32).unwrap();
    }
    let table = builder.build(first_token);
    assert_eq!(hits(&table, &e164("8613800138000")), [(2, 0), (4, 1), (9, 2), (13, 4)]);
    assert_eq!(hits(&table, &e164("8613900138000")), [(2, 0), (4, 1)]);
    assert_eq!(hits(&table, &e164("8513900138000")), []);
    assert_eq!(table.len(), 5);
}

#[test]
fn plans_are_apart() {
    let mut builder = PrefixBuilder::new();
    let us = Region::parse("US").unwrap();
    builder.add(&NumberPattern::Prefix(digits(Some(Region::CN), "106")), 1).unwrap();
    builder.add(&NumberPattern::Prefix(digits(Some(us), "1")), 2).unwrap();
    builder.add(&prefix("1"), 3).unwrap();
    let table = builder.build(first_token);
    let short = |region, text| Number::Short(ShortCode::new(region, text).unwrap());
    assert_eq!(hits(&table, &short(Region::CN, "10690001")), [(3, 1)]);
    assert_eq!(hits(&table, &short(us, "10690001")), [(1, 2)]);
    assert_eq!(hits(&table, &short(Region::parse("GB").unwrap(), "10690001")), []);
    assert_eq!(hits(&table, &e164("10690001")), [(1, 3)]);
}

#[test]
fn closed_ranges_need_the_exact_length() {
    let mut builder = PrefixBuilder::new();
    builder.add(&range("493012340000", "493012349999", false), 1).unwrap();
    builder.add(&range("4930123400", "4930123499", false), 2).unwrap();
    builder.add(&prefix("49301234"), 3).unwrap();
    let table = builder.build(first_token);
    assert_eq!(hits(&table, &e164("493012345678")), [(8, 3), (8, 1)]);
    assert_eq!(hits(&table, &e164("4930123456")), [(8, 3), (8, 2)]);
    assert_eq!(hits(&table, &e164("49301234567")), [(8, 3)]);
}

#[test]
fn all_tokens_of_one_prefix_are_kept() {
    let mut builder = PrefixBuilder::new();
    for token in [7, 3, 5, 3] {
        builder.add(&prefix("4930"), token).unwrap();
    }
    builder.add(&range("49300", "49309", true), 9).unwrap();
    let mut sets = Vec::new();
    let table = builder.build(|tokens| {
        sets.push(tokens.to_vec());
        sets.len() as u32 - 1
    });
    assert_eq!(sets, [vec![3, 3, 5, 7], vec![9]]);
    assert_eq!(hits(&table, &e164("493012")), [(4, 0), (4, 1)]);
}

#[test]
fn wrong_patterns_are_refused() {
    let mut builder = PrefixBuilder::new();
    let cn = digits(Some(Region::CN), "100");
    let mixed = NumberPattern::Range { first: digits(None, "100"), last: cn, open: true };
    let cases = [
        (NumberPattern::Exact(e164("8613800138000")), PatternError::Exact),
        (prefix(""), PatternError::Digits),
        (prefix("12a"), PatternError::Digits),
        (range("12", "130", true), PatternError::UnequalLengths),
        (range("131", "130", false), PatternError::Reversed),
        (mixed, PatternError::DifferentPlans),
    ];
    for (pattern, error) in cases {
        assert_eq!(builder.add(&pattern, 0), Err(error));
    }
    assert!(builder.build(first_token).is_empty());
}

/// Does the pattern contain the digits? Straight from the definition.
fn contains(pattern: &NumberPattern, number: &str) -> bool {
    match pattern {
        NumberPattern::Exact(_) => false,
        NumberPattern::Prefix(prefix) => number.starts_with(prefix.digits.as_str()),
        NumberPattern::Range { first, last, open } => {
            let length = first.digits.len();
            (if *open { number.len() >= length } else { number.len() == length })
                && number[..length] >= *first.digits.as_str()
                && number[..length] <= *last.digits.as_str()
        }
    }
}

fn pattern_strategy() -> impl Strategy<Value = NumberPattern> {
    let border = (1u32..=6)
        .prop_flat_map(|n| (0..10u64.pow(n), 0..10u64.pow(n), Just(n as usize), any::<bool>()));
    prop_oneof![
        "[1-3][0-3]{0,6}".prop_map(|text| prefix(&text)),
        border.prop_map(|(a, b, n, open)| {
            range(&format!("{:0n$}", a.min(b)), &format!("{:0n$}", a.max(b)), open)
        }),
    ]
}

proptest! {
    #[test]
    fn walk_agrees_with_a_loop_over_all_patterns(
        patterns in prop::collection::vec(pattern_strategy(), 0..40),
        numbers in prop::collection::vec("[1-3][0-3]{4,6}|[1-9][0-9]{4,7}", 1..20),
    ) {
        let mut builder = PrefixBuilder::new();
        for (token, pattern) in patterns.iter().enumerate() {
            builder.add(pattern, token as u32).unwrap();
        }
        let mut sets: Vec<Vec<u32>> = Vec::new();
        let table = builder.build(|tokens| {
            sets.push(tokens.to_vec());
            sets.len() as u32 - 1
        });
        for text in &numbers {
            let mut found: Vec<u32> = hits(&table, &e164(text))
                .iter()
                .flat_map(|(_, payload)| sets[*payload as usize].clone())
                .collect();
            found.sort_unstable();
            let expected: Vec<u32> = (0..patterns.len())
                .filter(|at| contains(&patterns[*at], text))
                .map(|at| at as u32)
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
