//! The load itself: one thread keeps the schedule, a few threads send and count.
//!
//! The pacing thread sleeps until a request is due and hands it over; it never waits for an
//! answer, only (with the clock of every later request running) for room in a bounded queue.
//! Sending threads each run a single-threaded runtime with their share of the connections.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::{Semaphore, mpsc};
use tonic::transport::Channel;

use super::samples::Sample;
use crate::cli::Failure;
use crate::cli::client::{self, ClientError, ServerAddress};
use crate::model::policy::Action;
use crate::wire::screening_v1 as pb;
use pb::screening_service_client::ScreeningServiceClient;

/// Requests in flight over all connections: at 1 ms an answer, 4 million a second.
const IN_FLIGHT_MAX: usize = 4096;
/// Requests that are due and wait for a sending thread.
const QUEUE_MAX: usize = 1024;
/// A start is late when it comes this much after its time: a sleeping thread wakes within 0.1 ms.
const LATE_AFTER: Duration = Duration::from_millis(1);
/// Between the last preparation and the first request.
const LEAD: Duration = Duration::from_millis(20);
/// How often the progress bar moves.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// Longest latency told apart, in microseconds: an hour.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// What to do.
pub(super) struct Plan {
    pub server: ServerAddress,
    pub connections: usize,
    /// Requests per second.
    pub rate: u64,
    pub warmup: Duration,
    pub duration: Duration,
    pub deadline: Duration,
    /// Sent in turn; not empty.
    pub samples: Vec<Sample>,
}

impl Plan {
    /// How many requests are due within a time.
    fn requests(&self, time: Duration) -> u64 {
        (time.as_nanos() * u128::from(self.rate) / 1_000_000_000) as u64
    }

    /// When a request is due, after the start.
    fn due(&self, index: u64) -> Duration {
        let nanos = u128::from(index) * 1_000_000_000 / u128::from(self.rate);
        Duration::from_nanos(nanos as u64)
    }
}

/// What came out, of the measured part of the run.
pub(super) struct Outcome {
    pub tally: Tally,
    /// Requests that were due but not sent when the run was over.
    pub unsent: u64,
    /// From the first request due to the last answer, at least the duration.
    pub took: Duration,
}

/// Counts and times of one sending thread, or of all.
pub(super) struct Tally {
    /// Microseconds from the intended start to the answer, for verdicts, deadlines that ran out
    /// and requests not sent (with what they had waited by then). Other errors are left out: a
    /// quick refusal is no quick answer.
    pub latency: Histogram<u64>,
    /// Microseconds from the intended to the real start: this client's own share.
    pub start_delay: Histogram<u64>,
    /// Verdicts by action, weakest first.
    pub actions: [u64; 4],
    /// Errors by name of their code.
    pub errors: BTreeMap<&'static str, u64>,
    /// Answers that were no verdict, and what was wrong with one of them.
    pub bad_answers: u64,
    pub bad_answer: Option<&'static str>,
    /// Starts over 1 ms after their time.
    pub late_starts: u64,
    /// Requests that had to wait because too many were in flight.
    pub cap_hits: u64,
    last_answer: Option<Instant>,
}

impl Tally {
    fn new() -> Tally {
        let histogram =
            || Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are constant");
        Tally {
            latency: histogram(),
            start_delay: histogram(),
            actions: [0; 4],
            errors: BTreeMap::new(),
            bad_answers: 0,
            bad_answer: None,
            late_starts: 0,
            cap_hits: 0,
            last_answer: None,
        }
    }

    /// How many requests got a verdict.
    pub fn verdicts(&self) -> u64 {
        self.actions.iter().sum()
    }

    fn record(&mut self, times: Times, answer: Answer) {
        let us = |time: Duration| time.as_micros() as u64;
        self.start_delay.saturating_record(us(times.started.saturating_duration_since(times.due)));
        let latency = us(times.answered.saturating_duration_since(times.due));
        self.last_answer = self.last_answer.max(Some(times.answered));
        match answer {
            Answer::Verdict(action) => {
                self.actions[action as usize] += 1;
                self.latency.saturating_record(latency);
            }
            Answer::Bad(what) => {
                self.bad_answers += 1;
                self.bad_answer = Some(what);
            }
            Answer::Failed(code) => {
                *self.errors.entry(client::code_name(code)).or_default() += 1;
                if code == tonic::Code::DeadlineExceeded {
                    self.latency.saturating_record(latency);
                }
            }
        }
        if times.started.saturating_duration_since(times.due) > LATE_AFTER {
            self.late_starts += 1;
        }
    }

    fn add(&mut self, other: &Tally) {
        self.latency.add(&other.latency).expect("the bounds are equal");
        self.start_delay.add(&other.start_delay).expect("the bounds are equal");
        for (sum, count) in self.actions.iter_mut().zip(other.actions) {
            *sum += count;
        }
        for (code, count) in &other.errors {
            *self.errors.entry(code).or_default() += count;
        }
        self.bad_answers += other.bad_answers;
        self.bad_answer = self.bad_answer.or(other.bad_answer);
        self.late_starts += other.late_starts;
        self.cap_hits += other.cap_hits;
        self.last_answer = self.last_answer.max(other.last_answer);
    }
}

