//! What stands between a scheme and a path: user information, up to the last `@`, and the host; and
//! the same with the tabs and line ends taken out that browsers take out of an address.
//!
//! Must not know what makes a host. Invariant: nothing is read twice, however many schemes a text
//! has, as all of them inside one authority share its end.

use std::ops::Range;

use super::host::{HostChar, next_part};
use super::run::RUN_BYTES_MAX;
use super::work;
use crate::text::table::is_invisible;

/// Most visible characters of user information that holds some which are not ASCII: in a script
/// without spaces a sentence with a mail address at its end looks the same.
const USER_INFO_CHARS_MAX: usize = 255;

/// How far an authority reaches.
#[derive(Clone, Copy)]
pub(super) enum Reach {
    /// To the first character that is not ASCII: how people read it.
    Ascii,
    /// To the first space: how browsers read it.
    NoSpace,
    /// The same, past tabs and line ends.
    PastBreaks,
}

impl Reach {
    /// As in browsers, only ASCII ends it, a backslash too: `https://a.com\@b.com` leads to
    /// `a.com`. Spaces and the marks of quotations and of HTML end a link in any text.
    fn ends_at(self, c: char) -> bool {
        match c {
            '/' | '\\' | '?' | '#' | '<' | '>' | '"' => true,
            '!'..='~' => false,
            _ if c.is_ascii() || c.is_whitespace() => {
                !(matches!(self, Reach::PastBreaks) && is_break(c))
            }
            _ => matches!(self, Reach::Ascii),
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r')
}

/// What was last read as user information and host, and its last `@`.
pub(super) struct Authority {
    reach: Reach,
    range: Range<usize>,
    last_at: Option<usize>,
    is_mail: bool,
}

impl Authority {
    pub fn new(reach: Reach) -> Authority {
        Authority { reach, range: 0..0, last_at: None, is_mail: false }
    }

    /// Where the host starts of the authority at `after`: behind user information, if any.
    pub fn host(&mut self, text: &str, after: usize) -> usize {
        if !self.range.contains(&after) {
            let rest = &text[after..];
            let end = rest.find(|c| self.reach.ends_at(c)).unwrap_or(rest.len());
            let authority = &rest[..end];
            work::visit(3 * authority.len());
            let last_at = authority.rfind('@');
            self.is_mail = last_at.is_some_and(|at| is_mail(&authority[..at]));
            self.last_at = last_at.map(|at| after + at);
            self.range = after..after + authority.len();
        }
        self.last_at.filter(|&at| at >= after).map_or(after, |at| at + 1)
    }

    /// Is what stands before the last `@` no user information, but a mail address on its own line?
    pub fn is_mail(&self) -> bool {
        self.is_mail
    }

    /// Where the authority ends that was asked for last.
    pub fn end(&self) -> usize {
        self.range.end
    }
}

/// Is it short enough for user information?
pub(super) fn may_be_user_info(written: &str) -> bool {
    let seen = written.chars().filter(|&c| !is_invisible(c)).take(USER_INFO_CHARS_MAX + 1).count();
    work::visit(written.len());
    seen <= USER_INFO_CHARS_MAX
}

/// Does a tab or line end stand at `at`?
pub(super) fn is_broken(text: &str, at: usize) -> bool {
    text[at..].starts_with(is_break)
}

/// Does the name of a mailbox stand on the last line? A tab breaks no lines.
fn is_mail(before: &str) -> bool {
    let line = before.rfind('\n').map(|at| &before[at + 1..]);
    line.is_some_and(|line| !line.is_empty() && !line.contains('\t'))
}

/// A run of words and dots without the tabs and line ends in it.
pub(super) struct Joined {
    /// The words and dots.
    pub text: String,
    host: usize,
    breaks: usize,
}

impl Joined {
    /// Reads what stands at `host`.
    pub fn read(text: &str, host: usize) -> Joined {
        let mut joined = Joined { text: String::new(), host, breaks: 0 };
        let (mut at, mut seen) = (host, 0);
        while let Some((part, length)) = next_part(&text[at..]) {
            work::visit(1);
            if is_broken(text, at) {
                joined.breaks += 1;
            } else if part == HostChar::Other || seen > RUN_BYTES_MAX {
                break;
            } else {
                joined.text.push_str(&text[at..at + length]);
                seen += if part == HostChar::Invisible { 0 } else { length };
            }
            at += length;
        }
        joined
    }

    /// Is there a tab or a line end in it or behind it?
    pub fn is_broken(&self) -> bool {
        self.breaks > 0
    }

    /// Where in `text` the first `bytes` of it end, and where the last part of them starts that no
    /// tab or line end is in.
    pub fn place(&self, text: &str, bytes: usize) -> Range<usize> {
        let (mut taken, mut last) = (0, self.host);
        for (at, c) in text[self.host..].char_indices() {
            work::visit(1);
            if taken >= bytes {
                return last..self.host + at;
            }
            match is_break(c) {
                true => last = self.host + at + 1,
                false => taken += c.len_utf8(),
            }
        }
        last..text.len()
    }
}
