//! Preview: what a change-set would do, in numbers and by examples.

use super::check::protect::Protected;
use super::delta::{Fate, deltas};
use super::edit::Edit;
use super::row::Row;
use super::scope::Scope;
use super::view::{Blobs, View, ViewError};
use crate::model::revision::Revision;

/// Examples of each kind: a person reads ten and then trusts the numbers.
pub const SAMPLES_MAX: usize = 10;

/// What a change-set would do to the catalogue, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Entries that are not there yet.
    pub new: u64,
    /// Entries that are there and say the same.
    pub unchanged: u64,
    /// Entries that are there and say something else.
    pub changed: u64,
    /// Entries that go.
    pub removed: u64,
    /// Entries that speak of protected numbers.
    pub protected: u64,
    /// The first of each kind.
    pub samples: Vec<Sample>,
    /// The revision it was computed against.
    pub base: Revision,
}

/// One example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// `new`, `unchanged`, `changed`, `removed`, `protected`.
    pub kind: &'static str,
    /// The list.
    pub list: Box<str>,
    /// The entry's key.
    pub key: Box<str>,
    /// What it would say, or why it is named, in words.
    pub what: String,
}

/// Counts what a change-set would do.
///
/// Errors: those of the view and of the blobs.
pub fn preview(view: &dyn View, blobs: &dyn Blobs, edits: &[Edit]) -> Result<Preview, ViewError> {
    let scope = Scope::new(view, edits)?;
    let mut preview = Preview { base: scope.at, ..Preview::default() };
    let mut samples = Samples::default();
    let deltas = deltas(&scope, blobs, &mut |fate, list, key, row| {
        let kind = match fate {
            Fate::New => "new",
            Fate::Unchanged => "unchanged",
            Fate::Changed => "changed",
            Fate::Removed => "removed",
        };
        samples.add(kind, list, key, || row.map_or_else(String::new, says));
    })?;
    for delta in &deltas {
        preview.new += delta.new;
        preview.unchanged += delta.unchanged;
        preview.changed += delta.changed;
        preview.removed += delta.removed;
    }
    let protected = Protected::load(&scope)?;
    protected.touched(&scope, blobs, &mut |list, key, guard, values| {
        preview.protected += values;
        samples
            .add("protected", list, key, || format!("list {} protects {}", guard.list, guard.key));
    })?;
    preview.samples = samples.0;
    Ok(preview)
}

/// What a row says besides its value.
fn says(row: &Row) -> String {
    let cells = row.cells().filter(|(name, _)| !matches!(*name, "value" | "id"));
    let cells: Vec<String> = cells.map(|(name, cell)| format!("{name}={cell}")).collect();
    cells.join(" ")
}

#[derive(Default)]
struct Samples(Vec<Sample>);

impl Samples {
    fn add(&mut self, kind: &'static str, list: &str, key: &str, what: impl FnOnce() -> String) {
        if self.0.iter().filter(|sample| sample.kind == kind).count() < SAMPLES_MAX {
            self.0.push(Sample { kind, list: list.into(), key: key.into(), what: what() });
        }
    }
}
