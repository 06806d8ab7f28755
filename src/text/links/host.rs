//! What can be a host: characters, names, and how likely a bare name is meant as one.
//!
//! Must not know where in a text it stands beyond [`Surroundings`].

use std::net::Ipv4Addr;

use idna::AsciiDenyList;
use psl::{Psl, Type};

use super::anchor::{last_label, spelt_dot};
use super::{HOST_BYTES_MAX, work};
use crate::text::class::{UnitClass, class_of};
use crate::text::fold::fold_to_string;
use crate::text::table;

/// Most bytes of one label (RFC 1035 section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;
/// Most characters of a label as written: composed with its marks, each takes a byte of the name
/// at least. Mapping takes the square of a label's length.
const LABEL_CHARS_MAX: usize = 3 * LABEL_BYTES_MAX;
/// A name with a digit must be so long to count as made up for a link, and not as chat (`2nite`).
const DIGIT_LABEL_MIN: usize = 7;
/// Both parts of a name with a hyphen must be so long, for the same reason (`la-bth`).
const HYPHEN_PART_MIN: usize = 3;
/// A name of so many letters is rarely a word before a full stop: few words of chat are as long.
const LONG_LABEL_MIN: usize = 9;
/// The same for a name before a short word at the end of all: `bien.ca` is a typing error.
const SHORT_TOP_LABEL_MIN: usize = 5;
/// Each label of a name of three must be so long, for it is no row of abbreviations.
const DEEP_LABEL_MIN: usize = 3;
/// Most spaces and marks between two words of a sentence.
const GAP_CHARS_MAX: usize = 3;

/// Most bytes of a top-level domain as written: four for each of its characters at most.
const TOP_BYTES_MAX: usize = 4 * LABEL_BYTES_MAX;

/// What a character may be in a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostChar {
    /// Letter or digit of a script with spaces between words.
    Word,
    /// Letter of a script without: part of a host only after a scheme.
    Ideograph,
    /// Hyphen or low line.
    Hyphen,
    /// A dot, also of full width and the ideographic full stop.
    Dot,
    /// Nobody sees it.
    Invisible,
    /// Ends a host.
    Other,
}

pub(super) fn host_char(c: char) -> HostChar {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => HostChar::Word,
        '-' | '_' => HostChar::Hyphen,
        '.' => HostChar::Dot,
        '\0'..='\u{7F}' => HostChar::Other,
        c if table::is_invisible(c) => HostChar::Invisible,
        c => wide_host_char(c),
    }
}

/// What the first character of `rest` may be in a host, and its bytes. A dot in brackets
/// (`a[.]com`) is one dot.
pub(super) fn next_part(rest: &str) -> Option<(HostChar, usize)> {
    let c = rest.chars().next()?;
    match host_char(c) {
        HostChar::Other => match spelt_dot(rest) {
            Some(length) => Some((HostChar::Dot, length)),
            None => Some((HostChar::Other, c.len_utf8())),
        },
        part => Some((part, c.len_utf8())),
    }
}

fn wide_host_char(c: char) -> HostChar {
    let is_word = |unit: &u16| matches!(class_of(*unit), UnitClass::Letter | UnitClass::Digit);
    match table::entry(c) {
        0x2E | 0x3002 => HostChar::Dot,
        0x2D | 0x5F => HostChar::Hyphen,
        // A combining mark belongs to the letter before it.
        table::DROP => HostChar::Word,
        table::PAIR if c.is_alphanumeric() => HostChar::Ideograph,
        table::PAIR => HostChar::Other,
        code if table::is_code(code) => match table::expansion(code).iter().all(is_word) {
            true => HostChar::Word,
            false => HostChar::Other,
        },
        unit if is_word(&unit) => HostChar::Word,
        unit if class_of(unit) == UnitClass::Ideograph => HostChar::Ideograph,
        _ => HostChar::Other,
    }
}

/// What a host name is.
pub(super) struct Resolved {
    /// Where the registrable domain starts; 0 where there is none.
    pub registrable_start: usize,
    /// Is its suffix on the public suffix list, or is it an IP address?
    pub known: bool,
    is_ip: bool,
    /// The name is a suffix itself, under which a registry registers others.
    is_suffix: bool,
    /// Labels of the suffix as ICANN has it.
    suffix_labels: usize,
}

/// Which hosts are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Those with a known suffix, and addresses.
    Known,
    /// Those, and addresses that are written as a number: `3232235777` for `192.168.1.1`.
    KnownOrNumber,
    /// Whatever can be a host.
    Any,
}

