//! Compiles conjunctions into postings.
//!
//! Owns: checking and indexing. Must not know texts. Invariant: what is built has 1 to 8 groups,
//! none of them empty, and every index in it is in range.

use super::{
    ATOMS_PER_GROUP_MAX, Atom, AtomEntry, CONJUNCTIONS_MAX, Conjunction, ConjunctionError,
    ConjunctionId, ConjunctionSet, FACTS, GROUPS_MAX, Member, NO_ATOM, PHRASES_MAX, Posting,
};

/// Collects conjunctions for a [`ConjunctionSet`].
#[derive(Clone, Debug, Default)]
pub struct ConjunctionSetBuilder {
    phrase_atoms: Vec<u32>,
    phrases: u32,
    conjunctions: Vec<Conjunction>,
    members: Vec<Member>,
    vetoes: Vec<u32>,
}

impl ConjunctionSetBuilder {
    /// An empty builder.
    pub fn new() -> ConjunctionSetBuilder {
        ConjunctionSetBuilder::default()
    }

    /// Adds a conjunction: at least one atom of each group, nothing of `none` anywhere, and with
    /// `within` one occurrence for each group such that all of them lie within so many units.
    /// One occurrence may serve several groups.
    ///
    /// # Errors
    /// See [`ConjunctionError`]; the builder stays as it was.
    pub fn add(
        &mut self,
        groups: &[Vec<Atom>],
        none: &[Atom],
        within: Option<u16>,
    ) -> Result<ConjunctionId, ConjunctionError> {
        self.check(groups, none)?;
        let id = self.conjunctions.len() as u32;
        let mut members = Vec::new();
        let mut fact_groups = [0; FACTS];
        for (group, atoms) in groups.iter().enumerate() {
            for atom in atoms {
                members.push(Member { atom: self.intern(*atom), groups: 1 << group });
                if let Atom::Fact(fact) = atom {
                    fact_groups[*fact as usize] |= 1 << group;
                }
            }
        }
        members.sort_unstable();
        members.dedup_by(|next, kept| {
            let same = next.atom == kept.atom;
            kept.groups |= if same { next.groups } else { 0 };
            same
        });
        let members_start = self.members.len() as u32;
        let vetoes_start = self.vetoes.len() as u32;
        self.members.append(&mut members);
        for atom in none {
            let atom = self.intern(*atom);
            self.vetoes.push(atom);
        }
        self.conjunctions.push(Conjunction {
            members: members_start..self.members.len() as u32,
            vetoes: vetoes_start..self.vetoes.len() as u32,
            within,
            all: u8::MAX >> (GROUPS_MAX - groups.len()),
            fact_groups,
        });
        Ok(ConjunctionId(id))
    }

    fn check(&self, groups: &[Vec<Atom>], none: &[Atom]) -> Result<(), ConjunctionError> {
        if groups.is_empty() {
            return Err(ConjunctionError::NoGroups);
        }
        if groups.len() > GROUPS_MAX {
            return Err(ConjunctionError::TooManyGroups { groups: groups.len() });
        }
        if let Some(group) = groups.iter().position(Vec::is_empty) {
            return Err(ConjunctionError::EmptyGroup { group });
        }
        for atoms in groups.iter().map(Vec::as_slice).chain([none]) {
            if atoms.len() > ATOMS_PER_GROUP_MAX {
                return Err(ConjunctionError::TooManyAtoms { atoms: atoms.len() });
            }
            let foreign =
                |atom: &Atom| matches!(atom, Atom::Phrase(id) if id.0 as usize >= PHRASES_MAX);
            if atoms.iter().any(foreign) {
                return Err(ConjunctionError::UnknownPhrase);
            }
        }
        if self.conjunctions.len() >= CONJUNCTIONS_MAX {
            return Err(ConjunctionError::TooManyConjunctions);
        }
        Ok(())
    }

    /// The index of an atom: facts first, then phrases in order of use.
    fn intern(&mut self, atom: Atom) -> u32 {
        let phrase = match atom {
            Atom::Fact(fact) => return fact as u32,
            Atom::Phrase(phrase) => phrase.0 as usize,
        };
        if phrase >= self.phrase_atoms.len() {
            self.phrase_atoms.resize(phrase + 1, NO_ATOM);
        }
        let atom = &mut self.phrase_atoms[phrase];
        if *atom == NO_ATOM {
            *atom = FACTS as u32 + self.phrases;
            self.phrases += 1;
        }
        *atom
    }

    /// Compiles the set.
    pub fn build(self) -> ConjunctionSet {
        if self.conjunctions.is_empty() {
            return ConjunctionSet::default();
        }
        let mut atoms = vec![AtomEntry::default(); FACTS + self.phrases as usize];
        let mut rows = Vec::with_capacity(self.members.len());
        for (id, conjunction) in self.conjunctions.iter().enumerate() {
            for member in super::slice(&self.members, &conjunction.members) {
                atoms[member.atom as usize].placed |= conjunction.within.is_some();
                if member.atom as usize >= FACTS {
                    rows.push((
                        member.atom,
                        Posting { conjunction: id as u32, groups: member.groups },
                    ));
                }
            }
        }
        rows.sort_by_key(|(atom, _)| *atom); // Stable: conjunctions stay in order.
        let mut start = 0;
        for run in rows.chunk_by(|left, right| left.0 == right.0) {
            let end = start + run.len() as u32;
            atoms[run[0].0 as usize].postings = start..end;
            start = end;
        }
        let by_facts = self.conjunctions.iter().enumerate().filter(|(_, conjunction)| {
            conjunction.fact_groups.iter().fold(0, |all, groups| all | groups) == conjunction.all
        });
        ConjunctionSet {
            by_facts: by_facts.map(|(id, _)| id as u32).collect(),
            phrase_atoms: self.phrase_atoms.into(),
            atoms: atoms.into(),
            postings: rows.into_iter().map(|(_, posting)| posting).collect(),
            conjunctions: self.conjunctions.into(),
            members: self.members.into(),
            vetoes: self.vetoes.into(),
        }
    }
}
