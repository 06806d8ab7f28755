//! What occurs in one text, and which conjunctions it fulfils.
//!
//! Owns: the reused buffers of one text at a time. Must not know the text. Invariant: entries of
//! a buffer speak only where they carry the epoch of the text, so that starting a text clears
//! nothing that is as large as the set.

use super::{
    Atom, Conjunction, ConjunctionHit, ConjunctionId, ConjunctionSet, FACTS, GROUPS_MAX,
    OCCURRENCES_MAX, WITHIN_OCCURRENCES_MIN, WITHIN_WORK_MAX,
};

/// Buffers for the occurrences of one text, to be reused from text to text by one thread. Grows
/// to the size of the sets that it serves and keeps it.
#[derive(Clone)]
pub struct OccurrenceBuffer {
    epoch: u32,
    atoms: Vec<AtomState>,
    conjunctions: Vec<ConjunctionState>,
    /// Atoms that occur, each once.
    present: Vec<u32>,
    /// Conjunctions with all groups found.
    complete: Vec<u32>,
    kept: Kept,
    /// By kept occurrence: the next one of the same atom, or [`NONE`].
    next: Box<[u16; OCCURRENCES_MAX]>,
    /// By kept occurrence: the groups of the conjunction at hand that it serves.
    groups: Box<[u8; OCCURRENCES_MAX]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct AtomState {
    epoch: u32,
    /// The first occurrence by place.
    first: Span,
    /// Its first kept occurrence, or [`NONE`].
    head: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct ConjunctionState {
    epoch: u32,
    groups: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    start: u32,
    end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Occurrence {
    span: Span,
    atom: u32,
}

/// No occurrence; occurrences count to [`OCCURRENCES_MAX`].
const NONE: u16 = u16::MAX;

/// The least [`OCCURRENCES_MAX`] of the occurrences pushed. Twice as many are collected before
/// the later half is cut off, so that a push costs constant time however many there are.
#[derive(Clone, Debug, Default)]
struct Kept {
    rows: Vec<Occurrence>,
    truncated: bool,
}

impl Kept {
    #[inline]
    fn push(&mut self, occurrence: Occurrence) {
        if self.rows.len() == OCCURRENCES_MAX * 2 {
            self.rows.select_nth_unstable(OCCURRENCES_MAX);
            self.rows.truncate(OCCURRENCES_MAX);
            self.truncated = true;
        }
        self.rows.push(occurrence);
    }

    /// Puts the first ones in order and drops the others.
    fn sort(&mut self, most: usize) {
        self.rows.sort_unstable();
        self.truncated |= self.rows.len() > most;
        self.rows.truncate(most);
    }
}

impl OccurrenceBuffer {
    /// An empty buffer.
    pub fn new() -> OccurrenceBuffer {
        OccurrenceBuffer {
            epoch: 0,
            atoms: Vec::new(),
            conjunctions: Vec::new(),
            present: Vec::new(),
            complete: Vec::new(),
            kept: Kept { rows: Vec::with_capacity(OCCURRENCES_MAX * 2), truncated: false },
            next: Box::new([NONE; OCCURRENCES_MAX]),
            groups: Box::new([0; OCCURRENCES_MAX]),
        }
    }

    /// Did the last text have more occurrences of which conjunctions with `within` ask the place
    /// than are kept ([`OCCURRENCES_MAX`], or fewer where many conjunctions share the work)? Such
    /// conjunctions saw the first ones only; all others are exact. Known after
    /// [`Occurrences::evaluate`].
    pub fn truncated(&self) -> bool {
        self.kept.truncated
    }

    /// Heap memory of the buffer.
    pub fn bytes(&self) -> usize {
        self.atoms.capacity() * size_of::<AtomState>()
            + self.conjunctions.capacity() * size_of::<ConjunctionState>()
            + (self.present.capacity() + self.complete.capacity()) * size_of::<u32>()
            + self.kept.rows.capacity() * size_of::<Occurrence>()
            + size_of_val(&*self.next)
            + size_of_val(&*self.groups)
    }

    #[cfg(test)]
    pub(super) fn epoch_for_test(&mut self, epoch: u32) {
        self.epoch = epoch;
    }

    pub(super) fn reset(&mut self, atoms: usize, conjunctions: usize) {
        self.present.clear();
        self.complete.clear();
        self.kept.rows.clear();
        self.kept.truncated = false;
        if self.atoms.len() < atoms {
            self.atoms.resize(atoms, AtomState::default());
        }
        if self.conjunctions.len() < conjunctions {
            self.conjunctions.resize(conjunctions, ConjunctionState::default());
        }
        self.present.reserve(atoms);
        self.complete.reserve(conjunctions);
        if self.epoch == u32::MAX {
            self.atoms.fill(AtomState::default());
            self.conjunctions.fill(ConjunctionState::default());
            self.epoch = 0;
        }
        self.epoch += 1;
    }

    #[inline]
    fn occurs(&self, atom: u32) -> Option<AtomState> {
        let state = self.atoms[atom as usize];
        (state.epoch == self.epoch).then_some(state)
    }

    /// Notes that these groups of a conjunction are found.
    #[inline]
    fn found(&mut self, id: u32, conjunction: &Conjunction, groups: u8, facts: &[bool; FACTS]) {
        let state = &mut self.conjunctions[id as usize];
        if state.epoch != self.epoch {
            *state = ConjunctionState { epoch: self.epoch, groups: 0 };
            for (groups, present) in conjunction.fact_groups.iter().zip(facts) {
                state.groups |= if *present { *groups } else { 0 };
            }
            // A conjunction is complete once: now, by facts alone, or when its last group comes.
            if state.groups == conjunction.all {
                self.complete.push(id);
            }
        }
        let before = state.groups;
        state.groups |= groups;
        if state.groups == conjunction.all && before != conjunction.all {
            self.complete.push(id);
        }
    }

    /// Sorts the kept occurrences and links those of each atom; `within` is how many conjunctions
    /// will look at them.
    fn link(&mut self, within: usize) {
        let share = WITHIN_WORK_MAX / within.max(1);
        self.kept.sort(share.clamp(WITHIN_OCCURRENCES_MIN, OCCURRENCES_MAX));
        for (at, occurrence) in self.kept.rows.iter().enumerate().rev() {
            let state = &mut self.atoms[occurrence.atom as usize];
            self.next[at] = state.head;
            state.head = at as u16;
        }
    }
}

impl Default for OccurrenceBuffer {
    fn default() -> OccurrenceBuffer {
        OccurrenceBuffer::new()
    }
}

impl std::fmt::Debug for OccurrenceBuffer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OccurrenceBuffer").field("bytes", &self.bytes()).finish()
    }
}

/// What occurs in the text at hand, for one conjunction set; from [`ConjunctionSet::begin`].
#[derive(Debug)]
pub struct Occurrences<'a> {
    set: &'a ConjunctionSet,
    buffer: &'a mut OccurrenceBuffer,
}

