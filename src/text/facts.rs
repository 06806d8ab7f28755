//! Facts in a folded text: phone numbers, one-time codes, the signature in 【…】.
//!
//! Works on folded units, where digits of any script are ASCII and brackets have one form; spans
//! are given in bytes of the decoded text. Numbers inside links are never facts. What a fact means
//! for a verdict is for others to say.
//!
//! Invariants: spans rise and do not overlap within a kind; a number of 7 or 8 digits without
//! separators may be a local phone number or a code and counts as both, any other number as one at
//! most; all are kept, since what matters may stand behind many that do not; one pass.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::class::{UnitClass, class_of};
use super::fold::Folded;
use super::links::Links;

/// Digits of a phone number: local ones have 7; 20 hold any with prefix and extension.
pub const PHONE_DIGITS: Range<usize> = 7..21;
/// Digits of a one-time code.
pub const CODE_DIGITS: Range<usize> = 4..9;
/// Most units between the brackets of a signature; rules of carriers allow about 20 characters.
pub const SIGNATURE_UNITS_MAX: usize = 40;
/// Most groups of digits that make one phone number.
const GROUPS_MAX: usize = 7;

const OPEN: u16 = '【' as u16;
const CLOSE: u16 = '】' as u16;

/// Where a signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The text starts with it.
    Start,
    /// The text ends with it.
    End,
    /// Somewhere else: perhaps only emphasis.
    Inside,
}

/// What stands in 【…】.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Bytes of the decoded text, brackets included.
    pub span: Range<usize>,
    /// Folded units between the brackets, outer spaces left out; never empty.
    pub units: Range<usize>,
    /// Where it stands.
    pub place: Place,
}

/// The facts of a text. Keep one and find into it again.
#[derive(Clone, Default)]
pub struct Facts {
    /// Phone numbers: bytes of the decoded text.
    pub phones: Vec<Range<usize>>,
    /// Codes of 4 to 8 digits standing alone: bytes of the decoded text.
    pub codes: Vec<Range<usize>>,
    /// The signature: the first at the start of the text, else the last.
    pub signature: Option<Signature>,
}

impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Facts({} phones, {} codes, signature {:?})",
            self.phones.len(),
            self.codes.len(),
            self.signature.as_ref().map(|signature| signature.place)
        )
    }
}

/// Finds the facts of a text, replacing what was in `out`.
pub fn find_facts(folded: &Folded, links: &Links, out: &mut Facts) {
    out.phones.clear();
    out.codes.clear();
    out.signature = signature(folded);
    let units = folded.units();
    let mut links = links.iter().map(|link| link.span).peekable();
    let mut at = 0;
    while let Some(found) = units[at..].iter().position(|&unit| is_digit(unit)) {
        let start = at + found;
        let byte = usize::from(folded.offsets()[start]);
        while links.next_if(|link| link.end <= byte).is_some() {}
        if let Some(link) = links.peek().filter(|link| link.start <= byte) {
            let inside = folded.offsets()[start..].iter();
            at = start + inside.take_while(|&&offset| usize::from(offset) < link.end).count();
            continue;
        }
        let limit = links.peek().map_or(units.len(), |link| {
            start + folded.offsets()[start..].partition_point(|&o| usize::from(o) < link.start)
        });
        at = number(folded, start, limit, out);
    }
}

/// Takes the number that starts at `start`; returns where to go on.
fn number(folded: &Folded, start: usize, limit: usize, out: &mut Facts) -> usize {
    let units = folded.units();
    let groups = groups(&units[..limit], start);
    for count in (1..=groups.len()).rev() {
        let taken = &groups[..count];
        let end = taken[count - 1].end;
        if is_phone(units, taken) {
            let first = phone_start(units, start, count);
            out.phones.push(folded.span(first..end));
            if count == 1 {
                code(folded, taken[0].clone(), out);
            }
            return end;
        }
    }
    if is_date(units, &groups) {
        return groups[2].end;
    }
    let first = groups.first().cloned().unwrap_or(start..start + 1);
    let end = first.end;
    code(folded, first, out);
    end
}

