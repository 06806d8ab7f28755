//! What is counted, in one cell per core.
//!
//! Owns the counters and their closed label sets; must not know how they are shown.
//! A core writes its own cell only, with relaxed atomics: nothing is shared on the hot path, and
//! a reader may see one request counted in one place and not yet in another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::model::policy::{Action, Traffic};

/// Upper bounds of the time buckets in nanoseconds: 1, 2, 5 … 500 us, 1 … 500 ms.
pub const BUCKETS_NS: [u64; 17] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
];

/// A counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    #[inline]
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// As it stands.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Times in buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BUCKETS_NS.len() + 1],
    sum_ns: AtomicU64,
}

impl Histogram {
    /// Counts one span.
    #[inline]
    pub fn record(&self, span: Duration) {
        let ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let index = BUCKETS_NS.partition_point(|bound| *bound < ns);
        self.buckets[index].add();
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }
}

/// A histogram as read: counts per bucket (not cumulative, the last one without a bound).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Counts.
    pub buckets: [u64; BUCKETS_NS.len() + 1],
    /// Sum of all spans, nanoseconds.
    pub sum_ns: u64,
}

impl Times {
    /// How many spans.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn add(&mut self, histogram: &Histogram) {
        for (to, from) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *to += from.get();
        }
        self.sum_ns = self.sum_ns.wrapping_add(histogram.sum_ns.load(Ordering::Relaxed));
    }
}

macro_rules! labels {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$vdoc:meta])* $variant:ident = $label:literal),* $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// All, in a fixed order.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The label value.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $label),* }
            }
        }
    };
}

labels! {
    /// How a request failed, by gRPC code; codes we do not send are one.
    ErrorCode {
        /// The caller went away.
        Cancelled = "CANCELLED",
        /// The integration got something wrong.
        InvalidArgument = "INVALID_ARGUMENT",
        /// Too late.
        DeadlineExceeded = "DEADLINE_EXCEEDED",
        /// Over a limit.
        ResourceExhausted = "RESOURCE_EXHAUSTED",
        /// A message over its size.
        OutOfRange = "OUT_OF_RANGE",
        /// No such method.
        Unimplemented = "UNIMPLEMENTED",
        /// Our fault.
        Internal = "INTERNAL",
        /// Not warm, or draining.
        Unavailable = "UNAVAILABLE",
        /// Any other.
        Other = "OTHER",
    }
}

labels! {
    /// Why a connection was not served.
    Refusal {
        /// Too many in all.
        GlobalCap = "global_cap",
        /// Too many from one peer.
        PeerCap = "peer_cap",
        /// No HTTP/2 preface in time, or something else.
        Preface = "preface",
        /// The system could not accept it (descriptors, memory).
        Accept = "accept",
    }
}

labels! {
    /// Why a caller did not carry out our verdict.
    FailOpen {
        /// No answer in time.
        Timeout = "timeout",
        /// No connection.
        Unreachable = "unreachable",
        /// An error came back.
        Error = "error",
        /// Its own policy.
        Overruled = "overruled",
        /// It could not.
        Unsupported = "unsupported",
    }
}

labels! {
    /// Kind of report from the field.
    Report {
        /// How an attempt ended.
        Outcome = "outcome",
        /// What somebody says about it.
        Feedback = "feedback",
    }
}

const ACTIONS: usize = Action::ALL.len();
/// Both kinds of traffic, in the order of their index.
pub const TRAFFIC: [Traffic; 2] = [Traffic::Call, Traffic::Message];

/// Counters of one core. Padded to two cache lines, because processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Cell {
    verdicts: [[[Counter; ACTIONS]; ACTIONS]; TRAFFIC.len()],
    errors: [Counter; ErrorCode::ALL.len()],
    refusals: [Counter; Refusal::ALL.len()],
    fail_open: [Counter; FailOpen::ALL.len()],
    reports: [Counter; Report::ALL.len()],
    /// Time in the engine, from a read attempt to a verdict.
    pub engine: Histogram,
    /// Time of a whole request, from its head to its answer.
    pub request: Histogram,
    /// Requests refused because fields were wrong.
    pub decode_rejects: Counter,
    /// Panics contained.
    pub panics: Counter,
    /// Work dropped because its deadline had passed.
    pub deadline_drops: Counter,
    /// Connections served so far.
    pub connections_opened: Counter,
    /// Of these, ended.
    pub connections_closed: Counter,
}

