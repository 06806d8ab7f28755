//! Conjunctions: phrases and facts that must come together in one text.
//!
//! Owns: which conjunctions hold for the occurrences of one text. Must not know how occurrences
//! are found, nor what a conjunction is worth. Invariants: cost follows the postings of the
//! distinct atoms that occur, plus the occurrences of conjunctions whose groups all occur; whether
//! an atom occurs is exact whatever the text; positions are kept for [`OCCURRENCES_MAX`]
//! occurrences, the first ones by place, in whatever order they are noted; who asks for more hears
//! so.

mod build;
mod occurrences;
#[cfg(test)]
mod tests;

pub use build::ConjunctionSetBuilder;
pub use occurrences::{OccurrenceBuffer, Occurrences};

use std::fmt;
use std::ops::Range;

use super::{PHRASES_MAX, PhraseId};

/// Most groups of a conjunction: the groups found are the bits of one octet.
pub const GROUPS_MAX: usize = 8;
/// Most atoms of a group, and of what must not occur: more is a list, not a condition.
pub const ATOMS_PER_GROUP_MAX: usize = 256;
/// Most conjunctions of a set; bounds an [`OccurrenceBuffer`] to some megabytes.
pub const CONJUNCTIONS_MAX: usize = 1 << 17;
/// Most occurrences of one text whose places are kept: as many as 16 KiB of text has words of two
/// octets, so that whoever wants more must let phrases overlap.
pub const OCCURRENCES_MAX: usize = 8192;
/// Occurrences that every conjunction with `within` may look at: an honest message of 10 parts
/// (1530 characters) has far fewer.
const WITHIN_OCCURRENCES_MIN: usize = 512;
/// Occurrences that all conjunctions with `within` together may look at in one text, some
/// milliseconds; where more of them come close, each gets its share, but never less than
/// [`WITHIN_OCCURRENCES_MIN`].
const WITHIN_WORK_MAX: usize = 1 << 20;

/// Something besides phrases that a text can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// A link of any kind.
    Link,
    /// A phone number.
    Phone,
    /// A one-time code.
    Code,
}

/// How many kinds of facts there are; their atoms have the first indexes.
const FACTS: usize = 3;

/// What a group of a conjunction asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A phrase of the keyword set that belongs to the conjunction set.
    Phrase(PhraseId),
    /// A fact.
    Fact(FactKind),
}

/// A conjunction of one set: dense from 0 in order of adding; less than [`CONJUNCTIONS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConjunctionId(pub u32);

/// A conjunction that holds, with the units that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConjunctionHit {
    /// Which conjunction.
    pub conjunction: ConjunctionId,
    /// First unit of the chosen occurrences: with `within` the tightest choice, and of these the
    /// first; without, the first occurrence of each group.
    pub start: u32,
    /// Behind the last unit of the chosen occurrences.
    pub end: u32,
}

/// Why a conjunction cannot be in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConjunctionError {
    /// It asks for nothing.
    NoGroups,
    /// More than [`GROUPS_MAX`] groups.
    TooManyGroups {
        /// How many it has.
        groups: usize,
    },
    /// A group without a choice can never hold.
    EmptyGroup {
        /// Which, from 0.
        group: usize,
    },
    /// More than [`ATOMS_PER_GROUP_MAX`] in a group or in `none`.
    TooManyAtoms {
        /// How many it has.
        atoms: usize,
    },
    /// A phrase id that no keyword set gives.
    UnknownPhrase,
    /// More than [`CONJUNCTIONS_MAX`] conjunctions in one set.
    TooManyConjunctions,
}

impl fmt::Display for ConjunctionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConjunctionError::NoGroups => write!(out, "conjunction has no group"),
            ConjunctionError::TooManyGroups { groups } => {
                write!(out, "conjunction has {groups} groups, at most {GROUPS_MAX}")
            }
            ConjunctionError::EmptyGroup { group } => {
                write!(out, "group {} of the conjunction is empty", group + 1)
            }
            ConjunctionError::TooManyAtoms { atoms } => {
                write!(out, "group has {atoms} choices, at most {ATOMS_PER_GROUP_MAX}")
            }
            ConjunctionError::UnknownPhrase => {
                write!(out, "phrase id is not below {PHRASES_MAX}")
            }
            ConjunctionError::TooManyConjunctions => {
                write!(out, "more than {CONJUNCTIONS_MAX} conjunctions in one set")
            }
        }
    }
}

