use super::*;
use std::collections::HashMap;

/// splitmix64: a fixed stream of random numbers, the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn number(&mut self) -> E164Number {
        E164Number::from_value(10_000 + self.next() % 999_999_999_980_000).unwrap()
    }
}

fn number(value: u64) -> E164Number {
    E164Number::from_value(value).unwrap()
}

/// Both layouts must give what a hash map gives, for members and for near misses of them.
fn check(pairs: &[(E164Number, u32)], misses: impl Iterator<Item = E164Number>) {
    let oracle: HashMap<E164Number, u32> = pairs.iter().copied().collect();
    let table = ExactTable::from_unique(oracle.iter().map(|(n, p)| (*n, *p)));
    assert_eq!(table.len(), oracle.len());
    let mut mixed: Vec<(u64, u32)> = oracle.iter().map(|(n, p)| (mix(n.value()), *p)).collect();
    mixed.sort_unstable();
    let narrow = Narrow::build(mixed, NARROW_LINES_MIN);
    let near = pairs.iter().step_by(7).flat_map(|(n, _)| {
        let value = n.value();
        [value, value + 1, value.saturating_sub(1), value ^ 1 << 31, value ^ 1 << 30, value * 10]
            .into_iter()
            .filter_map(E164Number::from_value)
    });
    for probe in near.chain(misses) {
        assert_eq!(table.get(probe), oracle.get(&probe).copied());
        assert_eq!(narrow.get(mix(probe.value())), oracle.get(&probe).copied());
    }
}

#[test]
fn random_million_agrees_with_a_hash_map() {
    let mut random = Random(1);
    let pairs: Vec<_> = (0..1_000_000).map(|at| (random.number(), at)).collect();
    let misses: Vec<_> = (0..300_000).map(|_| random.number()).collect();
    check(&pairs, misses.into_iter());
}

#[test]
fn sequential_blocks_agree_with_a_hash_map() {
    let blocks = [8_613_800_000_000, 12_025_550_000, 4_930_000, 10_000, 999_999_999_900_000];
    let pairs: Vec<_> = blocks
        .iter()
        .flat_map(|start| (0..50_000u64).map(move |at| start + at))
        .filter_map(E164Number::from_value)
        .enumerate()
        .map(|(at, number)| (number, at as u32))
        .collect();
    check(&pairs, [9_999u64 + 60_001, 8_613_799_999_999].into_iter().map(number));
}

/// Mixed values that all fall into the same lines of either layout: what no luck would bring.
#[test]
fn crowded_lines_stay_exact() {
    let span = 1u64 << NARROW_TAG_BITS;
    let crowd: Vec<(u64, u32)> = (0..5_000u64).map(|at| (at * 97, at as u32)).collect();
    let narrow = Narrow::build(crowd.clone(), NARROW_LINES_MIN);
    assert!(!narrow.overflow.rest_keys.is_empty() || narrow.overflow.lines.is_some());
    let wide = Wide::build(&crowd);
    for mixed in (0..500_000u64).chain((0..500_000).map(|at| at + span)) {
        let expected = (mixed < 5_000 * 97 && mixed % 97 == 0).then_some((mixed / 97) as u32);
        assert_eq!(narrow.get(mixed), expected);
        assert_eq!(wide.get(mixed), expected);
    }
    // The same tag in neighbouring lines, home and spilled.
    let twins: Vec<(u64, u32)> =
        (0..2u64).flat_map(|line| (0..12u64).map(move |at| line * span + at)).zip(0..).collect();
    let narrow = Narrow::build(twins.clone(), NARROW_LINES_MIN);
    for (mixed, payload) in twins {
        assert_eq!(narrow.get(mixed), Some(payload));
        assert_eq!(narrow.get(mixed + 2 * span), None);
    }
}

/// Keys chosen against the wide table's own line function end in the sorted rest, still exact.
#[test]
fn one_wide_line_takes_any_number_of_keys() {
    let inverse = {
        // Newton iteration for the inverse of the odd factor modulo 2^64, hence modulo 2^50.
        let odd = 0xA24B_AED4_963E_E407u64;
        let mut x = odd;
        for _ in 0..6 {
            x = x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)));
        }
        x
    };
    let mut pairs: Vec<(u64, u32)> =
        (0..3_000u64).map(|at| (at.wrapping_mul(inverse) & MIX_MASK, at as u32)).collect();
    pairs.sort_unstable();
    let wide = Wide::build(&pairs);
    assert!(wide.rest_keys.len() > 2_900);
    for (mixed, payload) in &pairs {
        assert_eq!(wide.get(*mixed), Some(*payload));
        assert_eq!(wide.get(mixed ^ 1), pairs.iter().find(|p| p.0 == mixed ^ 1).map(|p| p.1));
    }
}

#[test]
fn tokens_of_one_number_are_grouped() {
    let (a, b) = (number(8_613_800_138_000), number(12_025_550_123));
    let pairs = vec![(a, 9), (b, 1), (a, 2), (a, 9)];
    let mut sets = Vec::new();
    let table = ExactTable::build(pairs, |tokens| {
        sets.push(tokens.to_vec());
        sets.len() as u32 - 1
    });
    assert_eq!(sets[table.get(a).unwrap() as usize], [2, 9, 9]);
    assert_eq!(sets[table.get(b).unwrap() as usize], [1]);
    assert_eq!((table.len(), sets.len()), (2, 2));
}

#[test]
fn empty_and_extremes() {
    let empty = ExactTable::default();
    assert_eq!((empty.get(number(10_000)), empty.len(), empty.bytes()), (None, 0, 0));
    let ends = [(number(10_000), u32::MAX), (number(999_999_999_999_999), 0)];
    let table = ExactTable::from_unique(ends);
    assert_eq!(table.get(ends[0].0), Some(u32::MAX));
    assert_eq!(table.get(ends[1].0), Some(0));
    assert_eq!(table.get(number(10_001)), None);
}

#[test]
fn mix_is_a_bijection() {
    // Every step is invertible; equal outputs among a million inputs would show a slip.
    let mut seen: Vec<u64> = (0..1_000_000u64).map(|at| mix(at * 1_000_003 % (1 << 50))).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 1_000_000);
    assert!(seen.iter().all(|m| *m <= MIX_MASK));
}
