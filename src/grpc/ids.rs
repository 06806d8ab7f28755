//! Ids of verdicts: unique without coordination, not secret.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes ids of 32 hexadecimal digits: 64 random bits per core and start, then a counter.
///
/// The random bits are those the standard library seeds its hash tables with.
#[derive(Debug)]
pub(super) struct VerdictIds {
    prefix: u64,
    next: AtomicU64,
}

impl VerdictIds {
    /// A new series.
    pub fn new() -> VerdictIds {
        VerdictIds { prefix: RandomState::new().hash_one("verdict"), next: AtomicU64::new(0) }
    }

    /// The next id.
    #[inline]
    pub fn next(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let value = u128::from(self.prefix) << 64 | u128::from(count);
        let mut text = String::with_capacity(32);
        for shift in (0..32).rev() {
            text.push(DIGITS[(value >> (shift * 4)) as usize & 15] as char);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_32_digits_and_differ() {
        let ids = VerdictIds::new();
        let (a, b) = (ids.next(), ids.next());
        assert_ne!(a, b);
        assert_eq!((a.len(), &a[..16], &a[16..]), (32, &b[..16], "0000000000000000"));
        assert!(a.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_ne!(VerdictIds::new().next()[..16], a[..16]);
    }
}
