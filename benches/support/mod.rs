//! What the benches share: seeded inputs, and medians over distinct inputs.
#![allow(dead_code, reason = "each bench uses its part")]

use std::hint::black_box;
use std::time::Instant;

/// xorshift64*: seeded, the same inputs on every machine.
pub struct Draw(pub u64);

impl Draw {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Small values more often: about 1/rank, as characters and words of running text.
    pub fn zipf(&mut self, n: usize) -> usize {
        let share = self.share();
        ((n as f64).powf(share) as usize).saturating_sub(1).min(n - 1)
    }

    /// Small values somewhat more often: about 1/sqrt(rank), as characters of a phrase list.
    pub fn zipf_half(&mut self, n: usize) -> usize {
        let share = self.share();
        ((n as f64 * share * share) as usize).min(n - 1)
    }
}

/// Nanoseconds an item: median and 99th percentile over the items, best of three passes each,
/// so that a neighbour's burst on a shared machine does not count.
pub struct Timing {
    pub median: f64,
    pub p99: f64,
}

pub fn per_item<T>(items: &[T], mut work: impl FnMut(&T) -> usize) -> Timing {
    let mut best = vec![f64::MAX; items.len()];
    for _ in 0..3 {
        for (item, best) in items.iter().zip(&mut best) {
            let start = Instant::now();
            black_box(work(black_box(item)));
            *best = best.min(start.elapsed().as_nanos() as f64);
        }
    }
    let cost = clock_cost();
    best.sort_by(f64::total_cmp);
    let at = |share: f64| (best[(best.len() as f64 * share) as usize] - cost).max(0.0);
    Timing { median: at(0.5), p99: at(0.99) }
}

/// What two clock reads cost by themselves.
fn clock_cost() -> f64 {
    let mut costs: Vec<f64> = (0..10_001)
        .map(|_| {
            let start = Instant::now();
            start.elapsed().as_nanos() as f64
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    costs[5_000]
}

/// Median nanoseconds of one dependent random load in a table of so many bytes: the floor that
/// memory sets, measured in the same run.
pub fn random_load(bytes: usize) -> f64 {
    let lines = bytes / 64;
    let mut draw = Draw(7);
    // One cycle through all lines (Sattolo's shuffle), so that no load can be guessed or is warm.
    let mut order: Vec<u32> = (0..lines as u32).collect();
    for i in (1..lines).rev() {
        order.swap(i, draw.below(i));
    }
    let mut table = vec![[0u64; 8]; lines];
    for (line, next) in table.iter_mut().zip(order) {
        line[0] = u64::from(next);
    }
    let mut at = 0usize;
    let mut rounds: Vec<f64> = (0..9)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..200_000 {
                at = table[at][0] as usize;
            }
            black_box(at);
            start.elapsed().as_nanos() as f64 / 200_000.0
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[4]
}
