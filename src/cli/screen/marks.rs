//! Shows a text with every hit marked where it stood.
//!
//! Spans are octets of the text as sent; they are widened to whole characters and merged, so a
//! character is never split and no mark is set twice. Control characters are made visible: a text
//! from the network cannot drive the terminal.

use anstyle::{AnsiColor, Style};

use super::SentText;
use crate::cli::client::printable_char;
use crate::cli::output;
use crate::wire::screening_v1 as pb;

/// A hit in colour.
const HIT: Style =
    Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold().underline();

/// How a hit is marked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Marking {
    /// By colour.
    Colour,
    /// By brackets, where there is no colour.
    Brackets,
}

/// The text with its hits marked; one long line, with line ends kept.
pub(super) fn marked(text: &SentText, spans: &[pb::Span], marking: Marking) -> String {
    let spans = merged(spans);
    let mut out = String::new();
    let mut run = String::new();
    let mut in_hit = false;
    let mut next = 0;
    for unit in units(text) {
        while spans.get(next).is_some_and(|(_, end)| *end <= unit.start) {
            next += 1;
        }
        let hit = spans.get(next).is_some_and(|(start, _)| *start < unit.end);
        if hit != in_hit {
            flush(&mut out, &mut run, in_hit, marking);
            in_hit = hit;
        }
        let shown = if unit.char == '\n' { '\n' } else { printable_char(unit.char) };
        run.push(shown);
    }
    flush(&mut out, &mut run, in_hit, marking);
    out
}

fn flush(out: &mut String, run: &mut String, hit: bool, marking: Marking) {
    match (hit, marking) {
        (false, _) => out.push_str(run),
        (true, Marking::Colour) => out.push_str(&output::styled(HIT, run)),
        (true, Marking::Brackets) => {
            out.push('«');
            out.push_str(run);
            out.push('»');
        }
    }
    run.clear();
}

/// Sorted, overlapping and touching ones joined, empty ones left out.
fn merged(spans: &[pb::Span]) -> Vec<(u32, u32)> {
    let mut sorted: Vec<(u32, u32)> =
        spans.iter().map(|span| (span.start, span.end)).filter(|(s, e)| s < e).collect();
    sorted.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
    for (start, end) in sorted {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// One character and the octets it was read from.
struct Unit {
    char: char,
    start: u32,
    end: u32,
}

fn units(text: &SentText) -> Vec<Unit> {
    match text.encoding {
        pb::TextEncoding::Utf16Be => utf16_units(&text.octets),
        _ => utf8_units(&text.octets),
    }
}

fn utf8_units(octets: &[u8]) -> Vec<Unit> {
    let mut units = Vec::with_capacity(octets.len());
    let mut at = 0;
    let mut push = |char: char, octets: usize| {
        let start = at;
        at += octets as u32;
        units.push(Unit { char, start, end: at });
    };
    for chunk in octets.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push(c, c.len_utf8()));
        if !chunk.invalid().is_empty() {
            push(char::REPLACEMENT_CHARACTER, chunk.invalid().len());
        }
    }
    units
}

fn utf16_units(octets: &[u8]) -> Vec<Unit> {
    let (pairs, odd) = octets.as_chunks::<2>();
    let code_units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    let mut at = 0;
    let mut units = Vec::with_capacity(pairs.len() + 1);
    for decoded in char::decode_utf16(code_units) {
        let char = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
        let start = at;
        at += 2 * char.len_utf16() as u32;
        units.push(Unit { char, start, end: at });
    }
    if !odd.is_empty() {
        units.push(Unit { char: char::REPLACEMENT_CHARACTER, start: at, end: at + 1 });
    }
    units
}
