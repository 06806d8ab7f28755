//! Links in a decoded text: `https://…`, `hxxp://…`, `www.…`, bare hosts (`t.cn/Abc`), glued to
//! ideographs, written in full width, with dots spelt out (`abc[.]com`, `abc(dot)com`), with the
//! slashes that browsers forgive (`http:\\abc.com`) or percent-encoded (`https://%61bc.com`).
//!
//! Works on the text as sent, not on the folded one, because a path has letter case and a host
//! has an exact meaning: the host reported is the one that the network would look up, so a
//! look-alike of `apple.com` in Cyrillic letters is reported as its `xn--` form.
//!
//! Where a browser reads on and people (and most phones) stop, at `。` before an `@` or at a line
//! end inside an address, both hosts are reported, as two links that are in doubt.
//!
//! Invariants: every link is found, however many there are; spans are on character borders, their
//! starts never fall, and only those of links in doubt may overlap with others; hosts are
//! lower-case ASCII of at most [`HOST_BYTES_MAX`] bytes; time is linear in the text (`work.rs`
//! counts it in tests). A text without a dot, colon or bracket costs one pass over its bytes.
//! Where links may stand is in `anchor.rs`, what a host must be like in `host.rs`, what is before
//! it in `authority.rs`, what follows it in `tail.rs`.

mod anchor;
mod authority;
mod host;
mod reading;
mod run;
mod tail;
mod work;

use std::ops::Range;

use arrayvec::ArrayVec;

use self::anchor::{Anchor, next_anchor};
use self::authority::{Authority, Joined, Reach, is_broken, may_be_user_info};
use self::host::{HostChar, Surroundings, Want, host_char};
use self::reading::{Found, read};
use self::run::Run;
use self::tail::Tail;
use super::table;

/// Most bytes of a host name in text form (RFC 1035 section 2.3.4).
pub const HOST_BYTES_MAX: usize = 253;
/// Most visible characters of a label that are read; longer ones are no hosts.
const LABEL_CHARS_MAX: usize = 64;
/// Most digits of the number of an item of a list.
const ITEM_DIGITS_MAX: usize = 2;
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
    /// The same place may also be read as leading to another registrable domain: look it up, and
    /// let it vouch for nothing.
    pub in_doubt: bool,
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
    in_doubt: bool,
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
            in_doubt: item.in_doubt,
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

    /// Puts second readings in their places, and takes out what was read twice as the same.
    fn put_in_order(&mut self) {
        let hosts = &self.hosts;
        self.items.sort_by_key(|item| item.span.start);
        self.items.dedup_by(|later, item| {
            later.span.start == item.span.start
                && hosts[later.host.clone()] == hosts[item.host.clone()]
        });
    }

    fn registrable(&self, at: usize) -> &str {
        let item = &self.items[at];
        &self.hosts[item.host.clone()][item.registrable_start..]
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
    let mut finder = Finder {
        text,
        done: 0,
        short: Authority::new(Reach::Ascii),
        whole: Authority::new(Reach::NoSpace),
        broken: Authority::new(Reach::PastBreaks),
        tried: None,
        behind_user_info: None,
        behind_break: None,
        out,
    };
    let mut from = 0;
    while let Some(anchor) = next_anchor(text, from) {
        let (Anchor::Scheme { colon: at, .. } | Anchor::Dot { at, .. }) = anchor;
        if let Some(end) = finder.end_around(at) {
            from = end;
            continue;
        }
        from = match anchor {
            Anchor::Scheme { colon, after, slashes } => finder.with_scheme(colon, after, slashes),
            Anchor::Dot { at, after } => finder.bare(at, after),
        };
    }
    if finder.behind_user_info.is_some() || finder.behind_break.is_some() {
        out.put_in_order();
    }
}

/// A second reading that was tried: where its host starts, and which link came of it.
type Tried = Option<(usize, Option<usize>)>;

struct Finder<'a> {
    text: &'a str,
    /// The end of the last link.
    done: usize,
    /// The authority as people, browsers, and browsers that go on behind a line end read it.
    short: Authority,
    whole: Authority,
    broken: Authority,
    /// The host behind a scheme that was tried last; another scheme before it changes nothing.
    tried: Option<usize>,
    behind_user_info: Tried,
    behind_break: Tried,
    out: &'a mut Links,
}

