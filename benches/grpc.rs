//! The data port over TCP against a bare echo of the same protocol, sizes and threads, in the
//! same run: rate, server CPU and latency a request, for calls, messages and streams. Every answer
//! is checked before it is timed.
//!
//! `cargo bench --bench grpc` (about three minutes after the build); `-- --quick` is shorter.
//!
//! Client and servers share the machine, so rates also hold the client's cost, which is the same
//! for all; the server's CPU a request does not. Only ratios within one run mean anything.

mod support;

#[path = "support/echo.rs"]
mod echo;
#[path = "support/load.rs"]
mod load;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use prost::Message as _;
use ringfence::app::catalogue::{PackText, read, starter_packs};
use ringfence::app::clock::SteadyClock;
use ringfence::app::health::Health;
use ringfence::app::metrics::Metrics;
use ringfence::app::publisher::Publisher;
use ringfence::app::screener::Screener;
use ringfence::app::screening::Clock as _;
use ringfence::grpc::{Config, Parts, Server};
use ringfence::model::category::Category;
use ringfence::model::entry::{
    Effect, Entry, EntryMeta, ListKind, ListSpec, NumberPattern, Party, TenantId, Value,
};
use ringfence::model::number::{E164Number, Number};
use ringfence::model::policy::{Action, Ground};
use ringfence::model::revision::{Digest, Revision};
use ringfence::model::time::Validity;
use ringfence::text::fold::fold_to_string;
use ringfence::wire::screening_v1 as pb;
use tokio::task::JoinSet;

use echo::{Carrier, Sizes};
use load::{Fleet, Shape, Tally, Work, connect, thread_cpu};
use support::Draw;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NUMBERS: usize = 1_000_000;
const PHRASES: usize = 100_000;
const INPUTS: usize = 20_000;
/// Characters of every phrase: of one length, no phrase holds another.
const PHRASE_CHARS: usize = 4;
const TEXT_CHARS: usize = 70;
const SHAPES: [Shape; 2] =
    [Shape { connections: 64, in_flight: 1 }, Shape { connections: 8, in_flight: 8 }];
const STREAMS: Shape = Shape { connections: 8, in_flight: 1 };
const STREAM_WINDOW: usize = 128;
/// Names in the report, with the beginning of the names of their threads.
const TARGETS: [(&str, &str); 3] =
    [("ringfence", "data-"), ("tonic echo", "tonic-core"), ("hyper echo", "hyper-core")];

/// How long to measure.
struct Plan {
    rounds: usize,
    round: Duration,
    cores: usize,
}

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let plan = Plan {
        // Many short rounds: the median of the pairs then survives a neighbour's burst.
        rounds: if quick { 5 } else { 31 },
        round: Duration::from_millis(300),
        cores: thread::available_parallelism().map_or(1, usize::from),
    };
    let corpus = Corpus::new();
    let metrics = Arc::new(Metrics::new(plan.cores));
    let server = serve(&corpus, &metrics, plan.cores);
    let ours = server.local_addr();
    let sizes = check(&corpus, ours);
    println!(
        "{NUMBERS} listed numbers, {PHRASES} phrases, starter packs; {} cores each; answers of {} \
         (calls) and {} octets (messages); {INPUTS} answers of each kind are right",
        plan.cores, sizes.call, sizes.message
    );
    let echo = |carrier| echo::start(carrier, plan.cores, sizes);
    let targets = [ours, echo(Carrier::Tonic), echo(Carrier::Hyper)];
    let bench = Bench { plan, targets, metrics };
    for (name, work) in [("calls", corpus.calls()), ("messages", corpus.messages())] {
        for shape in SHAPES {
            bench.run(name, shape, &work);
        }
    }
    bench.run("stream of calls", STREAMS, &corpus.stream());
}

fn serve(corpus: &Corpus, metrics: &Arc<Metrics>, cores: usize) -> Server {
    let clock = Arc::new(SteadyClock::new());
    let publisher = Publisher::new(corpus.compile(), clock.now());
    let screen = Arc::new(Screener::new(Arc::new(publisher), clock));
    let health = Health::new();
    health.set_warm();
    let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.cores = cores;
    let parts = Parts { screen, metrics: Arc::clone(metrics), health };
    Server::start(config, parts).expect("loopback has a port")
}

