//! Links in a decoded text: `https://…`, `hxxp://…`, `www.…`, bare hosts (`t.cn/Abc`), glued to
//! ideographs, written in full width, with dots spelt out (`abc[.]com`, `abc(dot)com`), with the
//! slashes that browsers forgive (`http:\\abc.com`) or percent-encoded (`https://%61bc.com`).
//!
//! Works on the text as sent, not on the folded one, because a path has letter case and a host
//! has an exact meaning: the host reported is the one that the network would look up, so a
//! look-alike of `apple.com` in Cyrillic letters is reported as its `xn--` form.
//!
//! Invariants: every link is found, however many there are; spans rise, do not overlap and are on
//! character borders; hosts are lower-case ASCII of at most [`HOST_BYTES_MAX`] bytes; time is
//! linear in the text (`work.rs` counts it in tests). A text without a dot, colon or bracket costs
//! one pass over its bytes. Where links may stand is in `anchor.rs`, what a host must be like in
//! `host.rs`, what follows it in `tail.rs`.

mod anchor;
mod host;
mod tail;
mod work;

use std::ops::Range;

use arrayvec::ArrayVec;

use self::anchor::{Anchor, next_anchor};
use self::host::{HostChar, Surroundings, host_char, next_part};
use self::tail::Tail;
use super::table;

/// Most bytes of a host name in text form (RFC 1035 section 2.3.4).
pub const HOST_BYTES_MAX: usize = 253;
/// Most characters of a label that are read; longer ones are no hosts.
const LABEL_CHARS_MAX: usize = 64;
/// Most labels of a run of words and dots that are taken for one host.
const LABELS_MAX: usize = 32;
/// How many shorter hosts are tried where words follow a host without a space (`a.com.Thanks`).
const SHORTER_MAX: usize = 3;
/// Most bytes of an IPv6 address, one with an IPv4 address at its end.
const IPV6_BYTES_MAX: usize = 45;
/// Most digits of the number of an item of a list.
const ITEM_DIGITS_MAX: usize = 2;
/// Most bytes of a run of words and dots that are taken for one host: as many characters as a host
/// has bytes, four bytes each.
const RUN_BYTES_MAX: usize = 4 * HOST_BYTES_MAX;
/// Schemes of which browsers open what a text links to.
const SCHEMES: [&str; 5] = ["https", "hxxps", "http", "hxxp", "ftp"];

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

/// The links of a text, in order: all of them, since the one that matters may be behind many that
/// do not. Keep one and find into it again: its buffers are reused. They grow with the text, whose
/// shortest link takes five bytes (`t.cn `).
#[derive(Default)]
pub struct Links {
    hosts: String,
    items: Vec<Item>,
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
    let mut finder = Finder { text, done: 0, authority: 0..0, last_at: None, tried: None, out };
    let mut from = 0;
    while let Some(anchor) = next_anchor(text, from) {
        from = match anchor {
            Anchor::Scheme { colon, after, slashes } => finder.with_scheme(colon, after, slashes),
            Anchor::Dot { at, after } => finder.bare(at, after),
        };
    }
}

struct Finder<'a> {
    text: &'a str,
    /// The end of the last link.
    done: usize,
    /// What was last read as user information and host, up to a slash or the like, and its last
    /// `@`: schemes inside it end at the same place, so that nothing is read twice.
    authority: Range<usize>,
    last_at: Option<usize>,
    /// The host behind a scheme that was tried last; another scheme before it changes nothing.
    tried: Option<usize>,
    out: &'a mut Links,
}

