//! How messages are cut from and put into gRPC frames.
//!
//! Owns buffer sizes and what an unreadable message means. Unlike the stock codec, an unreadable
//! item of a stream becomes an empty item, which is refused on its own: it never ends the stream.

use std::collections::HashMap;
use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::screening_v1 as pb;

/// First size of an answer's buffer: a verdict with a few reasons; it grows where needed. The
/// stock size of 8 KiB would be most of what a request allocates.
const BUFFER_BYTES: usize = 512;
/// A stream's answers are handed on at this size: about one TLS record.
const YIELD_BYTES: usize = 16 * 1024;

/// What to make of octets that are no such message.
pub trait Unreadable: Message + Default + Send + 'static {
    /// A stand-in, or the status that ends the call.
    fn unreadable() -> Result<Self, Status> {
        // INVALID_ARGUMENT and not INTERNAL, as stock codecs say: it is the caller's fault.
        let text = "the request is not a readable protobuf message";
        let info = ErrorDetails::with_error_info("UNREADABLE_MESSAGE", "ringfence", HashMap::new());
        Err(Status::with_error_details(Code::InvalidArgument, text, info))
    }
}

impl Unreadable for pb::ScreenCallRequest {}
impl Unreadable for pb::ScreenMessageRequest {}
impl Unreadable for pb::ScreenBatchRequest {}
impl Unreadable for pb::ReportOutcomeRequest {}
impl Unreadable for pb::ReportFeedbackRequest {}

impl Unreadable for pb::ScreenStreamRequest {
    /// An item without an attempt: its own answer says so, the next item is not hurt.
    fn unreadable() -> Result<Self, Status> {
        Ok(Self::default())
    }
}

macro_rules! answers {
    ($($answer:ident),*) => {$(
        impl Unreadable for pb::$answer {
            fn unreadable() -> Result<Self, Status> {
                Err(Status::internal("the answer is not a readable protobuf message"))
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

impl<T: Message + Send + 'static, U: Unreadable> Codec for ScreeningCodec<T, U> {
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

impl<U: Unreadable> Decoder for MessageDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let Ok(message) = U::decode(&mut *buffer) else {
            // What is left of the frame must go, or it would be read as the next frame's head.
            buffer.advance(buffer.remaining());
            return U::unreadable().map(Some);
        };
        Ok(Some(message))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER_BYTES, YIELD_BYTES)
    }
}
