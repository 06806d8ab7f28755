//! The numbers that people have, and how much of them a list covers.
//!
//! Owns the measure: a number stands for its share of 15 digits, a prefix for all behind it, and a
//! region's lines for what its class rows call mobile or fixed, less what longer rows call
//! otherwise. Regions without class rows borrow those of the region they share a country code
//! with (Jersey has Britain's), and else are measured by their whole plan. At home, what the
//! built-in rows call mobile or fixed is measured beside: no catalogue may talk lines away. Abroad
//! counts in regions: a country code is as many as share it.
//! Must not know effects or limits.
//! Invariant: overlapping prefixes count once, in whichever order they come.

use std::collections::BTreeMap;

use crate::model::entry::{ClassRow, NumberClass, NumberPattern, PlanDigits, PlanRow};
use crate::model::number::{E164Number, Region};

/// Numbers from `from` up to, but not including, `to`, filled up to 15 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    from: u64,
    to: u64,
}

impl Block {
    /// All numbers behind leading digits; `None` where no number is that long.
    fn behind(first: &str, last: &str) -> Option<Block> {
        let width = E164Number::DIGITS_MAX.checked_sub(first.len().max(last.len()))?;
        let scale = 10u64.pow(u32::try_from(width).ok()?);
        let value = |digits: &str| digits.parse::<u64>().ok();
        Some(Block { from: value(first)? * scale, to: (value(last)? + 1) * scale })
    }

    /// How many numbers two blocks share.
    fn common(self, other: Block) -> u64 {
        self.to.min(other.to).saturating_sub(self.from.max(other.from))
    }
}

/// Some lines of one kind: leading digits and how many digits their numbers have in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    block: Block,
    /// Digits that tell the row from others, country code included.
    leading: usize,
    digits_min: usize,
    digits_max: usize,
}

impl Piece {
    fn fits(&self, digits: Option<usize>) -> bool {
        digits.is_none_or(|n| (self.digits_min..=self.digits_max).contains(&n))
    }
}

/// The kind of lines whose plan tells no kinds.
pub const ALL: &str = "all";

/// The lines of one kind in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Whose.
    pub region: Region,
    /// `mobile`, `fixed`, or [`ALL`] where the plan does not tell.
    pub kind: &'static str,
    /// The kind is told by class rows of the region itself.
    pub classed: bool,
    /// The built-in plans and class rows tell so, and the catalogue otherwise.
    pub built_in: bool,
    /// By their first number; none overlaps another.
    pieces: Vec<Piece>,
    total: u64,
}

impl Lines {
    fn new(
        region: Region,
        kind: &'static str,
        classed: bool,
        mut pieces: Vec<Piece>,
    ) -> Option<Self> {
        pieces.sort_by_key(|piece| (piece.block.from, std::cmp::Reverse(piece.block.to)));
        let mut end = 0;
        pieces.retain(|piece| {
            let apart = piece.block.from >= end;
            end = end.max(piece.block.to);
            apart
        });
        let total = pieces.iter().map(|piece| piece.block.to - piece.block.from).sum();
        (total > 0).then_some(Lines { region, kind, classed, built_in: false, pieces, total })
    }

