//! Octets to characters: the text of a message as a `str`, and the way back to the octets.
//!
//! Well-formed UTF-8 is borrowed. Everything else goes to the caller's scratch string, each
//! ill-formed sequence as one U+FFFD: odd text is evidence, never an error. Nothing is kept for
//! the way back; it walks the octets again, once for all places asked, as only hits need it.
//!
//! Must not know what is looked for in the text.

use std::ops::Range;
use std::str::Utf8Chunks;

use super::fold::floor_border;
use crate::model::attempt::{Content, TextEncoding};
use crate::model::verdict::Span;

/// Most octets of a text that are looked at (reliability goal on text bombs); ten concatenated
/// messages hold about 3,060.
pub const TEXT_OCTETS_MAX: usize = 16 * 1024;

/// The text of a message, read from its octets.
#[derive(Clone, Copy)]
pub struct Decoded<'s> {
    text: &'s str,
    /// The octets that were read: a head of the content.
    octets: &'s [u8],
    encoding: TextEncoding,
    ill_formed: bool,
    truncated: bool,
}

impl std::fmt::Debug for Decoded<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Decoded({} octets, {:?})", self.octets.len(), self.encoding)
    }
}

/// Reads the octets of `content`; `scratch` is overwritten where they cannot be borrowed.
pub fn decode<'s>(content: &Content<'s>, scratch: &'s mut String) -> Decoded<'s> {
    let encoding = content.encoding;
    let octets = head(content.octets, encoding);
    let truncated = octets.len() < content.octets.len();
    let (text, ill_formed) = match encoding {
        TextEncoding::Utf8 => match std::str::from_utf8(octets) {
            Ok(text) => (text, false),
            Err(_) => (replace_ill_formed(octets, scratch), true),
        },
        TextEncoding::Utf16Be => {
            let ill_formed = read_utf16(octets, scratch);
            (scratch.as_str(), ill_formed)
        }
    };
    Decoded { text, octets, encoding, ill_formed, truncated }
}

impl<'s> Decoded<'s> {
    /// The text.
    #[inline]
    pub fn text(&self) -> &'s str {
        self.text
    }

    /// Were the octets ill-formed in their encoding?
    #[inline]
    pub fn ill_formed(&self) -> bool {
        self.ill_formed
    }

    /// Were there more than [`TEXT_OCTETS_MAX`] octets?
    #[inline]
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// Are the bytes of the text the octets of the content, so that places need no mapping?
    #[inline]
    pub fn is_as_sent(&self) -> bool {
        self.encoding == TextEncoding::Utf8 && !self.ill_formed
    }

    /// Gives each place, a byte of [`Decoded::text`] at a character border, the octet of the
    /// content that the character there was read from: `(byte, octet)`. Places must rise; one walk
    /// over the text answers them all.
    pub fn locate(&self, places: &mut [(u32, u32)]) {
        debug_assert!(places.is_sorted());
        let mut walk = Walk::new(self.text, self.octets);
        for (byte, octet) in places {
            let byte = floor_border(self.text, *byte as usize);
            // At most TEXT_OCTETS_MAX.
            *octet = match self.encoding {
                TextEncoding::Utf8 if !self.ill_formed => byte,
                TextEncoding::Utf8 => walk.octet_in_utf8(byte),
                TextEncoding::Utf16Be => walk.octet_in_utf16(byte),
            } as u32;
        }
    }

    /// The octets of the content that bytes of [`Decoded::text`] were read from: exactly those of
    /// the characters touched. Walks the text; for many spans there is [`Decoded::locate`].
    pub fn original_span(&self, bytes: Range<usize>) -> Span {
        let start = floor_border(self.text, bytes.start);
        let mut end = bytes.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        let mut places = [(start as u32, 0), (end as u32, 0)];
        self.locate(&mut places);
        Span { start: places[0].1, end: places[1].1 }
    }
}

/// A walk over a text and the octets that it was read from, which never goes back.
struct Walk<'s> {
    text: &'s str,
    octets: &'s [u8],
    /// Where it is in the text: in ill-formed UTF-8, where the run at hand starts.
    byte: usize,
    /// The octet there.
    octet: usize,
    /// The runs of ill-formed UTF-8 still to come: well-formed octets, then ill-formed ones.
    runs: Utf8Chunks<'s>,
    /// Octets of the run at hand, well-formed and ill-formed.
    run: (usize, usize),
}

