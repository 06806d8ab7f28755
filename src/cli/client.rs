//! The way from a client command to a server.
//!
//! Owns the address, the connection, deadlines and what a failure says to a person. Must not know
//! what is asked. Plain TCP: TLS and tokens come with tenants and identity.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, TimeoutExpired};
use tonic_types::StatusExt as _;

use crate::wire::screening_v1::screening_service_client::ScreeningServiceClient;

/// Where `ringfence serve` listens when nothing else is said.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";
/// The data port, for addresses without one.
const DEFAULT_PORT: u16 = 50051;
/// A server that does not take a connection within this is as good as gone: loopback takes
/// microseconds, another continent 0.3 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest deadline or duration that makes sense on a command line.
const TIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// Which server to ask, and how long to wait.
#[derive(Args, Clone, Debug)]
pub struct ServerArgs {
    /// Server to ask
    #[arg(long, env = "RINGFENCE_SERVER", default_value = DEFAULT_SERVER, value_name = "URL")]
    #[arg(value_parser = ServerAddress::parse)]
    pub server: ServerAddress,
    /// How long to wait for an answer
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = positive_time)]
    pub deadline: Duration,
}

/// A server: host and port, no path, no TLS yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
}

impl ServerAddress {
    /// Reads `http://HOST:PORT`, `HOST:PORT` or `HOST`.
    ///
    /// Errors: a sentence for a person.
    pub fn parse(text: &str) -> Result<ServerAddress, String> {
        ServerAddress::parse_with_port(text, DEFAULT_PORT)
    }

    /// The same with another port for addresses without one.
    ///
    /// Errors: a sentence for a person.
    pub fn parse_with_port(text: &str, default_port: u16) -> Result<ServerAddress, String> {
        let expected =
            format!("expected http://HOST:PORT, such as http://127.0.0.1:{default_port}");
        let expected = expected.as_str();
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: http::Uri = url.parse().map_err(|e| format!("{e}; {expected}"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err("TLS is not supported yet; use http://".to_owned()),
            _ => return Err(expected.to_owned()),
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(expected)?;
        let user_info = uri.authority().is_some_and(|a| a.as_str().contains('@'));
        let past_authority = !matches!(uri.path(), "" | "/") || uri.query().is_some();
        if user_info || past_authority {
            return Err(expected.to_owned());
        }
        let port = match (uri.port_u16(), url.trim_end_matches('/').ends_with(host)) {
            (Some(port), _) => port,
            (None, true) => default_port,
            (None, false) => return Err(format!("the port is no port; {expected}")),
        };
        Ok(ServerAddress { host: host.trim_matches(['[', ']']).to_owned(), port })
    }

    /// Does it name this machine itself?
    pub fn is_loopback(&self) -> bool {
        let ip: Option<IpAddr> = self.host.parse().ok();
        ip.map_or(self.host.eq_ignore_ascii_case("localhost"), |ip| ip.is_loopback())
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ServerAddress { host, port } = self;
        if host.contains(':') {
            write!(f, "http://[{host}]:{port}")
        } else {
            write!(f, "http://{host}:{port}")
        }
    }
}

/// A time such as `500ms`, `10s` or `2m`, at most a day.
pub fn time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time > TIME_MAX => Err("must be at most a day".to_owned()),
        Ok(time) => Ok(time),
        Err(e) => Err(format!("{e}; expected a time such as 500ms, 10s or 2m")),
    }
}

