//! Places around which a link may stand: dots, also spelt out, and the colon of a scheme.
//!
//! Must not know what makes a host. Invariant: one pass over the bytes, whatever they are.

use super::host::{HostChar, host_char};
use super::work;

/// What people put a dot in, so that no filter reads the name and every reader does: `evil[.]com`.
const BRACKETS: [(char, char); 12] = [
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('（', '）'),
    ('［', '］'),
    ('【', '】'),
    ('〔', '〕'),
    ('〖', '〗'),
    ('「', '」'),
    ('『', '』'),
    ('《', '》'),
    ('〈', '〉'),
];
/// Most spaces between a bracket and the dot in it.
const SPACES_MAX: usize = 2;
/// Most characters behind the dot in `evil[.com]`: the longest public suffixes that anybody would
/// write so.
const BRACKETED_CHARS_MAX: usize = 24;
/// Words for a dot in brackets.
const DOT_WORDS: [&str; 2] = ["dot", "点"];

/// A place around which a link may stand.
pub(super) enum Anchor {
    /// A colon and the slashes after it, perhaps in full width or backslashes: browsers take
    /// `http:\\a.com` and `http:a.com` for `http://a.com`.
    Scheme { colon: usize, after: usize, slashes: usize },
    /// A dot or something like it.
    Dot { at: usize, after: usize },
}

/// The first anchor at `from` or after.
pub(super) fn next_anchor(text: &str, mut from: usize) -> Option<Anchor> {
    let bytes = text.as_bytes();
    loop {
        let is_anchor = |&b: &u8| {
            (b == b'.')
                | (b == b':')
                | (b == b'(')
                | (b == b'[')
                | (b == b'{')
                | (b == 0xE2)
                | (b == 0xE3)
                | (b == 0xEF)
        };
        // Whole blocks first, without a branch in a block, which compiles to vector instructions.
        let (blocks, _) = bytes.get(from..)?.as_chunks::<32>();
        let holds =
            |block: &[u8; 32]| block.iter().fold(0, |any, b| any | u8::from(is_anchor(b))) != 0;
        let start = from;
        from += 32 * blocks.iter().take_while(|&block| !holds(block)).count();
        let at = from + bytes[from..].iter().position(is_anchor)?;
        work::visit(at + 1 - start);
        let length = match &bytes[at..] {
            [b'.', ..] => return Some(Anchor::Dot { at, after: at + 1 }),
            // U+2024, U+3002, U+FE52, U+FF0E, U+FF61.
            [0xE2, 0x80, 0xA4, ..]
            | [0xE3, 0x80, 0x82, ..]
            | [0xEF, 0xB9, 0x92, ..]
            | [0xEF, 0xBC, 0x8E, ..]
            | [0xEF, 0xBD, 0xA1, ..] => return Some(Anchor::Dot { at, after: at + 3 }),
            // U+FF08, U+FF3B and U+3008 to U+3017 beside the ASCII brackets.
            [b'(' | b'[' | b'{', ..]
            | [0xEF, 0xBC, 0x88 | 0xBB, ..]
            | [0xE3, 0x80, 0x88..=0x97, ..] => {
                if let Some(length) = spelt_dot(&text[at..]) {
                    return Some(Anchor::Dot { at, after: at + length });
                }
                0
            }
            [b':', ..] if may_end_scheme(&bytes[..at]) => 1,
            [0xEF, 0xBC, 0x9A, ..] if may_end_scheme(&bytes[..at]) => 3,
            _ => 0,
        };
        from = at + length.max(1);
        if length > 0 {
            let (after, slashes) = slashes(bytes, from);
            return Some(Anchor::Scheme { colon: at, after, slashes });
        }
    }
}

/// Can a scheme end here? All of them end with `p` or `s`, or with a letter that folds to one; most
/// colons are those of times and smileys.
fn may_end_scheme(before: &[u8]) -> bool {
    before.last().is_some_and(|&b| matches!(b | 0x20, b'p' | b's') || !b.is_ascii())
}

/// How many bytes the dot in brackets has that `rest` starts with: `[.]`, `( dot )`; or the bracket
/// and the dot of `[.com]`.
pub(super) fn spelt_dot(rest: &str) -> Option<usize> {
    let open = rest.chars().next()?;
    let (_, close) = BRACKETS.into_iter().find(|(opening, _)| *opening == open)?;
    let spaces = |text: &str| text.bytes().take(SPACES_MAX).take_while(|&b| b == b' ').count();
    let inner = &rest[open.len_utf8()..];
    let mut length = spaces(inner);
    let word = &inner[length..];
    let is_word =
        |dot: &&str| word.get(..dot.len()).is_some_and(|head| head.eq_ignore_ascii_case(dot));
    let dot = word.chars().next().filter(|&c| host_char(c) == HostChar::Dot);
    length += match dot {
        Some(dot) => dot.len_utf8(),
        None => DOT_WORDS.into_iter().find(|word| is_word(word))?.len(),
    };
    let behind = &inner[length..];
    let closing = spaces(behind);
    if behind[closing..].starts_with(close) {
        return Some(open.len_utf8() + length + closing + close.len_utf8());
    }
    dot.filter(|_| is_bracketed(behind, close)).map(|_| open.len_utf8() + length)
}

/// Does `behind` start with a short name and then `close` or the end?
fn is_bracketed(behind: &str, close: char) -> bool {
    let in_name = |&c: &char| matches!(host_char(c), HostChar::Word | HostChar::Dot);
    let name = behind.chars().take(BRACKETED_CHARS_MAX + 1).take_while(in_name);
    let (length, bytes) = name.fold((0, 0), |(n, bytes), c| (n + 1, bytes + c.len_utf8()));
    work::visit(length);
    let next = behind[bytes..].chars().next();
    (1..=BRACKETED_CHARS_MAX).contains(&length) && next.is_none_or(|c| c == close)
}

/// Is there a dot in brackets in a host as written? No other brackets stand in one.
pub(super) fn has_spelt_dot(written: &str) -> bool {
    written.contains(BRACKETS.map(|(open, _)| open))
}

/// The last label of a host as written, whatever its dots are.
pub(super) fn last_label(written: &str) -> &str {
    let closes = |c: char| BRACKETS.iter().any(|(_, close)| *close == c);
    written.rsplit(|c| host_char(c) == HostChar::Dot || closes(c)).next().unwrap_or_default()
}

/// The place after the slashes and backslashes at `at`, and how many there are.
fn slashes(bytes: &[u8], at: usize) -> (usize, usize) {
    let (mut end, mut count) = (at, 0);
    while let Some(next) = slash(bytes, end).or((bytes.get(end) == Some(&b'\\')).then_some(end + 1))
    {
        (end, count) = (next, count + 1);
    }
    work::visit(count);
    (end, count)
}

/// The place after a slash at `at`, U+002F or U+FF0F.
pub(super) fn slash(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at..)? {
        [b'/', ..] => Some(at + 1),
        [0xEF, 0xBC, 0x8F, ..] => Some(at + 3),
        _ => None,
    }
}
