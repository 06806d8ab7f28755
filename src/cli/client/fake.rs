//! A server for tests: fixed verdicts, refusals by recipient.

use std::time::Duration;

use prost::bytes::Bytes;
use tokio_stream::Stream;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::ServerAddress;
use crate::wire::screening_v1 as pb;
use pb::screening_service_server::{ScreeningService, ScreeningServiceServer};

/// A recipient whose answer takes longer than any test waits.
pub const SLOW: &str = "slow";
/// A recipient whose answer is no verdict.
pub const HOLLOW: &str = "hollow";

struct Fake;

/// Serves on a port of its own until the test process ends.
pub fn start() -> ServerAddress {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    listener.set_nonblocking(true).expect("a socket");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("in a runtime");
            let incoming = tonic::transport::server::TcpIncoming::from(listener);
            tonic::transport::Server::builder()
                .serve_with_incoming(ScreeningServiceServer::new(Fake), incoming)
                .await
        })
    });
    ServerAddress::parse(&address.to_string()).expect("an address")
}

/// The verdict that every sound request gets.
pub fn verdict() -> pb::Verdict {
    pb::Verdict {
        action: pb::Action::Hold.into(),
        would_action: pb::Action::Block.into(),
        risk: 720,
        category: "CN08".to_owned(),
        ground: pb::Ground::Analytics.into(),
        label_key: pb::LabelKey::SuspectedFraud.into(),
        reasons: vec![pb::Reason {
            code: pb::ReasonCode::Keyword.into(),
            points: -40,
            category: "CN08".to_owned(),
            list: "cn-scripts".to_owned(),
            entry: "安全账户".to_owned(),
            span: Some(pb::Span { start: 3, end: 15 }),
            evidence: "安全账户".to_owned(),
            shadow: true,
        }],
        treatment: None,
        flags: vec![pb::VerdictFlag::CeilingLimited.into(), 99],
    }
}

/// The envelope around it.
pub fn envelope() -> pb::VerdictEnvelope {
    pb::VerdictEnvelope {
        verdict_id: "0123456789abcdef0123456789abcdef".to_owned(),
        ruleset_revision: 7,
        ruleset_digest: Bytes::from_static(&[0xab; 32]),
        engine_version: "0.1.0".to_owned(),
        mode: pb::Mode::Enforce.into(),
        ..Default::default()
    }
}

async fn check(recipient: Option<&pb::Address>) -> Result<bool, Status> {
    let raw = recipient.map(|recipient| &recipient.raw[..]).unwrap_or_default();
    if raw == SLOW.as_bytes() {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    if raw.is_empty() {
        let details = ErrorDetails::with_bad_request_violation("recipient.raw", "is empty");
        return Err(Status::with_error_details(Code::InvalidArgument, "wrong", details));
    }
    Ok(raw != HOLLOW.as_bytes())
}

#[tonic::async_trait]
impl ScreeningService for Fake {
    async fn screen_call(
        &self,
        request: Request<pb::ScreenCallRequest>,
    ) -> Result<Response<pb::ScreenCallResponse>, Status> {
        let sound = check(request.get_ref().recipient.as_ref()).await?;
        let verdict = sound.then(verdict);
        Ok(Response::new(pb::ScreenCallResponse { verdict, envelope: Some(envelope()) }))
    }

    async fn screen_message(
        &self,
        request: Request<pb::ScreenMessageRequest>,
    ) -> Result<Response<pb::ScreenMessageResponse>, Status> {
        let sound = check(request.get_ref().recipient.as_ref()).await?;
        let verdict = sound.then(verdict);
        Ok(Response::new(pb::ScreenMessageResponse { verdict, envelope: Some(envelope()) }))
    }

    async fn screen_batch(
        &self,
        _: Request<pb::ScreenBatchRequest>,
    ) -> Result<Response<pb::ScreenBatchResponse>, Status> {
        Err(Status::unimplemented("not in this fake"))
    }

    type ScreenStreamStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<pb::ScreenStreamResponse, Status>> + Send>>;

    async fn screen_stream(
        &self,
        _: Request<tonic::Streaming<pb::ScreenStreamRequest>>,
    ) -> Result<Response<Self::ScreenStreamStream>, Status> {
        Err(Status::unimplemented("not in this fake"))
    }

    async fn report_outcome(
        &self,
        _: Request<pb::ReportOutcomeRequest>,
    ) -> Result<Response<pb::ReportOutcomeResponse>, Status> {
        Err(Status::unimplemented("not in this fake"))
    }

    async fn report_feedback(
        &self,
        _: Request<pb::ReportFeedbackRequest>,
    ) -> Result<Response<pb::ReportFeedbackResponse>, Status> {
        Err(Status::unimplemented("not in this fake"))
    }
}