impl Cell {
    /// One verdict.
    #[inline]
    pub fn verdict(&self, traffic: Traffic, action: Action, would_action: Action) {
        self.verdicts[traffic as usize][action as usize][would_action as usize].add();
    }

    /// One failed request.
    pub fn error(&self, code: ErrorCode) {
        self.errors[code as usize].add();
    }

    /// One connection not served.
    pub fn refusal(&self, refusal: Refusal) {
        self.refusals[refusal as usize].add();
    }

    /// One verdict not carried out.
    pub fn fail_open(&self, reason: FailOpen) {
        self.fail_open[reason as usize].add();
    }

    /// One report taken.
    pub fn report(&self, report: Report) {
        self.reports[report as usize].add();
    }

    /// Connections open now.
    pub fn connections_open(&self) -> u64 {
        self.connections_opened.get().saturating_sub(self.connections_closed.get())
    }
}

/// All cells.
#[derive(Debug)]
pub struct Metrics {
    cells: Box<[Arc<Cell>]>,
}

impl Metrics {
    /// Cells for `cores` cores, at least one.
    pub fn new(cores: usize) -> Metrics {
        Metrics { cells: (0..cores.max(1)).map(|_| Arc::default()).collect() }
    }

    /// The cell of one core; beyond the last one they are shared again.
    pub fn cell(&self, core: usize) -> Arc<Cell> {
        Arc::clone(&self.cells[core % self.cells.len()])
    }

    /// Every cell, in the order of the cores.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().map(|cell| &**cell)
    }

    /// Sum of one counter over all cores.
    pub fn sum(&self, counter: impl Fn(&Cell) -> &Counter) -> u64 {
        self.cells().map(|cell| counter(cell).get()).sum()
    }

    /// Verdicts of one kind.
    pub fn verdicts(&self, traffic: Traffic, action: Action, would_action: Action) -> u64 {
        self.sum(|cell| &cell.verdicts[traffic as usize][action as usize][would_action as usize])
    }

    /// Errors of one code.
    pub fn errors(&self, code: ErrorCode) -> u64 {
        self.sum(|cell| &cell.errors[code as usize])
    }

    /// Connections not served for one reason.
    pub fn refusals(&self, refusal: Refusal) -> u64 {
        self.sum(|cell| &cell.refusals[refusal as usize])
    }

    /// Verdicts not carried out for one reason.
    pub fn fail_opens(&self, reason: FailOpen) -> u64 {
        self.sum(|cell| &cell.fail_open[reason as usize])
    }

    /// Reports of one kind.
    pub fn reports(&self, report: Report) -> u64 {
        self.sum(|cell| &cell.reports[report as usize])
    }

    /// One histogram over all cores.
    pub fn times(&self, histogram: impl Fn(&Cell) -> &Histogram) -> Times {
        let mut times = Times::default();
        self.cells().for_each(|cell| times.add(histogram(cell)));
        times
    }
}

/// Measures a span for a histogram; never for a decision.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    #[inline]
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// So far.
    #[inline]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_falls_into_the_first_bucket_that_holds_it() {
        let metrics = Metrics::new(2);
        for (core, ns) in [(0, 0), (1, 1_000), (0, 1_001), (1, 500_000_000), (0, 500_000_001)] {
            metrics.cell(core).engine.record(Duration::from_nanos(ns));
        }
        let times = metrics.times(|cell| &cell.engine);
        assert_eq!((times.buckets[0], times.buckets[1]), (2, 1));
        assert_eq!((times.buckets[16], times.buckets[17]), (1, 1));
        assert_eq!((times.count(), times.sum_ns), (5, 1_000_002_002));
        assert_eq!(metrics.times(|cell| &cell.request), Times::default());
    }

    #[test]
    fn cells_add_up() {
        let metrics = Metrics::new(2);
        metrics.cell(0).verdict(Traffic::Call, Action::Allow, Action::Block);
        metrics.cell(1).verdict(Traffic::Call, Action::Allow, Action::Block);
        metrics.cell(1).error(ErrorCode::Internal);
        assert_eq!(metrics.verdicts(Traffic::Call, Action::Allow, Action::Block), 2);
        assert_eq!(metrics.verdicts(Traffic::Message, Action::Allow, Action::Block), 0);
        assert_eq!(metrics.errors(ErrorCode::Internal), 1);
        assert_eq!(ErrorCode::ALL[ErrorCode::Other as usize], ErrorCode::Other);
    }
}
