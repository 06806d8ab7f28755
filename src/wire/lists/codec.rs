//! The codec of the control port: the stock one, except that what cannot be read is the caller's
//! fault and said so.

use std::collections::HashMap;

use prost::Message;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};
use tonic_types::{ErrorDetails, StatusExt};

/// See the module.
#[derive(Debug)]
pub struct ControlCodec<T, U>(ProstCodec<T, U>);

impl<T, U> Default for ControlCodec<T, U> {
    fn default() -> Self {
        ControlCodec(ProstCodec::default())
    }
}

impl<T, U> Codec for ControlCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ControlDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        self.0.encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        ControlDecoder(self.0.decoder())
    }
}

/// Reads messages.
#[derive(Debug)]
pub struct ControlDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default> Decoder for ControlDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        self.0.decode(buffer).map_err(|_| {
            let text = "not a readable protobuf message: do both sides speak the same version?";
            let details =
                ErrorDetails::with_error_info("UNREADABLE_MESSAGE", "ringfence", HashMap::new());
            Status::with_error_details(Code::InvalidArgument, text, details)
        })
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}
