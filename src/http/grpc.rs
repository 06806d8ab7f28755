//! The door for gRPC on the control port: which requests go through it, and how long a connection
//! with such requests may live.
//!
//! A connection that asks gRPC questions may have a long call on it (an import), so it is not cut
//! by the clock: it ends [`IDLE_MAX`] after its last call, and [`AGE_MAX`] after its beginning in
//! any case. A peer that is gone is found by keep-alive; one that stalls inside a call is the
//! service's to cut off.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request, Response, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use prost::bytes::Bytes;
use tokio::time::Instant;
use tonic::body::Body;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

use super::CONNECTION_MAX;

/// What answers gRPC requests.
pub type Grpc = BoxCloneSyncService<Request<Incoming>, Response<Body>, Infallible>;

/// Life of a gRPC connection after its last call: a console that asks now and then keeps one.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// Longest life of a gRPC connection: the largest import over a slow line takes less.
const AGE_MAX: Duration = Duration::from_secs(4 * 3600);
/// What its calls then get to end.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// How often a connection with a call on it is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// What a peer may send ahead on one stream: one chunk of an import.
pub(super) const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// The same for a whole connection: two imports side by side.
pub(super) const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// What we keep of answers that a peer does not read, per stream: one chunk of an export.
pub(super) const SEND_BUFFER_BYTES_MAX: usize = 256 * 1024;
/// Silence after which a peer is asked whether it lives, and the time it has to answer.
pub(super) const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
pub(super) const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Is it for the service? Pages of a browser cannot send this type to us from elsewhere.
pub(super) fn is_grpc(request: &Request<Incoming>) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.map_or(&b""[..], header::HeaderValue::as_bytes);
    let grpc = kind.strip_prefix(b"application/grpc");
    *request.method() == Method::POST
        && grpc.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// Has the request answered, and notes when the whole answer is gone.
pub(super) async fn answer(
    grpc: Grpc,
    request: Request<Incoming>,
    activity: Arc<Activity>,
) -> Response<Counted> {
    let call = activity.begin();
    let response = match grpc.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    response.map(|body| Counted { body, _call: call })
}

/// What goes on on one connection.
pub(super) struct Activity {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Calls in progress.
    calls: usize,
    /// When the last one ended; `None` before the first.
    ended: Option<Instant>,
}

impl Activity {
    /// A connection begins.
    pub fn new() -> Activity {
        Activity { began: Instant::now(), state: Mutex::default() }
    }

    /// Has there been a gRPC call?
    pub fn is_grpc(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls > 0 || state.ended.is_some()
    }

    /// When to look next whether the connection should end; `None` is now.
    pub fn next_look(&self, now: Instant) -> Option<Instant> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match (state.calls, state.ended) {
            (0, None) => self.began + CONNECTION_MAX,
            (0, Some(ended)) => (ended + IDLE_MAX).min(self.began + AGE_MAX),
            _ => (now + LOOK_INTERVAL).min(self.began + AGE_MAX),
        };
        (at > now).then_some(at)
    }

    fn begin(self: Arc<Self>) -> Call {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).calls += 1;
        Call(self)
    }
}

/// A call in progress.
struct Call(Arc<Activity>);

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls -= 1;
        state.ended = Some(Instant::now());
    }
}

/// The body of an answer; its call is in progress while it lives.
pub(super) struct Counted {
    body: Body,
    _call: Call,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_without_calls_ends_soon_and_one_with_a_long_call_does_not() {
        let quiet = Activity::new();
        assert!(quiet.next_look(quiet.began).is_some());
        assert_eq!(quiet.next_look(quiet.began + CONNECTION_MAX), None);
        assert!(!quiet.is_grpc());

        let busy = Arc::new(Activity::new());
        let call = Arc::clone(&busy).begin();
        let later = busy.began + CONNECTION_MAX * 10;
        assert_eq!(busy.next_look(later), Some(later + LOOK_INTERVAL), "an import goes on");
        assert_eq!(busy.next_look(busy.began + AGE_MAX), None, "nothing lives for ever");
        drop(call);
        let ended = Instant::now();
        assert!(busy.is_grpc());
        assert!(busy.next_look(ended).is_some_and(|at| at <= ended + IDLE_MAX));
        assert_eq!(busy.next_look(ended + IDLE_MAX), None);
    }
}
