//! Lines of a source, each within [`LINE_OCTETS_MAX`], with their numbers.
//!
//! Owns line ends, the byte order mark and the limit. Must not know a format.
//! Invariant: what is buffered is at most one line; a longer one is skipped, not kept.

use super::{ImportError, LINE_OCTETS_MAX, Octets};

/// A reader of lines.
pub struct LineReader<'a> {
    source: Octets<'a>,
    number: u64,
    line: Vec<u8>,
}

impl<'a> LineReader<'a> {
    /// Reads lines from a source.
    pub fn new(source: Octets<'a>) -> LineReader<'a> {
        LineReader { source, number: 0, line: Vec::new() }
    }

    /// The number of the line read last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Octets that are held at most so far.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.line.capacity()
    }

    /// The next line without its end, or why it is no text; `None` after the last.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn next_line(&mut self) -> Result<Option<Result<&str, String>>, ImportError> {
        let Some(fits) = self.fill()? else { return Ok(None) };
        self.number += 1;
        if !fits {
            return Ok(Some(Err(format!("the line is longer than {LINE_OCTETS_MAX} octets"))));
        }
        let mut line = &self.line[..];
        if self.number == 1 {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned());
        Ok(Some(text.and_then(|text| {
            if text.contains('\0') { Err("the line holds a NUL octet".into()) } else { Ok(text) }
        })))
    }

    /// Reads up to the next line feed; says whether the line fits. `None` at the end.
    fn fill(&mut self) -> Result<Option<bool>, ImportError> {
        self.line.clear();
        let (mut fits, mut any) = (true, false);
        loop {
            let chunk = match self.source.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.into()),
            };
            if chunk.is_empty() {
                return Ok(any.then_some(fits && self.within()));
            }
            any = true;
            let end = memchr::memchr(b'\n', chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            // One octet more for the carriage return in front of the line feed.
            if self.line.len() + part.len() > LINE_OCTETS_MAX + 1 {
                fits = false;
            }
            if fits {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.source.consume(used);
            if end.is_some() {
                return Ok(Some(fits && self.within()));
            }
        }
    }

    /// Is the line within the limit, a carriage return at its end aside?
    fn within(&self) -> bool {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        line.len() <= LINE_OCTETS_MAX
    }
}
