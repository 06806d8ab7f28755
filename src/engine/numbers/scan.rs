//! From octets of any content to bare digits.
//!
//! Owns what may surround digits: separators, a leading `+`, `tel:` and `sip:` dressing
//! (RFC 3966, RFC 3261). Must not know numbering plans.
//! Invariants: never allocates, never fails; every octet string is exactly one [`Scanned`].

use arrayvec::ArrayString;

use super::dialled::within_brackets;

/// Digits kept: a prefix for international calls (8 at most) and 20 digits, with some to spare.
/// Whatever has more is no number of any plan.
pub const DIGITS_MAX: usize = 32;

/// What an address holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Scanned {
    /// Nothing, or separators only.
    Empty,
    /// Digits, with or without a leading `+`.
    Digits {
        /// At least one digit.
        digits: ArrayString<DIGITS_MAX>,
        /// A `+` came first.
        plus: bool,
    },
    /// Letters of any script are among it: perhaps a sender id.
    Lettered,
    /// More than [`DIGITS_MAX`] digits.
    Overlong,
    /// Neither letters nor a number: `*`, `#`, control characters, a `+` in the wrong place.
    Odd,
}

/// Reads an address; see [`Scanned`].
pub fn scan(raw: &[u8]) -> Scanned {
    let mut digits = ArrayString::new();
    match collect(raw, &mut digits) {
        Collected { lettered: true, .. } => Scanned::Lettered,
        Collected { odd: true, .. } => Scanned::Odd,
        Collected { overlong: true, .. } => Scanned::Overlong,
        Collected { plus, .. } if !digits.is_empty() => Scanned::Digits { digits, plus },
        Collected { plus: true, .. } => Scanned::Odd,
        Collected { .. } => Scanned::Empty,
    }
}

#[derive(Default)]
struct Collected {
    plus: bool,
    lettered: bool,
    odd: bool,
    overlong: bool,
}

fn collect(raw: &[u8], digits: &mut ArrayString<DIGITS_MAX>) -> Collected {
    let mut found = Collected::default();
    for &octet in undress(raw) {
        match octet {
            b'0'..=b'9' => found.overlong |= digits.try_push(char::from(octet)).is_err(),
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' => {}
            b'+' if digits.is_empty() && !found.plus => found.plus = true,
            // Beyond ASCII it is some script's letter, or dressed-up digits that no exchange
            // would dial: a matter for the comparison of sender ids.
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => found.lettered = true,
            _ => found.odd = true,
        }
    }
    found
}

/// Takes off a display name, a URI scheme and what follows the user part; without a scheme only
/// the brackets.
fn undress(raw: &[u8]) -> &[u8] {
    let raw = within_brackets(raw);
    let scheme = [b"tel:".as_slice(), b"sip:", b"sips:"].into_iter().find(|scheme| {
        raw.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    });
    let Some(scheme) = scheme else { return raw };
    let rest = &raw[scheme.len()..];
    // `:` parts a password or a port.
    let end = rest.iter().position(|octet| matches!(octet, b'@' | b';' | b':' | b'?'));
    &rest[..end.unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digits(text: &str, plus: bool) -> Scanned {
        Scanned::Digits { digits: ArrayString::from(text).unwrap(), plus }
    }

    #[test]
    fn dressing_comes_off() {
        let table: [(&[u8], Scanned); 24] = [
            (b"\"Bank\" <sip:+8613800138000@example.com>;tag=1", digits("8613800138000", true)),
            (b"<tel:110>", digits("110", false)),
            (b"13800138000", digits("13800138000", false)),
            (b"+86 138-0013.8000", digits("8613800138000", true)),
            (b"(020) 7183/8750", digits("02071838750", false)),
            (b"tel:+1-202-555-0123;ext=1", digits("12025550123", true)),
            (b"TEL:110", digits("110", false)),
            (b"sip:+8613800138000@ims.example.com;user=phone", digits("8613800138000", true)),
            (b"sips:110:secret@example.com", digits("110", false)),
            (b" 95588 ", digits("95588", false)),
            (b"", Scanned::Empty),
            (b"  - ", Scanned::Empty),
            (b"tel:", Scanned::Empty),
            (b"+", Scanned::Odd),
            (b"++86138", Scanned::Odd),
            (b"86+138", Scanned::Odd),
            (b"*86#", Scanned::Odd),
            (b"138\0", Scanned::Odd),
            (b"ICBC", Scanned::Lettered),
            (b"10086a", Scanned::Lettered),
            (b"sip:alice@example.com", Scanned::Lettered),
            ("工商银行".as_bytes(), Scanned::Lettered),
            (&[b'1'; 33], Scanned::Overlong),
            (&[b'1'; 400], Scanned::Overlong),
        ];
        for (raw, expected) in table {
            assert!(scan(raw) == expected, "{}", String::from_utf8_lossy(raw));
        }
    }

    proptest! {
        #[test]
        fn any_octets_scan(raw in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Scanned::Digits { digits, .. } = scan(&raw) {
                prop_assert!(!digits.is_empty() && digits.bytes().all(|d| d.is_ascii_digit()));
            }
        }
    }
}
