//! Why a fetch failed, in words for the person who subscribed.

use std::fmt;
use std::time::Duration;

/// Why nothing could be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The URL, or one that a redirect names, is not one that is fetched.
    Url(String),
    /// The host is at an address that is not public.
    Address {
        /// The host of the URL.
        host: String,
        /// What its address is.
        what: &'static str,
    },
    /// Another answer than the list.
    Status(u16),
    /// More redirects than [`super::REDIRECTS_MAX`].
    Redirects,
    /// More octets than so many.
    Size(u64),
    /// It took longer than this.
    Time(Duration),
    /// Certificates of the operator's own cannot be read.
    Roots(String),
    /// Connection, TLS or protocol.
    Connection(String),
    /// What came cannot be kept.
    Write(String),
}

impl FetchError {
    /// May the same request succeed later?
    pub fn is_transient(&self) -> bool {
        match self {
            FetchError::Status(status) => *status >= 500 || matches!(status, 408 | 429),
            FetchError::Time(_) | FetchError::Connection(_) | FetchError::Write(_) => true,
            _ => false,
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Url(what) | FetchError::Roots(what) => f.write_str(what),
            FetchError::Address { host, what } => write!(
                f,
                "{host} is at an address that is not public ({what}); name the address as allowed \
                 if it is a mirror of yours"
            ),
            FetchError::Status(status) => write!(f, "the source answers with status {status}"),
            FetchError::Redirects => {
                write!(f, "the source redirects more than {} times", super::REDIRECTS_MAX)
            }
            FetchError::Size(octets) => write!(f, "the source holds more than {octets} octets"),
            FetchError::Time(time) => {
                write!(f, "the source takes longer than {} s", time.as_secs())
            }
            FetchError::Connection(what) => write!(f, "the source cannot be read: {what}"),
            FetchError::Write(what) => write!(f, "the source cannot be kept: {what}"),
        }
    }
}

impl std::error::Error for FetchError {}

/// Ours for theirs.
pub(super) fn of(error: ureq::Error, time: Duration) -> FetchError {
    match error {
        ureq::Error::Timeout(_) => FetchError::Time(time),
        ureq::Error::Other(inner) => match inner.downcast::<FetchError>() {
            Ok(ours) => *ours,
            Err(other) => FetchError::Connection(other.to_string()),
        },
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            FetchError::Time(time)
        }
        ureq::Error::HostNotFound => FetchError::Connection("there is no such host".into()),
        ureq::Error::RequireHttpsOnly(_) => FetchError::Url("only https is fetched".into()),
        other => FetchError::Connection(other.to_string()),
    }
}