/// What is listed and what is asked.
struct Corpus {
    listed: HashSet<u64>,
    phrases: HashSet<String>,
    /// Originator and recipient.
    calls: Vec<(u64, u64)>,
    texts: Vec<String>,
}

impl Corpus {
    fn new() -> Corpus {
        let mut draw = Draw(44);
        let numbers: Vec<u64> = (0..NUMBERS).map(|_| number(&mut draw)).collect();
        // One originator in ten is listed.
        let calls = (0..INPUTS).map(|_| {
            let from = match draw.below(10) {
                0 => numbers[draw.below(NUMBERS)],
                _ => number(&mut draw),
            };
            (from, number(&mut draw))
        });
        let calls = calls.collect();
        let chars = han(&mut draw);
        let mut phrases = HashSet::new();
        while phrases.len() < PHRASES {
            // More even than running text, as phrase lists are; `engine` has the hard case too.
            let mut pick = || chars[draw.zipf_half(chars.len())];
            phrases.insert((0..PHRASE_CHARS).map(|_| pick()).collect());
        }
        let mut pick: Vec<&String> = phrases.iter().collect();
        pick.sort_unstable();
        // Four texts in ten hold a phrase.
        let texts = (0..INPUTS).map(|_| match draw.below(10) {
            0..4 => {
                let before = draw.below(TEXT_CHARS - PHRASE_CHARS);
                let after = TEXT_CHARS - PHRASE_CHARS - before;
                let phrase = pick[draw.below(PHRASES)];
                text(&mut draw, &chars, before) + phrase + &text(&mut draw, &chars, after)
            }
            _ => text(&mut draw, &chars, TEXT_CHARS),
        });
        let texts = texts.collect();
        Corpus { listed: numbers.into_iter().collect(), phrases, calls, texts }
    }

    fn compile(&self) -> ringfence::engine::Ruleset {
        let mut pack = String::from(
            "%pack bench\n%list phrases kind=keyword points=80 category=CN08\n%columns value\n",
        );
        for phrase in &self.phrases {
            pack += phrase;
            pack.push('\n');
        }
        let mut packs = starter_packs();
        packs.push(PackText { name: "bench.pack".into(), octets: pack.into_bytes() });
        let mut builder = read(&packs).expect("the packs are right");
        let spec = numbers_list();
        builder.list(&spec).expect("a list");
        for value in &self.listed {
            let number = E164Number::from_value(*value).expect("13 digits");
            let value = Value::Number(NumberPattern::Exact(Number::E164(number)));
            builder.add(&Entry { value, meta: spec.meta }).expect("a number");
        }
        builder.build(Revision(1), Digest::default()).expect("compiles")
    }

    fn call(&self, index: usize) -> pb::ScreenCallRequest {
        let (from, to) = self.calls[index];
        pb::ScreenCallRequest {
            request_id: format!("bench-{index:010}"),
            ingress: Some(pb::Ingress {
                trunk_id: "bench".to_owned(),
                trunk_class: pb::TrunkClass::Domestic.into(),
                ..Default::default()
            }),
            originator: Some(address(from)),
            recipient: Some(address(to)),
            ..Default::default()
        }
    }

    fn message(&self, index: usize) -> pb::ScreenMessageRequest {
        let content = pb::MessageContent {
            text: self.texts[index].clone().into(),
            basis: pb::ContentBasis::Contract.into(),
            ..Default::default()
        };
        let (from, to) = self.calls[index];
        pb::ScreenMessageRequest {
            request_id: format!("bench-{index:010}"),
            originator: Some(address(from)),
            recipient: Some(address(to)),
            content: Some(content),
            ..Default::default()
        }
    }

    fn item(&self, index: usize) -> pb::ScreenStreamRequest {
        let attempt = pb::screen_stream_request::Attempt::Call(Box::new(self.call(index)));
        pb::ScreenStreamRequest { attempt: Some(attempt) }
    }

    fn calls(&self) -> Work {
        Work::Calls((0..INPUTS).map(|index| self.call(index)).collect())
    }

    fn messages(&self) -> Work {
        Work::Messages((0..INPUTS).map(|index| self.message(index)).collect())
    }

    fn stream(&self) -> Work {
        let items = (0..INPUTS).map(|index| self.item(index)).collect();
        Work::Stream(items, STREAM_WINDOW)
    }

