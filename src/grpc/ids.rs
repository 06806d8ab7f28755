//! Ids of verdicts: unique without coordination, not secret.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes ids of 32 hexadecimal digits: 64 random bits per core and start, then a counter.
///
/// The random bits are those the standard library seeds its hash tables with.
#[derive(Debug)]
pub(super) struct VerdictIds {
    /// Written out once.
    prefix: [u8; 16],
    next: AtomicU64,
}

impl VerdictIds {
    /// A new series.
    pub fn new() -> VerdictIds {
        let prefix = digits(RandomState::new().hash_one("verdict"));
        VerdictIds { prefix, next: AtomicU64::new(0) }
    }

    /// The next id.
    #[inline]
    pub fn next(&self) -> String {
        let mut id = String::with_capacity(32);
        for half in [self.prefix, digits(self.next.fetch_add(1, Ordering::Relaxed))] {
            id.push_str(str::from_utf8(&half).expect("hexadecimal digits are ASCII"));
        }
        id
    }
}

/// A number as hexadecimal digits.
#[inline]
fn digits(value: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|at| DIGITS[(value >> (60 - at * 4)) as usize & 15])
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
        ids.next.store(0x0123_4567_89ab_cdef, Ordering::Relaxed);
        assert_eq!(&ids.next()[16..], "0123456789abcdef");
        assert!(a.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_ne!(VerdictIds::new().next()[..16], a[..16]);
    }
}
