//! How number patterns lie to each other: which covers which, which meet.

use crate::model::entry::NumberPattern;
use crate::model::number::{Number, Region};

/// A pattern as digits from to; open at the end, or of that many digits.
struct Span<'p> {
    region: Option<Region>,
    first: &'p str,
    last: &'p str,
    open: bool,
}

impl Span<'_> {
    /// Asks with the span of a pattern (the digits of a number are made for the question).
    fn of<T>(pattern: &NumberPattern, ask: impl FnOnce(&Span<'_>) -> T) -> T {
        match pattern {
            NumberPattern::Exact(Number::E164(number)) => {
                let digits = number.digits();
                ask(&Span { region: None, first: &digits, last: &digits, open: false })
            }
            NumberPattern::Exact(Number::Short(code)) => {
                let (region, digits) = (Some(code.region), code.digits());
                ask(&Span { region, first: digits, last: digits, open: false })
            }
            NumberPattern::Prefix(digits) => {
                let (region, digits) = (digits.region, &*digits.digits);
                ask(&Span { region, first: digits, last: digits, open: true })
            }
            NumberPattern::Range { first, last, open } => {
                let (region, first, last) = (first.region, &*first.digits, &*last.digits);
                ask(&Span { region, first, last, open: *open })
            }
        }
    }

    fn length(&self) -> usize {
        self.first.len()
    }

    /// From to, cut to so many digits.
    fn cut(&self, digits: usize) -> (&str, &str) {
        (&self.first[..digits], &self.last[..digits])
    }
}

/// Is every number of `inner` one of `outer`?
pub fn covers(outer: &NumberPattern, inner: &NumberPattern) -> bool {
    Span::of(outer, |outer| {
        Span::of(inner, |inner| {
            let digits = outer.length();
            let lengths = if outer.open {
                inner.length() >= digits
            } else {
                inner.length() == digits && !inner.open
            };
            if outer.region != inner.region || !lengths {
                return false;
            }
            let (first, last) = inner.cut(digits);
            outer.first <= first && last <= outer.last
        })
    })
}

/// Is there a number that is one of both?
pub fn meet(one: &NumberPattern, other: &NumberPattern) -> bool {
    Span::of(one, |one| {
        Span::of(other, |other| {
            let digits = one.length().min(other.length());
            let long = |span: &Span<'_>| span.open || span.length() == digits;
            // The shorter one must be open to hold what is longer.
            let lengths = match one.length().cmp(&other.length()) {
                std::cmp::Ordering::Less => one.open,
                std::cmp::Ordering::Greater => other.open,
                std::cmp::Ordering::Equal => long(one) && long(other),
            };
            if one.region != other.region || !lengths {
                return false;
            }
            let ((a, b), (c, d)) = (one.cut(digits), other.cut(digits));
            a <= d && c <= b
        })
    })
}

/// Keys of the prefixes that cover a pattern, shortest first; not the pattern's own key.
pub fn prefix_keys(pattern: &NumberPattern) -> Vec<String> {
    Span::of(pattern, |span| {
        let pairs = span.first.bytes().zip(span.last.bytes());
        let common = pairs.take_while(|(one, other)| one == other).count();
        let most = match pattern {
            NumberPattern::Prefix(digits) => digits.digits.len().saturating_sub(1),
            NumberPattern::Exact(_) | NumberPattern::Range { .. } => common,
        };
        let plan = span.region.map_or_else(|| "+".to_owned(), |region| format!("{region}:"));
        (1..=most).map(|digits| format!("{plan}{}*", &span.first[..digits])).collect()
    })
}

/// Values of full international numbers that a pattern stands for, one span for each length.
pub fn values(pattern: &NumberPattern) -> Vec<(u64, u64)> {
    Span::of(pattern, |span| {
        let value = |digits: &str| digits.parse::<u64>().ok();
        let (Some(first), Some(last), None) = (value(span.first), value(span.last), span.region)
        else {
            return Vec::new();
        };
        let longest = if span.open { 15 } else { span.length() };
        let of = |length: usize| {
            let scale = 10u64.checked_pow(u32::try_from(length - span.length()).ok()?)?;
            Some((first.checked_mul(scale)?, last.checked_add(1)?.checked_mul(scale)?))
        };
        (span.length()..=longest).filter_map(of).collect()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lists::pack::{number_pattern, pattern_text};

    fn pattern() -> impl Strategy<Value = NumberPattern> {
        let digits = || proptest::collection::vec(1..4u8, 1..7);
        (digits(), digits(), 0..4u8, any::<bool>()).prop_filter_map(
            "one plan",
            |(a, b, how, short)| {
                let text =
                    |digits: &[u8]| digits.iter().map(|d| char::from(b'0' + d)).collect::<String>();
                let n = a.len().min(b.len());
                let (first, last) = (text(&a[..n]), text(&b[..n]));
                let (first, last) = if first <= last { (first, last) } else { (last, first) };
                let plan = if short { "CN:" } else { "+" };
                let text = match how {
                    0 => format!("{plan}{}", text(&a)),
                    1 => format!("{plan}{}*", text(&a)),
                    2 => format!("{plan}{first}-{plan}{last}"),
                    _ => format!("{plan}{first}*-{plan}{last}*"),
                };
                number_pattern(&text).ok()
            },
        )
    }

    /// All numbers of digits 1 to 3 with 1 to 7 digits that a pattern stands for.
    fn numbers(pattern: &NumberPattern) -> Vec<String> {
        let text = pattern_text(pattern);
        let plan = if text.starts_with('+') { "+" } else { "CN:" };
        let bare = text.replace(plan, "");
        let mut all = vec![String::new()];
        let mut found = Vec::new();
        for _ in 0..7 {
            all = all.iter().flat_map(|n| ["1", "2", "3"].map(|d| format!("{n}{d}"))).collect();
            for number in &all {
                let (first, last) = bare.split_once('-').unwrap_or((&bare, &bare));
                let (first, open) =
                    first.strip_suffix('*').map_or((first, false), |first| (first, true));
                let last = last.trim_end_matches('*');
                let long = number.len() == first.len() || (open && number.len() > first.len());
                if long && first <= &number[..first.len()] && &number[..first.len()] <= last {
                    found.push(format!("{plan}{number}"));
                }
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn as_the_numbers_themselves(one in pattern(), other in pattern()) {
            let (a, b) = (numbers(&one), numbers(&other));
            prop_assert_eq!(meet(&one, &other), a.iter().any(|n| b.contains(n)));
            if covers(&one, &other) {
                prop_assert!(b.iter().all(|n| a.contains(n)));
            } else if !matches!(other, NumberPattern::Range { .. }) {
                // A range may be covered by chance where its borders leave digits 0 and 4 to 9.
                let ranged = matches!(one, NumberPattern::Range { .. });
                prop_assert!(ranged || !b.iter().all(|n| a.contains(n)));
            }
        }
    }

    #[test]
    fn prefixes_and_values() {
        let keys = |text| prefix_keys(&number_pattern(text).unwrap());
        assert_eq!(keys("+12345"), ["+1*", "+12*", "+123*", "+1234*", "+12345*"]);
        assert_eq!(keys("CN:12*"), ["CN:1*"]);
        assert_eq!(keys("+1230*-+1239*"), ["+1*", "+12*", "+123*"]);
        let values = |text| values(&number_pattern(text).unwrap());
        assert_eq!(values("+12345"), [(12345, 12346)]);
        assert_eq!(values("CN:110"), []);
        assert_eq!(values("+12345678901234*").len(), 2);
        assert_eq!(values("+44*")[3], (44_000, 45_000));
    }
}
