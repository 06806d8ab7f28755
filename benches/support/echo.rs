//! The measure of all gRPC figures: the same protocol on the same kind of threads, without a
//! product. It reads a request as prost does and answers octets of a given size that cost nothing
//! to make.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::mpsc::sync_channel;
use std::task::{Context, Poll, ready};
use std::thread;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use prost::Message as _;
use ringfence::wire::screening_v1 as pb;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::codegen::Service as _;
use tonic::{Request, Response, Status, Streaming};

use pb::screening_service_server::{ScreeningService, ScreeningServiceServer};

/// Connections on their way to one core.
const HANDOVER_MAX: usize = 256;

/// What carries the echo.
#[derive(Clone, Copy)]
pub enum Carrier {
    /// `tonic::transport::Server`, as most gRPC servers in Rust are built.
    Tonic,
    /// The generated service directly on hyper, with hyper's defaults: the least there is.
    Hyper,
}

impl Carrier {
    /// Name of its threads, at most 15 octets so that the system shows all of it.
    pub fn thread(self) -> &'static str {
        match self {
            Carrier::Tonic => "tonic-core",
            Carrier::Hyper => "hyper-core",
        }
    }
}

/// Encoded sizes of the answers.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub call: usize,
    pub message: usize,
}

/// Starts `cores` threads that serve for ever. Connections go to them in turn, so that no core
/// gets more than its share.
pub fn start(carrier: Carrier, cores: usize, sizes: Sizes) -> SocketAddr {
    let service = ScreeningServiceServer::new(Echo::new(sizes));
    let mut doors = Vec::new();
    for _ in 0..cores {
        let (door, arrivals) = mpsc::channel(HANDOVER_MAX);
        doors.push(door);
        let service = service.clone();
        spawn(carrier.thread(), move || {
            let runtime = runtime();
            match carrier {
                Carrier::Tonic => runtime.block_on(serve_tonic(arrivals, service)),
                Carrier::Hyper => runtime.block_on(serve_hyper(arrivals, service)),
            }
        });
    }
    let (address, bound) = sync_channel(1);
    spawn("echo-listener", move || {
        runtime().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a port");
            address.send(listener.local_addr().expect("it is bound")).expect("it is waited for");
            for turn in 0.. {
                let (stream, _) = listener.accept().await.expect("there are descriptors");
                stream.set_nodelay(true).expect("it is a TCP socket");
                let stream = stream.into_std().expect("it is not in use yet");
                let door: &mpsc::Sender<_> = &doors[turn % cores];
                door.send(stream).await.expect("cores serve for ever");
            }
        });
    });
    bound.recv().expect("the listener says where it listens")
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name(name.to_owned()).spawn(work).expect("a thread can be started");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

type Arrivals = mpsc::Receiver<std::net::TcpStream>;

async fn serve_tonic(arrivals: Arrivals, service: ScreeningServiceServer<Echo>) {
    let incoming = ReceiverStream::new(arrivals).map(TcpStream::from_std);
    let server = tonic::transport::Server::builder();
    server.serve_with_incoming(service, incoming).await.expect("it serves for ever");
}

async fn serve_hyper(mut arrivals: Arrivals, service: ScreeningServiceServer<Echo>) {
    while let Some(stream) = arrivals.recv().await {
        let io = TokioIo::new(TcpStream::from_std(stream).expect("it is not in use yet"));
        let service = service.clone();
        let service = hyper::service::service_fn(move |request| service.clone().call(request));
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new());
        // How a client ends its connection is of no interest.
        tokio::spawn(async move { drop(builder.serve_connection(io, service).await) });
    }
}

/// Answers of the right sizes, made once; a copy shares their octets.
struct Echo {
    call: pb::ScreenCallResponse,
    message: pb::ScreenMessageResponse,
    item: pb::ScreenStreamResponse,
}

impl Echo {
    fn new(sizes: Sizes) -> Echo {
        let envelope = |size| Some(envelope(size));
        Echo {
            call: pb::ScreenCallResponse { verdict: None, envelope: envelope(sizes.call) },
            message: pb::ScreenMessageResponse { verdict: None, envelope: envelope(sizes.message) },
            item: pb::ScreenStreamResponse { envelope: envelope(sizes.call), ..Default::default() },
        }
    }
}

/// An envelope that makes the answer around it so many octets long.
fn envelope(size: usize) -> pb::VerdictEnvelope {
    let of = |octets: usize| pb::VerdictEnvelope {
        ruleset_digest: vec![0xA5; octets].into(),
        ..Default::default()
    };
    let length = |octets: usize| {
        pb::ScreenCallResponse { verdict: None, envelope: Some(of(octets)) }.encoded_len()
    };
    of((0..=size).rev().find(|octets| length(*octets) <= size).expect("answers are not empty"))
}

#[tonic::async_trait]
impl ScreeningService for Echo {
    type ScreenStreamStream = EchoStream;

    async fn screen_call(
        &self,
        _: Request<pb::ScreenCallRequest>,
    ) -> Result<Response<pb::ScreenCallResponse>, Status> {
        Ok(Response::new(self.call.clone()))
    }

    async fn screen_message(
        &self,
        _: Request<pb::ScreenMessageRequest>,
    ) -> Result<Response<pb::ScreenMessageResponse>, Status> {
        Ok(Response::new(self.message.clone()))
    }

    async fn screen_stream(
        &self,
        request: Request<Streaming<pb::ScreenStreamRequest>>,
    ) -> Result<Response<EchoStream>, Status> {
        let item = self.item.clone();
        Ok(Response::new(EchoStream { requests: request.into_inner(), item }))
    }

    async fn screen_batch(
        &self,
        _: Request<pb::ScreenBatchRequest>,
    ) -> Result<Response<pb::ScreenBatchResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn report_outcome(
        &self,
        _: Request<pb::ReportOutcomeRequest>,
    ) -> Result<Response<pb::ReportOutcomeResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn report_feedback(
        &self,
        _: Request<pb::ReportFeedbackRequest>,
    ) -> Result<Response<pb::ReportFeedbackResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }
}

/// One answer for each item.
pub struct EchoStream {
    requests: Streaming<pb::ScreenStreamRequest>,
    item: pb::ScreenStreamResponse,
}

impl Stream for EchoStream {
    type Item = Result<pb::ScreenStreamResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let request = ready!(Pin::new(&mut self.requests).poll_next(cx));
        Poll::Ready(request.map(|request| request.map(|_| self.item.clone())))
    }
}
