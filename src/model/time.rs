//! Time as a value. Only the clock port of `app` reads a clock; everything else is told.

/// Milliseconds since 1970-01-01T00:00:00Z. Always passed in, never read here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

/// When an entry applies: `from <= now < until`, both optional.
///
/// Expiry is a function of (entry, time): nothing is rebuilt when the clock passes a border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Validity {
    /// First instant at which the entry applies.
    pub from: Timestamp,
    /// First instant at which it no longer applies.
    pub until: Timestamp,
}

impl Validity {
    /// No limits.
    pub const ALWAYS: Validity = Validity { from: Timestamp(0), until: Timestamp(u64::MAX) };

    /// True while `now` lies within.
    #[inline]
    pub fn contains(self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

impl Default for Validity {
    fn default() -> Self {
        Self::ALWAYS
    }
}
