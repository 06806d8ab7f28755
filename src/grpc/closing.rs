//! The end of a connection: a signal that its long answers listen to.
//!
//! A graceful shutdown of HTTP/2 stops new requests but waits for open ones; an open stream or
//! health watch would wait for ever. So these end themselves once the signal is given.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::Frame;
use prost::bytes::Bytes;
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;

use super::errors;

/// Given when a connection is to end, by age or because the server drains.
#[derive(Clone, Debug)]
pub(super) struct Closing(watch::Receiver<bool>);

impl Closing {
    /// The signal and who gives it. Dropping the giver gives it too.
    pub fn new() -> (watch::Sender<bool>, Closing) {
        let (sender, receiver) = watch::channel(false);
        (sender, Closing(receiver))
    }

    /// Resolves when the signal is given.
    pub async fn given(mut self) {
        // An error says that the giver is gone: the connection is over as well.
        let _ = self.0.wait_for(|closing| *closing).await;
    }

    /// As a future that can be kept.
    pub fn boxed(self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.given())
    }
}

/// A long answer that ends with UNAVAILABLE once the signal is given and it has nothing to say.
pub(super) struct UntilClosing {
    body: Body,
    closing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl UntilClosing {
    /// Wraps a body.
    pub fn new(body: Body, closing: Closing) -> UntilClosing {
        UntilClosing { body, closing: Some(closing.boxed()) }
    }
}

impl http_body::Body for UntilClosing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(closing) = &mut self.closing else { return Poll::Ready(None) };
        let given = closing.as_mut().poll(cx).is_ready();
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending if given => {
                self.closing = None;
                let trailers = errors::draining().into_http::<()>().into_parts().0.headers;
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            frame => frame,
        }
    }

    /// Told on, so that an answer of nothing but headers (an early error) ends with them.
    fn is_end_stream(&self) -> bool {
        self.closing.is_none() || self.body.is_end_stream()
    }
}
