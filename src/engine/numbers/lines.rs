//! Bucketed table of tag -> payload, one cache line a bucket; the heart of the exact table.
//!
//! Owns the placing rule: home line, then its buddy (the other line of the same pair), else the
//! caller keeps the entry elsewhere. Must not know what a tag stands for.
//! Invariants: a tag is never 0 (0 is an empty slot) and is unique within its line; a line fills
//! from slot 0, so its last slot tells whether it is full; the number of lines is even.

/// What a slot is known by.
pub trait Tag: Copy + Eq {
    /// An empty slot.
    const EMPTY: Self;
}

impl Tag for u32 {
    const EMPTY: u32 = 0;
}

impl Tag for u64 {
    const EMPTY: u64 = 0;
}

/// One bucket. 64 bytes with eight `u32` tags: exactly one cache line.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line<T, const N: usize> {
    tags: [T; N],
    payloads: [u32; N],
}

impl<T: Tag, const N: usize> Line<T, N> {
    const EMPTY: Line<T, N> = Line { tags: [T::EMPTY; N], payloads: [0; N] };

    /// The payload under `tag`. All slots are compared without a branch, so that the compiler
    /// makes vector compares of it; at most one slot can agree.
    #[inline(always)]
    fn find(&self, tag: T) -> Option<u32> {
        let mut found = 0u32;
        let mut payload = 0u32;
        for slot in 0..N {
            let same = u32::from(self.tags[slot] == tag).wrapping_neg();
            found |= same;
            payload |= self.payloads[slot] & same;
        }
        (found != 0).then_some(payload)
    }

    #[inline(always)]
    fn is_full(&self) -> bool {
        self.tags[N - 1] != T::EMPTY
    }

    /// Takes the first empty slot; false when there is none.
    fn place(&mut self, tag: T, payload: u32) -> bool {
        match self.tags.iter().position(|t| *t == T::EMPTY) {
            Some(slot) => {
                self.tags[slot] = tag;
                self.payloads[slot] = payload;
                true
            }
            None => false,
        }
    }
}

/// Where an entry belongs: its home line, and its tag there and in the buddy line.
#[derive(Clone, Copy)]
pub struct Place<T> {
    /// Index of the home line.
    pub line: usize,
    /// Tag in the home line.
    pub home: T,
    /// Tag in the buddy line; differs from every home tag.
    pub spilled: T,
}

/// What a search among the lines says.
pub enum Found {
    /// The payload.
    Here(u32),
    /// Certainly not in the table.
    Nowhere,
    /// Both lines are full: it may be where the caller keeps the rest.
    MaybeElsewhere,
}

/// The buckets.
pub struct Lines<T, const N: usize>(Vec<Line<T, N>>);

impl<T: Tag, const N: usize> Lines<T, N> {
    /// `count` empty lines, rounded up to an even number.
    pub fn new(count: usize) -> Lines<T, N> {
        Lines(vec![Line::EMPTY; count.next_multiple_of(2)])
    }

    /// How many lines.
    #[inline(always)]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Line<T, N>>()
    }

    /// Tags and payloads of a line.
    pub fn line(&self, at: usize) -> ([T; N], [u32; N]) {
        let line = &self.0[at];
        (line.tags, line.payloads)
    }

    /// Replaces a line by what [`Lines::line`] gave.
    pub fn set(&mut self, at: usize, tags: [T; N], payloads: [u32; N]) {
        self.0[at] = Line { tags, payloads };
    }

    /// Stores an entry in its home or buddy line; false when both are full.
    pub fn place(&mut self, place: Place<T>, payload: u32) -> bool {
        self.0[place.line].place(place.home, payload)
            || self.0[place.line ^ 1].place(place.spilled, payload)
    }

    /// Looks for an entry.
    #[inline(always)]
    pub fn find(&self, place: Place<T>) -> Found {
        let Some(home) = self.0.get(place.line) else {
            return Found::Nowhere;
        };
        if let Some(payload) = home.find(place.home) {
            return Found::Here(payload);
        }
        if !home.is_full() {
            return Found::Nowhere;
        }
        let buddy = &self.0[place.line ^ 1];
        if let Some(payload) = buddy.find(place.spilled) {
            return Found::Here(payload);
        }
        if buddy.is_full() { Found::MaybeElsewhere } else { Found::Nowhere }
    }
}