impl<'s> Walk<'s> {
    fn new(text: &'s str, octets: &'s [u8]) -> Walk<'s> {
        let mut runs = octets.utf8_chunks();
        let run = runs.next().map_or((0, 0), |run| (run.valid().len(), run.invalid().len()));
        Walk { text, octets, byte: 0, octet: 0, runs, run }
    }

    /// Octet of ill-formed UTF-8 at which the character at `byte` of the text starts.
    fn octet_in_utf8(&mut self, byte: usize) -> usize {
        while byte > self.byte + self.run.0 {
            let Some(next) = self.runs.next() else { return self.octets.len() };
            self.byte += self.run.0 + char::REPLACEMENT_CHARACTER.len_utf8();
            self.octet += self.run.0 + self.run.1;
            self.run = (next.valid().len(), next.invalid().len());
        }
        self.octet + byte.saturating_sub(self.byte)
    }

    /// Octet of UTF-16 at which the character at `byte` of the text starts. Every character of the
    /// text came from as many units as it has in UTF-16, but a last odd octet from half a unit.
    fn octet_in_utf16(&mut self, byte: usize) -> usize {
        let units: usize = self.text[self.byte..byte].chars().map(char::len_utf16).sum();
        self.byte = byte;
        self.octet = (self.octet + units * 2).min(self.octets.len());
        self.octet
    }
}

/// At most [`TEXT_OCTETS_MAX`] octets, cut where a character starts.
fn head(octets: &[u8], encoding: TextEncoding) -> &[u8] {
    if octets.len() <= TEXT_OCTETS_MAX {
        return octets;
    }
    let cut = match encoding {
        TextEncoding::Utf8 => {
            let is_start = |&at: &usize| octets[at] & 0xC0 != 0x80;
            (TEXT_OCTETS_MAX - 3..=TEXT_OCTETS_MAX).rev().find(is_start)
        }
        TextEncoding::Utf16Be => {
            let is_low = octets[TEXT_OCTETS_MAX] & 0xFC == 0xDC;
            let is_high = octets[TEXT_OCTETS_MAX - 2] & 0xFC == 0xD8;
            (is_low && is_high).then_some(TEXT_OCTETS_MAX - 2)
        }
    };
    &octets[..cut.unwrap_or(TEXT_OCTETS_MAX)]
}

fn replace_ill_formed<'s>(octets: &[u8], scratch: &'s mut String) -> &'s str {
    scratch.clear();
    for chunk in octets.utf8_chunks() {
        scratch.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            scratch.push(char::REPLACEMENT_CHARACTER);
        }
    }
    scratch
}

