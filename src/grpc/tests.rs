use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prost::Message;
use prost::bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::app::health::Health;
use crate::app::metrics::{Cell, Counter, ErrorCode, FailOpen, Metrics, Refusal, Report};
use crate::app::screening::{Screen, Stamp};
use crate::model::attempt::Attempt;
use crate::model::policy::{Action, Mode, Traffic};
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;
use crate::model::verdict::{Flags, OnTimeout, Verdict};
use crate::wire::screening_v1 as pb;
use pb::screening_service_client::ScreeningServiceClient;

use super::{Config, Parts, Server};

mod bounds;
mod connections;

/// An originator on which the fake panics.
const PANIC: &[u8] = b"panic";
/// An originator on which the fake takes its time.
const SLOW: &[u8] = b"slow";
/// An originator on which the fake has no ruleset.
const COLD: &[u8] = b"cold";

/// Answers LABEL with the length of the originator as risk.
#[derive(Default)]
struct Fake {
    asked: AtomicU64,
}

impl Screen for Fake {
    fn screen(&self, attempt: &Attempt<'_>, encode: &mut dyn FnMut(&Verdict<'_>, &Stamp)) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match attempt.originator.raw {
            PANIC => panic!("asked to"),
            SLOW => std::thread::sleep(Duration::from_millis(100)),
            COLD => return,
            _ => {}
        }
        let verdict = Verdict {
            action: Action::Label,
            would_action: Action::Label,
            risk: attempt.originator.raw.len() as u16,
            category: None,
            ground: None,
            label: None,
            hold_max_s: 0,
            on_timeout: OnTimeout::Deliver,
            reasons: Vec::new(),
            mode: Mode::Enforce,
            flags: Flags::default(),
        };
        let stamp = Stamp {
            revision: Revision(3),
            digest: Digest([1; 32]),
            mode: Mode::Enforce,
            now: Timestamp(1_000),
        };
        encode(&verdict, &stamp);
    }
}

struct Rig {
    server: Server,
    metrics: Arc<Metrics>,
    health: Health,
    fake: Arc<Fake>,
}

/// A server with a fake engine, changed as the test needs.
fn rig(change: impl FnOnce(&mut Config)) -> Rig {
    let mut config = Config::new(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 0));
    config.cores = 2;
    change(&mut config);
    let (metrics, health) = (Arc::new(Metrics::new(config.cores)), Health::new());
    let fake = Arc::new(Fake::default());
    health.set_warm();
    let screen: Arc<dyn Screen> = Arc::clone(&fake) as Arc<dyn Screen>;
    let parts = Parts { screen, metrics: Arc::clone(&metrics), health: health.clone() };
    Rig { server: Server::start(config, parts).unwrap(), metrics, health, fake }
}

impl Rig {
    async fn channel(&self) -> Channel {
        let address = format!("http://{}", self.server.local_addr());
        Channel::from_shared(address).unwrap().connect().await.unwrap()
    }

    async fn client(&self) -> ScreeningServiceClient<Channel> {
        ScreeningServiceClient::new(self.channel().await)
    }

    fn sum(&self, counter: impl Fn(&Cell) -> &Counter) -> u64 {
        self.metrics.sum(counter)
    }
}

fn call(originator: &'static [u8]) -> pb::ScreenCallRequest {
    let address = |raw| Some(pb::Address { raw: Bytes::from_static(raw), ..Default::default() });
    pb::ScreenCallRequest {
        request_id: "r-1".into(),
        originator: address(originator),
        recipient: address(b"8613900139000"),
        ..Default::default()
    }
}

fn stream_item(call: pb::ScreenCallRequest) -> pb::ScreenStreamRequest {
    let attempt = pb::screen_stream_request::Attempt::Call(Box::new(call));
    pb::ScreenStreamRequest { attempt: Some(attempt) }
}

