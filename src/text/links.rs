//! Links in a decoded text: `https://…`, `hxxp://…`, `www.…`, bare hosts (`t.cn/Abc`), glued to
//! ideographs or written in full width.
//!
//! Works on the text as sent, not on the folded one, because a path has letter case and a host
//! has an exact meaning: the host reported is the one that the network would look up, so a
//! look-alike of `apple.com` in Cyrillic letters is reported as its `xn--` form.
//!
//! Invariants: spans rise, do not overlap and are on character borders; hosts are lower-case ASCII
//! of at most [`HOST_BYTES_MAX`] bytes; time is linear in the text. A text without a dot or `://`
//! costs one pass over its bytes. What a host must be like is in `host.rs`. Dots spelt out
//! (`abc(dot)com`) are not read yet: they would be one more kind of `Anchor`.

mod host;

use std::ops::Range;

use arrayvec::ArrayVec;

use self::host::{HostChar, Surroundings, host_char};
use super::table;

/// Most links of a text; who sends more has shown enough.
pub const LINKS_MAX: usize = 32;
/// Most bytes of a host name in text form (RFC 1035 section 2.3.4).
pub const HOST_BYTES_MAX: usize = 253;
/// Most characters of a label that are read; longer ones are no hosts.
const LABEL_CHARS_MAX: usize = 64;
/// Most labels of a run of words and dots that are taken for one host.
const LABELS_MAX: usize = 32;
/// How many shorter hosts are tried where words follow a host without a space (`a.com.Thanks`).
const SHORTER_MAX: usize = 3;
/// Most bytes of a run of words and dots that are taken for one host: as many characters as a host
/// has bytes, four bytes each.
const RUN_BYTES_MAX: usize = 4 * HOST_BYTES_MAX;
/// Longest scheme first, since one ends with the other.
const SCHEMES: [&str; 4] = ["https", "hxxps", "http", "hxxp"];

/// One link.
#[derive(Clone, PartialEq, Eq)]
pub struct Link<'l> {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// The host, lower-case ASCII: a name, an IPv4 address, or an IPv6 address in brackets.
    pub host: &'l str,
    /// Where in the host the registrable domain stands; all of it where it has none.
    pub registrable: Range<usize>,
    /// Does something follow the host: a path, a query or a fragment that is not empty?
    pub has_path: bool,
}

impl<'l> Link<'l> {
    /// The registrable domain: `example.co.uk` of `www.example.co.uk`.
    pub fn registrable_domain(&self) -> &'l str {
        &self.host[self.registrable.clone()]
    }
}

impl std::fmt::Debug for Link<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({:?}, host of {} bytes)", self.span, self.host.len())
    }
}

/// The links of a text, in order. Keep one and find into it again: its buffer is reused.
#[derive(Default)]
pub struct Links {
    hosts: String,
    items: ArrayVec<Item, LINKS_MAX>,
}

#[derive(Clone)]
struct Item {
    span: Range<usize>,
    host: Range<usize>,
    registrable_start: usize,
    has_path: bool,
}

impl Links {
    /// An empty one.
    pub fn new() -> Links {
        Links::default()
    }

    /// The links, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = Link<'_>> {
        self.items.iter().map(|item| Link {
            span: item.span.clone(),
            host: &self.hosts[item.host.clone()],
            registrable: item.registrable_start..item.host.len(),
            has_path: item.has_path,
        })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Links({})", self.len())
    }
}

/// Finds the links of `text`, replacing what was in `out`.
pub fn find_links(text: &str, out: &mut Links) {
    out.hosts.clear();
    out.items.clear();
    let mut finder = Finder { text, done: 0, out };
    let mut from = 0;
    while let Some(anchor) = next_anchor(text.as_bytes(), from) {
        from = match anchor {
            Anchor::Scheme { colon, after } => finder.with_scheme(colon, after),
            Anchor::Dot { at, after } => finder.bare(at, after),
        };
        if finder.out.items.is_full() {
            return;
        }
    }
}

/// A place around which a link may stand.
enum Anchor {
    /// `://`, perhaps in full width.
    Scheme { colon: usize, after: usize },
    /// A dot or something like it.
    Dot { at: usize, after: usize },
}

