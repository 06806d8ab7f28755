//! Times as other people write them, made ours: `2026-11-23` or `2026-11-23T12:00:00Z`.
//!
//! Owns the forms that are known. Must not know the time of day. A time without a zone is UTC.

use std::time::{Duration, SystemTime};

/// One day.
const DAY: Duration = Duration::from_secs(86_400);

/// Reads `2026-11-23`, `2026-11-23 12:00:00`, RFC 3339 with fractions and any offset.
pub fn canonical(text: &str) -> Result<String, String> {
    let text = text.trim();
    if is_day(text) && time(text).is_some() {
        return Ok(text.to_owned());
    }
    time(text).map(write).ok_or_else(|| expected(text))
}

/// As [`canonical`], and American `MM/DD/YYYY`, for sources that are known to mean it.
pub fn american(text: &str) -> Result<String, String> {
    let day = text.split_ascii_whitespace().next().unwrap_or("");
    let parts: Vec<&str> = day.split('/').collect();
    let [month, day, year] = parts[..] else { return canonical(text) };
    canonical(&format!("{year:0>4}-{month:0>2}-{day:0>2}")).map_err(|_| expected(text))
}

/// A time so many days after one that [`canonical`] gave.
pub fn days_later(text: &str, days: u32) -> Result<String, String> {
    let later = time(text).and_then(|time| time.checked_add(DAY * days));
    later.filter(|time| *time < end()).map(write).ok_or_else(|| expected(text))
}

fn expected(text: &str) -> String {
    // Whole cells of unknown content do not belong into messages.
    let shown: String = text.chars().take(32).collect();
    format!("expected a time such as 2026-11-23 or 2026-11-23T12:00:00Z, found \"{shown}\"")
}

fn write(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The first instant that cannot be written with four digits of year: 10000-01-01.
fn end() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800)
}

fn is_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, b)| match at {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        })
}

fn time(text: &str) -> Option<SystemTime> {
    if !text.is_ascii() || text.len() < 10 {
        return None;
    }
    if is_day(text) {
        return humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok();
    }
    let (plain, offset) = split_offset(text)?;
    let time = humantime::parse_rfc3339_weak(plain).ok()?;
    let shift = Duration::from_secs(offset.unsigned_abs() * 60);
    let time = if offset < 0 { time.checked_add(shift) } else { time.checked_sub(shift) }?;
    (SystemTime::UNIX_EPOCH..end()).contains(&time).then_some(time)
}

/// Takes `+08:00` off; gives it in minutes.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    let at = text.len().saturating_sub(6);
    let (plain, offset) = text.split_at(at);
    let sign = match offset.as_bytes().first()? {
        b'+' => 1,
        b'-' if plain.len() > 10 => -1,
        _ => return Some((text, 0)),
    };
    let (hours, minutes) = offset[1..].split_once(':')?;
    let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some((plain, sign * (i64::from(hours) * 60 + i64::from(minutes))))
}