impl Finder<'_> {
    /// Reads a link whose `://`, or what browsers take for it, is at `colon..after`; returns where
    /// to go on.
    fn with_scheme(&mut self, colon: usize, after: usize, slashes: usize) -> usize {
        let Some(start) = self.scheme_start(colon) else { return after };
        let host = self.user_info_end(after);
        if self.tried.replace(host) == Some(host) {
            return after;
        }
        if let Some(end) = ipv6_end(self.text, host) {
            let name = self.out.hosts.len();
            self.out.hosts.extend(self.text[host..end].chars().map(|c| c.to_ascii_lowercase()));
            return self.push(start..end, name, name);
        }
        let run = Run::read(self.text, host, true);
        let rest = &self.text[run.end()..];
        if rest.starts_with("://") {
            // A scheme before a scheme: the second one counts.
            return after;
        }
        // Without its slashes a scheme is a word and a colon, unless a known host follows.
        let certain = slashes >= 2;
        if rest.starts_with('%') && self.percent_encoded(start, host, certain) {
            return self.done;
        }
        if !certain && run.labels.len() < 2 {
            return after;
        }
        let glued = |c: char| host_char(c) == HostChar::Ideograph;
        let plain_end = self.text[host..run.end()].find(glued).map(|at| host + at);
        let plain = plain_end.map(|end| Run::read(&self.text[..end], host, false));
        let mut runs = [Some(&run), plain.as_ref()];
        // First whatever has a known suffix: all of it, then without the ideographs glued to it,
        // then without words glued to it; else anything that can be a host, the shorter first.
        for known in [true, false] {
            if !known && !certain {
                break;
            }
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

    /// Reads a host of which characters are written as percent signs and hexadecimal digits, as
    /// browsers decode it.
    fn percent_encoded(&mut self, start: usize, host: usize, certain: bool) -> bool {
        let bytes = self.text.as_bytes();
        let (mut decoded, mut at) = (Vec::new(), host);
        while at < bytes.len() && at - host < RUN_BYTES_MAX {
            let byte = match bytes[at..] {
                [b'%', high, low, ..] => {
                    let digit = |b: u8| char::from(b).to_digit(16).map(|value| value as u8);
                    let Some((high, low)) = digit(high).zip(digit(low)) else { break };
                    at += 2;
                    high << 4 | low
                }
                [b, ..] if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.') => b,
                _ => break,
            };
            decoded.push(byte);
            at += 1;
        }
        work::visit(at - host);
        // What is still encoded is no host for a browser either.
        if bytes.get(at) == Some(&b'%') {
            return false;
        }
        let Ok(written) = String::from_utf8(decoded) else { return false };
        let written = written.strip_suffix('.').unwrap_or(&written);
        let name = self.out.hosts.len();
        match host::resolve(written, !certain, &mut self.out.hosts) {
            Some(found) if certain || found.known && written.contains('.') => {
                self.push(start..at, name, name + found.registrable_start);
                true
            }
            _ => {
                self.out.hosts.truncate(name);
                false
            }
        }
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
        // The number of an item of a list, `3.www.a.com`, is no label; other words are.
        let is_number = |label: &Range<usize>| {
            label.len() <= ITEM_DIGITS_MAX
                && self.text[label.clone()].bytes().all(|b| b.is_ascii_digit())
        };
        let first = www.filter(|&www| www == 1 && is_number(&run.labels[0])).unwrap_or(0);
        let mail = first == 0 && self.text[..start].ends_with('@');
        let all = run.labels.len();
        for labels in std::iter::once(all).chain(run.shorter()).filter(|&n| n >= first + 2) {
            let Some(range) = run.range(first, labels) else { continue };
            let tail = Tail::peek(self.text, range.end);
            if mail && !tail.has_path {
                continue;
            }
            let name = self.out.hosts.len();
            let written = &self.text[range.clone()];
            let end = tail.bare_end(self.text);
            let surroundings = Surroundings {
                is_certain: www.is_some() || anchor::has_spelt_dot(written),
                has_path: tail.has_path,
                has_port: tail.has_port,
                ideographs: host::beside_ideographs(self.text, range.start, end),
            };
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
        let (end, has_path) = Tail::peek(self.text, found.end).read(self.text);
        let host = name..self.out.hosts.len();
        self.done = end;
        self.out.items.push(Item {
            span: found.start..end,
            registrable_start: registrable - name,
            host,
            has_path,
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

    /// Where the host starts: after user information, where there is some. As in browsers, a
    /// backslash ends it too: `https://a.com\@b.com` leads to `a.com`.
    fn user_info_end(&mut self, after: usize) -> usize {
        if !self.authority.contains(&after) {
            let ends = |c: char| {
                !c.is_ascii_graphic() || matches!(c, '/' | '\\' | '?' | '#' | '<' | '>' | '"')
            };
            let rest = &self.text[after..];
            let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
            work::visit(2 * authority.len());
            self.last_at = authority.rfind('@').map(|at| after + at);
            self.authority = after..after + authority.len();
        }
        self.last_at.filter(|&at| at >= after).map_or(after, |at| at + 1)
    }

    /// Where the label starts that ends at the dot; `None` where there is none.
    fn label_start(&self, dot: usize) -> Option<usize> {
        let before = &self.text[self.done.min(dot)..dot];
        let mut start = None;
        for (index, (at, c)) in before.char_indices().rev().enumerate() {
            work::visit(1);
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
        while let Some((part, length)) = next_part(&text[at..]) {
            work::visit(1);
            match part {
                _ if at - start > RUN_BYTES_MAX => break,
                HostChar::Word => has_word = true,
                HostChar::Ideograph if ideographs => has_word = true,
                HostChar::Hyphen | HostChar::Invisible => {}
                HostChar::Dot if has_word && !run.labels.is_full() => {
                    run.labels.push(label..at);
                    (label, has_word) = (at + length, false);
                }
                _ => break,
            }
            at += length;
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

fn ipv6_end(text: &str, host: usize) -> Option<usize> {
    let rest = text.get(host..)?.strip_prefix('[')?;
    work::visit(IPV6_BYTES_MAX.min(rest.len()));
    let close = rest.bytes().take(IPV6_BYTES_MAX + 1).position(|b| b == b']')?;
    let inside = rest.get(..close)?;
    inside.parse::<std::net::Ipv6Addr>().ok()?;
    Some(host + 1 + close + 1)
}

#[cfg(test)]
mod tests;
