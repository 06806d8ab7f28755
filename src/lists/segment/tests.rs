use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::model::number::E164Number;

fn numbers(values: &BTreeSet<u64>) -> Vec<u8> {
    let numbers = values.iter().map(|value| E164Number::from_value(*value).unwrap());
    encode_numbers(numbers).unwrap()
}

/// Random Chinese mobiles, the same in every run.
fn mobiles(count: usize) -> BTreeSet<u64> {
    let mut state = 7u64;
    let mut values = BTreeSet::new();
    while values.len() < count {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        values.insert(8_613_000_000_000 + (state >> 20) % 7_000_000_000);
    }
    values
}

#[test]
fn empty_segments() {
    for (octets, kind) in [
        (encode_numbers([]).unwrap(), SegmentKind::Numbers),
        (encode_texts([]).unwrap(), SegmentKind::Texts),
    ] {
        let segment = Segment::parse(&octets).unwrap();
        assert_eq!((segment.kind(), segment.count()), (kind, 0));
        assert!(!segment.contains("+8613800138000") && !segment.contains("a"));
        assert_eq!(segment.keys().next(), None);
    }
}

#[test]
fn values_must_ascend() {
    let number = |value| E164Number::from_value(value).unwrap();
    assert!(encode_numbers([number(20_000), number(20_000)]).unwrap_err().contains("ascend"));
    assert!(encode_texts(["b", "a"]).unwrap_err().contains("ascend"));
    assert!(encode_texts([""]).unwrap_err().contains("ascend"));
    let mut writer = SegmentWriter::new(SegmentKind::Texts);
    assert!(writer.number(number(20_000)).unwrap_err().contains("either"));
    assert!(writer.text(&"x".repeat(TEXT_BYTES_MAX + 1)).unwrap_err().contains("bytes"));
    writer.text(&"x".repeat(TEXT_BYTES_MAX)).unwrap();
    assert_eq!(Segment::parse(&writer.finish()).unwrap().count(), 1);
}

/// Every single flipped bit and every cut is found.
#[test]
fn damage_is_found() {
    let texts: BTreeSet<String> = (0..600).map(|n| format!("host{n}.example")).collect();
    for octets in [numbers(&mobiles(600)), encode_texts(texts.iter().map(String::as_str)).unwrap()]
    {
        assert!(Segment::parse(&octets).is_ok());
        let mut broken = octets.clone();
        for bit in 0..octets.len() * 8 {
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(Segment::parse(&broken).is_err(), "bit {bit}");
            broken[bit / 8] ^= 1 << (bit % 8);
        }
        for cut in 0..octets.len() {
            assert!(Segment::parse(&octets[..cut]).is_err(), "cut at {cut}");
        }
    }
}

#[test]
fn a_number_takes_about_two_octets() {
    let mut state = 7u64;
    let mut values = Vec::with_capacity(1_000_000);
    for _ in 0..1_000_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        values.push(8_613_000_000_000 + (state >> 20) % 7_000_000_000);
    }
    values.sort_unstable();
    values.dedup();
    let number = |value: &u64| E164Number::from_value(*value).unwrap();
    let octets = encode_numbers(values.iter().map(number)).unwrap();
    let each = octets.len() as f64 / values.len() as f64;
    println!("{each:.3} octets a number for 1 M random mobiles");
    assert!(each < 2.3, "{each}");
    let segment = Segment::parse(&octets).unwrap();
    assert!(segment.numbers().map(E164Number::value).eq(values.iter().copied()));
    for value in values.iter().step_by(997) {
        for near in value - 1..=value + 1 {
            let number = E164Number::from_value(near).unwrap();
            assert_eq!(segment.contains_number(number), values.binary_search(&near).is_ok());
        }
    }
}

/// Octets whose checksum fits, so that the reader behind it is put to the test.
fn sealed(mut octets: Vec<u8>) -> Vec<u8> {
    let body = octets.len().saturating_sub(SUM_BYTES);
    octets.truncate(body);
    let sum = checksum(&octets);
    octets.extend_from_slice(&sum.to_le_bytes());
    octets
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn numbers_survive(
        values in btree_set(10_000u64..1_000_000_000_000_000, 0..700),
        dense in btree_set(86_000u64..90_000, 0..700),
        others in vec(10_000u64..1_000_000_000_000_000, 0..50),
        from in 10_000u64..100_000,
    ) {
        for values in [values, dense] {
            let octets = numbers(&values);
            let segment = Segment::parse(&octets).unwrap();
            prop_assert_eq!(segment.count(), values.len() as u64);
            prop_assert!(segment.numbers().map(E164Number::value).eq(values.iter().copied()));
            let rest = segment.numbers_from(from).map(E164Number::value);
            prop_assert!(rest.eq(values.range(from..).copied()));
            for value in values.iter().chain(&others) {
                prop_assert_eq!(segment.contains(&format!("+{value}")), values.contains(value));
            }
            prop_assert!(!segment.contains("CN:110") && !segment.contains("+86*"));
        }
    }

    #[test]
    fn texts_survive(
        values in btree_set("[a-c.]{1,7}|.{1,20}", 0..700),
        others in vec("[a-c.]{0,7}", 0..50),
    ) {
        let octets = encode_texts(values.iter().map(String::as_str)).unwrap();
        let segment = Segment::parse(&octets).unwrap();
        prop_assert_eq!(segment.count(), values.len() as u64);
        prop_assert!(segment.texts().eq(values.iter().cloned()));
        for value in values.iter().chain(&others) {
            prop_assert_eq!(segment.contains(value), values.contains(value));
            let next = values.range::<String, _>(value..).next().cloned();
            prop_assert_eq!(segment.texts_from(value).next(), next);
        }
    }

    #[test]
    fn wrong_octets_behind_a_right_checksum(
        count in 0..600usize,
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        texts in any::<bool>(),
        probe in "[a-z0-9.]{1,9}",
    ) {
        let names: BTreeSet<String> = (0..count).map(|n| format!("h{n}.example")).collect();
        let mut octets = if texts {
            encode_texts(names.iter().map(String::as_str)).unwrap()
        } else {
            numbers(&mobiles(count))
        };
        for (at, octet) in damage {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        if let Ok(segment) = Segment::open(&octets) {
            segment.contains(&probe);
            prop_assert!(segment.keys().count() as u64 <= segment.count());
        }
        let octets = sealed(octets);
        if let Ok(segment) = Segment::parse(&octets) {
            prop_assert_eq!(segment.keys().count() as u64, segment.count());
            segment.contains(&probe);
            segment.contains("+8613800138000");
        }
    }

    #[test]
    fn any_octets(octets in vec(any::<u8>(), 0..200)) {
        prop_assert!(Segment::parse(&octets).is_err());
        let mut headed = MAGIC.to_vec();
        headed.push(VERSION);
        headed.extend_from_slice(&octets);
        drop(Segment::parse(&sealed(headed)));
    }
}
