//! The accept loop: caps, back-off, preface deadline; then each connection goes to a core.
//!
//! One thread with its own runtime, so that a flood of connections that say nothing never touches
//! a data core. hyper has no deadline for the HTTP/2 preface and tonic's own loop spins when
//! descriptors run out: both are handled here.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::app::metrics::{Cell, Refusal};

use super::census::{Census, Permit, Seat};
use super::closing::Closing;

/// What every HTTP/2 client sends first (RFC 9113 clause 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Pause after a failed accept: long enough not to spin, short enough not to be noticed.
const BACK_OFF: Duration = Duration::from_millis(10);
/// Pause between looks at a preface that came in pieces. Real clients send it whole.
const PEEK_PAUSE: Duration = Duration::from_millis(5);
/// Connections waiting in the kernel.
const BACKLOG: i32 = 1024;
/// Connections on their way to one core.
pub(super) const HANDOVER_MAX: usize = 256;
/// Linux: too many open files, in this process and in the system.
const DESCRIPTOR_ERRORS: [i32; 2] = [24, 23];

/// A connection that has shown its preface, on its way to a core.
pub(super) struct Arrival {
    pub stream: std::net::TcpStream,
    pub seat: Seat,
}

/// One core as the listener sees it.
#[derive(Clone)]
pub(super) struct Door {
    pub arrivals: mpsc::Sender<Arrival>,
    pub cell: Arc<Cell>,
}

/// What the accept loop needs.
pub(super) struct Listener {
    pub socket: std::net::TcpListener,
    pub doors: Arc<[Door]>,
    pub census: Arc<Census>,
    pub preface_timeout: Duration,
    pub closing: Closing,
}

/// Binds and listens; nothing is accepted yet.
///
/// Errors: what the system says, such as an address in use.
pub(super) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl Listener {
    /// Accepts until the closing signal. Connections that have not shown their preface by then
    /// are dropped: no request of theirs was taken.
    ///
    /// Errors: the socket cannot be used, or a core is gone.
    pub async fn run(self) -> io::Result<()> {
        let listener = TcpListener::from_std(self.socket)?;
        let mut closing = self.closing.boxed();
        let mut spare = Spare::new();
        let mut prefaces = JoinSet::new();
        loop {
            while prefaces.try_join_next().is_some() {}
            if self.doors.iter().any(|door| door.arrivals.is_closed()) {
                return Err(io::Error::other("a core is gone"));
            }
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut closing => return Ok(()),
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.doors[0].cell.refusal(Refusal::Accept);
                    if is_out_of_descriptors(&error) {
                        spare.turn_one_away(&listener).await;
                    }
                    tokio::time::sleep(BACK_OFF).await;
                    continue;
                }
            };
            match self.census.admit(peer.ip()) {
                Ok(permit) => {
                    let (doors, timeout) = (Arc::clone(&self.doors), self.preface_timeout);
                    prefaces.spawn(receive(stream, permit, doors, timeout));
                }
                Err(refusal) => self.doors[0].cell.refusal(refusal),
            }
        }
    }
}

/// Waits for the preface and hands the connection to the core with the fewest.
async fn receive(stream: TcpStream, permit: Permit, doors: Arc<[Door]>, timeout: Duration) {
    let arrived = tokio::time::timeout(timeout, preface(&stream)).await;
    let ready = matches!(arrived, Ok(Ok(true)));
    let door = doors.iter().min_by_key(|door| door.cell.connections_open());
    let door = door.expect("there is at least one core");
    if !ready {
        door.cell.refusal(Refusal::Preface);
        return;
    }
    let seat = Seat::new(permit, Arc::clone(&door.cell));
    // Small answers must not wait for more to send.
    if stream.set_nodelay(true).is_ok()
        && let Ok(stream) = stream.into_std()
    {
        // A closed door is noticed by the accept loop.
        let _ = door.arrivals.send(Arrival { stream, seat }).await;
    }
}

/// True when the whole preface is there to be read; it is not taken out.
async fn preface(stream: &TcpStream) -> io::Result<bool> {
    let mut seen = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut seen).await?;
        if length == 0 || seen[..length] != PREFACE[..length] {
            return Ok(false);
        }
        if length == PREFACE.len() {
            return Ok(true);
        }
        // The socket stays readable while a part is there: waiting for it would spin.
        tokio::time::sleep(PEEK_PAUSE).await;
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| DESCRIPTOR_ERRORS.contains(&code))
}

/// A descriptor kept back, so that out of descriptors a peer can still be told to go away instead
/// of waiting in the kernel's queue.
struct Spare(Option<File>);

impl Spare {
    fn new() -> Spare {
        Spare(File::open("/dev/null").ok())
    }

    async fn turn_one_away(&mut self, listener: &TcpListener) {
        drop(self.0.take());
        // The one in front is there, or the error would not have come; if it left, nothing waits.
        let _ = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
        *self = Spare::new();
    }
}