impl<'a> Occurrences<'a> {
    pub(super) fn new(
        set: &'a ConjunctionSet,
        buffer: &'a mut OccurrenceBuffer,
    ) -> Occurrences<'a> {
        Occurrences { set, buffer }
    }

    /// Notes that an atom occurs from unit `start` up to unit `end`, in any order of places. An
    /// atom that no conjunction asks for costs one look-up.
    #[inline]
    pub fn note(&mut self, atom: Atom, start: u32, end: u32) {
        let Some(atom) = self.set.atom(atom) else { return };
        let span = Span { start, end: end.max(start) };
        let state = &mut self.buffer.atoms[atom as usize];
        if state.epoch == self.buffer.epoch {
            state.first = state.first.min(span);
        } else {
            *state = AtomState { epoch: self.buffer.epoch, first: span, head: NONE };
            self.buffer.present.push(atom);
        }
        if self.set.atoms[atom as usize].placed {
            self.buffer.kept.push(Occurrence { span, atom });
        }
    }

    /// Reports the conjunctions that hold, each once, by id.
    pub fn evaluate(self, mut hit: impl FnMut(ConjunctionHit)) {
        let Occurrences { set, buffer } = self;
        buffer.kept.truncated |= buffer.kept.rows.len() > OCCURRENCES_MAX;
        if buffer.present.is_empty() {
            return;
        }
        let facts: [bool; FACTS] = std::array::from_fn(|fact| buffer.occurs(fact as u32).is_some());
        if facts.contains(&true) {
            for id in &set.by_facts {
                buffer.found(*id, &set.conjunctions[*id as usize], 0, &facts);
            }
        }
        for at in 0..buffer.present.len() {
            for posting in set.postings(buffer.present[at]) {
                let id = posting.conjunction;
                buffer.found(id, &set.conjunctions[id as usize], posting.groups, &facts);
            }
        }
        if buffer.complete.is_empty() {
            return;
        }
        buffer.complete.sort_unstable();
        let is_within = |id: &&u32| set.conjunctions[**id as usize].within.is_some();
        let within = buffer.complete.iter().filter(is_within).count();
        buffer.link(within);
        for at in 0..buffer.complete.len() {
            let id = buffer.complete[at];
            let conjunction = &set.conjunctions[id as usize];
            if set.vetoes(conjunction).iter().any(|atom| buffer.occurs(*atom).is_some()) {
                continue;
            }
            let span = match conjunction.within {
                None => Some(first_of_each(set, buffer, conjunction)),
                Some(units) => tightest(set, buffer, conjunction)
                    .filter(|span| span.end - span.start <= u32::from(units)),
            };
            if let Some(Span { start, end }) = span {
                hit(ConjunctionHit { conjunction: ConjunctionId(id), start, end });
            }
        }
    }
}