    /// Who says so, where that is not the catalogue: words that follow `mobile lines`.
    pub fn by_whom(&self) -> &'static str {
        if self.built_in { " by the built-in plans" } else { "" }
    }

    /// The same numbers, called the same.
    fn same_as(&self, other: &Lines) -> bool {
        self.kind == other.kind && self.pieces == other.pieces
    }

    fn span(&self) -> Block {
        let first = self.pieces.first().expect("lines without pieces are not made");
        let last = self.pieces.last().expect("lines without pieces are not made");
        Block { from: first.block.from, to: last.block.to }
    }

    /// How many of these lines are in a block of numbers (with so many digits, where it says).
    fn within(&self, block: Block, digits: Option<usize>) -> u64 {
        let start = self.pieces.partition_point(|piece| piece.block.to <= block.from);
        let inside = self.pieces[start..].iter().take_while(|piece| piece.block.from < block.to);
        inside
            .filter(|piece| piece.fits(digits))
            .map(|piece| piece.block.to.min(block.to) - piece.block.from.max(block.from))
            .sum()
    }

    /// Numbers spread evenly over these lines, `+` in front. Behind the digits that tell lines
    /// apart come 2 to 9 only: subscriber numbers seldom start with 0 or 1, in North America never.
    pub fn samples(&self, count: u64) -> Vec<String> {
        let sample = |nth: u64| {
            let mut at = (self.total / (2 * count.max(1))) * (2 * nth + 1);
            let mut pieces = self.pieces.iter();
            let piece = pieces.find(|piece| {
                let length = piece.block.to - piece.block.from;
                let here = at < length;
                if !here {
                    at -= length;
                }
                here
            })?;
            let digits = format!("{:015}", piece.block.from + at);
            let length = usize::midpoint(piece.digits_min, piece.digits_max);
            let told = (piece.leading + TOLD_APART).min(length).min(digits.len());
            let mut number = format!("+{}", &digits[..told]);
            let mut state = nth + 1;
            while number.len() <= length {
                // Knuth's multiplier (MMIX); the high bits are the random ones.
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                number.push(char::from(b'2' + (state >> 61) as u8));
            }
            Some(number)
        };
        (0..count).filter_map(sample).collect()
    }
}

/// Digits of a sample behind a row's prefix that follow its place among the lines: with the prefix
/// of one digit that most rows have, an area code.
const TOLD_APART: usize = 2;

/// What a class row says, with its numbers.
struct Row {
    class: NumberClass,
    piece: Piece,
}

/// A country code and its regions.
#[derive(Debug)]
struct Code {
    block: Block,
    regions: Vec<Region>,
}

/// The lines of all regions.
#[derive(Debug, Default)]
pub struct Space {
    /// By first number.
    lines: Vec<Lines>,
    /// Whole plans at home where only the catalogue tells kinds of lines.
    whole: Vec<Lines>,
    /// Country codes other than those of home, by first number.
    abroad: Vec<Code>,
    /// Country codes.
    codes: BTreeMap<Region, String>,
    /// Class rows, for prefixes of a region's own plan.
    classes: BTreeMap<Region, Vec<ClassRow>>,
}

impl Space {
    /// From the plans and class rows of a catalogue.
    pub fn new(plans: &[PlanRow], class_rows: &[ClassRow]) -> Space {
        let mut classes: BTreeMap<Region, Vec<ClassRow>> = BTreeMap::new();
        for row in class_rows {
            classes.entry(row.region).or_default().push(*row);
        }
        let mut space = Space { classes, ..Space::default() };
        let mut abroad: BTreeMap<&str, Vec<Region>> = BTreeMap::new();
        for plan in plans {
            space.codes.insert(plan.region, plan.country_code.to_string());
            abroad.entry(&plan.country_code).or_default().push(plan.region);
            let shares = |other: &&PlanRow| other.country_code == plan.country_code;
            let own = space.classes.get(&plan.region);
            let lent = || plans.iter().filter(shares).find_map(|p| space.classes.get(&p.region));
            let lines = match own.or_else(lent) {
                Some(rows) => classed(plan, rows, own.is_some()),
                None => unclassed(plan).into_iter().collect(),
            };
            space.lines.extend(lines);
        }
        space.lines.sort_by_key(|lines| lines.span().from);
        let code = |(code, regions)| Some(Code { block: Block::behind(code, code)?, regions });
        space.abroad = abroad.into_iter().filter_map(code).collect();
        space.abroad.sort_by_key(|code| code.block.from);
        space
    }

    /// Tells where home is, and what the built-in plans and class rows say of it: that is measured,
    /// too, where the catalogue says otherwise.
    #[must_use]
    pub fn at_home(mut self, home: &[Region], built_in: &Space) -> Space {
        self.abroad.retain(|code| !code.regions.iter().any(|region| home.contains(region)));
        for region in home {
            let known: Vec<Lines> = self.lines_of(*region).cloned().collect();
            let told = known.iter().any(|lines| lines.kind != ALL);
            let other = built_in.lines_of(*region);
            for lines in other.filter(|lines| !known.iter().any(|own| own.same_as(lines))) {
                let lines = Lines { built_in: true, ..lines.clone() };
                let whole = told && lines.kind == ALL;
                if whole { &mut self.whole } else { &mut self.lines }.push(lines);
            }
        }
        self.lines.sort_by_key(|lines| lines.span().from);
        self
    }