/// Appends the host as the network would look it up; `None` (and rubbish appended) where the text
/// cannot be one.
///
/// Where only known ones are wanted, names whose last label is no top-level domain may come out as
/// `None` too, without the cost of mapping a long name.
pub(super) fn resolve(written: &str, want: Want, hosts: &mut String) -> Option<Resolved> {
    if want != Want::Any && !may_have_known_top(written) {
        return None;
    }
    let start = hosts.len();
    let (mut ascii, mut rest) = (true, written);
    let (mut label, mut label_max) = (0, 0);
    while let Some((part, length)) = next_part(rest) {
        let (head, tail) = rest.split_at(length);
        rest = tail;
        match part {
            HostChar::Invisible => {}
            HostChar::Dot => {
                label = 0;
                hosts.push('.');
            }
            _ => {
                label += 1;
                label_max = label_max.max(label);
                ascii &= head.is_ascii();
                hosts.extend(head.chars().map(|c| c.to_ascii_lowercase()));
            }
        }
    }
    work::visit(written.len());
    if label_max > LABEL_CHARS_MAX {
        return None;
    }
    if !ascii {
        let name = &hosts[start..];
        let mapped = match idna::domain_to_ascii_cow(name.as_bytes(), AsciiDenyList::URL) {
            Ok(mapped) => mapped.into_owned(),
            Err(_) => fold_to_string(name),
        };
        hosts.truncate(start);
        hosts.push_str(&mapped);
    }
    let trimmed = hosts.trim_end_matches(['-', '_']).len();
    hosts.truncate(trimmed.max(start));
    if want != Want::Known
        && let Some(address) = numeric_ipv4(&hosts[start..])
    {
        hosts.truncate(start);
        hosts.push_str(&address.to_string());
    }
    let host = &hosts[start..];
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    (host.len() <= HOST_BYTES_MAX && host.split('.').all(is_label)).then(|| classify(host))
}

/// Reads an IPv4 address as browsers do (WHATWG URL, IPv4 parser): up to four numbers, decimal,
/// octal behind a zero or hexadecimal behind `0x`; the last one fills the bytes that are left.
fn numeric_ipv4(host: &str) -> Option<Ipv4Addr> {
    let mut address = 0;
    let parts = host.split('.').count();
    let bytes_left = 5usize.checked_sub(parts).filter(|&bytes| bytes > 0)?;
    for (index, part) in host.split('.').enumerate() {
        let bits = if index + 1 == parts { 8 * bytes_left } else { 8 };
        let number = ipv4_number(part).filter(|&number| number >> bits == 0)?;
        address = address << bits | number;
    }
    u32::try_from(address).ok().map(Ipv4Addr::from)
}

fn ipv4_number(part: &str) -> Option<u64> {
    let (digits, radix) = match part.as_bytes() {
        [b'0', b'x', ..] => (&part[2..], 16),
        [b'0', _, ..] => (&part[1..], 8),
        _ => (part, 10),
    };
    match digits {
        "" if radix == 16 => Some(0),
        _ => u64::from_str_radix(digits, radix).ok(),
    }
}

fn may_have_known_top(written: &str) -> bool {
    let last = last_label(written);
    if last.is_ascii() {
        return true;
    }
    work::visit(written.len());
    let seen: String = last.chars().filter(|&c| !table::is_invisible(c)).collect();
    if seen.len() > TOP_BYTES_MAX {
        return false;
    }
    match idna::domain_to_ascii_cow(seen.as_bytes(), AsciiDenyList::URL) {
        Ok(top) => psl::List.suffix(top.as_bytes()).is_some_and(|suffix| suffix.is_known()),
        Err(_) => false,
    }
}

fn classify(host: &str) -> Resolved {
    let is_ip = host.parse::<Ipv4Addr>().is_ok();
    let suffix = psl::List.suffix(host.as_bytes());
    let kind = suffix.and_then(|suffix| suffix.typ()).filter(|_| !is_ip);
    let domain = psl::List.domain(host.as_bytes()).filter(|_| !is_ip);
    let suffix_labels = match (kind, suffix) {
        (Some(Type::Icann), Some(suffix)) => suffix.as_bytes().split(|&b| b == b'.').count(),
        _ => 1,
    };
    Resolved {
        registrable_start: domain.map_or(0, |domain| host.len() - domain.as_bytes().len()),
        known: is_ip || kind.is_some(),
        is_ip,
        // Those of providers (`github.io`) are hosts themselves, those of registries are not.
        is_suffix: domain.is_none() && kind != Some(Type::Private),
        suffix_labels,
    }
}

/// What stands around a bare host.
#[derive(Clone, Copy)]
pub(super) struct Surroundings {
    /// A `www.` or a dot spelt out says that it is a host.
    pub is_certain: bool,
    pub has_path: bool,
    pub has_port: bool,
    pub ideographs: bool,
    /// A word follows behind a space, as where a sentence goes on.
    pub goes_on: bool,
}

/// Does a word follow at `end` as words follow words? A line that ends there does not go on.
pub(super) fn goes_on(text: &str, end: usize) -> bool {
    let gap = |c: &char| matches!(c, ' ' | '\u{A0}' | ',' | '\'' | '’');
    let gaps = text[end..].chars().take(GAP_CHARS_MAX).take_while(gap).count();
    let next = text[end..].chars().nth(gaps);
    gaps > 0 && next.is_some_and(|c| host_char(c) == HostChar::Word)
}

