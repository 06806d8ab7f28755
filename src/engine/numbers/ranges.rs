//! Compiles a range of digit strings into the fewest prefixes that cover exactly it.
//!
//! Owns the splitting only. Must not know what the prefixes are for.
//! Invariants: the prefixes are disjoint, and their numbers of the borders' length are exactly
//! those from first to last; at most 18 a digit come out, 360 for 20 digits.

/// Calls `emit` with each prefix of the cover, in no set order.
///
/// `first` and `last` are ASCII digits of equal length, at most 20, `first <= last`: the caller
/// has checked; anything else gives a cover of no meaning, but never a panic.
pub fn cover(first: &[u8], last: &[u8], mut emit: impl FnMut(&[u8])) {
    let digits = first.len().min(last.len()).min(DIGITS_MAX);
    let (first, last) = (&first[..digits], &last[..digits]);
    let shared = first.iter().zip(last).take_while(|(a, b)| a == b).count();
    if shared == digits {
        return emit(first);
    }
    let from_zero = first[shared..].iter().all(|&d| d == b'0');
    let to_nine = last[shared..].iter().all(|&d| d == b'9');
    if from_zero && to_nine {
        return emit(&first[..shared]);
    }
    // Below the first digit that differs: from `first` up to the end of its block ...
    let low = significant(first, shared + 1, b'0');
    emit(&first[..low]);
    for at in shared + 1..low {
        siblings(&first[..at], first[at] + 1, b'9', &mut emit);
    }
    // ... whole blocks between ...
    siblings(&first[..shared], first[shared] + 1, last[shared].saturating_sub(1), &mut emit);
    // ... and from the start of the block of `last` up to it.
    let high = significant(last, shared + 1, b'9');
    for at in shared + 1..high {
        siblings(&last[..at], b'0', last[at].saturating_sub(1), &mut emit);
    }
    emit(&last[..high]);
}

/// The longest border is as long as the longest short code.
const DIGITS_MAX: usize = crate::model::number::ShortCode::DIGITS_MAX;

/// Length of `digits` without trailing `filler`s, but at least `least`.
fn significant(digits: &[u8], least: usize, filler: u8) -> usize {
    let trailing = digits[least..].iter().rev().take_while(|&&d| d == filler).count();
    digits.len() - trailing
}

/// Emits `parent` followed by each digit from `from` to `to`; nothing when `from > to`.
fn siblings(parent: &[u8], from: u8, to: u8, emit: &mut impl FnMut(&[u8])) {
    let mut buffer = [0u8; DIGITS_MAX];
    buffer[..parent.len()].copy_from_slice(parent);
    for digit in from..=to {
        buffer[parent.len()] = digit;
        emit(&buffer[..=parent.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn covered(first: &str, last: &str) -> Vec<String> {
        let mut prefixes = Vec::new();
        cover(first.as_bytes(), last.as_bytes(), |p| {
            prefixes.push(String::from_utf8(p.to_vec()).unwrap());
        });
        prefixes.sort();
        prefixes
    }

    #[test]
    fn known_covers() {
        assert_eq!(covered("49301234000", "49301234999"), ["49301234"]);
        assert_eq!(covered("861380000", "861380999"), ["861380"]);
        assert_eq!(covered("123", "123"), ["123"]);
        assert_eq!(covered("00", "99"), [""]);
        assert_eq!(covered("100", "299"), ["1", "2"]);
        assert_eq!(covered("198", "203"), ["198", "199", "200", "201", "202", "203"]);
        assert_eq!(covered("190", "203"), ["19", "200", "201", "202", "203"]);
        assert_eq!(covered("00000000000000000001", "99999999999999999998").len(), 8 + 2 * 19 * 9);
    }

    /// The fewest prefixes: nodes of the digit tree that lie within, but whose parent does not.
    fn naive(first: u32, last: u32, digits: u32) -> Vec<String> {
        let mut prefixes = Vec::new();
        for length in 0..=digits {
            for prefix in 0..10u32.pow(length) {
                let span = 10u32.pow(digits - length);
                let inside = |p: u32, s: u32| p * s >= first && (p + 1) * s - 1 <= last;
                let parent = length > 0 && inside(prefix / 10, span * 10);
                if inside(prefix, span) && !parent {
                    prefixes.push(match length {
                        0 => String::new(),
                        _ => format!("{prefix:0width$}", width = length as usize),
                    });
                }
            }
        }
        prefixes.sort();
        prefixes
    }

    proptest! {
        #[test]
        fn cover_is_minimal_and_exact(a in 0u32..10_000, b in 0u32..10_000) {
            let (first, last) = (a.min(b), a.max(b));
            let found = covered(&format!("{first:04}"), &format!("{last:04}"));
            prop_assert_eq!(found, naive(first, last, 4));
        }

        #[test]
        fn nonsense_never_panics(a in "[ -~]{0,25}", b in "[ -~]{0,25}") {
            cover(a.as_bytes(), b.as_bytes(), |_| {});
        }
    }
}