fn code(folded: &Folded, group: Range<usize>, out: &mut Facts) {
    if CODE_DIGITS.contains(&group.len()) && stands_alone(folded.units(), &group) {
        out.codes.push(folded.span(group));
    }
}

fn is_digit(unit: u16) -> bool {
    unit.wrapping_sub(0x30) < 10
}

fn is_letter(unit: u16) -> bool {
    class_of(unit) == UnitClass::Letter
}

fn is(unit: Option<&u16>, any_of: &str) -> bool {
    unit.is_some_and(|&unit| any_of.chars().any(|c| c as u32 == u32::from(unit)))
}

/// What people write between the groups of a phone number: space, brackets, dashes.
fn is_gap(unit: u16) -> bool {
    matches!(unit, 0x20 | 0x28 | 0x29 | 0x2D | 0x2010..=0x2014)
}

/// Runs of digits from `start` on, parted by no more than a phone number's separators.
fn groups(units: &[u16], start: usize) -> ArrayVec<Range<usize>, GROUPS_MAX> {
    let mut groups = ArrayVec::new();
    let mut at = start;
    while !groups.is_full() {
        let digits = units[at..].iter().take_while(|&&unit| is_digit(unit)).count();
        if digits == 0 {
            break;
        }
        groups.push(at..at + digits);
        at += digits;
        let gap = units[at..].iter().take(2).take_while(|&&unit| is_gap(unit));
        at += gap.count();
    }
    groups
}

/// A plus sign before the first digit is part of it, and a bracket that is closed further on.
fn phone_start(units: &[u16], start: usize, groups: usize) -> usize {
    let marks = if groups > 1 { "+(" } else { "+" };
    let before = units[..start].iter().rev().take_while(|&unit| is(Some(unit), marks));
    start - before.take(2).count()
}

fn is_phone(units: &[u16], groups: &[Range<usize>]) -> bool {
    let (start, end) = (groups[0].start, groups[groups.len() - 1].end);
    let digits: usize = groups.iter().map(Range::len).sum();
    PHONE_DIGITS.contains(&digits)
        && are_phone_groups(groups)
        && !is_date(units, groups)
        && !is_packed_date(&units[groups[0].clone()], groups.len())
        && !is_amount(units, start, end)
        && !units.get(end).is_some_and(|&unit| is_letter(unit))
        && !is(units.get(end), "%:/")
        && !is_after_digit(units, start, ":/")
}

/// Groups of a number as people write it: the last has at least 3 digits, but for numbers written
/// in pairs; the others 2 to 6, but for a country code or trunk prefix of one.
fn are_phone_groups(groups: &[Range<usize>]) -> bool {
    let [first, middle @ .., last] = groups else { return true };
    let pairs = groups.len() >= 4 && last.len() == 2 && middle.iter().all(|g| g.len() == 2);
    let middle_fits = middle.iter().all(|group| (2..=6).contains(&group.len()));
    pairs || first.len() <= 6 && middle_fits && (3..=8).contains(&last.len())
}

/// Year, month and day in three groups, or day, month and year.
fn is_date(units: &[u16], groups: &[Range<usize>]) -> bool {
    let [a, b, c, ..] = groups else { return false };
    let value = |group: &Range<usize>| value(&units[group.clone()]);
    let is_year = |group: &Range<usize>| group.len() == 4 && (1900..2100).contains(&value(group));
    let is_small = |group: &Range<usize>| group.len() <= 2 && (1..=31).contains(&value(group));
    is_small(b) && (is_year(a) && is_small(c) || is_small(a) && is_year(c))
}

/// `20261123`, or years from to: `2025-2026`.
fn is_packed_date(first: &[u16], groups: usize) -> bool {
    let is_year = |units: &[u16]| (1900..2100).contains(&value(units));
    match (first.len(), groups) {
        (8, 1) => {
            is_year(&first[..4])
                && (1..=12).contains(&value(&first[4..6]))
                && (1..=31).contains(&value(&first[6..]))
        }
        (4, 2) => is_year(first),
        _ => false,
    }
}