fn next_anchor(bytes: &[u8], mut from: usize) -> Option<Anchor> {
    loop {
        let is_anchor =
            |&b: &u8| (b == b'.') | (b == b':') | (b == 0xE2) | (b == 0xE3) | (b == 0xEF);
        // Whole blocks first, without a branch in a block, which compiles to vector instructions.
        let (blocks, _) = bytes.get(from..)?.as_chunks::<32>();
        let holds =
            |block: &[u8; 32]| block.iter().fold(0, |any, b| any | u8::from(is_anchor(b))) != 0;
        from += 32 * blocks.iter().take_while(|&block| !holds(block)).count();
        let at = from + bytes[from..].iter().position(is_anchor)?;
        let length = match &bytes[at..] {
            [b'.', ..] => return Some(Anchor::Dot { at, after: at + 1 }),
            // U+2024, U+3002, U+FE52, U+FF0E, U+FF61.
            [0xE2, 0x80, 0xA4, ..]
            | [0xE3, 0x80, 0x82, ..]
            | [0xEF, 0xB9, 0x92, ..]
            | [0xEF, 0xBC, 0x8E, ..]
            | [0xEF, 0xBD, 0xA1, ..] => return Some(Anchor::Dot { at, after: at + 3 }),
            [b':', ..] => 1,
            [0xEF, 0xBC, 0x9A, ..] => 3,
            _ => 0,
        };
        from = at + length.max(1);
        if length > 0
            && let Some(after) = slash(bytes, from).and_then(|second| slash(bytes, second))
        {
            return Some(Anchor::Scheme { colon: at, after });
        }
    }
}

/// The place after a slash at `at`, U+002F or U+FF0F.
fn slash(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at..)? {
        [b'/', ..] => Some(at + 1),
        [0xEF, 0xBC, 0x8F, ..] => Some(at + 3),
        _ => None,
    }
}

struct Finder<'a> {
    text: &'a str,
    /// The end of the last link.
    done: usize,
    out: &'a mut Links,
}

