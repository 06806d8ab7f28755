//! Compiles bulk imports: segments of plain numbers into one layer with one exact table.

use super::CompileError;
use super::layer::LISTS_MAX;
use crate::engine::intern::{Interner, Member};
use crate::engine::numbers::{IndexBuilder, Plans};
use crate::engine::ruleset::Layer;
use crate::model::entry::{EntryMeta, ListKind, ListSpec, NumberPattern};
use crate::model::number::{E164Number, Number};

/// Takes segments, gives a bulk layer.
///
/// Holds 16 octets a number while building, beside the table of about 12 that comes out.
pub struct BulkBuilder<'p> {
    plans: &'p Plans,
    lists: Vec<ListSpec>,
    list_entries: Vec<u64>,
    interner: Interner,
    numbers: IndexBuilder,
}

impl<'p> BulkBuilder<'p> {
    /// Starts with the numbering plans of the catalogue.
    pub fn new(plans: &'p Plans) -> BulkBuilder<'p> {
        BulkBuilder {
            plans,
            lists: Vec::new(),
            list_entries: Vec::new(),
            interner: Interner::default(),
            numbers: IndexBuilder::default(),
        }
    }

    /// Room for so many numbers: all that all segments have. Without it the numbers are moved as
    /// they grow, which takes more memory for a while.
    pub fn reserve(&mut self, numbers: usize) {
        self.numbers.reserve_exact(numbers);
    }

    /// Adds the numbers of one segment (values as [`E164Number::value`]) with what is said of all
    /// of them alike; several segments may be of one list.
    ///
    /// # Errors
    /// A value that is no number, a list of another kind or given in two ways, too many lists.
    pub fn segment(
        &mut self,
        spec: &ListSpec,
        meta: EntryMeta,
        values: impl IntoIterator<Item = u64>,
    ) -> Result<(), CompileError> {
        let list = self.list(spec)?;
        let member = self.interner.member(Member::new(list, meta));
        let mut count = 0;
        for value in values {
            let number = E164Number::from_value(value).ok_or_else(|| {
                CompileError(format!("segment of list {}: a value is no number", spec.id))
            })?;
            let pattern = NumberPattern::Exact(Number::E164(number));
            self.numbers.add(self.plans, &pattern, member)?;
            count += 1;
        }
        self.list_entries[usize::from(list)] += count;
        Ok(())
    }

    fn list(&mut self, spec: &ListSpec) -> Result<u16, CompileError> {
        if spec.kind != ListKind::Number {
            return Err(CompileError(format!("list {} does not hold numbers", spec.id)));
        }
        if let Some(at) = self.lists.iter().position(|list| list.id == spec.id) {
            if self.lists[at] != *spec {
                return Err(CompileError(format!("list {} is given in two ways", spec.id)));
            }
            return Ok(at as u16);
        }
        if self.lists.len() >= LISTS_MAX {
            return Err(CompileError(format!("more than {LISTS_MAX} lists")));
        }
        self.lists.push(spec.clone());
        self.list_entries.push(0);
        Ok((self.lists.len() - 1) as u16)
    }

    /// Compiles what was added.
    pub fn build(self) -> Layer {
        let BulkBuilder { lists, list_entries, mut interner, numbers, .. } = self;
        // Nearly all numbers are in one segment only: their sets are found without hashing.
        let mut last: Option<(u32, u32)> = None;
        let numbers = numbers.build(|members| match (members, last) {
            ([member], Some((known, set))) if *member == known => set,
            ([member], _) => {
                let set = interner.set(members);
                last = Some((*member, set));
                set
            }
            _ => interner.set(members),
        });
        Layer {
            entries: list_entries.iter().sum(),
            lists,
            list_entries,
            numbers,
            sets: interner.finish(),
            ..Layer::default()
        }
    }
}
