//! What a crash, a damaged file and a full disk do to the real program, as a process of its own.
//!
//! Environment:
//!   `RINGFENCE_BIN`          the program; else the one that cargo built with the tests
//!   `RINGFENCE_KILL_ROUNDS`  rounds of the kill test [default: 12]
//!   `RINGFENCE_FLIP_ROUNDS`  rounds of the bit-flip test [default: 16]
//!   `RINGFENCE_ZEROS_BYTES`  of the packed file of zeros [default: 10 GB]
//!   `RINGFENCE_KILL_SEED`    to repeat a run [default: by the clock]; it is printed
#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

mod client;
mod faults;
mod flips;
mod rounds;
mod server;
mod work;

use std::time::{SystemTime, UNIX_EPOCH};

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

fn seed() -> u64 {
    let by_clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = number("RINGFENCE_KILL_SEED").unwrap_or_else(by_clock);
    eprintln!("RINGFENCE_KILL_SEED={seed}");
    seed
}

/// Everything acknowledged is there after SIGKILL at any moment, nothing is half there.
#[test]
fn kills_lose_nothing_that_was_acknowledged() {
    let rounds = number("RINGFENCE_KILL_ROUNDS").unwrap_or(12);
    let mut tally = rounds::run(rounds, seed());
    eprintln!("{}", tally.line());
    assert!(tally.rounds < 50 || tally.acknowledged > 0, "nothing was committed");
}

/// A flipped bit is found, or it does not matter; one in the view is repaired from the log.
#[test]
fn flipped_bits_are_found_or_harmless() {
    let rounds = number("RINGFENCE_FLIP_ROUNDS").unwrap_or(16);
    let tally = flips::run(rounds, seed());
    eprintln!("{rounds} rounds: {}", tally.line());
}
