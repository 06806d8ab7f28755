//! One core of the data port: a thread with a current-thread runtime that serves connections.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::app::metrics::Cell;

use super::Config;
use super::closing::Closing;
use super::dispatch::{Dispatch, Services};
use super::listener::Arrival;

/// Requests in progress on one connection; a gateway's pipeline, not a flood.
const STREAMS_MAX: u32 = 256;
/// Streams reset by the peer before we looked at them (CVE-2023-44487). A gateway whose deadlines
/// pass while a core is busy resets all it has open: that is no attack. More at once is one.
const PENDING_RESETS_MAX: usize = STREAMS_MAX as usize;
/// Streams reset by us for the peer's errors (RUSTSEC-2024-0003), over the whole life of a
/// connection; what h2 itself takes for the border between bad luck and a flood.
const LOCAL_RESETS_MAX: usize = 1024;
/// Headers of one request: gRPC takes a few hundred octets, a token up to a few thousand.
const HEADER_LIST_BYTES_MAX: u32 = 8 * 1024;
/// What a peer may send ahead on one stream: one request of the largest size.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// The same for a whole connection: a batch, or sixteen large requests.
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// What we keep of answers that a peer does not read, per stream.
const SEND_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Silence after which a peer is asked whether it lives, and the time it has to answer.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// What one core needs.
pub(super) struct Core {
    pub arrivals: mpsc::Receiver<Arrival>,
    pub services: Arc<Services>,
    pub cell: Arc<Cell>,
    pub closing: Closing,
    pub config: Arc<Config>,
}

impl Core {
    /// Serves until the closing signal and the end of what is in progress, at most until the
    /// drain deadline. Gives the number of connections cut off then.
    pub async fn run(mut self) -> usize {
        let mut connections = JoinSet::new();
        let mut closing = self.closing.clone().boxed();
        loop {
            tokio::select! {
                arrival = self.arrivals.recv() => match arrival {
                    Some(arrival) => drop(connections.spawn(self.serve(arrival))),
                    None => break,
                },
                Some(ended) = connections.join_next() => self.note(ended),
                () = &mut closing => break,
            }
        }
        let drained = tokio::time::timeout(self.config.drain_deadline, async {
            // What the listener handed over before it stopped is served, too.
            while let Some(arrival) = self.arrivals.recv().await {
                connections.spawn(self.serve(arrival));
            }
            while let Some(ended) = connections.join_next().await {
                self.note(ended);
            }
        });
        match drained.await {
            Ok(()) => 0,
            Err(_) => connections.len(),
        }
    }

    fn note(&self, ended: Result<io::Result<()>, tokio::task::JoinError>) {
        // What peers do to their connections is not worth a line; a panic of ours is.
        if ended.is_err_and(|error| error.is_panic()) {
            self.cell.panics.add();
        }
    }

    /// One connection, from its preface to its end.
    fn serve(&self, arrival: Arrival) -> impl Future<Output = io::Result<()>> + use<> {
        let (give, closing) = Closing::new();
        let spawner = Spawner {
            is_short: Arc::default(),
            answer_timeout: self.config.answer_timeout,
            cell: Arc::clone(&self.cell),
        };
        let dispatch = Dispatch {
            services: Arc::clone(&self.services),
            cell: Arc::clone(&self.cell),
            closing,
            unary_timeout: self.config.unary_timeout,
            is_short: Arc::clone(&spawner.is_short),
        };
        let (age_max, grace) = (self.config.connection_age_max, self.config.connection_age_grace);
        let server_closing = self.closing.clone();
        async move {
            let Arrival { stream, seat } = arrival;
            let io = TokioIo::new(TcpStream::from_std(stream)?);
            let mut connection = std::pin::pin!(builder(spawner).serve_connection(io, dispatch));
            let mut over = false;
            tokio::select! {
                _ = &mut connection => over = true,
                () = server_closing.given() => {}
                () = tokio::time::sleep(jittered(age_max)) => {}
            }
            if !over {
                give.send_replace(true);
                connection.as_mut().graceful_shutdown();
                // At a drain, the core's own deadline is the nearer one.
                let _ = tokio::time::timeout(grace, connection).await;
            }
            drop(seat);
            Ok(())
        }
    }
}

/// Spawns the task of each request of one connection; that of a unary one ends, with a reset of
/// its stream, when its caller does not take the answer in time.
///
/// hyper calls the service and spawns the task in one step of the connection's own task, so what
/// the dispatcher said last is about the future at hand. Were it ever otherwise, the tests with
/// long streams and stalled calls would fail.
#[derive(Clone)]
struct Spawner {
    is_short: Arc<AtomicBool>,
    answer_timeout: Duration,
    cell: Arc<Cell>,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Spawner {
    fn execute(&self, request: F) {
        if !self.is_short.swap(false, Ordering::Relaxed) {
            tokio::spawn(request);
            return;
        }
        let (timeout, cell) = (self.answer_timeout, Arc::clone(&self.cell));
        tokio::spawn(async move {
            if tokio::time::timeout(timeout, request).await.is_err() {
                cell.deadline_drops.add();
            }
        });
    }
}

fn builder(spawner: Spawner) -> http2::Builder<Spawner> {
    let mut builder = http2::Builder::new(spawner);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(LOCAL_RESETS_MAX)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        // gRPC has no use for it, and it is read from a clock per answer.
        .auto_date_header(false);
    builder
}

/// Within a tenth of `age`, by chance.
fn jittered(age: Duration) -> Duration {
    let chance = RandomState::new().hash_one("age") % 2001;
    age.mul_f64(0.9 + chance as f64 / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_stay_within_a_tenth() {
        let age = Duration::from_secs(600);
        for _ in 0..100 {
            let jittered = jittered(age).as_secs_f64();
            assert!((540.0..=660.1).contains(&jittered), "{jittered}");
        }
    }
}
