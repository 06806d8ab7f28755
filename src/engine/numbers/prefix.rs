//! Digit trie: reports every listed prefix of a number in one walk over its digits.
//!
//! Owns the trie and its builder. Must not know what a payload means.
//! There is one root for international digits (country code first) and one for each region's
//! own plan. A node holds a payload for each set of total lengths that was asked for: any (a
//! prefix), exactly n digits (a closed range), at least n digits (an open range).
//! Invariants: children come after their parent in the arena, so the trie has no cycle; a walk
//! takes at most 20 steps and never allocates.

use std::fmt;

use super::ranges;
use crate::model::entry::{NumberPattern, PlanDigits};
use crate::model::number::{Number, Region, ShortCode};

/// The most digits of a prefix or range border: the longest short code.
const DIGITS_MAX: usize = ShortCode::DIGITS_MAX;
/// The most nodes of one trie: 3.2 GB, far above any prefix list; a bound on hostile imports.
const NODES_MAX: usize = 1 << 26;
/// No child, no payload: node 0 is a root and never a child, payload rows count from 1.
const NONE: u32 = 0;

/// Why a pattern cannot go into a prefix table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// Exact numbers belong into the exact table.
    Exact,
    /// No digit at all, more than 20, or something else than digits.
    Digits,
    /// The borders of a range differ in length.
    UnequalLengths,
    /// First is above last.
    Reversed,
    /// The borders of a range are of different plans.
    DifferentPlans,
    /// The table has reached its bound of nodes.
    Full,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PatternError::Exact => "an exact number is no prefix",
            PatternError::Digits => "expected 1 to 20 digits",
            PatternError::UnequalLengths => "first and last of a range differ in length",
            PatternError::Reversed => "first of a range is above its last",
            PatternError::DifferentPlans => "first and last of a range are of different plans",
            PatternError::Full => "too many prefixes",
        })
    }
}

impl std::error::Error for PatternError {}

/// A node: where each next digit leads, and what ends here.
#[derive(Clone, Copy, Default)]
struct Node {
    children: [u32; 10],
    /// Index + 1 into `PrefixTable::rows` of the first row of this node.
    rows: u32,
}

/// How many digits a number must have in all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TotalDigits {
    pub(super) min: u8,
    pub(super) max: u8,
}

impl TotalDigits {
    /// Any number of digits.
    pub(super) const ANY: TotalDigits = TotalDigits { min: 0, max: u8::MAX };
}

/// One payload of a node.
#[derive(Clone, Copy)]
struct Row {
    payload: u32,
    total_digits: TotalDigits,
    /// The next row belongs to the same node.
    more: bool,
}

/// An immutable set of prefixes with payloads.
#[derive(Default)]
pub struct PrefixTable {
    nodes: Box<[Node]>,
    rows: Box<[Row]>,
    /// Roots of regional plans, sorted; the international root is node 0.
    regions: Box<[(Region, u32)]>,
    /// How many (prefix, total lengths) pairs have a payload.
    len: usize,
}

impl fmt::Debug for PrefixTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrefixTable({} prefixes, {} nodes)", self.len, self.nodes.len())
    }
}

impl PrefixTable {
    /// Reports every prefix of `number` in its own plan, shortest first, as
    /// (digits of the prefix, payload). Payloads of one prefix come in ascending order of fewest
    /// total digits.
    #[inline]
    pub fn walk(&self, number: &Number, hit: impl FnMut(usize, u32)) {
        if self.nodes.is_empty() {
            return;
        }
        match number {
            Number::E164(number) => {
                self.walk_digits(None, number.digits().as_bytes(), hit);
            }
            Number::Short(code) => {
                self.walk_digits(Some(code.region), code.digits().as_bytes(), hit);
            }
        }
    }

    /// As [`PrefixTable::walk`], for ASCII digits of one plan; other octets end the walk.
    #[inline]
    pub fn walk_digits(
        &self,
        region: Option<Region>,
        digits: &[u8],
        mut hit: impl FnMut(usize, u32),
    ) {
        let Some(mut node) = self.root(region).and_then(|root| self.nodes.get(root)) else {
            return;
        };
        for at in 0.. {
            if node.rows != NONE {
                self.report(node, at, digits.len(), &mut hit);
            }
            let Some(&digit) = digits.get(at) else { return };
            let child = node.children.get(usize::from(digit.wrapping_sub(b'0')));
            match child {
                Some(&child) if child != NONE => node = &self.nodes[child as usize],
                _ => return,
            }
        }
    }

    /// The number of prefixes (a range counts as many as it was compiled into).
    pub fn len(&self) -> usize {
        self.len
    }

    /// No prefix at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Heap bytes held.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.nodes) + size_of_val(&*self.rows) + size_of_val(&*self.regions)
    }

    fn root(&self, region: Option<Region>) -> Option<usize> {
        let Some(region) = region else { return Some(0) };
        let at = self.regions.binary_search_by_key(&region, |(region, _)| *region).ok()?;
        Some(self.regions[at].1 as usize)
    }

    fn report(&self, node: &Node, at: usize, total: usize, hit: &mut impl FnMut(usize, u32)) {
        for row in &self.rows[node.rows as usize - 1..] {
            let TotalDigits { min, max } = row.total_digits;
            if usize::from(min) <= total && total <= usize::from(max) {
                hit(at, row.payload);
            }
            if !row.more {
                return;
            }
        }
    }
}

