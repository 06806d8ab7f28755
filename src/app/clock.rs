//! The clock port's one real implementation. Nothing else in the product reads the time of day.
//!
//! A machine's clock may be set by a year at any moment, by hand, by a wrong time server or by a
//! virtual machine that is restored; entries would then be over, or not yet begun, all at once.
//! So time goes on by the steady clock, and the time of day only corrects it: what differs by
//! little is taken over, what differs by much is doubted, told, and not believed until the next
//! start.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::screening::Clock;
use crate::model::time::Timestamp;

/// The largest correction that is taken over, milliseconds. Time servers step a clock by seconds
/// at most once it is set (NTP, RFC 5905 section 12: it panics and stops beyond 1,000 s); a minute
/// early or late is nothing to an entry that holds for days.
pub const CORRECTION_MAX_MS: i64 = 60_000;

/// How long the machine may sleep without being asked about: the two clocks below are read one
/// after the other and in units of 10 ms.
const SLEEP_MIN_MS: i64 = 1_000;

/// The machine's clock, kept from jumping.
#[derive(Debug)]
pub struct SteadyClock {
    began: Instant,
    /// Time since the machine started, sleep included, at `began`.
    up_ms: i64,
    /// The time of day at `began`, as believed now.
    day_ms: AtomicI64,
    /// Of the time since `began`, what the machine slept.
    slept_ms: AtomicI64,
    /// How far the time of day is from ours where it is not believed.
    doubt_ms: AtomicI64,
}

impl SteadyClock {
    /// Begins with the machine's time of day.
    pub fn new() -> SteadyClock {
        SteadyClock {
            began: Instant::now(),
            up_ms: uptime().unwrap_or_default(),
            day_ms: AtomicI64::new(time_of_day()),
            slept_ms: AtomicI64::new(0),
            doubt_ms: AtomicI64::new(0),
        }
    }

    /// Compares with the machine's time of day; to be called about once a second. True when it
    /// begins or ends to be doubted.
    pub fn follow(&self) -> bool {
        let steady = self.steady_ms();
        let up = uptime().map_or(steady, |up| up - self.up_ms);
        self.compare(steady, up, time_of_day())
    }

    /// Is told of a time that has been: what the log recorded last. A time of day before it is
    /// doubted. True where it is.
    pub fn not_before(&self, past: Timestamp) -> bool {
        let behind = millis(past.0) - millis(self.now().0);
        if behind <= CORRECTION_MAX_MS {
            return false;
        }
        self.day_ms.fetch_add(behind, Ordering::Relaxed);
        self.doubt_ms.store(-behind, Ordering::Relaxed);
        true
    }

    fn compare(&self, steady: i64, up: i64, day: i64) -> bool {
        let slept = up - steady - self.slept_ms.load(Ordering::Relaxed);
        if slept >= SLEEP_MIN_MS {
            self.slept_ms.fetch_add(slept, Ordering::Relaxed);
            self.day_ms.fetch_add(slept, Ordering::Relaxed);
        }
        let ahead = day - (self.day_ms.load(Ordering::Relaxed) + steady);
        let believed = ahead.abs() <= CORRECTION_MAX_MS;
        if believed {
            self.day_ms.fetch_add(ahead, Ordering::Relaxed);
        }
        let before = self.doubt_ms.swap(if believed { 0 } else { ahead }, Ordering::Relaxed);
        (before == 0) != believed
    }

    fn steady_ms(&self) -> i64 {
        milliseconds(self.began.elapsed())
    }
}

impl Default for SteadyClock {
    fn default() -> SteadyClock {
        SteadyClock::new()
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let now = self.day_ms.load(Ordering::Relaxed) + self.steady_ms();
        Timestamp(u64::try_from(now).unwrap_or_default())
    }

    fn doubt_ms(&self) -> i64 {
        self.doubt_ms.load(Ordering::Relaxed)
    }
}

/// Time of day, milliseconds. A clock before 1970 is broken; the epoch is the least wrong answer.
fn time_of_day() -> i64 {
    milliseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Time since the machine started, sleep included; unlike [`Instant`], which stands still then.
/// `None` where the system does not tell.
fn uptime() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(milliseconds)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn millis(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn clock() -> SteadyClock {
        let clock = SteadyClock::new();
        clock.day_ms.store(20_000 * DAY, Ordering::Relaxed);
        clock
    }

    fn day(clock: &SteadyClock) -> i64 {
        clock.day_ms.load(Ordering::Relaxed)
    }

    #[test]
    fn a_jump_is_doubted_until_it_is_undone() {
        let clock = clock();
        for jump in [365 * DAY, -3_600_000, CORRECTION_MAX_MS + 1, -20_000 * DAY] {
            assert!(clock.compare(1_000, 1_000, 20_000 * DAY + 1_000 + jump), "{jump}");
            assert!(!clock.compare(2_000, 2_000, 20_000 * DAY + 2_000 + jump), "told once");
            assert_eq!((day(&clock), clock.doubt_ms()), (20_000 * DAY, jump));
            assert!(clock.compare(3_000, 3_000, 20_000 * DAY + 3_000), "it is over");
            assert_eq!((day(&clock), clock.doubt_ms()), (20_000 * DAY, 0));
        }
    }

    #[test]
    fn drift_and_small_steps_are_followed() {
        let clock = clock();
        assert!(!clock.compare(1_000, 1_000, 20_000 * DAY + 1_003));
        assert!(!clock.compare(2_000, 2_000, 20_000 * DAY + 2_000 - CORRECTION_MAX_MS + 3));
        assert_eq!((day(&clock), clock.doubt_ms()), (20_000 * DAY - CORRECTION_MAX_MS + 3, 0));
    }

    #[test]
    fn sleep_of_the_machine_is_no_jump() {
        let clock = clock();
        let hours = 9 * 3_600_000;
        assert!(!clock.compare(5_000, 5_000 + hours, 20_000 * DAY + 5_000 + hours + 40));
        assert_eq!((day(&clock), clock.doubt_ms()), (20_000 * DAY + hours + 40, 0));
        // It counts once.
        assert!(!clock.compare(6_000, 6_000 + hours, 20_000 * DAY + 6_000 + hours));
        assert_eq!(day(&clock), 20_000 * DAY + hours);
    }

    #[test]
    fn time_goes_on_from_what_the_log_says_where_the_clock_is_behind() {
        let clock = SteadyClock::new();
        let now = clock.now();
        assert!(!clock.not_before(Timestamp(now.0 - 5_000)));
        assert!(clock.not_before(Timestamp(now.0 + 86_400_000)));
        assert!(clock.now().0 >= now.0 + 86_400_000 && clock.doubt_ms() < -86_000_000);
        assert!(!clock.follow(), "still in doubt");
    }

    #[test]
    fn it_is_the_time_of_day() {
        let clock = SteadyClock::new();
        assert!(!clock.follow());
        assert!((millis(clock.now().0) - time_of_day()).abs() < 1_000);
    }
}
