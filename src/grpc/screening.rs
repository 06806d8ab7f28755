//! The screening service: decode, screen, encode in one straight line.
//!
//! Nothing waits between decode and encode, and a panic costs one answer. Between two items a
//! batch lets others have their turn. Where another handler is `async` it is so because the
//! generated trait is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Request, Response, Status, Streaming};

use crate::app::metrics::{Cell, FailOpen, Report, Stopwatch};
use crate::app::screening::Screen;
use crate::model::attempt::Attempt;
use crate::wire::limits::{BATCH_ITEMS_MAX, ID_BYTES_MAX, MESSAGE_BYTES_MAX};
use crate::wire::screening_v1 as pb;
use crate::wire::verdict::{self, Envelope};
use crate::wire::violations::Violations;
use crate::wire::{call, message, report};

use super::closing::Closing;
use super::errors;
use super::ids::VerdictIds;
use super::stream::Answers;

/// How long a batch may keep a core before others have their turn: a few times what the switch
/// costs, a small part of what a call may wait. Time and not items, because an item takes from
/// one microsecond to some hundred.
const TURN: Duration = Duration::from_micros(200);

/// When the caller stops waiting; put into a batch or stream by the dispatcher, which looks after
/// the deadlines of all others itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(pub Instant);

/// What one core needs to answer.
pub(super) struct Desk {
    screen: Arc<dyn Screen>,
    cell: Arc<Cell>,
    ids: VerdictIds,
}

/// A verdict with its envelope.
pub(super) type Answer = (pb::Verdict, pb::VerdictEnvelope);

/// An item of a batch or stream, without the type that carried it.
pub(super) enum Item {
    Call(Box<pb::ScreenCallRequest>),
    Message(Box<pb::ScreenMessageRequest>),
    Nothing,
}

/// The ids that an answer gives back.
#[derive(Clone, Copy)]
struct Echo<'a> {
    request_id: &'a str,
    attempt_id: &'a str,
}

impl Desk {
    /// A desk that counts in `cell`.
    pub fn new(screen: Arc<dyn Screen>, cell: Arc<Cell>) -> Desk {
        Desk { screen, cell, ids: VerdictIds::new() }
    }

    /// Answers one item; the first value is the request id to give back.
    pub fn item(&self, item: Item) -> (String, Result<Answer, Status>) {
        let (mut request_id, answer) = match item {
            Item::Call(mut call) => {
                let answer = self.call(&call);
                (std::mem::take(&mut call.request_id), answer)
            }
            Item::Message(mut message) => {
                let answer = self.message(&message);
                (std::mem::take(&mut message.request_id), answer)
            }
            Item::Nothing => {
                let text = format!(
                    "must be a call or a message that can be read, at most {MESSAGE_BYTES_MAX} \
                     octets on a stream"
                );
                (String::new(), Err(self.refuse(&Violations::one("attempt", text))))
            }
        };
        if request_id.len() > ID_BYTES_MAX {
            request_id.clear();
        }
        (request_id, answer)
    }

    /// Counts a failed item; a failed request is counted by the dispatcher.
    pub fn count_item_error(&self, status: &Status) {
        if let Some(label) = errors::label(status.code()) {
            self.cell.error(label);
        }
    }

    fn call(&self, request: &pb::ScreenCallRequest) -> Result<Answer, Status> {
        let echo = Echo { request_id: &request.request_id, attempt_id: &request.attempt_id };
        self.answer(echo, || call::call_attempt(request))
    }

    fn message(&self, request: &pb::ScreenMessageRequest) -> Result<Answer, Status> {
        let echo = Echo { request_id: &request.request_id, attempt_id: &request.attempt_id };
        self.answer(echo, || message::message_attempt(request))
    }