    /// All numbers of a region's plan, where the catalogue alone tells which of them are lines that
    /// people have.
    pub fn whole_of(&self, region: Region) -> impl Iterator<Item = &Lines> {
        self.whole.iter().filter(move |lines| lines.region == region)
    }

    /// Regions with a country code that is none of those of home.
    pub fn regions_abroad(&self) -> impl Iterator<Item = Region> {
        self.abroad.iter().flat_map(|code| &code.regions).copied()
    }

    /// The lines of one region, mobile before fixed; those that only the built-in class rows know
    /// follow those of the catalogue.
    pub fn lines_of(&self, region: Region) -> impl Iterator<Item = &Lines> {
        let of = move |built_in: bool, kind: &'static str| {
            let wanted = (region, built_in, kind);
            self.lines.iter().filter(move |it| (it.region, it.built_in, it.kind) == wanted)
        };
        let kinds = move |built_in| {
            of(built_in, "mobile").chain(of(built_in, "fixed")).chain(of(built_in, ALL))
        };
        kinds(false).chain(kinds(true))
    }

    /// Digits of a region's own plan with country code, where a class row knows them as lines
    /// (`CN:138*`): the same rule by which the compiler reads them.
    fn full(&self, digits: &PlanDigits) -> Option<String> {
        let Some(region) = digits.region else { return Some(digits.digits.to_string()) };
        let rows = self.classes.get(&region)?;
        let longest = |short: bool| {
            let covering = rows.iter().filter(move |row| {
                row.short == short
                    && row.class != NumberClass::Unassignable
                    && digits.digits.starts_with(row.prefix.as_str())
            });
            covering.map(|row| row.prefix.len()).max().unwrap_or(0)
        };
        (longest(false) > longest(true))
            .then(|| format!("{}{}", self.codes.get(&region).map_or("", |c| c), digits.digits))
    }

    /// The numbers of a pattern, and how many digits they have where the pattern says.
    fn block(&self, pattern: &NumberPattern) -> Option<(Block, Option<usize>)> {
        match pattern {
            NumberPattern::Exact(_) => None,
            NumberPattern::Prefix(digits) => {
                let full = self.full(digits)?;
                Some((Block::behind(&full, &full)?, None))
            }
            NumberPattern::Range { first, last, open } => {
                let (first, last) = (self.full(first)?, self.full(last)?);
                let digits = (!open).then_some(first.len());
                Some((Block::behind(&first, &last)?, digits))
            }
        }
    }
}

fn classed(plan: &PlanRow, rows: &[ClassRow], own: bool) -> Vec<Lines> {
    let piece = |class: &ClassRow| {
        let leading = format!("{}{}", plan.country_code, class.prefix);
        let digits = |national: u8| plan.country_code.len() + usize::from(national);
        Some(Piece {
            block: Block::behind(&leading, &leading)?,
            leading: leading.len(),
            digits_min: digits(class.digits_min),
            digits_max: digits(class.digits_max),
        })
    };
    let mut rows: Vec<Row> = rows
        .iter()
        .filter(|row| !row.short)
        .filter_map(|row| Some(Row { class: row.class, piece: piece(row)? }))
        .collect();
    rows.sort_by_key(|row| (row.piece.block.from, std::cmp::Reverse(row.piece.block.to)));
    let of = |kind, classes: &[NumberClass]| {
        let wanted = |at: &usize| classes.contains(&rows[*at].class);
        let pieces = (0..rows.len()).filter(wanted).flat_map(|at| left(&rows[at..])).collect();
        Lines::new(plan.region, kind, own, pieces)
    };
    let mobile = of("mobile", &[NumberClass::Mobile, NumberClass::Mvno]);
    let fixed = of("fixed", &[NumberClass::Fixed]);
    mobile.into_iter().chain(fixed).collect()
}

