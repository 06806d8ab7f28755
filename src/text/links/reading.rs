//! The host behind a scheme: a name, an address, or one written with percent signs.
//!
//! Must not know of user information, nor of what follows the host.

use super::host::{self, HostChar, Want, host_char};
use super::run::{RUN_BYTES_MAX, Run};
use super::work;

/// Most bytes of an IPv6 address, one with an IPv4 address at its end.
const IPV6_BYTES_MAX: usize = 45;

/// A host that was read; its name stands at the end of the buffer.
pub(super) struct Found {
    /// Where it ends in the text.
    pub end: usize,
    /// Where its name starts in the buffer.
    pub name: usize,
    /// Where its registrable domain starts in the buffer.
    pub registrable: usize,
    /// Is it one that the network can look up: an address, or a name under a known suffix?
    pub known: bool,
}

/// Reads the host at `host` of a text. With `certain`, the scheme has its slashes; without, it is
/// a word and a colon, unless a known host follows.
pub(super) fn read(text: &str, host: usize, certain: bool, hosts: &mut String) -> Option<Found> {
    if let Some(end) = ipv6_end(text, host) {
        let name = hosts.len();
        hosts.extend(text[host..end].chars().map(|c| c.to_ascii_lowercase()));
        return Some(Found { end, name, registrable: name, known: true });
    }
    let run = Run::read(text, host, true);
    let rest = &text[run.end()..];
    if rest.starts_with("://") {
        // A scheme before a scheme: the second one counts.
        return None;
    }
    if rest.starts_with('%')
        && let Some(found) = percent_encoded(text, host, certain, hosts)
    {
        return Some(found);
    }
    if !certain && run.labels.len() < 2 {
        return None;
    }
    let glued = |c: char| host_char(c) == HostChar::Ideograph;
    let plain_end = text[host..run.end()].find(glued).map(|at| host + at);
    let plain = plain_end.map(|end| Run::read(&text[..end], host, false));
    // First whatever has a known suffix: all of it, then without the ideographs glued to it, then
    // without words glued to it; else anything that can be a host, the shorter first.
    let want = if certain { Want::KnownOrNumber } else { Want::Known };
    let runs = || std::iter::once(&run).chain(&plain);
    for run in runs() {
        if let Some(found) = resolve(text, run, run.labels.len(), want, hosts) {
            return Some(found);
        }
    }
    for run in runs() {
        for labels in run.shorter().filter(|&labels| run.is_border(text, labels)) {
            if let Some(found) = resolve(text, run, labels, want, hosts) {
                return Some(found);
            }
        }
    }
    let mut shorter_first = plain.iter().chain(std::iter::once(&run)).filter(|_| certain);
    shorter_first.find_map(|run| resolve(text, run, run.labels.len(), Want::Any, hosts))
}

/// The host of so many labels of a run, where it is one that is wanted.
fn resolve(text: &str, run: &Run, labels: usize, want: Want, hosts: &mut String) -> Option<Found> {
    let range = run.range(0, labels)?;
    let name = hosts.len();
    match host::resolve(&text[range.clone()], want, hosts) {
        Some(found) if found.known || want == Want::Any => Some(Found {
            end: range.end,
            name,
            registrable: name + found.registrable_start,
            known: found.known,
        }),
        _ => {
            hosts.truncate(name);
            None
        }
    }
}

/// Reads a host of which characters are written as percent signs and hexadecimal digits, as
/// browsers decode it.
fn percent_encoded(text: &str, host: usize, certain: bool, hosts: &mut String) -> Option<Found> {
    let bytes = text.as_bytes();
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
        return None;
    }
    let written = String::from_utf8(decoded).ok()?;
    let written = written.strip_suffix('.').unwrap_or(&written);
    let name = hosts.len();
    let want = if certain { Want::Any } else { Want::Known };
    match host::resolve(written, want, hosts) {
        Some(found) if certain || found.known && written.contains('.') => Some(Found {
            end: at,
            name,
            registrable: name + found.registrable_start,
            known: found.known,
        }),
        _ => {
            hosts.truncate(name);
            None
        }
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
