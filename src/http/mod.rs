//! HTTP: the control port. Metrics, probes, and a door for gRPC; the console later.
//!
//! Owns its listener, its limits and the shape of `/metrics`. Knows `app` only; must not know
//! another edge: what answers gRPC is handed in. Runs on the control runtime, never on a data core.
//! Connections are told apart by their first octets (HTTP/1 or HTTP/2), so that gRPC is served
//! beside the pages on the same port.
//! Invariant: what a peer can take is bounded in time, size and number.

mod grpc;
mod metrics;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use prost::bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::app::health::{Component, Health};
use crate::app::metrics::Metrics;
use crate::app::screening::{Clock, RulesetInfo};

use grpc::Activity;
pub use grpc::Grpc;

/// Connections at a time: scrapers, probes and a few people.
const CONNECTIONS_MAX: usize = 128;
/// Time for the request head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest life of a connection that never asks a gRPC question: scrapes and probes are over in
/// milliseconds. A bound on the whole, because the library has none on telling HTTP/1 from HTTP/2.
/// `grpc` has the bounds of the others.
const CONNECTION_MAX: Duration = Duration::from_secs(30);
/// Headers of one request.
const HEADERS_MAX: usize = 100;
/// Octets of a request head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Pause after a failed accept, so that a lack of descriptors does not spin.
const BACK_OFF: Duration = Duration::from_millis(10);
/// OpenMetrics text, as the encoder writes it.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the control port tells about.
#[derive(Clone)]
pub struct Parts {
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Fitness of the process.
    pub health: Health,
    /// The ruleset in use.
    pub ruleset: Arc<dyn RulesetInfo>,
    /// For the age of the revision.
    pub clock: Arc<dyn Clock>,
    /// Answers gRPC requests; it finds the peer's `SocketAddr` in their extensions.
    pub grpc: Option<Grpc>,
}

/// The bound control port.
pub struct Control {
    listener: TcpListener,
    site: Arc<Site>,
    health: Health,
}

impl Control {
    /// Binds; nothing is served yet. Needs a runtime.
    ///
    /// Errors: what the system says, such as an address in use.
    pub async fn bind(address: SocketAddr, parts: Parts) -> io::Result<Control> {
        let listener = TcpListener::bind(address).await?;
        let health = parts.health.clone();
        Ok(Control { listener, site: Arc::new(Site::new(parts)), health })
    }

    /// Where it listens.
    ///
    /// Errors: what the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is true or its sender is gone. Ending otherwise makes the process unfit.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let guard = self.health.guard(Component::ControlPort);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(BACK_OFF).await;
                continue;
            };
            // Over the bound, the connection is closed at once: probes retry.
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let site = Arc::clone(&self.site);
            tokio::spawn(async move {
                serve(stream, peer, site).await;
                drop(place);
            });
        }
        guard.done();
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, site: Arc<Site>) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(16)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(Some(64))
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .initial_stream_window_size(grpc::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(grpc::CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(grpc::SEND_BUFFER_BYTES_MAX)
        .keep_alive_interval(grpc::KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(grpc::KEEP_ALIVE_TIMEOUT);
    let activity = Arc::new(Activity::new());
    let noted = Arc::clone(&activity);
    let answer = service_fn(move |mut request: Request<Incoming>| {
        let site = Arc::clone(&site);
        let noted = Arc::clone(&noted);
        async move {
            let Some(grpc) = site.grpc.clone().filter(|_| grpc::is_grpc(&request)) else {
                return Ok::<_, Infallible>(site.answer(&request).map(Either::Left));
            };
            request.extensions_mut().insert(peer);
            Ok(grpc::answer(grpc, request, noted).await.map(Either::Right))
        }
    });
    // What peers do to their connections is not worth a line.
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), answer));
    let next_look = || activity.next_look(tokio::time::Instant::now());
    let mut look = next_look();
    while let Some(at) = look {
        tokio::select! {
            _ = &mut connection => return,
            () = tokio::time::sleep_until(at) => look = next_look(),
        }
    }
    if activity.is_grpc() {
        connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(grpc::GRACE, connection).await;
    }
}

/// What is behind the paths.
struct Site {
    health: Health,
    metrics: metrics::Page,
    grpc: Option<Grpc>,
}

impl Site {
    fn new(parts: Parts) -> Site {
        let (health, grpc) = (parts.health.clone(), parts.grpc.clone());
        Site { health, metrics: metrics::Page::new(parts), grpc }
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if grpc::is_grpc(request) {
            let status = tonic::Status::unimplemented("this server has no control services");
            return status.into_http::<()>().map(|()| Full::default());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
        }
        match request.uri().path() {
            "/metrics" => match self.metrics.render() {
                Ok(page) => respond(StatusCode::OK, METRICS_TYPE, page),
                Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "cannot render metrics\n"),
            },
            "/livez" => probe(self.health.is_live(), "live\n", "a task has died\n"),
            "/readyz" if self.health.is_store_broken() => {
                probe(self.health.is_ready(), "ready store=broken stale=yes\n", "not ready\n")
            }
            "/readyz" => probe(self.health.is_ready(), "ready\n", "not ready\n"),
            _ => text(StatusCode::NOT_FOUND, "not found\n"),
        }
    }
}

fn probe(fit: bool, yes: &'static str, no: &'static str) -> Response<Full<Bytes>> {
    if fit { text(StatusCode::OK, yes) } else { text(StatusCode::SERVICE_UNAVAILABLE, no) }
}

fn text(status: StatusCode, words: &'static str) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", words.to_owned())
}

fn respond(status: StatusCode, media: &'static str, page: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
