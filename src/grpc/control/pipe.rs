//! Octets between a stream and a blocking thread, a few chunks at a time.
//!
//! Invariant: a stream that broke off is an error to its reader, never the end of a file.

use std::io::{self, BufRead, Read, Write};
use std::time::Duration;

use prost::bytes::{Buf as _, Bytes, BytesMut};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tonic::Status;

/// Chunks under way: enough to keep both sides busy.
const DEPTH: usize = 4;
/// A peer that sends or takes nothing for this long is cut off.
pub(super) const STALL_MAX: Duration = Duration::from_secs(60);

/// A part of a file that comes in.
enum Piece {
    Octets(Bytes),
    End,
}

/// Where a stream's octets go in.
pub(super) struct Feed(mpsc::Sender<Piece>);

/// Where a blocking thread reads them.
pub(super) struct FeedReader {
    pieces: mpsc::Receiver<Piece>,
    current: Bytes,
    ended: bool,
}

/// Both ends.
pub(super) fn feed() -> (Feed, FeedReader) {
    let (sender, pieces) = mpsc::channel(DEPTH);
    (Feed(sender), FeedReader { pieces, current: Bytes::new(), ended: false })
}

impl Feed {
    /// Hands octets on; false when nobody reads any more.
    pub async fn octets(&self, octets: Bytes) -> bool {
        octets.is_empty() || self.0.send(Piece::Octets(octets)).await.is_ok()
    }

    /// The file is whole. Without this, its reader gets an error.
    pub async fn end(self) {
        let _ = self.0.send(Piece::End).await;
    }
}

impl BufRead for FeedReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Piece::Octets(octets)) => self.current = octets,
                Some(Piece::End) => self.ended = true,
                None => {
                    let text = "the stream broke off before the end of the file";
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, text));
                }
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current.advance(amount.min(self.current.len()));
    }
}

impl Read for FeedReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

/// Where a blocking thread puts the answers of a stream.
pub(super) struct Answers<A> {
    sender: mpsc::Sender<Result<A, Status>>,
    runtime: Handle,
}

/// The stream of answers.
pub(super) type AnswerStream<A> = tokio_stream::wrappers::ReceiverStream<Result<A, Status>>;

/// Both ends.
pub(super) fn answers<A>() -> (Answers<A>, AnswerStream<A>) {
    let (sender, receiver) = mpsc::channel(DEPTH);
    (Answers { sender, runtime: Handle::current() }, receiver.into())
}

impl<A> Answers<A> {
    /// Hands an answer on, waiting for the peer to take the ones before.
    ///
    /// Errors: the peer is gone or takes nothing for [`STALL_MAX`].
    pub fn give(&self, answer: Result<A, Status>) -> io::Result<()> {
        let given = async { tokio::time::timeout(STALL_MAX, self.sender.send(answer)).await };
        match self.runtime.block_on(given) {
            Ok(Ok(())) => Ok(()),
            _ => {
                Err(io::Error::new(io::ErrorKind::BrokenPipe, "the caller is gone or stands still"))
            }
        }
    }

    /// Hands an answer on if there is room: it may be left out.
    pub fn offer(&self, answer: A) {
        let _ = self.sender.try_send(Ok(answer));
    }
}

/// Cuts what is written into chunks.
pub(super) struct ChunkWriter<'a, A> {
    answers: &'a Answers<A>,
    wrap: fn(Bytes) -> A,
    chunk_bytes: usize,
    buffer: BytesMut,
}

impl<'a, A> ChunkWriter<'a, A> {
    /// Chunks of `chunk_bytes`, each made an answer by `wrap`.
    pub fn new(answers: &'a Answers<A>, chunk_bytes: usize, wrap: fn(Bytes) -> A) -> Self {
        ChunkWriter { answers, wrap, chunk_bytes, buffer: BytesMut::with_capacity(chunk_bytes) }
    }
}

impl<A> Write for ChunkWriter<'_, A> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let taken = octets.len().min(self.chunk_bytes - self.buffer.len());
        self.buffer.extend_from_slice(&octets[..taken]);
        if self.buffer.len() == self.chunk_bytes {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = self.buffer.split().freeze();
        self.answers.give(Ok((self.wrap)(chunk)))
    }
}
