//! Single values of a pack: numbers, dates, points, codes.

use std::time::{Duration, UNIX_EPOCH};

use arrayvec::ArrayString;

use crate::model::category::Category;
use crate::model::entry::{NumberPattern, PlanDigits};
use crate::model::number::{E164Number, Number, Region, ShortCode};
use crate::model::time::Timestamp;
use crate::model::verdict::LabelKey;

/// Reads a number value: `+8613800138000`, `+8610*`, `+4930…-+4930…`, `CN:110`, `CN:400*`.
pub fn number_pattern(text: &str) -> Result<NumberPattern, String> {
    if let Some((first, last)) = split_range(text) {
        return range(first, last);
    }
    let (digits, open) = plan_digits(text)?;
    if open {
        return Ok(NumberPattern::Prefix(digits));
    }
    let number = match digits.region {
        None => E164Number::from_digits(digits.digits.as_bytes()).map(Number::E164),
        Some(region) => ShortCode::new(region, &digits.digits).map(Number::Short),
    };
    number.map(NumberPattern::Exact).ok_or_else(|| {
        format!(
            "\"{text}\" is no full number: 5 to 15 digits after +, first not 0 (a prefix ends in *)"
        )
    })
}

/// `-` parts a range only in front of a new `+` or region.
fn split_range(text: &str) -> Option<(&str, &str)> {
    let (first, last) = text.split_once('-')?;
    let starts = last.starts_with('+') || last.as_bytes().get(2) == Some(&b':');
    starts.then_some((first, last))
}

fn range(first: &str, last: &str) -> Result<NumberPattern, String> {
    let ((first_digits, open), (last_digits, last_open)) =
        (plan_digits(first)?, plan_digits(last)?);
    if open != last_open {
        return Err("both ends of a range end in * or neither does".into());
    }
    if first_digits.region != last_digits.region {
        return Err("both ends of a range need the same plan".into());
    }
    if first_digits.digits.len() != last_digits.digits.len() {
        return Err("both ends of a range need the same count of digits".into());
    }
    if first_digits.digits > last_digits.digits {
        return Err("the first end of a range is above the last".into());
    }
    Ok(NumberPattern::Range { first: first_digits, last: last_digits, open })
}

/// Digits with their plan, and whether a `*` follows.
fn plan_digits(text: &str) -> Result<(PlanDigits, bool), String> {
    let expected = || {
        format!("\"{text}\": expected + and digits, or REGION:digits, a prefix with * at the end")
    };
    let (region, rest) = match text.strip_prefix('+') {
        Some(rest) => (None, rest),
        None => {
            let (region, rest) = text.split_once(':').ok_or_else(expected)?;
            (Some(Region::parse(region).ok_or_else(expected)?), rest)
        }
    };
    let (digits, open) = match rest.strip_suffix('*') {
        Some(digits) => (digits, true),
        None => (rest, false),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(expected());
    }
    let digits =
        ArrayString::from(digits).map_err(|_| format!("\"{text}\" has more than 20 digits"))?;
    Ok((PlanDigits { region, digits }, open))
}

/// Reads `2026-11-23` or `2026-11-23T12:00:00Z` (UTC).
pub fn timestamp(text: &str) -> Result<Timestamp, String> {
    let expected = || format!("expected 2026-11-23 or 2026-11-23T12:00:00Z, found \"{text}\"");
    let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let time = humantime::parse_rfc3339(&full).map_err(|_| expected())?;
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| expected())?;
    u64::try_from(since.as_millis()).map(Timestamp).map_err(|_| expected())
}

/// The last instant that can be written: the end of the year 9999, in milliseconds.
const TIMESTAMP_MAX: u64 = 253_402_300_799_999;

/// Writes what [`timestamp`] reads: the day alone where nothing else is said. What lies behind the
/// year 9999 is written as its end.
pub fn timestamp_text(time: Timestamp) -> String {
    let since = Duration::from_millis(time.0.min(TIMESTAMP_MAX));
    let full = match since.subsec_millis() {
        0 => humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string(),
        _ => humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string(),
    };
    full.strip_suffix("T00:00:00Z").map_or_else(|| full.clone(), str::to_owned)
}

/// Writes what [`number_pattern`] reads.
pub fn pattern_text(pattern: &NumberPattern) -> String {
    let plan = |digits: &PlanDigits| match digits.region {
        None => format!("+{}", digits.digits),
        Some(region) => format!("{region}:{}", digits.digits),
    };
    match pattern {
        NumberPattern::Exact(number) => number.to_string(),
        NumberPattern::Prefix(digits) => plan(digits) + "*",
        NumberPattern::Range { first, last, open } => {
            let end = if *open { "*" } else { "" };
            format!("{}{end}-{}{end}", plan(first), plan(last))
        }
    }
}

/// Reads points.
pub(super) fn points(text: &str) -> Result<i16, String> {
    let value = text.parse::<i16>().ok().filter(|p| (-1000..=1000).contains(p));
    value.ok_or_else(|| format!("expected a whole number from -1000 to 1000, found \"{text}\""))
}

/// Reads a taxonomy code.
pub(super) fn category(text: &str) -> Result<Category, String> {
    Category::parse(text)
        .ok_or_else(|| format!("expected a taxonomy code such as CN08 or GL03, found \"{text}\""))
}

/// Reads a label key.
pub(super) fn label_key(text: &str) -> Result<LabelKey, String> {
    LabelKey::parse(text).ok_or_else(|| {
        let names: Vec<&str> = LabelKey::ALL.iter().map(|(_, name)| *name).collect();
        format!("expected one of {}, found \"{text}\"", names.join(", "))
    })
}

/// Reads yes or no.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("expected yes or no, found \"{text}\"")),
    }
}

/// Reads `10` or `7-11`.
pub(super) fn digit_counts(text: &str) -> Result<(u8, u8), String> {
    let expected = || format!("expected a count such as 10 or 7-11 (1 to 20), found \"{text}\"");
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let min = min.parse::<u8>().map_err(|_| expected())?;
    let max = max.parse::<u8>().map_err(|_| expected())?;
    if min == 0 || min > max || max > 20 { Err(expected()) } else { Ok((min, max)) }
}

/// Reads up to `N` digits; may be empty.
pub(super) fn short_digits<const N: usize>(text: &str) -> Result<ArrayString<N>, String> {
    let expected = || format!("expected at most {N} digits, found \"{text}\"");
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(expected());
    }
    ArrayString::from(text).map_err(|_| expected())
}

/// Reads a region.
pub(super) fn region(text: &str) -> Result<Region, String> {
    Region::parse(text)
        .ok_or_else(|| format!("expected a two-letter region such as CN or GB, found \"{text}\""))
}
