//! Answers of a pipelined stream: one per request, in order, made when the transport asks.
//!
//! Nothing is queued here: a client that does not read its answers stops its own requests by
//! HTTP/2 flow control. A bad item gets a status of its own. When the connection is to end, what
//! has arrived is still answered; the stream then ends with UNAVAILABLE.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;
use tokio_stream::Stream;
use tonic::{Status, Streaming};

use crate::wire::limits::STREAM_ITEM_BYTES_MAX;
use crate::wire::screening_v1 as pb;

use super::closing::Closing;
use super::errors;
use super::screening::{Deadline, Desk, Item};

/// A closing stream ends when nothing came for so long: a few round trips of a carrier's network,
/// so that requests under way when the client hears of the end are answered.
const QUIET: Duration = Duration::from_millis(100);

/// A closing stream that never goes quiet ends after so long; what was not answered by then was
/// not screened, and the status says so.
const WIND_DOWN: Duration = Duration::from_secs(2);
/// A busy stream looks at the closing signal once in so many items: it costs a lock.
const LOOK_EVERY: u32 = 64;

/// The answers to one stream of requests.
pub struct Answers {
    requests: Option<Streaming<pb::ScreenStreamRequest>>,
    desk: Arc<Desk>,
    closing: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Set when the signal was given: the end at the latest.
    wind_down: Option<Pin<Box<Sleep>>>,
    quiet: Option<Pin<Box<Sleep>>>,
    deadline: Option<Pin<Box<Sleep>>>,
    items: u32,
}

impl Answers {
    /// Answers `requests` at `desk`.
    pub(super) fn new(
        requests: Streaming<pb::ScreenStreamRequest>,
        desk: Arc<Desk>,
        closing: Closing,
        deadline: Option<Deadline>,
    ) -> Answers {
        let deadline = deadline.map(|Deadline(at)| Box::pin(tokio::time::sleep_until(at)));
        Answers {
            requests: Some(requests),
            desk,
            closing: closing.boxed(),
            wind_down: None,
            quiet: None,
            deadline,
            items: 0,
        }
    }

    fn answer(&self, request: pb::ScreenStreamRequest) -> pb::ScreenStreamResponse {
        use pb::screen_stream_request::Attempt;
        use pb::screen_stream_response::Outcome;
        let (request_id, answer) = self.desk.item(match request.attempt {
            Some(Attempt::Call(call)) => Item::Call(call),
            Some(Attempt::Message(message)) => Item::Message(message),
            None => Item::Nothing,
        });
        let (outcome, envelope) = match answer {
            Ok((verdict, envelope)) => (Outcome::Verdict(verdict), Some(envelope)),
            Err(status) => {
                self.desk.count_item_error(&status);
                (Outcome::Status(errors::item(&status)), None)
            }
        };
        pb::ScreenStreamResponse { request_id, outcome: Some(outcome), envelope }
    }

    /// The last thing said on the stream.
    fn end(&mut self, status: Status) -> Poll<Option<Result<pb::ScreenStreamResponse, Status>>> {
        self.requests = None;
        self.desk.count_item_error(&status);
        Poll::Ready(Some(Err(status)))
    }

    /// Is the closing signal given, and all time since used up?
    fn poll_wound_down(&mut self, cx: &mut Context<'_>) -> bool {
        if self.wind_down.is_none() && self.closing.as_mut().poll(cx).is_ready() {
            self.wind_down = Some(Box::pin(tokio::time::sleep(WIND_DOWN)));
        }
        self.wind_down.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
    }

    /// Nothing has arrived: is there a reason to end?
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Option<Status> {
        if self.deadline.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready()) {
            return Some(errors::late());
        }
        if self.poll_wound_down(cx) {
            return Some(errors::draining());
        }
        self.wind_down.as_ref()?;
        let quiet = self.quiet.get_or_insert_with(|| Box::pin(tokio::time::sleep(QUIET)));
        quiet.as_mut().poll(cx).is_ready().then(errors::draining)
    }
}

impl Stream for Answers {
    type Item = Result<pb::ScreenStreamResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.requests.is_none() {
            return Poll::Ready(None);
        }
        self.items = self.items.wrapping_add(1);
        if self.items.is_multiple_of(LOOK_EVERY) && self.poll_wound_down(cx) {
            return self.end(errors::draining());
        }
        let Some(requests) = &mut self.requests else { return Poll::Ready(None) };
        match Pin::new(requests).poll_next(cx) {
            Poll::Ready(Some(Ok(request))) => {
                self.quiet = None;
                Poll::Ready(Some(Ok(self.answer(request))))
            }
            Poll::Ready(Some(Err(status))) => {
                self.end(errors::reworded(status, STREAM_ITEM_BYTES_MAX))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.poll_end(cx) {
                Some(status) => self.end(status),
                None => Poll::Pending,
            },
        }
    }
}
