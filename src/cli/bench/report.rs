//! What a run took, as a table or as one JSON object.

use std::io::Write as _;

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::load::Outcome;
use super::{BenchArgs, Mix};
use crate::cli::Failure;
use crate::cli::output::{self, BOLD, DIM, styled};
use crate::model::policy::Action;

/// Percentiles that are printed; the largest value follows them.
const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

pub(super) fn print(args: &BenchArgs, outcome: &Outcome) -> Result<(), Failure> {
    if args.json {
        writeln!(anstream::stdout(), "{}", object(args, outcome))?;
        return Ok(());
    }
    table(args, outcome)
}

fn achieved(outcome: &Outcome) -> f64 {
    outcome.tally.verdicts() as f64 / outcome.took.as_secs_f64()
}

fn mix(mix: Mix) -> &'static str {
    match mix {
        Mix::Call => "call",
        Mix::Message => "message",
        Mix::Both => "both",
    }
}

/// The object of `--json`; times are microseconds from the intended start.
pub(super) fn object(args: &BenchArgs, outcome: &Outcome) -> Value {
    let tally = &outcome.tally;
    let actions: Map<String, Value> = Action::ALL
        .into_iter()
        .map(|action| (action.as_str().to_owned(), tally.actions[action as usize].into()))
        .collect();
    json!({
        "server": args.server.server.to_string(),
        "mix": mix(args.mix),
        "rate": args.rate,
        "duration_s": args.duration.as_secs_f64(),
        "warmup_s": args.warmup.as_secs_f64(),
        "connections": args.connections,
        "verdicts": tally.verdicts(),
        "achieved_rate": achieved(outcome),
        "latency_us": quantiles(&tally.latency),
        "start_delay_us": quantiles(&tally.start_delay),
        "actions": actions,
        "errors": tally.errors,
        "bad_answers": tally.bad_answers,
        "late_starts": tally.late_starts,
        "in_flight_cap_hits": tally.cap_hits,
        "unsent": outcome.unsent,
    })
}

fn quantiles(histogram: &Histogram<u64>) -> Value {
    let values = PERCENTILES.iter().map(|(name, q)| (*name, histogram.value_at_quantile(*q)));
    let all = values.chain([("max", histogram.max())]);
    all.map(|(name, value)| (name.to_owned(), Value::from(value))).collect::<Map<_, _>>().into()
}

fn table(args: &BenchArgs, outcome: &Outcome) -> Result<(), Failure> {
    let tally = &outcome.tally;
    let rate = format!("{:.0}/s of {}/s", achieved(outcome), args.rate);
    writeln!(
        anstream::stdout(),
        "{} verdicts, {} asked for, {} connections, mix {}",
        tally.verdicts(),
        styled(BOLD, &rate),
        args.connections,
        mix(args.mix),
    )?;
    let row = |name: &str, histogram: &Histogram<u64>| {
        let values = PERCENTILES.iter().map(|(_, q)| histogram.value_at_quantile(*q));
        let values = values.chain([histogram.max()]).map(|value| value.to_string());
        [name.to_owned()].into_iter().chain(values).collect::<Vec<_>>()
    };
    output::table(
        &["MICROSECONDS", "p50", "p90", "p99", "p99.9", "max"],
        &[row("latency", &tally.latency), row("start delay", &tally.start_delay)],
    )?;
    let mut out = anstream::stdout().lock();
    let note = "latency counts from the time a request was due, start delay included";
    writeln!(out, "{}", styled(DIM, note))?;
    for action in Action::ALL {
        let name = styled(output::action_style(action), action.as_str());
        write!(out, "{name} {}  ", tally.actions[action as usize])?;
    }
    writeln!(out)?;
    for (code, count) in &tally.errors {
        writeln!(out, "error {code}: {count}")?;
    }
    for (what, count) in [
        ("answers that are no verdict", tally.bad_answers),
        ("starts over 1 ms late", tally.late_starts),
        ("requests that waited for others in flight", tally.cap_hits),
        ("requests not sent in time", outcome.unsent),
    ] {
        if count > 0 {
            writeln!(out, "{what}: {count}")?;
        }
    }
    Ok(())
}