/// Fields named in the details of a refusal.
fn fields(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request().expect("the refusal names fields");
    bad.field_violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn a_call_and_a_message_are_answered() {
    let rig = rig(|_| {});
    let mut client = rig.client().await;
    let mut request = call(b"12345");
    request.attempt_id = "a-1".into();
    let answer = client.screen_call(request).await.unwrap().into_inner();
    let (verdict, envelope) = (answer.verdict.unwrap(), answer.envelope.unwrap());
    assert_eq!((verdict.action(), verdict.risk), (pb::Action::Label, 5));
    assert_eq!((&*envelope.request_id, &*envelope.attempt_id), ("r-1", "a-1"));
    assert_eq!((envelope.ruleset_revision, envelope.mode()), (3, pb::Mode::Enforce));
    assert_eq!(envelope.verdict_id.len(), 32);
    let request = pb::ScreenMessageRequest {
        recipient: call(b"").recipient,
        content: Some(pb::MessageContent { text: "x".into(), ..Default::default() }),
        ..Default::default()
    };
    let answer = client.screen_message(request).await.unwrap().into_inner();
    assert_ne!(answer.envelope.unwrap().verdict_id, envelope.verdict_id);
    assert_eq!(rig.metrics.verdicts(Traffic::Call, Action::Label, Action::Label), 1);
    assert_eq!(rig.metrics.verdicts(Traffic::Message, Action::Label, Action::Label), 1);
    assert_eq!(rig.metrics.times(|cell| &cell.engine).count(), 2);
    assert_eq!(rig.metrics.times(|cell| &cell.request).count(), 2);
}

#[tokio::test]
async fn a_refusal_names_its_fields() {
    let rig = rig(|_| {});
    let mut client = rig.client().await;
    let status = client.screen_call(pb::ScreenCallRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(fields(&status), ["recipient.raw"]);
    let info = status.get_details_error_info().unwrap();
    assert_eq!((&*info.reason, &*info.domain), ("INVALID_FIELD", "ringfence"));
    assert_eq!(rig.sum(|cell| &cell.decode_rejects), 1);
    assert_eq!(rig.metrics.errors(ErrorCode::InvalidArgument), 1);
    let status = client.screen_call(call(COLD)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
}

#[tokio::test]
async fn a_batch_answers_in_order_and_a_bad_item_hurts_no_other() {
    let rig = rig(|_| {});
    let mut client = rig.client().await;
    use pb::screen_batch_item::Attempt;
    use pb::screen_batch_result::Outcome;
    let item = |call| pb::ScreenBatchItem { attempt: Some(Attempt::Call(Box::new(call))) };
    let bad = pb::ScreenCallRequest { request_id: "bad".into(), ..Default::default() };
    let items = vec![
        item(call(b"1")),
        item(bad),
        item(call(PANIC)),
        pb::ScreenBatchItem::default(),
        item(call(b"1234")),
    ];
    let answer = client.screen_batch(pb::ScreenBatchRequest { items }).await.unwrap();
    let results = answer.into_inner().results;
    let outcomes: Vec<i64> = results
        .iter()
        .map(|result| match result.outcome.as_ref().unwrap() {
            Outcome::Verdict(verdict) => i64::from(verdict.risk),
            Outcome::Status(status) => -i64::from(status.code),
        })
        .collect();
    assert_eq!(outcomes, [1, -3, -13, -3, 4]);
    assert_eq!(results[1].request_id, "bad");
    assert!(results[1].envelope.is_none() && results[4].envelope.is_some());
    let Some(Outcome::Status(status)) = &results[1].outcome else { panic!("item 1 is bad") };
    assert_eq!(status.details.len(), 2, "ErrorInfo and BadRequest");
    for items in [Vec::new(), vec![item(call(b"1")); 257]] {
        let status = client.screen_batch(pb::ScreenBatchRequest { items }).await.unwrap_err();
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["items".into()]));
    }
    let items = vec![item(call(b"1")); 256];
    let answer = client.screen_batch(pb::ScreenBatchRequest { items }).await.unwrap();
    assert_eq!(answer.into_inner().results.len(), 256);
}

#[tokio::test]
async fn a_stream_answers_in_order_and_survives_bad_items() {
    let rig = rig(|_| {});
    let mut client = rig.client().await;
    use pb::screen_stream_response::Outcome;
    let items = (0..1000).map(|index| {
        let mut request = call([&b"1"[..], b"12", b"123"][index % 3]);
        request.request_id = format!("r-{index}");
        match index {
            500 => request.recipient = None,
            501 => request.originator = call(PANIC).originator,
            _ => {}
        }
        stream_item(request)
    });
    let requests = tokio_stream::iter(items.collect::<Vec<_>>());
    let mut answers = client.screen_stream(requests).await.unwrap().into_inner();
    let mut index = 0;
    while let Some(answer) = answers.next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.request_id, format!("r-{index}"));
        match answer.outcome.unwrap() {
            Outcome::Verdict(verdict) => assert_eq!(verdict.risk, index % 3 + 1),
            Outcome::Status(status) => {
                assert_eq!((index, status.code), if index == 500 { (500, 3) } else { (501, 13) });
            }
        }
        index += 1;
    }
    assert_eq!(index, 1000);
    assert_eq!(rig.sum(|cell| &cell.panics), 1);
}