/// As [`time`], and more than none.
pub fn positive_time(text: &str) -> Result<Duration, String> {
    match time(text) {
        Ok(time) if time.is_zero() => Err("must be more than none".to_owned()),
        read => read,
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum ClientError {
    /// No connection.
    Unreachable {
        /// The server as asked for.
        server: ServerAddress,
        /// The innermost cause.
        cause: String,
    },
    /// The server, or the way to it, answered with an error.
    Failed(Box<Status>),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Unreachable { server, cause } => write!(
                f,
                "server not reachable at {server} ({cause}): start it with `ringfence serve`, or \
                 name another with --server or RINGFENCE_SERVER"
            ),
            ClientError::Failed(status) => {
                write!(f, "{}: {}", code_name(code(status)), printable(status.message()))?;
                let details = status.get_details_bad_request();
                for violation in details.iter().flat_map(|details| &details.field_violations) {
                    let (field, what) = (&violation.field, &violation.description);
                    write!(f, "\n  {}: {}", printable(field), printable(what))?;
                }
                match code(status) {
                    Code::DeadlineExceeded => {
                        write!(f, "\n  the server did not answer in time; see --deadline")
                    }
                    Code::Unimplemented => {
                        write!(f, "\n  is this the data port? it is {DEFAULT_PORT} by default")
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for ClientError {}

impl From<Status> for ClientError {
    fn from(status: Status) -> ClientError {
        ClientError::Failed(Box::new(status))
    }
}

/// Opens a connection.
///
/// Errors: [`ClientError::Unreachable`] when none is there within 2 s.
pub async fn connect(server: &ServerAddress) -> Result<Channel, ClientError> {
    let unreachable = |failure: tonic::transport::Error| ClientError::Unreachable {
        server: server.clone(),
        cause: innermost(&failure),
    };
    let endpoint = Endpoint::from_shared(server.to_string()).map_err(unreachable)?;
    let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).tcp_nodelay(true);
    endpoint.connect().await.map_err(unreachable)
}

/// A client of the screening service on a new connection.
///
/// Errors: as [`connect`].
pub async fn screening(
    server: &ServerAddress,
) -> Result<ScreeningServiceClient<Channel>, ClientError> {
    Ok(ScreeningServiceClient::new(connect(server).await?))
}

/// A request with a deadline, kept on both sides.
pub fn request<T>(message: T, deadline: Duration) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(deadline);
    request
}

/// The status code; a deadline that ran out on our side is told as one (tonic says `CANCELLED`).
pub fn code(status: &Status) -> Code {
    let ours = status.code() == Code::Cancelled
        && status.message() == TimeoutExpired(()).to_string().as_str();
    if ours { Code::DeadlineExceeded } else { status.code() }
}

/// The name of a code as gRPC writes it.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Text from elsewhere, safe to print: control and direction characters cannot move the cursor,
/// colour the line or turn it around.
pub fn printable(text: &str) -> String {
    text.chars().map(printable_char).collect()
}

/// See [`printable`].
pub fn printable_char(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => '\u{fffd}',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => c,
    }
}

fn innermost(failure: &dyn std::error::Error) -> String {
    let mut inner = failure;
    while let Some(cause) = inner.source() {
        inner = cause;
    }
    inner.to_string()
}

#[cfg(test)]
pub(super) mod fake;

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn addresses_are_read_in_every_usual_form() {
        for (text, printed, loopback) in [
            ("http://127.0.0.1:50051", "http://127.0.0.1:50051", true),
            ("127.0.0.1:7", "http://127.0.0.1:7", true),
            ("127.8.9.1", "http://127.8.9.1:50051", true),
            ("localhost", "http://localhost:50051", true),
            ("http://[::1]:9/", "http://[::1]:9", true),
            ("[2001:db8::1]:9", "http://[2001:db8::1]:9", false),
            ("10.0.0.1:50051", "http://10.0.0.1:50051", false),
            ("localhost.example.com:1", "http://localhost.example.com:1", false),
        ] {
            let address = ServerAddress::parse(text).expect(text);
            assert_eq!(address.to_string(), printed);
            assert_eq!(address.is_loopback(), loopback, "{text}");
        }
        for bad in ["", "https://a:1", "ftp://a", "http://a:1/x", "http://u@a:1", "a b", "a:99999"]
        {
            assert!(ServerAddress::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_have_bounds() {
        assert_eq!(positive_time("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["0s", "25h", "5", "", "-1s"] {
            assert!(positive_time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_violation_stands_on_its_own_line() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("recipient.raw", "must not be empty");
        details.add_bad_request_violation("request_id", "must be at most 128 octets");
        let status =
            Status::with_error_details(Code::InvalidArgument, "the request is wrong", details);
        assert_eq!(
            ClientError::from(status).to_string(),
            "INVALID_ARGUMENT: the request is wrong\n  recipient.raw: must not be empty\n  \
             request_id: must be at most 128 octets"
        );
    }

    #[test]
    fn texts_from_elsewhere_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\u{9b}\u{202e}c\n"), "a␛[31mb\u{fffd}\u{fffd}c␊");
        assert_eq!(printable("【银行】 ok"), "【银行】 ok");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named_with_what_to_do() {
        // Port 1 (tcpmux) is not served on any machine this runs on.
        let server = ServerAddress::parse("127.0.0.1:1").expect("an address");
        let text = connect(&server).await.expect_err("nobody listens").to_string();
        assert!(text.contains("http://127.0.0.1:1"), "{text}");
        assert!(text.contains("ringfence serve"), "{text}");
    }
}
