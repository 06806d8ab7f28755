//! What a caller is told when there is no verdict: every status of this edge, in one place.
//!
//! Each carries one ErrorInfo with a reason from a closed set; none repeats a value of the request
//! or the text of an internal cause. Only UNAVAILABLE invites a blind retry.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::app::metrics::ErrorCode;
use crate::wire::violations::Violations;

/// Domain of every ErrorInfo.
const DOMAIN: &str = "ringfence";

/// When to try again after UNAVAILABLE: well under the time a start takes, well over a round trip.
const RETRY_DELAY: Duration = Duration::from_millis(100);

fn details(reason: &str) -> ErrorDetails {
    ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new())
}

/// In our words what the framing layer below says of a request; `bytes_max` is what it takes.
///
/// It knows no details, so a status with details is one of ours and stays as it is.
#[cold]
pub(super) fn reworded(status: Status, bytes_max: usize) -> Status {
    match status.code() {
        _ if !status.details().is_empty() => status,
        Code::OutOfRange => too_large(bytes_max),
        Code::Internal => {
            let text = "the request does not hold whole, uncompressed gRPC messages";
            let details = details("UNREADABLE_MESSAGE");
            Status::with_error_details(Code::InvalidArgument, text, details)
        }
        _ => status,
    }
}

fn too_large(bytes_max: usize) -> Status {
    let limit = HashMap::from([("bytes_max".to_owned(), bytes_max.to_string())]);
    let mut details = ErrorDetails::with_error_info("MESSAGE_TOO_LARGE", DOMAIN, limit);
    let text = format!(
        "must be at most {bytes_max} octets: leave out or cut what is not needed, split a batch"
    );
    details.add_bad_request_violation("request", &text);
    Status::with_error_details(Code::InvalidArgument, format!("request: {text}"), details)
}

/// The integration got fields wrong.
#[cold]
pub(super) fn refused(violations: &Violations) -> Status {
    let mut details = details("INVALID_FIELD");
    for violation in violations.iter() {
        details.add_bad_request_violation(&violation.field, &violation.description);
    }
    Status::with_error_details(Code::InvalidArgument, violations.to_string(), details)
}

/// A panic was contained: our fault, this request only.
#[cold]
pub(super) fn panicked(request_id: &str) -> Status {
    let mut details = details("INTERNAL");
    details.set_request_info(request_id, "");
    Status::with_error_details(Code::Internal, "the request could not be screened", details)
}

/// The deadline passed before there was an answer.
#[cold]
pub(super) fn late() -> Status {
    let text = "the deadline passed before the request was screened";
    Status::with_error_details(Code::DeadlineExceeded, text, details("DEADLINE_EXCEEDED"))
}

/// No ruleset is loaded yet.
#[cold]
pub(super) fn not_warm() -> Status {
    let mut details = details("NOT_WARM");
    details.set_retry_info(Some(RETRY_DELAY));
    Status::with_error_details(Code::Unavailable, "no ruleset is loaded yet", details)
}

/// The server or this connection is about to end; what was not answered was not screened.
#[cold]
pub(super) fn draining() -> Status {
    let mut details = details("DRAINING");
    details.set_retry_info(Some(Duration::ZERO));
    Status::with_error_details(Code::Unavailable, "the connection is draining", details)
}

/// No such method here.
#[cold]
pub(super) fn unknown_method() -> Status {
    Status::with_error_details(Code::Unimplemented, "no such method", details("UNKNOWN_METHOD"))
}

/// The status of one item of a batch or stream.
pub(super) fn item(status: &Status) -> tonic_types::Status {
    tonic_types::Status::decode(status.details()).unwrap_or_else(|_| tonic_types::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}

/// The label under which a code is counted; `None` for OK.
pub(super) fn label(code: Code) -> Option<ErrorCode> {
    Some(match code {
        Code::Ok => return None,
        Code::Cancelled => ErrorCode::Cancelled,
        Code::InvalidArgument => ErrorCode::InvalidArgument,
        Code::DeadlineExceeded => ErrorCode::DeadlineExceeded,
        Code::ResourceExhausted => ErrorCode::ResourceExhausted,
        Code::OutOfRange => ErrorCode::OutOfRange,
        Code::Unimplemented => ErrorCode::Unimplemented,
        Code::Internal => ErrorCode::Internal,
        Code::Unavailable => ErrorCode::Unavailable,
        _ => ErrorCode::Other,
    })
}
