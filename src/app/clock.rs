//! The clock port's one real implementation. Nothing else in the product reads the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use super::screening::Clock;
use crate::model::time::Timestamp;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is broken; the epoch is the least wrong answer.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
