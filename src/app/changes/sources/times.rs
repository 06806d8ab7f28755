//! When a source is asked: its interval with some jitter, so that many servers do not ask at once;
//! after failures soon again, then ever later, up to the interval.

use sha2::{Digest as _, Sha256};

use crate::lists::subscription::Subscription;
use crate::model::time::Timestamp;

/// Milliseconds to the next try after a first failure.
const RETRY_MS: u64 = 60_000;
/// Milliseconds within which a source is asked first: it was perhaps asked just before the start.
const FIRST_MS: u64 = 10 * 60_000;
/// The share of a time that jitter adds at most, as one in so many.
const JITTER_ONE_IN: u64 = 10;

fn interval_ms(one: &Subscription) -> u64 {
    u64::from(one.interval_s) * 1000
}

/// 0 to `most`, from name and time: no two sources, no two times alike.
fn jitter(now: Timestamp, one: &Subscription, most: u64) -> u64 {
    let digest = Sha256::new().chain_update(now.0.to_be_bytes()).chain_update(&*one.name);
    let drawn = digest.finalize().iter().take(8).fold(0, |sum, b| (sum << 8) | u64::from(*b));
    drawn % (most + 1)
}

/// When a source is asked of which nothing is known yet.
pub(super) fn first(now: Timestamp, one: &Subscription) -> Timestamp {
    let most = (interval_ms(one) / JITTER_ONE_IN).min(FIRST_MS);
    Timestamp(now.0.saturating_add(jitter(now, one, most)))
}

/// When it is asked again after so many failures in a row.
pub(super) fn next(now: Timestamp, one: &Subscription, failures: u32) -> Timestamp {
    let interval = interval_ms(one);
    let pause = match failures {
        0 => interval,
        _ => RETRY_MS.saturating_mul(1 << (failures - 1).min(32)).min(interval),
    };
    let jitter = jitter(now, one, pause / JITTER_ONE_IN);
    Timestamp(now.0.saturating_add(pause).saturating_add(jitter))
}

/// Is it to be asked now? A clock that was set back must not silence a source for years.
pub(super) fn is_due(now: Timestamp, one: &Subscription, due: Timestamp) -> bool {
    due <= now || due.0 - now.0 > 2 * interval_ms(one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::subscription::tests::subscription;

    #[test]
    fn failures_are_tried_again_ever_later_up_to_the_interval() {
        let (now, one) = (Timestamp(1_700_000_000_000), subscription("a"));
        let interval = 3_600_000;
        let pauses: Vec<u64> =
            (0..40).map(|failures| next(now, &one, failures).0 - now.0).collect();
        let within = |pause: u64, wanted: u64| pause >= wanted && pause <= wanted + wanted / 10;
        assert!(within(pauses[0], interval));
        for (failures, wanted) in [(1, 60_000), (2, 120_000), (3, 240_000), (6, 1_920_000)] {
            assert!(within(pauses[failures], wanted), "{failures}: {}", pauses[failures]);
        }
        assert!(pauses[7..].iter().all(|pause| within(*pause, interval)));
    }

    #[test]
    fn a_source_is_asked_soon_and_not_all_at_once() {
        let now = Timestamp(1_700_000_000_000);
        let firsts: Vec<u64> =
            (0..50).map(|nth| first(now, &subscription(&format!("s{nth}"))).0 - now.0).collect();
        assert!(firsts.iter().all(|pause| *pause <= 360_000));
        assert!(firsts.iter().any(|pause| *pause < 180_000));
        assert!(firsts.iter().any(|pause| *pause > 180_000));
        let one = subscription("a");
        assert!(is_due(now, &one, now) && !is_due(now, &one, Timestamp(now.0 + 1)));
        assert!(is_due(Timestamp(now.0 - 90 * 86_400_000), &one, now), "the clock went back");
    }
}
