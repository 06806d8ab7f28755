use clap::Parser;

use super::*;
use crate::cli::client::fake;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: BenchArgs,
}

fn parse(words: &[&str]) -> Result<BenchArgs, clap::Error> {
    Line::try_parse_from([&["bench"], words].concat()).map(|line| line.args)
}

fn plan(server: ServerAddress, rate: u64, millis: u64) -> Plan {
    Plan {
        server,
        connections: 3,
        rate,
        warmup: Duration::from_millis(50),
        duration: Duration::from_millis(millis),
        // Generous: these tests share the machine with all others.
        deadline: Duration::from_secs(20),
        samples: samples::make(Mix::Both),
    }
}

#[test]
fn arguments_have_bounds() {
    let args = parse(&[]).expect("all have defaults");
    assert_eq!((args.rate, args.connections), (2000, 8));
    assert_eq!(args.duration, Duration::from_secs(10));
    assert_eq!(parse(&["--rate=500"]).expect("sound").rate, 500);
    assert_eq!(parse(&["--warmup=0s"]).expect("sound").warmup, Duration::ZERO);
    for bad in ["--rate=0", "--rate=2000001/s", "--rate=x", "--connections=0", "--duration=0s"] {
        assert!(parse(&[bad]).is_err(), "{bad}");
    }
}

#[test]
fn only_this_machine_is_loaded_unless_told() {
    let far = parse(&["--server=http://192.0.2.1:50051"]).expect("sound");
    let refusal = run(&far).expect_err("refused").to_string();
    assert!(refusal.contains("--allow-remote"), "{refusal}");
    assert!(allowed(&far.server.server, true).is_ok());
}

#[test]
fn every_scheduled_request_is_counted_once() {
    let server = fake::start();
    load::check_answers(&server, &samples::make(Mix::Both), Duration::from_secs(1))
        .expect("the fake gives verdicts");
    let outcome = load::run(&plan(server, 400, 500)).expect("a run");
    let tally = &outcome.tally;
    assert!(tally.errors.is_empty(), "{:?}", tally.errors);
    assert_eq!(tally.actions, [0, 0, 200, 0]);
    assert_eq!((tally.latency.len(), tally.bad_answers, outcome.unsent), (200, 0, 0));
    assert!(tally.latency.max() >= tally.start_delay.min());
    assert!(outcome.took >= Duration::from_millis(500));
}

#[test]
fn a_server_that_does_not_answer_costs_every_request_its_deadline() {
    let mut plan = plan(fake::start(), 100, 300);
    plan.samples = vec![slow_call()];
    plan.deadline = Duration::from_millis(200);
    let outcome = load::run(&plan).expect("a run");
    assert_eq!(outcome.tally.verdicts(), 0);
    assert_eq!(outcome.tally.errors.get("DEADLINE_EXCEEDED"), Some(&30));
    // 1 % for the steps of the histogram.
    assert!(outcome.tally.latency.min() >= 198_000, "{}", outcome.tally.latency.min());
}

#[test]
fn an_overload_is_told_and_every_request_of_it_counted() {
    let mut plan = plan(fake::start(), 1_000_000, 300);
    plan.deadline = Duration::from_millis(300);
    let outcome = load::run(&plan).expect("a run");
    let tally = &outcome.tally;
    let failed: u64 = tally.errors.values().sum();
    assert_eq!(tally.verdicts() + failed + outcome.unsent, 300_000);
    assert!(outcome.unsent > 0 && tally.latency.max() > 100_000);
}

fn slow_call() -> samples::Sample {
    let mut sample = samples::make(Mix::Call).swap_remove(0);
    if let samples::Sample::Call(call) = &mut sample {
        call.recipient.as_mut().expect("set").raw = fake::SLOW.into();
    }
    sample
}

#[test]
fn an_answer_that_is_no_verdict_stops_the_run_before_it_starts() {
    let mut samples = samples::make(Mix::Call);
    if let samples::Sample::Call(call) = &mut samples[5] {
        call.recipient.as_mut().expect("set").raw = fake::HOLLOW.into();
    }
    let failure = load::check_answers(&fake::start(), &samples, Duration::from_secs(1));
    assert!(failure.expect_err("no verdict").to_string().contains("verdict is missing"));
}

#[test]
fn the_whole_command_runs_and_its_object_is_complete() {
    let server = fake::start();
    let words = ["--rate=200", "--duration=200ms", "--warmup=50ms", "--deadline=20s"];
    let args = parse(&[&words[..], &["--server", &server.to_string()]].concat()).expect("sound");
    run(&args).expect("a run");
    let outcome = load::run(&plan(server, 200, 200)).expect("a run");
    let object = report::object(&args, &outcome);
    assert_eq!(object["verdicts"], 40);
    assert_eq!(object["actions"]["HOLD"], 40);
    for quantile in ["p50", "p90", "p99", "p99.9", "max"] {
        assert!(object["latency_us"][quantile].as_u64().is_some_and(|us| us > 0), "{quantile}");
    }
}

#[test]
fn the_mixes_hold_what_they_say() {
    let is_call = |sample: &samples::Sample| matches!(sample, samples::Sample::Call(_));
    assert!(samples::make(Mix::Call).iter().all(is_call));
    assert!(!samples::make(Mix::Message).iter().any(is_call));
    let both = samples::make(Mix::Both);
    assert_eq!(both.iter().filter(|sample| is_call(sample)).count() * 2, both.len());
}