/// What one request came to.
enum Answer {
    Verdict(Action),
    Bad(&'static str),
    Failed(tonic::Code),
}

#[derive(Clone, Copy)]
struct Times {
    due: Instant,
    started: Instant,
    answered: Instant,
}

/// A request whose time has come.
#[derive(Clone, Copy)]
struct Slot {
    index: u64,
    due: Instant,
    measured: bool,
}

/// Asks every sample once; all must get a sound verdict.
///
/// Errors: the first that does not.
pub(super) fn check_answers(
    server: &ServerAddress,
    samples: &[Sample],
    deadline: Duration,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut client = client::screening(server).await?;
        for sample in samples {
            let (verdict, envelope) =
                ask(&mut client, sample, deadline).await.map_err(ClientError::from)?;
            check(verdict.as_ref(), envelope.as_ref())
                .map_err(|what| format!("an answer is no verdict: {what}"))?;
        }
        Ok(())
    })
}

/// Is it a verdict? Its action, or what is wrong.
fn check(
    verdict: Option<&pb::Verdict>,
    envelope: Option<&pb::VerdictEnvelope>,
) -> Result<Action, &'static str> {
    let verdict = verdict.ok_or("verdict is missing")?;
    let envelope = envelope.ok_or("envelope is missing")?;
    let action = match pb::Action::try_from(verdict.action) {
        Ok(pb::Action::Allow) => Action::Allow,
        Ok(pb::Action::Label) => Action::Label,
        Ok(pb::Action::Hold) => Action::Hold,
        Ok(pb::Action::Block) => Action::Block,
        Ok(pb::Action::Unspecified) | Err(_) => return Err("verdict.action is none of the four"),
    };
    if verdict.risk > 1000 {
        return Err("verdict.risk is over 1000");
    }
    if verdict.reasons.is_empty() && action != Action::Allow {
        return Err("verdict.reasons is empty though the action is not ALLOW");
    }
    if envelope.ruleset_revision == 0 || envelope.ruleset_digest.len() != 32 {
        return Err("envelope names no ruleset");
    }
    if envelope.verdict_id.len() != 32 {
        return Err("envelope.verdict_id is not 32 digits");
    }
    Ok(action)
}

type Parts = (Option<pb::Verdict>, Option<pb::VerdictEnvelope>);

async fn ask(
    client: &mut ScreeningServiceClient<Channel>,
    sample: &Sample,
    deadline: Duration,
) -> Result<Parts, tonic::Status> {
    match sample {
        Sample::Call(call) => {
            let request = client::request(pb::ScreenCallRequest::clone(call), deadline);
            let answer = client.screen_call(request).await?.into_inner();
            Ok((answer.verdict, answer.envelope))
        }
        Sample::Message(message) => {
            let request = client::request(pb::ScreenMessageRequest::clone(message), deadline);
            let answer = client.screen_message(request).await?.into_inner();
            Ok((answer.verdict, answer.envelope))
        }
    }
}

/// Runs the plan.
///
/// Errors: a connection that cannot be opened.
pub(super) fn run(plan: &Plan) -> Result<Outcome, Failure> {
    let senders = sending_threads(plan.connections);
    let share = |sender: usize| (plan.connections + sender) / senders;
    let total = plan.requests(plan.warmup + plan.duration);
    let done = AtomicU64::new(0);
    let (ready, is_ready) = std::sync::mpsc::sync_channel(senders);
    thread::scope(|scope| {
        let mut queues = Vec::new();
        let mut sending = Vec::new();
        for sender in 0..senders {
            let (queue, slots) = mpsc::channel(QUEUE_MAX);
            queues.push(queue);
            let (ready, done) = (ready.clone(), &done);
            let in_flight_max = IN_FLIGHT_MAX / senders;
            let connections = share(sender);
            sending.push(scope.spawn(move || {
                Sender { plan, connections, in_flight_max, done }.run(slots, ready)
            }));
        }
        drop(ready);
        for _ in 0..senders {
            let connected = is_ready.recv().map_err(|_| "a sending thread ended early")?;
            connected.map_err(|failure| -> Failure { failure })?;
        }
        let start = Instant::now() + LEAD;
        let pacing = scope.spawn(move || pace(plan, start, &queues));
        show_progress(total, &done, || sending.iter().all(thread::ScopedJoinHandle::is_finished));
        let sent = pacing.join().map_err(|_| "the pacing thread failed")?;
        let mut tally = Tally::new();
        for thread in sending {
            tally.add(&thread.join().map_err(|_| "a sending thread failed")?);
        }
        Ok(conclude(plan, start, sent, tally))
    })
}

/// Half of the cores: the other half is for the server, which often is on the same machine.
fn sending_threads(connections: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).clamp(1, connections)
}

