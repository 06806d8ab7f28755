//! What stands beside the base: building an overlay, building and reading a bulk layer.

use std::sync::Arc;
use std::time::Instant;

use ringfence::app::catalogue::{compile, starter_packs};
use ringfence::engine::{BulkBuilder, Layer, OverlayBuilder, Ruleset, screen};
use ringfence::model::attempt::StateFacts;
use ringfence::model::entry::{Entry, ListKind, ListSpec, NumberPattern, SenderMatch, Value};
use ringfence::model::number::{E164Number, Number};
use ringfence::model::revision::Revision;

use super::support::Draw;
use super::{NOW, call, list, number};

/// Rows of an overlay: as many as may gather before they are folded into the base, and as few as
/// one change-set by hand has.
const OVERLAY_ROWS: [usize; 3] = [5_000, 500, 50];

/// A row as an overlay gets it: owned text for what needs some.
enum Row {
    Number(u64),
    Sender(String),
    Keyword(String),
    Domain(String),
}

impl Row {
    fn entry(&self, spec: &ListSpec) -> Entry<'_> {
        let value = match self {
            Row::Number(value) => {
                let number = E164Number::from_value(*value).expect("13 digits");
                Value::Number(NumberPattern::Exact(Number::E164(number)))
            }
            Row::Sender(text) => Value::Sender(text, SenderMatch::Exact),
            Row::Keyword(text) => Value::Keyword(text),
            Row::Domain(text) => Value::Domain(text),
        };
        Entry { value, meta: spec.meta }
    }
}

/// Half numbers, a fifth keywords, the rest domains and sender ids, as reports of a day are; one
/// in ten hides an entry instead.
pub fn overlay() {
    let ruleset = compile(&starter_packs(), Revision(1)).expect("the starter packs are right");
    let specs = [
        list("rows.numbers", ListKind::Number, 320),
        list("rows.senders", ListKind::Sender, 320),
        list("rows.words", ListKind::Keyword, 80),
        list("rows.domains", ListKind::Domain, 320),
    ];
    for rows in OVERLAY_ROWS {
        let mut draw = Draw(44);
        let rows: Vec<(usize, Row)> = (0..rows)
            .map(|at| match at % 10 {
                0..5 => (0, Row::Number(number(&mut draw))),
                5 => (1, Row::Sender(format!("Sender{}", draw.below(1_000_000)))),
                6 | 7 => (2, Row::Keyword(format!("word{} offer", draw.below(1_000_000)))),
                _ => (3, Row::Domain(format!("site{}.example.com", draw.below(1_000_000)))),
            })
            .collect();
        let build = || {
            let mut builder = OverlayBuilder::new(&ruleset);
            for (at, (list, row)) in rows.iter().enumerate() {
                let spec = &specs[*list];
                if at % 10 == 0 {
                    builder.hide(&spec.id, &row.entry(spec)).expect("an entry");
                } else {
                    builder.list(spec).expect("a list");
                    builder.add(&row.entry(spec)).expect("an entry");
                }
            }
            builder.build().expect("compiles")
        };
        let mut times: Vec<f64> = (0..21)
            .map(|_| {
                let start = Instant::now();
                std::hint::black_box(build());
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        times.sort_by(f64::total_cmp);
        assert_eq!(build().entries() as usize, rows.len() - rows.len().div_ceil(10));
        println!("overlay of {} rows: built in {:.0} us (median of 21)", rows.len(), times[10]);
    }
}

/// Builds a bulk layer of two segments, writes its image and reads it back.
pub fn bulk(entries: usize) {
    let mut draw = Draw(45);
    let ruleset = compile(&starter_packs(), Revision(1)).expect("the starter packs are right");
    let mut segments: Vec<Vec<u64>> =
        (0..2).map(|_| (0..entries / 2).map(|_| number(&mut draw)).collect()).collect();
    segments.iter_mut().for_each(|values| values.sort_unstable());
    let spec = list("bulk", ListKind::Number, 320);
    let other = list("bulk.other", ListKind::Number, 120);
    reset_peak();
    let before = memory("VmRSS:");
    let start = Instant::now();
    let mut builder = BulkBuilder::new(&ruleset.base.plans);
    builder.reserve(segments.iter().map(Vec::len).sum());
    for (spec, values) in [&spec, &other].into_iter().zip(&segments) {
        builder.segment(spec, spec.meta, values.iter().copied()).expect("a segment");
    }
    let layer = builder.build();
    let built = start.elapsed().as_secs_f64();
    let extra = memory("VmHWM:").saturating_sub(before) as f64;
    let table = layer.number_bytes() as f64;
    println!(
        "bulk layer of {entries} numbers in two segments: built in {built:.2} s, table {:.0} MB, \
         memory while building {:.2} of it (the table included)",
        table / 1e6,
        extra / table
    );
    let mut image = Vec::with_capacity(layer.number_bytes() + layer.number_bytes() / 8);
    let start = Instant::now();
    layer.write_bulk(|octets| image.extend_from_slice(octets)).expect("a bulk layer");
    let written = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let again = Layer::read_bulk(&image).expect("an image");
    let read = start.elapsed().as_secs_f64();
    println!(
        "its image: {:.0} MB, written in {written:.2} s, read and checked in {read:.2} s",
        image.len() as f64 / 1e6
    );
    drop(layer);
    let ruleset = Ruleset { bulk: Arc::new([Arc::new(again)]), ..ruleset };
    for (values, listed) in segments.iter().zip(["bulk", "bulk.other"]) {
        for value in values.iter().step_by(1009) {
            let from = format!("+{value}");
            let attempt = call(&from, "+8613800138000");
            let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
            assert!(verdict.reasons.iter().any(|reason| reason.list == listed), "not found");
        }
    }
}

/// A line of the process's status in octets; 0 where there is none.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|l| l.strip_prefix(line));
    let kilobytes = found.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Lets the peak of memory start again from here.
fn reset_peak() {
    // Only the figure suffers where the system does not let us.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