/// Does an ideograph or its punctuation touch `start..end`? No sentence of a script with spaces
/// goes on there, so that a missing space after a full stop is out of the question.
pub(super) fn beside_ideographs(text: &str, start: usize, end: usize) -> bool {
    let is_ideograph = |c: Option<char>| {
        c.is_some_and(|c| {
            matches!(c, '\u{3000}'..='\u{303F}' | '\u{FF00}'..='\u{FF65}')
                || host_char(c) == HostChar::Ideograph
        })
    };
    is_ideograph(text[..start].chars().next_back()) || is_ideograph(text[end..].chars().next())
}

/// Is a name without a scheme meant as a host, and not the border of two sentences that lack a
/// space? Certain with `www.` or a path; else by the suffix.
pub(super) fn is_bare_host(
    written: &str,
    host: &str,
    found: &Resolved,
    around: Surroundings,
) -> bool {
    // `gov.tw/x` is a host with a path, `co.uk` alone is none.
    let is_suffix = found.is_suffix && !(found.suffix_labels > 1 && around.has_path);
    if !found.known || is_suffix && !found.is_ip || !host.contains('.') {
        return false;
    }
    if found.is_ip {
        return around.has_path || around.has_port;
    }
    if around.is_certain || around.has_path {
        return true;
    }
    let top = host.rsplit('.').next().unwrap_or_default();
    let label = host[found.registrable_start..].split('.').next().unwrap_or_default();
    let has_digit = label.bytes().any(|b| b.is_ascii_digit());
    let has_letter = label.bytes().any(|b| b.is_ascii_alphabetic());
    let is_part = |part: &str| part.len() >= HYPHEN_PART_MIN;
    let has_parts = label.contains('-') && label.split('-').all(is_part);
    let made_up = has_letter
        && !label.starts_with("xn--")
        && (has_digit && label.len() >= DIGIT_LABEL_MIN || has_parts);
    // An ideographic full stop is one, where nothing certain says that it is a dot.
    let ideographs = around.ideographs && !written.contains(['。', '｡']) && has_letter;
    let is_word = WORD_TOPS.binary_search(&top).is_ok() && found.suffix_labels == 1;
    let certain_top = found.suffix_labels > 1
        || CERTAIN_TOPS.binary_search(&top).is_ok()
        || top.starts_with("xn--");
    if is_sentence_border(written) {
        // People write `shop.Com` too. A sentence seldom ends with its first word.
        let long = label.len() >= LONG_LABEL_MIN;
        let opens_none = certain_top && !is_word && !OPENING_TOPS.contains(&top);
        return match around.goes_on {
            true => opens_none && (made_up || long),
            false => opens_none || made_up || certain_top && long,
        };
    }
    if is_word {
        let labels = || host.split('.').rev().skip(1);
        let deep = labels().count() > 1 && labels().all(|label| label.len() >= DEEP_LABEL_MIN);
        let ends = !around.goes_on && has_letter && label.len() >= SHORT_TOP_LABEL_MIN;
        return made_up || ideographs || deep || ends || around.has_port;
    }
    certain_top || made_up || ideographs && top.len() > 2
}

/// A capital after the last dot, in a name that does not start with one: `end.Next`.
fn is_sentence_border(written: &str) -> bool {
    let mut letters = last_label(written).chars().filter(|&c| !table::is_invisible(c));
    let capital = letters.next().is_some_and(char::is_uppercase)
        && letters.next().is_some_and(char::is_lowercase);
    capital && !written.starts_with(char::is_uppercase)
}

/// Longer ones of [`CERTAIN_TOPS`] that open sentences in some language: `Info: …`.
const OPENING_TOPS: [&str; 9] =
    ["asia", "biz", "club", "dev", "info", "museum", "online", "pro", "vip"];

/// Those of [`CERTAIN_TOPS`] that are a word or a unit of a language that people write to each
/// other in (Spanish and French `de`, Portuguese `eu`, Turkish `de`, millilitres), so that a full
/// stop without a space before it is as likely; sorted. They need more than a name.
pub(super) const WORD_TOPS: &[&str] = &[
    "au", "ca", "cc", "co", "de", "ee", "eu", "fi", "ge", "gr", "io", "ir", "ml", "ng", "ru", "uy",
    "za",
];

/// Top-level domains that are no words which follow a full stop in chat; sorted. Chosen by hand:
/// the generic ones, large countries, and those much used by phishing. All others need a path,
/// `www.`, ideographs around them or a name that is no word.
pub(super) const CERTAIN_TOPS: &[&str] = &[
    "ae", "aero", "asia", "au", "bd", "bg", "biz", "br", "bz", "ca", "cc", "cf", "ch", "club",
    "cn", "co", "com", "coop", "cx", "cy", "cyou", "de", "dev", "dk", "ec", "edu", "ee", "eu",
    "fi", "fr", "ge", "gl", "gov", "gq", "gr", "hk", "hu", "icu", "info", "io", "ir", "jp", "kr",
    "kz", "lk", "lt", "lv", "ly", "mil", "ml", "mobi", "museum", "mx", "net", "ng", "nl", "np",
    "nz", "online", "org", "ph", "pk", "pl", "pro", "pt", "pw", "qa", "ro", "ru", "sbs", "sg",
    "sk", "sv", "tk", "tr", "tw", "ua", "uk", "uy", "uz", "vip", "vn", "wang", "ws", "xyz", "za",
];
