//! What follows a host: port, path, query, fragment.
//!
//! Invariants: to look whether there is a path costs no more than the punctuation before it;
//! to read it, one pass.

use super::anchor::slash;
use super::work;

/// Most bytes of a path that are cut off the punctuation around it. Browsers and servers take no
/// more than about 2,000 in practice; of a longer one nothing is cut off, it is passed over whole.
pub(super) const PATH_BYTES_MAX: usize = 2048;
/// Punctuation that ends sentences and links, and not paths.
const TRIMMED: [char; 10] = ['.', ',', ';', ':', '!', '?', '\'', '*', '~', '['];

/// What follows a host.
pub(super) struct Tail {
    /// Where a path may start: after the host and its port.
    path: usize,
    /// Where the body of the path starts, after its slash, `?` or `#`.
    body: Option<usize>,
    pub has_port: bool,
    /// Something of the path stays when punctuation is cut off.
    pub has_path: bool,
}

impl Tail {
    /// Looks at what follows the host that ends at `host_end`.
    pub fn peek(text: &str, host_end: usize) -> Tail {
        let bytes = text.as_bytes();
        let mut path = host_end;
        let mut has_port = false;
        if let Some(rest) = text[host_end..].strip_prefix(':') {
            // One more than a port has, to see that it ends.
            let digits = rest.bytes().take(6).take_while(u8::is_ascii_digit).count();
            has_port = (2..=5).contains(&digits);
            path += if has_port { 1 + digits } else { 0 };
        }
        let body = slash(bytes, path).or(match bytes.get(path) {
            Some(b'?' | b'#') => Some(path + 1),
            _ => None,
        });
        let has_path = body.is_some_and(|body| {
            let mut skipped = 0;
            let goes = |&c: &char| TRIMMED.contains(&c) || matches!(c, ')' | ']');
            let first = text[body..].chars().inspect(|_| skipped += 1).find(|c| !goes(c));
            work::visit(skipped);
            first.is_some_and(is_path_char)
        });
        Tail { path, body, has_port, has_path }
    }

    /// Where the host ends that has no path: with its port and a slash.
    pub fn bare_end(&self, text: &str) -> usize {
        match self.body {
            Some(body) if !text[self.path..].starts_with('?') => body,
            _ => self.path,
        }
    }

    /// Reads to the end: where the link ends, and does anything follow its slash?
    pub fn read(&self, text: &str) -> (usize, bool) {
        let Some(body) = self.body else { return (self.path, false) };
        let ends = |c: char| !is_path_char(c);
        let length = text[body..].find(ends).unwrap_or(text.len() - body);
        work::visit(length);
        if length > PATH_BYTES_MAX {
            return (body + length, true);
        }
        let end = self.path + trim_path(&text[self.path..body + length]).len();
        (end, end > body)
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

/// Without the punctuation of the sentence around it. A bracket is of the sentence where more of
/// its kind close than open; they are counted once and the counts go down on the way back.
fn trim_path(path: &str) -> &str {
    let count = |bracket: u8| path.bytes().filter(|&b| b == bracket).count();
    let (round_open, mut round_closed) = (count(b'('), count(b')'));
    let (mut square_open, mut square_closed) = (count(b'['), count(b']'));
    work::visit(4 * path.len());
    let mut end = path.len();
    for c in path.chars().rev() {
        work::visit(1);
        match c {
            ')' if round_open < round_closed => round_closed -= 1,
            ']' if square_open < square_closed => square_closed -= 1,
            '[' => square_open -= 1,
            c if TRIMMED.contains(&c) => {}
            _ => break,
        }
        end -= c.len_utf8();
    }
    &path[..end]
}

#[cfg(test)]
mod tests {
    use super::trim_path;

    /// As it reads: counted anew for each bracket.
    fn naive(mut path: &str) -> &str {
        loop {
            let trimmed = path.trim_end_matches(super::TRIMMED);
            let odd = |close: char, open: char| {
                trimmed.ends_with(close)
                    && trimmed.matches(open).count() < trimmed.matches(close).count()
            };
            match odd(')', '(') || odd(']', '[') {
                true => path = &trimmed[..trimmed.len() - 1],
                false => return trimmed,
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn brackets_counted_once(path in "[/a.()\\[\\]!１]{0,24}") {
            proptest::prop_assert_eq!(trim_path(&path), naive(&path));
        }
    }
}
