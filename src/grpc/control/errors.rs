//! What a caller of the control services is told when there is no answer: every status, in one
//! place.
//!
//! | what happened | code | details besides ErrorInfo |
//! |---|---|---|
//! | a field is wrong | INVALID_ARGUMENT | BadRequest |
//! | no such thing | NOT_FOUND | ResourceInfo |
//! | changed since it was read | ABORTED | the etag that holds, in ErrorInfo |
//! | not in this state | FAILED_PRECONDITION | PreconditionFailure |
//! | not this person | PERMISSION_DENIED | |
//! | the store cannot be used | UNAVAILABLE | RetryInfo |
//! | written or not, nobody knows | UNKNOWN | |
//! | too many calls | RESOURCE_EXHAUSTED | RetryInfo |
//! | what is stored is damaged | DATA_LOSS | the record, in ErrorInfo |
//!
//! UNKNOWN because no client repeats it by itself: a repeat could write twice. Only UNAVAILABLE
//! and RESOURCE_EXHAUSTED invite a blind retry: nothing was changed.

use std::collections::HashMap;
use std::time::Duration;

use http::Response;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::app::changes::api::Refusal;
use crate::app::changes::ports::LogError;
use crate::grpc::errors as common;
use crate::wire::lists;
use crate::wire::violations::Violations;

const DOMAIN: &str = "ringfence";

/// When to try again after a store that is busy or full: a person needs longer to mend it.
const STORE_RETRY_DELAY: Duration = Duration::from_secs(1);
/// When to try again where too many calls run.
const BUSY_RETRY_DELAY: Duration = Duration::from_secs(1);

fn details(reason: &str) -> ErrorDetails {
    ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new())
}

fn details_with(reason: &str, metadata: &[(&str, &str)]) -> ErrorDetails {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    ErrorDetails::with_error_info(
        reason,
        DOMAIN,
        metadata.iter().map(own).collect::<HashMap<_, _>>(),
    )
}

impl From<Violations> for Status {
    fn from(violations: Violations) -> Status {
        common::refused(&violations)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Status {
        let with = Status::with_error_details;
        match refusal {
            Refusal::Invalid { field, what } => Violations::one(field, what).into(),
            Refusal::NotFound { kind, name } => {
                let mut details = details_with("NOT_FOUND", &[("kind", kind), ("name", &name)]);
                details.set_resource_info(kind, &name, "", "");
                let words = kind.replace('_', "-");
                with(Code::NotFound, format!("there is no {words} {name}"), details)
            }
            Refusal::Stale { etag } => {
                let etag = lists::etag_text(etag);
                let text = "it was changed since you read it: read it again, then repeat";
                let details = details_with("STALE", &[("etag", &etag)]);
                with(Code::Aborted, text.to_owned(), details)
            }
            Refusal::Precondition { reason, what } => {
                let mut details = details(reason);
                details.add_precondition_failure_violation(reason, "change_set", &what);
                with(Code::FailedPrecondition, what, details)
            }
            Refusal::Forbidden(what) => with(Code::PermissionDenied, what, details("FORBIDDEN")),
            Refusal::Unavailable(what) => {
                let mut details = details("STORE_UNAVAILABLE");
                details.set_retry_info(Some(STORE_RETRY_DELAY));
                with(Code::Unavailable, format!("{what}; screening goes on"), details)
            }
            Refusal::Unknown(what) => {
                let text =
                    format!("{what}; it may or may not be written: read it before repeating");
                with(Code::Unknown, text, details("OUTCOME_UNKNOWN"))
            }
        }
    }
}

impl From<LogError> for Status {
    fn from(error: LogError) -> Status {
        let text = error.to_string();
        match error {
            LogError::Unavailable(_) => Refusal::Unavailable(text).into(),
            LogError::Corrupt { cursor, .. } => {
                let details = details_with("LOG_CORRUPT", &[("cursor", &cursor.0.to_string())]);
                let text = format!("{text}; keep the files as they are and restore a backup");
                Status::with_error_details(Code::DataLoss, text, details)
            }
            LogError::Missing(_) => {
                let text = format!("{text}; keep the files as they are and restore a backup");
                Status::with_error_details(Code::DataLoss, text, details("LOG_INCOMPLETE"))
            }
        }
    }
}

/// Nobody we know.
#[cold]
pub(super) fn unauthenticated(reason: &str, what: &str) -> Status {
    Status::with_error_details(Code::Unauthenticated, what, details(reason))
}

/// Too many calls run.
#[cold]
pub(super) fn busy(what: &str) -> Status {
    let mut details = details("TOO_MANY_CALLS");
    details.set_retry_info(Some(BUSY_RETRY_DELAY));
    Status::with_error_details(Code::ResourceExhausted, what, details)
}

/// A panic was contained: our fault, this call only.
#[cold]
pub(super) fn panicked() -> Status {
    common::panicked("")
}

/// A peer that sends or takes nothing.
#[cold]
pub(super) fn stalled() -> Status {
    let text = "the stream stood still for too long and was cut off; nothing is live";
    Status::with_error_details(Code::DeadlineExceeded, text, details("STREAM_STALLED"))
}

/// No such method here.
#[cold]
pub(super) fn unknown_method() -> Status {
    common::unknown_method()
}

/// What the framing layer says of a message of a stream, in our words.
#[cold]
pub(super) fn of_stream(status: Status, bytes_max: usize) -> Status {
    common::reworded(status, bytes_max)
}

/// What the framing layer says of a request, in our words.
pub(super) fn reworded(response: Response<Body>, bytes_max: usize) -> Response<Body> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok && status.details().is_empty() => {
            common::reworded(status, bytes_max).into_http()
        }
        _ => response,
    }
}
