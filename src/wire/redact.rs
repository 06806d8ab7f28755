//! `Debug` of messages that hold numbers, names, ids or texts: the name of the message and its
//! size, so that no log line, panic or test failure can print personal data by accident.
//!
//! Invariant: every message that `build.rs` does not call harmless stands here.

use prost::Message;

use super::screening_v1 as pb;

macro_rules! redacted {
    ($($message:ident),* $(,)?) => {$(
        impl std::fmt::Debug for pb::$message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($message), "({} octets)"), self.encoded_len())
            }
        }
    )*};
}

redacted!(
    Address,
    CallIdentity,
    CallParties,
    CallPriority,
    CallSignalling,
    CmppPdu,
    EdgeFacts,
    Ingress,
    MessageContent,
    MessageOutcome,
    MessageTransport,
    Reason,
    ReportFeedbackRequest,
    ReportOutcomeRequest,
    RichCallData,
    ScreenBatchResult,
    ScreenCallRequest,
    ScreenMessageRequest,
    ScreenStreamResponse,
    SenderRegistration,
    SmppPdu,
    SubscriberHints,
    Tag,
    Tlv,
    Tpdu,
    VerdictEnvelope,
);

macro_rules! redacted_choice {
    ($($choice:path),* $(,)?) => {$(
        impl std::fmt::Debug for $choice {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($choice), "({} octets)"), self.encoded_len())
            }
        }
    )*};
}

redacted_choice!(
    pb::report_outcome_request::Outcome,
    pb::screen_batch_result::Outcome,
    pb::screen_message_request::Pdu,
    pb::screen_stream_response::Outcome,
);