/// A message as gRPC frames it: not compressed, with its length.
fn frame(octets: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend_from_slice(&(octets.len() as u32).to_be_bytes());
    frame.extend_from_slice(octets);
    frame
}

struct RawAnswer {
    body: Vec<u8>,
    status: Option<Code>,
}

/// A request by hand: with a timeout header, and with a body or one that never comes.
async fn raw_request(
    rig: &Rig,
    method: &str,
    timeout: Option<&str>,
    body: Option<Vec<u8>>,
) -> RawAnswer {
    let stream = TcpStream::connect(rig.server.local_addr()).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let uri = format!("http://x/ringfence.screening.v1.ScreeningService/{method}");
    let mut request = http::Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if let Some(timeout) = timeout {
        request = request.header("grpc-timeout", timeout);
    }
    let mut client = client.ready().await.unwrap();
    let (response, mut sender) = client.send_request(request.body(()).unwrap(), false).unwrap();
    if let Some(body) = body {
        sender.send_data(body.into(), true).unwrap();
    }
    let response = response.await.unwrap();
    let code = |headers: &http::HeaderMap| {
        headers.get("grpc-status").map(|value| Code::from_bytes(value.as_bytes()))
    };
    let mut status = code(response.headers());
    let (mut octets, mut body) = (Vec::new(), response.into_body());
    while let Some(data) = body.data().await {
        octets.extend_from_slice(&data.unwrap());
    }
    if let Some(trailers) = body.trailers().await.unwrap() {
        status = code(&trailers);
    }
    RawAnswer { body: octets, status }
}

#[tokio::test]
async fn a_passed_deadline_drops_the_work() {
    let rig = rig(|config| config.unary_timeout = Duration::from_millis(300));
    let started = Instant::now();
    let answer = raw_request(&rig, "ScreenCall", Some("50m"), None).await;
    assert_eq!(answer.status, Some(Code::DeadlineExceeded));
    assert!(started.elapsed() < Duration::from_millis(290), "{:?}", started.elapsed());
    let answer = raw_request(&rig, "ScreenCall", None, None).await;
    assert_eq!(answer.status, Some(Code::DeadlineExceeded), "a body that never comes");
    // A deadline of nothing: the request is complete, but too late.
    let body = frame(&call(b"1").encode_to_vec());
    let answer = raw_request(&rig, "ScreenCall", Some("0n"), Some(body)).await;
    assert_eq!(answer.status, Some(Code::DeadlineExceeded));
    let answer = raw_request(&rig, "ScreenStream", Some("50m"), None).await;
    assert_eq!(answer.status, Some(Code::DeadlineExceeded), "a stream has one, too");
    assert_eq!(rig.fake.asked.load(Ordering::Relaxed), 0);
    assert_eq!(rig.metrics.errors(ErrorCode::DeadlineExceeded), 4);
    let answer = raw_request(&rig, "NoSuchMethod", None, None).await;
    assert_eq!(answer.status, Some(Code::Unimplemented));
}

#[tokio::test]
async fn a_panic_costs_one_answer() {
    let rig = rig(|_| {});
    let mut client = rig.client().await;
    let status = client.screen_call(call(PANIC)).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.get_details_request_info().unwrap().request_id, "r-1");
    assert!(!status.message().contains("asked to"));
    assert!(client.screen_call(call(b"1")).await.is_ok());
    assert_eq!(rig.sum(|cell| &cell.panics), 1);
    assert!(rig.health.is_ready());
}

#[tokio::test]
async fn reports_are_taken_and_counted() {
    let rig = rig(|_| {});
    let mut client = rig.client().await;
    let outcome = pb::ReportOutcomeRequest {
        recipient: call(b"").recipient,
        fallback_reason: pb::FallbackReason::Timeout.into(),
        outcome: Some(pb::report_outcome_request::Outcome::Call(Default::default())),
        ..Default::default()
    };
    client.report_outcome(outcome).await.unwrap();
    let feedback = pb::ReportFeedbackRequest {
        kind: pb::FeedbackKind::Fraud.into(),
        originator: call(b"1").originator,
        ..Default::default()
    };
    client.report_feedback(feedback).await.unwrap();
    let status = client.report_feedback(pb::ReportFeedbackRequest::default()).await.unwrap_err();
    assert_eq!(fields(&status), ["kind", "originator.raw"]);
    assert_eq!(rig.metrics.reports(Report::Outcome), 1);
    assert_eq!(rig.metrics.reports(Report::Feedback), 1);
    assert_eq!(rig.metrics.fail_opens(FailOpen::Timeout), 1);
}