/// A token at a node, before payloads are resolved. The order is the order of rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    node: u32,
    total_digits: TotalDigits,
    token: u32,
}

/// Collects patterns and compiles them into a [`PrefixTable`].
pub struct PrefixBuilder {
    nodes: Vec<Node>,
    regions: Vec<(Region, u32)>,
    marks: Vec<Mark>,
}

impl Default for PrefixBuilder {
    fn default() -> PrefixBuilder {
        PrefixBuilder::new()
    }
}

impl PrefixBuilder {
    /// An empty builder.
    pub fn new() -> PrefixBuilder {
        PrefixBuilder { nodes: vec![Node::default()], regions: Vec::new(), marks: Vec::new() }
    }

    /// Adds a prefix or range under a token. Several tokens on one prefix are all kept.
    ///
    /// Errors: [`PatternError`]; after `Full` a part of the range may have been added.
    pub fn add(&mut self, pattern: &NumberPattern, token: u32) -> Result<(), PatternError> {
        match pattern {
            NumberPattern::Exact(_) => Err(PatternError::Exact),
            NumberPattern::Prefix(prefix) => {
                check_digits(prefix)?;
                self.mark(prefix.region, prefix.digits.as_bytes(), TotalDigits::ANY, token)
            }
            NumberPattern::Range { first, last, open } => self.add_range(first, last, *open, token),
        }
    }

    fn add_range(
        &mut self,
        first: &PlanDigits,
        last: &PlanDigits,
        open: bool,
        token: u32,
    ) -> Result<(), PatternError> {
        check_digits(first)?;
        check_digits(last)?;
        if first.region != last.region {
            return Err(PatternError::DifferentPlans);
        }
        if first.digits.len() != last.digits.len() {
            return Err(PatternError::UnequalLengths);
        }
        if first.digits > last.digits {
            return Err(PatternError::Reversed);
        }
        // The cover may hold prefixes shorter than the borders; numbers shorter than the borders
        // are not in the range, so the length is asked for in either case.
        let min = first.digits.len() as u8;
        let total_digits = TotalDigits { min, max: if open { u8::MAX } else { min } };
        let mut result = Ok(());
        ranges::cover(first.digits.as_bytes(), last.digits.as_bytes(), |prefix| {
            if result.is_ok() {
                result = self.mark(first.region, prefix, total_digits, token);
            }
        });
        result
    }

    /// Puts a token on a prefix, which may be empty here: a class row may speak of a whole plan,
    /// and a range may cover all digits.
    pub(super) fn mark(
        &mut self,
        region: Option<Region>,
        prefix: &[u8],
        total_digits: TotalDigits,
        token: u32,
    ) -> Result<(), PatternError> {
        if prefix.len() > DIGITS_MAX || !prefix.iter().all(u8::is_ascii_digit) {
            return Err(PatternError::Digits);
        }
        let mut node = self.root(region)?;
        for &digit in prefix {
            let (parent, digit) = (node as usize, usize::from(digit - b'0'));
            node = self.nodes[parent].children[digit];
            if node == NONE {
                node = self.grow()?;
                self.nodes[parent].children[digit] = node;
            }
        }
        self.marks.push(Mark { node, total_digits, token });
        Ok(())
    }

    /// The root of a plan, made on first use.
    fn root(&mut self, region: Option<Region>) -> Result<u32, PatternError> {
        let Some(region) = region else { return Ok(0) };
        if let Some((_, root)) = self.regions.iter().find(|(known, _)| *known == region) {
            return Ok(*root);
        }
        let root = self.grow()?;
        self.regions.push((region, root));
        Ok(root)
    }

    fn grow(&mut self) -> Result<u32, PatternError> {
        if self.nodes.len() >= NODES_MAX {
            return Err(PatternError::Full);
        }
        self.nodes.push(Node::default());
        Ok((self.nodes.len() - 1) as u32)
    }

    /// Compiles. All tokens of one (prefix, total lengths), ascending, go to `resolve`,
    /// whose answer is their payload.
    pub fn build(self, mut resolve: impl FnMut(&[u32]) -> u32) -> PrefixTable {
        let PrefixBuilder { mut nodes, mut regions, mut marks } = self;
        if marks.is_empty() {
            return PrefixTable::default();
        }
        marks.sort_unstable();
        let mut rows: Vec<Row> = Vec::new();
        let mut tokens = Vec::new();
        let mut last_node = None;
        for group in marks.chunk_by(|a, b| (a.node, a.total_digits) == (b.node, b.total_digits)) {
            tokens.clear();
            tokens.extend(group.iter().map(|mark| mark.token));
            let Mark { node, total_digits, .. } = group[0];
            if last_node == Some(node) {
                rows.last_mut().expect("the node has a row before this one").more = true;
            } else {
                nodes[node as usize].rows = rows.len() as u32 + 1;
            }
            last_node = Some(node);
            rows.push(Row { payload: resolve(&tokens), total_digits, more: false });
        }
        regions.sort_unstable();
        PrefixTable {
            len: rows.len(),
            nodes: nodes.into_boxed_slice(),
            rows: rows.into_boxed_slice(),
            regions: regions.into_boxed_slice(),
        }
    }
}

fn check_digits(digits: &PlanDigits) -> Result<(), PatternError> {
    let ok = !digits.digits.is_empty() && digits.digits.bytes().all(|d| d.is_ascii_digit());
    if ok { Ok(()) } else { Err(PatternError::Digits) }
}

#[cfg(test)]
mod tests;
