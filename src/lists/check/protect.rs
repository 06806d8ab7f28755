//! Protected numbers: which edits speak of numbers that nothing may stop.
//!
//! Owns the numbers with `effect=protect`, as they would be after the change-set. Lists of that
//! effect are read whole, rows of that effect in other lists where those are short.

use std::collections::BTreeMap;

use super::patterns::{meet, prefix_keys, values};
use crate::lists::edit::Edit;
use crate::lists::pack::number_pattern;
use crate::lists::scope::Scope;
use crate::lists::segment::Segment;
use crate::lists::view::{Blobs, ViewError};
use crate::model::entry::{Effect, ListKind, NumberPattern, Party};
use crate::model::number::Number;

/// Rows of a list of another effect that are looked through for rows with `effect=protect`.
const OTHER_ROWS_MAX: u64 = 1_000;

/// A protected number or set of numbers.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The list that says so.
    pub list: Box<str>,
    /// The entry's key.
    pub key: Box<str>,
    /// As which party.
    pub party: Party,
    pattern: NumberPattern,
}

/// All protected numbers.
#[derive(Debug, Default)]
pub struct Protected {
    by_key: BTreeMap<Box<str>, Guard>,
    ranges: Vec<Guard>,
}

impl Protected {
    /// Reads them.
    ///
    /// Errors: those of the view.
    pub fn load(scope: &Scope<'_>) -> Result<Protected, ViewError> {
        let mut all = Protected::default();
        for spec in scope.specs().filter(|spec| spec.kind == ListKind::Number) {
            let rows = scope.before(&spec.id).map_or(0, |list| list.rows);
            if spec.meta.effect != Effect::Protect && rows > OTHER_ROWS_MAX {
                continue;
            }
            for (key, row) in scope.rows_after(&spec.id)? {
                let Ok(meta) = row.meta(spec) else { continue };
                let Ok(pattern) = number_pattern(&key) else { continue };
                if meta.effect != Effect::Protect || meta.shadow {
                    continue;
                }
                let list = spec.id.clone();
                let guard = Guard { list, key: key.clone(), party: spec.party, pattern };
                match pattern {
                    NumberPattern::Range { .. } => all.ranges.push(guard),
                    _ => drop(all.by_key.insert(key, guard)),
                }
            }
        }
        Ok(all)
    }

    /// A protected number that a pattern speaks of: the one that covers it, or one within it.
    pub fn met_by(&self, pattern: &NumberPattern, key: &str) -> Option<&Guard> {
        let covering = prefix_keys(pattern).into_iter().find_map(|key| self.by_key.get(&*key));
        let range = || self.ranges.iter().find(|guard| meet(&guard.pattern, pattern));
        let within = || match pattern {
            NumberPattern::Exact(_) => None,
            _ => self.by_key.values().find(|guard| meet(&guard.pattern, pattern)),
        };
        self.by_key.get(key).or(covering).or_else(range).or_else(within)
    }

    /// All edits that stop protected numbers: list, key, the guard and how many values.
    ///
    /// Errors: those of the blobs.
    pub fn touched(
        &self,
        scope: &Scope<'_>,
        blobs: &dyn Blobs,
        take: &mut dyn FnMut(&str, &str, &Guard, u64),
    ) -> Result<(), ViewError> {
        for (id, edits) in &scope.lists {
            let Some(spec) = scope.spec(id).filter(|spec| spec.kind == ListKind::Number) else {
                continue;
            };
            for (key, (_, edit)) in &edits.keys {
                let Edit::Put { row, .. } = edit else { continue };
                let Ok(pattern) = number_pattern(key) else { continue };
                if row.meta(spec).is_ok_and(|meta| stops(meta.effect))
                    && let Some(guard) = self.met_by(&pattern, key)
                {
                    take(id, key, guard, 1);
                }
            }
            for (_, used) in &edits.put {
                let effect = crate::lists::row::shared_meta(spec, &used.shared);
                let Some(octets) = blobs.blob(used.blob)? else { continue };
                let Ok(segment) = Segment::open(&octets) else { continue };
                if effect.is_ok_and(|meta| stops(meta.effect)) {
                    self.in_segment(&segment, &mut |key, guard, count| take(id, key, guard, count));
                }
            }
        }
        Ok(())
    }

    /// Values of a segment that are protected: one of them for each guard, and how many.
    pub fn in_segment(&self, segment: &Segment<'_>, take: &mut dyn FnMut(&str, &Guard, u64)) {
        for guard in self.by_key.values().chain(&self.ranges) {
            if let NumberPattern::Exact(Number::E164(number)) = &guard.pattern {
                if segment.contains_number(*number) {
                    take(&guard.key, guard, 1);
                }
                continue;
            }
            for (from, to) in values(&guard.pattern) {
                let within = segment.numbers_from(from).take_while(|n| n.value() < to);
                let mut within = within.peekable();
                if let Some(first) = within.peek().map(ToString::to_string) {
                    take(&first, guard, within.count() as u64);
                }
            }
        }
        for key in segment.texts() {
            if let Ok(pattern) = number_pattern(&key)
                && let Some(guard) = self.met_by(&pattern, &key)
            {
                take(&key, guard, 1);
            }
        }
    }
}

/// Does an effect work against who is listed?
pub fn stops(effect: Effect) -> bool {
    match effect {
        Effect::Block => true,
        Effect::Score(points) => points > 0,
        Effect::Label(_) | Effect::Allow | Effect::Watch | Effect::Protect => false,
    }
}