/// Reads UTF-16BE into `scratch`; was it ill-formed?
fn read_utf16(octets: &[u8], scratch: &mut String) -> bool {
    scratch.clear();
    // At most three bytes for each unit of two octets, so that pushing never grows it.
    scratch.reserve(octets.len() / 2 * 3 + char::REPLACEMENT_CHARACTER.len_utf8());
    let (pairs, rest) = octets.as_chunks::<2>();
    let mut ill_formed = false;
    for unit in char::decode_utf16(pairs.iter().map(|&pair| u16::from_be_bytes(pair))) {
        ill_formed |= unit.is_err();
        scratch.push(unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if !rest.is_empty() {
        ill_formed = true;
        scratch.push(char::REPLACEMENT_CHARACTER);
    }
    ill_formed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn content(octets: &[u8], encoding: TextEncoding) -> Content<'_> {
        Content { octets, encoding, ..Content::default() }
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn well_formed_utf8_is_borrowed() {
        let mut scratch = String::from("untouched");
        let text = "点击 t.cn/Abc 😀";
        let decoded = decode(&content(text.as_bytes(), TextEncoding::Utf8), &mut scratch);
        assert!(std::ptr::eq(decoded.text(), text));
        assert!(!decoded.ill_formed() && !decoded.truncated());
        assert_eq!(decoded.original_span(3..6), Span { start: 3, end: 6 });
        // Widened to character borders, clamped to the text.
        assert_eq!(decoded.original_span(1..4), Span { start: 0, end: 6 });
        let all = text.len() as u32;
        assert_eq!(decoded.original_span(500..900), Span { start: all, end: all });
    }

    #[test]
    fn ill_formed_utf8_maps_back() {
        // A cut Han character, a lone continuation, an overlong form, a surrogate in UTF-8.
        let octets = b"a\xE4\xBDb\x80c\xC0\xAFd\xED\xA0\x80e\xF0\x9F\x98";
        let mut scratch = String::new();
        let decoded = decode(&content(octets, TextEncoding::Utf8), &mut scratch);
        assert!(decoded.ill_formed());
        assert_eq!(decoded.text(), String::from_utf8_lossy(octets));
        for (letter, at) in [("a", 0), ("b", 3), ("c", 5), ("d", 8), ("e", 12)] {
            let byte = decoded.text().find(letter).unwrap();
            assert_eq!(decoded.original_span(byte..byte + 1), Span { start: at, end: at + 1 });
        }
        let end = decoded.text().len();
        assert_eq!(decoded.original_span(end - 3..end), Span { start: 13, end: 16 });
        assert_eq!(decoded.original_span(1..4), Span { start: 1, end: 3 });
    }

    #[test]
    fn utf16_with_lone_surrogates_and_odd_length() {
        let mut octets = utf16("请😀");
        octets.extend([0xD8, 0x3D, 0x00, 0x41, 0xDE, 0x00, 0x00, 0x42, 0x43]);
        let mut scratch = String::new();
        let decoded = decode(&content(&octets, TextEncoding::Utf16Be), &mut scratch);
        assert!(decoded.ill_formed());
        assert_eq!(decoded.text(), "请😀\u{FFFD}A\u{FFFD}B\u{FFFD}");
        assert_eq!(decoded.original_span(3..7), Span { start: 2, end: 6 });
        assert_eq!(decoded.original_span(7..10), Span { start: 6, end: 8 });
        assert_eq!(decoded.original_span(10..11), Span { start: 8, end: 10 });
        assert_eq!(decoded.original_span(15..18), Span { start: 14, end: 15 });
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut scratch = String::new();
        let text = format!("a{}", "中".repeat(6000));
        let decoded = decode(&content(text.as_bytes(), TextEncoding::Utf8), &mut scratch);
        assert!(decoded.truncated() && !decoded.ill_formed());
        assert_eq!(decoded.text().len(), TEXT_OCTETS_MAX);
        let text = "中".repeat(6000);
        let decoded = decode(&content(text.as_bytes(), TextEncoding::Utf8), &mut scratch);
        assert_eq!(decoded.text().len(), TEXT_OCTETS_MAX - 1);
        let octets = utf16(&format!("a{}", "😀".repeat(5000)));
        let decoded = decode(&content(&octets, TextEncoding::Utf16Be), &mut scratch);
        assert!(decoded.truncated() && !decoded.ill_formed());
        assert_eq!(decoded.text().chars().count(), 1 + (TEXT_OCTETS_MAX / 2 - 1) / 2);
        let octets = vec![0xFF; 40_000];
        let decoded = decode(&content(&octets, TextEncoding::Utf8), &mut scratch);
        assert_eq!(decoded.text().len(), TEXT_OCTETS_MAX * 3);
    }

    /// Cutting out the span and reading it again gives the character, one after the other, with
    /// no octet left out.
    fn check_spans(octets: &[u8], encoding: TextEncoding) {
        let mut scratch = String::new();
        let decoded = decode(&content(octets, encoding), &mut scratch);
        let mut last = 0;
        for (at, c) in decoded.text().char_indices() {
            let span = decoded.original_span(at..at + c.len_utf8());
            assert_eq!(span.start, last);
            assert!(span.end > span.start);
            let mut again = String::new();
            let cut = &octets[span.start as usize..span.end as usize];
            assert_eq!(decode(&content(cut, encoding), &mut again).text(), c.to_string());
            last = span.end;
        }
        assert_eq!(last as usize, octets.len());
        // All places in one walk are those that are asked one by one.
        let borders = (0..=decoded.text().len()).filter(|&at| decoded.text().is_char_boundary(at));
        let mut places: Vec<_> = borders.map(|at| (at as u32, 0)).collect();
        decoded.locate(&mut places);
        for (byte, octet) in places {
            let at = byte as usize;
            assert_eq!(octet, decoded.original_span(at..at).start);
        }
    }

    proptest! {
        #[test]
        fn random_octets_map_back(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            check_spans(&octets, TextEncoding::Utf8);
            check_spans(&octets, TextEncoding::Utf16Be);
        }

        #[test]
        fn broken_text_maps_back(text in "\\PC{0,20}", at in 0usize..80, octet: u8) {
            use TextEncoding::{Utf8, Utf16Be};
            for (mut octets, encoding) in
                [(text.clone().into_bytes(), Utf8), (utf16(&text), Utf16Be)]
            {
                if let Some(place) = octets.get_mut(at) {
                    *place = octet;
                }
                check_spans(&octets, encoding);
            }
        }
    }
}