fn conclude(plan: &Plan, start: Instant, sent: u64, mut tally: Tally) -> Outcome {
    let total = plan.requests(plan.warmup + plan.duration);
    let first_unsent = sent.max(plan.requests(plan.warmup));
    let now = Instant::now();
    for index in first_unsent..total {
        let waited = now.saturating_duration_since(start + plan.due(index));
        tally.latency.saturating_record(waited.as_micros() as u64);
    }
    let measured_from = start + plan.warmup;
    let took = tally.last_answer.map(|last| last.saturating_duration_since(measured_from));
    Outcome {
        tally,
        unsent: total.saturating_sub(first_unsent),
        took: took.unwrap_or_default().max(plan.duration),
    }
}

/// Hands over every request when it is due; gives the first that was not.
///
/// What is overdue at the end of the warm-up is left out, so that an overload is measured from its
/// beginning. What is overdue later is never left out.
fn pace(plan: &Plan, start: Instant, queues: &[mpsc::Sender<Slot>]) -> u64 {
    let total = plan.requests(plan.warmup + plan.duration);
    let warmup = plan.requests(plan.warmup);
    let give_up = start + plan.warmup + plan.duration + plan.deadline;
    let mut index = 0;
    while index < total {
        let now = Instant::now();
        if now > give_up {
            break;
        }
        if index < warmup && now >= start + plan.warmup {
            index = warmup;
        }
        let due = start + plan.due(index);
        if let Some(early) = due.checked_duration_since(now).filter(|early| !early.is_zero()) {
            thread::sleep(early);
        }
        let slot = Slot { index, due, measured: index >= warmup };
        // A queue is closed only when its thread failed, and then the run does.
        if queues[index as usize % queues.len()].blocking_send(slot).is_err() {
            break;
        }
        index += 1;
    }
    index
}

fn show_progress(total: u64, done: &AtomicU64, finished: impl Fn() -> bool) {
    // Draws nothing where stderr is no terminal.
    let bar = ProgressBar::new(total);
    let template = "{bar:40} {pos}/{len} answers, {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(template).expect("the template is constant"));
    while !finished() {
        thread::sleep(PROGRESS_EVERY);
        bar.set_position(done.load(Ordering::Relaxed));
    }
    bar.finish_and_clear();
}

/// One sending thread.
struct Sender<'p> {
    plan: &'p Plan,
    connections: usize,
    in_flight_max: usize,
    done: &'p AtomicU64,
}

type Ready = std::sync::mpsc::SyncSender<Result<(), Failed>>;
/// A failure that may cross threads.
type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Sender<'_> {
    fn run(&self, slots: mpsc::Receiver<Slot>, ready: Ready) -> Tally {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let connected = runtime.map_err(Failed::from).and_then(|runtime| {
            let clients = runtime.block_on(self.connect())?;
            Ok((runtime, clients))
        });
        let outcome = match connected {
            Ok((runtime, clients)) => {
                // The receiver waits for every thread.
                drop(ready.send(Ok(())));
                return runtime.block_on(self.send(slots, clients));
            }
            Err(failure) => Err(failure),
        };
        drop(ready.send(outcome));
        Tally::new()
    }

    async fn connect(&self) -> Result<Vec<ScreeningServiceClient<Channel>>, ClientError> {
        let mut clients = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            clients.push(client::screening(&self.plan.server).await?);
        }
        Ok(clients)
    }

    async fn send(
        &self,
        mut slots: mpsc::Receiver<Slot>,
        clients: Vec<ScreeningServiceClient<Channel>>,
    ) -> Tally {
        let tally = Arc::new(Mutex::new(Tally::new()));
        let limit = Arc::new(Semaphore::new(self.in_flight_max));
        let samples: Arc<[Sample]> = self.plan.samples.clone().into();
        let deadline = self.plan.deadline;
        let mut turn = 0;
        while let Some(slot) = slots.recv().await {
            if slot.measured && limit.available_permits() == 0 {
                lock(&tally).cap_hits += 1;
            }
            let permit = limit.clone().acquire_owned().await.expect("it is never closed");
            let mut client = clients[turn % clients.len()].clone();
            turn += 1;
            let (tally, samples) = (tally.clone(), samples.clone());
            let sample = slot.index as usize % samples.len();
            tokio::spawn(async move {
                let started = Instant::now();
                let answer = match ask(&mut client, &samples[sample], deadline).await {
                    Ok((verdict, envelope)) => check(verdict.as_ref(), envelope.as_ref())
                        .map_or_else(Answer::Bad, Answer::Verdict),
                    Err(status) => Answer::Failed(client::code(&status)),
                };
                let times = Times { due: slot.due, started, answered: Instant::now() };
                if slot.measured {
                    lock(&tally).record(times, answer);
                }
                drop(permit);
            });
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        // All permits together: nothing is in flight any more, and all is recorded.
        let all = u32::try_from(self.in_flight_max).expect("the bound is small");
        drop(limit.acquire_many(all).await);
        std::mem::replace(&mut *lock(&tally), Tally::new())
    }
}

/// Counts stay usable whatever happened to a thread.
fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
