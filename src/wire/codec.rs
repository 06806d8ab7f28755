//! How messages are cut from and put into gRPC frames.
//!
//! Owns buffer sizes and what an unreadable message means. Unlike the stock codec, an unreadable
//! item of a batch or stream becomes an empty item, which is refused on its own: it hurts no other
//! item and never ends the stream.

use std::collections::HashMap;
use std::marker::PhantomData;

use prost::bytes::{Buf, Bytes};
use prost::{DecodeError, Message};
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::limits::{BATCH_ITEMS_MAX, MESSAGE_BYTES_MAX};
use super::screening_v1 as pb;

/// First size of an answer's buffer: a verdict with a few reasons; it grows where needed. The
/// stock size of 8 KiB would be most of what a request allocates.
const BUFFER_BYTES: usize = 512;
/// A stream's answers are handed on at this size: about one TLS record.
const YIELD_BYTES: usize = 16 * 1024;

/// How octets become a message, and what to make of those that are none.
pub trait Readable: Message + Default + Send + 'static {
    /// Reads one message, which is all that the buffer holds; may leave some of it there.
    fn read(buffer: &mut DecodeBuf<'_>) -> Result<Self, DecodeError> {
        Self::decode(buffer)
    }

    /// The status that ends the call when the message cannot be read.
    fn unreadable() -> Status {
        // INVALID_ARGUMENT and not INTERNAL, as stock codecs say: it is the caller's fault.
        let text = "the request is not a readable protobuf message";
        let info = ErrorDetails::with_error_info("UNREADABLE_MESSAGE", "ringfence", HashMap::new());
        Status::with_error_details(Code::InvalidArgument, text, info)
    }
}

impl Readable for pb::ScreenCallRequest {}
impl Readable for pb::ScreenMessageRequest {}
impl Readable for pb::ReportOutcomeRequest {}
impl Readable for pb::ReportFeedbackRequest {}

/// A batch whose items are not read yet; on the wire it is a [`pb::ScreenBatchRequest`].
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct RawBatch {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    items: Vec<Bytes>,
}

impl std::fmt::Debug for RawBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawBatch({} items)", self.items.len())
    }
}

impl Readable for pb::ScreenBatchRequest {
    /// Reads each item for itself: one that cannot be read is an item without an attempt.
    fn read(buffer: &mut DecodeBuf<'_>) -> Result<Self, DecodeError> {
        let items = RawBatch::decode(buffer)?.items.into_iter();
        let item = |octets| pb::ScreenBatchItem::decode(octets).unwrap_or_default();
        // One more than a batch may hold is enough to refuse it.
        Ok(pb::ScreenBatchRequest { items: items.take(BATCH_ITEMS_MAX + 1).map(item).collect() })
    }
}

impl Readable for pb::ScreenStreamRequest {
    /// What is too large or cannot be read is an item without an attempt: its own answer says so,
    /// the next item is not hurt.
    fn read(buffer: &mut DecodeBuf<'_>) -> Result<Self, DecodeError> {
        if buffer.remaining() > MESSAGE_BYTES_MAX {
            return Ok(Self::default());
        }
        Ok(Self::decode(buffer).unwrap_or_default())
    }
}

macro_rules! answers {
    ($($answer:ident),*) => {$(
        impl Readable for pb::$answer {
            fn unreadable() -> Status {
                Status::internal("the answer is not a readable protobuf message")
            }
        }
    )*};
}

answers!(
    ScreenCallResponse,
    ScreenMessageResponse,
    ScreenBatchResponse,
    ScreenStreamResponse,
    ReportOutcomeResponse,
    ReportFeedbackResponse
);

/// The codec that the generated service and client use.
#[derive(Debug)]
pub struct ScreeningCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for ScreeningCodec<T, U> {
    fn default() -> Self {
        ScreeningCodec(PhantomData)
    }
}

impl<T: Message + Send + 'static, U: Readable> Codec for ScreeningCodec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = MessageEncoder<T>;
    type Decoder = MessageDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        MessageEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        MessageDecoder(PhantomData)
    }
}

/// Writes messages.
#[derive(Debug)]
pub struct MessageEncoder<T>(PhantomData<T>);

impl<T: Message> Encoder for MessageEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(item.encoded_len());
        item.encode(buffer).map_err(|_| Status::internal("the answer does not fit its buffer"))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER_BYTES, YIELD_BYTES)
    }
}

/// Reads messages.
#[derive(Debug)]
pub struct MessageDecoder<U>(PhantomData<U>);

impl<U: Readable> Decoder for MessageDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let read = U::read(buffer);
        // What is left of the frame must go, or it would be read as the next frame's head.
        buffer.advance(buffer.remaining());
        read.map(Some).map_err(|_| U::unreadable())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER_BYTES, YIELD_BYTES)
    }
}