impl std::error::Error for ConjunctionError {}

/// A phrase that is in no conjunction.
const NO_ATOM: u32 = u32::MAX;

/// An immutable set of conjunctions.
#[derive(Clone, Default)]
pub struct ConjunctionSet {
    /// By phrase id: its atom's index, or [`NO_ATOM`]. Phrases behind the end are in none.
    phrase_atoms: Box<[u32]>,
    atoms: Box<[AtomEntry]>,
    /// Of phrase atoms only; by atom, as [`AtomEntry::postings`] says.
    postings: Box<[Posting]>,
    conjunctions: Box<[Conjunction]>,
    /// What the groups ask for, by conjunction.
    members: Box<[Member]>,
    /// What must not occur, by conjunction.
    vetoes: Box<[u32]>,
    /// Conjunctions that facts alone can fulfil; all others are met through their phrases.
    by_facts: Box<[u32]>,
}

#[derive(Clone, Debug, Default)]
struct AtomEntry {
    postings: Range<u32>,
    /// Some conjunction with `within` asks for it.
    placed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Posting {
    conjunction: u32,
    /// One bit for each group that asks for the atom.
    groups: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    atom: u32,
    groups: u8,
}

#[derive(Clone, Debug)]
struct Conjunction {
    members: Range<u32>,
    vetoes: Range<u32>,
    within: Option<u16>,
    /// One bit for each group.
    all: u8,
    /// By fact: the groups that ask for it. Facts have no postings: `@link` may be in every
    /// conjunction, and a text with a link should not visit them all.
    fact_groups: [u8; FACTS],
}

impl ConjunctionSet {
    /// Starts a text: what occurs in it is noted with the answer, then evaluated. Allocates only
    /// where the buffer has not yet seen a set of this size.
    pub fn begin<'a>(&'a self, buffer: &'a mut OccurrenceBuffer) -> Occurrences<'a> {
        buffer.reset(self.atoms.len(), self.conjunctions.len());
        Occurrences::new(self, buffer)
    }

    /// How many conjunctions there are; ids are less than this.
    pub fn len(&self) -> usize {
        self.conjunctions.len()
    }

    /// Is there no conjunction?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Heap memory of the set.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.phrase_atoms)
            + size_of_val(&*self.atoms)
            + size_of_val(&*self.postings)
            + size_of_val(&*self.conjunctions)
            + size_of_val(&*self.members)
            + size_of_val(&*self.vetoes)
            + size_of_val(&*self.by_facts)
    }

    /// The index of an atom that some conjunction asks for.
    #[inline]
    fn atom(&self, atom: Atom) -> Option<u32> {
        match atom {
            Atom::Fact(fact) if !self.atoms.is_empty() => Some(fact as u32),
            Atom::Fact(_) => None,
            Atom::Phrase(phrase) => {
                let atom = *self.phrase_atoms.get(phrase.0 as usize)?;
                (atom != NO_ATOM).then_some(atom)
            }
        }
    }

    fn members(&self, conjunction: &Conjunction) -> &[Member] {
        slice(&self.members, &conjunction.members)
    }

    fn vetoes(&self, conjunction: &Conjunction) -> &[u32] {
        slice(&self.vetoes, &conjunction.vetoes)
    }

    fn postings(&self, atom: u32) -> &[Posting] {
        slice(&self.postings, &self.atoms[atom as usize].postings)
    }
}

impl fmt::Debug for ConjunctionSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("ConjunctionSet");
        out.field("conjunctions", &self.len()).field("bytes", &self.bytes()).finish()
    }
}

fn slice<'a, T>(all: &'a [T], range: &Range<u32>) -> &'a [T] {
    &all[range.start as usize..range.end as usize]
}
