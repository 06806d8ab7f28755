//! `ringfence bench`: loads a server over gRPC at a set rate and says what it took.
//!
//! Open loop: the time of every request is fixed before the run starts, and a slow answer does not
//! put off the next request. Latency is measured from that intended time, not from when the
//! request got out, so a server (or this client) that stalls pays for every request that should
//! have started meanwhile: there is no coordinated omission. Requests that the bound on requests
//! in flight kept back wait with their clock running, and are counted.
//! Answers come before times: the run starts only after each sample request got a verdict, and
//! every answer under load is looked at too.

mod load;
mod report;
mod samples;

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Failure;
use super::client::{self, ServerAddress, ServerArgs};
use load::Plan;

/// More than any one client machine can send.
const RATE_MAX: u64 = 1_000_000;
/// More connections than this measure the client's scheduler.
const CONNECTIONS_MAX: i64 = 256;
/// The first requests may have to wait for cold caches: their times are not what is measured.
const CHECK_DEADLINE_MIN: Duration = Duration::from_secs(1);

/// Loads a server with calls and messages at a set rate.
#[derive(Args, Clone, Debug)]
pub struct BenchArgs {
    /// Requests per second over all connections, whether or not answers keep up
    #[arg(long, default_value = "2000/s", value_name = "N/s", value_parser = rate)]
    rate: u64,
    /// How long to measure
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = client::positive_time)]
    duration: Duration,
    /// How long to load the server before measuring
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = client::time)]
    warmup: Duration,
    /// Connections to spread the requests over
    #[arg(long, default_value_t = 8, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=CONNECTIONS_MAX))]
    connections: u16,
    /// What to send
    #[arg(long, value_enum, default_value = "both")]
    mix: Mix,
    /// Load a server on another machine; only ever do this to your own
    #[arg(long)]
    allow_remote: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Kinds of requests.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Mix {
    /// Call attempts
    Call,
    /// Messages
    Message,
    /// As many of one as of the other
    Both,
}

/// Checks the answers, loads the server, reports.
///
/// Errors: a remote server without leave, no server, an answer that is no verdict.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    allowed(&args.server.server, args.allow_remote)?;
    let samples = samples::make(args.mix);
    let deadline = args.server.deadline.max(CHECK_DEADLINE_MIN);
    load::check_answers(&args.server.server, &samples, deadline)?;
    let plan = Plan {
        server: args.server.server.clone(),
        connections: usize::from(args.connections),
        rate: args.rate,
        warmup: args.warmup,
        duration: args.duration,
        deadline: args.server.deadline,
        samples,
    };
    let outcome = load::run(&plan)?;
    report::print(args, &outcome)?;
    match outcome.tally.bad_answer {
        Some(what) => Err(format!("not every answer was a verdict: {what}").into()),
        None if outcome.tally.verdicts() == 0 => {
            Err("no request got a verdict in time: see the errors, or ask for less".into())
        }
        None => Ok(()),
    }
}

fn allowed(server: &ServerAddress, allow_remote: bool) -> Result<(), Failure> {
    if allow_remote || server.is_loopback() {
        return Ok(());
    }
    let refusal = format!(
        "{server} is not this machine: a load test of somebody else's server is an attack; if it \
         is yours, say --allow-remote"
    );
    Err(refusal.into())
}

fn rate(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    match number.parse() {
        Ok(rate @ 1..=RATE_MAX) => Ok(rate),
        _ => Err(format!("expected requests per second, 1 to {RATE_MAX}, such as 2000/s")),
    }
}

#[cfg(test)]
mod tests;