/// What longer prefixes leave of the first row: those with numbers of its length take their part.
fn left(rows: &[Row]) -> Vec<Piece> {
    let Some((row, after)) = rows.split_first() else { return Vec::new() };
    let mut pieces = Vec::new();
    let mut from = row.piece.block.from;
    let within = after.iter().take_while(|inner| inner.piece.block.from < row.piece.block.to);
    for inner in within {
        let meets = inner.piece.digits_min <= row.piece.digits_max
            && row.piece.digits_min <= inner.piece.digits_max;
        if !meets || inner.piece.block == row.piece.block {
            continue;
        }
        if inner.piece.block.from > from {
            let block = Block { from, to: inner.piece.block.from };
            pieces.push(Piece { block, ..row.piece });
        }
        from = from.max(inner.piece.block.to);
    }
    if from < row.piece.block.to {
        pieces.push(Piece { block: Block { from, to: row.piece.block.to }, ..row.piece });
    }
    pieces
}

/// All that the plan has; where 0 is dialled in front, no number starts with it.
fn unclassed(plan: &PlanRow) -> Option<Lines> {
    let code = plan.country_code.as_str();
    let first = if plan.trunk_prefix.starts_with('0') { '1' } else { '0' };
    let digits = |national: u8| (code.len() + usize::from(national)).min(E164Number::DIGITS_MAX);
    let piece = Piece {
        block: Block::behind(&format!("{code}{first}"), &format!("{code}9"))?,
        leading: code.len(),
        digits_min: digits(plan.national_digits_min),
        digits_max: digits(plan.national_digits_max),
    };
    Lines::new(plan.region, ALL, false, vec![piece])
}

/// What one list covers so far.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Blocks, apart from each other, by their start.
    blocks: BTreeMap<u64, u64>,
    /// Numbers covered, by index of [`Space::lines`].
    covered: BTreeMap<usize, u64>,
    /// Regions abroad: the covered share of each country code, times the regions that share it.
    abroad: f64,
}

impl Coverage {
    /// How many regions' worth of numbers abroad is covered.
    pub fn abroad(&self) -> f64 {
        self.abroad
    }

    /// Adds a pattern and tells of each kind of lines that it adds to: which, and what share of
    /// them was covered before and is now.
    pub fn add(
        &mut self,
        space: &Space,
        pattern: &NumberPattern,
        tell: &mut dyn FnMut(&Lines, f64, f64),
    ) {
        let Some((block, digits)) = space.block(pattern) else { return };
        let new = self.new_parts(block);
        let mut met = false;
        for (at, lines) in space.lines.iter().enumerate() {
            let span = lines.span();
            if span.from >= block.to {
                break;
            }
            if span.to <= block.from {
                continue;
            }
            let added: u64 = new.iter().map(|part| lines.within(*part, digits)).sum();
            if added > 0 {
                met = true;
                let covered = self.covered.entry(at).or_default();
                let share = |covered: u64| covered as f64 / lines.total as f64;
                let before = share(*covered);
                *covered += added;
                tell(lines, before, share(*covered));
            }
        }
        for code in space.abroad.iter().take_while(|code| code.block.from < block.to) {
            let added: u64 = new.iter().map(|part| part.common(code.block)).sum();
            if added > 0 {
                met = true;
                let share = added as f64 / (code.block.to - code.block.from) as f64;
                self.abroad += share * code.regions.len() as f64;
            }
        }
        if met {
            self.take(block);
        }
    }

    /// The parts of a block that are not covered yet.
    fn new_parts(&self, block: Block) -> Vec<Block> {
        let mut parts = Vec::new();
        let mut from = block.from;
        let before = self.blocks.range(..=block.from).next_back();
        for (start, end) in before.into_iter().chain(self.blocks.range(block.from + 1..block.to)) {
            if *start > from {
                parts.push(Block { from, to: *start });
            }
            from = from.max(*end);
        }
        if from < block.to {
            parts.push(Block { from, to: block.to });
        }
        parts
    }

    /// Joins a block with those that it meets.
    fn take(&mut self, block: Block) {
        let Block { mut from, mut to } = block;
        if let Some((start, end)) = self.blocks.range(..=from).next_back()
            && *end >= from
        {
            (from, to) = (*start, to.max(*end));
        }
        let met: Vec<(u64, u64)> = self.blocks.range(from..=to).map(|(s, e)| (*s, *e)).collect();
        for (start, end) in met {
            to = to.max(end);
            self.blocks.remove(&start);
        }
        self.blocks.insert(from, to);
    }
}

#[cfg(test)]
mod tests;
