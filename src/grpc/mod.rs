//! GRPC: the data port. Listener, cores, and the screening service on them.
//!
//! Owns connections, their limits and deadlines, and what a failure looks like on the wire. Knows
//! `app` and `wire`; must not know how an attempt is screened, nor another edge.
//! Invariants: no lock, I/O or await between decode and encode; every resource a peer can take is
//! bounded; an accepted request is answered or, at the drain deadline, counted as cut; no task
//! ends unnoticed. The control services (`control`) are apart: they block, and the control port
//! serves them.

mod census;
mod closing;
pub mod control;
mod core;
mod dispatch;
mod errors;
mod ids;
mod listener;
mod screening;
mod server;
mod stream;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

pub use server::{Drained, Parts, Server};

/// How the data port behaves. The defaults are meant for production.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes any.
    pub listen: SocketAddr,
    /// Cores that serve, each with its own runtime; at least one.
    pub cores: usize,
    /// Connections in all. 10 000 fit in the usual descriptor limits with room for files.
    pub connections_max: usize,
    /// Connections from one peer (IPv4 address, IPv6 /64): a large gateway needs a few dozen.
    pub peer_connections_max: usize,
    /// Time for the HTTP/2 preface to arrive: hyper itself would wait for ever.
    pub preface_timeout: Duration,
    /// Longest time a unary request may take, whatever its caller allows. An answer takes
    /// microseconds; this is for a caller that never sends its body.
    pub unary_timeout: Duration,
    /// Longest time from the head of a unary request until its caller has taken the answer. A
    /// caller that opens no window would keep answers in our memory for ever.
    pub answer_timeout: Duration,
    /// Age at which a connection is asked to end, give or take a tenth, so that load spreads
    /// again after a restart of a neighbour.
    pub connection_age_max: Duration,
    /// What it then gets to end.
    pub connection_age_grace: Duration,
    /// Time in which a drain must be done.
    pub drain_deadline: Duration,
}

impl Config {
    /// The defaults, listening at `listen` with a core for each that the system gives us.
    pub fn new(listen: SocketAddr) -> Config {
        Config {
            listen,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            connections_max: 10_000,
            peer_connections_max: 1_000,
            preface_timeout: Duration::from_secs(2),
            unary_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(5),
            connection_age_max: Duration::from_secs(600),
            connection_age_grace: Duration::from_secs(30),
            drain_deadline: Duration::from_secs(10),
        }
    }
}