    /// Decode, screen, encode, with panics contained.
    fn answer<'a>(
        &self,
        echo: Echo<'_>,
        decode: impl FnOnce() -> Result<Attempt<'a>, Violations>,
    ) -> Result<Answer, Status> {
        // Unwind safety: the closure reads shared state through `Screen` only, whose contract is
        // that a panic leaves it as it was; the answer under construction is thrown away.
        let contained = catch_unwind(AssertUnwindSafe(|| match decode() {
            Ok(attempt) => self.screen(echo, &attempt).ok_or_else(errors::not_warm),
            Err(violations) => Err(self.refuse(&violations)),
        }));
        contained.unwrap_or_else(|_| {
            self.cell.panics.add();
            let known = echo.request_id.len() <= ID_BYTES_MAX;
            Err(errors::panicked(if known { echo.request_id } else { "" }))
        })
    }

    fn screen(&self, echo: Echo<'_>, attempt: &Attempt<'_>) -> Option<Answer> {
        let mut answer = None;
        let watch = Stopwatch::start();
        self.screen.screen(attempt, &mut |verdict, stamp| {
            self.cell.engine.record(watch.elapsed());
            self.cell.verdict(attempt.traffic, verdict.action, verdict.would_action);
            let envelope = verdict::envelope(Envelope {
                verdict_id: self.ids.next(),
                request_id: echo.request_id,
                attempt_id: echo.attempt_id,
                screened: stamp.now,
                revision: stamp.revision,
                digest: stamp.digest,
                mode: stamp.mode,
            });
            answer = Some((verdict::verdict(verdict), envelope));
        });
        answer
    }

    #[cold]
    fn refuse(&self, violations: &Violations) -> Status {
        self.cell.decode_rejects.add();
        errors::refused(violations)
    }

    async fn batch(
        &self,
        items: Vec<pb::ScreenBatchItem>,
        deadline: Option<Deadline>,
    ) -> Result<Vec<pb::ScreenBatchResult>, Status> {
        use pb::screen_batch_item::Attempt;
        if items.is_empty() || items.len() > BATCH_ITEMS_MAX {
            let text = format!("must hold 1 to {BATCH_ITEMS_MAX} items");
            return Err(self.refuse(&Violations::one("items", text)));
        }
        let mut results = Vec::with_capacity(items.len());
        let mut turn = Instant::now() + TURN;
        for item in items {
            let mut now = Instant::now();
            if now >= turn {
                tokio::task::yield_now().await;
                now = Instant::now();
                turn = now + TURN;
            }
            self.in_time(now, deadline)?;
            results.push(self.batch_result(match item.attempt {
                Some(Attempt::Call(call)) => Item::Call(call),
                Some(Attempt::Message(message)) => Item::Message(message),
                None => Item::Nothing,
            }));
        }
        Ok(results)
    }

    fn batch_result(&self, item: Item) -> pb::ScreenBatchResult {
        use pb::screen_batch_result::Outcome;
        let (request_id, answer) = self.item(item);
        let (outcome, envelope) = match answer {
            Ok((verdict, envelope)) => (Outcome::Verdict(verdict), Some(envelope)),
            Err(status) => {
                self.count_item_error(&status);
                (Outcome::Status(errors::item(&status)), None)
            }
        };
        pb::ScreenBatchResult { request_id, outcome: Some(outcome), envelope }
    }

    /// Work that nobody waits for any more is dropped.
    fn in_time(&self, now: Instant, deadline: Option<Deadline>) -> Result<(), Status> {
        match deadline {
            Some(Deadline(at)) if at <= now => {
                self.cell.deadline_drops.add();
                Err(errors::late())
            }
            _ => Ok(()),
        }
    }
}

/// The generated service over a desk.
#[derive(Clone)]
pub(super) struct Screening(pub Arc<Desk>);

#[tonic::async_trait]
impl pb::screening_service_server::ScreeningService for Screening {
    type ScreenStreamStream = Answers;

    async fn screen_call(
        &self,
        request: Request<pb::ScreenCallRequest>,
    ) -> Result<Response<pb::ScreenCallResponse>, Status> {
        let (verdict, envelope) = self.0.call(request.get_ref())?;
        let (verdict, envelope) = (Some(verdict), Some(envelope));
        Ok(Response::new(pb::ScreenCallResponse { verdict, envelope }))
    }

    async fn screen_message(
        &self,
        request: Request<pb::ScreenMessageRequest>,
    ) -> Result<Response<pb::ScreenMessageResponse>, Status> {
        let (verdict, envelope) = self.0.message(request.get_ref())?;
        let (verdict, envelope) = (Some(verdict), Some(envelope));
        Ok(Response::new(pb::ScreenMessageResponse { verdict, envelope }))
    }

    async fn screen_batch(
        &self,
        request: Request<pb::ScreenBatchRequest>,
    ) -> Result<Response<pb::ScreenBatchResponse>, Status> {
        let deadline = request.extensions().get().copied();
        let results = self.0.batch(request.into_inner().items, deadline).await?;
        Ok(Response::new(pb::ScreenBatchResponse { results }))
    }

    async fn screen_stream(
        &self,
        request: Request<Streaming<pb::ScreenStreamRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let deadline = request.extensions().get().copied();
        let closing = request.extensions().get::<Closing>().cloned();
        let closing = closing.ok_or_else(|| errors::panicked(""))?;
        let desk = Arc::clone(&self.0);
        Ok(Response::new(Answers::new(request.into_inner(), desk, closing, deadline)))
    }

    async fn report_outcome(
        &self,
        request: Request<pb::ReportOutcomeRequest>,
    ) -> Result<Response<pb::ReportOutcomeResponse>, Status> {
        let facts = report::outcome(request.get_ref());
        let facts = facts.map_err(|violations| self.0.refuse(&violations))?;
        self.0.cell.report(Report::Outcome);
        if let Some(reason) = fail_open(facts.fallback) {
            self.0.cell.fail_open(reason);
        }
        Ok(Response::new(pb::ReportOutcomeResponse {}))
    }

    async fn report_feedback(
        &self,
        request: Request<pb::ReportFeedbackRequest>,
    ) -> Result<Response<pb::ReportFeedbackResponse>, Status> {
        let checked = report::feedback(request.get_ref());
        checked.map_err(|violations| self.0.refuse(&violations))?;
        self.0.cell.report(Report::Feedback);
        Ok(Response::new(pb::ReportFeedbackResponse {}))
    }
}

fn fail_open(reason: pb::FallbackReason) -> Option<FailOpen> {
    Some(match reason {
        pb::FallbackReason::Unspecified => return None,
        pb::FallbackReason::Timeout => FailOpen::Timeout,
        pb::FallbackReason::Unreachable => FailOpen::Unreachable,
        pb::FallbackReason::Error => FailOpen::Error,
        pb::FallbackReason::Overruled => FailOpen::Overruled,
        pb::FallbackReason::Unsupported => FailOpen::Unsupported,
    })
}