/// The number that digits say; only asked for a few of them.
fn value(units: &[u16]) -> u32 {
    units.iter().fold(0, |value: u32, &unit| {
        value.saturating_mul(10).saturating_add(u32::from(unit.saturating_sub(0x30)))
    })
}

/// Part of a decimal or grouped number, or with a currency beside it.
fn is_amount(units: &[u16], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| units.get(at));
    is_decimal(&units[end..])
        || is_after_digit(units, start, ".")
        || is(before, "$€£¥₹₩฿₺￥")
        || is(units.get(end), "元万圆块円원$€£¥₹₺฿")
}

/// Do these units go on a number: a point and digits, or a comma and two or three digits? Not where
/// an ideograph follows: `，` folds to a comma, and `123456，30分钟` is a code and a time.
fn is_decimal(rest: &[u16]) -> bool {
    let digits = rest.iter().skip(1).take_while(|&&unit| is_digit(unit)).count();
    let next = rest.get(digits + 1).map(|&unit| class_of(unit));
    match is(rest.first(), ".") {
        true => digits > 0,
        false => {
            is(rest.first(), ",") && (2..=3).contains(&digits) && next != Some(UnitClass::Ideograph)
        }
    }
}

/// Does a digit and one of these stand right before `start`?
fn is_after_digit(units: &[u16], start: usize, marks: &str) -> bool {
    start >= 2 && is(units.get(start - 1), marks) && is_digit(units[start - 2])
}

/// May a group of digits be a code: no letter touches it, and it is no part of an amount, a date,
/// a time or a masked account.
fn stands_alone(units: &[u16], group: &Range<usize>) -> bool {
    let (start, end) = (group.start, group.end);
    let before = start.checked_sub(1).and_then(|at| units.get(at));
    let next_is_digit = units.get(end + 1).is_some_and(|&unit| is_digit(unit));
    let goes_on = next_is_digit && is(units.get(end), ":/-");
    let is_tail = start >= 2 && is(before, "号") && is(units.get(start - 2), "尾");
    let touches = before.into_iter().chain(units.get(end)).any(|&unit| is_letter(unit));
    !touches
        && !is_amount(units, start, end)
        && !is(before, "*+")
        && !is(units.get(end), "年%*")
        && !goes_on
        && !is_after_digit(units, start, ":/-")
        && !is_tail
        && !is_packed_date(&units[group.clone()], 1)
}

/// The signature: the first 【…】 where the text starts with it, else the last one.
pub fn signature(folded: &Folded) -> Option<Signature> {
    let units = folded.units();
    if units.first() == Some(&OPEN)
        && let Some(length) =
            units[1..].iter().take(SIGNATURE_UNITS_MAX + 1).position(|unit| *unit == CLOSE)
        && let Some(found) = bracketed(folded, 0, length + 1, Place::Start)
    {
        return Some(found);
    }
    let close = units.iter().rposition(|unit| *unit == CLOSE)?;
    let head = &units[..close];
    let length = head.iter().rev().take(SIGNATURE_UNITS_MAX + 1).position(|&unit| unit == OPEN)?;
    let rest = &units[close + 1..];
    let ends = rest.iter().all(|&unit| class_of(unit) == UnitClass::Separator);
    let place = if ends { Place::End } else { Place::Inside };
    bracketed(folded, close - 1 - length, close, place)
}

fn bracketed(folded: &Folded, open: usize, close: usize, place: Place) -> Option<Signature> {
    let units = folded.units();
    let inner = &units[open + 1..close];
    let is_word = |&unit: &u16| unit != u16::from(b' ');
    let first = inner.iter().position(is_word)?;
    let last = inner.iter().rposition(is_word)?;
    let units = open + 1 + first..open + 2 + last;
    Some(Signature { span: folded.span(open..close + 1), units, place })
}

#[cfg(test)]
mod tests;