/// From the first to the last of the first occurrences of each group, all of which occur.
fn first_of_each(
    set: &ConjunctionSet,
    buffer: &OccurrenceBuffer,
    conjunction: &Conjunction,
) -> Span {
    let mut firsts = [Span { start: u32::MAX, end: u32::MAX }; GROUPS_MAX];
    for member in set.members(conjunction) {
        let Some(state) = buffer.occurs(member.atom) else { continue };
        for group in bits(member.groups) {
            firsts[group] = firsts[group].min(state.first);
        }
    }
    bits(conjunction.all).fold(Span { start: u32::MAX, end: 0 }, |span, group| Span {
        start: span.start.min(firsts[group].start),
        end: span.end.max(firsts[group].end),
    })
}

/// The shortest span that has an occurrence of each group, the first of equals; `None` where the
/// kept occurrences do not have them all.
///
/// Goes from the last occurrence to the first and keeps, for each group, the earliest end of the
/// occurrences that start here or later: whatever starts here is best closed with those.
fn tightest(
    set: &ConjunctionSet,
    buffer: &mut OccurrenceBuffer,
    conjunction: &Conjunction,
) -> Option<Span> {
    let rows = buffer.kept.rows.len();
    buffer.groups[..rows].fill(0);
    for member in set.members(conjunction) {
        let Some(state) = buffer.occurs(member.atom) else { continue };
        let mut at = state.head;
        while at != NONE {
            buffer.groups[usize::from(at)] |= member.groups;
            at = buffer.next[usize::from(at)];
        }
    }
    let mut ends = [u32::MAX; GROUPS_MAX];
    let mut found = 0;
    let mut best: Option<Span> = None;
    for (row, groups) in buffer.kept.rows.iter().zip(&buffer.groups[..]).rev() {
        for group in bits(*groups) {
            ends[group] = ends[group].min(row.span.end);
        }
        found |= groups;
        if *groups != 0 && found == conjunction.all {
            let end = bits(conjunction.all).fold(0, |end, group| end.max(ends[group]));
            let span = Span { start: row.span.start, end };
            if best.is_none_or(|best| span.end - span.start <= best.end - best.start) {
                best = Some(span);
            }
        }
    }
    best
}

/// The numbers of the bits that are set.
fn bits(mut mask: u8) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let bit = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            bit
        })
    })
}