    /// How often a right verdict names the list of numbers.
    fn numbers_found(&self, index: usize) -> usize {
        let (from, to) = self.calls[index];
        [from, to].iter().filter(|number| self.listed.contains(number)).count()
    }

    /// Where the text of a message holds a listed phrase, in octets.
    fn phrases_in(&self, index: usize) -> Vec<(u32, u32)> {
        let text = &self.texts[index];
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let octets = PHRASE_CHARS * '一'.len_utf8();
        let windows = starts.iter().filter_map(|start| Some((*start, text.get(*start..)?)));
        let hits = windows.filter_map(|(start, rest)| Some((start, rest.get(..octets)?)));
        let hits = hits.filter(|(_, window)| self.phrases.contains(*window));
        hits.map(|(start, _)| (start as u32, (start + octets) as u32)).collect()
    }
}

/// Chinese mobile numbers, spread over the whole range.
fn number(draw: &mut Draw) -> u64 {
    8_613_000_000_000 + draw.next() % 7_000_000_000
}

fn numbers_list() -> ListSpec {
    ListSpec {
        id: "numbers".into(),
        kind: ListKind::Number,
        title: "".into(),
        source: "".into(),
        party: Party::Either,
        tenant: TenantId::GLOBAL,
        subscriber: None,
        traffic: None,
        ground: Ground::Analytics,
        authority: "".into(),
        case: "".into(),
        ceiling: Action::Block,
        caps_text: None,
        meta: EntryMeta {
            effect: Effect::Score(320),
            category: Some(Category::AU01),
            validity: Validity::ALWAYS,
            shadow: false,
        },
    }
}

/// Han characters that are their own folded form, so that a plain search finds what we find.
fn han(draw: &mut Draw) -> Vec<char> {
    let all = (0x4E00..0x4E00 + 8000).filter_map(char::from_u32);
    let mut chars: Vec<char> =
        all.filter(|c| fold_to_string(&c.to_string()).chars().eq([*c])).collect();
    for i in (1..chars.len()).rev() {
        chars.swap(i, draw.below(i + 1));
    }
    chars
}

fn text(draw: &mut Draw, chars: &[char], length: usize) -> String {
    (0..length).map(|_| chars[draw.zipf(chars.len())]).collect()
}

fn address(number: u64) -> pb::Address {
    pb::Address { raw: format!("+{number}").into(), ..Default::default() }
}

/// Asks everything once over gRPC, compares each answer with a plain look-up, and gives the mean
/// sizes of the answers.
fn check(corpus: &Corpus, server: SocketAddr) -> Sizes {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let (mut call_bytes, mut message_bytes) = (0, 0);
    runtime.block_on(async {
        let mut client = connect(server).await;
        let mut asking = JoinSet::new();
        for index in 0..INPUTS {
            let (mut client, call, message) =
                (client.clone(), corpus.call(index), corpus.message(index));
            asking.spawn(async move {
                let call = client.screen_call(call).await.expect("an answer").into_inner();
                let answer = client.screen_message(message).await.expect("an answer");
                (index, call, answer.into_inner())
            });
            if asking.len() < 64 && index + 1 < INPUTS {
                continue;
            }
            while let Some(answers) = asking.join_next().await {
                let (index, call, message) = answers.expect("no panic");
                call_bytes += call.encoded_len();
                message_bytes += message.encoded_len();
                check_numbers(corpus, index, &call.verdict.expect("a verdict"));
                let verdict = message.verdict.expect("a verdict");
                check_numbers(corpus, index, &verdict);
                check_phrases(corpus, index, &verdict);
            }
        }
        let items: Vec<_> = (0..INPUTS).map(|index| corpus.item(index)).collect();
        let answers = client.screen_stream(tokio_stream::iter(items)).await;
        let mut answers = answers.expect("a stream").into_inner();
        for index in 0..INPUTS {
            let answer = answers.message().await.expect("an answer").expect("one for each");
            assert_eq!(answer.request_id, format!("bench-{index:010}"));
            let Some(pb::screen_stream_response::Outcome::Verdict(verdict)) = answer.outcome else {
                panic!("item {index} has no verdict");
            };
            check_numbers(corpus, index, &verdict);
        }
    });
    Sizes { call: call_bytes / INPUTS, message: message_bytes / INPUTS }
}

fn check_numbers(corpus: &Corpus, index: usize, verdict: &pb::Verdict) {
    let listed = i32::from(pb::ReasonCode::NumberListed);
    let found = verdict.reasons.iter().filter(|r| r.code == listed && r.list == "numbers");
    assert_eq!(found.count(), corpus.numbers_found(index), "input {index}");
}

