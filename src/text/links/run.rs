//! Words parted by dots: what may be a host, before anybody asks whether it is one.
//!
//! Must not know what stands around it. Invariants: a run ends at the first character that no host
//! has; invisible characters count towards no limit, so that padding hides nothing.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::host::{HostChar, next_part};
use super::{HOST_BYTES_MAX, work};

/// Most labels of a run of words and dots that are taken for one host.
const LABELS_MAX: usize = 32;
/// How many shorter hosts are tried where words follow a host without a space (`a.com.Thanks`).
const SHORTER_MAX: usize = 3;
/// Most bytes that one sees of a run of words and dots that are taken for one host: as many
/// characters as a host has bytes, four bytes each.
pub(super) const RUN_BYTES_MAX: usize = 4 * HOST_BYTES_MAX;

/// Labels parted by single dots.
pub(super) struct Run {
    pub labels: ArrayVec<Range<usize>, LABELS_MAX>,
    start: usize,
}

impl Run {
    /// Reads the run at `start`; with or without the letters of scripts without spaces.
    pub fn read(text: &str, start: usize, ideographs: bool) -> Run {
        let mut run = Run { labels: ArrayVec::new(), start };
        let (mut label, mut at) = (start, start);
        let (mut has_word, mut seen) = (false, 0);
        while let Some((part, length)) = next_part(&text[at..]) {
            work::visit(1);
            match part {
                HostChar::Invisible => {
                    at += length;
                    continue;
                }
                _ if seen > RUN_BYTES_MAX => break,
                HostChar::Word => has_word = true,
                HostChar::Ideograph if ideographs => has_word = true,
                HostChar::Hyphen => {}
                HostChar::Dot if has_word && !run.labels.is_full() => {
                    run.labels.push(label..at);
                    (label, has_word) = (at + length, false);
                }
                _ => break,
            }
            at += length;
            seen += length;
        }
        if has_word {
            let _ = run.labels.try_push(label..at);
        }
        run
    }

    /// Where the last label ends.
    pub fn end(&self) -> usize {
        self.labels.last().map_or(self.start, |label| label.end)
    }

    /// Bytes of the labels `first..labels`.
    pub fn range(&self, first: usize, labels: usize) -> Option<Range<usize>> {
        let last = labels.checked_sub(1).and_then(|at| self.labels.get(at))?;
        Some(self.labels.get(first)?.start..last.end)
    }

    /// Numbers of labels to try where all of them are no host.
    pub fn shorter(&self) -> impl Iterator<Item = usize> + use<> {
        (2..self.labels.len().max(2)).rev().take(SHORTER_MAX)
    }

    /// Does a new sentence seem to start after so many labels? A small letter goes on the name:
    /// a suffix that the list does not know yet must not pass for the name before it.
    pub fn is_border(&self, text: &str, labels: usize) -> bool {
        let before = self.labels[labels - 1].end;
        let next = &text[self.labels[labels].clone()];
        let is_full_stop = text[before..].starts_with(['。', '｡']);
        let mut letters = next.chars();
        let is_capital = letters.next().is_some_and(char::is_uppercase)
            && letters.next().is_none_or(char::is_lowercase);
        is_full_stop || is_capital
    }
}
