//! Telephone numbers as values: E.164 numbers, national short codes, regions.

use std::fmt;

use arrayvec::ArrayString;

/// ISO 3166-1 alpha-2 region of a numbering plan, upper case (`CN`, `US`, `GB`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region([u8; 2]);

impl Region {
    /// China, the default of the embedded start.
    pub const CN: Region = Region(*b"CN");

    /// Parses two ASCII letters; any case.
    pub fn parse(text: &str) -> Option<Region> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Region([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// A region known when compiling: two capital letters.
    pub const fn constant(letters: &str) -> Option<Region> {
        match letters.as_bytes() {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Some(Region([*a, *b])),
            _ => None,
        }
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a region is two ASCII letters")
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A full international number (ITU-T E.164: at most 15 digits, country code first).
///
/// The digits are kept as an integer: a country code never starts with 0, so the value alone
/// identifies the number, and it is below 10^15 < 2^50.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct E164Number(u64);

impl E164Number {
    /// ITU-T E.164 clause 6.1: country code plus national number, 15 digits at most.
    pub const DIGITS_MAX: usize = 15;
    /// The shortest number we take for a full one: country code and at least four digits.
    pub const DIGITS_MIN: usize = 5;

    /// From ASCII digits without `+`.
    ///
    /// Errors: `None` when there are fewer than 5 or more than 15, when one is not a digit, or
    /// when the first is 0.
    #[inline]
    pub fn from_digits(digits: &[u8]) -> Option<E164Number> {
        if digits.len() < Self::DIGITS_MIN || digits.len() > Self::DIGITS_MAX || digits[0] == b'0' {
            return None;
        }
        let mut value = 0u64;
        for &d in digits {
            if !d.is_ascii_digit() {
                return None;
            }
            value = value * 10 + u64::from(d - b'0');
        }
        Some(E164Number(value))
    }

    /// The digits as an integer, country code first.
    #[inline]
    pub fn value(self) -> u64 {
        self.0
    }

    /// From [`E164Number::value`]; `None` outside 5 to 15 digits.
    pub fn from_value(value: u64) -> Option<E164Number> {
        (10_000..1_000_000_000_000_000).contains(&value).then_some(E164Number(value))
    }

    /// The digits as text, country code first, without `+`.
    #[inline]
    pub fn digits(self) -> ArrayString<15> {
        let mut buffer = [0u8; 15];
        let mut at = 15;
        let mut rest = self.0;
        while rest > 0 {
            at -= 1;
            buffer[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let text = std::str::from_utf8(&buffer[at..]).expect("digits are ASCII");
        ArrayString::from(text).expect("a number has at most 15 digits")
    }
}

impl fmt::Display for E164Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for E164Number {
    /// Redacted: at most four leading digits and the length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        write!(f, "+{}…({})", head(&digits), digits.len())
    }
}

/// A number that only means something inside one region's plan: 110, 95588, 10086, 1069…, 7726.
///
/// Not dialable from abroad; at most 20 digits (Chinese 106 access codes are that long).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortCode {
    /// The plan that gives it its meaning.
    pub region: Region,
    digits: ArrayString<20>,
}

impl ShortCode {
    /// The longest short code in use: a 106 access code with its extension.
    pub const DIGITS_MAX: usize = 20;

    /// From ASCII digits; `None` when empty, over 20, or not digits.
    pub fn new(region: Region, digits: &str) -> Option<ShortCode> {
        let ok = !digits.is_empty() && digits.bytes().all(|d| d.is_ascii_digit());
        let digits = ArrayString::from(digits).ok()?;
        ok.then_some(ShortCode { region, digits })
    }

    /// The digits as dialled.
    #[inline]
    pub fn digits(&self) -> &str {
        &self.digits
    }
}

impl fmt::Display for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.region, self.digits)
    }
}

impl fmt::Debug for ShortCode {
    /// Redacted like any number: a number of one region's plan may be a person's, too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}…({})", self.region, head(&self.digits), self.digits.len())
    }
}

/// What may be shown of ASCII digits: the first four, and never more than half of them.
pub(super) fn head(digits: &str) -> &str {
    &digits[..(digits.len() / 2).min(4)]
}

/// A normalised number of either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Number {
    /// A full international number.
    E164(E164Number),
    /// A number of one region's plan only.
    Short(ShortCode),
}

impl Number {
    /// From what [`fmt::Display`] writes: `+8613800138000` or `CN:110`.
    pub fn parse(text: &str) -> Option<Number> {
        if let Some(digits) = text.strip_prefix('+') {
            return E164Number::from_digits(digits.as_bytes()).map(Number::E164);
        }
        let (region, digits) = text.split_once(':')?;
        ShortCode::new(Region::parse(region)?, digits).map(Number::Short)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::E164(number) => number.fmt(f),
            Number::Short(code) => code.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e164_borders() {
        assert!(E164Number::from_digits(b"8613").is_none());
        assert!(E164Number::from_digits(b"0861380").is_none());
        assert!(E164Number::from_digits(b"1234567890123456").is_none());
        assert!(E164Number::from_digits(b"12345678a").is_none());
        let number = E164Number::from_digits(b"8613800138000").unwrap();
        assert_eq!(number.to_string(), "+8613800138000");
        assert_eq!(number.digits().as_str(), "8613800138000");
        assert_eq!(E164Number::from_value(number.value()), Some(number));
    }

    #[test]
    fn debug_never_shows_a_whole_number() {
        let number = E164Number::from_digits(b"8613800138000").unwrap();
        assert_eq!(format!("{number:?}"), "+8613…(13)");
        let code = ShortCode::new(Region::CN, "10690123456789").unwrap();
        assert_eq!(format!("{code:?}"), "CN:1069…(14)");
        let code = ShortCode::new(Region::CN, "95588").unwrap();
        assert_eq!(format!("{code:?}"), "CN:95…(5)");
        let number = E164Number::from_digits(b"86138").unwrap();
        assert_eq!(format!("{number:?}"), "+86…(5)");
    }

    #[test]
    fn region_is_two_letters() {
        assert_eq!(Region::parse("cn"), Some(Region::CN));
        assert_eq!(Region::parse("C1"), None);
        assert_eq!(Region::parse("CHN"), None);
    }
}
