//! Interned payloads: what stands behind a value, shared by all values that say the same.
//!
//! A table of ten million numbers holds one `u32` a number: the index of a set. A set names every
//! (list, meta) that the value is in, so one look-up answers every level of precedence.

use std::collections::HashMap;

use crate::model::entry::EntryMeta;

/// No set.
pub(super) const NONE: u32 = u32::MAX;

/// One list's say on a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Member {
    /// Index of the list in its layer.
    pub list: u16,
    /// What the entry says.
    pub meta: EntryMeta,
    /// Which prefix or range of the layer says it, so that one of two that overlap can be hidden;
    /// [`NONE`] for all other values: they are told apart by what they match.
    pub pattern: u32,
}

impl Member {
    /// Of a value that is no prefix or range.
    pub fn new(list: u16, meta: EntryMeta) -> Member {
        Member { list, meta, pattern: NONE }
    }
}

/// The finished sets.
#[derive(Default)]
pub struct Sets {
    members: Vec<Member>,
    /// Set `i` is `flat[starts[i]..starts[i + 1]]`, indexes into `members`.
    starts: Vec<u32>,
    flat: Vec<u32>,
}

impl Sets {
    /// The members of a set, in the order their lists were added.
    #[inline]
    pub(super) fn get(&self, set: u32) -> impl Iterator<Item = &Member> {
        let at = set as usize;
        let range = match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(&start), Some(&end)) => start as usize..end as usize,
            _ => 0..0,
        };
        self.flat[range].iter().map(|&member| &self.members[member as usize])
    }
}

impl Sets {
    /// How many sets there are; ids are less than this.
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Members, starts and flat indexes, as they are kept.
    pub(super) fn parts(&self) -> (&[Member], &[u32], &[u32]) {
        (&self.members, &self.starts, &self.flat)
    }

    /// From what [`Sets::parts`] gave; `None` where an index leads nowhere.
    pub(super) fn from_parts(
        members: Vec<Member>,
        starts: Vec<u32>,
        flat: Vec<u32>,
    ) -> Option<Sets> {
        let first = starts.first().copied().unwrap_or(0);
        let last = starts.last().copied().unwrap_or(0);
        let whole = first == 0
            && last as usize == flat.len()
            && starts.is_sorted()
            && flat.iter().all(|member| (*member as usize) < members.len());
        whole.then_some(Sets { members, starts, flat })
    }
}

/// Interns members and sets while a layer is compiled.
#[derive(Default)]
pub(super) struct Interner {
    sets: Sets,
    member_ids: HashMap<Member, u32>,
    set_ids: HashMap<Box<[u32]>, u32>,
    scratch: Vec<u32>,
}

impl Interner {
    /// The id of a member.
    pub fn member(&mut self, member: Member) -> u32 {
        let next = u32::try_from(self.sets.members.len()).expect("fewer members than entries");
        *self.member_ids.entry(member).or_insert_with(|| {
            self.sets.members.push(member);
            next
        })
    }

    /// The id of the set of these members; order and repeats do not matter.
    pub fn set(&mut self, members: &[u32]) -> u32 {
        self.scratch.clear();
        self.scratch.extend_from_slice(members);
        self.scratch.sort_unstable();
        self.scratch.dedup();
        if let Some(&id) = self.set_ids.get(self.scratch.as_slice()) {
            return id;
        }
        if self.sets.starts.is_empty() {
            self.sets.starts.push(0);
        }
        let id = u32::try_from(self.sets.starts.len() - 1).expect("fewer sets than entries");
        self.sets.flat.extend_from_slice(&self.scratch);
        let end = u32::try_from(self.sets.flat.len()).expect("fewer than 2^32 set members");
        self.sets.starts.push(end);
        self.set_ids.insert(self.scratch.as_slice().into(), id);
        id
    }

    /// Ends interning.
    pub fn finish(self) -> Sets {
        self.sets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::entry::Effect;
    use crate::model::time::Validity;

    #[test]
    fn equal_sets_share_an_id() {
        let meta = |points| EntryMeta {
            effect: Effect::Score(points),
            category: None,
            validity: Validity::ALWAYS,
            shadow: false,
        };
        let mut interner = Interner::default();
        let a = interner.member(Member::new(0, meta(1)));
        let b = interner.member(Member::new(1, meta(1)));
        assert_eq!(a, interner.member(Member::new(0, meta(1))));
        assert_ne!(a, b);
        let one = interner.set(&[a]);
        let both = interner.set(&[b, a, b]);
        assert_eq!(both, interner.set(&[a, b]));
        assert_ne!(one, both);
        let sets = interner.finish();
        assert_eq!(sets.get(both).count(), 2);
        assert_eq!(sets.get(one).next().unwrap().list, 0);
        assert_eq!(sets.get(NONE).count(), 0);
    }
}