fn check_phrases(corpus: &Corpus, index: usize, verdict: &pb::Verdict) {
    let expected = corpus.phrases_in(index);
    let found: Vec<(u32, u32)> = verdict
        .reasons
        .iter()
        .filter(|reason| reason.list == "phrases")
        .map(|reason| reason.span.map(|span| (span.start, span.end)).expect("it stood somewhere"))
        .collect();
    // A phrase that stands twice, or reaches into another, may be told once.
    assert!(found.iter().all(|span| expected.contains(span)), "input {index}: {found:?}");
    assert_eq!(found.is_empty(), expected.is_empty(), "input {index}: {expected:?}");
}

/// What is measured, and where.
struct Bench {
    plan: Plan,
    targets: [SocketAddr; 3],
    metrics: Arc<Metrics>,
}

/// All rounds against one target.
#[derive(Default)]
struct Series {
    rates: Vec<f64>,
    cpu_ns: Option<u64>,
    total: Tally,
}

impl Bench {
    fn run(&self, name: &str, shape: Shape, work: &Work) {
        let fleet = Fleet::new(&self.targets, self.plan.cores, shape, work);
        let mut series: [Series; 3] = Default::default();
        for target in 0..self.targets.len() {
            fleet.round(target, self.plan.round);
        }
        let engine = self.metrics.times(|cell| &cell.engine);
        for round in 0..self.plan.rounds {
            for turn in 0..self.targets.len() {
                // There and back, so that a drift of the machine hits all alike.
                let target = if round % 2 == 0 { turn } else { self.targets.len() - 1 - turn };
                let before = thread_cpu(TARGETS[target].1);
                let tally = fleet.round(target, self.plan.round);
                let spent = thread_cpu(TARGETS[target].1).zip(before).map(|(a, b)| a - b);
                let series = &mut series[target];
                series.rates.push(tally.rate());
                series.cpu_ns = spent.map(|ns| ns + series.cpu_ns.unwrap_or(0));
                series.total.add(tally);
            }
        }
        let now = self.metrics.times(|cell| &cell.engine);
        let (ns, count) = (now.sum_ns - engine.sum_ns, now.count() - engine.count());
        println!("{name}, {} connections x {}:", shape.connections, in_flight(shape, work));
        report(&mut series);
        println!("  engine {:.2} us a verdict, by the server's own count", us(ns, count));
    }
}

fn in_flight(shape: Shape, work: &Work) -> usize {
    match work {
        Work::Stream(_, window) => shape.in_flight * window,
        _ => shape.in_flight,
    }
}

fn us(ns: u64, count: u64) -> f64 {
    ns as f64 / 1000.0 / count.max(1) as f64
}

fn report(series: &mut [Series; 3]) {
    for (series, (name, _)) in series.iter_mut().zip(TARGETS) {
        let mut rates = series.rates.clone();
        rates.sort_by(f64::total_cmp);
        print!("  {name:<10} {:>7.0}/s", rates[rates.len() / 2]);
        if let Some(ns) = series.cpu_ns {
            print!("   server CPU {:>5.2} us", us(ns, series.total.answers));
        }
        let latencies = &mut series.total.latencies;
        latencies.sort_unstable();
        if !latencies.is_empty() {
            let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize] / 1000;
            print!("   p50 {:>4} us   p99 {:>5} us", at(0.5), at(0.99));
        }
        println!();
    }
    let [ours, echoes @ ..] = series;
    for (echo, (name, _)) in echoes.iter().zip(&TARGETS[1..]) {
        let pairs = ours.rates.iter().zip(&echo.rates);
        let mut ratios: Vec<f64> = pairs.map(|(ours, echo)| ours / echo).collect();
        ratios.sort_by(f64::total_cmp);
        let [least, median, most] = [0, ratios.len() / 2, ratios.len() - 1].map(|at| ratios[at]);
        print!("  rate of the {name}: {median:.2} ({least:.2} to {most:.2})");
        if let (Some(a), Some(b)) = (echo.cpu_ns, ours.cpu_ns) {
            let ratio = us(a, echo.total.answers) / us(b, ours.total.answers);
            print!("; by server CPU {ratio:.2}");
        }
        println!();
    }
}