impl Finder<'_> {
    /// Reads a link whose `://` is at `colon..after`; returns where to go on.
    fn with_scheme(&mut self, colon: usize, after: usize) -> usize {
        let Some(start) = self.scheme_start(colon) else { return after };
        let host = self.user_info_end(after);
        if let Some(end) = ipv6_end(self.text, host) {
            let name = self.out.hosts.len();
            self.out.hosts.extend(self.text[host..end].chars().map(|c| c.to_ascii_lowercase()));
            return self.push(start..end, name, name);
        }
        let run = Run::read(self.text, host, true);
        if self.text[run.end()..].starts_with("://") {
            // A scheme before a scheme: the second one counts.
            return after;
        }
        let glued = |c: char| host_char(c) == HostChar::Ideograph;
        let plain_end = self.text[host..run.end()].find(glued).map(|at| host + at);
        let plain = plain_end.map(|end| Run::read(&self.text[..end], host, false));
        let mut runs = [Some(&run), plain.as_ref()];
        // First whatever has a known suffix: all of it, then without the ideographs glued to it,
        // then without words glued to it; else anything that can be a host, the shorter first.
        for known in [true, false] {
            if !known {
                runs.reverse();
            }
            for run in runs.into_iter().flatten() {
                if self.try_run(start, run, run.labels.len(), known) {
                    return self.done;
                }
            }
            for run in runs.into_iter().flatten().filter(|_| known) {
                for labels in run.shorter() {
                    if self.is_border(run, labels) && self.try_run(start, run, labels, known) {
                        return self.done;
                    }
                }
            }
        }
        after
    }

    /// Does a new sentence seem to start after so many labels? A small letter goes on the name:
    /// a suffix that the list does not know yet must not pass for the name before it.
    fn is_border(&self, run: &Run, labels: usize) -> bool {
        let before = run.labels[labels - 1].end;
        let next = &self.text[run.labels[labels].clone()];
        let is_full_stop = self.text[before..].starts_with(['。', '｡']);
        let mut letters = next.chars();
        let is_capital = letters.next().is_some_and(char::is_uppercase)
            && letters.next().is_none_or(char::is_lowercase);
        is_full_stop || is_capital
    }

    fn try_run(&mut self, start: usize, run: &Run, labels: usize, known: bool) -> bool {
        let Some(range) = run.range(0, labels) else { return false };
        let name = self.out.hosts.len();
        match host::resolve(&self.text[range.clone()], known, &mut self.out.hosts) {
            Some(found) if found.known || !known => {
                self.push(start..range.end, name, name + found.registrable_start);
                true
            }
            _ => {
                self.out.hosts.truncate(name);
                false
            }
        }
    }

    /// Reads a host without a scheme around the dot at `dot..after`; returns where to go on.
    fn bare(&mut self, dot: usize, after: usize) -> usize {
        let Some(start) = self.label_start(dot) else { return after };
        let run = Run::read(self.text, start, false);
        if run.labels.len() < 2 {
            return after;
        }
        let end = run.end();
        if self.text[end..].starts_with('@') {
            return end;
        }
        let is_www = |label: &Range<usize>| self.text[label.clone()].eq_ignore_ascii_case("www");
        let www = run.labels.iter().position(is_www).filter(|at| at + 2 < run.labels.len());
        let first = www.unwrap_or(0);
        let mail = first == 0 && self.text[..start].ends_with('@');
        let all = run.labels.len();
        for labels in std::iter::once(all).chain(run.shorter()).filter(|&n| n >= first + 2) {
            let Some(range) = run.range(first, labels) else { continue };
            let tail = Tail::read(self.text, range.end);
            if mail && !tail.has_path {
                continue;
            }
            let name = self.out.hosts.len();
            let surroundings = Surroundings {
                is_www: www.is_some(),
                has_path: tail.has_path,
                has_port: tail.has_port,
                ideographs: host::beside_ideographs(self.text, range.start, tail.end),
            };
            let written = &self.text[range.clone()];
            match host::resolve(written, true, &mut self.out.hosts) {
                Some(found)
                    if host::is_bare_host(
                        written,
                        &self.out.hosts[name..],
                        &found,
                        surroundings,
                    ) =>
                {
                    let registrable = name + found.registrable_start;
                    return self.push(range, name, registrable);
                }
                _ => self.out.hosts.truncate(name),
            }
        }
        end
    }

    /// Takes the link `found`, up to the end of its host, which stands in the buffer from `name`;
    /// returns where to go on.
    fn push(&mut self, found: Range<usize>, name: usize, registrable: usize) -> usize {
        let tail = Tail::read(self.text, found.end);
        let host = name..self.out.hosts.len();
        self.done = tail.end;
        // There is room: the search ends when there is none.
        let _ = self.out.items.try_push(Item {
            span: found.start..tail.end,
            registrable_start: registrable - name,
            host,
            has_path: tail.has_path,
        });
        self.done
    }

    /// Where the scheme starts that ends at `colon`.
    fn scheme_start(&self, colon: usize) -> Option<usize> {
        let before = &self.text[self.done.min(colon)..colon];
        let (mut word, mut start) = (ArrayVec::<u8, 5>::new(), colon);
        let mut found = None;
        for c in before.chars().rev() {
            let unit = table::single(c).and_then(|unit| u8::try_from(unit).ok());
            let Some(letter) = unit.filter(u8::is_ascii_lowercase) else { break };
            if word.try_insert(0, letter).is_err() {
                break;
            }
            start -= c.len_utf8();
            if SCHEMES.iter().any(|scheme| scheme.as_bytes() == word.as_slice()) {
                found = Some(start);
            }
        }
        found
    }

    /// Where the host starts: after user information, where there is some.
    fn user_info_end(&self, after: usize) -> usize {
        let ends =
            |c: char| !c.is_ascii_graphic() || matches!(c, '/' | '?' | '#' | '<' | '>' | '"');
        let rest = &self.text[after..];
        let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
        authority.rfind('@').map_or(after, |at| after + at + 1)
    }

    /// Where the label starts that ends at the dot; `None` where there is none.
    fn label_start(&self, dot: usize) -> Option<usize> {
        let before = &self.text[self.done.min(dot)..dot];
        let mut start = None;
        for (index, (at, c)) in before.char_indices().rev().enumerate() {
            match host_char(c) {
                HostChar::Word if index < LABEL_CHARS_MAX => start = Some(at),
                HostChar::Hyphen | HostChar::Invisible if index < LABEL_CHARS_MAX => {}
                _ if index >= LABEL_CHARS_MAX => return None,
                _ => break,
            }
        }
        start.map(|at| self.done.min(dot) + at)
    }
}