impl Finder<'_> {
    /// Reads a link whose `://`, or what browsers take for it, is at `colon..after`; returns where
    /// to go on.
    fn with_scheme(&mut self, colon: usize, after: usize, slashes: usize) -> usize {
        let Some(start) = self.scheme_start(colon) else { return after };
        let host = self.short.host(self.text, after);
        if self.tried.replace(host) == Some(host) {
            return after;
        }
        // Without its slashes a scheme is a word and a colon, unless a known host follows.
        let certain = slashes >= 2;
        let whole = self.whole.host(self.text, after);
        let behind = (whole > host).then(|| self.behind_user_info(after, whole, certain)).flatten();
        let browser_host = if behind.is_some() { whole } else { host };
        let joined = self.behind_break(after, browser_host, certain);
        let first = match behind {
            // What stands before the `@` is what people see: a link only where it has a host.
            Some(_) => self.known_link(&self.text[..whole - 1], host, certain, start),
            None => read(self.text, host, certain, &mut self.out.hosts)
                .map(|found| self.push(self.text, &found, start)),
        };
        let links: ArrayVec<usize, 3> = [first, behind, joined].into_iter().flatten().collect();
        let domain = |&at: &usize| self.out.registrable(at);
        if !links.iter().map(domain).is_sorted_by(|a, b| a == b) {
            links.iter().for_each(|&at| self.out.items[at].in_doubt = true);
        }
        let Some(first) = first else { return after };
        self.done = self.out.items[first].span.end;
        self.done
    }

    /// The end of the link behind user information that `at` is inside.
    fn end_around(&mut self, at: usize) -> Option<usize> {
        let span = &self.out.items[self.behind_user_info?.1?].span;
        let end = span.contains(&at).then_some(span.end)?;
        self.done = self.done.max(end);
        Some(end)
    }

    /// The link to the host behind an `@` that stands behind more than ASCII. The link that people
    /// see before it is another.
    fn behind_user_info(&mut self, after: usize, host: usize, certain: bool) -> Option<usize> {
        if let Some((_, link)) = self.behind_user_info.filter(|tried| tried.0 == host) {
            return link;
        }
        let link = may_be_user_info(&self.text[after..host])
            .then(|| self.known_link(self.text, host, certain, host))
            .flatten();
        self.behind_user_info = Some((host, link));
        link
    }

    /// The link to the host that is there when the tabs and line ends in it are taken out, as
    /// browsers do. Its place is what stands behind the last of them.
    fn behind_break(&mut self, after: usize, host: usize, certain: bool) -> Option<usize> {
        let end = self.whole.end();
        if !is_broken(self.text, end) {
            return None;
        }
        let behind = self.broken.host(self.text, after);
        let is_user_info = behind > end && !self.broken.is_mail();
        let host = if is_user_info { behind } else { host };
        if let Some((_, link)) = self.behind_break.filter(|tried| tried.0 == host) {
            return link;
        }
        let joined = Joined::read(self.text, host);
        let link = (is_user_info || joined.is_broken()).then(|| {
            let hosts = &mut self.out.hosts;
            let found = read_known(&joined.text, 0, certain, hosts)?;
            let place = joined.place(self.text, found.end);
            if place.end <= end {
                self.out.hosts.truncate(found.name);
                return None;
            }
            Some(self.push(self.text, &Found { end: place.end, ..found }, place.start))
        });
        self.behind_break = Some((host, link.flatten()));
        link.flatten()
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
                goes_on: host::goes_on(self.text, end),
            };
            match host::resolve(written, Want::Known, &mut self.out.hosts) {
                Some(found)
                    if host::is_bare_host(
                        written,
                        &self.out.hosts[name..],
                        &found,
                        surroundings,
                    ) =>
                {
                    let registrable = name + found.registrable_start;
                    let found = Found { end: range.end, name, registrable, known: true };
                    let link = self.push(self.text, &found, range.start);
                    self.done = self.out.items[link].span.end;
                    return self.done;
                }
                _ => self.out.hosts.truncate(name),
            }
        }
        end
    }

    /// The link to a host that the network can look up.
    fn known_link(
        &mut self,
        text: &str,
        host: usize,
        certain: bool,
        start: usize,
    ) -> Option<usize> {
        let found = read_known(text, host, certain, &mut self.out.hosts)?;
        Some(self.push(text, &found, start))
    }

    /// Takes the link that starts at `start` and whose host was found in `text`, the last name in
    /// the buffer; returns its number.
    fn push(&mut self, text: &str, found: &Found, start: usize) -> usize {
        let (end, has_path) = Tail::peek(text, found.end).read(text);
        let item = Item {
            span: start..end,
            registrable_start: found.registrable - found.name,
            host: found.name..self.out.hosts.len(),
            has_path,
            in_doubt: false,
        };
        self.out.items.push(item);
        self.out.items.len() - 1
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

    /// Where the label starts that ends at the dot; `None` where there is none.
    fn label_start(&self, dot: usize) -> Option<usize> {
        let before = &self.text[self.done.min(dot)..dot];
        let (mut start, mut seen) = (None, 0);
        for (at, c) in before.char_indices().rev() {
            work::visit(1);
            let part = host_char(c);
            match part {
                HostChar::Invisible => continue,
                _ if seen >= LABEL_CHARS_MAX => return None,
                HostChar::Word => start = Some(at),
                HostChar::Hyphen => {}
                _ => break,
            }
            seen += 1;
        }
        start.map(|at| self.done.min(dot) + at)
    }
}

/// Reads a host that the network can look up, for sure: an address or a name with a known suffix.
fn read_known(text: &str, host: usize, certain: bool, hosts: &mut String) -> Option<Found> {
    let name = hosts.len();
    let found = read(text, host, certain, hosts);
    let is_sure = |found: &Found| found.known && hosts[name..].contains(['.', '[']);
    let found = found.filter(is_sure);
    if found.is_none() {
        hosts.truncate(name);
    }
    found
}

#[cfg(test)]
mod tests;
