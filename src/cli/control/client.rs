//! The way from a command to the control port: address, who asks, and what a refusal says.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use super::Failure;
use crate::cli::client::{self, ClientError, ServerAddress, code, code_name, printable};
use crate::wire::lists_v1 as pb;
use pb::audit_service_client::AuditServiceClient;
use pb::change_set_service_client::ChangeSetServiceClient;
use pb::list_service_client::ListServiceClient;
use pb::source_service_client::SourceServiceClient;

/// Where `ringfence serve` has its control port when nothing else is said.
pub const DEFAULT_CONTROL: &str = "http://127.0.0.1:50052";
/// The control port, for addresses without one.
const DEFAULT_PORT: u16 = 50052;
/// How long a short call may take: a commit of a large import compiles for seconds.
const DEADLINE: Duration = Duration::from_secs(120);
/// A page of a thousand large rows.
const ANSWER_BYTES_MAX: usize = 128 * 1024 * 1024;
/// A token file larger than this is none.
const TOKEN_BYTES_MAX: u64 = 4096;

/// Which control port to ask, as whom, and how answers look.
#[derive(Args, Clone, Debug)]
pub struct ControlArgs {
    /// Control port to ask
    #[arg(long, env = "RINGFENCE_CONTROL", default_value = DEFAULT_CONTROL, value_name = "URL")]
    #[arg(value_parser = control_address, help_heading = "Server")]
    pub control_server: ServerAddress,
    /// Who acts [default: the user name; `admin` with a token]
    #[arg(long = "as", value_name = "NAME", help_heading = "Server")]
    pub actor: Option<String>,
    /// File that holds the admin token; needed from another machine
    #[arg(long, env = "RINGFENCE_TOKEN_FILE", value_name = "FILE", help_heading = "Server")]
    pub token_file: Option<PathBuf>,
    /// Print one JSON object per line
    #[arg(long, help_heading = "Server")]
    pub json: bool,
}

fn control_address(text: &str) -> Result<ServerAddress, String> {
    ServerAddress::parse_with_port(text, DEFAULT_PORT)
}

/// A connection, and who asks over it.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    actor: Option<AsciiMetadataValue>,
    authorization: Option<AsciiMetadataValue>,
    /// Answers go out as JSON.
    pub json: bool,
}

impl Client {
    /// Opens a connection.
    ///
    /// Errors: no server there, a token file that cannot be read, a name that cannot be sent.
    pub async fn connect(args: &ControlArgs) -> Result<Client, Failure> {
        let authorization = args.token_file.as_deref().map(authorization).transpose()?;
        let named = args.actor.clone().or_else(|| match authorization {
            Some(_) => None,
            None => user_name(),
        });
        let bad = |_| "the name of who acts must be plain ASCII text: see --as";
        let actor = named.map(|name| name.parse().map_err(bad)).transpose()?;
        let channel = client::connect(&args.control_server).await.map_err(|e| match e {
            ClientError::Unreachable { server, cause } => format!(
                "control port not reachable at {server} ({cause}): start it with `ringfence \
                 serve`, or name another with --control-server or RINGFENCE_CONTROL"
            ),
            failed => failed.to_string(),
        })?;
        Ok(Client { channel, actor, authorization, json: args.json })
    }

