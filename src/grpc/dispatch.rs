//! From an HTTP/2 request to the service it names, with its deadline and its counters.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use tonic::Status;
use tonic::body::Body;
use tower::Service as _;
use tower::util::BoxCloneSyncService;

use crate::app::metrics::Cell;
use crate::wire::limits::{BATCH_BYTES_MAX, MESSAGE_BYTES_MAX, STREAM_ITEM_BYTES_MAX};
use crate::wire::screening_v1::screening_service_server::ScreeningServiceServer;

use super::closing::{Closing, UntilClosing};
use super::errors;
use super::screening::{Deadline, Screening};

/// A service that is asked now and then.
pub(super) type Rare = BoxCloneSyncService<Request<Incoming>, Response<Body>, Infallible>;

/// Services beside screening, each with the path it answers under.
pub(super) type RareServices = Arc<[(&'static str, Rare)]>;

const SCREENING: &str = "/ringfence.screening.v1.ScreeningService/";
const BATCH: &str = "/ringfence.screening.v1.ScreeningService/ScreenBatch";
const STREAM: &str = "/ringfence.screening.v1.ScreeningService/ScreenStream";

/// What one core serves.
pub(super) struct Services {
    screening: ScreeningServiceServer<Screening>,
    batch: ScreeningServiceServer<Screening>,
    stream: ScreeningServiceServer<Screening>,
    rare: RareServices,
}

impl Services {
    /// Screening with its limits, and the rare ones. Compression stays off: answers are small,
    /// and a compressed request is a bomb.
    pub fn new(screening: Screening, rare: RareServices) -> Services {
        let limited = |service: Screening, bytes| {
            ScreeningServiceServer::new(service).max_decoding_message_size(bytes)
        };
        Services {
            screening: limited(screening.clone(), MESSAGE_BYTES_MAX),
            batch: limited(screening.clone(), BATCH_BYTES_MAX),
            stream: limited(screening, STREAM_ITEM_BYTES_MAX),
            rare,
        }
    }
}

/// The services as one connection sees them.
#[derive(Clone)]
pub(super) struct Dispatch {
    pub services: Arc<Services>,
    pub cell: Arc<Cell>,
    pub closing: Closing,
    /// Longest time a unary request may take from its head to its answer.
    pub unary_timeout: Duration,
    /// Tells the spawner of the request's task whether its answer is a short one.
    pub is_short: Arc<AtomicBool>,
}

type Inner = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl hyper::service::Service<Request<Incoming>> for Dispatch {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, mut request: Request<Incoming>) -> Answering {
        let arrived = Instant::now();
        let asked = grpc_timeout(request.headers());
        let path = request.uri().path();
        let bytes_max = if path == BATCH { BATCH_BYTES_MAX } else { MESSAGE_BYTES_MAX };
        let long = path == STREAM || !path.starts_with(SCREENING);
        self.is_short.store(!long, Ordering::Relaxed);
        let timeout = match asked {
            Some(asked) if long => Some(asked),
            None if long => None,
            asked => Some(asked.map_or(self.unary_timeout, |asked| asked.min(self.unary_timeout))),
        };
        let deadline = timeout.map(|timeout| arrived + timeout);
        if let Some(at) = deadline
            && (path == STREAM || path == BATCH)
        {
            // Only these look at it once they have begun; to carry it takes two allocations.
            request.extensions_mut().insert(Deadline(at));
        }
        let inner = self.route(request);
        let arrived = (!long).then_some(arrived);
        let cell = Arc::clone(&self.cell);
        Answering { inner, deadline, sleep: None, arrived, bytes_max, cell }
    }
}

impl Dispatch {
    fn route(&self, mut request: Request<Incoming>) -> Inner {
        let path = request.uri().path();
        if path == STREAM {
            request.extensions_mut().insert(self.closing.clone());
            self.services.stream.clone().call(request)
        } else if path == BATCH {
            self.services.batch.clone().call(request)
        } else if path.starts_with(SCREENING) {
            self.services.screening.clone().call(request)
        } else if let Some((_, rare)) =
            self.services.rare.iter().find(|(prefix, _)| path.starts_with(prefix))
        {
            let (mut rare, closing) = (rare.clone(), self.closing.clone());
            Box::pin(async move {
                let response = rare.call(request).await?;
                Ok(response.map(|body| Body::new(UntilClosing::new(body, closing))))
            })
        } else {
            Box::pin(std::future::ready(Ok(errors::unknown_method().into_http())))
        }
    }
}

/// An answer in the making: dropped, with the work behind it, when its deadline passes.
pub(super) struct Answering {
    inner: Inner,
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// For unary screening; a stream's head says nothing about its answers.
    arrived: Option<Instant>,
    /// The largest request that is taken; to tell the caller.
    bytes_max: usize,
    cell: Arc<Cell>,
}

impl Answering {
    /// The timer is set only here: most requests are complete when they are first looked at.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.deadline else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        sleep.as_mut().poll(cx)
    }

    #[cold]
    fn late(&self) -> Response<Body> {
        self.cell.deadline_drops.add();
        errors::late().into_http()
    }
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // Looked at before the work: on a core with too much to do it may have passed already.
        let late = this.deadline.is_some_and(|at| at <= Instant::now());
        let mut answered = match late {
            true => Poll::Ready(Ok(this.late())),
            false => this.inner.as_mut().poll(cx),
        };
        if answered.is_pending() && this.poll_deadline(cx).is_ready() {
            answered = Poll::Ready(Ok(this.late()));
        }
        let Ok(mut response) = ready!(answered);
        if let Some(status) = response.extensions_mut().remove::<Status>() {
            let status = errors::reworded(status, this.bytes_max);
            if let Some(label) = errors::label(status.code()) {
                this.cell.error(label);
            }
            response = status.into_http();
        }
        if let Some(arrived) = this.arrived {
            this.cell.request.record(arrived.elapsed());
        }
        Poll::Ready(Ok(response))
    }
}

/// The time the caller gives: up to eight digits and a unit. What cannot be read counts as none.
fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    static NAME: HeaderName = HeaderName::from_static("grpc-timeout");
    let text = headers.get(&NAME)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|d| d.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_protocol_says() {
        let parse = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", http::HeaderValue::from_static(text));
            grpc_timeout(&headers)
        };
        assert_eq!(parse("5m"), Some(Duration::from_millis(5)));
        assert_eq!(parse("99999999n"), Some(Duration::from_nanos(99_999_999)));
        assert_eq!(parse("2S"), Some(Duration::from_secs(2)));
        assert_eq!(parse("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for bad in ["", "5", "m", "123456789m", "5x", "-5m", "+5m", " 5m"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        assert_eq!(grpc_timeout(&HeaderMap::new()), None);
    }
}