/// Labels parted by single dots.
struct Run {
    labels: ArrayVec<Range<usize>, LABELS_MAX>,
    start: usize,
}

impl Run {
    fn read(text: &str, start: usize, ideographs: bool) -> Run {
        let mut run = Run { labels: ArrayVec::new(), start };
        let (mut label, mut at) = (start, start);
        let mut has_word = false;
        for c in text[start..].chars() {
            match host_char(c) {
                _ if at - start > RUN_BYTES_MAX => break,
                HostChar::Word => has_word = true,
                HostChar::Ideograph if ideographs => has_word = true,
                HostChar::Hyphen | HostChar::Invisible => {}
                HostChar::Dot if has_word && !run.labels.is_full() => {
                    run.labels.push(label..at);
                    (label, has_word) = (at + c.len_utf8(), false);
                }
                _ => break,
            }
            at += c.len_utf8();
        }
        if has_word {
            let _ = run.labels.try_push(label..at);
        }
        run
    }

    fn end(&self) -> usize {
        self.labels.last().map_or(self.start, |label| label.end)
    }

    /// Bytes of the labels `first..labels`.
    fn range(&self, first: usize, labels: usize) -> Option<Range<usize>> {
        let last = labels.checked_sub(1).and_then(|at| self.labels.get(at))?;
        Some(self.labels.get(first)?.start..last.end)
    }

    /// Numbers of labels to try where all of them are no host.
    fn shorter(&self) -> impl Iterator<Item = usize> + use<> {
        (2..self.labels.len().max(2)).rev().take(SHORTER_MAX)
    }
}

/// What follows a host.
struct Tail {
    end: usize,
    has_port: bool,
    has_path: bool,
}

impl Tail {
    fn read(text: &str, host_end: usize) -> Tail {
        let bytes = text.as_bytes();
        let mut end = host_end;
        let mut has_port = false;
        if let Some(rest) = text[host_end..].strip_prefix(':') {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            has_port = (2..=5).contains(&digits);
            end += if has_port { 1 + digits } else { 0 };
        }
        let path = end;
        let starts = slash(bytes, path).or(match bytes.get(path) {
            Some(b'?' | b'#') => Some(path + 1),
            _ => None,
        });
        let Some(first) = starts else { return Tail { end, has_port, has_path: false } };
        let ends = |c: char| !is_path_char(c);
        let length = text[first..].find(ends).unwrap_or(text.len() - first);
        let kept = trim_path(&text[path..first + length]);
        let has_path = path + kept.len() > first;
        Tail { end: path + kept.len(), has_port, has_path }
    }
}

/// Characters of paths and queries, those of full width included.
fn is_path_char(c: char) -> bool {
    match c {
        '<' | '>' | '"' | '`' | '{' | '}' | '|' | '\\' | '^' => false,
        '／' | '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => true,
        c => c.is_ascii_graphic(),
    }
}

/// Without the punctuation of the sentence around it.
fn trim_path(mut path: &str) -> &str {
    loop {
        let trimmed = path.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '~', '[']);
        let open = |close: char, open: char| {
            trimmed.ends_with(close)
                && trimmed.matches(open).count() < trimmed.matches(close).count()
        };
        match open(')', '(') || open(']', '[') {
            true => path = &trimmed[..trimmed.len() - 1],
            false => return trimmed,
        }
    }
}

fn ipv6_end(text: &str, host: usize) -> Option<usize> {
    let rest = text.get(host..)?.strip_prefix('[')?;
    let close = rest.bytes().take(HOST_BYTES_MAX - 2).position(|b| b == b']')?;
    let inside = rest.get(..close)?;
    inside.parse::<std::net::Ipv6Addr>().ok()?;
    Some(host + 1 + close + 1)
}

#[cfg(test)]
mod tests;