    /// Of the lists.
    pub fn lists(&self) -> ListServiceClient<Channel> {
        ListServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Of the change-sets.
    pub fn sets(&self) -> ChangeSetServiceClient<Channel> {
        ChangeSetServiceClient::new(self.channel.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Of the log.
    pub fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Of the sources.
    pub fn sources(&self) -> SourceServiceClient<Channel> {
        SourceServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// A request that names who asks, with a deadline.
    pub fn ask<T>(&self, message: T) -> Request<T> {
        let mut request = self.long(message);
        request.set_timeout(DEADLINE);
        request
    }

    /// The same without a deadline.
    pub fn long<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        if let Some(actor) = &self.actor {
            metadata.insert("ringfence-actor", actor.clone());
        }
        if let Some(authorization) = &self.authorization {
            metadata.insert("authorization", authorization.clone());
        }
        request
    }
}

fn authorization(file: &Path) -> Result<AsciiMetadataValue, Failure> {
    let failed = |e: &dyn fmt::Display| format!("cannot read a token from {}: {e}", file.display());
    let size = fs::metadata(file).map_err(|e| failed(&e))?.len();
    if size > TOKEN_BYTES_MAX {
        return Err(failed(&"it is too large for one").into());
    }
    let text = fs::read_to_string(file).map_err(|e| failed(&e))?;
    let mut value: AsciiMetadataValue =
        format!("Bearer {}", text.trim()).parse().map_err(|e| failed(&e))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The name of the user who runs this; the environment first, then the password file.
fn user_name() -> Option<String> {
    let named = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    if let Some(name) = named.into_iter().find(|name| !name.is_empty()) {
        return Some(name);
    }
    let uid = fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let of_uid = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    };
    users.lines().find_map(of_uid)
}

/// A refusal, with what to do next.
#[derive(Debug)]
pub struct Refused {
    status: Box<Status>,
    /// The change-set that was asked about.
    change_set: Option<u64>,
}

impl Refused {
    /// Of a call about a change-set.
    pub fn about(change_set: u64) -> impl Fn(Status) -> Refused {
        move |status| Refused { status: Box::new(status), change_set: Some(change_set) }
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Refused {
        Refused { status: Box::new(status), change_set: None }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = code(&self.status);
        write!(f, "{}: {}", code_name(code), printable(self.status.message()))?;
        let details = self.status.get_details_bad_request();
        for violation in details.iter().flat_map(|details| &details.field_violations) {
            let (field, what) = (&violation.field, &violation.description);
            write!(f, "\n  {}: {}", printable(field), printable(what))?;
        }
        match self.next(code) {
            Some(next) => write!(f, "\nnext: {next}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

impl Refused {
    /// What to do, by the stable reason.
    fn next(&self, code: Code) -> Option<String> {
        let info = self.status.get_details_error_info();
        let reason = info.as_ref().map_or("", |info| info.reason.as_str());
        let id = self.change_set.map_or_else(|| "ID".to_owned(), |id| id.to_string());
        let kind = info.as_ref().and_then(|info| info.metadata.get("kind"));
        Some(match (reason, code) {
            ("NOT_DRAFT", _) => format!(
                "see where it stands with `ringfence changeset show {id}`; begin another with \
                 `ringfence changeset new`"
            ),
            ("HAS_ERRORS", _) => format!(
                "`ringfence changeset check {id}` names each error with its edit; take edits out \
                 with `ringfence changeset unedit {id} PLACE`"
            ),
            ("WARNINGS_NOT_ACCEPTED", _) => format!(
                "read them with `ringfence changeset check {id}`, then `ringfence changeset submit \
                 {id} --accept-warnings`"
            ),
            ("NEEDS_APPROVAL", _) => format!(
                "another person runs `ringfence changeset approve {id}`, then `ringfence changeset \
                 commit {id}`; in an emergency `ringfence changeset commit {id} --break-glass \
                 REASON` goes ahead and opens a review"
            ),
            ("SAME_PERSON", _) => {
                "another person than the author has to do this; --as says who acts".to_owned()
            }
            ("TOO_LARGE", _) => "split the change-set into smaller ones".to_owned(),
            ("STOPS_ORDINARY_TRAFFIC" | "GUARD", _) => format!(
                "look at `ringfence changeset preview {id}` for what is too broad or protected, \
                 and take it out with `ringfence changeset unedit {id} PLACE`"
            ),
            ("NO_FETCH", _) => {
                "download the file, then `ringfence import FILE --list LIST`".to_owned()
            }
            ("SOURCE_FAILED" | "SOURCE_BUSY", _) => {
                "ask again later; the server does so by itself".to_owned()
            }
            ("SOURCE_REFUSED", _) => {
                "look at the URL; `ringfence source remove NAME`, then add it with the right one"
                    .to_owned()
            }
            ("STALE", _) => format!("`ringfence changeset show {id}` shows it as it is now"),
            ("OUTCOME_UNKNOWN", _) => {
                "`ringfence changeset ls` shows what is there; repeat only what is not".to_owned()
            }
            ("LOG_CORRUPT" | "LOG_INCOMPLETE", _) => {
                "stop the server, keep a copy of its data folder, restore a backup".to_owned()
            }
            ("NOT_FOUND", _) => match kind.map(String::as_str) {
                Some("list") => "`ringfence list ls` names all; `ringfence list create` makes one",
                Some("change_set") => "`ringfence changeset ls` names all",
                Some("source") => "`ringfence source ls` names all",
                Some("entry") => "`ringfence entry ls LIST` names all",
                _ => return None,
            }
            .to_owned(),
            (_, Code::Unavailable | Code::ResourceExhausted) => {
                "nothing was changed; try again, and see /readyz and the log if it stays".to_owned()
            }
            (_, Code::DeadlineExceeded) => {
                "look with `ringfence changeset ls` before you repeat a change".to_owned()
            }
            (_, Code::Unimplemented) => format!(
                "is this the control port? it is {DEFAULT_PORT} by default; a server without a \
                 writable catalogue has no such service"
            ),
            _ => return None,
        })
    }
}
