//! `Debug` of messages that hold numbers, names or texts: the name of the message and nothing
//! else, so that no log line, panic or test failure can print personal data by accident.

use super::screening_v1 as pb;

macro_rules! redacted {
    ($($message:ident),* $(,)?) => {$(
        impl std::fmt::Debug for pb::$message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($message), "(redacted)"))
            }
        }
    )*};
}

redacted!(
    Address,
    CallIdentity,
    CallParties,
    CallSignalling,
    CmppPdu,
    EdgeFacts,
    MessageContent,
    MessageTransport,
    Reason,
    ReportFeedbackRequest,
    RichCallData,
    SmppPdu,
    SubscriberHints,
    Tag,
    Tlv,
    Tpdu,
);
